// SPDX-License-Identifier: Apache-2.0
//
// Everything around the datapath: registers, instruction fetch, queues, tokens, and the two DMA
// engines. docs/architecture.md is the contract.
//
//   AXI4-Lite -> trine_csr -> trine_fetch -> trine_dispatch -> 4 x (trine_queue -> trine_issue)
//   AXI4 read  <- trine_axi_read  <- trine_fetch, trine_load  -> DMEM, PMEM, bias, scale
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
  parameter int unsigned ParamChannels = 512, // a multiple of the words of a beat, at least two beats
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter logic [63:0] ConfigHash    = 64'd0,
  // Derived; not to be set.
  localparam int unsigned DataBits      = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords     = DataBits / 32,
  localparam int unsigned BiasAddrBits  = $clog2(ParamChannels / DataWords),
  localparam int unsigned ScaleAddrBits = $clog2(2 * ParamChannels / DataWords)
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
  output logic                     m_axi_awid_o,
  output logic [AxiAddrBits-1:0]   m_axi_awaddr_o,
  output logic [7:0]               m_axi_awlen_o,
  output logic [2:0]               m_axi_awsize_o,
  output logic [1:0]               m_axi_awburst_o,
  output logic [2:0]               m_axi_awprot_o,
  output logic [3:0]               m_axi_awcache_o,
  output logic                     m_axi_wvalid_o,
  input  logic                     m_axi_wready_i,
  output logic [AxiDataBits-1:0]   m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0] m_axi_wstrb_o,
  output logic                     m_axi_wlast_o,
  input  logic                     m_axi_bvalid_i,
  output logic                     m_axi_bready_o,
  input  logic                     m_axi_bid_i,
  input  logic [1:0]               m_axi_bresp_i,
  output logic                     m_axi_arvalid_o,
  input  logic                     m_axi_arready_i,
  output logic                     m_axi_arid_o,
  output logic [AxiAddrBits-1:0]   m_axi_araddr_o,
  output logic [7:0]               m_axi_arlen_o,
  output logic [2:0]               m_axi_arsize_o,
  output logic [1:0]               m_axi_arburst_o,
  output logic [2:0]               m_axi_arprot_o,
  output logic [3:0]               m_axi_arcache_o,
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

  // Bias and scale memories: a beat of DataWords biases or DataWords / 2 scales, always accepted.
  output logic                     bias_we_o,
  output logic [BiasAddrBits-1:0]  bias_addr_o,
  output logic [DataBits-1:0]      bias_wdata_o,
  output logic                     scale_we_o,
  output logic [ScaleAddrBits-1:0] scale_addr_o,
  output logic [DataBits-1:0]      scale_wdata_o
);

endmodule
