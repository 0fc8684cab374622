// SPDX-License-Identifier: Apache-2.0
//
// Joins pulses: emits one pulse when every input has pulsed. A cluster uses it to merge the retire
// pulses that all cores give for a RUN into one pulse. Each input has a counter of its pulses, so
// an input may be ahead of the others.
//
// Timing    The output pulse comes one cycle after the last input's pulse.
// Contract  An input is at most 2^Bits - 1 pulses ahead. With a single input, the pulse passes
//           through without delay.
// Check     trine_cluster_tb, trine_cluster_props, random_program_test

module trine_pulse_join #(
  parameter int unsigned Parties = 2,
  parameter int unsigned Bits    = 3
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,
  input  logic [Parties-1:0] pulse_i,
  output logic               pulse_o
);

  if (Parties == 1) begin : gen_wire
    logic unused_joined;
    assign pulse_o       = pulse_i;
    assign unused_joined = ^{clk_i, rst_ni, clear_i};
  end else begin : gen_joined
    logic [Parties-1:0] arrived;

    assign pulse_o = &arrived;

    for (genvar p = 0; p < Parties; p++) begin : gen_party
      logic [Bits-1:0] count_q;

      assign arrived[p] = count_q != '0;

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni)      count_q <= '0;
        else if (clear_i) count_q <= '0;
        else              count_q <= count_q + Bits'(pulse_i[p]) - Bits'(pulse_o);
      end

`ifdef TRINE_ASSERT
      logic live_q;
      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) live_q <= 1'b0;
        else         live_q <= 1'b1;
      end

      always_ff @(posedge clk_i) begin
        if (live_q && pulse_i[p] && !pulse_o) m_room: assume (count_q != '1);
      end
`endif
    end
  end

endmodule
