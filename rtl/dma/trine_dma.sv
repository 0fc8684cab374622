// SPDX-License-Identifier: Apache-2.0
//
// Moves all data between DRAM and the machine: program fetch, load engine, store engine and AXI4
// master.
//
//   AXI4 read  -> trine_bus_read  -> trine_fetch -> program words
//                                 -> trine_load  -> DMEM, PMEM, bias, scale, tables
//   AXI4 write <- trine_bus_write <- trine_store <- DMEM
//
// If the load engine can copy from DMEM (Maps, or several cores), it shares DMEM's read port with
// the store engine (trine_dma_share).
//
// Timing    All outputs are registers or come from registers through shallow logic. The ready of
//           the memories' write ports reaches the read path through a buffer.
// Contract  life_i.start comes once after clear_i. dram_i holds while a program runs.
// Check     trine_control_tb

module trine_dma #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,  // of a 32-bit word
  parameter int unsigned PmemAddrBits  = 11,  // of a row of Cols words
  // a multiple of the words of a beat, at least two beats
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned AxiDataBits   = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Packed        = 1'b0,  // weights are packed in DRAM
  parameter bit          Int16         = 1'b0,  // maps of int16 codes
  parameter bit          Ecc           = 1'b0,  // ECC in IMEM
  parameter int unsigned ImemWords     = 0,     // 64-bit program words kept on chip
  parameter int unsigned Cores         = 1,     // cores of the cluster
  // Derived; do not set.
  localparam int unsigned DataBits  = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned Quads     = (Cols + 3) / 4,
  localparam int unsigned CoreBits  = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned WriteBits = 1 + 33 * DataWords + DmemAddrBits
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            clear_i,

  input  trine_engine_pkg::life_t         life_i,
  input  trine_engine_pkg::dram_t         dram_i,

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

  // The program, word by word.
  output trine_engine_pkg::program_word_t word_o,
  input  logic                            word_ready_i,

  // Instructions, load in the low bits, store above: command_t, answer_t.
  input  logic [2*trine_engine_pkg::CommandBits-1:0] commands_i,
  output logic [2*trine_engine_pkg::AnswerBits-1:0]  answers_o,

  // {Core whose DMEM is read, cores whose DMEM and PMEM are written}.
  output logic [CoreBits+Cores-1:0]                dma_cores_o,

  // DMEM, DMA port, write: DataWords neighbours; the address is a multiple of DataWords.
  output logic                            dma_wvalid_o,
  input  logic                            dma_wready_i,
  output logic [WriteBits-1:0]            dma_wbeat_o,
  input  logic                            dma_wdone_i,

  // DMEM, DMA port, read: data return in order; at most four reads are outstanding.
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
  // taken with param_ready_i, which may depend on its target.
  output trine_engine_pkg::param_t        param_o,
  input  logic                            param_ready_i,
  output logic [DataBits-1:0]             param_wdata_o,

  // Events on the bus.
  output trine_engine_pkg::bus_event_t    read_o,
  output trine_engine_pkg::bus_event_t    write_o,
  output trine_engine_pkg::dma_report_t   report_o,
  output trine_engine_pkg::imem_t         imem_o
);

  localparam int unsigned MaxBeats  = AxiDataBits == 32 || AxiDataBits == 1024 ? 32 : 64;  // 4 KiB
  localparam int unsigned WordsBits = $clog2(AxiDataBits / 32 + 1);
  localparam int unsigned ReadBits  = DmemAddrBits + (Cores > 1 ? CoreBits : 0);

  trine_engine_pkg::command_t load_command, store_command;
  trine_engine_pkg::answer_t  load_answer, store_answer;

  assign {store_command, load_command} = commands_i;
  assign answers_o                     = {store_answer, load_answer};

  // Registers hold 64 bits of an address; the bus has AxiAddrBits.
  logic [AxiAddrBits-1:0] program_addr, base, first, last;

  assign program_addr = dram_i.program_addr[AxiAddrBits-1:0];
  assign base         = dram_i.base[AxiAddrBits-1:0];
  assign first        = dram_i.first[AxiAddrBits-1:0];
  assign last         = dram_i.last[AxiAddrBits-1:0];

  // ---------------------------------------------------------------------------------------------
  // The program.
  // ---------------------------------------------------------------------------------------------
  trine_dma_pkg::fetch_request_t  fetch;
  trine_dma_pkg::fetch_response_t fetch_response;

  logic [AxiAddrBits-1:0] fetch_addr;
  logic [DataBits-1:0]    fetch_data;
  logic                   word_valid, out_of_words, fetch_error, fetch_outside;
  logic [63:0]            word;
  logic [34:0]            offset;

  trine_fetch #(
    .AxiAddrBits (AxiAddrBits),
    .DataBits    (DataBits)
  ) u_fetch (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i        (life_i.start),
    .program_i      (program_addr),
    .words_i        (dram_i.program_words),
    .req_valid_o    (fetch.valid),
    .req_ready_i    (fetch_response.ready),
    .req_addr_o     (fetch_addr),
    .req_len_o      (fetch.len),
    .outside_i      (fetch_response.outside),
    .rsp_valid_i    (fetch_response.valid),
    .rsp_data_i     (fetch_data),
    .rsp_error_i    (fetch_response.error),
    .rsp_last_i     (fetch_response.last),
    .word_valid_o   (word_valid),
    .word_ready_i,
    .word_o         (word),
    .offset_o       (offset),
    .out_of_words_o (out_of_words),
    .error_o        (fetch_error),
    .outside_o      (fetch_outside)
  );

  assign word_o = {word_valid, word, offset, out_of_words, fetch_error, fetch_outside};

  // ---------------------------------------------------------------------------------------------
  // The two sides of the bus, each with its engine.
  // ---------------------------------------------------------------------------------------------
  logic [1:0]                read_valid, read_ready, read_data_valid;  // 0 store, 1 load
  logic [2*ReadBits-1:0]     read_addr;  // {core, address}
  logic [AxiAddrBits-1:0]    load_beat, load_burst, store_done, store_burst;
  logic [WordsBits-1:0]      write_words;
  logic [DmemAddrBits-1:0]   load_addr, store_addr;
  logic [CoreBits-1:0]       load_core, store_core;
  logic [ReadBits-1:0]       taken_addr;
  logic                      read_beat;

  trine_bus_read #(
    .Cols          (Cols),
    .DmemAddrBits  (DmemAddrBits),
    .PmemAddrBits  (PmemAddrBits),
    .ParamChannels (ParamChannels),
    .AxiDataBits   (AxiDataBits),
    .AxiAddrBits   (AxiAddrBits),
    .MaxBeats      (MaxBeats),
    .Maps          (Maps),
    .Packed        (Packed),
    .Int16         (Int16),
    .ImemWords     (ImemWords),
    .Ecc           (Ecc),
    .Cores         (Cores)
  ) u_bus_read (
    .clk_i,
    .rst_ni,
    .clear_i,
    .life_i,
    .base_i            (base),
    .first_i           (first),
    .last_i            (last),
    .m_axi_o           (m_axi_read_o),
    .m_axi_araddr_o,
    .m_axi_i           (m_axi_read_i),
    .m_axi_rdata_i,
    .fetch_i           (fetch),
    .fetch_addr_i      (fetch_addr),
    .fetch_o           (fetch_response),
    .fetch_data_o      (fetch_data),
    .load_i            (load_command),
    .load_o            (load_answer),
    .dma_cores_o       ({load_core, dma_cores_o[Cores-1:0]}),
    .dma_wvalid_o,
    .dma_wready_i,
    .dma_wbeat_o,
    .dma_wdone_i,
    .dma_rvalid_o      (read_valid[1]),
    .dma_rready_i      (read_ready[1]),
    .dma_raddr_o       (load_addr),
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
    .event_o           (read_o),
    .beat_o            (read_beat),
    .beat_addr_o       (load_beat),
    .burst_addr_o      (load_burst),
    .imem_o
  );

  trine_bus_write #(
    .DmemAddrBits (DmemAddrBits),
    .AxiDataBits  (AxiDataBits),
    .AxiAddrBits  (AxiAddrBits),
    .MaxBeats     (MaxBeats),
    .Int16        (Int16),
    .Cores        (Cores)
  ) u_bus_write (
    .clk_i,
    .rst_ni,
    .clear_i,
    .stop_i            (life_i.stop),
    .bus_was_reset_i   (life_i.bus_was_reset),
    .uncorrectable_i   (life_i.uncorrectable),
    .base_i            (base),
    .first_i           (first),
    .last_i            (last),
    .m_axi_o           (m_axi_write_o),
    .m_axi_awaddr_o,
    .m_axi_wdata_o,
    .m_axi_wstrb_o,
    .m_axi_i           (m_axi_write_i),
    .store_i           (store_command),
    .store_o           (store_answer),
    .dma_core_o        (store_core),
    .dma_rvalid_o      (read_valid[0]),
    .dma_rready_i      (read_ready[0]),
    .dma_raddr_o       (store_addr),
    .dma_rdata_valid_i (read_data_valid[0]),
    .dma_rdata_i,
    .event_o           (write_o),
    .words_o           (write_words),
    .answer_addr_o     (store_done),
    .burst_addr_o      (store_burst)
  );

  assign read_addr = {ReadBits'({load_core, load_addr}), ReadBits'({store_core, store_addr})};
  assign dma_raddr_o = taken_addr[DmemAddrBits-1:0];
  assign dma_cores_o[Cores +: CoreBits] = Cores > 1 ? taken_addr[ReadBits-1 -: CoreBits] : '0;

  trine_dma_share #(
    .AddrBits (ReadBits),
    .Two      (Maps || Cores > 1)
  ) u_share (
    .clk_i,
    .rst_ni,
    .clear_i,
    .valid_i           (read_valid),
    .ready_o           (read_ready),
    .addr_i            (read_addr),
    .data_valid_o      (read_data_valid),
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o       (taken_addr),
    .dma_rdata_valid_i
  );

  assign report_o.read_beat    = read_beat;
  assign report_o.write_words  = 6'(write_words);
  assign report_o.progress     = {dma_rvalid_o && dma_rready_i, dma_wvalid_o && dma_wready_i};
  assign report_o.load_beat    = 64'(load_beat);
  assign report_o.load_burst   = 64'(load_burst);
  assign report_o.store_answer = 64'(store_done);
  assign report_o.store_burst  = 64'(store_burst);

  // Address bits that the bus does not have.
  logic unused_dram;
  assign unused_dram = ^dram_i;

`ifdef TRINE_ASSERT
  logic                    live_q, started_q;
  trine_engine_pkg::dram_t dram_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, started_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      started_q <= !clear_i && (started_q || life_i.start);
    end
  end

  always_ff @(posedge clk_i) begin
    dram_q <= dram_i;
    if (live_q && started_q) begin
      m_start_once: assume (!life_i.start);
      m_dram_held:  assume (dram_i == dram_q);
    end
  end
`endif

endmodule
