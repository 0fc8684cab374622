// SPDX-License-Identifier: Apache-2.0
//
// Decodes what the lanes do with a job's values: operation, cycles in which a value may enter,
// latency. This module is the only table of these properties.
//
//   operation          enters in             second lane     cycles in the lanes
//   raw, direct        each cycle            not supported   1
//   raw or requantize, each cycle            not supported   1 or 6
//     with sums
//   threshold          each cycle            see below       2, after the last pair enters
//   requantize         each cycle            supported       6
//   add, multiply      each cycle            not supported   8
//   square             2 of 4 cycles         not supported   10
//   fused addition     every second cycle,   see below       13
//                      or each (Drain = 2)
//   fused maximum      every second cycle    supported       6
//   line               every second cycle    not supported   12, or 13 with an exponential
//
// The second lane of a row supports thresholds only if each sum has a single pair of thresholds.
// With Drain = 2, a fused addition passes the second lane and then the first lane (trine_lanes).
//
// The operand register takes one cycle. trine_post_lane (constants Lane.. of trine_post_pkg) or the
// threshold counters take the other cycles. A lookup takes one more cycle, but the cycles of a line
// include its lookups. A square passes the multiplier twice, two cycles apart. A fused addition
// passes the multiplier twice, an odd number of cycles apart. These two operations enter only in
// the phases of a four-cycle period that leave room for their second pass. Any other kind of job is
// requantized, so that no code gets stuck.
//
// Timing    The output is combinational.
// Check     trine_post_tb

module trine_post_kind #(
  parameter bit          Ternary = 1'b0,
  parameter bit          Binary  = 1'b0,
  parameter bit          Table   = 1'b0,
  parameter bit          Int16   = 1'b0,
  parameter bit          Softmax = 1'b0,
  parameter bit          Sums    = 1'b0,
  parameter int unsigned Drain   = 1  // columns per cycle: 1, 2
) (
  input  trine_job_pkg::cfg_t   cfg_i,
  output trine_post_pkg::kind_t kind_o
);

  localparam logic [3:0] Every = 4'b1111, Second = 4'b1010, Half = 4'b0011;

  always_comb begin
    kind_o         = '0;
    kind_o.phases  = Every;
    kind_o.latency = 4'(1 + trine_post_pkg::LaneRequant);
    unique case (cfg_i.kind)
      trine_job_pkg::KindAdd: begin
        kind_o.op      = trine_post_pkg::OpAdd;
        kind_o.latency = 4'(1 + trine_post_pkg::LaneAdd);
        if (cfg_i.square) begin
          kind_o.phases  = Half;
          kind_o.latency = 4'(1 + trine_post_pkg::LaneSquare);
        end
      end
      trine_job_pkg::KindMul: begin
        kind_o.op      = trine_post_pkg::OpMul;
        kind_o.latency = 4'(1 + trine_post_pkg::LaneAdd);
      end
      trine_job_pkg::KindFused: begin
        kind_o.op    = trine_post_pkg::OpFused;
        kind_o.fused = 1'b1;
        kind_o.pairs = cfg_i.max;
        if (Drain == 1 || cfg_i.max) kind_o.phases = Second;
        if (!cfg_i.max) kind_o.latency = 4'(1 + trine_post_pkg::LaneFused);
      end
      trine_job_pkg::KindRaw, trine_job_pkg::KindDirect: begin
        kind_o.whole   = 1'b1;
        kind_o.raw     = cfg_i.kind == trine_job_pkg::KindRaw;
        kind_o.latency = 4'd1;
      end
      default: begin
        kind_o.requant   = cfg_i.kind == trine_job_pkg::KindRequant && !(Sums && cfg_i.sums);
        kind_o.threshold = (Ternary || Binary) && cfg_i.kind == trine_job_pkg::KindThreshold;
        kind_o.pairs     = kind_o.requant || (cfg_i.passes_last == '0 && !(Sums && cfg_i.sums));
        if (kind_o.threshold) kind_o.latency = 4'd2;
      end
    endcase
    kind_o.sums = Sums && cfg_i.sums;
    if (Table && cfg_i.lookup && !(kind_o.fused || kind_o.threshold || kind_o.whole)) begin
      kind_o.lookup  = 1'b1;
      kind_o.pairs   = 1'b0;
      kind_o.latency = kind_o.latency + 4'd1;
    end
    if (Table && Int16 && kind_o.requant && cfg_i.line) begin
      kind_o.lookup  = 1'b1;
      kind_o.line    = 1'b1;
      kind_o.pairs   = 1'b0;
      kind_o.phases  = Second;
      kind_o.latency = 4'(1 + trine_post_pkg::LaneLine);
      if (Softmax && cfg_i.exponential) kind_o.latency = 4'(1 + trine_post_pkg::LaneExponential);
    end
  end

  logic unused_cfg;
  assign unused_cfg = ^cfg_i;

endmodule
