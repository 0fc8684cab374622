// SPDX-License-Identifier: Apache-2.0
//
// Connects DMEM and the arbiter of its gather port (trine_gather_arb). The compute engine, the
// vector engine and residual reads share the gather port. Results and the DMA have their own ports.
//
// Timing    See trine_dmem.
// Contract  A client holds its request until it is accepted (ready).
// Check     trine_dmem_tb, random_program_test

module trine_maps #(
  parameter int unsigned Rows      = 8,
  parameter int unsigned Lanes     = 8,     // of the gather, at least Rows
  parameter int unsigned Banks     = 16,
  parameter int unsigned BankRows  = 2048,
  parameter int unsigned DataWords = 2,     // of the DMA port
  parameter bit          Ecc       = 1'b0,
  parameter int unsigned MaskBits  = 8,     // bits under one bit of a mask
  localparam int unsigned RowBits  = BankRows > 1 ? $clog2(BankRows) : 1,
  localparam int unsigned AddrBits = $clog2(Banks) + RowBits,
  localparam int unsigned WordBits = Rows * (AddrBits + 33) + 32,
  localparam int unsigned WriteBits = 1 + 33 * DataWords + AddrBits
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            clear_i,

  // Reads of the compute engine, lanes as {active lanes, addresses}; c_stall_o is for the cause of
  // a cycle.
  input  trine_engine_pkg::gather_req_t   c_req_i,
  output logic                            c_ready_o,
  input  logic [Lanes*(AddrBits+1)-1:0]   c_lanes_i,
  output logic [Lanes-1:0]                c_rsp_lanes_o,
  output logic                            c_rsp_done_next_o,  // rsp_done_o[0] comes one cycle later
  output trine_engine_pkg::gather_stall_t c_stall_o,

  // Reads of the vector engine, likewise.
  input  trine_engine_pkg::gather_req_t   v_req_i,
  output logic                            v_ready_o,
  input  logic [Rows*(AddrBits+1)-1:0]    v_lanes_i,
  output logic [Rows-1:0]                 v_rsp_lanes_o,

  // Residuals, likewise.
  input  logic                            r_valid_i,
  output logic                            r_ready_o,
  input  logic [Rows*(AddrBits+1)-1:0]    r_lanes_i,
  output logic [Rows-1:0]                 r_rsp_lanes_o,

  // Answers to all three clients. rsp_done_o marks complete answers: {residuals, vector, compute}.
  output logic [2:0]                      rsp_done_o,
  output logic [Lanes*33-1:0]             rsp_data_o,  // {inactive lanes, words}
  output logic [3:0]                      rsp_tag_o,

  // Results: {addresses, active lanes, data, mask}.
  input  logic                            s_valid_i,
  output logic                            s_ready_o,
  input  logic [WordBits-1:0]             s_word_i,

  // DMA.
  input  logic                            dma_wvalid_i,
  output logic                            dma_wready_o,
  input  logic [WriteBits-1:0]            dma_wbeat_i,  // {last, mask, address, data}
  output logic                            dma_wdone_o,  // a copy is written
  input  logic                            dma_rvalid_i,
  output logic                            dma_rready_o,
  input  logic [AddrBits-1:0]             dma_raddr_i,
  output logic                            dma_rdata_valid_o,
  output logic [32*DataWords-1:0]         dma_rdata_o,

  // Zeros of a scrub; errors (Ecc).
  input  logic                            init_i,
  input  logic [RowBits-1:0]              init_row_i,
  output logic [Banks-1:0]                ecc_corrected_o,
  output logic                            ecc_fatal_o,
  output logic [AddrBits-1:0]             ecc_addr_o
);

  localparam int unsigned TagBits = 6;

  trine_maps_pkg::gather_t gather;

  logic                      g_valid, g_ready, g_hold, g_waiting, c_front;
  logic [Lanes*AddrBits-1:0] g_addr;
  logic [Lanes-1:0]          g_lanes, rsp_lanes;
  logic [7:0]                g_pad;
  logic [TagBits-1:0]        g_tag;
  logic [Lanes-1:0]          c_lanes;
  logic [Lanes*AddrBits-1:0] c_addr;
  logic [Rows-1:0]           v_lanes, r_lanes, s_lanes;
  logic [Rows*AddrBits-1:0]  v_addr, r_addr, s_addr;
  logic [Rows*32-1:0]        s_data;
  logic [31:0]               s_mask;

  assign {c_lanes, c_addr}                 = c_lanes_i;
  assign {v_lanes, v_addr}                 = v_lanes_i;
  assign {r_lanes, r_addr}                 = r_lanes_i;
  assign {s_addr, s_lanes, s_data, s_mask} = s_word_i;
  assign r_ready_o        = g_ready;
  assign rsp_tag_o        = gather.rsp_tag[3:0];
  assign c_stall_o.replay = g_waiting && !g_hold && c_front;

  trine_gather_arb #(
    .Rows     (Rows),
    .Lanes    (Lanes),
    .AddrBits (AddrBits)
  ) u_gather_arb (
    .clk_i,
    .rst_ni,
    .clear_i,
    .c_valid_i    (c_req_i.valid),
    .c_ready_o,
    .c_addr_i     (c_addr),
    .c_lanes_i    (c_lanes),
    .c_pad_i      (c_req_i.pad),
    .c_tag_i      (c_req_i.tag),
    .c_hold_i     (c_req_i.hold),
    .c_rsp_lanes_o,
    .c_rsp_done_o (rsp_done_o[0]),
    .c_rsp_done_next_o,
    .v_valid_i    (v_req_i.valid),
    .v_ready_o,
    .v_addr_i     (v_addr),
    .v_lanes_i    (v_lanes),
    .v_pad_i      (v_req_i.pad),
    .v_tag_i      (v_req_i.tag[2:0]),
    .v_hold_i     (v_req_i.hold),
    .v_rsp_lanes_o,
    .v_rsp_done_o (rsp_done_o[1]),
    .r_valid_i,
    .r_addr_i     (r_addr),
    .r_lanes_i    (r_lanes),
    .r_rsp_lanes_o,
    .r_rsp_done_o (rsp_done_o[2]),
    .g_valid_o    (g_valid),
    .g_ready_i    (g_ready),
    .g_addr_o     (g_addr),
    .g_lanes_o    (g_lanes),
    .g_pad_o      (g_pad),
    .g_tag_o      (g_tag),
    .g_hold_o     (g_hold),
    .g_i          (gather),
    .rsp_lanes_i  (rsp_lanes),
    .c_front_o    (c_front),
    .c_arb_lost_o (c_stall_o.arb_lost)
  );

  trine_dmem #(
    .Rows      (Rows),
    .Lanes     (Lanes),
    .Banks     (Banks),
    .BankRows  (BankRows),
    .DataWords (DataWords),
    .TagBits   (TagBits),
    .Ecc       (Ecc),
    .MaskBits  (MaskBits)
  ) u_dmem (
    .clk_i,
    .rst_ni,
    .clear_i,
    .g_valid_i       (g_valid),
    .g_ready_o       (g_ready),
    .g_addr_i        (g_addr),
    .g_lanes_i       (g_lanes),
    .g_pad_i         (g_pad),
    .g_tag_i         (g_tag),
    .g_hold_i        (g_hold),
    .g_waiting_o     (g_waiting),
    .g_tag_o         (gather.front_tag),
    .rsp_lanes_o     (rsp_lanes),
    .rsp_data_o,
    .rsp_tag_o       (gather.rsp_tag),
    .rsp_done_o      (gather.rsp_done),
    .rsp_done_next_o (gather.rsp_done_next),
    .rsp_tag_next_o  (gather.rsp_tag_next),
    .s_valid_i,
    .s_ready_o,
    .s_addr_i        (s_addr),
    .s_lanes_i       (s_lanes),
    .s_data_i        (s_data),
    .s_mask_i        (s_mask),
    .dma_wvalid_i,
    .dma_wready_o,
    .dma_wbeat_i,
    .dma_wdone_o,
    .dma_rvalid_i,
    .dma_rready_o,
    .dma_raddr_i,
    .dma_rdata_valid_o,
    .dma_rdata_o,
    .init_i,
    .init_row_i,
    .ecc_corrected_o,
    .ecc_fatal_o,
    .ecc_addr_o
  );

  logic unused_req;
  assign unused_req = v_req_i.tag[3];

