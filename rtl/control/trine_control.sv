// SPDX-License-Identifier: Apache-2.0
//
// Controls the machine: holds the registers, sequences the program into the engines, and detects
// errors and hangs. docs/architecture.md defines the behaviour.
//
//   AXI4-Lite    -> trine_csr       -> life_o, dram_o       -> trine_dma
//   program word -> trine_sequencer -> commands of load, compute, vector and store engine
//   events       -> trine_watchdogs, trine_errors           -> trine_csr
//
// Timing    All outputs are registers or come from registers through shallow logic.
// Contract  An engine accepts SETs and RUNs with ready. For each RUN the engine gives one retire
//           pulse, in order, at least one cycle after it accepted the RUN. At most four RUNs of an
//           engine are in flight. clear_o resets the datapath's control state as rst_ni does, but
//           synchronously.
//
// Check     trine_control_tb

module trine_control #(
  parameter int unsigned AxiDataBits = 64,
  parameter int unsigned AxiAddrBits = 32,
  parameter bit          Ecc         = 1'b0,     // ECC in DMEM, PMEM and IMEM
  parameter int unsigned ImemWords   = 0,        // 64-bit program words kept on chip
  parameter logic [63:0] ConfigHash  = 64'd0,    // the first word of programs
  parameter logic [trine_isa_pkg::Features-1:0] Features = {trine_isa_pkg::Features{1'b1}},
  parameter logic [35:0] CountFrom   = 36'd0,    // first value of counters; for benches
  // Derived; do not set.
  localparam int unsigned CommandBits = trine_engine_pkg::CommandBits,
  localparam int unsigned AnswerBits  = trine_engine_pkg::AnswerBits,
  localparam int unsigned Engines     = trine_isa_pkg::Engines
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  // AXI4-Lite slave.
  input  trine_axi_pkg::lite_request_t    s_axil_i,
  output trine_axi_pkg::lite_response_t   s_axil_o,

  output logic                            irq_o,

  // Resets the datapath's control state synchronously, for one cycle.
  output logic                            clear_o,

  // State and trace of the machine, and its progress in this cycle.
  output trine_engine_pkg::state_t        state_o,
  input  trine_engine_pkg::activity_t     activity_i,

  // Engines, engine 0 in the low bits: command_t, answer_t.
  output logic [Engines*CommandBits-1:0]  commands_o,
  input  logic [Engines*AnswerBits-1:0]   answers_i,

  // DMA: the life of a program, its addresses and its words; events of the bus.
  output trine_engine_pkg::life_t         life_o,
  output trine_engine_pkg::dram_t         dram_o,
  input  trine_engine_pkg::program_word_t word_i,
  output logic                            word_ready_o,
  input  trine_engine_pkg::bus_event_t    read_i,
  input  trine_engine_pkg::bus_event_t    write_i,
  input  trine_engine_pkg::dma_report_t   report_i,
  input  trine_engine_pkg::imem_t         imem_i,

  // Memories: zeros being written and, with Ecc, errors and counts.
  input  trine_engine_pkg::memory_state_t memory_i
);

  localparam int unsigned WordsBits = $clog2(AxiDataBits / 32 + 1);
  localparam int unsigned Load = 0, Store = 3;  // as in trine_isa_pkg

  // ---------------------------------------------------------------------------------------------
  // Registers.
  // ---------------------------------------------------------------------------------------------
  // Program offsets have 35 bits, and addresses in the cores' memories have 37 bits.
  localparam int unsigned EventBits    = AxiAddrBits > 35 ? AxiAddrBits : 35;
  localparam int unsigned ErrorBits    =
      Features[trine_isa_pkg::FeatureCluster] && EventBits < 37 ? 37 : EventBits;
  localparam int unsigned WatchdogBits = trine_csr_pkg::CsrWatchdogBits;

  logic [AxiAddrBits-1:0]  program_addr, base, window_first, window_last;
  logic [31:0]             program_words;
  logic [WatchdogBits-1:0] watchdog, progress_limit;
  logic                    start, running, wipe, stop, clear, imem_flush;
  logic                    expired, bus_was_reset;         // the bus does not answer; was reset
  logic                    uncorrectable, hang, exceeded;  // memory error; no progress; too long
  logic [3:0]              idle, busy, run_started, retired;
  logic [trine_csr_pkg::CsrErrorCauseBits-1:0] error_cause;
  logic [EventBits-1:0]    error_addr;
  logic [36:0]             fatal_addr;
  logic [ErrorBits-1:0]    stop_addr;
  logic [trine_csr_pkg::CsrErrorRunBits-1:0]   error_run;

  trine_control_pkg::program_event_t program_event;

  assign uncorrectable = Ecc && (memory_i.fatal || imem_i.fatal);
  assign clear_o       = clear;
  assign life_o        = {start, imem_flush, wipe, stop, bus_was_reset, uncorrectable};
  assign dram_o        = {64'(program_addr), program_words, 64'(base), 64'(window_first),
                          64'(window_last)};
  assign fatal_addr = memory_i.fatal ? {memory_i.fatal_core, 1'b0, memory_i.fatal_addr} :
                                       37'(imem_i.fatal_addr);
  assign stop_addr  = uncorrectable ? ErrorBits'(fatal_addr) : ErrorBits'(error_addr);

  trine_csr #(
    .AxiAddrBits (AxiAddrBits),
    .AxiDataBits (AxiDataBits),
    .Ecc         (Ecc),
    .Imem        (ImemWords != 0),
    .ErrorBits   (ErrorBits),
    .ConfigHash  (ConfigHash),
    .CountFrom   (CountFrom)
  ) u_csr (
    .clk_i,
    .rst_ni,
    .s_axil_i,
    .s_axil_o,
    .irq_o,
    .exceeded_o      (exceeded),
    .program_o       (program_addr),
    .program_words_o (program_words),
    .base_o          (base),
    .window_first_o  (window_first),
    .window_last_o   (window_last),
    .watchdog_o      (watchdog),
    .progress_limit_o (progress_limit),
    .start_o         (start),
    .running_o       (running),
    .stop_o          (stop),
    .clear_o         (clear),
    .drained_i       (read_i.idle && write_i.idle),
    .expired_i       (expired),
    .bus_was_reset_o (bus_was_reset),
    .done_i          (program_event.done),
    .error_cause_i   (uncorrectable ? trine_csr_pkg::ErrorEcc : error_cause),
    .error_addr_i    (stop_addr),
    .error_run_i     (error_run),
    .cause_i         (activity_i.cause),
    .busy_i          (busy),
    .read_beat_i     (report_i.read_beat),
    .write_words_i   (report_i.write_words[WordsBits-1:0]),
    .wipe_o          (wipe),
    .memory_i,
    .imem_flush_o    (imem_flush),
    .imem_i
  );

  // ---------------------------------------------------------------------------------------------
  // The program.
  // ---------------------------------------------------------------------------------------------
  trine_sequencer #(
    .ConfigHash (ConfigHash),
    .Features   (Features)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .clear_i       (clear),
    .word_i,
    .word_ready_o,
    .commands_o,
    .answers_i,
    .run_started_o (run_started),
    .busy_o        (busy),
    .idle_o        (idle),
    .event_o       (program_event)
  );

  for (genvar e = 0; e < Engines; e++) begin : gen_retired
    assign retired[e] = answers_i[AnswerBits*e];  // answer_t.retire
  end

  assign state_o = {running, start, wipe, idle, busy, run_started, retired};

  // ---------------------------------------------------------------------------------------------
  // A bus that does not answer, a machine without progress, and the error that stops a program.
  // ---------------------------------------------------------------------------------------------
  logic write_outstanding, load_outstanding, deadlock_q;  // a full queue may still read ahead

  trine_watchdogs #(.Bits(WatchdogBits)) u_watchdogs (
    .clk_i,
    .rst_ni,
    .bus_limit_i         (watchdog),
    .progress_limit_i    (progress_limit),
    .running_i           (running),
    .progress_i          ({activity_i.progress, report_i.progress}),
    .run_started_i       (run_started),
    .retired_i           (retired),
    .read_i,
    .write_i,
    .expired_o           (expired),
    .write_outstanding_o (write_outstanding),
    .load_outstanding_o  (load_outstanding),
    .hang_o              (hang)
  );

  always_ff @(posedge clk_i) deadlock_q <= program_event.deadlock;

  trine_errors #(
    .AxiAddrBits (AxiAddrBits),
    .Stream      (Features[trine_isa_pkg::FeaturePacked])
  ) u_errors (
    .clk_i,
    .rst_ni,
    .clear_i             (clear),
    .load_run_i          (run_started[Load]),
    .load_retire_i       (retired[Load]),
    .store_retire_i      (retired[Store]),
    .foreign_i           (program_event.foreign),
    .illegal_i           (program_event.illegal),
    .unsupported_i       (program_event.unsupported),
    .deadlock_i          (program_event.deadlock && deadlock_q),
    .overflow_i          (program_event.overflow),
    .hang_i              (hang),
    .exceeded_i          (exceeded),
    .fetch_error_i       (program_event.fetch_error),
    .fetch_outside_i     (program_event.fetch_outside),
    .load_error_i        (read_i.error),
    .load_stream_i       (read_i.stream),
    .load_outside_i      (read_i.outside),
    .store_error_i       (write_i.error),
    .store_outside_i     (write_i.outside),
    .expired_i           (expired),
    .write_outstanding_i (write_outstanding),
    .load_outstanding_i  (load_outstanding),
    .program_i           (program_addr),
    .offset_i            (word_i.offset),
    .load_beat_i         (report_i.load_beat[AxiAddrBits-1:0]),
    .load_burst_i        (report_i.load_burst[AxiAddrBits-1:0]),
    .store_answer_i      (report_i.store_answer[AxiAddrBits-1:0]),
    .store_burst_i       (report_i.store_burst[AxiAddrBits-1:0]),
    .cause_o             (error_cause),
    .addr_o              (error_addr),
    .run_o               (error_run)
  );

  // Address bits beyond AxiAddrBits and AxiDataBits are zero, and so is the number of a single
  // core.
  logic unused_report;
  assign unused_report = ^{report_i, fatal_addr};

`ifdef TRINE_ASSERT
  logic live_q, clear_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, clear_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      clear_q <= clear;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q && clear_q) begin
      a_clear_once: assert (!clear);
      a_empty:      assert (&idle && run_started == '0);
    end
  end
`endif

endmodule
