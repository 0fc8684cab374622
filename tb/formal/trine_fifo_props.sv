// SPDX-License-Identifier: Apache-2.0
//
// Proves that words leave trine_fifo in the order in which they came, and that no word is lost or
// doubled.
//
// The proof follows one word through the buffer, chosen freely (watch_i) and with any value:
// `ahead` words leave before it. The proof assumes the contract: the owner counts the entries.

module trine_fifo_props #(
  parameter int unsigned Depth = 4
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       push_i,
  input logic [3:0] data_i,
  input logic       pop_i,
  input logic       watch_i
);

  localparam int unsigned AddrBits = $clog2(Depth);

  logic [3:0] head;

  trine_fifo #(
    .Width (4),
    .Depth (Depth)
  ) u_dut (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .clear_i (1'b0),
    .push_i (push_i),
    .data_i (data_i),
    .pop_i  (pop_i),
    .head_o (head)
  );

  // The registers of the buffer, for the invariant.
  (* hierconn *) logic [AddrBits-1:0] \u_dut.head_q , \u_dut.tail_q ;
  (* hierconn *) logic [3:0] \u_dut.mem[0] , \u_dut.mem[1] , \u_dut.mem[2] , \u_dut.mem[3] ;

  logic [AddrBits:0]   count_q, ahead_q;
  logic [3:0]          value_q;
  logic                inside_q;  // the word that is followed
  logic [AddrBits-1:0] place;
  logic [15:0]         words;

  assign place = \u_dut.head_q + AddrBits'(ahead_q);
  if (Depth == 2) begin : gen_two
    assign words = {8'd0, \u_dut.mem[1] , \u_dut.mem[0] };
  end else begin : gen_four
    assign words = {\u_dut.mem[3] , \u_dut.mem[2] , \u_dut.mem[1] , \u_dut.mem[0] };
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q  <= '0;
      inside_q <= 1'b0;
    end else begin
      count_q <= count_q + (AddrBits + 1)'(push_i) - (AddrBits + 1)'(pop_i);
      if (!inside_q && push_i && watch_i) begin
        inside_q <= 1'b1;
        value_q  <= data_i;
        ahead_q  <= count_q - (AddrBits + 1)'(pop_i);
      end else if (inside_q && pop_i) begin
        inside_q <= ahead_q != '0;
        ahead_q  <= ahead_q - (AddrBits + 1)'(1);
      end
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(push_i && count_q == (AddrBits + 1)'(Depth)));
    assume (!(pop_i && count_q == '0));
    if (rst_ni) begin
      a_count: assert (count_q <= (AddrBits + 1)'(Depth));
      a_pointers: assert (\u_dut.tail_q == AddrBits'(\u_dut.head_q + AddrBits'(count_q)));
      if (inside_q) begin
        a_ahead: assert (ahead_q < count_q);
        a_kept:  assert (words[4*place +: 4] == value_q);
        if (ahead_q == '0) a_order: assert (head == value_q);
      end
      c_full_watched: cover (inside_q && ahead_q == (AddrBits + 1)'(Depth - 1));
      c_leaves: cover (inside_q && ahead_q == '0 && pop_i && value_q == 4'd9);
    end
  end

endmodule
