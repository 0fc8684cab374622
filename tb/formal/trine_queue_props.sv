// SPDX-License-Identifier: Apache-2.0
//
// Proves that words leave trine_queue in the order in which they came, and that no word is lost or
// doubled, whatever the ports do. An offered word does not change. clear_i empties the queue. After
// two cycles without a write, a word is offered in each cycle, as long as the queue contains words.
//
// The proof follows one word (see trine_fifo_props): `ahead` words leave before it. The word is in
// the memory, in the memory's output register, or in the register after it, which is offered.

module trine_queue_props #(
  parameter int unsigned Depth = 4
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic       in_valid_i,
  input logic [3:0] in_data_i,
  input logic       out_ready_i,
  input logic       watch_i
);

  localparam int unsigned AddrBits  = $clog2(Depth);
  localparam int unsigned CountBits = AddrBits + 2;

  logic       in_ready, out_valid, empty;
  logic [3:0] out_data;

  trine_queue #(
    .Width (4),
    .Depth (Depth)
  ) u_dut (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .clear_i     (clear_i),
    .in_valid_i  (in_valid_i),
    .in_ready_o  (in_ready),
    .in_data_i   (in_data_i),
    .out_valid_o (out_valid),
    .out_ready_i (out_ready_i),
    .out_data_o  (out_data),
    .empty_o     (empty)
  );

  // The registers of the queue, for the invariant.
  (* hierconn *) logic [AddrBits:0] \u_dut.head_q , \u_dut.tail_q ;
  (* hierconn *) logic \u_dut.read_q ;
  (* hierconn *) logic [3:0] \u_dut.rdata ;
  (* hierconn *) logic [3:0] \u_dut.u_mem.mem[0] , \u_dut.u_mem.mem[1] ;
  (* hierconn *) logic [3:0] \u_dut.u_mem.mem[2] , \u_dut.u_mem.mem[3] ;

  logic [CountBits-1:0] count_q, ahead_q, waiting;
  logic [3:0]           value_q, out_q, stored, word;
  logic [1:0]           quiet_q;  // no write in the last cycle, and in that before
  logic                 inside_q, offered_q, enters, leaves;
  logic [AddrBits-1:0]  place;

  assign enters  = in_valid_i && in_ready;
  assign leaves  = out_valid && out_ready_i;
  assign waiting = CountBits'((AddrBits + 1)'(\u_dut.tail_q - \u_dut.head_q ));
  assign place   = \u_dut.head_q [AddrBits-1:0] + AddrBits'(ahead_q) -
                   AddrBits'(out_valid) - AddrBits'(\u_dut.read_q );

  if (Depth == 2) begin : gen_two
    assign stored = place[0] ? \u_dut.u_mem.mem[1] : \u_dut.u_mem.mem[0] ;
  end else begin : gen_four
    always_comb begin
      case (place)
        2'd0:    stored = \u_dut.u_mem.mem[0] ;
        2'd1:    stored = \u_dut.u_mem.mem[1] ;
        2'd2:    stored = \u_dut.u_mem.mem[2] ;
        default: stored = \u_dut.u_mem.mem[3] ;
      endcase
    end
  end

  always_comb begin
    word = stored;
    if (out_valid && ahead_q == '0) word = out_data;
    else if (\u_dut.read_q && ahead_q == CountBits'(out_valid)) word = \u_dut.rdata ;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q   <= '0;
      inside_q  <= 1'b0;
      offered_q <= 1'b0;
      quiet_q   <= '0;
    end else if (clear_i) begin
      count_q   <= '0;
      inside_q  <= 1'b0;
      offered_q <= 1'b0;
      quiet_q   <= '0;
    end else begin
      offered_q <= out_valid && !out_ready_i;
      quiet_q   <= {quiet_q[0], !enters};
      count_q   <= count_q + CountBits'(enters) - CountBits'(leaves);
      if (!inside_q && enters && watch_i) begin
        inside_q <= 1'b1;
        value_q  <= in_data_i;
        ahead_q  <= count_q - CountBits'(leaves);
      end else if (inside_q && leaves) begin
        inside_q <= ahead_q != '0;
        ahead_q  <= ahead_q - CountBits'(1);
      end
    end
  end

  always_ff @(posedge clk_i) out_q <= out_data;

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (rst_ni) begin
      a_waiting: assert (waiting <= CountBits'(Depth));
      a_count:   assert (count_q == waiting + CountBits'(\u_dut.read_q ) + CountBits'(out_valid));
      a_room:    assert (in_ready == (waiting != CountBits'(Depth)));
      a_empty:   assert (empty == (count_q == '0));
      if (quiet_q[0] && waiting != '0) a_reads: assert (\u_dut.read_q );
      if (quiet_q == 2'b11 && count_q != '0) a_offers: assert (out_valid);
      if (offered_q) a_held: assert (out_valid && out_data == out_q);
      if (inside_q) begin
        a_ahead: assert (ahead_q < count_q);
        a_kept:  assert (word == value_q);
        if (out_valid && ahead_q == '0) a_order: assert (out_data == value_q);
      end
      c_full:   cover (inside_q && count_q == CountBits'(Depth + 2) &&
                       ahead_q == CountBits'(Depth + 1));
      c_leaves: cover (inside_q && ahead_q == '0 && leaves && value_q == 4'd9);
      c_clears: cover (inside_q && clear_i);
    end
  end

endmodule
