// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_watchdog expires after exactly limit_i consecutive cycles in which the bus owed
// a handshake and made no progress. It never expires earlier, and never with a limit of 0. After
// the same number of further cycles, it expires again. The limit may change at any time.

module trine_watchdog_props #(
  parameter int unsigned Bits = 3
) (
  input logic            clk_i,
  input logic            rst_ni,
  input logic [Bits-1:0] limit_i,
  input logic            outstanding_i,
  input logic            progress_i
);

  logic expired;

  trine_watchdog #(.Bits(Bits)) u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .limit_i       (limit_i),
    .outstanding_i (outstanding_i),
    .progress_i    (progress_i),
    .expired_o     (expired)
  );

  (* hierconn *) logic [Bits-1:0] \u_dut.count_q ;

  logic            still, due_q;
  logic [Bits-1:0] waited_q;  // cycles before this one in which the bus stood still

  assign still = outstanding_i && !progress_i && limit_i != '0 && !expired;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waited_q <= '0;
      due_q    <= 1'b0;
    end else begin
      due_q    <= still && {1'b0, waited_q} + (Bits + 1)'(1) >= {1'b0, limit_i};
      waited_q <= !still ||
                  {1'b0, waited_q} + (Bits + 1)'(1) >= {1'b0, limit_i} ? '0 : waited_q + Bits'(1);
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (rst_ni) begin
      a_waited:  assert (\u_dut.count_q == waited_q);
      a_expired: assert (expired == due_q);
      c_expires: cover (expired && limit_i == Bits'(5));
    end
  end

endmodule
