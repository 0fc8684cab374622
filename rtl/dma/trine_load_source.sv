// SPDX-License-Identifier: Apache-2.0
//
// Selects the source of the load engine's beats: the bus or DMEM. DMEM is the source of products of
// two maps, and of copies between the cores of a cluster.
//
// Timing    Beats of the bus pass through. Beats of DMEM come from the slots of trine_dma_reads,
//           whose reads begin in the cycle after start_i.
// Contract  on_chip_i, address, stride and counts hold from start_i to the copy's last beat.
// Check     trine_control_tb

module trine_load_source #(
  parameter int unsigned DmemAddrBits = 15,
  parameter int unsigned DataBits     = 64,
  parameter int unsigned CountBits    = 16,
  parameter bit          Maps         = 1'b1,  // supports copies from DMEM
  localparam int unsigned BeatAddrBits = DmemAddrBits - $clog2(DataBits / 32)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // The copy. In DMEM: address and stride of its rows, in beats.
  input  logic                    start_i,
  input  logic                    on_chip_i,  // from DMEM
  input  logic [BeatAddrBits-1:0] addr_i,
  input  logic [BeatAddrBits-1:0] stride_i,
  input  logic [CountBits-1:0]    beats_last_i,
  input  logic [15:0]             rows_last_i,

  // The bus.
  input  logic                    rsp_valid_i,
  output logic                    rsp_ready_o,
  input  logic [DataBits-1:0]     rsp_data_i,

  // DMEM.
  output logic                    dma_rvalid_o,
  input  logic                    dma_rready_i,
  output logic [DmemAddrBits-1:0] dma_raddr_o,
  input  logic                    dma_rdata_valid_i,
  input  logic [DataBits-1:0]     dma_rdata_i,

  // Beats, taken with beat_taken_i.
  output logic                    valid_o,
  input  logic                    beat_taken_i,
  output logic [DataBits-1:0]     data_o
);

  localparam int unsigned DataWords = DataBits / 32;
  localparam int unsigned WordShift = $clog2(DataWords);

  assign rsp_ready_o = beat_taken_i && !on_chip_i;

  if (Maps) begin : gen_reads
    logic                 reads_valid;
    logic [DataBits-1:0]  reads_data;
    logic [DataWords-1:0] unused_mask;
    logic                 unused_busy;

    trine_dma_reads #(
      .AddrBits  (DmemAddrBits),
      .CountBits (CountBits),
      .DataWords (DataWords),
      .Slots     (8)
    ) u_reads (
      .clk_i,
      .rst_ni,
      .clear_i,
      .start_i      (start_i && on_chip_i),
      .local_i      ({addr_i, {WordShift{1'b0}}}),
      .beats_last_i,
      .rows_last_i,
      .stride_i     ({stride_i, {WordShift{1'b0}}}),
      .offset_i     ('0),
      .end_i        ('0),
      .busy_o       (unused_busy),
      .dma_rvalid_o,
      .dma_rready_i,
      .dma_raddr_o,
      .dma_rdata_valid_i,
      .dma_rdata_i,
      .valid_o      (reads_valid),
      .ready_i      (beat_taken_i),
      .data_o       (reads_data),
      .mask_o       (unused_mask)
    );

    assign valid_o = on_chip_i ? reads_valid : rsp_valid_i;
    assign data_o  = on_chip_i ? reads_data : rsp_data_i;
  end else begin : gen_no_reads
    logic unused_reads;
    assign valid_o      = rsp_valid_i;
    assign data_o       = rsp_data_i;
    assign dma_rvalid_o = 1'b0;
    assign dma_raddr_o  = '0;
    assign unused_reads = ^{clk_i, rst_ni, clear_i, start_i, addr_i, stride_i, beats_last_i,
                            rows_last_i, dma_rready_i, dma_rdata_valid_i, dma_rdata_i};
  end

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (beat_taken_i) m_beat_there: assume (valid_o);
      if (on_chip_i) a_bus_waits: assert (!rsp_ready_o);
      c_on_chip: cover (on_chip_i && beat_taken_i);
    end
  end
`endif

endmodule
