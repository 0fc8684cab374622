// SPDX-License-Identifier: Apache-2.0
//
// Everything around the datapath: registers, instruction fetch, queues, tokens, and the two DMA
// engines. docs/architecture.md is the contract.
//
//   AXI4-Lite -> trine_csr -> trine_fetch -> trine_dispatch -> 4 x (trine_queue -> trine_issue)
//   AXI4 read  <- trine_axi_read  <- trine_fetch, trine_load  -> DMEM, PMEM, bias, scale, tables
//   AXI4 write <- trine_axi_write <- trine_store              <- DMEM
//
// Timing    all outputs come from registers, or from shallow logic behind registers; ready of the
//           memories' write ports reaches the read path through a buffer.
// Contract  an engine takes SETs and RUNs when it is ready, gives one retire pulse for each RUN, in
//           order, at least one cycle after it took it; no more than four RUNs are in flight.
//           clear_o resets the datapath's control state like rst_ni does, but synchronously.
//
// Check     tb/trine_control_tb.cpp

module trine_control #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,  // of a 32-bit word
  parameter int unsigned PmemAddrBits  = 11,  // of a row of Cols words
  // a multiple of the words of a beat, at least two beats
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Ecc           = 1'b0,  // codes in DMEM and PMEM
  parameter logic [63:0] ConfigHash    = 64'd0,  // the first word of programs
  parameter logic [trine_isa_pkg::Features-1:0] Features = '1,  // of instructions
  parameter logic [35:0] CountFrom     = 36'd0,  // of counters; a bench begins near 2^32
  // Derived; not to be set.
  localparam int unsigned DataBits      = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords     = DataBits / 32,
  localparam int unsigned BiasAddrBits  = $clog2(ParamChannels / DataWords),
  localparam int unsigned ScaleAddrBits = $clog2(2 * ParamChannels / DataWords),
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords),
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords),
  localparam int unsigned Quads         = (Cols + 3) / 4
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  // AXI4-Lite slave.
  input  logic                     s_axil_awvalid_i,
  output logic                     s_axil_awready_o,
  input  logic [11:0]              s_axil_awaddr_i,
  input  logic [2:0]               s_axil_awprot_i,
  input  logic                     s_axil_wvalid_i,
  output logic                     s_axil_wready_o,
  input  logic [31:0]              s_axil_wdata_i,
  input  logic [3:0]               s_axil_wstrb_i,
  output logic                     s_axil_bvalid_o,
  input  logic                     s_axil_bready_i,
  output logic [1:0]               s_axil_bresp_o,
  input  logic                     s_axil_arvalid_i,
  output logic                     s_axil_arready_o,
  input  logic [11:0]              s_axil_araddr_i,
  input  logic [2:0]               s_axil_arprot_i,
  output logic                     s_axil_rvalid_o,
  input  logic                     s_axil_rready_i,
  output logic [31:0]              s_axil_rdata_o,
  output logic [1:0]               s_axil_rresp_o,

  // AXI4 master.
  output logic                     m_axi_awvalid_o,
  input  logic                     m_axi_awready_i,
  output logic [AxiAddrBits-1:0]   m_axi_awaddr_o,
  output logic [7:0]               m_axi_awlen_o,
  output logic [2:0]               m_axi_awsize_o,
  output logic [1:0]               m_axi_awburst_o,
  output logic                     m_axi_wvalid_o,
  input  logic                     m_axi_wready_i,
  output logic [AxiDataBits-1:0]   m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0] m_axi_wstrb_o,
  output logic                     m_axi_wlast_o,
  input  logic                     m_axi_bvalid_i,
  output logic                     m_axi_bready_o,
  input  logic [1:0]               m_axi_bresp_i,
  output logic                     m_axi_arvalid_o,
  input  logic                     m_axi_arready_i,
  output logic                     m_axi_arid_o,
  output logic [AxiAddrBits-1:0]   m_axi_araddr_o,
  output logic [7:0]               m_axi_arlen_o,
  output logic [2:0]               m_axi_arsize_o,
  output logic [1:0]               m_axi_arburst_o,
  input  logic                     m_axi_rvalid_i,
  output logic                     m_axi_rready_o,
  input  logic                     m_axi_rid_i,
  input  logic [AxiDataBits-1:0]   m_axi_rdata_i,
  input  logic [1:0]               m_axi_rresp_i,
  input  logic                     m_axi_rlast_i,

  output logic                     irq_o,

  // Resets the datapath's control state, synchronously, for one cycle.
  output logic                     clear_o,

  // Compute engine: SETs, RUNs, one retire pulse a RUN. wait: engines whose token the RUN at the
  // front lacks. idle: nothing queued, offered or in flight. busy: a RUN is in flight.
  output logic                     compute_cfg_valid_o,
  input  logic                     compute_cfg_ready_i,
  output logic [3:0]               compute_cfg_reg_o,
  output logic [55:0]              compute_cfg_payload_o,
  output logic                     compute_run_valid_o,
  input  logic                     compute_run_ready_i,
  output logic [7:0]               compute_run_op_o,
  output logic [7:0]               compute_run_flags_o,
  input  logic                     compute_retire_i,
  output logic [3:0]               compute_wait_o,

  // Vector engine, likewise.
  output logic                     vector_cfg_valid_o,
  input  logic                     vector_cfg_ready_i,
  output logic [3:0]               vector_cfg_reg_o,
  output logic [55:0]              vector_cfg_payload_o,
  output logic                     vector_run_valid_o,
  input  logic                     vector_run_ready_i,
  output logic [7:0]               vector_run_op_o,
  output logic [7:0]               vector_run_flags_o,
  input  logic                     vector_retire_i,
  output logic [3:0]               vector_wait_o,

  // All engines (bit = engine code): state and trace; the cause of this cycle, counted while
  // running_o.
  output logic [3:0]               idle_o,
  output logic [3:0]               busy_o,
  output logic                     running_o,
  input  logic [2:0]               cause_i,
  output logic [3:0]               trace_start_o,
  output logic [3:0]               trace_retire_o,

  // DMEM, DMA port, write: DataWords neighbours; the address is a multiple of DataWords.
  output logic                     dma_wvalid_o,
  input  logic                     dma_wready_i,
  output logic [DmemAddrBits-1:0]  dma_waddr_o,
  output logic [DataBits-1:0]      dma_wdata_o,
  output logic [DataWords-1:0]     dma_wmask_o,

  // DMEM, DMA port, read: data comes back in order, later; at most four reads are outstanding.
  output logic                     dma_rvalid_o,
  input  logic                     dma_rready_i,
  output logic [DmemAddrBits-1:0]  dma_raddr_o,
  input  logic                     dma_rdata_valid_i,
  input  logic [DataBits-1:0]      dma_rdata_i,

  // PMEM: a whole row.
  output logic                     pmem_wvalid_o,
  input  logic                     pmem_wready_i,
  output logic [PmemAddrBits-1:0]  pmem_wrow_o,
  output logic [32*Cols-1:0]       pmem_wdata_o,
  output logic [Quads-1:0]         pmem_wquads_o,

  // A beat of DataWords biases, DataWords / 2 scales, codes of the lookup table or exponentials,
  // accepted when param_ready_i, which may depend on what it is; valid: on offer until then.
  input  logic                     param_ready_i,
  output logic [DataBits-1:0]      param_wdata_o,
  output logic                     bias_we_o,
  output logic [BiasAddrBits-1:0]  bias_addr_o,
  output logic                     scale_we_o,
  output logic [ScaleAddrBits-1:0] scale_addr_o,
  output logic                     table_valid_o,
  output logic [TableAddrBits-1:0] table_addr_o,
  output logic                     exp_valid_o,
  output logic [ExpAddrBits-1:0]   exp_addr_o,

  // Zeros are to be written to the memories, or being written.
  output logic                     wipe_o,
  input  logic                     wiping_i,

  // Codes of DMEM and PMEM (Ecc): a program starts; a word that cannot be corrected, until clear_o,
  // and where; corrected words.
  output logic                     start_o,
  input  logic                     ecc_fatal_i,
  input  logic [32:0]              ecc_addr_i,
  input  logic [31:0]              ecc_dmem_count_i,
  input  logic [31:0]              ecc_pmem_count_i
);

  localparam int unsigned MaxBeats = AxiDataBits < 64 ? 32 : 64;  // at most 64 beats on the bus

  // Engines, as in trine_isa_pkg.
  localparam int unsigned Load    = 0;
  localparam int unsigned Compute = 1;
  localparam int unsigned Vector  = 2;
  localparam int unsigned Store   = 3;
  localparam int unsigned Engines = trine_isa_pkg::Engines;

  if (AxiAddrBits < 32 || AxiAddrBits > 64) begin : gen_bad_addr
    $error("trine_control: AxiAddrBits must be 32 .. 64");
  end
  if (AxiDataBits < 32 || AxiDataBits > 512 || AxiDataBits != 1 << $clog2(AxiDataBits)) begin
      : gen_bad_data
    $error("trine_control: AxiDataBits must be 32, 64, 128, 256 or 512");
  end
  if (ParamChannels % DataWords != 0 || ParamChannels < 2 * DataWords) begin : gen_bad_param
    $error("trine_control: ParamChannels must be a multiple of a beat's words, at least two beats");
  end

  // ---------------------------------------------------------------------------------------------
  // Registers, fetch, dispatch.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned ErrorBits    = AxiAddrBits > 35 ? AxiAddrBits : 35;
  localparam int unsigned RunBits      = trine_csr_pkg::CsrErrorRunBits;
  localparam int unsigned WatchdogBits = trine_csr_pkg::CsrWatchdogBits;

  logic [AxiAddrBits-1:0]  program_addr, base, load_error_addr, store_error_addr;
  logic [AxiAddrBits-1:0]  window_first, window_last;
  logic [31:0]             program_words;
  logic                    broken;  // a word of DMEM or PMEM
  logic                    expiring, bus_was_reset;  // the bus does not answer
  logic                    start, stop, clear, drained, done, foreign, illegal, lacking, deadlock,
                           overflow;
  logic                    fetch_error, fetch_outside, load_error, store_error;
  logic                    read_idle, write_idle, read_beat;
  logic [4:0]              write_words;
  logic [34:0]             offset;
  logic [WatchdogBits-1:0] watchdog;
  logic [3:0]              error_cause;
  logic [ErrorBits-1:0]    error_addr;
  logic [RunBits-1:0]      error_run;

  assign drained = read_idle && write_idle;
  assign clear_o = clear;
  assign start_o = start;
  assign broken  = Ecc && ecc_fatal_i;

  trine_csr #(
    .AxiAddrBits (AxiAddrBits),
    .AxiDataBits (AxiDataBits),
    .Ecc         (Ecc),
    .ConfigHash  (ConfigHash),
    .CountFrom   (CountFrom)
  ) u_csr (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .s_axil_awvalid_i   (s_axil_awvalid_i),
    .s_axil_awready_o   (s_axil_awready_o),
    .s_axil_awaddr_i    (s_axil_awaddr_i),
    .s_axil_awprot_i    (s_axil_awprot_i),
    .s_axil_wvalid_i    (s_axil_wvalid_i),
    .s_axil_wready_o    (s_axil_wready_o),
    .s_axil_wdata_i     (s_axil_wdata_i),
    .s_axil_wstrb_i     (s_axil_wstrb_i),
    .s_axil_bvalid_o    (s_axil_bvalid_o),
    .s_axil_bready_i    (s_axil_bready_i),
    .s_axil_bresp_o     (s_axil_bresp_o),
    .s_axil_arvalid_i   (s_axil_arvalid_i),
    .s_axil_arready_o   (s_axil_arready_o),
    .s_axil_araddr_i    (s_axil_araddr_i),
    .s_axil_arprot_i    (s_axil_arprot_i),
    .s_axil_rvalid_o    (s_axil_rvalid_o),
    .s_axil_rready_i    (s_axil_rready_i),
    .s_axil_rdata_o     (s_axil_rdata_o),
    .s_axil_rresp_o     (s_axil_rresp_o),
    .irq_o              (irq_o),
    .program_o          (program_addr),
    .program_words_o    (program_words),
    .base_o             (base),
    .window_first_o     (window_first),
    .window_last_o      (window_last),
    .watchdog_o         (watchdog),
    .start_o            (start),
    .running_o          (running_o),
    .stop_o             (stop),
    .clear_o            (clear),
    .drained_i          (drained),
    .expired_i          (expiring),
    .bus_was_reset_o    (bus_was_reset),
    .done_i             (done),
    .error_cause_i      (broken ? trine_csr_pkg::ErrorEcc : error_cause),
    .error_addr_i       (broken ? ErrorBits'(ecc_addr_i) : error_addr),
    .error_run_i        (error_run),
    .cause_i            (cause_i),
    .busy_i             (busy_o),
    .read_beat_i        (read_beat),
    .write_words_i      (write_words),
    .wipe_o             (wipe_o),
    .wiping_i           (wiping_i),
    .ecc_dmem_count_i   (ecc_dmem_count_i),
    .ecc_pmem_count_i   (ecc_pmem_count_i)
  );

  logic [1:0]               req_valid, req_ready, rsp_valid, rsp_ready;  // 0 fetch, 1 load
  logic [1:0]               read_inside, read_ready_any;
  logic [2*AxiAddrBits-1:0] req_addr;
  logic [15:0]              req_len;
  logic [DataBits-1:0]      rsp_data;
  logic                     rsp_error, word_valid, word_ready, out_of_words;
  logic [63:0]              word;

  assign rsp_ready[0] = 1'b1;
  assign req_ready    = read_ready_any & read_inside;

  trine_fetch #(
    .AxiAddrBits (AxiAddrBits),
    .DataBits    (DataBits)
  ) u_fetch (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .clear_i        (clear),
    .start_i        (start),
    .program_i      (program_addr),
    .words_i        (program_words),
    .req_valid_o    (req_valid[0]),
    .req_ready_i    (req_ready[0]),
    .req_addr_o     (req_addr[0 +: AxiAddrBits]),
    .req_len_o      (req_len[7:0]),
    .outside_i      (req_valid[0] && !read_inside[0]),
    .rsp_valid_i    (rsp_valid[0]),
    .rsp_data_i     (rsp_data),
    .rsp_error_i    (rsp_error),
    .word_valid_o   (word_valid),
    .word_ready_i   (word_ready),
    .word_o         (word),
    .offset_o       (offset),
    .out_of_words_o (out_of_words),
    .error_o        (fetch_error),
    .outside_o      (fetch_outside)
  );

  logic [3:0]  queue_valid, queue_ready, waits;
  logic [60:0] queue_word;

  trine_dispatch #(
    .ConfigHash (ConfigHash),
    .Features   (Features)
  ) u_dispatch (
    .word_valid_i   (word_valid),
    .word_ready_o   (word_ready),
    .word_i         (word),
    .first_i        (offset == '0),
    .out_of_words_i (out_of_words),
    .queue_valid_o  (queue_valid),
    .queue_ready_i  (queue_ready),
    .queue_word_o   (queue_word),
    .idle_i         (idle_o),
    .waits_i        (waits),
    .done_o         (done),
    .foreign_o      (foreign),
    .illegal_o      (illegal),
    .lacking_o      (lacking),
    .deadlock_o     (deadlock)
  );

  // ---------------------------------------------------------------------------------------------
  // Queue and issue unit of each engine; tokens.
  // ---------------------------------------------------------------------------------------------
  logic [3:0]            cfg_valid, cfg_ready, run_valid, run_ready, retire;
  logic [4*Engines-1:0]  cfg_reg, have, take, give, lacks;
  logic [56*Engines-1:0] cfg_payload;
  logic [8*Engines-1:0]  run_op, run_flags;

  for (genvar e = 0; e < Engines; e++) begin : gen_engine
    logic        issue_valid, issue_ready, empty;
    logic [60:0] issue_word;

    trine_queue #(
      .Width (61),
      .Depth (64)
    ) u_queue (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .clear_i     (clear),
      .in_valid_i  (queue_valid[e]),
      .in_ready_o  (queue_ready[e]),
      .in_data_i   (queue_word),
      .out_valid_o (issue_valid),
      .out_ready_i (issue_ready),
      .out_data_o  (issue_word),
      .empty_o     (empty)
    );

    trine_issue u_issue (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .clear_i       (clear),
      .word_valid_i  (issue_valid),
      .word_ready_o  (issue_ready),
      .word_i        (issue_word),
      .queue_empty_i (empty),
      .have_i        (have[4*e +: 4]),
      .take_o        (take[4*e +: 4]),
      .give_o        (give[4*e +: 4]),
      .cfg_valid_o   (cfg_valid[e]),
      .cfg_ready_i   (cfg_ready[e]),
      .cfg_reg_o     (cfg_reg[4*e +: 4]),
      .cfg_payload_o (cfg_payload[56*e +: 56]),
      .run_valid_o   (run_valid[e]),
      .run_ready_i   (run_ready[e]),
      .run_op_o      (run_op[8*e +: 8]),
      .run_flags_o   (run_flags[8*e +: 8]),
      .retire_i      (retire[e]),
      .start_o       (trace_start_o[e]),
      .wait_o        (lacks[4*e +: 4]),
      .busy_o        (busy_o[e]),
      .idle_o        (idle_o[e])
    );

    assign waits[e] = lacks[4*e +: 4] != 4'd0 && !busy_o[e];
  end

  trine_tokens u_tokens (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .clear_i    (clear),
    .take_i     (take),
    .give_i     (give),
    .have_o     (have),
    .overflow_o (overflow)
  );

  assign trace_retire_o = retire;

  assign compute_cfg_valid_o   = cfg_valid[Compute];
  assign compute_cfg_reg_o     = cfg_reg[4*Compute +: 4];
  assign compute_cfg_payload_o = cfg_payload[56*Compute +: 56];
  assign compute_run_valid_o   = run_valid[Compute];
  assign compute_run_op_o      = run_op[8*Compute +: 8];
  assign compute_run_flags_o   = run_flags[8*Compute +: 8];
  assign compute_wait_o        = lacks[4*Compute +: 4];
  assign cfg_ready[Compute]    = compute_cfg_ready_i;
  assign run_ready[Compute]    = compute_run_ready_i;
  assign retire[Compute]       = compute_retire_i;

  assign vector_cfg_valid_o   = cfg_valid[Vector];
  assign vector_cfg_reg_o     = cfg_reg[4*Vector +: 4];
  assign vector_cfg_payload_o = cfg_payload[56*Vector +: 56];
  assign vector_run_valid_o   = run_valid[Vector];
  assign vector_run_op_o      = run_op[8*Vector +: 8];
  assign vector_run_flags_o   = run_flags[8*Vector +: 8];
  assign vector_wait_o        = lacks[4*Vector +: 4];
  assign cfg_ready[Vector]    = vector_cfg_ready_i;
  assign run_ready[Vector]    = vector_run_ready_i;
  assign retire[Vector]       = vector_retire_i;

  // ---------------------------------------------------------------------------------------------
  // Reads from the bus, of allowed addresses.
  // ---------------------------------------------------------------------------------------------
  logic load_waits, read_owed, read_moved;

  for (genvar client = 0; client < 2; client++) begin : gen_read_window
    trine_window #(
      .AddrBits  (AxiAddrBits),
      .BeatBytes (DataBits / 8)
    ) u_window (
      .first_i  (window_first),
      .last_i   (window_last),
      .addr_i   (req_addr[AxiAddrBits*client +: AxiAddrBits]),
      .len_i    (req_len[8*client +: 8]),
      .inside_o (read_inside[client])
    );
  end

  trine_axi_read #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits)
  ) u_read (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (bus_was_reset),
    .stop_i          (stop),
    .idle_o          (read_idle),
    .load_waits_o    (load_waits),
    .owed_o          (read_owed),
    .moved_o         (read_moved),
    .beat_o          (read_beat),
    .req_valid_i     (req_valid & read_inside),
    .req_ready_o     (read_ready_any),
    .req_addr_i      (req_addr),
    .req_len_i       (req_len),
    .rsp_valid_o     (rsp_valid),
    .rsp_ready_i     (rsp_ready),
    .rsp_data_o      (rsp_data),
    .rsp_error_o     (rsp_error),
    .m_axi_arvalid_o (m_axi_arvalid_o),
    .m_axi_arready_i (m_axi_arready_i),
    .m_axi_arid_o    (m_axi_arid_o),
    .m_axi_araddr_o  (m_axi_araddr_o),
    .m_axi_arlen_o   (m_axi_arlen_o),
    .m_axi_arsize_o  (m_axi_arsize_o),
    .m_axi_arburst_o (m_axi_arburst_o),
    .m_axi_rvalid_i  (m_axi_rvalid_i),
    .m_axi_rready_o  (m_axi_rready_o),
    .m_axi_rid_i     (m_axi_rid_i),
    .m_axi_rdata_i   (m_axi_rdata_i),
    .m_axi_rresp_i   (m_axi_rresp_i),
    .m_axi_rlast_i   (m_axi_rlast_i)
  );

  logic [1:0]                read_valid, read_ready, read_data_valid;  // 0 store, 1 load
  logic [2*DmemAddrBits-1:0] read_addr;
  trine_engine_pkg::command_t load_command;
  trine_engine_pkg::answer_t  load_answer;
  trine_engine_pkg::param_t   param;

  assign load_command.cfg_valid   = cfg_valid[Load];
  assign load_command.cfg_reg     = cfg_reg[4*Load +: 4];
  assign load_command.cfg_payload = cfg_payload[56*Load +: 56];
  assign load_command.run_valid   = run_valid[Load];
  assign load_command.run_op      = run_op[8*Load +: 8];
  assign load_command.run_flags   = run_flags[8*Load +: 8];
  assign load_command.lacks       = lacks[4*Load +: 4];

  assign cfg_ready[Load] = load_answer.cfg_ready;
  assign run_ready[Load] = load_answer.run_ready;
  assign retire[Load]    = load_answer.retire;

  trine_load #(
    .Cols          (Cols),
    .DmemAddrBits  (DmemAddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .DataBits      (DataBits),
    .AxiAddrBits   (AxiAddrBits),
    .MaxBeats      (MaxBeats),
    .Maps          (Maps)
  ) u_load (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear),
    .base_i        (base),
    .command_i     (load_command),
    .answer_o      (load_answer),
    .req_valid_o   (req_valid[1]),
    .req_ready_i   (req_ready[1]),
    .req_addr_o    (req_addr[AxiAddrBits +: AxiAddrBits]),
    .req_len_o     (req_len[15:8]),
    .rsp_valid_i   (rsp_valid[1]),
    .rsp_ready_o   (rsp_ready[1]),
    .rsp_data_i    (rsp_data),
    .rsp_error_i   (rsp_error),
    .error_o       (load_error),
    .error_addr_o  (load_error_addr),
    .dma_rvalid_o  (read_valid[1]),
    .dma_rready_i  (read_ready[1]),
    .dma_raddr_o   (read_addr[DmemAddrBits +: DmemAddrBits]),
    .dma_rdata_valid_i (read_data_valid[1]),
    .dma_rdata_i   (dma_rdata_i),
    .dma_wvalid_o  (dma_wvalid_o),
    .dma_wready_i  (dma_wready_i),
    .dma_waddr_o   (dma_waddr_o),
    .dma_wdata_o   (dma_wdata_o),
    .dma_wmask_o   (dma_wmask_o),
    .pmem_wvalid_o (pmem_wvalid_o),
    .pmem_wready_i (pmem_wready_i),
    .pmem_wrow_o   (pmem_wrow_o),
    .pmem_wdata_o  (pmem_wdata_o),
    .pmem_wquads_o (pmem_wquads_o),
    .param_o       (param),
    .param_ready_i (param_ready_i),
    .param_wdata_o (param_wdata_o)
  );

  assign bias_we_o     = param.bias_valid && param_ready_i;
  assign bias_addr_o   = param.bias_addr[BiasAddrBits-1:0];
  assign scale_we_o    = param.scale_valid && param_ready_i;
  assign scale_addr_o  = param.scale_addr[ScaleAddrBits-1:0];
  assign table_valid_o = param.table_valid;
  assign table_addr_o  = param.table_addr[TableAddrBits-1:0];
  assign exp_valid_o   = param.exp_valid;
  assign exp_addr_o    = param.exp_addr[ExpAddrBits-1:0];

  // ---------------------------------------------------------------------------------------------
  // Writes to the bus, to allowed addresses.
  // ---------------------------------------------------------------------------------------------
  logic                   write_req_valid, write_req_ready, write_valid, write_ready;
  logic                   write_inside, write_ready_any, write_owed, write_moved;

  assign write_req_ready = write_ready_any && write_inside;
  logic [AxiAddrBits-1:0] write_req_addr;
  logic [7:0]             write_req_len;
  logic [DataBits-1:0]    write_data;
  logic [DataWords-1:0]   write_mask;

  trine_store #(
    .DmemAddrBits (DmemAddrBits),
    .DataBits     (DataBits),
    .AxiAddrBits  (AxiAddrBits),
    .MaxBeats     (MaxBeats)
  ) u_store (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .clear_i           (clear),
    .base_i            (base),
    .cfg_valid_i       (cfg_valid[Store]),
    .cfg_ready_o       (cfg_ready[Store]),
    .cfg_reg_i         (cfg_reg[4*Store +: 4]),
    .cfg_payload_i     (cfg_payload[56*Store +: 56]),
    .run_valid_i       (run_valid[Store]),
    .run_ready_o       (run_ready[Store]),
    .retire_o          (retire[Store]),
    .dma_rvalid_o      (read_valid[0]),
    .dma_rready_i      (read_ready[0]),
    .dma_raddr_o       (read_addr[0 +: DmemAddrBits]),
    .dma_rdata_valid_i (read_data_valid[0]),
    .dma_rdata_i       (dma_rdata_i),
    .req_valid_o       (write_req_valid),
    .req_ready_i       (write_req_ready),
    .req_addr_o        (write_req_addr),
    .req_len_o         (write_req_len),
    .data_valid_o      (write_valid),
    .data_ready_i      (write_ready),
    .data_o            (write_data),
    .mask_o            (write_mask),
    .write_idle_i      (write_idle)
  );

  trine_window #(
    .AddrBits  (AxiAddrBits),
    .BeatBytes (DataBits / 8)
  ) u_write_window (
    .first_i  (window_first),
    .last_i   (window_last),
    .addr_i   (write_req_addr),
    .len_i    (write_req_len),
    .inside_o (write_inside)
  );

  // Nothing that was read after a word that cannot be corrected, nor that word, reaches DRAM.
  trine_axi_write #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits)
  ) u_write (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (bus_was_reset),
    .stop_i          (stop),
    .broken_i        (broken),
    .idle_o          (write_idle),
    .owed_o          (write_owed),
    .moved_o         (write_moved),
    .words_o         (write_words),
    .error_o         (store_error),
    .error_addr_o    (store_error_addr),
    .req_valid_i     (write_req_valid && write_inside),
    .req_ready_o     (write_ready_any),
    .req_addr_i      (write_req_addr),
    .req_len_i       (write_req_len),
    .data_valid_i    (write_valid),
    .data_ready_o    (write_ready),
    .data_i          (write_data),
    .mask_i          (write_mask),
    .m_axi_awvalid_o (m_axi_awvalid_o),
    .m_axi_awready_i (m_axi_awready_i),
    .m_axi_awaddr_o  (m_axi_awaddr_o),
    .m_axi_awlen_o   (m_axi_awlen_o),
    .m_axi_awsize_o  (m_axi_awsize_o),
    .m_axi_awburst_o (m_axi_awburst_o),
    .m_axi_wvalid_o  (m_axi_wvalid_o),
    .m_axi_wready_i  (m_axi_wready_i),
    .m_axi_wdata_o   (m_axi_wdata_o),
    .m_axi_wstrb_o   (m_axi_wstrb_o),
    .m_axi_wlast_o   (m_axi_wlast_o),
    .m_axi_bvalid_i  (m_axi_bvalid_i),
    .m_axi_bready_o  (m_axi_bready_o),
    .m_axi_bresp_i   (m_axi_bresp_i)
  );

  // ---------------------------------------------------------------------------------------------
  // A bus that does not answer; what a program stops with.
  // ---------------------------------------------------------------------------------------------
  logic write_owed_q, load_waits_q;
  logic deadlock_q;  // a queue that is full for a cycle is yet to read ahead

  trine_watchdog #(.Bits(WatchdogBits)) u_watchdog (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .limit_i   (watchdog),
    .owed_i    (read_owed || write_owed),
    .moved_i   (read_moved || write_moved),
    .expired_o (expiring)
  );

  always_ff @(posedge clk_i) begin
    write_owed_q <= write_owed;
    load_waits_q <= load_waits;
    deadlock_q   <= deadlock;
  end

  trine_errors #(.AxiAddrBits(AxiAddrBits)) u_errors (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (clear),
    .load_run_i      (run_valid[Load] && run_ready[Load]),
    .load_retire_i   (retire[Load]),
    .store_retire_i  (retire[Store]),
    .foreign_i       (foreign),
    .illegal_i       (illegal),
    .lacking_i       (lacking),
    .deadlock_i      (deadlock && deadlock_q),
    .overflow_i      (overflow),
    .fetch_error_i   (fetch_error),
    .fetch_outside_i (fetch_outside),
    .load_error_i    (load_error),
    .load_outside_i  (req_valid[1] && !read_inside[1]),
    .store_error_i   (store_error),
    .store_outside_i (write_req_valid && !write_inside),
    .expired_i       (expiring),
    .write_owed_i    (write_owed_q),
    .load_owed_i     (load_waits_q),
    .program_i       (program_addr),
    .offset_i        (offset),
    .load_beat_i     (load_error_addr),
    .load_burst_i    (req_addr[AxiAddrBits +: AxiAddrBits]),
    .store_answer_i  (store_error_addr),
    .store_burst_i   (write_req_addr),
    .cause_o         (error_cause),
    .addr_o          (error_addr),
    .run_o           (error_run)
  );

  if (!Ecc) begin : gen_no_ecc
    logic unused_ecc;
    assign unused_ecc = ^{ecc_fatal_i, ecc_addr_i};
  end

  // ---------------------------------------------------------------------------------------------
  // Reads of DMEM: stores, and copies into PMEM where weights may be maps.
  // ---------------------------------------------------------------------------------------------
  if (Maps) begin : gen_share
    trine_dma_share #(.AddrBits(DmemAddrBits)) u_share (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .clear_i           (clear),
      .valid_i           (read_valid),
      .ready_o           (read_ready),
      .addr_i            (read_addr),
      .data_valid_o      (read_data_valid),
      .dma_rvalid_o      (dma_rvalid_o),
      .dma_rready_i      (dma_rready_i),
      .dma_raddr_o       (dma_raddr_o),
      .dma_rdata_valid_i (dma_rdata_valid_i)
    );
  end else begin : gen_store_only
    logic unused_reads;
    assign dma_rvalid_o    = read_valid[0];
    assign dma_raddr_o     = read_addr[0 +: DmemAddrBits];
    assign read_ready      = {1'b0, dma_rready_i};
    assign read_data_valid = {1'b0, dma_rdata_valid_i};
    assign unused_reads    = ^{read_valid, read_addr};
  end

  logic unused_ops;
  assign unused_ops = ^{run_op, run_flags, param};

endmodule
