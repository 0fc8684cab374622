// SPDX-License-Identifier: Apache-2.0
//
// Connects the write side of the bus: the store engine, its window check and the AXI4 write master
// (AW, W, B). The store engine copies data out of DMEM. A burst outside the allowed address range
// never goes to the bus. The engine's request keeps waiting, and the module reports it (outside).
//
// Timing    AW and W are registers.
// Contract  See trine_store and trine_axi_write. A word that cannot be corrected (uncorrectable_i),
//           and data that are read after it, never reach DRAM.
// Check     trine_control_tb

module trine_bus_write #(
  parameter int unsigned DmemAddrBits = 15,
  parameter int unsigned AxiDataBits  = 64,
  parameter int unsigned AxiAddrBits  = 32,
  parameter int unsigned MaxBeats     = 64,  // beats of a burst
  parameter bit          Int16        = 1'b0,
  parameter int unsigned Cores        = 1,
  localparam int unsigned DataBits  = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned CoreBits  = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned WordsBits = $clog2(AxiDataBits / 32 + 1)
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  logic                           clear_i,

  input  logic                           stop_i,           // send no more requests
  input  logic                           bus_was_reset_i,  // outstanding responses never come
  input  logic                           uncorrectable_i,  // data read from now on are wrong
  input  logic [AxiAddrBits-1:0]         base_i,           // of the store engine's addresses
  input  logic [AxiAddrBits-1:0]         first_i,          // first allowed byte
  input  logic [AxiAddrBits-1:0]         last_i,           // last allowed byte

  // AXI4 master.
  output trine_axi_pkg::write_request_t  m_axi_o,
  output logic [AxiAddrBits-1:0]         m_axi_awaddr_o,
  output logic [AxiDataBits-1:0]         m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0]       m_axi_wstrb_o,
  input  trine_axi_pkg::write_response_t m_axi_i,

  // The store engine's instructions.
  input  trine_engine_pkg::command_t     store_i,
  output trine_engine_pkg::answer_t      store_o,

  // DMEM of a core, DMA port, read: data comes back in order.
  output logic [CoreBits-1:0]            dma_core_o,
  output logic                           dma_rvalid_o,
  input  logic                           dma_rready_i,
  output logic [DmemAddrBits-1:0]        dma_raddr_o,
  input  logic                           dma_rdata_valid_i,
  input  logic [DataBits-1:0]            dma_rdata_i,

  // Events; 32-bit words written in this cycle; addresses of the burst whose response is next, and
  // of the burst on offer.
  output trine_engine_pkg::bus_event_t   event_o,
  output logic [WordsBits-1:0]           words_o,
  output logic [AxiAddrBits-1:0]         answer_addr_o,
  output logic [AxiAddrBits-1:0]         burst_addr_o
);

  logic                 req_valid, taken, in_range, data_valid, data_ready, idle, outstanding;
  logic [7:0]           req_len;
  logic [DataBits-1:0]  data;
  logic [DataWords-1:0] mask;

  assign event_o.idle               = idle;
  assign event_o.outstanding        = outstanding;
  assign event_o.stream             = 1'b0;  // used only for loads
  assign event_o.engine_outstanding = outstanding;
  assign event_o.outside            = req_valid && !in_range;

  trine_store #(
    .DmemAddrBits (DmemAddrBits),
    .DataBits     (DataBits),
    .AxiAddrBits  (AxiAddrBits),
    .MaxBeats     (MaxBeats),
    .Int16        (Int16),
    .Cores        (Cores)
  ) u_store (
    .clk_i,
    .rst_ni,
    .clear_i,
    .base_i,
    .cfg_valid_i   (store_i.cfg_valid),
    .cfg_ready_o   (store_o.cfg_ready),
    .cfg_reg_i     (store_i.cfg_reg),
    .cfg_payload_i (store_i.cfg_payload),
    .run_valid_i   (store_i.run_valid),
    .run_int16_i   (Int16 && store_i.run_op == trine_isa_pkg::DmaTargetDmem16),
    .run_ready_o   (store_o.run_ready),
    .retire_o      (store_o.retire),
    .dma_core_o,
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o,
    .dma_rdata_valid_i,
    .dma_rdata_i,
    .req_valid_o   (req_valid),
    .req_ready_i   (taken && in_range),
    .req_addr_o    (burst_addr_o),
    .req_len_o     (req_len),
    .data_valid_o  (data_valid),
    .data_ready_i  (data_ready),
    .data_o        (data),
    .mask_o        (mask),
    .write_idle_i  (idle)
  );

  trine_window #(
    .AddrBits  (AxiAddrBits),
    .BeatBytes (DataBits / 8)
  ) u_window (
    .first_i,
    .last_i,
    .addr_i   (burst_addr_o),
    .len_i    (req_len),
    .inside_o (in_range)
  );

  trine_axi_write #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits)
  ) u_write (
    .clk_i,
    .rst_ni,
    .clear_i         (bus_was_reset_i),
    .stop_i,
    .uncorrectable_i,
    .idle_o          (idle),
    .outstanding_o   (outstanding),
    .progress_o      (event_o.progress),
    .words_o,
    .error_o         (event_o.error),
    .error_addr_o    (answer_addr_o),
    .req_valid_i     (req_valid && in_range),
    .req_ready_o     (taken),
    .req_addr_i      (burst_addr_o),
    .req_len_i       (req_len),
    .data_valid_i    (data_valid),
    .data_ready_o    (data_ready),
    .data_i          (data),
    .mask_i          (mask),
    .m_axi_awvalid_o (m_axi_o.awvalid),
    .m_axi_awready_i (m_axi_i.awready),
    .m_axi_awaddr_o,
    .m_axi_awlen_o   (m_axi_o.awlen),
    .m_axi_awsize_o  (m_axi_o.awsize),
    .m_axi_awburst_o (m_axi_o.awburst),
    .m_axi_wvalid_o  (m_axi_o.wvalid),
    .m_axi_wready_i  (m_axi_i.wready),
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_wlast_o   (m_axi_o.wlast),
    .m_axi_bvalid_i  (m_axi_i.bvalid),
    .m_axi_bready_o  (m_axi_o.bready),
    .m_axi_bresp_i   (m_axi_i.bresp)
  );

  logic unused_store;
  assign unused_store = ^{store_i.run_op, store_i.run_flags, store_i.missing_tokens};

`ifdef TRINE_ASSERT
  logic                   live_q, held_q;  // out of reset; AW waited for its ready
  logic [AxiAddrBits-1:0] awaddr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q <= 1'b0;
      held_q <= 1'b0;
    end else begin
      live_q <= 1'b1;
      held_q <= m_axi_o.awvalid && !m_axi_i.awready && !bus_was_reset_i;
    end
  end

  always_ff @(posedge clk_i) begin
    awaddr_q <= m_axi_awaddr_o;
    if (live_q) begin
      if (held_q) a_aw_held: assert (m_axi_o.awvalid && m_axi_awaddr_o == awaddr_q);
      // A RUN of the store engine ends when all its bursts have a response.
      if (store_o.retire) a_answered: assert (idle);
      c_refused: cover (event_o.outside);
    end
  end
`endif

endmodule
