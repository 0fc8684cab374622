// SPDX-License-Identifier: Apache-2.0
//
// Arbitrates DMEM's gather port: residual reads first, compute and vector engine round robin.
// Residual reads have priority because the post unit waits for them. A tag names the client of each
// access and routes the answer to it.
//
// Timing    Outputs are combinational, except for the round-robin state. g_valid_o and the request
//           do not depend on g_ready_i. The request may change while the gather is not ready: a
//           residual read overtakes a waiting access, and an access of the compute engine may
//           overtake one of the vector engine once. The gather samples the request in the cycle in
//           which it is ready.
// Contract  A client holds its access until it is accepted. A residual read is accepted with
//           g_ready_i.
// Check     trine_gather_arb_tb, random_program_test

module trine_gather_arb #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned Lanes    = 8,  // of the gather, at least Rows
  parameter int unsigned AddrBits = 15,
  localparam int unsigned TagBits = 6   // two of the client, four of the access
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  logic                           clear_i,

  // Compute.
  input  logic                           c_valid_i,
  output logic                           c_ready_o,
  input  logic [Lanes*AddrBits-1:0]      c_addr_i,
  input  logic [Lanes-1:0]               c_lanes_i,
  input  logic [7:0]                     c_pad_i,
  input  logic [3:0]                     c_tag_i,
  input  logic                           c_hold_i,  // the access at the front must wait
  output logic [Lanes-1:0]               c_rsp_lanes_o,
  output logic                           c_rsp_done_o,
  output logic                           c_rsp_done_next_o,

  // Vector.
  input  logic                           v_valid_i,
  output logic                           v_ready_o,
  input  logic [Rows*AddrBits-1:0]       v_addr_i,
  input  logic [Rows-1:0]                v_lanes_i,
  input  logic [7:0]                     v_pad_i,
  input  logic [2:0]                     v_tag_i,
  input  logic                           v_hold_i,
  output logic [Rows-1:0]                v_rsp_lanes_o,
  output logic                           v_rsp_done_o,

  // Residuals.
  input  logic                           r_valid_i,
  input  logic [Rows*AddrBits-1:0]       r_addr_i,
  input  logic [Rows-1:0]                r_lanes_i,
  output logic [Rows-1:0]                r_rsp_lanes_o,
  output logic                           r_rsp_done_o,

  // The gather.
  output logic                           g_valid_o,
  input  logic                           g_ready_i,
  output logic [Lanes*AddrBits-1:0]      g_addr_o,
  output logic [Lanes-1:0]               g_lanes_o,
  output logic [7:0]                     g_pad_o,
  output logic [TagBits-1:0]             g_tag_o,
  output logic                           g_hold_o,
  input  trine_maps_pkg::gather_t      g_i,
  input  logic [Lanes-1:0]               rsp_lanes_i,

  // For the cause of a cycle: the access in front belongs to the compute engine; an access of
  // another client was accepted.
  output logic                           c_front_o,
  output logic                           c_arb_lost_o
);

  localparam logic [1:0] TagCompute = 2'd0, TagVector = 2'd1, TagResidual = 2'd2;

  logic vector_next_q, c_grant, v_grant, c_front, v_front, c_rsp, v_rsp, r_rsp;

  assign c_grant = !r_valid_i && !(v_valid_i && vector_next_q);
  assign v_grant = !r_valid_i && !(c_valid_i && c_grant);

  assign g_valid_o = r_valid_i || c_valid_i || v_valid_i;
  assign c_ready_o = g_ready_i && c_grant;
  assign v_ready_o = g_ready_i && v_grant;

  always_comb begin
    g_addr_o  = c_addr_i;
    g_lanes_o = c_lanes_i;
    g_pad_o   = c_pad_i;
    g_tag_o   = {TagCompute, c_tag_i};
    if (r_valid_i) begin
      g_addr_o  = (Lanes*AddrBits)'(r_addr_i);
      g_lanes_o = Lanes'(r_lanes_i);
      g_tag_o   = {TagResidual, 4'd0};
    end else if (!(c_valid_i && c_grant)) begin
      g_addr_o  = (Lanes*AddrBits)'(v_addr_i);
      g_lanes_o = Lanes'(v_lanes_i);
      g_pad_o   = v_pad_i;
      g_tag_o   = {TagVector, 1'd0, v_tag_i};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) vector_next_q <= 1'b0;
    else if (clear_i) vector_next_q <= 1'b0;
    else if (g_ready_i && !r_valid_i) vector_next_q <= c_valid_i && c_grant;
  end

  // Answers.
  assign c_front           = g_i.front_tag[TagBits-1 -: 2] == TagCompute;
  assign v_front           = g_i.front_tag[TagBits-1 -: 2] == TagVector;
  assign c_rsp             = g_i.rsp_tag[TagBits-1 -: 2] == TagCompute;
  assign v_rsp             = g_i.rsp_tag[TagBits-1 -: 2] == TagVector;
  assign r_rsp             = g_i.rsp_tag[TagBits-1 -: 2] == TagResidual;
  assign c_rsp_lanes_o     = c_rsp ? rsp_lanes_i : '0;
  assign v_rsp_lanes_o     = v_rsp ? rsp_lanes_i[Rows-1:0] : '0;
  assign r_rsp_lanes_o     = r_rsp ? rsp_lanes_i[Rows-1:0] : '0;
  assign c_rsp_done_o      = g_i.rsp_done && c_rsp;
  assign v_rsp_done_o      = g_i.rsp_done && v_rsp;
  assign r_rsp_done_o      = g_i.rsp_done && r_rsp;
  assign c_rsp_done_next_o = g_i.rsp_done_next && g_i.rsp_tag_next[TagBits-1 -: 2] == TagCompute;

  assign g_hold_o     = (c_hold_i && c_front) || (v_hold_i && v_front);
  assign c_front_o    = c_front;
  assign c_arb_lost_o = c_valid_i && !c_grant && g_ready_i;

  logic unused_tags;
  assign unused_tags = ^{g_i.front_tag, g_i.rsp_tag_next, g_i.rsp_tag};

`ifdef TRINE_ASSERT
  logic live_q, c_waits_q, v_waits_q, g_waits_q;
  logic [Lanes*(AddrBits+1)+11:0] c_q;
  logic [Rows*(AddrBits+1)+10:0]  v_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, c_waits_q, v_waits_q, g_waits_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      c_waits_q <= c_valid_i && !c_ready_o && !clear_i;
      v_waits_q <= v_valid_i && !v_ready_o && !clear_i;
      g_waits_q <= g_valid_o && !g_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    c_q <= {c_addr_i, c_lanes_i, c_pad_i, c_tag_i};
    v_q <= {v_addr_i, v_lanes_i, v_pad_i, v_tag_i};
    if (live_q && !clear_i) begin
      if (c_waits_q) begin
        m_compute: assume (c_valid_i && {c_addr_i, c_lanes_i, c_pad_i, c_tag_i} == c_q);
      end
      if (v_waits_q) begin
        m_vector: assume (v_valid_i && {v_addr_i, v_lanes_i, v_pad_i, v_tag_i} == v_q);
      end
      if (g_waits_q) a_asks: assert (g_valid_o);
    end
    if (live_q) begin
      // Every answer belongs to one client, and at most one of two clients is granted.
      if (g_i.rsp_done) a_owner: assert ($onehot({c_rsp, v_rsp, r_rsp}));
      a_one_grant: assert (!(c_valid_i && c_grant && v_valid_i && v_grant));
      c_contest: cover (c_valid_i && v_valid_i && vector_next_q && g_ready_i);
    end
  end
`endif

endmodule
