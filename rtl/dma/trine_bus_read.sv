// SPDX-License-Identifier: Apache-2.0
//
// Connects the read side of the bus: the AXI4 read master (AR, R), the window checks of its two
// clients, and the load engine. Client 0 is the program fetch. Client 1 is the load engine, which
// copies data into the memories. With ImemWords, the instruction memory serves the fetch and reads
// from the bus what it does not contain.
//
// A burst outside the allowed address range never goes to the bus. The client's request keeps
// waiting, and the module reports it (outside).
//
// Timing    AR is a register. The ready of a response depends on the ready of the memory that
//           accepts the data.
// Contract  See trine_load and trine_axi_read.
// Check     trine_control_tb

module trine_bus_read #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,
  parameter int unsigned PmemAddrBits  = 11,
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned MaxBeats      = 64,    // beats of a burst
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Packed        = 1'b0,  // weights are packed in DRAM
  parameter bit          Int16         = 1'b0,
  parameter int unsigned ImemWords     = 0,     // 64-bit words
  parameter bit          Ecc           = 1'b0,  // ECC in the instruction memory
  parameter int unsigned Cores         = 1,
  localparam int unsigned DataBits  = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned Quads     = (Cols + 3) / 4,
  localparam int unsigned CoreBits  = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned WriteBits = 1 + 33 * DataWords + DmemAddrBits
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  input  logic                              clear_i,

  input  trine_engine_pkg::life_t           life_i,
  input  logic [AxiAddrBits-1:0]            base_i,           // of the load engine's addresses
  input  logic [AxiAddrBits-1:0]            first_i,          // first allowed byte
  input  logic [AxiAddrBits-1:0]            last_i,           // last allowed byte

  // AXI4 master.
  output trine_axi_pkg::read_request_t      m_axi_o,
  output logic [AxiAddrBits-1:0]            m_axi_araddr_o,
  input  trine_axi_pkg::read_response_t     m_axi_i,
  input  logic [AxiDataBits-1:0]            m_axi_rdata_i,

  // The fetch; its answers are always taken.
  input  trine_dma_pkg::fetch_request_t  fetch_i,
  input  logic [AxiAddrBits-1:0]            fetch_addr_i,
  output trine_dma_pkg::fetch_response_t fetch_o,
  output logic [DataBits-1:0]               fetch_data_o,

  // The load engine's instructions.
  input  trine_engine_pkg::command_t        load_i,
  output trine_engine_pkg::answer_t         load_o,

  // {Core whose DMEM is read, cores whose DMEM and PMEM are written}.
  output logic [CoreBits+Cores-1:0]                  dma_cores_o,

  // DMEM, DMA port, write: DataWords neighbours; the address is a multiple of DataWords.
  output logic                              dma_wvalid_o,
  input  logic                              dma_wready_i,
  output logic [WriteBits-1:0]              dma_wbeat_o,
  input  logic                              dma_wdone_i,

  // DMEM, DMA port, read (Maps).
  output logic                              dma_rvalid_o,
  input  logic                              dma_rready_i,
  output logic [DmemAddrBits-1:0]           dma_raddr_o,
  input  logic                              dma_rdata_valid_i,
  input  logic [DataBits-1:0]               dma_rdata_i,

  // PMEM: a whole row.
  output logic                              pmem_wvalid_o,
  input  logic                              pmem_wready_i,
  output logic [PmemAddrBits-1:0]           pmem_wrow_o,
  output logic [32*Cols-1:0]                pmem_wdata_o,
  output logic [Quads-1:0]                  pmem_wquads_o,

  // A beat for a small memory.
  output trine_engine_pkg::param_t          param_o,
  input  logic                              param_ready_i,
  output logic [DataBits-1:0]               param_wdata_o,

  // Events; a beat of AxiDataBits arrived; addresses of the failed beat, and of the load engine's
  // burst on offer.
  output trine_engine_pkg::bus_event_t      event_o,
  output logic                              beat_o,
  output logic [AxiAddrBits-1:0]            beat_addr_o,
  output logic [AxiAddrBits-1:0]            burst_addr_o,
  output trine_engine_pkg::imem_t           imem_o
);

  if (AxiAddrBits < 32 || AxiAddrBits > 64) begin : gen_bad_addr
    $error("trine_bus_read: AxiAddrBits must be 32 .. 64");
  end
  if (AxiDataBits < 32 || AxiDataBits > 1024 || AxiDataBits != 1 << $clog2(AxiDataBits)) begin
      : gen_bad_data
    $error("trine_bus_read: AxiDataBits must be 32, 64, 128, 256, 512 or 1024");
  end
  if (ParamChannels % DataWords != 0 || ParamChannels < 2 * DataWords || ParamChannels > 65536)
      begin : gen_bad_param
    $error("trine_bus_read: ParamChannels must be a multiple of a beat's words, 2 beats .. 65536");
  end

  // Clients: 0 the fetch, 1 the load engine.
  logic [1:0]               req_valid, in_range, asked, taken, rsp_valid;
  logic [2*AxiAddrBits-1:0] req_addr;
  logic [15:0]              req_len;
  logic                     load_ready, rsp_error, rsp_last;
  logic [DataBits-1:0]      rsp_data;

  assign req_valid[0]               = fetch_i.valid;
  assign req_addr[0 +: AxiAddrBits] = fetch_addr_i;
  assign req_len[7:0]               = fetch_i.len;

  assign fetch_o.outside = req_valid[0] && !in_range[0];
  assign event_o.outside = req_valid[1] && !in_range[1];
  assign burst_addr_o    = req_addr[AxiAddrBits +: AxiAddrBits];

  for (genvar client = 0; client < 2; client++) begin : gen_window
    trine_window #(
      .AddrBits  (AxiAddrBits),
      .BeatBytes (DataBits / 8)
    ) u_window (
      .first_i,
      .last_i,
      .addr_i   (req_addr[AxiAddrBits*client +: AxiAddrBits]),
      .len_i    (req_len[8*client +: 8]),
      .inside_o (in_range[client])
    );
  end

  trine_axi_read #(
    .AxiDataBits (AxiDataBits),
    .AxiAddrBits (AxiAddrBits)
  ) u_read (
    .clk_i,
    .rst_ni,
    .clear_i            (life_i.bus_was_reset),
    .stop_i             (life_i.stop),
    .idle_o             (event_o.idle),
    .load_outstanding_o (event_o.engine_outstanding),
    .outstanding_o      (event_o.outstanding),
    .progress_o         (event_o.progress),
    .beat_o,
    .req_valid_i        (asked),
    .req_ready_o        (taken),
    .req_addr_i         (req_addr),
    .req_len_i          (req_len),
    .rsp_valid_o        (rsp_valid),
    .rsp_ready_i        ({load_ready, 1'b1}),
    .rsp_data_o         (rsp_data),
    .rsp_error_o        (rsp_error),
    .rsp_last_o         (rsp_last),
    .m_axi_arvalid_o    (m_axi_o.arvalid),
    .m_axi_arready_i    (m_axi_i.arready),
    .m_axi_arid_o       (m_axi_o.arid),
    .m_axi_araddr_o,
    .m_axi_arlen_o      (m_axi_o.arlen),
    .m_axi_arsize_o     (m_axi_o.arsize),
    .m_axi_arburst_o    (m_axi_o.arburst),
    .m_axi_rvalid_i     (m_axi_i.rvalid),
    .m_axi_rready_o     (m_axi_o.rready),
    .m_axi_rid_i        (m_axi_i.rid),
    .m_axi_rdata_i,
    .m_axi_rresp_i      (m_axi_i.rresp),
    .m_axi_rlast_i      (m_axi_i.rlast)
  );

  assign asked[1] = req_valid[1] && in_range[1];

  // ---------------------------------------------------------------------------------------------
  // The fetch, by way of the instruction memory.
  // ---------------------------------------------------------------------------------------------
  if (ImemWords != 0) begin : gen_imem
    logic ready;

    trine_imem #(
      .Words    (ImemWords),
      .DataBits (DataBits),
      .Ecc      (Ecc)
    ) u_imem (
      .clk_i,
      .rst_ni,
      .clear_i,
      .start_i         (life_i.start),
      .flush_i         (life_i.imem_flush),
      .wipe_i          (life_i.wipe),
      .req_valid_i     (req_valid[0] && in_range[0]),
      .req_ready_o     (ready),
      .req_len_i       (req_len[7:0]),
      .rsp_valid_o     (fetch_o.valid),
      .rsp_data_o      (fetch_data_o),
      .rsp_error_o     (fetch_o.error),
      .rsp_last_o      (fetch_o.last),
      .bus_req_valid_o (asked[0]),
      .bus_req_ready_i (taken[0]),
      .bus_valid_i     (rsp_valid[0]),
      .bus_data_i      (rsp_data),
      .bus_error_i     (rsp_error),
      .bus_last_i      (rsp_last),
      .state_o         (imem_o)
    );

    assign fetch_o.ready = ready && in_range[0];
  end else begin : gen_no_imem
    logic unused_imem;
    assign asked[0]      = req_valid[0] && in_range[0];
    assign fetch_o.ready = taken[0] && in_range[0];
    assign fetch_o.valid = rsp_valid[0];
    assign fetch_o.error = rsp_error;
    assign fetch_o.last  = rsp_last;
    assign fetch_data_o  = rsp_data;
    assign imem_o        = '0;
    assign unused_imem   = ^life_i;
  end

  // ---------------------------------------------------------------------------------------------
  // The load engine.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::param_t param;

  trine_load #(
    .Cols          (Cols),
    .DmemAddrBits  (DmemAddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .DataBits      (DataBits),
    .AxiAddrBits   (AxiAddrBits),
    .MaxBeats      (MaxBeats),
    .Maps          (Maps),
    .Packed        (Packed),
    .Int16         (Int16),
    .Cores         (Cores)
  ) u_load (
    .clk_i,
    .rst_ni,
    .clear_i,
    .base_i,
    .command_i     (load_i),
    .answer_o      (load_o),
    .req_valid_o   (req_valid[1]),
    .req_ready_i   (taken[1] && in_range[1]),
    .req_addr_o    (req_addr[AxiAddrBits +: AxiAddrBits]),
    .req_len_o     (req_len[15:8]),
    .rsp_valid_i   (rsp_valid[1]),
    .rsp_ready_o   (load_ready),
    .rsp_data_i    (rsp_data),
    .rsp_error_i   (rsp_error),
    .rsp_last_i    (rsp_last),
    .error_o       (event_o.error),
    .stream_o      (event_o.stream),
    .error_addr_o  (beat_addr_o),
    .dma_cores_o   (dma_cores_o[Cores-1:0]),
    .dma_core_o    (dma_cores_o[CoreBits+Cores-1:Cores]),
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o,
    .dma_rdata_valid_i,
    .dma_rdata_i,
    .dma_wvalid_o,
    .dma_wready_i,
    .dma_wbeat_o,
    .dma_wdone_i,
    .pmem_wvalid_o,
    .pmem_wready_i,
    .pmem_wrow_o,
    .pmem_wdata_o,
    .pmem_wquads_o,
    .param_o       (param),
    .param_ready_i,
    .param_wdata_o
  );

  assign param_o = param;

  logic unused_broken;  // used only for writes
  assign unused_broken = life_i.uncorrectable;

`ifdef TRINE_ASSERT
  logic                   live_q, held_q;  // out of reset; AR waited for its ready
  logic [AxiAddrBits-1:0] araddr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q <= 1'b0;
      held_q <= 1'b0;
    end else begin
      live_q <= 1'b1;
      held_q <= m_axi_o.arvalid && !m_axi_i.arready && !life_i.bus_was_reset;
    end
  end

  always_ff @(posedge clk_i) begin
    araddr_q <= m_axi_araddr_o;
    if (live_q) begin
      if (held_q) a_ar_held: assert (m_axi_o.arvalid && m_axi_araddr_o == araddr_q);
      a_one_memory: assert ($countones({param.bias_valid, param.scale_valid, param.table_valid,
                                        param.exp_valid, dma_wvalid_o, pmem_wvalid_o}) <= 1);
      c_refused: cover (event_o.outside);
    end
  end
`endif

endmodule
