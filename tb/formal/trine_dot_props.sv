// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_dot with Booth rows, and with digits of trine_booth_digits, computes the sum of
// the formula in its header. The formula is written here lane by lane.
//
// The inputs are reduced: all bytes are zero except the byte that Lane selects. For int8 this byte
// is one lane. For ternary and binary words it contains several lanes. The base is arbitrary.
// tb/matmul/trine_dot_tb.cpp tests all lanes together.

module trine_dot_props #(
  parameter int unsigned Lane = 0,  // of a byte: 0..3
  parameter int unsigned Mode = 0
) (
  input logic [31:0] base_i,
  input logic [7:0]  act_i,
  input logic [7:0]  wgt_i
);

  logic [31:0] act, wgt, sum, expected;
  logic [47:0] digits;

  assign act = 32'(act_i) << (8 * Lane);
  assign wgt = 32'(wgt_i) << (8 * Lane);

  trine_booth_digits u_booth_digits (
    .mode_i   (2'(Mode)),
    .word_i   (wgt),
    .digits_o (digits)
  );

  trine_dot #(.Multiplier(trine_mul_pkg::Booth)) u_dut (
    .mode_i (2'(Mode)),
    .base_i (base_i),
    .act_i  (act),
    .wgt_i  (digits),
    .sum_o  (sum)
  );

  // Ternary 01 = +1, 11 = -1; binary 1 = +1, 0 = -1: the 24 lanes that are zero are equal, so +1
  // each.
  logic signed [31:0] total;

  always_comb begin
    total = 32'sd0;
    if (Mode == 0) begin
      total = 32'($signed(act_i)) * 32'($signed(wgt_i));
    end else if (Mode == 1) begin
      for (int unsigned l = 0; l < 4; l++) begin
        if (act_i[2*l] && wgt_i[2*l]) begin
          total = act_i[2*l+1] == wgt_i[2*l+1] ? total + 32'sd1 : total - 32'sd1;
        end
      end
    end else begin
      total = 32'sd24;
      for (int unsigned l = 0; l < 8; l++) begin
        total = act_i[l] == wgt_i[l] ? total + 32'sd1 : total - 32'sd1;
      end
    end
    expected = base_i + $unsigned(total);
    a_dot: assert (sum == expected);
  end

endmodule
