// SPDX-License-Identifier: Apache-2.0
//
// Detects a program that runs too long: raises exceeded_o when its cycle count reaches limit_i. A
// limit of 0 disables the check. The module has no counter. It reads the cycle counter that
// trine_counters shows every 15 cycles.
//
// Timing    exceeded_o is a register and comes up to 17 cycles late.
// Contract  start_i comes in the first cycle of running_i, like clear_i of the counters.
// Check     trine_control_tb

module trine_cycles_limit (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [31:0] limit_i,
  input  logic        start_i,
  input  logic        running_i,

  // The counter that is shown; index 0 counts cycles.
  input  logic [3:0]  index_i,
  input  logic [63:0] count_i,

  output logic        exceeded_o
);

  // In a program's first two cycles, trine_counters may still show a count of the previous program.
  logic settled_q, exceeded_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      settled_q  <= 1'b0;
      exceeded_q <= 1'b0;
    end else begin
      settled_q  <= running_i && !start_i;
      exceeded_q <= settled_q && index_i == 4'd0 && limit_i != 32'd0 && count_i >= 64'(limit_i);
    end
  end

  assign exceeded_o = exceeded_q;

`ifdef TRINE_ASSERT
  logic       live_q, running_q;
  logic [2:1] ran_q;  // a program ran one, two cycles ago (not its first cycle)

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, running_q, ran_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      running_q <= running_i;
      ran_q     <= {ran_q[1], running_i && !start_i};
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (start_i) m_start_first: assume (running_i && !running_q);
      if (exceeded_o) a_ran: assert (ran_q[2]);
    end
  end
`endif

endmodule
