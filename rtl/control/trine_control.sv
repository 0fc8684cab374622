// SPDX-License-Identifier: Apache-2.0
//
// Everything around the datapath: registers, instruction fetch, queues, tokens, and the two DMA
// engines. docs/architecture.md is the contract.
//
//   AXI4-Lite  -> trine_csr -> trine_sequencer -> compute, vector, load and store engine
//   AXI4 read  -> trine_bus_read (fetch, load engine)  -> DMEM, PMEM, bias, scale, tables
//   AXI4 write <- trine_bus_write (store engine)       <- DMEM
//
// Timing    all outputs come from registers, or from shallow logic behind registers; ready of the
//           memories' write ports reaches the read path through a buffer.
// Contract  an engine takes SETs and RUNs when it is ready, gives one retire pulse for each RUN, in
//           order, at least one cycle after it took it; no more than four RUNs are in flight.
//           clear_o resets the datapath's control state like rst_ni does, but synchronously.
//
// Check     trine_control_tb

module trine_control #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,  // of a 32-bit word
  parameter int unsigned PmemAddrBits  = 11,  // of a row of Cols words
  // a multiple of the words of a beat, at least two beats
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Ecc           = 1'b0,  // codes in DMEM, PMEM and IMEM
  parameter int unsigned ImemWords     = 0,     // of 64 bits, kept of a program
  parameter logic [63:0] ConfigHash    = 64'd0,  // the first word of programs
  parameter logic [trine_isa_pkg::Features-1:0] Features = {trine_isa_pkg::Features{1'b1}},
  parameter logic [35:0] CountFrom     = 36'd0,  // of counters; a bench begins near 2^32
  // Derived; not to be set.
  localparam int unsigned DataBits  = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned Quads     = (Cols + 3) / 4
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  // AXI4-Lite slave.
  input  trine_axi_pkg::lite_request_t    s_axil_i,
  output trine_axi_pkg::lite_response_t   s_axil_o,

  // AXI4 master.
  output trine_axi_pkg::read_request_t    m_axi_read_o,
  output logic [AxiAddrBits-1:0]          m_axi_araddr_o,
  input  trine_axi_pkg::read_response_t   m_axi_read_i,
  input  logic [AxiDataBits-1:0]          m_axi_rdata_i,
  output trine_axi_pkg::write_request_t   m_axi_write_o,
  output logic [AxiAddrBits-1:0]          m_axi_awaddr_o,
  output logic [AxiDataBits-1:0]          m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0]        m_axi_wstrb_o,
  input  trine_axi_pkg::write_response_t  m_axi_write_i,

  output logic                            irq_o,

  // Resets the datapath's control state, synchronously, for one cycle.
  output logic                            clear_o,

  // The machine's state and trace; what it gets done in this cycle.
  output trine_engine_pkg::state_t        state_o,
  input  trine_engine_pkg::activity_t     activity_i,

  // Compute and vector engine.
  output trine_engine_pkg::command_t      compute_o,
  input  trine_engine_pkg::answer_t       compute_i,
  output trine_engine_pkg::command_t      vector_o,
  input  trine_engine_pkg::answer_t       vector_i,

  // DMEM, DMA port, write: DataWords neighbours; the address is a multiple of DataWords.
  output logic                            dma_wvalid_o,
  input  logic                            dma_wready_i,
  output logic [DmemAddrBits-1:0]         dma_waddr_o,
  output logic [DataBits-1:0]             dma_wdata_o,
  output logic [DataWords-1:0]            dma_wmask_o,

  // DMEM, DMA port, read: data comes back in order, later; at most four reads are outstanding.
  output logic                            dma_rvalid_o,
  input  logic                            dma_rready_i,
  output logic [DmemAddrBits-1:0]         dma_raddr_o,
  input  logic                            dma_rdata_valid_i,
  input  logic [DataBits-1:0]             dma_rdata_i,

  // PMEM: a whole row.
  output logic                            pmem_wvalid_o,
  input  logic                            pmem_wready_i,
  output logic [PmemAddrBits-1:0]         pmem_wrow_o,
  output logic [32*Cols-1:0]              pmem_wdata_o,
  output logic [Quads-1:0]                pmem_wquads_o,

  // A beat of DataWords biases, DataWords / 2 scales, codes of the lookup table or exponentials,
  // accepted when param_ready_i, which may depend on what it is.
  output trine_engine_pkg::param_t        param_o,
  input  logic                            param_ready_i,
  output logic [DataBits-1:0]             param_wdata_o,

  // Zeros are being written; errors and counts of words with codes (Ecc).
  input  trine_engine_pkg::memory_state_t memory_i
);

  localparam int unsigned MaxBeats = AxiDataBits == 32 || AxiDataBits == 1024 ? 32 : 64;  // 4 KiB
  localparam int unsigned WordsBits = $clog2(AxiDataBits / 32 + 1);
  localparam int unsigned Load = 0, Compute = 1, Vector = 2, Store = 3;  // as in trine_isa_pkg
  localparam int unsigned CommandBits = trine_engine_pkg::CommandBits;

  // ---------------------------------------------------------------------------------------------
  // Registers.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned ErrorBits    = AxiAddrBits > 35 ? AxiAddrBits : 35;
  localparam int unsigned WatchdogBits = trine_csr_pkg::CsrWatchdogBits;

  logic [AxiAddrBits-1:0]  program_addr, base, window_first, window_last;
  logic [31:0]             program_words;
  logic [WatchdogBits-1:0] watchdog, progress_limit;
  logic                    start, running, wipe, stop, clear, forget, read_beat;
  logic                    expired, bus_was_reset;   // the bus does not answer
  logic                    broken, stuck, exceeded;  // a word of a memory; no progress; too long
  logic [WordsBits-1:0]    write_words;
  logic [3:0]              idle, busy, begun;
  logic [trine_csr_pkg::CsrErrorCauseBits-1:0] error_cause;
  logic [ErrorBits-1:0]    error_addr;
  logic [33:0]             fatal_addr;
  logic [trine_csr_pkg::CsrErrorRunBits-1:0]   error_run;

  trine_engine_pkg::program_event_t program_event;
  trine_engine_pkg::bus_event_t     read_event, write_event;
  trine_engine_pkg::imem_t          imem;
  trine_engine_pkg::life_t          life;

  assign broken     = Ecc && (memory_i.fatal || imem.fatal);
  assign clear_o    = clear;
  assign life       = {start, forget, wipe, stop, bus_was_reset};
  assign fatal_addr = memory_i.fatal ? 34'(memory_i.fatal_addr) : imem.fatal_addr;

  trine_csr #(
    .AxiAddrBits (AxiAddrBits),
    .AxiDataBits (AxiDataBits),
    .Ecc         (Ecc),
    .Imem        (ImemWords != 0),
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
    .drained_i       (read_event.idle && write_event.idle),
    .expired_i       (expired),
    .bus_was_reset_o (bus_was_reset),
    .done_i          (program_event.done),
    .error_cause_i   (broken ? trine_csr_pkg::ErrorEcc : error_cause),
    .error_addr_i    (broken ? ErrorBits'(fatal_addr) : error_addr),
    .error_run_i     (error_run),
    .cause_i         (activity_i.cause),
    .busy_i          (busy),
    .read_beat_i     (read_beat),
    .write_words_i   (write_words),
    .wipe_o          (wipe),
    .memory_i,
    .forget_o        (forget),
    .imem_i          (imem)
  );

  // ---------------------------------------------------------------------------------------------
  // The program.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::answer_t         load_answer, store_answer;
  trine_engine_pkg::fetch_request_t  fetch;
  trine_engine_pkg::fetch_response_t fetch_response;

  logic [trine_isa_pkg::Engines*CommandBits-1:0] commands;

  logic [AxiAddrBits-1:0] fetch_addr;
  logic [DataBits-1:0]    fetch_data;
  logic [34:0]            offset;

  trine_sequencer #(
    .AxiAddrBits (AxiAddrBits),
    .DataBits    (DataBits),
    .ConfigHash  (ConfigHash),
    .Features    (Features)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .clear_i       (clear),
    .start_i       (start),
    .program_i     (program_addr),
    .words_i       (program_words),
    .fetch_o       (fetch),
    .fetch_addr_o  (fetch_addr),
    .fetch_i       (fetch_response),
    .fetch_data_i  (fetch_data),
    .commands_o    (commands),
    .answers_i     ({store_answer, vector_i, compute_i, load_answer}),
    .begun_o       (begun),
    .busy_o        (busy),
    .idle_o        (idle),
    .event_o       (program_event),
    .offset_o      (offset)
  );

  assign compute_o       = commands[CommandBits*Compute +: CommandBits];
  assign vector_o        = commands[CommandBits*Vector +: CommandBits];
  assign state_o.running = running;
  assign state_o.start   = start;
  assign state_o.wipe    = wipe;
  assign state_o.idle    = idle;
  assign state_o.busy    = busy;
  assign state_o.begun   = begun;
  assign state_o.retired = {store_answer.retire, vector_i.retire, compute_i.retire,
                            load_answer.retire};

  // ---------------------------------------------------------------------------------------------
  // The bus, and the DMA engines. Both read DMEM where weights may be maps, else the store engine
  // alone.
  // ---------------------------------------------------------------------------------------------
  logic [1:0]                read_valid, read_ready, read_data_valid;  // 0 store, 1 load
  logic [2*DmemAddrBits-1:0] read_addr;
  logic [AxiAddrBits-1:0]    load_beat, load_burst, store_done, store_burst;

  trine_bus_read #(
    .Cols          (Cols),
    .DmemAddrBits  (DmemAddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .AxiDataBits   (AxiDataBits),
    .AxiAddrBits   (AxiAddrBits),
    .MaxBeats      (MaxBeats),
    .Maps          (Maps),
    .ImemWords     (ImemWords),
    .Ecc           (Ecc)
  ) u_bus_read (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .life_i            (life),
    .base_i            (base),
    .first_i           (window_first),
    .last_i            (window_last),
    .m_axi_o           (m_axi_read_o),
    .m_axi_araddr_o,
    .m_axi_i           (m_axi_read_i),
    .m_axi_rdata_i,
    .fetch_i           (fetch),
    .fetch_addr_i      (fetch_addr),
    .fetch_o           (fetch_response),
    .fetch_data_o      (fetch_data),
    .load_i            (commands[CommandBits*Load +: CommandBits]),
    .load_o            (load_answer),
    .dma_wvalid_o,
    .dma_wready_i,
    .dma_waddr_o,
    .dma_wdata_o,
    .dma_wmask_o,
    .dma_rvalid_o      (read_valid[1]),
    .dma_rready_i      (read_ready[1]),
    .dma_raddr_o       (read_addr[DmemAddrBits +: DmemAddrBits]),
    .dma_rdata_valid_i (read_data_valid[1]),
    .dma_rdata_i,
    .pmem_wvalid_o,
    .pmem_wready_i,
    .pmem_wrow_o,
    .pmem_wdata_o,
    .pmem_wquads_o,
    .param_o,
    .param_ready_i,
    .param_wdata_o,
    .event_o           (read_event),
    .beat_o            (read_beat),
    .beat_addr_o       (load_beat),
    .burst_addr_o      (load_burst),
    .imem_o            (imem)
  );

  trine_bus_write #(
    .DmemAddrBits (DmemAddrBits),
    .AxiDataBits  (AxiDataBits),
    .AxiAddrBits  (AxiAddrBits),
    .MaxBeats     (MaxBeats)
  ) u_bus_write (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .stop_i            (stop),
    .bus_was_reset_i   (bus_was_reset),
    .broken_i          (broken),
    .base_i            (base),
    .first_i           (window_first),
    .last_i            (window_last),
    .m_axi_o           (m_axi_write_o),
    .m_axi_awaddr_o,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_i           (m_axi_write_i),
    .store_i           (commands[CommandBits*Store +: CommandBits]),
    .store_o           (store_answer),
    .dma_rvalid_o      (read_valid[0]),
    .dma_rready_i      (read_ready[0]),
    .dma_raddr_o       (read_addr[0 +: DmemAddrBits]),
    .dma_rdata_valid_i (read_data_valid[0]),
    .dma_rdata_i,
    .event_o           (write_event),
    .words_o           (write_words),
    .answer_addr_o     (store_done),
    .burst_addr_o      (store_burst)
  );

  trine_dma_share #(
    .AddrBits (DmemAddrBits),
    .Two      (Maps)
  ) u_share (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .valid_i           (read_valid),
    .ready_o           (read_ready),
    .addr_i            (read_addr),
    .data_valid_o      (read_data_valid),
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o,
    .dma_rdata_valid_i
  );

  // ---------------------------------------------------------------------------------------------
  // A bus that does not answer, a machine that stands still; what a program stops with.
  // ---------------------------------------------------------------------------------------------
  logic write_owed, load_owed, deadlock_q;  // a queue full for a cycle is yet to read ahead

  trine_watchdogs #(.Bits(WatchdogBits)) u_watchdogs (
    .clk_i,
    .rst_ni,
    .bus_limit_i      (watchdog),
    .progress_limit_i (progress_limit),
    .running_i        (running),
    .moved_i          ({activity_i.moved, dma_rvalid_o && dma_rready_i,
                        dma_wvalid_o && dma_wready_i}),
    .begun_i          (begun),
    .retired_i        (state_o.retired),
    .read_i           (read_event),
    .write_i          (write_event),
    .expired_o        (expired),
    .write_owed_o     (write_owed),
    .load_owed_o      (load_owed),
    .stuck_o          (stuck)
  );

  always_ff @(posedge clk_i) deadlock_q <= program_event.deadlock;

  trine_errors #(.AxiAddrBits(AxiAddrBits)) u_errors (
    .clk_i,
    .rst_ni,
    .clear_i         (clear),
    .load_run_i      (begun[Load]),
    .load_retire_i   (load_answer.retire),
    .store_retire_i  (store_answer.retire),
    .foreign_i       (program_event.foreign),
    .illegal_i       (program_event.illegal),
    .lacking_i       (program_event.lacking),
    .deadlock_i      (program_event.deadlock && deadlock_q),
    .overflow_i      (program_event.overflow),
    .stuck_i         (stuck),
    .exceeded_i      (exceeded),
    .fetch_error_i   (program_event.fetch_error),
    .fetch_outside_i (program_event.fetch_outside),
    .load_error_i    (read_event.error),
    .load_outside_i  (read_event.outside),
    .store_error_i   (write_event.error),
    .store_outside_i (write_event.outside),
    .expired_i       (expired),
    .write_owed_i    (write_owed),
    .load_owed_i     (load_owed),
    .program_i       (program_addr),
    .offset_i        (offset),
    .load_beat_i     (load_beat),
    .load_burst_i    (load_burst),
    .store_answer_i  (store_done),
    .store_burst_i   (store_burst),
    .cause_o         (error_cause),
    .addr_o          (error_addr),
    .run_o           (error_run)
  );

  logic unused_commands;
  assign unused_commands = ^commands;

endmodule
