// SPDX-License-Identifier: Apache-2.0
//
// Implements a small FIFO in registers without flow control: the module that uses it counts the
// entries.
//
// Timing    head_o is combinational from registers. A word can be popped one cycle after its push.
// Contract  There is no push into a full FIFO, and no pop from an empty FIFO.
// Check     trine_control_tb, trine_fifo_props

module trine_fifo #(
  parameter int unsigned Width = 32,
  parameter int unsigned Depth = 4  // a power of two, at least 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,

  input  logic             push_i,
  input  logic [Width-1:0] data_i,
  input  logic             pop_i,
  output logic [Width-1:0] head_o
);

  localparam int unsigned AddrBits = $clog2(Depth);

  if (Depth < 2 || Depth != 1 << AddrBits) begin : gen_bad_depth
    $error("trine_fifo: Depth must be a power of two, at least 2");
  end

  logic [Width-1:0]    mem [Depth];
  logic [AddrBits-1:0] head_q, tail_q;

  assign head_o = mem[head_q];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
    end else if (clear_i) begin
      head_q <= '0;
      tail_q <= '0;
    end else begin
      head_q <= head_q + AddrBits'(pop_i);
      tail_q <= tail_q + AddrBits'(push_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i) mem[tail_q] <= data_i;
  end

`ifdef TRINE_ASSERT
  logic              live_q;
  logic [AddrBits:0] count_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q  <= 1'b0;
      count_q <= '0;
    end else begin
      live_q  <= 1'b1;
      count_q <= clear_i ? '0 : count_q + (AddrBits + 1)'(push_i) - (AddrBits + 1)'(pop_i);
    end
  end

  // clear_i drops a word that is pushed or popped in the same cycle.
  always_ff @(posedge clk_i) begin
    if (live_q && !clear_i) begin
      if (push_i) m_push: assume (count_q != (AddrBits + 1)'(Depth));
      if (pop_i)  m_pop:  assume (count_q != '0);
    end
  end
`endif

endmodule
