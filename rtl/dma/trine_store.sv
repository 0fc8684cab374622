// SPDX-License-Identifier: Apache-2.0
//
// Executes store RUNs: 2-D copies from DMEM to DRAM.
//
// Two address generators iterate over the same copy. The first one requests bursts from the write
// master. The second one reads beats from DMEM. A RUN ends with the last write response.
//
// Timing    Throughput is one beat per cycle if a read takes at most three cycles.
// Contract  See load and store in docs/architecture.md. Read data come back in order.
// Check     trine_control_tb

module trine_store #(
  parameter int unsigned DmemAddrBits = 15,
  parameter int unsigned DataBits     = 64,
  parameter int unsigned AxiAddrBits  = 32,
  parameter int unsigned MaxBeats     = 64,  // beats of a burst
  parameter bit          Int16        = 1'b0,
  parameter int unsigned Cores        = 1,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned CoreBits  = Cores > 1 ? $clog2(Cores) : 1
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  input  logic [AxiAddrBits-1:0]  base_i,

  // From the issue unit. The only operation copies from DMEM, either int16 codes or other data.
  input  logic                    cfg_valid_i,
  output logic                    cfg_ready_o,
  input  logic [3:0]              cfg_reg_i,
  input  logic [55:0]             cfg_payload_i,
  input  logic                    run_valid_i,
  input  logic                    run_int16_i,
  output logic                    run_ready_o,
  output logic                    retire_o,

  // DMEM, of the core that the RUN names.
  output logic [CoreBits-1:0]     dma_core_o,
  output logic                    dma_rvalid_o,
  input  logic                    dma_rready_i,
  output logic [DmemAddrBits-1:0] dma_raddr_o,
  input  logic                    dma_rdata_valid_i,
  input  logic [DataBits-1:0]     dma_rdata_i,

  // Write master; write_idle_i: all responses have come.
  output logic                    req_valid_o,
  input  logic                    req_ready_i,
  output logic [AxiAddrBits-1:0]  req_addr_o,
  output logic [7:0]              req_len_o,
  output logic                    data_valid_o,
  input  logic                    data_ready_i,
  output logic [DataBits-1:0]     data_o,
  output logic [DataWords-1:0]    mask_o,
  input  logic                    write_idle_i
);

  localparam int unsigned WordShift    = $clog2(DataWords);
  localparam int unsigned BeatAddrBits = AxiAddrBits - WordShift - 2;
  localparam int unsigned WordsBits    = DmemAddrBits + 2 < 24 ? DmemAddrBits + 2 : 24;
  localparam int unsigned CountBits    = WordsBits - WordShift;

  // ---------------------------------------------------------------------------------------------
  // Registers and bursts; they hold until the RUN ends.
  // ---------------------------------------------------------------------------------------------
  logic                    active_q, bursts_busy, reads_busy, run, int16_q;
  logic [DataBits-1:0]     data;
  logic [BeatAddrBits-1:0] dram, dram_stride;
  logic [DmemAddrBits-1:0] local_addr, local_stride;
  logic [WordShift-1:0]    offset, last_word;
  logic [CountBits-1:0]    beats_last;
  logic [15:0]             rows_last;
  logic [Cores-1:0]        unused_cores;

  assign cfg_ready_o = !active_q;
  assign run_ready_o = !active_q;
  assign run         = run_valid_i && run_ready_o;
  assign retire_o    = active_q && !bursts_busy && !reads_busy && write_idle_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
    end else if (clear_i) begin
      active_q <= 1'b0;
    end else begin
      active_q <= run || (active_q && !retire_o);
    end
  end

  always_ff @(posedge clk_i) begin
    if (run) int16_q <= Int16 && run_int16_i;
  end

  trine_dma_regs #(
    .AxiAddrBits (AxiAddrBits),
    .LocalBits   (DmemAddrBits),
    .WordsBits   (WordsBits),
    .DataWords   (DataWords),
    .Cores       (Cores)
  ) u_regs (
    .clk_i          (clk_i),
    .we_i           (cfg_valid_i && cfg_ready_o),
    .reg_i          (cfg_reg_i),
    .payload_i      (cfg_payload_i),
    .base_i         (base_i),
    .dmem_i         (1'b1),
    .copy_i         (1'b0),
    .dram_o         (dram),
    .dram_stride_o  (dram_stride),
    .local_o        (local_addr),
    .local_stride_o (local_stride),
    .offset_o       (offset),
    .end_o          (last_word),
    .beats_last_o   (beats_last),
    .rows_last_o    (rows_last),
    .cores_o        (unused_cores),
    .from_core_o    (dma_core_o)
  );

  trine_dma_requests #(
    .AddrBits  (AxiAddrBits),
    .BeatBytes (DataBits / 8),
    .MaxBeats  (MaxBeats),
    .CountBits (CountBits)
  ) u_requests (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear_i),
    .start_i      (run),
    .addr_i       (dram),
    .stride_i     (dram_stride),
    .beats_last_i (beats_last),
    .rows_last_i  (rows_last),
    .busy_o       (bursts_busy),
    .valid_o      (req_valid_o),
    .ready_i      (req_ready_i),
    .addr_o       (req_addr_o),
    .len_o        (req_len_o)
  );

  trine_dma_reads #(
    .AddrBits  (DmemAddrBits),
    .CountBits (CountBits),
    .DataWords (DataWords)
  ) u_reads (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .clear_i           (clear_i),
    .start_i           (run),
    .local_i           (local_addr),
    .beats_last_i      (beats_last),
    .rows_last_i       (rows_last),
    .stride_i          (local_stride),
    .offset_i          (offset),
    .end_i             (last_word),
    .busy_o            (reads_busy),
    .dma_rvalid_o      (dma_rvalid_o),
    .dma_rready_i      (dma_rready_i),
    .dma_raddr_o       (dma_raddr_o),
    .dma_rdata_valid_i (dma_rdata_valid_i),
    .dma_rdata_i       (dma_rdata_i),
    .valid_o           (data_valid_o),
    .ready_i           (data_ready_i),
    .data_o            (data),
    .mask_o            (mask_o)
  );

  trine_byte_planes #(.DataBits(DataBits), .Int16(Int16), .Back(1'b1)) u_byte_planes (
    .int16_i (int16_q),
    .data_i  (data),
    .data_o
  );

  logic unused_int16;
  assign unused_int16 = run_int16_i;

`ifdef TRINE_ASSERT
  logic        live_q;
  logic [31:0] requested_q;  // beats of requested bursts minus beats taken

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, requested_q} <= '0;
    end else begin
      live_q      <= 1'b1;
      requested_q <= clear_i ? '0 : requested_q +
                     (req_valid_o && req_ready_i ? 32'(req_len_o) + 32'd1 : '0) -
                     32'(data_valid_o && data_ready_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (retire_o) a_all_beats: assert (requested_q == '0);
      if (data_valid_o || req_valid_o) a_of_a_run: assert (active_q);
      if (data_valid_o) a_some_word: assert (mask_o != '0);
    end
  end
`endif

endmodule
