// SPDX-License-Identifier: Apache-2.0
//
// Proves that every word that trine_skid accepts leaves once, in order. An offered word does not
// change.
//
// Between the two ports there is at most one word. The number of words accepted minus the number of
// words that left is therefore 1 if the buffer contains a word, and otherwise 0. The word that
// leaves is the oldest word. The proof assumes the contract on in_*.

module trine_skid_props (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic       in_valid_i,
  input logic [3:0] in_data_i,
  input logic       out_ready_i
);

  logic       in_ready, out_valid;
  logic [3:0] out_data;

  trine_skid #(
    .Width (4)
  ) u_dut (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .clear_i     (clear_i),
    .in_valid_i  (in_valid_i),
    .in_ready_o  (in_ready),
    .in_data_i   (in_data_i),
    .out_valid_o (out_valid),
    .out_ready_i (out_ready_i),
    .out_data_o  (out_data)
  );

  logic       holds_q, offered_q, refused_q;  // a word is inside; one was offered, or refused
  logic [3:0] word_q, out_q, in_q;
  logic       enters, leaves;

  assign enters = in_valid_i && in_ready;
  assign leaves = out_valid && out_ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      holds_q   <= 1'b0;
      offered_q <= 1'b0;
      refused_q <= 1'b0;
    end else begin
      holds_q   <= (holds_q || enters) && !leaves && !clear_i;
      offered_q <= out_valid && !out_ready_i && !clear_i;
      refused_q <= in_valid_i && !in_ready && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (enters) word_q <= in_data_i;
    out_q <= out_data;
    in_q  <= in_data_i;
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (refused_q) assume (in_valid_i && in_data_i == in_q);
    if (rst_ni) begin
      a_room:  assert (in_ready == !holds_q);
      a_some:  assert (out_valid == (holds_q || in_valid_i));
      if (holds_q) a_order: assert (out_data == word_q);
      else if (in_valid_i) a_through: assert (out_data == in_data_i);
      if (offered_q) a_held: assert (out_valid && out_data == out_q);
      c_waits:  cover (holds_q && in_valid_i && leaves);
      c_clears: cover (holds_q && clear_i);
    end
  end

endmodule
