// SPDX-License-Identifier: Apache-2.0
//
// Stores the configurations of the jobs in trine_drain and selects the configuration of the job in
// front. With Int16, the configuration of each engine is stored until the engine's next
// instruction, because the lanes may contain codes of both engines. These are int16 codes that the
// compute engine requantizes, and codes that the vector engine computes from int16 codes.
//
// Timing    The outputs are registers, followed by a multiplexer.
// Contract  c_first_i and v_first_i come with the first job of an instruction. This job waits for
//           empty lanes. Without Int16, the first job after a change of the engine also waits for
//           empty lanes.
// Check     trine_post_tb; random_program_test

module trine_drain_cfg #(
  parameter int unsigned AddrBits = 15,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Table    = 1'b0,
  parameter bit          Int16    = 1'b0,
  parameter bit          Sums     = 1'b0,
  parameter bit          Softmax  = 1'b0,
  parameter int unsigned Drain    = 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // A job is accepted that has a new configuration, or whose engine differs from the last job's.
  input  logic                   c_first_i,
  input  logic                   v_first_i,
  input  logic                   other_i,
  input  trine_job_pkg::cfg_t   cfg_i,
  input  logic                   vector_i,  // the job in front is the vector engine's

  output trine_job_pkg::cfg_t   cfg_o,
  output trine_post_pkg::kind_t     kind_o,
  output trine_post_pkg::cfg_pair_t cfg_pair_o,
  output logic [3:0]             c_latency_o,
  output logic [3:0]             v_latency_o
);

  trine_post_pkg::kind_t kind_d;

  if ($bits(cfg_i) != trine_post_pkg::CfgBits) begin : gen_bad_bits
    $error("trine_drain_cfg: CfgBits");
  end

  trine_post_kind #(
    .Ternary (Ternary), .Binary (Binary), .Table (Table), .Int16 (Int16), .Softmax (Softmax),
    .Sums    (Sums), .Drain (Drain)
  ) u_kind (.cfg_i, .kind_o (kind_d));

  trine_job_pkg::cfg_t   c_cfg_q, v_cfg_q, c_seen, v_seen;  // without Int16, one register for both
  trine_post_pkg::kind_t c_kind_q, v_kind_q;
  logic                  c_valid_q, v_valid_q, c_load, v_load;

  assign c_load = c_first_i || (!Int16 && (v_first_i || other_i));
  assign v_load = v_first_i && Int16;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {c_valid_q, v_valid_q} <= '0;
    else {c_valid_q, v_valid_q} <= {c_valid_q || c_load, v_valid_q || v_load};
  end

  always_ff @(posedge clk_i) begin
    if (c_load) begin
      c_cfg_q  <= cfg_i;
      c_kind_q <= kind_d;
    end
    if (v_load) begin
      v_cfg_q  <= cfg_i;
      v_kind_q <= kind_d;
    end
  end

  assign cfg_o  = Int16 && vector_i ? v_cfg_q : c_cfg_q;
  assign kind_o = Int16 && vector_i ? v_kind_q : c_kind_q;

  // Fields that are read only for the job in front are set to 0, so no register stores them.
  always_comb begin
    c_seen                = c_cfg_q;
    c_seen.window         = 1'b0;
    c_seen.passes_last    = '0;
    c_seen.residual_delta = '0;
    c_seen.sums           = 1'b0;
    c_seen.out_plane      = 24'(c_cfg_q.out_plane[AddrBits-1:0]);
    c_seen.param          = '0;
    c_seen.channels       = '0;
    c_seen.position       = '0;
    if (!(Ternary || Binary)) c_seen.low = '0;
    if (!Int16) begin
      {c_seen.words, c_seen.third, c_seen.fifth} = '0;
      {c_seen.exponential, c_seen.shares, c_seen.by_row} = '0;
    end
    c_seen.groups = 1'b0;
    v_seen           = Int16 ? v_cfg_q : c_seen;
    v_seen.out_plane = 24'(v_seen.out_plane[AddrBits-1:0]);
  end

  assign cfg_pair_o.c_cfg    = c_seen;
  assign cfg_pair_o.v_cfg    = v_seen;
  assign cfg_pair_o.v_lookup = v_kind_q.lookup && Int16;
  assign cfg_pair_o.v_line   = v_kind_q.line && Int16;
  assign cfg_pair_o.v_tanh   = v_cfg_q.tanh && Int16;
  assign cfg_pair_o.mixed    = Int16 && c_valid_q && c_cfg_q.int16 && c_kind_q.requant &&
                               v_valid_q && v_cfg_q.int16 && !v_kind_q.whole && !v_cfg_q.words &&
                               !v_cfg_q.exponential && !v_cfg_q.shares;
  assign c_latency_o = c_kind_q.latency;
  assign v_latency_o = v_kind_q.latency;

  logic unused_cfg;
  assign unused_cfg = ^{other_i, vector_i, c_valid_q, v_valid_q, v_cfg_q, v_kind_q};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_one_job: assume (!(c_first_i && v_first_i));
      a_mixes:   assert (!cfg_pair_o.mixed || (cfg_o.int16 && c_valid_q && v_valid_q));
    end
  end
`endif

endmodule
