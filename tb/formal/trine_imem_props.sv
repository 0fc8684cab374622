// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_imem answers each beat of each burst once and in order, from the bus or from
// its memory. A beat from the memory equals the beat that the bus returned at this index, when for
// the first time since flush_i all beats up to it had come without an error. A burst of only kept
// beats does not go to the bus, unless an earlier burst did. Any other burst goes to the bus.
//
// The proof follows the beat that is kept at one index. It assumes the contract, and that a request
// holds until it is accepted.

module trine_imem_props #(
  parameter int unsigned MaxBeats = 4
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        flush_i,
  input logic        wipe_i,
  input logic        req_valid_i,
  input logic [7:0]  req_len_i,
  input logic        bus_ready_i,
  input logic        bus_valid_i,
  input logic [31:0] bus_data_i,
  input logic        bus_error_i,
  input logic        bus_last_i,
  input logic [2:0]  follow_i
);

  localparam int unsigned Depth = 8;

  logic                    ready, valid, error, last, bus_request;
  logic [31:0]             data;
  trine_engine_pkg::imem_t state;

  trine_imem #(
    .Words    (Depth / 2),
    .DataBits (32),
    .MaxBeats (MaxBeats)
  ) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (clear_i),
    .start_i         (1'b0),
    .flush_i         (flush_i),
    .wipe_i          (wipe_i),
    .req_valid_i     (req_valid_i),
    .req_ready_o     (ready),
    .req_len_i       (req_len_i),
    .rsp_valid_o     (valid),
    .rsp_data_o      (data),
    .rsp_error_o     (error),
    .rsp_last_o      (last),
    .bus_req_valid_o (bus_request),
    .bus_req_ready_i (bus_ready_i),
    .bus_valid_i     (bus_valid_i),
    .bus_data_i      (bus_data_i),
    .bus_error_i     (bus_error_i),
    .bus_last_i      (bus_last_i),
    .state_o         (state)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic [3:0]  \u_dut.kept_q , \u_dut.place_q ;
  (* hierconn *) logic [2:0]  \u_dut.left_q ;
  (* hierconn *) logic        \u_dut.miss_q , \u_dut.taken_q , \u_dut.wiping_q ;
  (* hierconn *) logic        \u_dut.read_q , \u_dut.rsp_valid_q ;
  (* hierconn *) logic [31:0] \u_dut.rdata , \u_dut.beat_q ;
  (* hierconn *) logic [31:0] \u_dut.u_sram.mem[0] , \u_dut.u_sram.mem[1] ;
  (* hierconn *) logic [31:0] \u_dut.u_sram.mem[2] , \u_dut.u_sram.mem[3] ;
  (* hierconn *) logic [31:0] \u_dut.u_sram.mem[4] , \u_dut.u_sram.mem[5] ;
  (* hierconn *) logic [31:0] \u_dut.u_sram.mem[6] , \u_dut.u_sram.mem[7] ;

  // In a run: beats answered, until Depth; beats asked for and not answered yet, by the bus and at
  // all. In a program: beats kept; the one that is followed.
  logic [3:0]  seen_q, kept_q, ahead;
  logic [5:0]  bus_owed_q, owed_q, more, coming;
  logic [2:0]  follow_q;
  logic [31:0] value_q, stored;
  logic        asked_q, waits_q, gone_q;  // a request waits; a burst went to the bus
  logic [7:0]  len_q;
  logic        take, here, keep;

  assign take   = req_valid_i && ready;
  assign more   = 6'(req_len_i) + 6'd1;
  assign here   = valid && !bus_valid_i;
  assign keep   = bus_valid_i && !bus_error_i && seen_q == kept_q && seen_q != 4'(Depth);
  assign coming = 6'(\u_dut.left_q ) + 6'(\u_dut.read_q ) + 6'(\u_dut.rsp_valid_q );
  assign ahead  = seen_q + 4'(\u_dut.rsp_valid_q ) + 4'(\u_dut.read_q );

  always_comb begin
    case (follow_q)
      3'd0:    stored = \u_dut.u_sram.mem[0] ;
      3'd1:    stored = \u_dut.u_sram.mem[1] ;
      3'd2:    stored = \u_dut.u_sram.mem[2] ;
      3'd3:    stored = \u_dut.u_sram.mem[3] ;
      3'd4:    stored = \u_dut.u_sram.mem[4] ;
      3'd5:    stored = \u_dut.u_sram.mem[5] ;
      3'd6:    stored = \u_dut.u_sram.mem[6] ;
      default: stored = \u_dut.u_sram.mem[7] ;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      seen_q     <= '0;
      kept_q     <= '0;
      owed_q     <= '0;
      bus_owed_q <= '0;
      asked_q    <= 1'b0;
      waits_q    <= 1'b0;
      gone_q     <= 1'b0;
      follow_q   <= follow_i;
    end else begin
      if (flush_i)   kept_q <= '0;
      else if (keep) kept_q <= kept_q + 4'd1;
      if (keep && seen_q == 4'(follow_q)) value_q <= bus_data_i;
      if (clear_i) begin
        seen_q     <= '0;
        owed_q     <= '0;
        bus_owed_q <= '0;
        asked_q    <= 1'b0;
        waits_q    <= 1'b0;
        gone_q     <= 1'b0;
      end else begin
        if (valid && seen_q != 4'(Depth)) seen_q <= seen_q + 4'd1;
        owed_q     <= owed_q + (take ? more : 6'd0) - 6'(valid);
        bus_owed_q <= bus_owed_q + (bus_request && bus_ready_i ? more : 6'd0) - 6'(bus_valid_i);
        asked_q    <= asked_q || req_valid_i;
        waits_q    <= req_valid_i && !ready;
        gone_q     <= gone_q || (bus_request && bus_ready_i);
      end
    end
  end

  always_ff @(posedge clk_i) len_q <= req_len_i;

  always_comb begin
    if ($initstate) assume (!rst_ni);
    m_len:    assume (req_len_i < 8'(MaxBeats));
    m_holds:  assume (!waits_q || (req_valid_i && req_len_i == len_q));
    m_bus:    assume (!bus_valid_i || (bus_owed_q != '0 && !clear_i));
    m_most:   assume (!bus_ready_i || bus_owed_q < 6'd16);
    m_forget: assume (!flush_i || clear_i || !(asked_q || req_valid_i));
    m_wipe:   assume (!wipe_i || (clear_i && flush_i));
    m_alone:  assume (!(\u_dut.wiping_q && req_valid_i));
    if (rst_ni) begin
      a_kept:    assert (\u_dut.kept_q == kept_q && kept_q <= 4'(Depth));
      a_seen:    assert (seen_q <= 4'(Depth));
      a_owed:    assert (owed_q + (\u_dut.taken_q ? more : 6'd0) == bus_owed_q + coming);
      a_bounds:  assert (bus_owed_q < 6'd20 && \u_dut.left_q <= 3'(MaxBeats));
      a_one:     assert (bus_owed_q == '0 || coming == '0);
      a_missed:  assert (!\u_dut.miss_q || (\u_dut.left_q == '0 && !\u_dut.taken_q ));
      a_gone:    assert (!(gone_q || bus_owed_q != '0) || \u_dut.miss_q );
      a_miss:    assert (!\u_dut.miss_q || gone_q ||
                         (waits_q && ahead + 4'(len_q) >= kept_q));
      a_taken:   assert (!\u_dut.taken_q || (waits_q && 6'(\u_dut.left_q ) == 6'(len_q) + 6'd1));
      a_wipes:   assert (!\u_dut.wiping_q || (!asked_q && kept_q == '0 && coming == '0 &&
                         seen_q == '0 && \u_dut.place_q < 4'(Depth) && !\u_dut.miss_q ));
      a_place:   assert (\u_dut.wiping_q || \u_dut.place_q == ahead);
      a_new:     assert (asked_q || (owed_q == '0 && coming == '0 && seen_q == '0 &&
                         !\u_dut.miss_q && !\u_dut.taken_q ));
      a_inside:  assert (coming == '0 || ahead + 4'(\u_dut.left_q ) <= kept_q);
      a_stored:  assert (4'(follow_q) >= kept_q || stored == value_q);
      a_rdata:   assert (!\u_dut.read_q || ahead != 4'(follow_q) + 4'd1 ||
                         \u_dut.rdata == value_q);
      a_beat:    assert (!\u_dut.rsp_valid_q || seen_q != 4'(follow_q) || \u_dut.beat_q == value_q);
      // The ports to the neighbours.
      if (valid) a_asked: assert (owed_q != '0);
      if (bus_valid_i) begin
        a_passes: assert (valid && data == bus_data_i);
        a_marks:  assert (error == bus_error_i && last == bus_last_i);
      end
      if (here) a_here: assert (!error && seen_q < kept_q);
      if (here && seen_q == 4'(follow_q)) a_value: assert (data == value_q);
      if (take && !bus_request) a_whole: assert (!gone_q);
      if (bus_request && !gone_q) a_part: assert (seen_q + 4'(coming) + 4'(more) > kept_q);
      c_here:  cover (here && seen_q == 4'd5 && data == 32'd9);
      c_mixed: cover (bus_request && !gone_q && seen_q == 4'd3 && kept_q == 4'd6);
      c_wiped: cover (\u_dut.wiping_q && \u_dut.place_q == 4'd3);
    end
  end

endmodule
