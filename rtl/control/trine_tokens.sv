// SPDX-License-Identifier: Apache-2.0
//
// Counts the dependency tokens between engines, with one counter for each ordered pair of engines.
//
//   count[from -> to] += token_push_i[4*from + to] - token_pop_i[4*to + from]
//   token_avail_o[4*to + from] = count[from -> to] > 0
//
// Timing    token_avail_o is combinational from registers. overflow_o is a pulse, one cycle after
//           the overflow.
// Contract  An engine consumes a token only if token_avail_o shows it.
// Check     trine_tokens_tb

module trine_tokens (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,

  input  logic [15:0] token_pop_i,
  input  logic [15:0] token_push_i,
  output logic [15:0] token_avail_o,
  output logic        overflow_o
);

  localparam int unsigned Engines = trine_isa_pkg::Engines;
  localparam int unsigned Bits    = trine_isa_pkg::TokenBits;

  logic [15:0] overflow;
  logic        overflow_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      overflow_q <= 1'b0;
    else if (clear_i) overflow_q <= 1'b0;
    else              overflow_q <= |overflow;
  end

  assign overflow_o = overflow_q;

  for (genvar from = 0; from < Engines; from++) begin : gen_from
    for (genvar to = 0; to < Engines; to++) begin : gen_to
      logic [Bits-1:0] count_d, count_q;
      logic            token_push, token_pop;

      assign token_push = token_push_i[Engines*from + to];
      assign token_pop  = token_pop_i[Engines*to + from];
      assign count_d    = count_q + (token_push ? Bits'(1) : {Bits{1'b1}});

      assign token_avail_o[Engines*to + from] = |count_q;
      assign overflow[Engines*from + to]      = token_push && !token_pop && (&count_q);

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          count_q <= '0;
        end else if (clear_i) begin
          count_q <= '0;
        end else if (token_push != token_pop) begin
          count_q <= count_d;
        end
      end
    end
  end

`ifdef TRINE_ASSERT
  logic live_q;  // out of reset

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_take_what_is_there: assume ((token_pop_i & ~token_avail_o) == 16'd0);
    end
  end
`endif

endmodule
