// SPDX-License-Identifier: Apache-2.0
//
// Proves trine_fork and trine_pulse_join, as a cluster of three cores uses them. Each selected core
// accepts an offer once, and the offer ends when all of them have accepted it. A RUN that all cores
// have accepted ends when all cores have ended it.
//
// The bench counts the ends of each core that are not reported yet. The proof assumes that an offer
// holds and selects at least one core, that a core ends only RUNs that it has accepted, and that at
// most four RUNs are in flight.

module trine_cluster_props (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic       valid_i,
  input logic [2:0] mask_i,
  input logic [2:0] ready_i,
  input logic [2:0] ends_i
);

  logic       ready, ended, all_ended;
  logic [2:0] valid, all_valid;

  trine_fork #(.Takers(3)) u_some (
    .clk_i,
    .rst_ni,
    .clear_i,
    .valid_i,
    .ready_o (ready),
    .mask_i,
    .valid_o (valid),
    .ready_i
  );

  trine_pulse_join #(.Parties(3)) u_pulse_join (
    .clk_i,
    .rst_ni,
    .clear_i,
    .pulse_i (ends_i),
    .pulse_o (ended)
  );

  logic [2:0] seen_q, mask_q;  // who has the offer
  logic       waits_q;
  logic [2:0] ahead_q [3];     // ends of a core that are not reported yet

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      seen_q  <= '0;
      waits_q <= 1'b0;
      for (int c = 0; c < 3; c++) ahead_q[c] <= '0;
    end else begin
      waits_q <= valid_i && !ready && !clear_i;
      seen_q  <= clear_i || (valid_i && ready) ? '0 : seen_q | (valid & ready_i);
      for (int c = 0; c < 3; c++) begin
        ahead_q[c] <= clear_i ? '0 : ahead_q[c] + 3'(ends_i[c]) - 3'(ended);
      end
    end
  end

  always_ff @(posedge clk_i) mask_q <= mask_i;

  assign all_ended = ahead_q[0] != '0 && ahead_q[1] != '0 && ahead_q[2] != '0;
  assign all_valid = {3{valid_i}} & mask_i & ~seen_q;

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (waits_q) assume (valid_i && mask_i == mask_q);
    if (valid_i) assume (mask_i != '0);
    for (int c = 0; c < 3; c++) begin
      if (ahead_q[c] == 3'd4 && !ended) assume (!ends_i[c]);
    end
    if (rst_ni) begin
      a_offered: assert (valid == all_valid);
      a_kept:    assert (waits_q || seen_q == '0);
      a_asked:   assert (!waits_q || (seen_q & ~mask_q) == '0);
      if (valid_i) a_gone: assert (ready == ((mask_i & ~(seen_q | ready_i)) == '0));
      a_joined:  assert (ended == all_ended);
      a_four:    assert (ahead_q[0] <= 3'd4 && ahead_q[1] <= 3'd4 && ahead_q[2] <= 3'd4);
      c_turns:   cover (waits_q && seen_q != '0 && ready);
      c_ahead:   cover (ended && ahead_q[1] == 3'd3);
      c_clears:  cover (seen_q != '0 && clear_i);
    end
  end

endmodule
