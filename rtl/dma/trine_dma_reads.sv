// SPDX-License-Identifier: Apache-2.0
//
// Reads the beats of a 2-D copy from DMEM in advance and buffers them, with their word masks, in
// Slots slots.
//
// Timing    The first read is requested in the cycle after start_i. If a read takes three cycles, 4
//           slots give four beats in five cycles, and 8 slots give one beat per cycle.
// Contract  start_i comes only while busy_o is low. The inputs of the copy hold while busy_o is
//           high. Read data return in order.
// Check     trine_control_tb

module trine_dma_reads #(
  parameter int unsigned AddrBits  = 15,  // of a DMEM word
  parameter int unsigned CountBits = 16,  // width of a count of a row's beats
  parameter int unsigned DataWords = 2,   // of a beat
  parameter int unsigned Slots     = 4,   // a power of two
  localparam int unsigned WordShift = $clog2(DataWords),
  localparam int unsigned DataBits  = 32 * DataWords
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,

  // The copy, as in trine_dma_beats.
  input  logic                 start_i,
  input  logic [AddrBits-1:0]  local_i,
  input  logic [CountBits-1:0] beats_last_i,
  input  logic [15:0]          rows_last_i,
  input  logic [AddrBits-1:0]  stride_i,
  input  logic [WordShift-1:0] offset_i,
  input  logic [WordShift-1:0] end_i,
  output logic                 busy_o,  // beats are still to be read or popped

  // DMEM.
  output logic                 dma_rvalid_o,
  input  logic                 dma_rready_i,
  output logic [AddrBits-1:0]  dma_raddr_o,
  input  logic                 dma_rdata_valid_i,
  input  logic [DataBits-1:0]  dma_rdata_i,

  output logic                 valid_o,
  input  logic                 ready_i,
  output logic [DataBits-1:0]  data_o,
  output logic [DataWords-1:0] mask_o
);

  // Pointers have one more bit than slot numbers. A slot is reserved with the read request, filled
  // when its data arrive, and freed when they are popped.
  localparam int unsigned SlotBits = $clog2(Slots);

  logic [DataBits-1:0]  data_mem [Slots];
  logic [DataWords-1:0] mask_mem [Slots];
  logic [DataWords-1:0] mask;
  logic [SlotBits:0]   asked_q, filled_q, freed_q;
  logic                 beats_busy, full, ask, pop;
  logic [AddrBits-1:0]  addr;
  logic [CountBits-1:0] unused_left;
  logic                 unused_row_end, unused_end;

  assign full         = asked_q == {~freed_q[SlotBits], freed_q[SlotBits-1:0]};
  assign busy_o       = beats_busy || asked_q != freed_q;
  assign dma_rvalid_o = beats_busy && !full;
  assign dma_raddr_o  = {addr[AddrBits-1:WordShift], {WordShift{1'b0}}};
  assign ask          = dma_rvalid_o && dma_rready_i;
  assign pop          = valid_o && ready_i;

  trine_dma_beats #(
    .AddrBits  (AddrBits),
    .CountBits (CountBits),
    .DataWords (DataWords)
  ) u_beats (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .clear_i          (clear_i),
    .start_i          (start_i),
    .local_i          (local_i),
    .beats_last_i     (beats_last_i),
    .rows_last_i      (rows_last_i),
    .stride_i         (stride_i),
    .step_i           (AddrBits'(DataWords)),
    .offset_i         (offset_i),
    .end_i            (end_i),
    .busy_o           (beats_busy),
    .row_advance_i    (ask),
    .beat_taken_i     (ask),
    .addr_o           (addr),
    .mask_o           (mask),
    .row_beats_left_o (unused_left),
    .row_end_o        (unused_row_end),
    .end_o            (unused_end)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked_q  <= '0;
      filled_q <= '0;
      freed_q  <= '0;
    end else if (clear_i) begin
      asked_q  <= '0;
      filled_q <= '0;
      freed_q  <= '0;
    end else begin
      asked_q  <= asked_q + (SlotBits + 1)'(ask);
      filled_q <= filled_q + (SlotBits + 1)'(dma_rdata_valid_i);
      freed_q  <= freed_q + (SlotBits + 1)'(pop);
    end
  end

  always_ff @(posedge clk_i) begin
    if (ask)               mask_mem[asked_q[SlotBits-1:0]] <= mask;
    if (dma_rdata_valid_i) data_mem[filled_q[SlotBits-1:0]] <= dma_rdata_i;
  end

  assign valid_o = filled_q != freed_q;
  assign data_o  = data_mem[freed_q[SlotBits-1:0]];
  assign mask_o  = mask_mem[freed_q[SlotBits-1:0]];

  logic unused_bits;
  assign unused_bits = ^addr;

`ifdef TRINE_ASSERT
  logic                live_q, waits_q;
  logic [AddrBits-1:0] held_q;
  logic [SlotBits:0]   taken, full_slots;

  assign taken      = asked_q - freed_q;
  assign full_slots = filled_q - freed_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= dma_rvalid_o && !dma_rready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= dma_raddr_o;
    if (live_q) begin
      if (start_i) m_start_idle: assume (!busy_o);
      if (dma_rdata_valid_i) m_asked: assume (filled_q != asked_q);
      if (waits_q) a_held: assert (dma_rvalid_o && dma_raddr_o == held_q);
      a_slots: assert (taken <= (SlotBits + 1)'(Slots) && full_slots <= taken);
    end
  end
`endif

endmodule
