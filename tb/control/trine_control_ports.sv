// SPDX-License-Identifier: Apache-2.0
//
// trine_control and trine_dma, with a port for each field of their structs, as trine_control_tb
// drives them.

module trine_control_ports #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,  // of a 32-bit word
  parameter int unsigned PmemAddrBits  = 11,  // of a row of Cols words
  // a multiple of the words of a beat, at least two beats
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Int16         = 1'b1,  // maps of int16 codes
  parameter bit          Ecc           = 1'b0,  // codes in DMEM, PMEM and IMEM
  parameter int unsigned ImemWords     = 0,     // of 64 bits, kept of a program
  parameter logic [63:0] ConfigHash    = 64'd0,  // the first word of programs
  // Features of instructions; written out, as Yosys 0.23 passes '1 on as a single bit.
  parameter logic [trine_isa_pkg::Features-1:0] Features = {trine_isa_pkg::Features{1'b1}},
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
  output logic [8:0]               compute_run_flags_o,
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
  output logic [8:0]               vector_run_flags_o,
  input  logic                     vector_retire_i,
  output logic [3:0]               vector_wait_o,

  // All engines (bit = engine code): state and trace; the cause of this cycle, counted while
  // running_o; whether the array, the vector engine or results moved.
  output logic [3:0]               idle_o,
  output logic [3:0]               busy_o,
  output logic                     running_o,
  input  logic [2:0]               cause_i,
  input  logic                     progress_i,
  output logic [3:0]               trace_start_o,
  output logic [3:0]               trace_retire_o,

  // DMEM, DMA port, write: DataWords neighbours; the address is a multiple of DataWords.
  output logic                     dma_wvalid_o,
  input  logic                     dma_wready_i,
  output logic [DmemAddrBits-1:0]  dma_waddr_o,
  output logic [DataBits-1:0]      dma_wdata_o,
  output logic [DataWords-1:0]     dma_wmask_o,
  output logic                     dma_wlast_o,
  input  logic                     dma_wdone_i,

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
  output logic                     exp_points_o,
  output logic [ExpAddrBits-1:0]   exp_addr_o,

  // Zeros are to be written to the memories, or being written.
  output logic                     wipe_o,
  input  logic                     wiping_i,

  // Codes of DMEM and PMEM (Ecc): a program starts; a word that cannot be corrected, until clear_o,
  // and where; corrected words.
  output logic                     start_o,
  input  logic                     ecc_fatal_i,
  input  logic [2:0]               ecc_core_i,
  input  logic [32:0]              ecc_addr_i,
  input  logic [31:0]              ecc_dmem_count_i,
  input  logic [31:0]              ecc_pmem_count_i
);

  trine_axi_pkg::lite_request_t    s_axil_request;
  trine_axi_pkg::lite_response_t   s_axil_response;
  trine_axi_pkg::read_request_t    read_request;
  trine_axi_pkg::read_response_t   read_response;
  trine_axi_pkg::write_request_t   write_request;
  trine_axi_pkg::write_response_t  write_response;
  trine_engine_pkg::command_t      compute_command, vector_command;
  trine_engine_pkg::answer_t       compute_answer, vector_answer;
  trine_engine_pkg::state_t        state;
  trine_engine_pkg::param_t        param;
  trine_engine_pkg::memory_state_t memory_state;

  assign s_axil_request.awvalid = s_axil_awvalid_i;
  assign s_axil_request.awaddr = s_axil_awaddr_i;
  assign s_axil_request.wvalid = s_axil_wvalid_i;
  assign s_axil_request.wdata = s_axil_wdata_i;
  assign s_axil_request.wstrb = s_axil_wstrb_i;
  assign s_axil_request.bready = s_axil_bready_i;
  assign s_axil_request.arvalid = s_axil_arvalid_i;
  assign s_axil_request.araddr = s_axil_araddr_i;
  assign s_axil_request.rready = s_axil_rready_i;
  assign s_axil_awready_o = s_axil_response.awready;
  assign s_axil_wready_o = s_axil_response.wready;
  assign s_axil_bvalid_o = s_axil_response.bvalid;
  assign s_axil_bresp_o = s_axil_response.bresp;
  assign s_axil_arready_o = s_axil_response.arready;
  assign s_axil_rvalid_o = s_axil_response.rvalid;
  assign s_axil_rdata_o = s_axil_response.rdata;
  assign s_axil_rresp_o = s_axil_response.rresp;
  assign m_axi_arvalid_o = read_request.arvalid;
  assign m_axi_arid_o = read_request.arid;
  assign m_axi_arlen_o = read_request.arlen;
  assign m_axi_arsize_o = read_request.arsize;
  assign m_axi_arburst_o = read_request.arburst;
  assign m_axi_rready_o = read_request.rready;
  assign read_response.arready = m_axi_arready_i;
  assign read_response.rvalid = m_axi_rvalid_i;
  assign read_response.rid = m_axi_rid_i;
  assign read_response.rresp = m_axi_rresp_i;
  assign read_response.rlast = m_axi_rlast_i;
  assign m_axi_awvalid_o = write_request.awvalid;
  assign m_axi_awlen_o = write_request.awlen;
  assign m_axi_awsize_o = write_request.awsize;
  assign m_axi_awburst_o = write_request.awburst;
  assign m_axi_wvalid_o = write_request.wvalid;
  assign m_axi_wlast_o = write_request.wlast;
  assign m_axi_bready_o = write_request.bready;
  assign write_response.awready = m_axi_awready_i;
  assign write_response.wready = m_axi_wready_i;
  assign write_response.bvalid = m_axi_bvalid_i;
  assign write_response.bresp = m_axi_bresp_i;

  assign compute_cfg_valid_o = compute_command.cfg_valid;
  assign compute_cfg_reg_o = compute_command.cfg_reg;
  assign compute_cfg_payload_o = compute_command.cfg_payload;
  assign compute_run_valid_o = compute_command.run_valid;
  assign compute_run_op_o = compute_command.run_op;
  assign compute_run_flags_o = compute_command.run_flags;
  assign compute_wait_o = compute_command.missing_tokens;
  assign compute_answer.cfg_ready = compute_cfg_ready_i;
  assign compute_answer.run_ready = compute_run_ready_i;
  assign compute_answer.retire = compute_retire_i;
  assign vector_cfg_valid_o = vector_command.cfg_valid;
  assign vector_cfg_reg_o = vector_command.cfg_reg;
  assign vector_cfg_payload_o = vector_command.cfg_payload;
  assign vector_run_valid_o = vector_command.run_valid;
  assign vector_run_op_o = vector_command.run_op;
  assign vector_run_flags_o = vector_command.run_flags;
  assign vector_wait_o = vector_command.missing_tokens;
  assign vector_answer.cfg_ready = vector_cfg_ready_i;
  assign vector_answer.run_ready = vector_run_ready_i;
  assign vector_answer.retire = vector_retire_i;

  assign running_o = state.running;
  assign start_o = state.start;
  assign wipe_o = state.wipe;
  assign idle_o = state.idle;
  assign busy_o = state.busy;
  assign trace_start_o = state.run_started;
  assign trace_retire_o = state.retired;

  assign bias_we_o     = param.bias_valid && param_ready_i;
  assign scale_we_o    = param.scale_valid && param_ready_i;
  assign table_valid_o = param.table_valid;
  assign exp_valid_o   = param.exp_valid;
  assign exp_points_o  = param.points;
  assign bias_addr_o   = param.bias_addr[BiasAddrBits-1:0];
  assign scale_addr_o  = param.scale_addr[ScaleAddrBits-1:0];
  assign table_addr_o  = param.table_addr[TableAddrBits-1:0];
  assign exp_addr_o    = param.exp_addr[ExpAddrBits-1:0];

  assign memory_state.wiping     = wiping_i;
  assign memory_state.fatal      = ecc_fatal_i;
  assign memory_state.fatal_core = ecc_core_i;
  assign memory_state.fatal_addr = ecc_addr_i;
  assign memory_state.dmem_count = ecc_dmem_count_i;
  assign memory_state.pmem_count = ecc_pmem_count_i;

  trine_engine_pkg::command_t      load_command, store_command;
  trine_engine_pkg::answer_t       load_answer, store_answer;
  trine_engine_pkg::life_t         life;
  trine_engine_pkg::dram_t         dram;
  trine_engine_pkg::program_word_t program_word;
  trine_engine_pkg::bus_event_t    read_event, write_event;
  trine_engine_pkg::dma_report_t   dma_report;
  trine_engine_pkg::imem_t         imem;
  logic                            word_ready;

  trine_control #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits),
    .Ecc         (Ecc),
    .ImemWords   (ImemWords),
    .ConfigHash  (ConfigHash),
    .Features    (Features),
    .CountFrom   (CountFrom)
  ) u_control (
    .clk_i,
    .rst_ni,
    .s_axil_i     (s_axil_request),
    .s_axil_o     (s_axil_response),
    .irq_o,
    .clear_o,
    .state_o      (state),
    .activity_i   ({cause_i, progress_i}),
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

  logic [1:0] cores;  // one core: both its own

  trine_dma #(
    .Cols          (Cols),
    .DmemAddrBits  (DmemAddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .AxiDataBits   (AxiDataBits),
    .AxiAddrBits   (AxiAddrBits),
    .Maps          (Maps),
    .Int16         (Int16),
    .Ecc           (Ecc),
    .ImemWords     (ImemWords)
  ) u_dma (
    .clk_i,
    .rst_ni,
    .clear_i       (clear_o),
    .life_i        (life),
    .dram_i        (dram),
    .m_axi_read_o  (read_request),
    .m_axi_araddr_o,
    .m_axi_read_i  (read_response),
    .m_axi_rdata_i,
    .m_axi_write_o (write_request),
    .m_axi_awaddr_o,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_write_i (write_response),
    .word_o        (program_word),
    .word_ready_i  (word_ready),
    .commands_i    ({store_command, load_command}),
    .answers_o     ({store_answer, load_answer}),
    .dma_cores_o   (cores),
    .dma_wvalid_o,
    .dma_wready_i,
    .dma_wbeat_o   ({dma_wlast_o, dma_wmask_o, dma_waddr_o, dma_wdata_o}),
    .dma_wdone_i,
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o,
    .dma_rdata_valid_i,
    .dma_rdata_i,
    .pmem_wvalid_o,
    .pmem_wready_i,
    .pmem_wrow_o,
    .pmem_wdata_o,
    .pmem_wquads_o,
    .param_o       (param),
    .param_ready_i,
    .param_wdata_o,
    .read_o        (read_event),
    .write_o       (write_event),
    .report_o      (dma_report),
    .imem_o        (imem)
  );

  logic unused;
  assign unused = ^{s_axil_awprot_i, s_axil_arprot_i, param, cores};

endmodule
