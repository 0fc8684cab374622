// SPDX-License-Identifier: Apache-2.0
//
// Implements the accelerator: connects control, the DMA and one or more cores. All cores run the
// same program. Each core has its own feature maps. This module contains only wires. Each part is a
// folder of rtl/ in Trine's repository.
//
//   trine_control --commands--> trine_dma, and through trine_cluster to the cores
//   trine_dma     <--words----> trine_cluster <--> DMEM, PMEM and small memories of the cores
//
// docs/architecture.md describes the machine. Every design instantiates this module. The
// generator's trine_top sets the parameters of the design.
//
// Check     verilator --lint-only -Wall -f trine.f; random_program_test

module trine_machine #(
  parameter int unsigned Rows          = 8,      // 1..256: lanes
  parameter int unsigned Cols          = 8,      // 1..256: output channels
  parameter bit          Int8          = 1'b1,
  parameter bit          Ternary       = 1'b0,
  parameter bit          Binary        = 1'b0,
  parameter int unsigned DmemWords     = 32768,  // a multiple of the number of banks
  parameter int unsigned PmemRows      = 2048,   // even
  parameter bit          Ecc           = 1'b0,   // ECC in DMEM, PMEM and IMEM (trine_ecc)
  parameter int unsigned ImemWords     = 0,      // 64-bit program words kept on chip
  parameter int unsigned ParamChannels = 512,
  parameter bit          Vector        = 1'b1,
  parameter bit          Table         = 1'b1,   // lookup table of codes
  parameter bit          Softmax       = 1'b0,   // softmax in the vector engine
  parameter bit          Window        = 1'b0,   // requires Int8 and Cols >= 4
  parameter bit          Weights4      = 1'b0,   // 4-bit weights; requires Int8
  parameter bit          Groups        = 1'b0,   // factors by groups; requires Weights4, no Ecc
  parameter bit          Packed        = 1'b0,   // weights packed in DRAM; Cols is a multiple of 4
  parameter bit          Int16         = 1'b0,   // int16 activations; requires Int8, even Rows
  parameter bit          Formats       = 1'b0,   // codes of eight-bit formats; requires Int16
  parameter int unsigned Drain         = 1,      // columns drained per cycle: 1, 2 (PipeCols >= 2)
  parameter bit          Sums          = 1'b0,   // reductions in parts; adds sums from DMEM
  parameter bit          ZeroPoints    = 1'b0,   // products of two maps; requires Int8
  parameter int unsigned AxiDataBits   = 64,     // 32, 64, 128, 256, 512, 1024
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned PipeRows      = 8,
  parameter int unsigned PipeCols      = 8,
  parameter int unsigned PeStages      = 2,      // stages of a PE: 1, 2
  parameter int unsigned AccBits       = 32,     // accumulator width: 20..32
  parameter bit          ClockGates    = 1'b0,   // clock gates of PEs and zero points
  parameter int unsigned Cores         = 1,      // 1..8
  parameter int          Multiplier    = trine_mul_pkg::Operator,
  parameter logic [63:0] ConfigHash    = 64'd0
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     test_en_i,  // opens the clock gates for scan; else 0

  // AXI4-Lite slave.
  input  trine_axi_pkg::lite_request_t   s_axil_i,
  output trine_axi_pkg::lite_response_t  s_axil_o,

  // AXI4 master.
  output trine_axi_pkg::read_request_t   m_axi_read_o,
  output logic [AxiAddrBits-1:0]         m_axi_araddr_o,
  input  trine_axi_pkg::read_response_t  m_axi_read_i,
  input  logic [AxiDataBits-1:0]         m_axi_rdata_i,
  output trine_axi_pkg::write_request_t  m_axi_write_o,
  output logic [AxiAddrBits-1:0]         m_axi_awaddr_o,
  output logic [AxiDataBits-1:0]         m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0]       m_axi_wstrb_o,
  input  trine_axi_pkg::write_response_t m_axi_write_i,

  output logic                     irq_o,

  // Trace for simulation: running, the cause of this cycle, and a pulse for each RUN.
  output logic [3:0]               trace_cause_o,
  output logic [3:0]               trace_start_o,
  output logic [3:0]               trace_retire_o
);

  localparam int unsigned DataBits      = AxiDataBits < 64 ? 64 : AxiDataBits;
  localparam int unsigned DataWords     = DataBits / 32;
  localparam int unsigned LeastBanks    = 2 * Rows > DataWords ? 2 * Rows : DataWords;
  localparam int unsigned Banks         = LeastBanks < 8 ? 8 : 1 << $clog2(LeastBanks);
  localparam int unsigned BankRows      = DmemWords / Banks;
  localparam int unsigned RowBits       = BankRows > 1 ? $clog2(BankRows) : 1;
  localparam int unsigned AddrBits      = $clog2(Banks) + RowBits;
  localparam int unsigned PmemAddrBits  = $clog2(PmemRows);
  localparam int unsigned WriteBits     = 1 + 33 * DataWords + AddrBits;  // a beat for DMEM
  localparam int unsigned CoreBits      = Cores > 1 ? $clog2(Cores) : 1;
  localparam int unsigned CommandBits   = trine_engine_pkg::CommandBits;
  localparam int unsigned AnswerBits    = trine_engine_pkg::AnswerBits;
  localparam int unsigned ParamBits     = trine_engine_pkg::ParamBits;
  localparam int unsigned StateBits     = trine_engine_pkg::MemoryStateBits;
  localparam int unsigned ActivityBits  = trine_engine_pkg::ActivityBits;

  // Features that instructions may use (trine_legal).
  localparam logic [trine_isa_pkg::Features-1:0] Features =
      trine_isa_pkg::Features'(Int8)               << trine_isa_pkg::FeatureInt8 |
      trine_isa_pkg::Features'(Ternary)            << trine_isa_pkg::FeatureTernary |
      trine_isa_pkg::Features'(Binary)             << trine_isa_pkg::FeatureBinary |
      trine_isa_pkg::Features'(Ternary || Binary)  << trine_isa_pkg::FeatureThresholds |
      trine_isa_pkg::Features'(Vector)             << trine_isa_pkg::FeatureVector |
      trine_isa_pkg::Features'(Table)              << trine_isa_pkg::FeatureTable |
      trine_isa_pkg::Features'(Vector && Softmax)  << trine_isa_pkg::FeatureSoftmax |
      trine_isa_pkg::Features'(Window)             << trine_isa_pkg::FeatureWindow |
      trine_isa_pkg::Features'(ZeroPoints)         << trine_isa_pkg::FeatureMaps |
      trine_isa_pkg::Features'(Cols >= 4)          << trine_isa_pkg::FeatureQuad |
      trine_isa_pkg::Features'(Int16)              << trine_isa_pkg::FeatureInt16 |
      trine_isa_pkg::Features'(Weights4)           << trine_isa_pkg::FeatureInt4 |
      trine_isa_pkg::Features'(Groups)             << trine_isa_pkg::FeatureGroups |
      trine_isa_pkg::Features'(Packed)             << trine_isa_pkg::FeaturePacked |
      trine_isa_pkg::Features'(Packed && DataBits == 64) << trine_isa_pkg::FeatureStreams |
      trine_isa_pkg::Features'(Cores > 1)          << trine_isa_pkg::FeatureCluster |
      trine_isa_pkg::Features'(Formats)            << trine_isa_pkg::FeatureFormats |
      trine_isa_pkg::Features'(Sums)               << trine_isa_pkg::FeatureSums;

  // ---------------------------------------------------------------------------------------------
  // Control and DMA.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::state_t        state;
  trine_engine_pkg::command_t      load_command, compute_command, vector_command, store_command;
  trine_engine_pkg::answer_t       load_answer, compute_answer, vector_answer, store_answer;
  trine_engine_pkg::life_t         life;
  trine_engine_pkg::dram_t         dram;
  trine_engine_pkg::program_word_t program_word;
  trine_engine_pkg::bus_event_t    read_event, write_event;
  trine_engine_pkg::dma_report_t   dma_report;
  trine_engine_pkg::imem_t         imem;
  trine_engine_pkg::param_t        param;  // writes of the load engine to the small memories
  trine_engine_pkg::memory_state_t memory_state;
  trine_engine_pkg::activity_t     activity;

  logic                     clear, word_ready;
  logic                     dma_wvalid, dma_wready, dma_wdone;
  logic                     dma_rvalid, dma_rready, dma_rdata_valid;
  logic [AddrBits-1:0]      dma_raddr;
  logic [DataBits-1:0]      dma_rdata, param_wdata;
  logic [WriteBits-1:0]     dma_wbeat;
  logic                     pmem_wvalid, pmem_wready;
  logic [PmemAddrBits-1:0]  pmem_wrow;
  logic [32*Cols-1:0]       pmem_wdata;
  logic [(Cols+3)/4-1:0]    pmem_wquads;

  logic                     param_ready;
  logic [Cores-1:0]         dma_cores;  // cores whose memories are written
  logic [CoreBits-1:0]      dma_core;   // core whose DMEM is read

  trine_control #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits),
    .Ecc         (Ecc),
    .ImemWords   (ImemWords),
    .ConfigHash  (ConfigHash),
    .Features    (Features)
  ) u_control (
    .clk_i,
    .rst_ni,
    .s_axil_i,
    .s_axil_o,
    .irq_o,
    .clear_o      (clear),
    .state_o      (state),
    .activity_i   (activity),
    .commands_o   ({store_command, vector_command, compute_command, load_command}),
    .answers_i    ({store_answer, vector_answer, compute_answer, load_answer}),
    .life_o       (life),
    .dram_o       (dram),
    .word_i       (program_word),
    .word_ready_o (word_ready),
    .read_i       (read_event),
    .write_i      (write_event),
    .report_i     (dma_report),
    .imem_i       (imem),
    .memory_i     (memory_state)
  );

  trine_dma #(
    .Cols          (Cols),
    .DmemAddrBits  (AddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .AxiDataBits   (AxiDataBits),
    .AxiAddrBits   (AxiAddrBits),
    .Maps          (ZeroPoints),
    .Packed        (Packed),
    .Int16         (Int16),
    .Ecc           (Ecc),
    .ImemWords     (ImemWords),
    .Cores         (Cores)
  ) u_dma (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .life_i            (life),
    .dram_i            (dram),
    .m_axi_read_o,
    .m_axi_araddr_o,
    .m_axi_read_i,
    .m_axi_rdata_i,
    .m_axi_write_o,
    .m_axi_awaddr_o,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_write_i,
    .word_o            (program_word),
    .word_ready_i      (word_ready),
    .commands_i        ({store_command, load_command}),
    .answers_o         ({store_answer, load_answer}),
    .dma_cores_o       ({dma_core, dma_cores}),
    .dma_wvalid_o      (dma_wvalid),
    .dma_wready_i      (dma_wready),
    .dma_wbeat_o       (dma_wbeat),
    .dma_wdone_i       (dma_wdone),
    .dma_rvalid_o      (dma_rvalid),
    .dma_rready_i      (dma_rready),
    .dma_raddr_o       (dma_raddr),
    .dma_rdata_valid_i (dma_rdata_valid),
    .dma_rdata_i       (dma_rdata),
    .pmem_wvalid_o     (pmem_wvalid),
    .pmem_wready_i     (pmem_wready),
    .pmem_wrow_o       (pmem_wrow),
    .pmem_wdata_o      (pmem_wdata),
    .pmem_wquads_o     (pmem_wquads),
    .param_o           (param),
    .param_ready_i     (param_ready),
    .param_wdata_o     (param_wdata),
    .read_o            (read_event),
    .write_o           (write_event),
    .report_o          (dma_report),
    .imem_o            (imem)
  );

  // ---------------------------------------------------------------------------------------------
  // The cores.
  // ---------------------------------------------------------------------------------------------
  logic [Cores*2*CommandBits-1:0]  core_commands;
  logic [Cores*2*AnswerBits-1:0]   core_answers;
  logic [Cores*ParamBits-1:0]      core_params;
  logic [Cores*StateBits-1:0]      core_states;
  logic [Cores*ActivityBits-1:0]   core_activities;
  logic [Cores*DataBits-1:0]       core_rdata;
  logic [Cores-1:0]                core_wvalid, core_wready, core_wdone, core_rvalid, core_rready,
                                   core_rdata_valid, core_pmem_wvalid, core_pmem_wready,
                                   core_param_ready;

  trine_cluster #(
    .Cores    (Cores),
    .DataBits (DataBits)
  ) u_cluster (
    .clk_i,
    .rst_ni,
    .clear_i            (clear),
    .commands_i         ({vector_command, compute_command}),
    .answers_o          ({vector_answer, compute_answer}),
    .core_commands_o    (core_commands),
    .core_answers_i     (core_answers),
    .dma_cores_i        (dma_cores),
    .dma_wvalid_i       (dma_wvalid),
    .dma_wready_o       (dma_wready),
    .dma_wlast_i        (dma_wbeat[WriteBits-1]),
    .dma_wdone_o        (dma_wdone),
    .core_wvalid_o      (core_wvalid),
    .core_wready_i      (core_wready),
    .core_wdone_i       (core_wdone),
    .dma_core_i         (dma_core),
    .dma_rvalid_i       (dma_rvalid),
    .dma_rready_o       (dma_rready),
    .dma_rdata_valid_o  (dma_rdata_valid),
    .dma_rdata_o        (dma_rdata),
    .core_rvalid_o      (core_rvalid),
    .core_rready_i      (core_rready),
    .core_rdata_valid_i (core_rdata_valid),
    .core_rdata_i       (core_rdata),
    .pmem_wvalid_i      (pmem_wvalid),
    .pmem_wready_o      (pmem_wready),
    .core_pmem_wvalid_o (core_pmem_wvalid),
    .core_pmem_wready_i (core_pmem_wready),
    .param_i            (param),
    .param_ready_o      (param_ready),
    .core_params_o      (core_params),
    .core_param_ready_i (core_param_ready),
    .core_states_i      (core_states),
    .memory_state_o     (memory_state),
    .core_activities_i  (core_activities),
    .activity_o         (activity)
  );

  for (genvar c = 0; c < Cores; c++) begin : gen_core
    trine_core #(
      .Rows          (Rows),
      .Cols          (Cols),
      .Int8          (Int8),
      .Ternary       (Ternary),
      .Binary        (Binary),
      .Banks         (Banks),
      .BankRows      (BankRows),
      .PmemRows      (PmemRows),
      .Ecc           (Ecc),
      .ParamChannels (ParamChannels),
      .Vector        (Vector),
      .Table         (Table),
      .Softmax       (Softmax),
      .Window        (Window),
      .Weights4      (Weights4),
      .Groups        (Groups),
      .Int16         (Int16),
      .Formats       (Formats),
      .Sums          (Sums),
      .Drain         (Drain),
      .ZeroPoints    (ZeroPoints),
      .Cluster       (Cores > 1),
      .DataWords     (DataWords),
      .PipeRows      (PipeRows),
      .PipeCols      (PipeCols),
      .PeStages      (PeStages),
      .AccBits       (AccBits),
      .ClockGates    (ClockGates),
      .Multiplier    (Multiplier)
    ) u_core (
      .clk_i,
      .rst_ni,
      .test_en_i,
      .clear_i           (clear),
      .core_i            (3'(c)),
      .state_i           (state),
      .commands_i        (core_commands[2*CommandBits*c +: 2*CommandBits]),
      .answers_o         (core_answers[2*AnswerBits*c +: 2*AnswerBits]),
      .dma_wvalid_i      (core_wvalid[c]),
      .dma_wready_o      (core_wready[c]),
      .dma_wbeat_i       (dma_wbeat),
      .dma_wdone_o       (core_wdone[c]),
      .dma_rvalid_i      (core_rvalid[c]),
      .dma_rready_o      (core_rready[c]),
      .dma_raddr_i       (dma_raddr),
      .dma_rdata_valid_o (core_rdata_valid[c]),
      .dma_rdata_o       (core_rdata[DataBits*c +: DataBits]),
      .pmem_wvalid_i     (core_pmem_wvalid[c]),
      .pmem_wready_o     (core_pmem_wready[c]),
      .pmem_wrow_i       (pmem_wrow),
      .pmem_wdata_i      (pmem_wdata),
      .pmem_wquads_i     (pmem_wquads),
      .param_i           (core_params[ParamBits*c +: ParamBits]),
      .param_ready_o     (core_param_ready[c]),
      .param_wdata_i     (param_wdata),
      .memory_state_o    (core_states[StateBits*c +: StateBits]),
      .activity_o        (core_activities[ActivityBits*c +: ActivityBits])
    );
  end

  assign trace_cause_o  = {state.running, activity.cause};
  assign trace_start_o  = state.run_started;
  assign trace_retire_o = state.retired;

endmodule
