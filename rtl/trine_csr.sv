// SPDX-License-Identifier: Apache-2.0
//
// Control and status registers (docs/architecture.md), and the life of a program:
//
//   idle --start--> run --done, error or soft reset--> stop --drained--> clear --> idle
//
// In stop the bus masters take no more requests and finish what is outstanding; clear resets the
// machine for one cycle, so that each program finds it as after reset. Status and interrupt tell
// the end when the machine is idle again, or in stop when the watchdog gives up on the bus. What
// that still owes keeps the machine there (bus_dirty), unable to start, until it has come or the
// driver says that it never will (bus_was_reset).
//
// Each access is answered, whatever the state and the bus of the master: a write that cannot be
// carried out is an error (SLVERR) and changes nothing. These are partial strobes, a register that
// cannot be written, an address that is no multiple of the bus width; unless idle PROGRAM,
// PROGRAM_WORDS, BASE, WINDOW_*, start, and scrub without a soft reset; bus_was_reset while a
// program runs.
//
// Timing    one access in three cycles or more, up to 18 to read the low half of a counter; the
//           AXI4-Lite outputs are registers.
// Check     tb/trine_control_tb.cpp; formal/trine_csr_props.sv

module trine_csr #(
  parameter int unsigned AxiAddrBits = 32,
  parameter int unsigned AxiDataBits = 64,
  parameter bit          Ecc         = 1'b0,
  parameter logic [63:0] ConfigHash  = 64'd0,
  parameter logic [35:0] CountFrom   = 36'd0,  // of counters; a bench begins near 2^32
  localparam int unsigned ErrorBits = AxiAddrBits > 35 ? AxiAddrBits : 35
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   s_axil_awvalid_i,
  output logic                   s_axil_awready_o,
  input  logic [11:0]            s_axil_awaddr_i,
  input  logic [2:0]             s_axil_awprot_i,
  input  logic                   s_axil_wvalid_i,
  output logic                   s_axil_wready_o,
  input  logic [31:0]            s_axil_wdata_i,
  input  logic [3:0]             s_axil_wstrb_i,
  output logic                   s_axil_bvalid_o,
  input  logic                   s_axil_bready_i,
  output logic [1:0]             s_axil_bresp_o,
  input  logic                   s_axil_arvalid_i,
  output logic                   s_axil_arready_o,
  input  logic [11:0]            s_axil_araddr_i,
  input  logic [2:0]             s_axil_arprot_i,
  output logic                   s_axil_rvalid_o,
  input  logic                   s_axil_rready_i,
  output logic [31:0]            s_axil_rdata_o,
  output logic [1:0]             s_axil_rresp_o,
  output logic                   irq_o,

  // The program and its life.
  output logic [AxiAddrBits-1:0] program_o,
  output logic [31:0]            program_words_o,
  output logic [AxiAddrBits-1:0] base_o,
  output logic [AxiAddrBits-1:0] window_first_o,
  output logic [AxiAddrBits-1:0] window_last_o,
  output logic [trine_csr_pkg::CsrWatchdogBits-1:0] watchdog_o,
  output logic                   start_o,    // one pulse, in the first cycle of running_o
  output logic                   running_o,
  output logic                   stop_o,
  output logic                   clear_o,
  input  logic                   drained_i,  // nothing is outstanding on the bus
  input  logic                   expired_i,  // the watchdog gives up on what is
  output logic                   bus_was_reset_o,  // it never comes: one pulse, not while running
  input  logic                   done_i,

  // Errors (trine_errors), the first of which counts.
  input  logic [3:0]             error_cause_i,
  input  logic [ErrorBits-1:0]   error_addr_i,
  input  logic [trine_csr_pkg::CsrErrorRunBits-1:0] error_run_i,

  // What the counters count.
  input  logic [2:0]             cause_i,
  input  logic [3:0]             busy_i,
  input  logic                   read_beat_i,
  input  logic [4:0]             write_words_i,

  // Zeros are to be written to the memories (scrub, and with Ecc each soft reset); they are being
  // written.
  output logic                   wipe_o,
  input  logic                   wiping_i,

  // Codes of DMEM and PMEM, with Ecc.
  input  logic [31:0]            ecc_dmem_count_i,
  input  logic [31:0]            ecc_pmem_count_i
);

  // ---------------------------------------------------------------------------------------------
  // AXI4-Lite: ready is a pulse of one cycle, in which the access happens.
  // ---------------------------------------------------------------------------------------------
  logic        counter_there;
  logic        dirty_q;  // the bus owes what was given up
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
      write_q  <= s_axil_awvalid_i && s_axil_wvalid_i && !write_q && !bvalid_q;
      read_q   <= s_axil_arvalid_i && counter_there && !read_q && !rvalid_q;
      bvalid_q <= write_q || (bvalid_q && !s_axil_bready_i);
      rvalid_q <= read_q || (rvalid_q && !s_axil_rready_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_q) bad_write_q <= !write_ok;
    if (read_q) begin
      bad_read_q <= !read_ok;
      rdata_q    <= rdata;
    end
  end

  assign waddr = {s_axil_awaddr_i[11:2], 2'b00};
  assign raddr = {s_axil_araddr_i[11:2], 2'b00};
  assign wdata = s_axil_wdata_i;

  assign s_axil_awready_o = write_q;
  assign s_axil_wready_o  = write_q;
  assign s_axil_bvalid_o  = bvalid_q;
  assign s_axil_bresp_o   = {bad_write_q, 1'b0};  // OKAY, SLVERR
  assign s_axil_arready_o = read_q;
  assign s_axil_rvalid_o  = rvalid_q;
  assign s_axil_rdata_o   = rdata_q;
  assign s_axil_rresp_o   = {bad_read_q, 1'b0};

  // ---------------------------------------------------------------------------------------------
  // Writes. Both halves of an address are kept in 64 bits here and cut where they are used.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned WatchdogBits = trine_csr_pkg::CsrWatchdogBits;
  localparam int unsigned BeatShift    = AxiDataBits < 64 ? 3 : $clog2(AxiDataBits / 8);

  logic [AxiAddrBits-1:0]  program_d, program_q, base_d, base_q, first_d, first_q, last_d, last_q;
  logic [31:0]             program_words_d, program_words_q;
  logic [WatchdogBits-1:0] watchdog_d, watchdog_q;
  logic [63:0]             program_wide, base_wide, first_wide, last_wide;
  logic [1:0]              irq_enable_d, irq_enable_q, irq_clear;
  logic                    start_bit, reset_bit, scrub_bit, start, scrub, soft_reset, bus_was_reset;
  logic                    aligned, locked, idle, startable;

  assign program_wide = 64'(program_q);
  assign base_wide    = 64'(base_q);
  assign first_wide   = 64'(first_q);
  assign last_wide    = 64'(last_q);
  assign aligned      = wdata[BeatShift-1:0] == '0;

  assign start_bit    = wdata[trine_csr_pkg::CsrControlStartBit];
  assign reset_bit    = wdata[trine_csr_pkg::CsrControlSoftResetBit];
  assign scrub_bit    = wdata[trine_csr_pkg::CsrControlScrubBit];
  assign startable    = idle && !reset_bit && !scrub_bit;  // nor does a program run

  // What a program, or the memories' clearing, must find unchanged.
  always_comb begin
    unique case ({waddr[11:3], 3'd0})
      trine_csr_pkg::CsrProgramOffset, trine_csr_pkg::CsrProgramWordsOffset,
      trine_csr_pkg::CsrBaseOffset, trine_csr_pkg::CsrWindowFirstOffset,
      trine_csr_pkg::CsrWindowLastOffset: locked = 1'b1;
      default: locked = 1'b0;
    endcase
  end

  always_comb begin
    program_d       = program_q;
    program_words_d = program_words_q;
    base_d          = base_q;
    first_d         = first_q;
    last_d          = last_q;
    watchdog_d      = watchdog_q;
    irq_enable_d    = irq_enable_q;
    irq_clear       = 2'b00;
    start           = 1'b0;
    soft_reset      = 1'b0;
    scrub           = 1'b0;
    bus_was_reset   = 1'b0;
    write_ok        = &s_axil_wstrb_i && !(locked && !idle);
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
      irq_enable_q    <= '0;
    end else if (write_q) begin
      program_q       <= program_d;
      program_words_q <= program_words_d;
      base_q          <= base_d;
      first_q         <= first_d;
      last_q          <= last_d;
      watchdog_q      <= watchdog_d;
      irq_enable_q    <= irq_enable_d;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Errors: cause, address and RUN are kept from the first one of a program on.
  // ---------------------------------------------------------------------------------------------
  logic [3:0]                                cause_q;
  logic [ErrorBits-1:0]                      error_addr_q;
  logic [trine_csr_pkg::CsrErrorRunBits-1:0] error_run_q;
  logic [63:0]                               error_wide;
  logic                                      error;

  assign error      = error_cause_i != trine_csr_pkg::ErrorNone;
  assign error_wide = 64'(error_addr_q);

  // ---------------------------------------------------------------------------------------------
  // States.
  // ---------------------------------------------------------------------------------------------
  typedef enum logic [1:0] {StIdle, StRun, StStop, StClear} state_e;

  state_e     state_d, state_q;
  logic       start_q, clear_q, reset_d, reset_q, scrub_d, scrub_q, done_d, done_q, failing, forget;
  logic       ending, tell, told_q;  // the end of the program
  logic [1:0] irq_status_d, irq_status_q;

  assign idle    = state_q == StIdle && !wiping_i;
  assign failing = state_q == StRun && error && !soft_reset;
  assign forget  = start || soft_reset;
  assign ending  = state_d == StStop || state_d == StClear;
  assign tell    = (state_q == StClear || (state_q == StStop && dirty_q)) && !told_q && !reset_q &&
                   !soft_reset;

  // A scrub is a soft reset whose clear begins the zeros.
  always_comb begin
    state_d = state_q;
    reset_d = reset_q;
    scrub_d = scrub || (scrub_q && state_q != StClear);
    done_d  = (done_q && !start) || (tell && cause_q == trine_csr_pkg::ErrorNone);
    unique case (state_q)
      StIdle:  if (start) state_d = StRun;
      StRun:   if (error || done_i) state_d = StStop;
      StStop:  if (drained_i) state_d = StClear;
      default: begin
        state_d = StIdle;
        reset_d = 1'b0;
      end
    endcase
    if (soft_reset) begin
      state_d = StStop;
      reset_d = 1'b1;
      done_d  = 1'b0;
    end
  end

  // An event is set when its end is reached; set wins over clear.
  always_comb begin
    irq_status_d = irq_status_q & ~irq_clear;
    if (tell) begin
      if (cause_q == trine_csr_pkg::ErrorNone) begin
        irq_status_d[trine_csr_pkg::CsrIrqStatusDoneBit] = 1'b1;
      end else begin
        irq_status_d[trine_csr_pkg::CsrIrqStatusErrorBit] = 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      start_q      <= 1'b0;
      clear_q      <= 1'b0;
      reset_q      <= 1'b0;
      scrub_q      <= 1'b0;
      done_q       <= 1'b0;
      dirty_q      <= 1'b0;
      told_q       <= 1'b0;
      irq_status_q <= 2'b00;
      cause_q      <= trine_csr_pkg::ErrorNone;
    end else begin
      state_q      <= state_d;
      start_q      <= start;
      clear_q      <= state_d == StClear;  // a register: the net is long
      reset_q      <= reset_d;
      scrub_q      <= scrub_d;
      done_q       <= done_d;
      dirty_q      <= ending && (dirty_q || (expired_i && state_d == StStop));
      told_q       <= ending && (told_q || tell);
      irq_status_q <= irq_status_d;
      if (forget)       cause_q <= trine_csr_pkg::ErrorNone;
      else if (failing) cause_q <= error_cause_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (failing) begin
      error_addr_q <= error_addr_i;
      error_run_q  <= error_run_i;
    end
  end

  assign wipe_o          = clear_q && reset_q && (Ecc || scrub_q);
  assign program_o       = program_q;
  assign program_words_o = program_words_q;
  assign base_o          = base_q;
  assign window_first_o  = first_q;
  assign window_last_o   = last_q;
  assign watchdog_o      = watchdog_q;
  assign start_o         = start_q;
  assign running_o       = state_q == StRun;
  assign stop_o          = state_q != StRun;
  assign clear_o         = clear_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bus_was_reset_q <= 1'b0;
    else         bus_was_reset_q <= bus_was_reset;
  end

  assign bus_was_reset_o = bus_was_reset_q;
  assign irq_o           = |(irq_status_q & irq_enable_q);

  // ---------------------------------------------------------------------------------------------
  // Counters and reads. A read of a counter's low half keeps the high half for the read of that.
  // ---------------------------------------------------------------------------------------------
  localparam logic [11:0] CountersOffset = trine_csr_pkg::CsrCyclesOffset;

  logic [63:0] counter;
  logic [31:0] counter_high_q;
  logic [3:0]  counter_index, index_ahead;
  logic [11:0] counter_addr;
  logic        has_error, is_counter;

  assign counter_addr = raddr - CountersOffset;
  assign is_counter   = counter_addr < 12'(15 * 8);
  assign has_error    = cause_q != trine_csr_pkg::ErrorNone;

  trine_counters #(
    .AxiDataBits (AxiDataBits),
    .From        (CountFrom)
  ) u_counters (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (start_q),
    .running_i     (running_o),
    .cause_i       (cause_i),
    .busy_i        (busy_i),
    .read_beat_i   (read_beat_i),
    .write_words_i (write_words_i),
    .index_o       (counter_index),
    .value_o       (counter)
  );

  // Counters pass by one after the other: the address is taken in the cycle after this one.
  assign index_ahead   = counter_index == 4'd14 ? 4'd0 : counter_index + 4'd1;
  assign counter_there = !is_counter || raddr[2] || counter_addr[6:3] == index_ahead;

  always_ff @(posedge clk_i) begin
    if (read_q && is_counter && !raddr[2]) counter_high_q <= counter[63:32];
  end

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
        rdata[trine_csr_pkg::CsrStatusBusyBit]  = state_q != StIdle && !dirty_q;
        rdata[trine_csr_pkg::CsrStatusDoneBit]  = done_q;
        rdata[trine_csr_pkg::CsrStatusErrorBit] = has_error;
        rdata[trine_csr_pkg::CsrStatusBusDirtyBit] = dirty_q;
        rdata[trine_csr_pkg::CsrStatusResetBit] = reset_q || wiping_i;
      end
      trine_csr_pkg::CsrErrorCauseOffset:          rdata = 32'(cause_q);
      trine_csr_pkg::CsrErrorAddressOffset:        rdata = has_error ? error_wide[31:0] : 32'd0;
      trine_csr_pkg::CsrErrorAddressOffset + 12'd4: rdata = has_error ? error_wide[63:32] : 32'd0;
      trine_csr_pkg::CsrIrqEnableOffset:           rdata = 32'(irq_enable_q);
      trine_csr_pkg::CsrIrqStatusOffset:           rdata = 32'(irq_status_q);
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
      trine_csr_pkg::CsrErrorRunOffset:            rdata = has_error ? 32'(error_run_q) : 32'd0;
      default: begin
        read_ok = is_counter;
        rdata   = raddr[2] ? counter_high_q : counter[31:0];
      end
    endcase
    if (Ecc && raddr[11:3] == trine_csr_pkg::CsrEccCorrectedOffset[11:3]) begin
      read_ok = 1'b1;
      rdata   = raddr[2] ? ecc_pmem_count_i : ecc_dmem_count_i;
    end
  end

  if (!Ecc) begin : gen_no_ecc
    logic unused_ecc;
    assign unused_ecc = ^{ecc_dmem_count_i, ecc_pmem_count_i};
  end

  logic unused_bits;
  assign unused_bits = ^{s_axil_awprot_i, s_axil_arprot_i, s_axil_awaddr_i[1:0],
                         s_axil_araddr_i[1:0], counter_addr};

endmodule
