// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_axi_read obeys the rules of AXI4's read channels, and that no request or
// response is lost, doubled or given to the wrong client.
//
//   AR   Valid and its payload stay until ready. A client's request becomes one burst, with twice
//        as many beats on a bus narrower than 64 bits.
//   R    A beat of the bus reaches the client of its ID once, in order, with its error and the end
//        of its burst, unless stop_i drops it. A response other than OKAY is an error, and so is a
//        burst that ends with half a beat.
//   Two clients that both wait take turns.
//   idle_o is high only when nothing is outstanding. A client never has more than MaxOutstanding
//   bursts.
//
// The memory may be any memory that answers accepted bursts, in order for each ID. Beats of both
// IDs may interleave. The proof assumes that a client's request holds until it is accepted, and has
// at most 4 beats. The proof follows one response of a beat to its client.

module trine_axi_read_props #(
  parameter int unsigned AxiDataBits    = 64,
  parameter int unsigned MaxOutstanding = 2
) (
  input logic                   clk_i,
  input logic                   rst_ni,
  input logic                   stop_i,
  input logic [1:0]             req_valid_i,
  input logic [63:0]            req_addr_i,
  input logic [15:0]            req_len_i,
  input logic [1:0]             rsp_ready_i,
  input logic                   arready_i,
  input logic                   rvalid_i,
  input logic                   rid_i,
  input logic [AxiDataBits-1:0] rdata_i,
  input logic [1:0]             rresp_i,
  input logic                   rlast_i
);

  localparam bit Narrow = AxiDataBits < 64;

  logic        idle, beat;
  logic [1:0]  req_ready, rsp_valid;
  logic [63:0] rsp_data;
  logic        rsp_error, rsp_last, arvalid, arid, rready;
  logic [31:0] araddr;
  logic [7:0]  arlen;
  logic [2:0]  arsize;
  logic [1:0]  arburst;

  trine_axi_read #(
    .AxiDataBits    (AxiDataBits),
    .AxiAddrBits    (32),
    .MaxOutstanding (MaxOutstanding)
  ) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (1'b0),
    .stop_i          (stop_i),
    .idle_o          (idle),
    .beat_o          (beat),
    .req_valid_i     (req_valid_i),
    .req_ready_o     (req_ready),
    .req_addr_i      (req_addr_i),
    .req_len_i       (req_len_i),
    .rsp_valid_o     (rsp_valid),
    .rsp_ready_i     (rsp_ready_i),
    .rsp_data_o      (rsp_data),
    .rsp_error_o     (rsp_error),
    .rsp_last_o      (rsp_last),
    .m_axi_arvalid_o (arvalid),
    .m_axi_arready_i (arready_i),
    .m_axi_arid_o    (arid),
    .m_axi_araddr_o  (araddr),
    .m_axi_arlen_o   (arlen),
    .m_axi_arsize_o  (arsize),
    .m_axi_arburst_o (arburst),
    .m_axi_rvalid_i  (rvalid_i),
    .m_axi_rready_o  (rready),
    .m_axi_rid_i     (rid_i),
    .m_axi_rdata_i   (rdata_i),
    .m_axi_rresp_i   (rresp_i),
    .m_axi_rlast_i   (rlast_i)
  );

  // The registers of the master, for the invariant.
  (* hierconn *) logic [1:0] \u_dut.gen_count[0].count_q , \u_dut.gen_count[1].count_q ;
  (* hierconn *) logic [66:0] \u_dut.place0_q , \u_dut.place1_q ;
  (* hierconn *) logic [1:0] \u_dut.used_q ;
  (* hierconn *) logic \u_dut.read_q , \u_dut.write_q ;
  (* hierconn *) logic [1:0] \u_dut.gen_join.half_q , \u_dut.gen_join.error_q ;
  (* hierconn *) logic [31:0] \u_dut.gen_join.low0_q , \u_dut.gen_join.low1_q ;

  // -------------------------------------------------------------------------------------------
  // Requests.
  // -------------------------------------------------------------------------------------------
  logic [1:0]  asked;  // requests taken in this cycle
  logic        ar_held_q, ar_id_q;
  logic [31:0] ar_addr_q;
  logic [7:0]  ar_len_q;
  logic [1:0]  waited_q;
  logic [63:0] addr_q;
  logic [15:0] len_q;

  assign asked = req_valid_i & req_ready;

  // AR must hold the request that was taken last.
  logic        sent_q;  // AR holds a request
  logic        sent_id_q;
  logic [31:0] sent_addr_q;
  logic [7:0]  sent_len_q, taken_len;

  assign taken_len = asked[1] ? req_len_i[15:8] : req_len_i[7:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_held_q <= 1'b0;
      waited_q  <= 2'd0;
      sent_q    <= 1'b0;
      sent_id_q <= 1'b0;
    end else begin
      ar_held_q <= arvalid && !arready_i;
      waited_q  <= req_valid_i & ~req_ready;
      sent_q    <= asked != 2'd0 || (sent_q && !arready_i);
      if (asked != 2'd0) sent_id_q <= asked[1];
    end
  end

  always_ff @(posedge clk_i) begin
    ar_id_q   <= arid;
    ar_addr_q <= araddr;
    ar_len_q  <= arlen;
    addr_q    <= req_addr_i;
    len_q     <= req_len_i;
    if (asked != 2'd0) begin
      sent_addr_q <= asked[1] ? req_addr_i[63:32] : req_addr_i[31:0];
      sent_len_q  <= Narrow ? 8'(2 * taken_len + 8'd1) : taken_len;
    end
  end

  // -------------------------------------------------------------------------------------------
  // The memory: bursts of each ID that were accepted, beats left of the oldest.
  // -------------------------------------------------------------------------------------------
  logic [1:0] took_ar, took_last;
  logic       took;
  logic [3:0] open_q;   // 2 bits an ID: bursts accepted and not answered whole
  logic [3:0] owed;     // 2 bits an ID: with the one in AR

  assign took = rvalid_i && rready;
  for (genvar id = 0; id < 2; id++) begin : gen_id
    assign took_ar[id]   = arvalid && arready_i && arid == 1'(id);
    assign took_last[id] = took && rlast_i && rid_i == 1'(id);
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) open_q[2*id +: 2] <= 2'd0;
      else open_q[2*id +: 2] <= open_q[2*id +: 2] + 2'(took_ar[id]) - 2'(took_last[id]);
    end
    assign owed[2*id +: 2] = open_q[2*id +: 2] + 2'(arvalid && arid == 1'(id));
  end

  // On a narrow bus the halves of a beat: which comes next, of each ID.
  logic [1:0] half_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) half_q <= 2'd0;
    else if (Narrow && took) half_q[rid_i] <= !half_q[rid_i] && !rlast_i;
  end

  // -------------------------------------------------------------------------------------------
  // One beat is followed to its client; at most two wait in the master.
  // -------------------------------------------------------------------------------------------
  (* anyseq *) logic watch;
  logic        enters, leaves, inside_q, id_q, error_q, last_q;
  logic [1:0]  count_q, ahead_q, low_error_q;
  logic [63:0] value_q, joined;
  logic [31:0] low_0_q, low_1_q;
  logic        joined_error;
  logic [66:0] place;

  assign enters = took && (!Narrow || half_q[rid_i] || rlast_i);
  assign leaves = (rsp_valid & rsp_ready_i) != 2'd0 || (stop_i && count_q != 2'd0);
  if (Narrow) begin : gen_joined
    assign joined       = {rdata_i[31:0], rid_i ? low_1_q : low_0_q};
    assign joined_error = rresp_i != 2'b00 || !half_q[rid_i] || low_error_q[rid_i];
  end else begin : gen_whole
    assign joined       = rdata_i;
    assign joined_error = rresp_i != 2'b00;
  end
  assign place = \u_dut.read_q ^ ahead_q[0] ? \u_dut.place1_q : \u_dut.place0_q ;

  always_ff @(posedge clk_i) begin
    if (took) begin
      if (rid_i) low_1_q <= rdata_i[31:0];
      else       low_0_q <= rdata_i[31:0];
      low_error_q[rid_i] <= rresp_i != 2'b00;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q  <= 2'd0;
      inside_q <= 1'b0;
    end else begin
      count_q <= count_q + 2'(enters) - 2'(leaves);
      if (!inside_q && enters && watch) begin
        inside_q <= 1'b1;
        ahead_q  <= count_q - 2'(leaves);
        value_q  <= joined;
        id_q     <= rid_i;
        error_q  <= joined_error;
        last_q   <= rlast_i;
      end else if (inside_q && leaves) begin
        inside_q <= ahead_q != 2'd0;
        ahead_q  <= ahead_q - 2'd1;
      end
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    for (int unsigned r = 0; r < 2; r++) begin
      if (waited_q[r]) begin
        assume (req_valid_i[r] && req_addr_i[32*r +: 32] == addr_q[32*r +: 32] &&
                req_len_i[8*r +: 8] == len_q[8*r +: 8]);
      end
      assume (req_len_i[8*r +: 8] < 8'd4);
    end
    if (rvalid_i) begin
      assume (open_q[2*rid_i +: 2] != 2'd0);
    end
    if (rst_ni) begin
      // AR
      a_one:   assert (asked != 2'd3);
      a_ar:    assert (arvalid == sent_q);
      if (arvalid) begin
        a_sent: assert (arid == sent_id_q && araddr == sent_addr_q && arlen == sent_len_q);
      end
      if (ar_held_q) begin
        a_held: assert (arvalid && arid == ar_id_q && araddr == ar_addr_q && arlen == ar_len_q);
      end
      a_form:  assert (arburst == 2'b01 && 32'd8 << arsize == AxiDataBits);
      // Outstanding
      for (int unsigned id = 0; id < 2; id++) begin
        assert (owed[2*id +: 2] <= 2'(MaxOutstanding) && open_q[2*id +: 2] <= 2'(MaxOutstanding));
      end
      a_count_0: assert (\u_dut.gen_count[0].count_q == owed[1:0]);
      a_count_1: assert (\u_dut.gen_count[1].count_q == owed[3:2]);
      a_idle:  assert (idle == (owed == 4'd0 && count_q == 2'd0));
      // A request is taken when nothing forbids it.
      if (!stop_i && !arvalid && req_valid_i[0] && owed[1:0] < 2'(MaxOutstanding)) begin
        a_progress: assert (asked != 2'd0);
      end
      // Clients that both wait take turns.
      a_last: assert (arid == sent_id_q);
      if (asked != 2'd0 && req_valid_i == 2'd3 && owed[1:0] < 2'(MaxOutstanding) &&
          owed[3:2] < 2'(MaxOutstanding)) begin
        a_turns: assert (asked[!sent_id_q]);
      end
      // R
      if (Narrow) begin
        a_half: assert (\u_dut.gen_join.half_q == half_q);
        // A low half is of a burst that was accepted and has not ended.
        a_half_0: assert (!half_q[0] || open_q[1:0] != 2'd0);
        a_half_1: assert (!half_q[1] || open_q[3:2] != 2'd0);
        if (idle) a_empty: assert (half_q == 2'd0);
        if (half_q[0]) begin
          a_low_0: assert (\u_dut.gen_join.low0_q == low_0_q &&
                           \u_dut.gen_join.error_q [0] == low_error_q[0]);
        end
        if (half_q[1]) begin
          a_low_1: assert (\u_dut.gen_join.low1_q == low_1_q &&
                           \u_dut.gen_join.error_q [1] == low_error_q[1]);
        end
      end
      a_room:  assert (count_q <= 2'd2 && rready == (count_q != 2'd2));
      a_beat:  assert (beat == took);
      a_some:  assert (rsp_valid != 2'd3 && (rsp_valid != 2'd0) == (count_q != 2'd0 && !stop_i));
      a_used:  assert (\u_dut.used_q == count_q);
      a_write: assert (\u_dut.write_q == \u_dut.read_q ^ count_q[0]);
      if (inside_q) begin
        a_ahead: assert (ahead_q < count_q);
        if (Narrow && error_q) a_kept_error: assert (place[66:64] == {id_q, last_q, 1'b1});
        else a_kept: assert (place == {id_q, last_q, error_q, value_q});
        if (ahead_q == 2'd0 && rsp_valid != 2'd0) begin
          a_order: assert (rsp_valid[id_q] && rsp_error == error_q && rsp_last == last_q);
          if (!error_q) a_value: assert (rsp_data == value_q);
        end
      end
      c_two:   cover (owed == {2'd2, 2'd2} && count_q == 2'd2);
      c_other: cover (inside_q && id_q && error_q && ahead_q == 2'd1 && leaves);
      if (Narrow) c_early: cover (inside_q && last_q && error_q && !low_error_q[id_q]);
      c_stop:  cover (stop_i && inside_q && owed != 4'd0);
    end
  end

endmodule
