// SPDX-License-Identifier: Apache-2.0
//
// Implements a watchdog timer: pulses expired_o after limit_i consecutive cycles with outstanding_i
// and without progress_i. For a bus, outstanding_i means that the bus owes a handshake, and
// progress_i means that a handshake happens. With a limit of 0, the timer never expires.
//
// Timing    expired_o is a register. The count restarts after it.
// Check     trine_watchdog_tb, trine_control_tb, trine_watchdog_props

module trine_watchdog #(
  parameter int unsigned Bits = 24
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic [Bits-1:0] limit_i,
  input  logic            outstanding_i,
  input  logic            progress_i,
  output logic            expired_o
);

  logic [Bits-1:0] count_d, count_q;
  logic            waits, expires, expired_q;

  assign waits   = outstanding_i && !progress_i && limit_i != '0 && !expired_q;
  assign count_d = count_q + Bits'(1);
  assign expires = waits && count_d >= limit_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q   <= '0;
      expired_q <= 1'b0;
    end else begin
      count_q   <= waits && !expires ? count_d : '0;
      expired_q <= expires;
    end
  end

  assign expired_o = expired_q;

`ifdef TRINE_ASSERT
  logic live_q, waited_q, expired_q2;  // in the last cycle: the bus owed a handshake; expired

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waited_q, expired_q2} <= '0;
    end else begin
      live_q     <= 1'b1;
      waited_q   <= outstanding_i && !progress_i && limit_i != '0;
      expired_q2 <= expired_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q && expired_o) begin
      a_waited: assert (waited_q);
      a_pulse:  assert (!expired_q2);
    end
  end
`endif

endmodule
