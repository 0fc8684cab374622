// SPDX-License-Identifier: Apache-2.0
//
// Counts the thresholds that a lane's sum reaches, two per cycle. The residual waits in a register
// for the last pair of thresholds.
//
//   code = max(low + number of thresholds reached, residual if cfg_i.max)
//
// Timing    code_o is combinational, from the cycle after the last pair on.
// Check     trine_post_tb

module trine_lane_count (
  input  logic                clk_i,

  input  trine_job_pkg::cfg_t cfg_i,  // max, low

  input  logic                pair_i,   // a pair is compared
  input  logic                first_i,  // the first pair of the sum
  input  logic [31:0]         sum_i,
  input  logic [31:0]         lower_i,
  input  logic [31:0]         upper_i,
  input  logic [7:0]          residual_i,
  output logic [7:0]          code_o
);

  logic [5:0]        count_q;
  logic [7:0]        residual_q;
  logic signed [7:0] counted;

  always_ff @(posedge clk_i) begin
    if (pair_i) begin
      count_q    <= (first_i ? 6'd0 : count_q) + 6'($signed(sum_i) >= $signed(lower_i)) +
                    6'($signed(sum_i) >= $signed(upper_i));
      residual_q <= residual_i;
    end
  end

  assign counted = $signed(cfg_i.low) + $signed({2'd0, count_q});
  assign code_o  = cfg_i.max && $signed(residual_q) > counted ? residual_q : $unsigned(counted);

  logic unused_cfg;
  assign unused_cfg = ^cfg_i;

`ifdef TRINE_ASSERT
  logic begun_q;  // a sum's first pair was compared

  initial begun_q = 1'b0;

  always_ff @(posedge clk_i) begin
    if (pair_i && first_i) begun_q <= 1'b1;
    if (begun_q) a_32: assert (count_q <= 6'd32);
  end
`endif

endmodule
