// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_dma_share returns data to the reader that requested them, in order, one word
// for each read. While one reader waits, the other reader is not served twice. A request holds
// until DMEM accepts it.
//
// The proof follows one read to its data (see trine_fifo_props). It assumes the contract of the
// readers. It assumes of DMEM that at most Places reads are outstanding, and that data come only
// for these reads.

module trine_dma_share_props #(
  parameter int unsigned Places = 4
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic [1:0] valid_i,
  input logic [5:0] addr_i,
  input logic       dma_rready_i,
  input logic       dma_rdata_valid_i,
  input logic       watch_i
);

  localparam int unsigned PlaceBits = $clog2(Places);
  localparam int unsigned CountBits = PlaceBits + 1;

  logic [1:0] ready, data_valid;
  logic       dma_rvalid;
  logic [2:0] dma_raddr;

  trine_dma_share #(
    .AddrBits (3),
    .Places   (Places)
  ) u_dut (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .clear_i           (clear_i),
    .valid_i           (valid_i),
    .ready_o           (ready),
    .addr_i            (addr_i),
    .data_valid_o      (data_valid),
    .dma_rvalid_o      (dma_rvalid),
    .dma_rready_i      (dma_rready_i),
    .dma_raddr_o       (dma_raddr),
    .dma_rdata_valid_i (dma_rdata_valid_i)
  );

  // The registers of the arbiter, for the invariant.
  (* hierconn *) logic [PlaceBits-1:0] \u_dut.gen_two.head_q , \u_dut.gen_two.tail_q ;
  (* hierconn *) logic [Places-1:0] \u_dut.gen_two.owner_q ;
  (* hierconn *) logic \u_dut.gen_two.turn_q ;

  logic [CountBits-1:0] count_q, ahead_q;
  logic [PlaceBits-1:0] place;
  logic [1:0]           served, waited_q, overtaken_q;
  logic                 inside_q, reader_q, asks, waits_q;
  logic [2:0]           asked_q;
  logic [5:0]           addr_q;

  assign served = valid_i & ready;
  assign asks   = served != 2'd0;
  assign place  = \u_dut.gen_two.head_q + PlaceBits'(ahead_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q     <= '0;
      inside_q    <= 1'b0;
      waited_q    <= 2'd0;
      overtaken_q <= 2'd0;
      waits_q     <= 1'b0;
    end else if (clear_i) begin
      count_q     <= '0;
      inside_q    <= 1'b0;
      waited_q    <= 2'd0;
      overtaken_q <= 2'd0;
      waits_q     <= 1'b0;
    end else begin
      count_q     <= count_q + CountBits'(asks) - CountBits'(dma_rdata_valid_i);
      waited_q    <= valid_i & ~ready;
      waits_q     <= dma_rvalid && !dma_rready_i;
      overtaken_q <= valid_i & ~served & (overtaken_q | {served[0], served[1]});
      if (!inside_q && asks && watch_i) begin
        inside_q <= 1'b1;
        reader_q <= served[1];
        ahead_q  <= count_q - CountBits'(dma_rdata_valid_i);
      end else if (inside_q && dma_rdata_valid_i) begin
        inside_q <= ahead_q != '0;
        ahead_q  <= ahead_q - CountBits'(1);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    addr_q  <= addr_i;
    asked_q <= dma_raddr;
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(count_q == CountBits'(Places) && dma_rready_i));
    assume (!(count_q == '0 && dma_rdata_valid_i));
    for (int unsigned r = 0; r < 2; r++) begin
      if (waited_q[r]) assume (valid_i[r] && addr_i[3*r +: 3] == addr_q[3*r +: 3]);
    end
    if (rst_ni) begin
      a_one:      assert (served != 2'd3);
      a_request:  assert (asks == (dma_rvalid && dma_rready_i));
      if (asks) a_address: assert (dma_raddr == (served[1] ? addr_i[5:3] : addr_i[2:0]));
      a_progress: assert (dma_rvalid == (valid_i != 2'd0));
      a_count:    assert (count_q <= CountBits'(Places));
      a_pointers: assert (\u_dut.gen_two.tail_q ==
                          PlaceBits'(\u_dut.gen_two.head_q + PlaceBits'(count_q)));
      a_data:     assert (data_valid == 2'd0 || (dma_rdata_valid_i && data_valid != 2'd3));
      a_no_loss:  assert (!dma_rdata_valid_i || data_valid != 2'd0);
      if (inside_q) begin
        a_ahead: assert (ahead_q < count_q);
        a_owner: assert (\u_dut.gen_two.owner_q [place] == reader_q);
        if (ahead_q == '0 && dma_rdata_valid_i) a_reader: assert (data_valid[reader_q]);
      end
      if (waits_q) begin
        a_turn_kept: assert (waited_q[\u_dut.gen_two.turn_q ] &&
                             addr_q[3*\u_dut.gen_two.turn_q +: 3] == asked_q);
        a_held:      assert (dma_rvalid && dma_raddr == asked_q);
      end
      // Nobody is overtaken twice.
      if (overtaken_q[0]) begin
        a_turn_0: assert (valid_i[0] && !overtaken_q[1] && !\u_dut.gen_two.turn_q );
        a_fair_0: assert (!served[1]);
      end
      if (overtaken_q[1]) begin
        a_turn_1: assert (valid_i[1] && \u_dut.gen_two.turn_q );
        a_fair_1: assert (!served[0]);
      end
      c_both: cover (inside_q && ahead_q == CountBits'(Places - 1) && overtaken_q[1]);
      c_held: cover (waits_q && valid_i == 2'd3 && asks);
      c_data: cover (inside_q && reader_q && ahead_q == '0 && dma_rdata_valid_i);
    end
  end

endmodule
