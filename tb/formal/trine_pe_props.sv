// SPDX-License-Identifier: Apache-2.0
//
// Proves trine_pe with one stage and with two stages. The accumulator is the sum of trine_dot's
// results (without a base) of the steps from first_i on, modulo 2^AccBits. Stages cycles after a
// step with last_i, the drain register is that sum. It holds until Stages cycles after the next
// such step. Words, modes and pauses are arbitrary.
//
// trine_dot_props proves the dot products themselves. Both sides of this proof contain the body
// with Booth rows, so the rows cancel. The proof covers the rest: the base, the 18 bits of the dot
// product that are kept, and the order of the steps.

module trine_pe_props #(
  parameter int unsigned Stages  = 2,
  parameter int unsigned AccBits = 32
) (
  input logic        clk_i,
  input logic        valid_i,
  input logic        first_i,
  input logic        last_i,
  input logic [1:0]  mode_i,
  input logic [31:0] act_i,
  input logic [47:0] wgt_i  // any digits
);

  logic [AccBits-1:0] drain;
  logic [31:0]        dot;

  trine_pe #(
    .Stages     (Stages),
    .AccBits    (AccBits),
    .Multiplier (trine_mul_pkg::Booth)
  ) u_dut (
    .clk_i   (clk_i),
    .valid_i (valid_i),
    .first_i (first_i),
    .last_i  (last_i),
    .mode_i  (mode_i),
    .act_i   (act_i),
    .wgt_i   (wgt_i),
    .drain_o (drain)
  );

  trine_dot #(.Multiplier(trine_mul_pkg::Booth)) u_dot (
    .mode_i (mode_i),
    .base_i (32'd0),
    .act_i  (act_i),
    .wgt_i  (wgt_i),
    .sum_o  (dot)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic [AccBits-1:0] \u_dut.acc_q ;
  (* hierconn *) logic               \u_dut.gen_two_stages.valid_q , \u_dut.gen_two_stages.first_q ,
      \u_dut.gen_two_stages.last_q ;
  (* hierconn *) logic signed [17:0] \u_dut.gen_two_stages.dot_q ;

  logic        begun_q, drained_q, drained_q2;  // a reduction; one has ended
  logic [AccBits-1:0] acc_d, acc_q, drain_q, drain_q2, acc_now, drain_now;

  assign acc_d = (first_i ? '0 : acc_q) + AccBits'(dot);

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      acc_q   <= acc_d;
      begun_q <= 1'b1;
    end
    if (valid_i && last_i) begin
      drain_q   <= acc_d;
      drained_q <= 1'b1;
    end
    {drain_q2, drained_q2} <= {drain_q, drained_q};
  end

  // The accumulator and the drain register once the step between the stages is added.
  always_comb begin
    acc_now   = \u_dut.acc_q ;
    drain_now = drain;
    if (Stages == 2 && \u_dut.gen_two_stages.valid_q ) begin
      acc_now = (\u_dut.gen_two_stages.first_q ? '0 : \u_dut.acc_q ) +
                AccBits'(\u_dut.gen_two_stages.dot_q );
      if (\u_dut.gen_two_stages.last_q ) drain_now = acc_now;
    end
  end

  always_comb begin
    if ($initstate) assume ({begun_q, drained_q, drained_q2} == '0);
    if (valid_i && !begun_q) assume (first_i);
    if (begun_q) a_acc: assert (acc_now == acc_q);
    else a_idle: assert (!drained_q);
    if (drained_q) a_next: assert (drain_now == drain_q);
    else a_none: assert (!drained_q2);
    if (Stages == 1 && drained_q) a_drain: assert (drain == drain_q);
    if (Stages == 2 && drained_q2) a_drain2: assert (drain == drain_q2);
    c_holds: cover (drained_q2 && valid_i && !last_i && !first_i && $signed(drain) == -40);
  end

endmodule
