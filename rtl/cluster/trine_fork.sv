// SPDX-License-Identifier: Apache-2.0
//
// Forks a ready/valid stream: every output in mask_i handshakes exactly once for each input
// transfer. Each output may handshake in a different cycle. The input handshakes in the same cycle
// as the last output. The valid of an output outside mask_i stays low.
//
// Timing    Outputs are combinational from valid, mask and the ready inputs. Each output has one
//           register.
// Contract  The input and its mask hold until ready_o. The ready of an output does not depend on
//           the output's valid. mask_i is not 0. A single output is connected by wires.
// Check     trine_cluster_tb, trine_cluster_props, random_program_test

module trine_fork #(
  parameter int unsigned Takers = 2
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              clear_i,

  input  logic              valid_i,
  output logic              ready_o,
  input  logic [Takers-1:0] mask_i,
  output logic [Takers-1:0] valid_o,
  input  logic [Takers-1:0] ready_i
);

  if (Takers == 1) begin : gen_wires
    logic unused_fork;
    assign valid_o     = valid_i;
    assign ready_o     = ready_i;
    assign unused_fork = ^{clk_i, rst_ni, clear_i, mask_i};
  end else begin : gen_fork
    logic [Takers-1:0] taken_q, done;

    assign valid_o = {Takers{valid_i}} & mask_i & ~taken_q;
    assign done    = taken_q | ready_i | ~mask_i;
    assign ready_o = &done;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)      taken_q <= '0;
      else if (clear_i) taken_q <= '0;
      else if (valid_i) taken_q <= ready_o ? '0 : taken_q | (valid_o & ready_i);
    end

`ifdef TRINE_ASSERT
    logic              live_q, waits_q;
    logic [Takers-1:0] mask_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) {live_q, waits_q} <= '0;
      else         {live_q, waits_q} <= {1'b1, valid_i && !ready_o && !clear_i};
    end

    always_ff @(posedge clk_i) begin
      mask_q <= mask_i;
      if (live_q) begin
        if (waits_q) m_held: assume (valid_i && mask_i == mask_q);
        if (valid_i) m_asked: assume (mask_i != '0);
        a_of_those_asked: assert ((taken_q & ~mask_q) == '0);
        c_turns: cover (taken_q != '0 && ready_o);
      end
    end
`endif
  end

endmodule
