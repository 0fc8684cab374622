// SPDX-License-Identifier: Apache-2.0
//
// The accelerator: control, DMA and the datapath. Wires alone: what it does is in its parts, each a
// folder of rtl/ in Trine's repository.
//
//   trine_control --commands--> trine_dma, trine_matmul, trine_results
//   trine_dma     <--words----> trine_maps, PMEM in trine_matmul, trine_param_memories
//
//   trine_maps --gather--> trine_matmul --columns--> trine_results --words--> trine_maps
//    (DMEM)  |         (compute, PMEM, array)     (vector, post unit)
//            +-------------gather----------------------^  ^
//                                  trine_param_memories --'
//
// docs/architecture.md describes the machine. Every design is this module with other parameters;
// the generator's trine_top sets them.
//
// Check     verilator --lint-only -Wall -f trine.f; random_program_test

module trine_core #(
  parameter int unsigned Rows          = 8,      // 1..256: lanes
  parameter int unsigned Cols          = 8,      // 1..256: output channels
  parameter bit          Int8          = 1'b1,
  parameter bit          Ternary       = 1'b0,
  parameter bit          Binary        = 1'b0,
  parameter int unsigned DmemWords     = 32768,  // a multiple of the number of banks
  parameter int unsigned PmemRows      = 2048,   // even
  parameter bit          Ecc           = 1'b0,   // codes in both, and IMEM: trine_ecc
  parameter int unsigned ImemWords     = 0,      // of 64 bits, kept of a program
  parameter int unsigned ParamChannels = 512,
  parameter bit          Vector        = 1'b1,
  parameter bit          Table         = 1'b1,   // codes looked up in a table
  parameter bit          Softmax       = 1'b0,   // in the vector unit
  parameter bit          Window        = 1'b0,   // Int8, Cols >= 4
  parameter bit          Weights4      = 1'b0,   // Int8: weights of four bits
  parameter bit          Groups        = 1'b0,   // Weights4, no Ecc: factors by groups
  parameter bit          Packed        = 1'b0,   // Cols in fours: weights packed in DRAM
  parameter bit          Int16         = 1'b0,   // Int8, an even number of Rows: int16 activations
  parameter int unsigned Drain         = 1,      // columns drained in a cycle: 1, 2 (PipeCols >= 2)
  parameter bit          ZeroPoints    = 1'b0,   // Int8: products of two maps
  parameter int unsigned AxiDataBits   = 64,     // 32, 64, 128, 256, 512, 1024
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned PipeRows      = 8,
  parameter int unsigned PipeCols      = 8,
  parameter int unsigned PeStages      = 2,      // of a PE: 1, 2
  parameter int unsigned AccBits       = 32,     // of an accumulator: 20..32
  parameter bit          ClockGates    = 1'b0,   // of PEs and zero points
  parameter int          Multiplier    = trine_mul_pkg::Operator,
  parameter logic [63:0] ConfigHash    = 64'd0
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     test_en_i,  // opens the clock gates: scan; else 0

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

  // What happens, for simulation: running and cause of this cycle; a pulse for each RUN.
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
  localparam int unsigned ChannelBits   = $clog2(ParamChannels);
  localparam int unsigned Lanes         = Rows + (Window ? 3 : 0);  // of the gather
  localparam int unsigned LaneBits      = Rows * (AddrBits + 1);  // {active lanes, addresses}
  localparam int unsigned WordBits      = Rows * (AddrBits + 33) + 32;  // of results
  localparam int unsigned WriteBits     = 1 + 33 * DataWords + AddrBits;  // a beat for DMEM

  // What instructions may ask for (trine_legal).
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
      trine_isa_pkg::Features'(Packed && DataBits == 64) << trine_isa_pkg::FeatureStreams;

  // ---------------------------------------------------------------------------------------------
  // Control, DMA, small memories.
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
  trine_engine_pkg::param_t        param;  // as the load engine writes the small memories
  trine_engine_pkg::memory_state_t memory_state;
  trine_engine_pkg::entry_t        entry;  // of a table, to be written
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

  // Small memories.
  logic                     wiping, param_ready, dmem_init, pmem_init;
  logic [RowBits-1:0]       dmem_init_row;
  logic [PmemAddrBits-2:0]  pmem_init_row;
  logic                     p_valid, p_next;
  logic [ChannelBits-1:0]   p_channel;
  logic [Drain*69-1:0]      params;

  trine_param_memories #(
    .DmemRows  (BankRows),
    .PmemRows  (PmemRows / 2),
    .Channels  (ParamChannels),
    .DataWords (DataWords),
    .Drain     (Drain),
    .Ecc       (Ecc),
    .Int16     (Int16)
  ) u_param_memories (
    .clk_i,
    .rst_ni,
    .clear_i       (clear),
    .wipe_i        (state.wipe),
    .wiping_o      (wiping),
    .dmem_init_o   (dmem_init),
    .dmem_row_o    (dmem_init_row),
    .pmem_init_o   (pmem_init),
    .pmem_row_o    (pmem_init_row),
    .param_i       (param),
    .param_ready_o (param_ready),
    .param_wdata_i (param_wdata),
    .r_valid_i     (p_valid),
    .r_next_i      (p_next),
    .r_channel_i   (p_channel),
    .params_o      (params),
    .entry_o       (entry)
  );

  // Codes of the memories.
  logic                     dmem_fatal, pmem_fatal;
  logic [Banks-1:0]         dmem_corrected;
  logic [Cols-1:0]          pmem_corrected;
  logic [AddrBits-1:0]      dmem_fatal_addr;
  logic [PmemAddrBits-1:0]  pmem_fatal_row;
  logic [7:0]               pmem_fatal_column;

  trine_memory_state #(
    .Ecc          (Ecc),
    .Banks        (Banks),
    .Cols         (Cols),
    .DmemAddrBits (AddrBits),
    .PmemAddrBits (PmemAddrBits)
  ) u_memory_state (
    .clk_i,
    .rst_ni,
    .clear_i          (clear),
    .start_i          (state.start),
    .wiping_i         (wiping),
    .dmem_corrected_i (dmem_corrected),
    .dmem_fatal_i     (dmem_fatal),
    .dmem_addr_i      (dmem_fatal_addr),
    .pmem_corrected_i (pmem_corrected),
    .pmem_fatal_i     (pmem_fatal),
    .pmem_column_i    (pmem_fatal_column),
    .pmem_row_i       (pmem_fatal_row),
    .state_o          (memory_state)
  );

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
    .ImemWords     (ImemWords)
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
  // Feature maps. Who reads them, and who writes.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::gather_ask_t  c_ask, v_ask;
  trine_engine_pkg::gather_lost_t c_lost;

  logic                      c_ready, c_done, c_soon, v_ready, v_done, r_valid, r_ready, r_done;
  logic [Lanes*AddrBits-1:0] c_addr;
  logic [Rows*AddrBits-1:0]  v_addr;
  logic [Lanes-1:0]          c_lanes, c_rsp_lanes;
  logic [Rows-1:0]           v_lanes, v_rsp_lanes, r_rsp_lanes;
  logic [LaneBits-1:0]       r_lanes;
  logic [Lanes*32-1:0]       rsp_data;
  logic [3:0]                rsp_tag;
  logic                      s_valid, s_ready;
  logic [WordBits-1:0]       s_word;

  trine_maps #(
    .Rows      (Rows),
    .Lanes     (Lanes),
    .Banks     (Banks),
    .BankRows  (BankRows),
    .DataWords (DataWords),
    .Ecc       (Ecc),
    .MaskBits  (Ternary || Binary ? 1 : 8)  // codes of int8 are bytes
  ) u_maps (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .c_ask_i           (c_ask),
    .c_ready_o         (c_ready),
    .c_lanes_i         ({c_lanes, c_addr}),
    .c_rsp_lanes_o     (c_rsp_lanes),
    .c_soon_o          (c_soon),
    .c_lost_o          (c_lost),
    .v_ask_i           (v_ask),
    .v_ready_o         (v_ready),
    .v_lanes_i         ({v_lanes, v_addr}),
    .v_rsp_lanes_o     (v_rsp_lanes),
    .r_valid_i         (r_valid),
    .r_ready_o         (r_ready),
    .r_lanes_i         (r_lanes),
    .r_rsp_lanes_o     (r_rsp_lanes),
    .rsp_done_o        ({r_done, v_done, c_done}),
    .rsp_data_o        (rsp_data),
    .rsp_tag_o         (rsp_tag),
    .s_valid_i         (s_valid),
    .s_ready_o         (s_ready),
    .s_word_i          (s_word),
    .dma_wvalid_i      (dma_wvalid),
    .dma_wready_o      (dma_wready),
    .dma_wbeat_i       (dma_wbeat),
    .dma_wdone_o       (dma_wdone),
    .dma_rvalid_i      (dma_rvalid),
    .dma_rready_o      (dma_rready),
    .dma_raddr_i       (dma_raddr),
    .dma_rdata_valid_o (dma_rdata_valid),
    .dma_rdata_o       (dma_rdata),
    .init_i            (dmem_init),
    .init_row_i        (dmem_init_row),
    .ecc_corrected_o   (dmem_corrected),
    .ecc_fatal_o       (dmem_fatal),
    .ecc_addr_o        (dmem_fatal_addr)
  );

  // ---------------------------------------------------------------------------------------------
  // Compute.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::compute_state_t compute_state;
  trine_job_pkg::job_t             job;
  trine_job_pkg::results_t         results;
  trine_job_pkg::compute_status_t  compute_status;

  logic                     job_valid, job_ready, data_ready;
  logic [LaneBits-1:0]      job_lanes;
  logic [Cols-1:0]          cols;  // read
  logic [Drain*Rows*32-1:0] column;
  logic [Drain*16-1:0]      factor;

  trine_matmul #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .PmemRows   (PmemRows),
    .Ecc        (Ecc),
    .Int8       (Int8),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Window     (Window),
    .Weights4   (Weights4),
    .Groups     (Groups),
    .Int16      (Int16),
    .Drain      (Drain),
    .ZeroPoints (ZeroPoints),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .PeStages   (PeStages),
    .AccBits    (AccBits),
    .ClockGates (ClockGates),
    .Multiplier (Multiplier)
  ) u_matmul (
    .clk_i,
    .rst_ni,
    .test_en_i,
    .clear_i         (clear),
    .command_i       (compute_command),
    .answer_o        (compute_answer),
    .g_valid_o       (c_ask.valid),
    .g_ready_i       (c_ready),
    .g_addr_o        (c_addr),
    .g_lanes_o       (c_lanes),
    .g_pad_o         (c_ask.pad),
    .g_tag_o         (c_ask.tag),
    .g_hold_o        (c_ask.hold),
    .rsp_lanes_i     (c_rsp_lanes),
    .rsp_data_i      (rsp_data),
    .rsp_tag_i       (rsp_tag),
    .rsp_done_i      (c_done),
    .soon_i          (c_soon),
    .job_valid_o     (job_valid),
    .job_ready_i     (job_ready),
    .job_o           (job),
    .job_lanes_o     (job_lanes),
    .results_o       (results),
    .data_ready_i    (data_ready),
    .status_i        (compute_status),
    .cols_i          (cols),
    .column_o        (column),
    .factor_o        (factor),
    .pmem_wvalid_i   (pmem_wvalid),
    .pmem_wready_o   (pmem_wready),
    .pmem_wrow_i     (pmem_wrow),
    .pmem_wdata_i    (pmem_wdata),
    .pmem_wquads_i   (pmem_wquads),
    .init_i          (pmem_init),
    .init_row_i      (pmem_init_row),
    .ecc_corrected_o (pmem_corrected),
    .ecc_fatal_o     (pmem_fatal),
    .ecc_column_o    (pmem_fatal_column),
    .ecc_row_o       (pmem_fatal_row),
    .state_o         (compute_state)
  );

  // ---------------------------------------------------------------------------------------------
  // Results: vector engine and post unit.
  // ---------------------------------------------------------------------------------------------
  assign v_ask.tag[3] = 1'b0;

  trine_results #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .Channels   (ParamChannels),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Vector     (Vector),
    .Table      (Table),
    .Groups     (Groups),
    .Int16      (Int16),
    .Window     (Window),
    .Softmax    (Softmax),
    .Drain      (Drain),
    .PeStages   (PeStages),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .Multiplier (Multiplier)
  ) u_results (
    .clk_i,
    .rst_ni,
    .clear_i       (clear),
    .vector_i      (vector_command),
    .vector_o      (vector_answer),
    .v_valid_o     (v_ask.valid),
    .v_ready_i     (v_ready),
    .v_addr_o      (v_addr),
    .v_lanes_o     (v_lanes),
    .v_pad_o       (v_ask.pad),
    .v_tag_o       (v_ask.tag[2:0]),
    .v_hold_o      (v_ask.hold),
    .v_rsp_lanes_i (v_rsp_lanes),
    .v_rsp_tag_i   (rsp_tag[2:0]),
    .v_rsp_done_i  (v_done),
    .r_valid_o     (r_valid),
    .r_ready_i     (r_ready),
    .r_lanes_o     (r_lanes),
    .r_rsp_lanes_i (r_rsp_lanes),
    .r_rsp_done_i  (r_done),
    .rsp_data_i    (rsp_data[Rows*32-1:0]),
    .job_valid_i   (job_valid),
    .job_ready_o   (job_ready),
    .job_i         (job),
    .job_lanes_i   (job_lanes),
    .results_i     (results),
    .data_ready_o  (data_ready),
    .status_o      (compute_status),
    .cols_o        (cols),
    .column_i      (column),
    .factor_i      (factor),
    .p_valid_o     (p_valid),
    .p_next_o      (p_next),
    .p_channel_o   (p_channel),
    .params_i      (params),
    .entry_i       (entry),
    .s_valid_o     (s_valid),
    .s_ready_i     (s_ready),
    .s_word_o      (s_word)
  );

  // ---------------------------------------------------------------------------------------------
  // Cause of this cycle; trace.
  // ---------------------------------------------------------------------------------------------
  trine_cause u_cause (
    .clk_i,
    .compute_i  (compute_state),
    .replay_i   (c_lost.replay),
    .taken_i    (c_lost.taken),
    .lacks_i    (compute_command.lacks),
    .idle_i     (state.idle),
    .busy_i     (state.busy),
    .reads_i    (v_ask.valid && v_ready),
    .writes_i   (s_valid && s_ready),
    .activity_o (activity)
  );

  assign trace_cause_o  = {state.running, activity.cause};
  assign trace_start_o  = state.begun;
  assign trace_retire_o = state.retired;

  logic unused_core;
  assign unused_core = ^state;

endmodule