`ifdef TRINE_ASSERT
  logic                         live_q, r_waits_q, s_waits_q, w_waits_q, d_waits_q;
  logic [Rows*(AddrBits+1)-1:0] held_lanes_q;
  logic [WordBits-1:0]          held_word_q;
  logic [WriteBits-1:0]         held_beat_q;
  logic [AddrBits-1:0]          held_addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, r_waits_q, s_waits_q, w_waits_q, d_waits_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      r_waits_q <= r_valid_i && !r_ready_o && !clear_i;
      s_waits_q <= s_valid_i && !s_ready_o && !clear_i;
      w_waits_q <= dma_wvalid_i && !dma_wready_o && !clear_i;
      d_waits_q <= dma_rvalid_i && !dma_rready_o && !clear_i;
    end
  end

  // trine_gather_arb checks the requests of the compute and the vector engine.
  always_ff @(posedge clk_i) begin
    held_lanes_q <= r_lanes_i;
    held_word_q  <= s_word_i;
    held_beat_q  <= dma_wbeat_i;
    held_addr_q  <= dma_raddr_i;
    if (live_q && !clear_i) begin
      if (r_waits_q) m_residual: assume (r_valid_i && r_lanes_i == held_lanes_q);
      if (s_waits_q) m_results: assume (s_valid_i && s_word_i == held_word_q);
      if (w_waits_q) m_write: assume (dma_wvalid_i && dma_wbeat_i == held_beat_q);
      if (d_waits_q) m_read: assume (dma_rvalid_i && dma_raddr_i == held_addr_q);
    end
  end
`endif

endmodule
