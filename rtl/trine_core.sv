// SPDX-License-Identifier: Apache-2.0
//
// The accelerator: control and DMA (trine_control) around the datapath.
//
//   DMEM --gather--> trine_compute --> trine_array --> trine_post --scatter--> DMEM
//     |                  ^ PMEM                           ^ parameters
//     +---gather--> trine_vector -------------------------+
//
// docs/architecture.md describes the machine. Every design is this module with other parameters;
// the generator's trine_top sets them.
//
// Check     verilator --lint-only -Wall -f trine.f; tests/random_program_test.cpp

module trine_core #(
  parameter int unsigned Rows          = 8,      // 1..256: lanes
  parameter int unsigned Cols          = 8,      // 1..256: output channels
  parameter bit          Int8          = 1'b1,
  parameter bit          Ternary       = 1'b0,
  parameter bit          Binary        = 1'b0,
  parameter int unsigned DmemWords     = 32768,  // a multiple of the number of banks
  parameter int unsigned PmemRows      = 2048,   // even
  parameter bit          Ecc           = 1'b0,   // codes in both: trine_ecc
  parameter int unsigned ParamChannels = 512,
  parameter bit          Vector        = 1'b1,
  parameter bit          Table         = 1'b1,   // codes looked up in a table
  parameter bit          Softmax       = 1'b0,   // in the vector unit
  parameter bit          Window        = 1'b0,   // Int8, Cols >= 4
  parameter int unsigned Drain         = 1,      // columns drained in a cycle: 1, 2 (PipeCols >= 2)
  parameter bit          ZeroPoints    = 1'b0,   // Int8: products of two maps
  parameter int unsigned AxiDataBits   = 64,     // 32, 64, 128, 256, 512
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned PipeRows      = 8,
  parameter int unsigned PipeCols      = 8,
  parameter int unsigned PeStages      = 2,      // of a PE: 1, 2
  parameter int unsigned AccBits       = 32,     // of an accumulator: 20..32
  parameter int          Multiplier    = trine_mul_pkg::Operator,
  parameter logic [63:0] ConfigHash    = 64'd0
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
  localparam int unsigned BiasAddrBits  = $clog2(ParamChannels / DataWords);
  localparam int unsigned ScaleAddrBits = $clog2(2 * ParamChannels / DataWords);
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords);
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords);
  localparam int unsigned ColBits       = Cols > 1 ? $clog2(Cols) : 1;
  localparam int unsigned Lanes         = Rows + (Window ? 3 : 0);  // of the gather
  localparam int unsigned WindowParts   = !Window ? 1 : Cols < 32 ? Cols / 4 : 8;

  // Tag of a gather: whose it is, and what that engine wants back with it.
  localparam int unsigned TagBits = 6;
  localparam logic [1:0]  TagCompute = 2'd0, TagVector = 2'd1, TagResidual = 2'd2;

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
      trine_isa_pkg::Features'(Cols >= 4)          << trine_isa_pkg::FeatureQuad;

  // ---------------------------------------------------------------------------------------------
  // Control and DMA.
  // ---------------------------------------------------------------------------------------------
  logic                     clear, running;
  logic                     c_cfg_valid, c_cfg_ready, c_run_valid, c_run_ready, c_retire;
  logic                     v_cfg_valid, v_cfg_ready, v_run_valid, v_run_ready, v_retire;
  logic [3:0]               c_cfg_reg, v_cfg_reg, c_wait, v_wait, idle, busy;
  logic [55:0]              c_cfg_payload, v_cfg_payload;
  logic [7:0]               c_run_op, c_run_flags, v_run_op, v_run_flags;
  logic [2:0]               cause;
  logic                     dma_wvalid, dma_wready, dma_rvalid, dma_rready, dma_rdata_valid;
  logic [AddrBits-1:0]      dma_waddr, dma_raddr;
  logic [DataBits-1:0]      dma_wdata, dma_rdata, load_wdata, param_wdata;
  logic [DataWords-1:0]     dma_wmask;
  logic                     pmem_wvalid, pmem_wready, p_lock;
  logic [PmemAddrBits-1:0]  pmem_wrow;
  logic [32*Cols-1:0]       pmem_wdata;
  logic [(Cols+3)/4-1:0]    pmem_wquads;

  // Small memories: as the load engine writes them (load_*), and with the zeros of a scrub between.
  // Tables are written entry by entry.
  logic                     load_bias_we, load_scale_we, load_table_valid, load_exp_valid;
  logic                     bias_we, scale_we, table_we, exp_we;
  logic [BiasAddrBits-1:0]  load_bias_addr, bias_addr;
  logic [ScaleAddrBits-1:0] load_scale_addr, scale_addr;
  logic [TableAddrBits-1:0] load_table_addr;
  logic [ExpAddrBits-1:0]   load_exp_addr;
  logic                     entries_ready, entry_table_we, entry_exp_we;
  logic [7:0]               load_entry_addr, entry_addr;
  logic [31:0]              load_entry, entry;
  logic                     wipe, wiping, dmem_init, pmem_init;
  logic [RowBits-1:0]       dmem_init_row;
  logic [PmemAddrBits-2:0]  pmem_init_row;

  trine_entries #(.DataWords(DataWords)) u_entries (
    .clk_i,
    .rst_ni,
    .clear_i       (clear),
    .table_valid_i (load_table_valid),
    .exp_valid_i   (load_exp_valid),
    .ready_o       (entries_ready),
    .table_addr_i  (load_table_addr),
    .exp_addr_i    (load_exp_addr),
    .data_i        (load_wdata),
    .table_we_o    (entry_table_we),
    .exp_we_o      (entry_exp_we),
    .addr_o        (load_entry_addr),
    .data_o        (load_entry)
  );

  trine_scrub #(
    .DmemRows      (BankRows),
    .PmemRows      (PmemRows / 2),
    .ParamChannels (ParamChannels),
    .DataWords     (DataWords),
    .AtReset       (Ecc)
  ) u_scrub (
    .clk_i,
    .rst_ni,
    .wipe_i       (wipe),
    .busy_o       (wiping),
    .dmem_o       (dmem_init),
    .dmem_row_o   (dmem_init_row),
    .pmem_o       (pmem_init),
    .pmem_row_o   (pmem_init_row),
    .wdata_i      (load_wdata),
    .bias_we_i    (load_bias_we),
    .bias_addr_i  (load_bias_addr),
    .scale_we_i   (load_scale_we),
    .scale_addr_i (load_scale_addr),
    .table_we_i   (entry_table_we),
    .exp_we_i     (entry_exp_we),
    .entry_addr_i (load_entry_addr),
    .entry_i      (load_entry),
    .wdata_o      (param_wdata),
    .bias_we_o    (bias_we),
    .bias_addr_o  (bias_addr),
    .scale_we_o   (scale_we),
    .scale_addr_o (scale_addr),
    .table_we_o   (table_we),
    .exp_we_o     (exp_we),
    .entry_addr_o (entry_addr),
    .entry_o      (entry)
  );

  // Codes of the memories.
  logic                    start, ecc_fatal, dmem_fatal, pmem_fatal;
  logic [Banks-1:0]        dmem_corrected;
  logic [Cols-1:0]         pmem_corrected;
  logic [AddrBits-1:0]     dmem_fatal_addr;
  logic [PmemAddrBits-1:0] pmem_fatal_row;
  logic [7:0]              pmem_fatal_column;
  logic [31:0]             dmem_count, pmem_count;
  logic [32:0]             ecc_addr;

  if (Ecc) begin : gen_ecc
    trine_ecc #(
      .Banks        (Banks),
      .Cols         (Cols),
      .DmemAddrBits (AddrBits),
      .PmemAddrBits (PmemAddrBits)
    ) u_ecc (
      .clk_i,
      .rst_ni,
      .clear_i          (clear),
      .start_i          (start),
      .dmem_corrected_i (dmem_corrected),
      .dmem_fatal_i     (dmem_fatal),
      .dmem_addr_i      (dmem_fatal_addr),
      .pmem_corrected_i (pmem_corrected),
      .pmem_fatal_i     (pmem_fatal),
      .pmem_column_i    (pmem_fatal_column),
      .pmem_row_i       (pmem_fatal_row),
      .dmem_count_o     (dmem_count),
      .pmem_count_o     (pmem_count),
      .fatal_o          (ecc_fatal),
      .addr_o           (ecc_addr)
    );
  end else begin : gen_no_ecc
    logic unused_ecc;
    assign dmem_count = '0;
    assign pmem_count = '0;
    assign ecc_fatal  = 1'b0;
    assign ecc_addr   = '0;
    assign unused_ecc = ^{start, dmem_corrected, dmem_fatal, dmem_fatal_addr, pmem_corrected,
                          pmem_fatal, pmem_fatal_column, pmem_fatal_row};
  end

  trine_control #(
    .Cols          (Cols),
    .DmemAddrBits  (AddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .AxiDataBits   (AxiDataBits),
    .AxiAddrBits   (AxiAddrBits),
    .Maps          (ZeroPoints),
    .Ecc           (Ecc),
    .ConfigHash    (ConfigHash),
    .Features      (Features)
  ) u_control (
    .clk_i,
    .rst_ni,
    .s_axil_awvalid_i,
    .s_axil_awready_o,
    .s_axil_awaddr_i,
    .s_axil_awprot_i,
    .s_axil_wvalid_i,
    .s_axil_wready_o,
    .s_axil_wdata_i,
    .s_axil_wstrb_i,
    .s_axil_bvalid_o,
    .s_axil_bready_i,
    .s_axil_bresp_o,
    .s_axil_arvalid_i,
    .s_axil_arready_o,
    .s_axil_araddr_i,
    .s_axil_arprot_i,
    .s_axil_rvalid_o,
    .s_axil_rready_i,
    .s_axil_rdata_o,
    .s_axil_rresp_o,
    .m_axi_awvalid_o,
    .m_axi_awready_i,
    .m_axi_awaddr_o,
    .m_axi_awlen_o,
    .m_axi_awsize_o,
    .m_axi_awburst_o,
    .m_axi_wvalid_o,
    .m_axi_wready_i,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_wlast_o,
    .m_axi_bvalid_i,
    .m_axi_bready_o,
    .m_axi_bresp_i,
    .m_axi_arvalid_o,
    .m_axi_arready_i,
    .m_axi_arid_o,
    .m_axi_araddr_o,
    .m_axi_arlen_o,
    .m_axi_arsize_o,
    .m_axi_arburst_o,
    .m_axi_rvalid_i,
    .m_axi_rready_o,
    .m_axi_rid_i,
    .m_axi_rdata_i,
    .m_axi_rresp_i,
    .m_axi_rlast_i,
    .irq_o,
    .clear_o               (clear),
    .compute_cfg_valid_o   (c_cfg_valid),
    .compute_cfg_ready_i   (c_cfg_ready),
    .compute_cfg_reg_o     (c_cfg_reg),
    .compute_cfg_payload_o (c_cfg_payload),
    .compute_run_valid_o   (c_run_valid),
    .compute_run_ready_i   (c_run_ready),
    .compute_run_op_o      (c_run_op),
    .compute_run_flags_o   (c_run_flags),
    .compute_retire_i      (c_retire),
    .compute_wait_o        (c_wait),
    .vector_cfg_valid_o    (v_cfg_valid),
    .vector_cfg_ready_i    (v_cfg_ready),
    .vector_cfg_reg_o      (v_cfg_reg),
    .vector_cfg_payload_o  (v_cfg_payload),
    .vector_run_valid_o    (v_run_valid),
    .vector_run_ready_i    (v_run_ready),
    .vector_run_op_o       (v_run_op),
    .vector_run_flags_o    (v_run_flags),
    .vector_retire_i       (v_retire),
    .vector_wait_o         (v_wait),
    .idle_o                (idle),
    .busy_o                (busy),
    .running_o             (running),
    .cause_i               (cause),
    .trace_start_o,
    .trace_retire_o,
    .dma_wvalid_o          (dma_wvalid),
    .dma_wready_i          (dma_wready),
    .dma_waddr_o           (dma_waddr),
    .dma_wdata_o           (dma_wdata),
    .dma_wmask_o           (dma_wmask),
    .dma_rvalid_o          (dma_rvalid),
    .dma_rready_i          (dma_rready),
    .dma_raddr_o           (dma_raddr),
    .dma_rdata_valid_i     (dma_rdata_valid),
    .dma_rdata_i           (dma_rdata),
    .pmem_wvalid_o         (pmem_wvalid),
    .pmem_wready_i         (pmem_wready),
    .pmem_wrow_o           (pmem_wrow),
    .pmem_wdata_o          (pmem_wdata),
    .pmem_wquads_o         (pmem_wquads),
    .param_ready_i         (load_table_valid || load_exp_valid ? entries_ready : !p_lock),
    .param_wdata_o         (load_wdata),
    .bias_we_o             (load_bias_we),
    .bias_addr_o           (load_bias_addr),
    .scale_we_o            (load_scale_we),
    .scale_addr_o          (load_scale_addr),
    .table_valid_o         (load_table_valid),
    .table_addr_o          (load_table_addr),
    .exp_valid_o           (load_exp_valid),
    .exp_addr_o            (load_exp_addr),
    .wipe_o                (wipe),
    .wiping_i              (wiping),
    .start_o               (start),
    .ecc_fatal_i           (ecc_fatal),
    .ecc_addr_i            (ecc_addr),
    .ecc_dmem_count_i      (dmem_count),
    .ecc_pmem_count_i      (pmem_count)
  );

  // ---------------------------------------------------------------------------------------------
  // Feature maps. Residuals go first: the post unit waits for them; compute and vector take turns.
  // ---------------------------------------------------------------------------------------------
  logic                     g_valid, g_ready, g_hold, g_waiting, turn_q;
  logic [Lanes*AddrBits-1:0] g_addr, c_addr;
  logic [Rows*AddrBits-1:0] v_addr, r_addr;
  logic [Lanes-1:0]         g_lanes, c_lanes, rsp_lanes;
  logic [Rows-1:0]          v_lanes, r_lanes;
  logic [7:0]               g_pad, c_pad, v_pad;
  logic [TagBits-1:0]       g_tag, front_tag, rsp_tag, soon_tag;
  logic [3:0]               c_tag;
  logic [2:0]               v_tag;
  logic                     c_valid, v_valid, r_valid, c_hold, c_grant, v_grant, rsp_done, soon;
  logic [Lanes*32-1:0]      rsp_data;
  logic                     s_valid, s_ready, s_empty;
  logic [Rows*AddrBits-1:0] s_addr;
  logic [Rows-1:0]          s_lanes;
  logic [Rows*32-1:0]       s_data;
  logic [31:0]              s_mask;

  assign c_grant = !r_valid && !(v_valid && turn_q);
  assign v_grant = !r_valid && !(c_valid && c_grant);
  assign g_valid = r_valid || c_valid || v_valid;
  assign g_hold  = c_hold && front_tag[TagBits-1 -: 2] == TagCompute;

  always_comb begin
    g_addr  = c_addr;
    g_lanes = c_lanes;
    g_pad   = c_pad;
    g_tag   = {TagCompute, c_tag};
    if (r_valid) begin
      g_addr  = (Lanes*AddrBits)'(r_addr);
      g_lanes = Lanes'(r_lanes);
      g_tag   = {TagResidual, 4'd0};
    end else if (!(c_valid && c_grant)) begin
      g_addr  = (Lanes*AddrBits)'(v_addr);
      g_lanes = Lanes'(v_lanes);
      g_pad   = v_pad;
      g_tag   = {TagVector, 1'd0, v_tag};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) turn_q <= 1'b0;
    else if (g_ready && !r_valid) turn_q <= c_valid && c_grant;
  end

  trine_dmem #(
    .Rows      (Rows),
    .Lanes     (Lanes),
    .Banks     (Banks),
    .BankRows  (BankRows),
    .DataWords (DataWords),
    .TagBits   (TagBits),
    .Ecc       (Ecc),
    .MaskBits  (Ternary || Binary ? 1 : 8)  // codes of int8 are bytes
  ) u_dmem (
    .clk_i,
    .rst_ni,
    .clear_i           (clear),
    .g_valid_i         (g_valid),
    .g_ready_o         (g_ready),
    .g_addr_i          (g_addr),
    .g_lanes_i         (g_lanes),
    .g_pad_i           (g_pad),
    .g_tag_i           (g_tag),
    .g_hold_i          (g_hold),
    .g_waiting_o       (g_waiting),
    .g_tag_o           (front_tag),
    .rsp_lanes_o       (rsp_lanes),
    .rsp_data_o        (rsp_data),
    .rsp_tag_o         (rsp_tag),
    .rsp_done_o        (rsp_done),
    .soon_o            (soon),
    .soon_tag_o        (soon_tag),
    .s_valid_i         (s_valid),
    .s_ready_o         (s_ready),
    .s_addr_i          (s_addr),
    .s_lanes_i         (s_lanes),
    .s_data_i          (s_data),
    .s_mask_i          (s_mask),
    .s_empty_o         (s_empty),
    .dma_wvalid_i      (dma_wvalid),
    .dma_wready_o      (dma_wready),
    .dma_waddr_i       (dma_waddr),
    .dma_wdata_i       (dma_wdata),
    .dma_wmask_i       (dma_wmask),
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

  logic            c_rsp, v_rsp, r_rsp;
  logic [Lanes-1:0] c_rsp_lanes;
  logic [Rows-1:0]  v_rsp_lanes, r_rsp_lanes;

  assign c_rsp       = rsp_tag[TagBits-1 -: 2] == TagCompute;
  assign v_rsp       = rsp_tag[TagBits-1 -: 2] == TagVector;
  assign r_rsp       = rsp_tag[TagBits-1 -: 2] == TagResidual;
  assign c_rsp_lanes = c_rsp ? rsp_lanes : '0;
  assign v_rsp_lanes = v_rsp ? rsp_lanes[Rows-1:0] : '0;
  assign r_rsp_lanes = r_rsp ? rsp_lanes[Rows-1:0] : '0;

  // ---------------------------------------------------------------------------------------------
  // Compute: engine, weights, array.
  // ---------------------------------------------------------------------------------------------
  logic                     w_en, w_next, array_valid, array_first, array_last;
  logic                     c_running, drain_wait;
  logic [PmemAddrBits-1:0]  w_row;
  logic [Cols*32-1:0]       packed_weights, weights;
  logic [1:0]               weight_bits;
  logic [2:0]               weight_part;
  logic [1:0]               array_mode;
  logic                     array_window;
  logic [Lanes*32-1:0]      array_act;
  logic [Rows*32-1:0]       entry_act;
  logic [Cols*32-1:0]       entry_wgt;
  logic [Drain*Rows*AccBits-1:0] raw_column, whole_column;  // before, behind the zero points
  logic [Drain*Rows*32-1:0]      column;
  logic [7:0]               act_zero, wgt_zero;
  logic [ColBits-1:0]       col;
  logic                     job_valid, job_ready, job_tile_first, job_tile_last, job_new,
                            job_final, job_drain;
  logic [Rows*AddrBits-1:0] job_out;
  logic [Rows-1:0]          job_active;
  trine_post_pkg::cfg_t     job_cfg;
  logic                     drain_ok, drain_soon, fetch_busy, last_wait, data_valid, data_ready;

  trine_compute #(
    .Rows         (Rows),
    .AddrBits     (AddrBits),
    .PmemAddrBits (PmemAddrBits),
    .PipeRows     (PipeRows),
    .PeStages     (PeStages),
    .Window       (Window),
    .WindowParts  (WindowParts)
  ) u_compute (
    .clk_i,
    .rst_ni,
    .clear_i          (clear),
    .cfg_valid_i      (c_cfg_valid),
    .cfg_ready_o      (c_cfg_ready),
    .cfg_reg_i        (c_cfg_reg),
    .cfg_payload_i    (c_cfg_payload),
    .run_valid_i      (c_run_valid),
    .run_ready_o      (c_run_ready),
    .run_op_i         (c_run_op),
    .run_flags_i      (c_run_flags),
    .wait_i           (c_wait != '0),
    .g_valid_o        (c_valid),
    .g_ready_i        (g_ready && c_grant),
    .g_addr_o         (c_addr),
    .g_lanes_o        (c_lanes),
    .g_pad_o          (c_pad),
    .g_tag_o          (c_tag),
    .g_hold_o         (c_hold),
    .rsp_lanes_i      (c_rsp_lanes),
    .rsp_data_i       (rsp_data),
    .rsp_tag_i        (rsp_tag[3:0]),
    .rsp_done_i       (rsp_done && c_rsp),
    .soon_i           (soon && soon_tag[TagBits-1 -: 2] == TagCompute),
    .w_en_o           (w_en),
    .w_row_o          (w_row),
    .w_next_o         (w_next),
    .weight_bits_o    (weight_bits),
    .weight_part_o    (weight_part),
    .array_valid_o    (array_valid),
    .array_first_o    (array_first),
    .array_last_o     (array_last),
    .array_mode_o     (array_mode),
    .array_window_o   (array_window),
    .array_act_o      (array_act),
    .act_zero_o       (act_zero),
    .wgt_zero_o       (wgt_zero),
    .job_valid_o      (job_valid),
    .job_ready_i      (job_ready),
    .job_out_o        (job_out),
    .job_active_o     (job_active),
    .job_tile_first_o (job_tile_first),
    .job_tile_last_o  (job_tile_last),
    .job_new_o        (job_new),
    .job_final_o      (job_final),
    .job_drain_o      (job_drain),
    .job_cfg_o        (job_cfg),
    .data_valid_o     (data_valid),
    .data_ready_i     (data_ready),
    .drain_ok_i       (drain_ok),
    .drain_soon_i     (drain_soon),
    .fetch_busy_i     (fetch_busy),
    .running_o        (c_running),
    .drain_wait_o     (drain_wait),
    .last_wait_o      (last_wait)
  );

  trine_pmem #(.Cols(Cols), .Depth(PmemRows), .Ecc(Ecc)) u_pmem (
    .clk_i,
    .rst_ni,
    .r_en_i    (w_en),
    .r_row_i   (w_row),
    .r_next_i  (w_next),
    .r_data_o  (packed_weights),
    .w_valid_i (pmem_wvalid),
    .w_ready_o (pmem_wready),
    .w_row_i   (pmem_wrow),
    .w_data_i  (pmem_wdata),
    .w_quads_i (pmem_wquads),
    .init_i          (pmem_init),
    .init_row_i      (pmem_init_row),
    .ecc_corrected_o (pmem_corrected),
    .ecc_fatal_o     (pmem_fatal),
    .ecc_column_o    (pmem_fatal_column),
    .ecc_row_o       (pmem_fatal_row)
  );

  if ((Int8 && (Ternary || Binary)) || WindowParts > 1) begin : gen_expand
    trine_expand #(
      .Cols    (Cols),
      .Ternary (Ternary),
      .Binary  (Binary),
      .Parts   (WindowParts)
    ) u_expand (
      .bits_i    (weight_bits),
      .part_i    (weight_part),
      .packed_i  (packed_weights),
      .weights_o (weights)
    );
  end else begin : gen_no_expand
    logic unused_weight;
    assign weights       = packed_weights;
    assign unused_weight = ^{weight_bits, weight_part};
  end

  trine_array #(
    .Rows       (Rows),
    .Cols       (Cols),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .PeStages   (PeStages),
    .AccBits    (AccBits),
    .Int8       (Int8),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Window     (Window),
    .Drain      (Drain),
    .Multiplier (Multiplier)
  ) u_array (
    .clk_i,
    .rst_ni,
    .valid_i  (array_valid),
    .first_i  (array_first),
    .last_i   (array_last),
    .mode_i   (array_mode),
    .window_i (array_window),
    .act_i    (array_act),
    .wgt_i    (weights),
    .act_o    (entry_act),
    .wgt_o    (entry_wgt),
    .col_i    (col),
    .column_o (raw_column)
  );

  if (ZeroPoints) begin : gen_zero_points
    trine_zero_points #(
      .Rows       (Rows),
      .Cols       (Cols),
      .PipeCols   (PipeCols),
      .PeStages   (PeStages),
      .AccBits    (AccBits),
      .Drain      (Drain),
      .Multiplier (Multiplier)
    ) u_zero_points (
      .clk_i,
      .rst_ni,
      .valid_i    (array_valid),
      .first_i    (array_first),
      .last_i     (array_last),
      .act_zero_i (act_zero),
      .wgt_zero_i (wgt_zero),
      .act_i      (entry_act),
      .wgt_i      (entry_wgt),
      .col_i      (col),
      .column_i   (raw_column),
      .column_o   (whole_column)
    );
  end else begin : gen_no_zero_points
    logic unused_zeros;
    assign whole_column = raw_column;
    assign unused_zeros = ^{act_zero, wgt_zero, entry_act, entry_wgt};
  end

  for (genvar k = 0; k < Drain * Rows; k++) begin : gen_column
    assign column[32*k +: 32] = 32'($signed(whole_column[AccBits*k +: AccBits]));
  end

  // ---------------------------------------------------------------------------------------------
  // Vector engine.
  // ---------------------------------------------------------------------------------------------
  logic                     vjob_valid, vjob_ready, vjob_done, vjob_tile_first, vjob_new,
                            vjob_final;
  logic [Rows*AddrBits-1:0] vjob_out;
  logic [Rows-1:0]          vjob_active;
  logic [Rows*96-1:0]       vjob_slots;
  trine_post_pkg::cfg_t     vjob_cfg;
  logic                     vjob_retire, product_valid;
  logic                     sm_go, sm_issue, sm_normalize, sm_reciprocal, sm_pair, sm_word_first,
                            sm_word_end,
                            sm_tile_end, sm_end, sm_left;
  logic [1:0]               sm_place;
  logic [Drain*Rows*32-1:0] sm_acc;
  logic [Rows*42-1:0]       product;
  logic [Rows*31-1:0]       sm_multiplier;
  logic [Rows*6-1:0]        sm_shift;

  if (Vector) begin : gen_vector
    trine_vector #(
      .Rows     (Rows),
      .AddrBits (AddrBits),
      .Ternary  (Ternary),
      .Binary   (Binary),
      .Softmax  (Softmax),
      .Codes    (Drain)
    ) u_vector (
      .clk_i,
      .rst_ni,
      .clear_i          (clear),
      .cfg_valid_i      (v_cfg_valid),
      .cfg_ready_o      (v_cfg_ready),
      .cfg_reg_i        (v_cfg_reg),
      .cfg_payload_i    (v_cfg_payload),
      .run_valid_i      (v_run_valid),
      .run_ready_o      (v_run_ready),
      .run_op_i         (v_run_op),
      .run_flags_i      (v_run_flags),
      .wait_i           (v_wait != '0),
      .g_valid_o        (v_valid),
      .g_ready_i        (g_ready && v_grant),
      .g_addr_o         (v_addr),
      .g_lanes_o        (v_lanes),
      .g_pad_o          (v_pad),
      .g_tag_o          (v_tag),
      .rsp_lanes_i      (v_rsp_lanes),
      .rsp_data_i       (rsp_data[Rows*32-1:0]),
      .rsp_tag_i        (rsp_tag[2:0]),
      .rsp_done_i       (rsp_done && v_rsp),
      .job_valid_o      (vjob_valid),
      .job_ready_i      (vjob_ready),
      .job_done_i       (vjob_done),
      .job_out_o        (vjob_out),
      .job_active_o     (vjob_active),
      .job_word_o       ({vjob_tile_first, vjob_new, vjob_final}),
      .job_slots_o      (vjob_slots),
      .job_cfg_o        (vjob_cfg),
      .sm_go_o          (sm_go),
      .sm_issue_i       (sm_issue),
      .sm_what_o        ({sm_normalize, sm_reciprocal, sm_place, sm_pair, sm_word_first,
                          sm_word_end, sm_tile_end, sm_end}),
      .sm_left_i        (sm_left),
      .sm_acc_o         (sm_acc),
      .sm_multiplier_o  (sm_multiplier),
      .sm_shift_o       (sm_shift),
      .product_valid_i  (product_valid),
      .product_i        (product),
      .exp_i            ({exp_we, entry_addr, entry})
    );
    assign v_retire = vjob_retire;
  end else begin : gen_no_vector
    // No RUN comes (trine_legal).
    logic unused_vector;
    assign v_cfg_ready     = 1'b1;
    assign v_run_ready     = 1'b0;
    assign v_retire        = 1'b0;
    assign v_valid         = 1'b0;
    assign v_addr          = '0;
    assign v_lanes         = '0;
    assign v_pad           = '0;
    assign v_tag           = '0;
    assign vjob_valid      = 1'b0;
    assign vjob_tile_first = 1'b0;
    assign vjob_new        = 1'b0;
    assign vjob_final      = 1'b0;
    assign vjob_out        = '0;
    assign vjob_active     = '0;
    assign vjob_slots      = '0;
    assign vjob_cfg        = '0;
    assign sm_go           = 1'b0;
    assign sm_normalize    = 1'b0;
    assign sm_reciprocal   = 1'b0;
    assign sm_place        = '0;
    assign sm_pair         = 1'b0;
    assign sm_word_first   = 1'b0;
    assign sm_word_end     = 1'b0;
    assign sm_tile_end     = 1'b0;
    assign sm_end          = 1'b0;
    assign sm_acc          = '0;
    assign sm_multiplier   = '0;
    assign sm_shift        = '0;
    assign unused_vector   = ^{v_run_valid, v_cfg_valid, v_cfg_reg, v_cfg_payload, v_run_op,
                               v_run_flags, v_wait, v_grant, v_rsp_lanes, vjob_ready, vjob_done,
                               vjob_retire, sm_issue, sm_left, product_valid,
                               product, exp_we, entry};
  end

  // ---------------------------------------------------------------------------------------------
  // Post unit and its parameters.
  // ---------------------------------------------------------------------------------------------
  logic                   p_valid, p_ready;
  logic [ChannelBits-1:0] p_channel;
  logic [Drain*32-1:0]    bias;
  logic [Drain*31-1:0]    multiplier;
  logic [Drain*6-1:0]     shift;

  trine_params #(.Channels(ParamChannels), .DataWords(DataWords), .Drain(Drain)) u_params (
    .clk_i,
    .r_valid_i     (p_valid),
    .r_ready_o     (p_ready),
    .r_channel_i   (p_channel),
    .bias_o        (bias),
    .multiplier_o  (multiplier),
    .shift_o       (shift),
    .bias_we_i     (bias_we),
    .bias_addr_i   (bias_addr),
    .bias_wdata_i  (param_wdata),
    .scale_we_i    (scale_we),
    .scale_addr_i  (scale_addr),
    .scale_wdata_i (param_wdata)
  );

  trine_post #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .Channels   (ParamChannels),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Table      (Table),
    .Window     (Window),
    .Softmax    (Softmax),
    .Drain      (Drain),
    .PeStages   (PeStages),
    .Multiplier (Multiplier)
  ) u_post (
    .clk_i,
    .rst_ni,
    .clear_i        (clear),
    .c_valid_i      (job_valid),
    .c_ready_o      (job_ready),
    .c_out_i        (job_out),
    .c_active_i     (job_active),
    .c_tile_first_i (job_tile_first),
    .c_tile_last_i  (job_tile_last),
    .c_new_i        (job_new),
    .c_final_i      (job_final),
    .c_drain_i      (job_drain),
    .c_cfg_i        (job_cfg),
    .c_data_valid_i (data_valid),
    .c_data_ready_o (data_ready),
    .drain_ok_o     (drain_ok),
    .drain_soon_o   (drain_soon),
    .fetch_busy_o   (fetch_busy),
    .c_retire_o     (c_retire),
    .col_o          (col),
    .column_i       (column),
    .v_valid_i      (vjob_valid),
    .v_ready_o      (vjob_ready),
    .v_done_o       (vjob_done),
    .v_out_i        (vjob_out),
    .v_active_i     (vjob_active),
    .v_tile_first_i (vjob_tile_first),
    .v_new_i        (vjob_new),
    .v_final_i      (vjob_final),
    .v_slots_i      (vjob_slots),
    .v_cfg_i        (vjob_cfg),
    .v_retire_o     (vjob_retire),
    .v_go_i         (sm_go),
    .v_issue_o      (sm_issue),
    .v_normalize_i  (sm_normalize),
    .v_reciprocal_i (sm_reciprocal),
    .v_place_i      (sm_place),
    .v_pair_i       (sm_pair),
    .v_word_first_i (sm_word_first),
    .v_word_end_i   (sm_word_end),
    .v_tile_end_i   (sm_tile_end),
    .v_end_i        (sm_end),
    .v_left_o       (sm_left),
    .v_acc_i        (sm_acc),
    .v_multiplier_i (sm_multiplier),
    .v_shift_i      (sm_shift),
    .v_product_valid_o (product_valid),
    .v_product_o    (product),
    .p_valid_o      (p_valid),
    .p_ready_i      (p_ready),
    .p_lock_o       (p_lock),
    .p_channel_o    (p_channel),
    .bias_i         (bias),
    .multiplier_i   (multiplier),
    .shift_i        (shift),
    .table_we_i     (table_we),
    .table_addr_i   (entry_addr),
    .table_wdata_i  (entry[7:0]),
    .r_valid_o      (r_valid),
    .r_ready_i      (g_ready),
    .r_addr_o       (r_addr),
    .r_lanes_o      (r_lanes),
    .rsp_lanes_i    (r_rsp_lanes),
    .rsp_data_i     (rsp_data[Rows*32-1:0]),
    .rsp_done_i     (rsp_done && r_rsp),
    .s_valid_o      (s_valid),
    .s_ready_i      (s_ready),
    .s_empty_i      (s_empty),
    .s_addr_o       (s_addr),
    .s_lanes_o      (s_lanes),
    .s_data_o       (s_data),
    .s_mask_o       (s_mask)
  );

  // ---------------------------------------------------------------------------------------------
  // Cause of this cycle, as seen at the array's input (docs/architecture.md). What happens in the
  // gather is seen there 3 cycles later, what happens at a step's issue 4 cycles later.
  // ---------------------------------------------------------------------------------------------
  localparam logic [2:0] CauseCompute = 3'd0, CauseBank = 3'd1, CauseDrain = 3'd2,
                         CauseMemory = 3'd3, CauseVector = 3'd4, CauseStore = 3'd5,
                         CauseControl = 3'd6, CauseLoad = 3'd7;

  logic [3:1] replay_q;
  logic [4:1] taken_q, last_wait_q;

  always_ff @(posedge clk_i) begin
    replay_q    <= {replay_q[2:1], g_waiting && !g_hold && front_tag[TagBits-1 -: 2] == TagCompute};
    taken_q     <= {taken_q[3:1], c_valid && !c_grant && g_ready};
    last_wait_q <= {last_wait_q[3:1], last_wait};
  end

  always_comb begin
    cause = CauseControl;
    if (array_valid) cause = CauseCompute;
    else if (drain_wait) cause = CauseDrain;
    else if (c_running && (replay_q[3] || taken_q[4])) cause = CauseBank;
    else if (c_running && last_wait_q[4]) cause = CauseDrain;
    else if (c_running) cause = CauseControl;
    else if (c_wait[trine_isa_pkg::EngineLoad]) cause = CauseMemory;
    else if (c_wait[trine_isa_pkg::EngineVector]) cause = CauseVector;
    else if (c_wait[trine_isa_pkg::EngineStore]) cause = CauseStore;
    else if (c_wait != '0 || !idle[trine_isa_pkg::EngineCompute]) cause = CauseControl;
    else if (busy[trine_isa_pkg::EngineVector]) cause = CauseVector;
    else if (busy[trine_isa_pkg::EngineLoad]) cause = CauseLoad;
    else if (busy[trine_isa_pkg::EngineStore]) cause = CauseStore;
  end

  assign trace_cause_o = {running, cause};

  logic unused_core;
  assign unused_core = ^{idle, busy, front_tag[3:0], soon_tag[3:0]};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // Every answer has one owner; who goes first waits for nobody's turn.
      if (rsp_done) a_owner: assert ($onehot({c_rsp, v_rsp, r_rsp}));
      a_one_grant: assert (!(c_valid && c_grant && v_valid && v_grant));
      if (g_hold) a_hold_own: assert (front_tag[TagBits-1 -: 2] == TagCompute);
      if (array_valid) a_precision: assert (array_mode != 2'd3);
    end
  end
`endif

endmodule
