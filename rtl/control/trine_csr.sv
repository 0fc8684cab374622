// SPDX-License-Identifier: Apache-2.0
//
// Implements the AXI4-Lite control and status registers (docs/architecture.md). It contains
// trine_lifecycle and trine_counters. Its outputs to AXI4-Lite are registers. Every access gets a
// response in any state of the AXI4 master. These writes get SLVERR and change nothing:
//
//   always           a write with partial strobes, a write to a register that cannot be written,
//                    a PROGRAM or BASE that is not a multiple of the bus width
//   while not idle   PROGRAM, PROGRAM_WORDS, BASE, WINDOW_*, start, scrub without soft reset
//   while running    bus_was_reset
//
// Timing    An access takes 3 cycles or more, up to 18 for a counter's low half.
// Check     trine_control_tb; trine_csr_props

module trine_csr #(
  parameter int unsigned AxiAddrBits = 32,
  parameter int unsigned AxiDataBits = 64,
  parameter bit          Ecc         = 1'b0,
  parameter bit          Imem        = 1'b0,  // with an instruction memory
  parameter int unsigned ErrorBits   = AxiAddrBits > 35 ? AxiAddrBits : 35,  // of ERROR_ADDRESS
  parameter logic [63:0] ConfigHash  = 64'd0,
  parameter logic [35:0] CountFrom   = 36'd0,  // first value of counters; for benches
  localparam int unsigned WordsBits = $clog2(AxiDataBits / 32 + 1)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // AXI4-Lite slave.
  input  trine_axi_pkg::lite_request_t  s_axil_i,
  output trine_axi_pkg::lite_response_t s_axil_o,
  output logic                   irq_o,

  // The program and its life.
  output logic [AxiAddrBits-1:0] program_o,
  output logic [31:0]            program_words_o,
  output logic [AxiAddrBits-1:0] base_o,
  output logic [AxiAddrBits-1:0] window_first_o,
  output logic [AxiAddrBits-1:0] window_last_o,
  output logic [trine_csr_pkg::CsrWatchdogBits-1:0] watchdog_o,
  output logic [trine_csr_pkg::CsrWatchdogBits-1:0] progress_limit_o,
  output logic                   start_o,    // one pulse, in the first cycle of running_o
  output logic                   running_o,
  output logic                   stop_o,
  output logic                   clear_o,
  input  logic                   drained_i,  // nothing is outstanding on the bus
  input  logic                   expired_i,  // the watchdog gives up on outstanding bursts
  output logic                   bus_was_reset_o,  // pulse, not while running: bursts get lost
  input  logic                   done_i,

  // Errors (trine_errors); the first one counts.
  input  logic [trine_csr_pkg::CsrErrorCauseBits-1:0] error_cause_i,
  input  logic [ErrorBits-1:0]   error_addr_i,
  input  logic [trine_csr_pkg::CsrErrorRunBits-1:0] error_run_i,

  // Inputs of the counters.
  input  logic [2:0]             cause_i,
  input  logic [3:0]             busy_i,
  input  logic                   read_beat_i,
  input  logic [WordsBits-1:0]   write_words_i,
  output logic                   exceeded_o,  // CYCLES_LIMIT was reached up to 20 cycles ago

  // Zeros must be written to the memories: after a scrub and, with Ecc, after each soft reset.
  output logic                   wipe_o,
  input  trine_engine_pkg::memory_state_t memory_i,

  // The program may have changed, or did not end well: IMEM must drop it.
  output logic                   imem_flush_o,
  input  trine_engine_pkg::imem_t imem_i
);

  // ---------------------------------------------------------------------------------------------
  // AXI4-Lite: ready is a pulse of one cycle. The access happens in this cycle.
  // ---------------------------------------------------------------------------------------------
  logic        counter_ready;
  logic        bus_was_reset_q;
  logic        write_q, read_q, bvalid_q, rvalid_q, write_ok, read_ok, bad_write_q, bad_read_q;
  logic [31:0] rdata, rdata_q, wdata;
  logic [11:0] waddr, raddr;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q  <= 1'b0;
      read_q   <= 1'b0;
      bvalid_q <= 1'b0;
      rvalid_q <= 1'b0;
    end else begin
      write_q  <= s_axil_i.awvalid && s_axil_i.wvalid && !write_q && !bvalid_q;
      read_q   <= s_axil_i.arvalid && counter_ready && !read_q && !rvalid_q;
      bvalid_q <= write_q || (bvalid_q && !s_axil_i.bready);
      rvalid_q <= read_q || (rvalid_q && !s_axil_i.rready);
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_q) bad_write_q <= !write_ok;
    if (read_q) begin
      bad_read_q <= !read_ok;
      rdata_q    <= rdata;
    end
  end

  assign waddr = {s_axil_i.awaddr[11:2], 2'b00};
  assign raddr = {s_axil_i.araddr[11:2], 2'b00};
  assign wdata = s_axil_i.wdata;

  assign s_axil_o.awready = write_q;
  assign s_axil_o.wready  = write_q;
  assign s_axil_o.bvalid  = bvalid_q;
  assign s_axil_o.bresp   = {bad_write_q, 1'b0};  // OKAY, SLVERR
  assign s_axil_o.arready = read_q;
  assign s_axil_o.rvalid  = rvalid_q;
  assign s_axil_o.rdata   = rdata_q;
  assign s_axil_o.rresp   = {bad_read_q, 1'b0};

  // ---------------------------------------------------------------------------------------------
  // Writes. Addresses are handled as 64 bits here and cut where they are used.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned WatchdogBits = trine_csr_pkg::CsrWatchdogBits;
  localparam int unsigned BeatShift    = AxiDataBits < 64 ? 3 : $clog2(AxiDataBits / 8);

  logic [AxiAddrBits-1:0]  program_d, program_q, base_d, base_q, first_d, first_q, last_d, last_q;
  logic [31:0]             program_words_d, program_words_q;
  logic [WatchdogBits-1:0] watchdog_d, watchdog_q, progress_d, progress_q;
  logic [31:0]             cycles_limit_d, cycles_limit_q;
  logic [63:0]             program_wide, base_wide, first_wide, last_wide;
  logic [1:0]              irq_enable_d, irq_enable_q, irq_clear;
  logic                    start_bit, reset_bit, scrub_bit, start, scrub, soft_reset, bus_was_reset;
  logic                    aligned, locked, names_program, aborted, idle, startable;

  assign program_wide = 64'(program_q);
  assign base_wide    = 64'(base_q);
  assign first_wide   = 64'(first_q);
  assign last_wide    = 64'(last_q);
  assign aligned      = wdata[BeatShift-1:0] == '0;

  assign start_bit    = wdata[trine_csr_pkg::CsrControlStartBit];
  assign reset_bit    = wdata[trine_csr_pkg::CsrControlSoftResetBit];
  assign scrub_bit    = wdata[trine_csr_pkg::CsrControlScrubBit];
  assign startable    = idle && !reset_bit && !scrub_bit;  // idle: no program runs

  // Registers that must not change while a program runs or memories are cleared.
  always_comb begin
    unique case ({waddr[11:3], 3'd0})
      trine_csr_pkg::CsrProgramOffset, trine_csr_pkg::CsrProgramWordsOffset,
      trine_csr_pkg::CsrBaseOffset, trine_csr_pkg::CsrWindowFirstOffset,
      trine_csr_pkg::CsrWindowLastOffset: locked = 1'b1;
      default: locked = 1'b0;
    endcase
    names_program = waddr[11:3] == trine_csr_pkg::CsrProgramOffset[11:3] ||
                    waddr[11:3] == trine_csr_pkg::CsrProgramWordsOffset[11:3];
  end

  always_comb begin
    program_d       = program_q;
    program_words_d = program_words_q;
    base_d          = base_q;
    first_d         = first_q;
    last_d          = last_q;
    watchdog_d      = watchdog_q;
    progress_d      = progress_q;
    cycles_limit_d  = cycles_limit_q;
    irq_enable_d    = irq_enable_q;
    irq_clear       = 2'b00;
    start           = 1'b0;
    soft_reset      = 1'b0;
    scrub           = 1'b0;
    bus_was_reset   = 1'b0;
    write_ok        = &s_axil_i.wstrb && !(locked && !idle);
    if (write_q && write_ok) begin
      unique case (waddr)
        trine_csr_pkg::CsrControlOffset: begin
          write_ok      = !(start_bit && !startable) && !(scrub_bit && !idle && !reset_bit) &&
                          !(wdata[trine_csr_pkg::CsrControlBusWasResetBit] && running_o);
          start         = start_bit && startable;
          scrub         = write_ok && scrub_bit;
          soft_reset    = write_ok && (reset_bit || scrub_bit);
          bus_was_reset = write_ok && wdata[trine_csr_pkg::CsrControlBusWasResetBit];
        end
        trine_csr_pkg::CsrIrqEnableOffset: irq_enable_d = wdata[1:0];
        trine_csr_pkg::CsrIrqStatusOffset: irq_clear = wdata[1:0];
        trine_csr_pkg::CsrProgramOffset: begin
          write_ok = aligned;
          if (aligned) program_d = AxiAddrBits'({program_wide[63:32], wdata});
        end
        trine_csr_pkg::CsrProgramOffset + 12'd4:
          program_d = AxiAddrBits'({wdata, program_wide[31:0]});
        trine_csr_pkg::CsrProgramWordsOffset: program_words_d = wdata;
        trine_csr_pkg::CsrBaseOffset: begin
          write_ok = aligned;
          if (aligned) base_d = AxiAddrBits'({base_wide[63:32], wdata});
        end
        trine_csr_pkg::CsrBaseOffset + 12'd4: base_d = AxiAddrBits'({wdata, base_wide[31:0]});
        trine_csr_pkg::CsrWindowFirstOffset: first_d = AxiAddrBits'({first_wide[63:32], wdata});
        trine_csr_pkg::CsrWindowFirstOffset + 12'd4:
          first_d = AxiAddrBits'({wdata, first_wide[31:0]});
        trine_csr_pkg::CsrWindowLastOffset: last_d = AxiAddrBits'({last_wide[63:32], wdata});
        trine_csr_pkg::CsrWindowLastOffset + 12'd4:
          last_d = AxiAddrBits'({wdata, last_wide[31:0]});
        trine_csr_pkg::CsrWatchdogOffset: watchdog_d = wdata[WatchdogBits-1:0];
        trine_csr_pkg::CsrProgressLimitOffset: progress_d = wdata[WatchdogBits-1:0];
        trine_csr_pkg::CsrCyclesLimitOffset: cycles_limit_d = wdata;
        default: write_ok = 1'b0;
      endcase
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      program_q       <= '0;
      program_words_q <= '0;
      base_q          <= '0;
      first_q         <= '0;
      last_q          <= '1;
      watchdog_q      <= WatchdogBits'(trine_csr_pkg::CsrWatchdogReset);
      progress_q      <= WatchdogBits'(trine_csr_pkg::CsrWatchdogReset);
      cycles_limit_q  <= '0;
      irq_enable_q    <= '0;
    end else if (write_q) begin
      program_q       <= program_d;
      program_words_q <= program_words_d;
      base_q          <= base_d;
      first_q         <= first_d;
      last_q          <= last_d;
      watchdog_q      <= watchdog_d;
      progress_q      <= progress_d;
      cycles_limit_q  <= cycles_limit_d;
      irq_enable_q    <= irq_enable_d;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The life of a program.
  // ---------------------------------------------------------------------------------------------
  logic                                      busy, dirty, done, resetting, has_error;
  logic [1:0]                                irq_status;
  logic [trine_csr_pkg::CsrErrorCauseBits-1:0] cause;
  logic [ErrorBits-1:0]                      error_addr;
  logic [trine_csr_pkg::CsrErrorRunBits-1:0] error_run;
  logic [63:0]                               error_wide;

  trine_lifecycle #(
    .ErrorBits (ErrorBits),
    .Ecc       (Ecc)
  ) u_life (
    .clk_i,
    .rst_ni,
    .start_i      (start),
    .soft_reset_i (soft_reset),
    .scrub_i      (scrub),
    .irq_clear_i  (irq_clear),
    .done_i,
    .drained_i,
    .expired_i,
    .wiping_i     (memory_i.wiping || imem_i.wiping),
    .error_cause_i,
    .error_addr_i,
    .error_run_i,
    .start_o,
    .running_o,
    .stop_o,
    .clear_o,
    .wipe_o,
    .aborted_o    (aborted),
    .idle_o       (idle),
    .busy_o       (busy),
    .dirty_o      (dirty),
    .done_o       (done),
    .resetting_o  (resetting),
    .irq_status_o (irq_status),
    .cause_o      (cause),
    .addr_o       (error_addr),
    .run_o        (error_run)
  );

  assign has_error  = cause != trine_csr_pkg::ErrorNone;
  assign error_wide = has_error ? 64'(error_addr) : 64'd0;

  assign program_o       = program_q;
  assign program_words_o = program_words_q;
  assign base_o          = base_q;
  assign window_first_o  = first_q;
  assign window_last_o   = last_q;
  assign watchdog_o      = watchdog_q;
  assign progress_limit_o = progress_q;
  assign imem_flush_o    = aborted || (write_q && write_ok && names_program);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bus_was_reset_q <= 1'b0;
    else         bus_was_reset_q <= bus_was_reset;
  end

  assign bus_was_reset_o = bus_was_reset_q;
  assign irq_o           = |(irq_status & irq_enable_q);

  // ---------------------------------------------------------------------------------------------
  // Counters and reads. A read of a counter's low half stores its high half for the next read.
  // ---------------------------------------------------------------------------------------------
  localparam logic [11:0] CountersOffset = trine_csr_pkg::CsrCyclesOffset;

  logic [63:0] counter;
  logic [31:0] counter_high_q;
  logic [3:0]  counter_index, index_ahead;
  logic [11:0] counter_addr;
  logic        is_counter;

  assign counter_addr = raddr - CountersOffset;
  assign is_counter   = counter_addr < 12'(15 * 8);

  trine_counters #(
    .AxiDataBits (AxiDataBits),
    .From        (CountFrom)
  ) u_counters (
    .clk_i,
    .rst_ni,
    .clear_i       (start_o),
    .running_i     (running_o),
    .cause_i,
    .busy_i,
    .read_beat_i,
    .write_words_i,
    .index_o       (counter_index),
    .value_o       (counter)
  );

  // trine_counters shows counters in turn. The read happens one cycle after this comparison.
  assign index_ahead   = counter_index == 4'd14 ? 4'd0 : counter_index + 4'd1;
  assign counter_ready = !is_counter || raddr[2] || counter_addr[6:3] == index_ahead;

  always_ff @(posedge clk_i) begin
    if (read_q && is_counter && !raddr[2]) counter_high_q <= counter[63:32];
  end

  trine_cycles_limit u_cycles_limit (
    .clk_i,
    .rst_ni,
    .limit_i    (cycles_limit_q),
    .start_i    (start_o),
    .running_i  (running_o),
    .index_i    (counter_index),
    .count_i    (counter),
    .exceeded_o (exceeded_o)
  );

  always_comb begin
    read_ok = 1'b1;
    rdata   = 32'd0;
    unique case (raddr)
      trine_csr_pkg::CsrIdOffset:                  rdata = trine_csr_pkg::CsrIdValue;
      trine_csr_pkg::CsrVersionOffset:             rdata = trine_isa_pkg::IsaVersion;
      trine_csr_pkg::CsrConfigHashOffset:          rdata = ConfigHash[31:0];
      trine_csr_pkg::CsrConfigHashOffset + 12'd4:  rdata = ConfigHash[63:32];
      trine_csr_pkg::CsrControlOffset:             rdata = 32'd0;
      trine_csr_pkg::CsrStatusOffset: begin
        rdata[trine_csr_pkg::CsrStatusBusyBit]  = busy;
        rdata[trine_csr_pkg::CsrStatusDoneBit]  = done;
        rdata[trine_csr_pkg::CsrStatusErrorBit] = has_error;
        rdata[trine_csr_pkg::CsrStatusBusDirtyBit] = dirty;
        rdata[trine_csr_pkg::CsrStatusResetBit] = resetting;
      end
      trine_csr_pkg::CsrErrorCauseOffset:          rdata = 32'(cause);
      trine_csr_pkg::CsrErrorAddressOffset, trine_csr_pkg::CsrErrorAddressAliasOffset:
        rdata = error_wide[31:0];
      trine_csr_pkg::CsrErrorAddressOffset + 12'd4,
      trine_csr_pkg::CsrErrorAddressAliasOffset + 12'd4: rdata = error_wide[63:32];
      trine_csr_pkg::CsrRegistersVersionOffset:    rdata = trine_csr_pkg::CsrRegistersVersionValue;
      trine_csr_pkg::CsrIrqEnableOffset:           rdata = 32'(irq_enable_q);
      trine_csr_pkg::CsrIrqStatusOffset:           rdata = 32'(irq_status);
      trine_csr_pkg::CsrProgramOffset:             rdata = program_wide[31:0];
      trine_csr_pkg::CsrProgramOffset + 12'd4:     rdata = program_wide[63:32];
      trine_csr_pkg::CsrProgramWordsOffset:        rdata = program_words_q;
      trine_csr_pkg::CsrBaseOffset:                rdata = base_wide[31:0];
      trine_csr_pkg::CsrBaseOffset + 12'd4:        rdata = base_wide[63:32];
      trine_csr_pkg::CsrWindowFirstOffset:         rdata = first_wide[31:0];
      trine_csr_pkg::CsrWindowFirstOffset + 12'd4: rdata = first_wide[63:32];
      trine_csr_pkg::CsrWindowLastOffset:          rdata = last_wide[31:0];
      trine_csr_pkg::CsrWindowLastOffset + 12'd4:  rdata = last_wide[63:32];
      trine_csr_pkg::CsrWatchdogOffset:            rdata = 32'(watchdog_q);
      trine_csr_pkg::CsrProgressLimitOffset:       rdata = 32'(progress_q);
      trine_csr_pkg::CsrCyclesLimitOffset:         rdata = cycles_limit_q;
      trine_csr_pkg::CsrErrorRunOffset:            rdata = has_error ? 32'(error_run) : 32'd0;
      default: begin
        read_ok = is_counter;
        rdata   = raddr[2] ? counter_high_q : counter[31:0];
      end
    endcase
    if (Ecc && raddr[11:3] == trine_csr_pkg::CsrEccCorrectedOffset[11:3]) begin
      read_ok = 1'b1;
      rdata   = raddr[2] ? memory_i.pmem_count : memory_i.dmem_count;
    end
    if (Ecc && Imem && raddr == trine_csr_pkg::CsrImemCorrectedOffset) begin
      read_ok = 1'b1;
      rdata   = imem_i.count;
    end
  end

  logic unused_bits;
  assign unused_bits = ^{s_axil_i.awaddr[1:0], s_axil_i.araddr[1:0], counter_addr, memory_i,
                         imem_i};

`ifdef TRINE_ASSERT
  logic        live_q, b_waits_q, r_waits_q;
  logic [1:0]  held_resp_q;
  logic [31:0] held_data_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, b_waits_q, r_waits_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      b_waits_q <= bvalid_q && !s_axil_i.bready;
      r_waits_q <= rvalid_q && !s_axil_i.rready;
    end
  end

  always_ff @(posedge clk_i) begin
    held_resp_q <= s_axil_o.bresp;
    held_data_q <= s_axil_o.rdata;
    if (live_q) begin
      if (b_waits_q) a_b_held: assert (s_axil_o.bvalid && s_axil_o.bresp == held_resp_q);
      if (r_waits_q) a_r_held: assert (s_axil_o.rvalid && s_axil_o.rdata == held_data_q);
      a_one_write: assert (!(s_axil_o.awready && s_axil_o.bvalid));
      a_one_read:  assert (!(s_axil_o.arready && s_axil_o.rvalid));
      if (s_axil_o.awready) m_write_held: assume (s_axil_i.awvalid && s_axil_i.wvalid);
      if (s_axil_o.arready) m_read_held: assume (s_axil_i.arvalid);
    end
  end
`endif

endmodule
