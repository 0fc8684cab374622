// SPDX-License-Identifier: Apache-2.0
//
// Accumulates the dot products of one output (processing element) and hands over the sum at the
// reduction's end.
//
//   valid_i           acc   = (first_i ? 0 : acc) + dot(act_i, wgt_i)      modulo 2^AccBits
//   valid_i, last_i   drain = the new acc
//
// trine_dot computes the dot product: 4 int8, 16 ternary or 32 binary products. The drain register
// is a second bank: it stores the result of a tile while the accumulator works on the next tile.
//
// Timing    Throughput is one step per cycle. drain_o is valid Stages cycles after a step with
//           last_i, and holds until Stages cycles after the next step with last_i. With two stages,
//           the dot product has its own register, and only one addition is in the accumulator's
//           loop.
// Contract  A reduction starts with first_i and ends with last_i. A single step may have both.
//           mode_i does not change in between, except from 2 to 3 and back (trine_dot). The
//           pipeline has no reset: drain_o and the accumulator are undefined until the first step
//           with last_i.
//
// Check     verilator --lint-only -Wall trine_pe.sv trine_dot.sv; trine_pe_tb

module trine_pe #(
  parameter bit Int8       = 1'b1,
  parameter bit Ternary    = 1'b1,
  parameter bit Binary     = 1'b1,
  parameter int unsigned AccBits = 32,  // 20..32
  parameter int unsigned Stages = 2,  // 1, 2
  parameter int Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned WgtBits = Multiplier == trine_mul_pkg::Booth ? 48 : 32  // as in trine_dot
) (
  input  logic        clk_i,

  // One step of the reduction.
  input  logic        valid_i,
  input  logic        first_i,
  input  logic        last_i,
  input  logic [1:0]  mode_i,
  input  logic [31:0] act_i,
  input  logic [WgtBits-1:0] wgt_i,

  output logic [AccBits-1:0] drain_o
);

  if (AccBits < 20 || AccBits > 32) begin : gen_bad_acc_bits
    $error("trine_pe: AccBits must be 20..32");
  end

  logic               valid, first, last;  // control of the step that is being added
  logic [31:0]        sum;
  logic [AccBits-1:0] base, acc_d, acc_q, drain_q;

  assign base = first ? '0 : acc_q;

  trine_dot #(
    .Int8       (Int8),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Multiplier (Multiplier)
  ) u_dot (
    .mode_i (mode_i),
    .base_i (Stages == 1 ? 32'(base) : 32'd0),
    .act_i  (act_i),
    .wgt_i  (wgt_i),
    .sum_o  (sum)
  );

  if (Stages == 1) begin : gen_one_stage
    assign valid = valid_i;
    assign first = first_i;
    assign last  = last_i;
    assign acc_d = AccBits'(sum);
  end else begin : gen_two_stages
    localparam int unsigned DotBits = 18;  // -65,024 .. 65,536

    logic                      valid_q, first_q, last_q;
    logic signed [DotBits-1:0] dot_q;

    always_ff @(posedge clk_i) begin
      valid_q <= valid_i;
      first_q <= first_i;
      last_q  <= last_i;
      if (valid_i) dot_q <= $signed(sum[DotBits-1:0]);
    end

    assign valid = valid_q;
    assign first = first_q;
    assign last  = last_q;
    assign acc_d = base + AccBits'(dot_q);
  end

  logic unused_sum;  // bits above the accumulator, copies of the dot product's sign
  assign unused_sum = ^sum;

  // Payload: no reset, first_i clears.
  always_ff @(posedge clk_i) begin
    if (valid) acc_q <= acc_d;
    if (valid && last) drain_q <= acc_d;
  end

  assign drain_o = drain_q;

endmodule
