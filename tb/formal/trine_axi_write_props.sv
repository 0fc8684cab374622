// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_axi_write obeys the rules of AXI4's write channels, and that no request or beat
// is lost or doubled.
//
//   AW   Valid and its payload stay until ready. A request becomes one burst, in order.
//   W    Valid, data, strobes and last stay until ready. No data come before their address is
//        offered. Neither channel waits for the ready of the other channel, nor for its own
//        (A3.3.1): a client's beat is on the bus as long as a beat of the requested bursts is
//        missing. last comes with the burst's last beat, and only there. Beats are the client's
//        beats, in order, and in two halves on a bus narrower than 64 bits. Strobes are low once
//        stop_i drops the beats. From uncorrectable_i on they are low at once, except for a beat
//        that was already offered.
//   B    There are never more than MaxOutstanding bursts without a response. An error comes with
//        the address of its burst.
//
// The memory may be any memory that answers, in order, the bursts whose address and last beat it
// accepted. It accepts addresses and beats in any order. The proof assumes of the client: a request
// or beat holds until it is accepted or stop_i comes; uncorrectable_i holds until stop_i; a request
// has at most 4 beats. A machine that stops lets this master end its bursts, so stop_i holds until
// idle_o.

module trine_axi_write_props #(
  parameter int unsigned AxiDataBits    = 64,
  parameter int unsigned MaxOutstanding = 2
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        stop_i,
  input logic        uncorrectable_i,
  input logic        req_valid_i,
  input logic [31:0] req_addr_i,
  input logic [7:0]  req_len_i,
  input logic        data_valid_i,
  input logic [63:0] data_i,
  input logic [1:0]  mask_i,
  input logic        awready_i,
  input logic        wready_i,
  input logic        bvalid_i,
  input logic [1:0]  bresp_i
);

  localparam bit          Narrow    = AxiDataBits < 64;
  localparam int unsigned PlaceBits = $clog2(MaxOutstanding);

  logic                     idle, error, req_ready, data_ready;
  logic [$clog2(AxiDataBits / 32 + 1)-1:0] words;
  logic [31:0]              error_addr, awaddr;
  logic                     awvalid, wvalid, wlast, bready;
  logic [7:0]               awlen;
  logic [2:0]               awsize;
  logic [1:0]               awburst;
  logic [AxiDataBits-1:0]   wdata;
  logic [AxiDataBits/8-1:0] wstrb;

  trine_axi_write #(
    .AxiDataBits    (AxiDataBits),
    .AxiAddrBits    (32),
    .MaxOutstanding (MaxOutstanding)
  ) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (1'b0),
    .stop_i          (stop_i),
    .uncorrectable_i (uncorrectable_i),
    .idle_o          (idle),
    .words_o         (words),
    .error_o         (error),
    .error_addr_o    (error_addr),
    .req_valid_i     (req_valid_i),
    .req_ready_o     (req_ready),
    .req_addr_i      (req_addr_i),
    .req_len_i       (req_len_i),
    .data_valid_i    (data_valid_i),
    .data_ready_o    (data_ready),
    .data_i          (data_i),
    .mask_i          (mask_i),
    .m_axi_awvalid_o (awvalid),
    .m_axi_awready_i (awready_i),
    .m_axi_awaddr_o  (awaddr),
    .m_axi_awlen_o   (awlen),
    .m_axi_awsize_o  (awsize),
    .m_axi_awburst_o (awburst),
    .m_axi_wvalid_o  (wvalid),
    .m_axi_wready_i  (wready_i),
    .m_axi_wdata_o   (wdata),
    .m_axi_wstrb_o   (wstrb),
    .m_axi_wlast_o   (wlast),
    .m_axi_bvalid_i  (bvalid_i),
    .m_axi_bready_o  (bready),
    .m_axi_bresp_i   (bresp_i)
  );

  // The registers of the master, for the invariant.
  (* hierconn *) logic [1:0] \u_dut.count_q ;
  (* hierconn *) logic \u_dut.next_q , \u_dut.open_q , \u_dut.drop_q , \u_dut.waits_q ;
  (* hierconn *) logic [7:0] \u_dut.left_q , \u_dut.aw_len_q ;
  (* hierconn *) logic [PlaceBits-1:0] \u_dut.u_addrs.head_q , \u_dut.u_addrs.tail_q ;
  (* hierconn *) logic [28:0] \u_dut.u_addrs.mem[0] , \u_dut.u_addrs.mem[1] ;

  // -------------------------------------------------------------------------------------------
  // Requests and addresses.
  // -------------------------------------------------------------------------------------------
  logic        asked, sent_q, aw_held_q, aw_taken, w_taken, burst_ends;
  logic [31:0] sent_addr_q, aw_addr_q;
  logic [7:0]  sent_len_q, aw_len_q, bus_len;

  assign asked      = req_valid_i && req_ready;
  assign aw_taken   = awvalid && awready_i;
  assign w_taken    = wvalid && wready_i;
  assign burst_ends = w_taken && wlast;
  assign bus_len    = Narrow ? 8'(2 * req_len_i + 8'd1) : req_len_i;

  // -------------------------------------------------------------------------------------------
  // Bursts whose data are not all sent: lengths of the open one and the next, beats sent of the
  // open one. A burst can be answered when both its address (sent_q: the last one's waits) and all
  // its data were taken.
  // -------------------------------------------------------------------------------------------
  logic [1:0] bursts_q;
  logic [7:0] first_q, second_q, beats_q;
  logic [1:0] total_q;       // bursts without a response
  logic [1:0] behind;        // of these, those that wait for their address or data to be taken
  logic [1:0] unanswered;    // the others

  assign behind     = bursts_q == 2'd0 ? 2'(sent_q) : bursts_q;
  assign unanswered = total_q - behind;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sent_q    <= 1'b0;
      aw_held_q <= 1'b0;
      bursts_q  <= 2'd0;
      beats_q   <= 8'd0;
      total_q   <= 2'd0;
    end else begin
      sent_q    <= asked || (sent_q && !awready_i);
      aw_held_q <= awvalid && !awready_i;
      bursts_q  <= bursts_q + 2'(asked) - 2'(burst_ends);
      beats_q   <= burst_ends ? 8'd0 : beats_q + 8'(w_taken);
      total_q   <= total_q + 2'(asked) - 2'(bvalid_i);
    end
  end

  always_ff @(posedge clk_i) begin
    aw_addr_q <= awaddr;
    aw_len_q  <= awlen;
    if (asked) begin
      sent_addr_q <= req_addr_i;
      sent_len_q  <= bus_len;
    end
    if (burst_ends) first_q <= bursts_q == 2'd2 ? second_q : bus_len;
    else if (asked && bursts_q == 2'd0) first_q <= bus_len;
    if (asked && bursts_q == 2'd1 && !burst_ends) second_q <= bus_len;
  end

  // -------------------------------------------------------------------------------------------
  // Beats: what the bus shows is the client's beat, or nothing once dropping has begun.
  // -------------------------------------------------------------------------------------------
  logic                     w_held_q, low;
  logic [AxiDataBits-1:0]   w_data_q, beat_data;
  logic [AxiDataBits/8-1:0] w_strb_q, beat_strb;
  logic                     w_last_q;
  logic                     req_waited_q, data_waited_q, stop_q, stopped_q, broken_q;
  logic [39:0]              req_q;
  logic [65:0]              data_q;

  assign low = !beats_q[0];  // on a narrow bus: the low half is sent
  if (Narrow) begin : gen_halves
    assign beat_data = low ? data_i[31:0] : data_i[63:32];
    assign beat_strb = {4{low ? mask_i[0] : mask_i[1]}};
  end else begin : gen_whole
    assign beat_data = data_i;
    assign beat_strb = {{4{mask_i[1]}}, {4{mask_i[0]}}};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      w_held_q      <= 1'b0;
      req_waited_q  <= 1'b0;
      data_waited_q <= 1'b0;
      stop_q        <= 1'b0;
      stopped_q     <= 1'b0;
      broken_q      <= 1'b0;
    end else begin
      w_held_q      <= wvalid && !wready_i;
      req_waited_q  <= req_valid_i && !req_ready && !stop_i;
      data_waited_q <= data_valid_i && !data_ready;
      stop_q        <= stop_i && !idle;
      stopped_q     <= stop_i || uncorrectable_i;
      broken_q      <= uncorrectable_i && !stop_i;
    end
  end

  always_ff @(posedge clk_i) begin
    w_data_q <= wdata;
    w_strb_q <= wstrb;
    w_last_q <= wlast;
    req_q    <= {req_len_i, req_addr_i};
    data_q   <= {mask_i, data_i};
  end

  // -------------------------------------------------------------------------------------------
  // Addresses of the bursts without a response; one is followed.
  // -------------------------------------------------------------------------------------------
  (* anyseq *) logic watch;
  logic        inside_q;
  logic [1:0]  ahead_q;
  logic [2:0]  open_total;
  logic [28:0] value_q, place_value;
  logic        place;

  assign open_total  = 3'(total_q);
  assign place       = \u_dut.u_addrs.head_q [0] ^ ahead_q[0];
  assign place_value = place ? \u_dut.u_addrs.mem[1] : \u_dut.u_addrs.mem[0] ;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
    end else if (!inside_q && asked && watch) begin
      inside_q <= 1'b1;
      ahead_q  <= 2'(open_total) - 2'(bvalid_i);
      value_q  <= req_addr_i[31:3];
    end else if (inside_q && bvalid_i) begin
      inside_q <= ahead_q != 2'd0;
      ahead_q  <= ahead_q - 2'd1;
    end
  end

  logic [AxiDataBits-1:0] written;  // bits under a strobe

  for (genvar b = 0; b < AxiDataBits / 8; b++) begin : gen_written
    assign written[8*b +: 8] = {8{wstrb[b]}};
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (req_waited_q && !stop_i) assume (req_valid_i && {req_len_i, req_addr_i} == req_q);
    if (data_waited_q && !\u_dut.drop_q ) assume (data_valid_i && {mask_i, data_i} == data_q);
    if (stop_q) assume (stop_i);
    assume (req_len_i < 8'd4);
    if (broken_q) assume (uncorrectable_i);
    if (bvalid_i) assume (unanswered != 2'd0);
    if (rst_ni) begin
      // AW
      a_aw: assert (awvalid == sent_q);
      if (awvalid) a_sent: assert (awaddr == sent_addr_q && awlen == sent_len_q);
      if (aw_held_q) a_aw_held: assert (awvalid && awaddr == aw_addr_q && awlen == aw_len_q);
      a_form: assert (awburst == 2'b01 && 32'd8 << awsize == AxiDataBits);
      // W
      a_bursts: assert (32'(open_total) <= MaxOutstanding);
      a_places: assert (bursts_q == 2'(\u_dut.open_q ) + 2'(\u_dut.next_q ));
      a_behind: assert (behind <= total_q);
      // asked for, so offered since the next cycle (a_aw)
      a_after:  assert (!wvalid || bursts_q != 2'd0);
      if (\u_dut.open_q ) begin
        a_left:  assert (beats_q <= first_q && \u_dut.left_q == first_q - beats_q);
        a_last:  assert (wlast == (beats_q == first_q));
        if (\u_dut.next_q ) a_next: assert (\u_dut.aw_len_q == second_q);
        if (Narrow) a_even: assert (first_q[0]);
      end else begin
        a_none: assert (!wvalid && beats_q == 8'd0);
      end
      if (Narrow && awvalid) a_even_aw: assert (awlen[0]);
      if (Narrow && bursts_q == 2'd2) a_even_next: assert (second_q[0]);
      if (wvalid) begin
        a_data:   assert (\u_dut.drop_q || (data_valid_i && wdata == (beat_data & written)));
        a_zeros:  assert ((wdata & ~written) == '0);
        a_strobe: assert (\u_dut.drop_q || (uncorrectable_i && !w_held_q) || wstrb == beat_strb);
        a_drop:   assert (!\u_dut.drop_q || wstrb == '0);
        a_broken: assert (!uncorrectable_i || w_held_q || wstrb == '0);
      end
      if (w_held_q) begin
        a_w_held: assert (wvalid && wstrb == w_strb_q && wlast == w_last_q);
        if (!\u_dut.drop_q ) a_w_data: assert (wdata == w_data_q);
      end
      a_drops: assert (!\u_dut.drop_q || stopped_q);
      // A client's beat is taken with its last half, and only then.
      a_taken: assert (data_valid_i && data_ready ? w_taken && (!Narrow || !low) && !\u_dut.drop_q
                                                  : !w_taken || \u_dut.drop_q || (Narrow && low));
      a_words: assert (5'(words) == (w_taken ? 5'(wstrb[0]) +
                                 5'(!Narrow && wstrb[AxiDataBits/8-1]) : 5'd0));
      // B
      a_ready: assert (bready);
      a_count: assert (3'(\u_dut.count_q ) == open_total && idle == (open_total == 3'd0));
      if (idle) begin
        a_empty: assert (!awvalid && !\u_dut.open_q && !\u_dut.next_q && !\u_dut.waits_q );
      end
      a_addrs: assert (\u_dut.u_addrs.tail_q == PlaceBits'(\u_dut.u_addrs.head_q + open_total[0]));
      a_error: assert (error == (bvalid_i && bresp_i != 2'b00));
      if (inside_q) begin
        a_ahead: assert (3'(ahead_q) < open_total);
        a_kept:  assert (place_value == value_q);
        if (bvalid_i && ahead_q == 2'd0) a_where: assert (error_addr == {value_q, 3'd0});
      end
      // It goes on when nothing forbids it, whatever either ready says.
      if (req_valid_i && !stop_i && !awvalid && open_total == 3'd0) a_asks: assert (asked);
      if (bursts_q != 2'd0 && data_valid_i) a_sends: assert (wvalid);
      if (bursts_q != 2'd0 && \u_dut.drop_q ) a_ends: assert (wvalid);
      a_waits: assert (\u_dut.waits_q == w_held_q);
      c_two:  cover (bursts_q == 2'd2 && beats_q == 8'd1);
      c_back: cover (inside_q && ahead_q == 2'd1 && bvalid_i && error && unanswered == 2'd1);
      // data taken before their address
      c_early: cover (burst_ends && aw_held_q && awvalid && !awready_i);
      c_broken: cover (w_held_q && uncorrectable_i && wstrb != '0 && !wready_i);
      c_stop: cover (\u_dut.drop_q && burst_ends && beats_q == 8'd3);
    end
  end

endmodule
