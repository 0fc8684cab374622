// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_tokens counts the tokens of a pair of engines, which is chosen freely: the
// count equals the tokens given minus the tokens taken. Tokens of other pairs do not change the
// count. overflow_o comes one cycle after a token that does not fit into the count, and only then.
//
// The proof assumes the contract: an engine takes only tokens that token_avail_o shows. It also
// assumes that nothing happens after overflow_o.

module trine_tokens_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic [15:0] token_pop_i,
  input logic [15:0] token_push_i
);

  localparam int unsigned Bits = trine_isa_pkg::TokenBits;

  (* anyconst *) logic [1:0] from, to;

  logic [15:0] have;
  logic        overflow;

  trine_tokens u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear_i),
    .token_pop_i   (token_pop_i),
    .token_push_i  (token_push_i),
    .token_avail_o (have),
    .overflow_o    (overflow)
  );

  // The counters, for the invariant.
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[0].gen_to[0].count_q  ,
      \u_dut.gen_from[0].gen_to[1].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[0].gen_to[2].count_q  ,
      \u_dut.gen_from[0].gen_to[3].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[1].gen_to[0].count_q  ,
      \u_dut.gen_from[1].gen_to[1].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[1].gen_to[2].count_q  ,
      \u_dut.gen_from[1].gen_to[3].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[2].gen_to[0].count_q  ,
      \u_dut.gen_from[2].gen_to[1].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[2].gen_to[2].count_q  ,
      \u_dut.gen_from[2].gen_to[3].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[3].gen_to[0].count_q  ,
      \u_dut.gen_from[3].gen_to[1].count_q ;
  (* hierconn *) logic [Bits-1:0] \u_dut.gen_from[3].gen_to[2].count_q  ,
      \u_dut.gen_from[3].gen_to[3].count_q ;
  logic [16*Bits-1:0] counts;  // [4 * from + to]
  assign counts = {\u_dut.gen_from[3].gen_to[3].count_q , \u_dut.gen_from[3].gen_to[2].count_q ,
                   \u_dut.gen_from[3].gen_to[1].count_q , \u_dut.gen_from[3].gen_to[0].count_q ,
                   \u_dut.gen_from[2].gen_to[3].count_q , \u_dut.gen_from[2].gen_to[2].count_q ,
                   \u_dut.gen_from[2].gen_to[1].count_q , \u_dut.gen_from[2].gen_to[0].count_q ,
                   \u_dut.gen_from[1].gen_to[3].count_q , \u_dut.gen_from[1].gen_to[2].count_q ,
                   \u_dut.gen_from[1].gen_to[1].count_q , \u_dut.gen_from[1].gen_to[0].count_q ,
                   \u_dut.gen_from[0].gen_to[3].count_q , \u_dut.gen_from[0].gen_to[2].count_q ,
                   \u_dut.gen_from[0].gen_to[1].count_q , \u_dut.gen_from[0].gen_to[0].count_q };

  logic [15:0]   full;      // [4 * from + to], as token_push_i
  logic [Bits:0] tokens_q;  // of the chosen pair
  logic          give, take, full_q;

  assign give = token_push_i[{from, to}];
  assign take = token_pop_i[{to, from}];

  for (genvar f = 0; f < 4; f++) begin : gen_f
    for (genvar t = 0; t < 4; t++) begin : gen_t
      logic [Bits-1:0] counted_q;
      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) counted_q <= '0;
        else if (clear_i) counted_q <= '0;
        else counted_q <= counted_q + Bits'(token_push_i[4*f + t]) - Bits'(token_pop_i[4*t + f]);
      end
      assign full[4*f + t] = (&counted_q) && token_push_i[4*f + t] && !token_pop_i[4*t + f];
      always_comb if (rst_ni) begin
        assert (have[4*t + f] == (counted_q != '0));
        assert (counts[Bits*(4*f + t) +: Bits] == counted_q);
      end
      if (f == 1 && t == 2) begin : gen_cover
        always_comb c_some: cover (rst_ni && counted_q == Bits'(3));
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) tokens_q <= '0;
    else if (clear_i) tokens_q <= '0;
    else tokens_q <= tokens_q + (Bits + 1)'(give) - (Bits + 1)'(take);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) full_q <= 1'b0;
    else full_q <= full != 16'd0 && !clear_i;
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume ((token_pop_i & ~have) == 16'd0);
    assume (!(rst_ni && overflow && !clear_i));
    if (rst_ni) begin
      a_overflow: assert (overflow == full_q);
      a_bound:    assert (!tokens_q[Bits] || overflow);
      a_counter:  assert (counts[Bits*{from, to} +: Bits] == tokens_q[Bits-1:0]);
      a_pair:     assert (have[{to, from}] == (tokens_q[Bits-1:0] != '0));
    end
  end

endmodule
