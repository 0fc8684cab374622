// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_csr answers each access within a bounded number of cycles, in any state of the
// machine, and whatever the master's bus, the clearing of the memories and the counters do.
// Registers that a program must find unchanged do not change while the machine is not idle. There
// is only one place that starts a program, and only one that requests a wipe.

module trine_csr_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        awvalid_i,
  input logic [11:0] awaddr_i,
  input logic        wvalid_i,
  input logic [31:0] wdata_i,
  input logic [3:0]  wstrb_i,
  input logic        bready_i,
  input logic        arvalid_i,
  input logic [11:0] araddr_i,
  input logic        rready_i,
  input logic        drained_i,
  input logic        done_i,
  input logic        expired_i,
  input logic [4:0]  error_cause_i,
  input logic        wiping_i,
  input logic        wiping_imem_i  // it is that memory's zeros
);

  logic        awready, wready, bvalid, arready, rvalid, irq, start, running, stop, clear,
               bus_was_reset, wipe, forget, forget_q;
  logic [1:0]  bresp, rresp;
  logic [31:0] rdata, program_words;
  logic [31:0] program_addr, base, first, last;
  logic [23:0] watchdog, progress_limit;
  logic        exceeded;

  trine_axi_pkg::lite_request_t    request;
  trine_axi_pkg::lite_response_t   response;
  trine_engine_pkg::memory_state_t memory;
  trine_engine_pkg::imem_t         imem;

  assign request = {awvalid_i, awaddr_i, wvalid_i, wdata_i, wstrb_i, bready_i, arvalid_i, araddr_i,
                    rready_i};
  assign {awready, wready, bvalid, bresp, arready, rvalid, rdata, rresp} = response;
  assign memory  = {wiping_i && !wiping_imem_i,
                    {(trine_engine_pkg::MemoryStateBits - 1){1'b0}}};
  assign imem    = {wiping_i && wiping_imem_i, 67'd0};

  trine_csr #(.Ecc(1'b1), .Imem(1'b1)) u_dut (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .s_axil_i         (request),
    .s_axil_o         (response),
    .irq_o            (irq),
    .program_o        (program_addr),
    .program_words_o  (program_words),
    .base_o           (base),
    .window_first_o   (first),
    .window_last_o    (last),
    .watchdog_o       (watchdog),
    .progress_limit_o (progress_limit),
    .exceeded_o       (exceeded),
    .start_o          (start),
    .running_o        (running),
    .stop_o           (stop),
    .clear_o          (clear),
    .bus_was_reset_o  (bus_was_reset),
    .drained_i        (drained_i),
    .done_i           (done_i),
    .expired_i        (expired_i),
    .error_cause_i    (error_cause_i),
    .error_addr_i     ('0),
    .error_run_i      ('0),
    .cause_i          (3'd0),
    .busy_i           (4'd0),
    .read_beat_i      (1'b0),
    .write_words_i    ('0),
    .wipe_o           (wipe),
    .memory_i         (memory),
    .imem_flush_o     (forget),
    .imem_i           (imem)
  );

  (* hierconn *) logic        \u_dut.write_q , \u_dut.read_q ;
  (* hierconn *) logic [1:0]  \u_dut.u_life.state_q ;
  (* hierconn *) logic        \u_dut.u_life.reset_q ;
  (* hierconn *) logic        \u_dut.u_life.start_q , \u_dut.u_life.clear_q , \u_dut.u_life.report ;
  (* hierconn *) logic [1:0]  \u_dut.u_life.irq_status_q ;
  (* hierconn *) logic [14:0] \u_dut.u_counters.ring_q ;
  (* hierconn *) logic [3:0]  \u_dut.u_counters.index_q , \u_dut.u_counters.added_index_q ;

  localparam logic [1:0] StIdle = 2'd0, StRun = 2'd1, StClear = 2'd3;

  // Contract: what was offered stays.
  logic        write_waits_q, read_waits_q, bvalid_waits_q, rvalid_waits_q, w_taken_q, r_taken_q,
               busy_q, report_q;
  logic [11:0] awaddr_q, araddr_q;
  logic [31:0] wdata_q;
  logic [3:0]  wstrb_q;
  // cycles that a write, or a read, waited for its ready while no answer was in the way
  logic [1:0]  w_age_q;
  logic [4:0]  r_age_q;
  logic [159:0] kept_q;
  logic        write, read;

  (* hierconn *) logic \u_dut.scrub , \u_dut.u_life.scrub_q ;
  logic scrub_owed_q;  // an accepted scrub, until it is passed to the memories

  assign write = awvalid_i && wvalid_i;
  assign read  = arvalid_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_waits_q  <= 1'b0;
      read_waits_q   <= 1'b0;
      bvalid_waits_q <= 1'b0;
      rvalid_waits_q <= 1'b0;
      w_taken_q      <= 1'b0;
      r_taken_q      <= 1'b0;
      w_age_q        <= '0;
      r_age_q        <= '0;
      report_q       <= 1'b0;
      scrub_owed_q   <= 1'b0;
    end else begin
      write_waits_q  <= write && !awready;
      read_waits_q   <= read && !arready;
      bvalid_waits_q <= bvalid && !bready_i;
      rvalid_waits_q <= rvalid && !rready_i;
      w_taken_q      <= write && awready;
      r_taken_q      <= read && arready;
      w_age_q        <= write && !awready ? w_age_q + 2'(!bvalid) : '0;
      r_age_q        <= read && !arready ? r_age_q + 5'(!rvalid) : '0;
      report_q       <= \u_dut.u_life.report ;
      scrub_owed_q   <= \u_dut.scrub || (scrub_owed_q && !clear);
    end
  end

  always_ff @(posedge clk_i) begin
    awaddr_q <= awaddr_i;
    wdata_q  <= wdata_i;
    wstrb_q  <= wstrb_i;
    araddr_q <= araddr_i;
    busy_q   <= \u_dut.u_life.state_q  != StIdle || wiping_i;
    forget_q <= forget;
    kept_q   <= {program_addr, program_words, base, first, last};
  end

  // Cycles until the counter passes by that a read waits for; 0: its cycle, or none is waited for.
  logic [11:0] offset;
  logic [3:0]  wanted, ahead;
  logic [4:0]  remaining;

  assign offset    = {araddr_i[11:2], 2'b00} - trine_csr_pkg::CsrCyclesOffset;
  assign wanted    = offset[6:3];
  assign ahead     = \u_dut.u_counters.index_q ;  // the one after added_index_q
  assign remaining = offset >= 12'd120 || offset[2] ? 5'd0 :
                     wanted >= ahead ? 5'(wanted) - 5'(ahead) : 5'd15 + 5'(wanted) - 5'(ahead);

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (rst_ni) begin
      if (write_waits_q) assume (write && awaddr_i == awaddr_q && wdata_i == wdata_q &&
                                 wstrb_i == wstrb_q);
      if (read_waits_q) assume (read && araddr_i == araddr_q);

      // Counters come round.
      a_index: assert (\u_dut.u_counters.index_q  < 4'd15);
      a_added: assert (\u_dut.u_counters.added_index_q  ==
                       (ahead == 4'd0 ? 4'd14 : ahead - 4'd1));
      a_ring:  assert (\u_dut.u_counters.ring_q  == 15'd1 << \u_dut.u_counters.index_q );

      // Ready comes in the next cycle in which no answer is in the way; of the low half of a
      // counter within 15.
      a_write_now:   assert (w_age_q <= 2'd1);
      a_write_ready: assert (wready == awready && awready == \u_dut.write_q );
      a_write_asked: assert (!awready || write_waits_q);
      a_write_first: assert (w_age_q == 2'd0 || awready);
      a_read_ready:  assert (arready == \u_dut.read_q );
      a_read_asked:  assert (!arready || read_waits_q);
      a_write_age:   assert (w_age_q == 2'd0 || write_waits_q);
      a_read_age:    assert (r_age_q == 5'd0 || (read_waits_q && !rvalid));
      a_read_bound:  assert (r_age_q <= 5'd15);
      if (read && !arready && !rvalid) a_read_nears: assert (r_age_q + remaining <= 5'd14);

      // The answer comes in the cycle after, and stays.
      a_write_answer: assert (!(w_taken_q || bvalid_waits_q) || bvalid);
      a_read_answer:  assert (!(r_taken_q || rvalid_waits_q) || rvalid);

      // Locked, and what nothing but an idle machine does.
      if (busy_q) begin
        a_locked: assert (kept_q == {program_addr, program_words, base, first, last});
        a_start:  assert (!start);
      end
      // Another program is reported, and one that is dropped.
      a_forget: assert (forget_q || kept_q[159:96] == {program_addr, program_words});
      if (clear && \u_dut.u_life.reset_q ) a_drop: assert (forget);
      a_starts: assert (start == \u_dut.u_life.start_q  && (!start || running));
      a_clear:  assert (clear == (\u_dut.u_life.state_q  == StClear));
      a_wipe:   assert (!wipe || clear);
      // A scrub is never dropped, not by a soft reset either.
      if (scrub_owed_q) begin
        a_scrub:      assert (\u_dut.u_life.scrub_q && \u_dut.u_life.reset_q );
        a_scrub_busy: assert (stop && \u_dut.u_life.state_q != StIdle);
        if (clear) a_scrubs: assert (wipe);
      end

      // An event is there in the next cycle, even if a write clears it as it comes.
      if (report_q) a_event: assert (\u_dut.u_life.irq_status_q  != 2'b00);

      c_write_wiping: cover (w_taken_q && wiping_i && bresp == 2'b10);
      c_write_stop:   cover (w_taken_q && stop && !drained_i && bresp == 2'b00);
      c_read_long:    cover (r_age_q == 5'd15 && arready);
      c_wipe:         cover (wipe);
      c_run:          cover (running && w_taken_q && bresp == 2'b10);
    end
  end

  logic unused;
  assign unused = ^{irq, rresp, rdata, watchdog, progress_limit, exceeded, bus_was_reset};

endmodule
