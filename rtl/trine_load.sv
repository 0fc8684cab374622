// SPDX-License-Identifier: Apache-2.0
//
// Load engine: 2-D copies from DRAM into DMEM, PMEM, the bias and the scale memory, the lookup
// table and the exponentials, and from DMEM into PMEM.
//
// Two walks over the same copy: one requests bursts, as far ahead as the read master allows, the
// other gives each beat that comes back its local address. They are so far apart that the next
// RUN's bursts are requested while data of the one before are still on their way. Reads of DMEM
// begin when all before has been written.
//
//   DMEM                a beat a write, masked to the row's words at its ends
//   PMEM                Cols >= DataWords: a write for every BeatsPerRow beats, low words first;
//                       otherwise RowsPerBeat writes a beat
//   PMEM, transposed    a write of four columns for each four words; row i of the copy goes to
//   columns
//                       4i .. 4i + 3
//   bias, scale         a beat a write
//   table, exponentials a beat offered until trine_entries has written its entries
//
// Timing    one beat a cycle (PMEM with several rows in a beat: one row a cycle); three cycles
//           between RUNs. Response ready depends on the ready of the memory's port.
// Contract  see docs/architecture.md, load and store; retire_o follows the last write by a cycle.
// Check     tb/trine_control_tb.cpp

module trine_load #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,
  parameter int unsigned PmemAddrBits  = 11,
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned DataBits      = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned MaxBeats      = 64,  // of a burst
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  localparam int unsigned DataWords     = DataBits / 32,
  localparam int unsigned BiasAddrBits  = $clog2(ParamChannels / DataWords),
  localparam int unsigned ScaleAddrBits = $clog2(2 * ParamChannels / DataWords),
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords),
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords),
  localparam int unsigned Quads         = (Cols + 3) / 4
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  input  logic [AxiAddrBits-1:0]   base_i,

  // From the issue unit.
  input  logic                     cfg_valid_i,
  output logic                     cfg_ready_o,
  input  logic [3:0]               cfg_reg_i,
  input  logic [55:0]              cfg_payload_i,
  input  logic                     run_valid_i,
  output logic                     run_ready_o,
  input  logic [7:0]               run_op_i,
  input  logic [7:0]               run_flags_i,
  output logic                     retire_o,

  // Read client.
  output logic                     req_valid_o,
  input  logic                     req_ready_i,
  output logic [AxiAddrBits-1:0]   req_addr_o,
  output logic [7:0]               req_len_o,
  input  logic                     rsp_valid_i,
  output logic                     rsp_ready_o,
  input  logic [DataBits-1:0]      rsp_data_i,
  input  logic                     rsp_error_i,

  // A beat was an error: its bus address.
  output logic                     error_o,
  output logic [AxiAddrBits-1:0]   error_addr_o,

  output logic                     dma_rvalid_o,
  input  logic                     dma_rready_i,
  output logic [DmemAddrBits-1:0]  dma_raddr_o,
  input  logic                     dma_rdata_valid_i,
  input  logic [DataBits-1:0]      dma_rdata_i,

  output logic                     dma_wvalid_o,
  input  logic                     dma_wready_i,
  output logic [DmemAddrBits-1:0]  dma_waddr_o,
  output logic [DataBits-1:0]      dma_wdata_o,
  output logic [DataWords-1:0]     dma_wmask_o,

  output logic                     pmem_wvalid_o,
  input  logic                     pmem_wready_i,
  output logic [PmemAddrBits-1:0]  pmem_wrow_o,
  output logic [32*Cols-1:0]       pmem_wdata_o,
  output logic [Quads-1:0]         pmem_wquads_o,

  // Beats of the small memories, held until param_ready_i, which may depend on whose they are.
  input  logic                     param_ready_i,
  output logic                     bias_we_o,
  output logic [BiasAddrBits-1:0]  bias_addr_o,
  output logic                     scale_we_o,
  output logic [ScaleAddrBits-1:0] scale_addr_o,
  output logic                     table_valid_o,
  output logic [TableAddrBits-1:0] table_addr_o,
  output logic                     exp_valid_o,
  output logic [ExpAddrBits-1:0]   exp_addr_o,
  output logic [DataBits-1:0]      param_wdata_o  // of all four
);

  localparam int unsigned WordShift    = $clog2(DataWords);
  localparam int unsigned BeatAddrBits = AxiAddrBits - WordShift - 2;
  localparam int unsigned BeatsPerRow  = (Cols + DataWords - 1) / DataWords;
  localparam int unsigned RowsPerBeat  = Cols < DataWords ? DataWords / Cols : 1;

  // Widths that hold the addresses and the longest row of each memory.
  localparam int unsigned ParamBits    = $clog2(ParamChannels);
  localparam int unsigned PmemWordBits = PmemAddrBits + WordShift + $clog2(BeatsPerRow);
  localparam int unsigned MemBits      = DmemAddrBits > PmemAddrBits ? DmemAddrBits : PmemAddrBits;
  localparam int unsigned LocalBits    = MemBits > ParamBits ? MemBits : ParamBits;
  localparam int unsigned LongBits     = LocalBits > PmemWordBits ? LocalBits : PmemWordBits;
  localparam int unsigned WordsBits    = LongBits + 2 < 24 ? LongBits + 2 : 24;
  localparam int unsigned CountBits    = WordsBits - WordShift;

  localparam int unsigned TargetBits = 3;
  localparam logic [TargetBits-1:0] Dmem  = TargetBits'(trine_isa_pkg::DmaTargetDmem);
  localparam logic [TargetBits-1:0] Pmem  = TargetBits'(trine_isa_pkg::DmaTargetPmem);
  localparam logic [TargetBits-1:0] Bias  = TargetBits'(trine_isa_pkg::DmaTargetBias);
  localparam logic [TargetBits-1:0] Scale = TargetBits'(trine_isa_pkg::DmaTargetScale);
  localparam logic [TargetBits-1:0] Table = TargetBits'(trine_isa_pkg::DmaTargetTable);

  localparam logic [TargetBits-1:0] Exponentials =
      TargetBits'(trine_isa_pkg::DmaTargetExponentials);
  localparam logic [TargetBits-1:0] Transposed =
      TargetBits'(trine_isa_pkg::DmaTargetTransposed);

  // ---------------------------------------------------------------------------------------------
  // Front: registers and bursts. A RUN stays pending until the back has copied what it needs.
  // ---------------------------------------------------------------------------------------------
  logic                    pending_d, pending_q, bursts_busy, beats_busy, run, copy, start_q;
  logic                    on_chip, on_chip_q;  // from DMEM
  logic [TargetBits-1:0]   op_q;
  logic [BeatAddrBits-1:0] dram, dram_stride;
  logic [LocalBits-1:0]    local_addr, local_stride;
  logic [WordShift-1:0]    offset, last_word;
  logic [CountBits-1:0]    beats_last;
  logic [15:0]             rows_last;

  assign cfg_ready_o = !bursts_busy && !pending_q;
  assign run_ready_o = cfg_ready_o;
  assign run         = run_valid_i && run_ready_o;
  assign copy        = pending_q && !beats_busy && !start_q;
  assign pending_d   = run || (pending_q && !copy);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pending_q <= 1'b0;
      start_q   <= 1'b0;
    end else if (clear_i) begin
      pending_q <= 1'b0;
      start_q   <= 1'b0;
    end else begin
      pending_q <= pending_d;
      start_q   <= copy;
    end
  end

  assign on_chip = Maps && (cfg_ready_o ? run_flags_i[trine_isa_pkg::DmaFlagFromDmem] : on_chip_q);

  always_ff @(posedge clk_i) begin
    if (run) begin
      op_q      <= run_op_i[TargetBits-1:0];
      on_chip_q <= on_chip;
    end
  end

  // Operation and source are those on offer until they are taken, then those kept.
  trine_dma_regs #(
    .AxiAddrBits (AxiAddrBits),
    .LocalBits   (LocalBits),
    .WordsBits   (WordsBits),
    .DataWords   (DataWords)
  ) u_regs (
    .clk_i          (clk_i),
    .we_i           (cfg_valid_i && cfg_ready_o),
    .reg_i          (cfg_reg_i),
    .payload_i      (cfg_payload_i),
    .base_i         (base_i),
    .dmem_i         ((cfg_ready_o ? run_op_i[TargetBits-1:0] : op_q) == Dmem),
    .copy_i         (on_chip),
    .dram_o         (dram),
    .dram_stride_o  (dram_stride),
    .local_o        (local_addr),
    .local_stride_o (local_stride),
    .offset_o       (offset),
    .end_o          (last_word),
    .beats_last_o   (beats_last),
    .rows_last_o    (rows_last)
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
    .start_i      (run && !on_chip),
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

  // ---------------------------------------------------------------------------------------------
  // Back: its own copy of the RUN, and the walk over the beats.
  // ---------------------------------------------------------------------------------------------
  logic [TargetBits-1:0]   target_q;
  logic [LocalBits-1:0]    addr, step, back_local_q, back_stride_q;
  logic [CountBits-1:0]    back_beats_last_q, left, passed;
  logic [WordShift-1:0]    offset_q, last_word_q;
  logic [15:0]             back_rows_last_q;
  logic [BeatAddrBits-1:0] back_dram_q, back_dram_stride_q;  // of the row, and to the next one
  logic                    row_end, ends, beat, next, bump, pmem_bump, pmem_next, retire_q;
  logic                    row_pending, row_retire;  // a joined row that is not in PMEM yet
  logic                    back_on_chip_q, source_valid;
  logic [DataBits-1:0]     source;  // the beat

  always_ff @(posedge clk_i) begin
    if (copy) begin
      target_q           <= op_q;
      back_local_q       <= local_addr;
      back_stride_q      <= local_stride;
      back_beats_last_q  <= beats_last;
      back_rows_last_q   <= rows_last;
      offset_q           <= offset;
      last_word_q        <= last_word;
      back_dram_stride_q <= dram_stride;
      back_on_chip_q     <= on_chip_q;
    end
    if (copy)         back_dram_q <= dram;
    else if (row_end) back_dram_q <= back_dram_q + back_dram_stride_q;
  end

  // Only for errors: the beat's place in its row, from the row's address.
  assign passed       = back_beats_last_q - left;
  assign error_o      = beat && rsp_error_i && !back_on_chip_q;
  assign error_addr_o = {back_dram_q + BeatAddrBits'(passed),
                         {(WordShift + 2){1'b0}}};

  always_comb begin
    unique case (target_q)
      Pmem, Transposed: step = LocalBits'(1);
      Scale:   step = LocalBits'(DataWords / 2);
      default: step = LocalBits'(DataWords);
    endcase
  end

  trine_dma_beats #(
    .AddrBits  (LocalBits),
    .CountBits (CountBits),
    .DataWords (DataWords)
  ) u_beats (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear_i),
    .start_i      (start_q),
    .local_i      (back_local_q),
    .beats_last_i (back_beats_last_q),
    .rows_last_i  (back_rows_last_q),
    .stride_i     (back_stride_q),
    .step_i       (step),
    .offset_i     (offset_q),
    .end_i        (last_word_q),
    .busy_o       (beats_busy),
    .bump_i       (bump),
    .next_i       (next),
    .addr_o       (addr),
    .mask_o       (dma_wmask_o),
    .left_o       (left),
    .row_end_o    (row_end),
    .end_o        (ends)
  );

  if (Maps) begin : gen_reads
    localparam int unsigned ReadBits = DmemAddrBits - WordShift;
    logic                 reads_valid;
    logic [DataBits-1:0]  reads_data;
    logic [DataWords-1:0] unused_mask;
    logic                 unused_busy;

    trine_dma_reads #(
      .AddrBits  (DmemAddrBits),
      .CountBits (CountBits),
      .DataWords (DataWords),
      .Places    (8)
    ) u_reads (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .clear_i           (clear_i),
      .start_i           (start_q && back_on_chip_q),
      .local_i           ({back_dram_q[ReadBits-1:0], {WordShift{1'b0}}}),
      .beats_last_i      (back_beats_last_q),
      .rows_last_i       (back_rows_last_q),
      .stride_i          ({back_dram_stride_q[ReadBits-1:0], {WordShift{1'b0}}}),
      .offset_i          ('0),
      .end_i             ('0),
      .busy_o            (unused_busy),
      .dma_rvalid_o      (dma_rvalid_o),
      .dma_rready_i      (dma_rready_i),
      .dma_raddr_o       (dma_raddr_o),
      .dma_rdata_valid_i (dma_rdata_valid_i),
      .dma_rdata_i       (dma_rdata_i),
      .valid_o           (reads_valid),
      .ready_i           (next),
      .data_o            (reads_data),
      .mask_o            (unused_mask)
    );

    assign source_valid = back_on_chip_q ? reads_valid : rsp_valid_i;
    assign source       = back_on_chip_q ? reads_data : rsp_data_i;
  end else begin : gen_no_reads
    logic unused_reads;
    assign source_valid = rsp_valid_i;
    assign source       = rsp_data_i;
    assign dma_rvalid_o = 1'b0;
    assign dma_raddr_o  = '0;
    assign unused_reads = ^{dma_rready_i, dma_rdata_valid_i, dma_rdata_i};
  end

  assign beat = source_valid && beats_busy && (target_q == Pmem || !row_pending);

  always_comb begin
    unique case (target_q)
      Dmem:    next = beat && dma_wready_i;
      Pmem, Transposed: next = pmem_next;
      default: next = beat && param_ready_i;
    endcase
  end

  assign bump        = target_q == Pmem || target_q == Transposed ? pmem_bump : next;
  assign rsp_ready_o = next && !back_on_chip_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      retire_q <= 1'b0;
    end else if (clear_i) begin
      retire_q <= 1'b0;
    end else begin
      retire_q <= row_retire || (next && ends && !(BeatsPerRow > 1 && target_q == Pmem));
    end
  end

  assign retire_o = retire_q;

  // ---------------------------------------------------------------------------------------------
  // DMEM, bias, scale, tables.
  // ---------------------------------------------------------------------------------------------
  assign dma_wvalid_o = beat && target_q == Dmem;
  assign dma_waddr_o  = {addr[DmemAddrBits-1:WordShift], {WordShift{1'b0}}};
  assign dma_wdata_o  = rsp_data_i;

  assign param_wdata_o = rsp_data_i;
  assign bias_we_o     = beat && target_q == Bias && param_ready_i;
  assign bias_addr_o   = addr[WordShift +: BiasAddrBits];
  assign scale_we_o    = beat && target_q == Scale && param_ready_i;
  assign scale_addr_o  = addr[WordShift - 1 +: ScaleAddrBits];
  assign table_valid_o = beat && target_q == Table;
  assign table_addr_o  = addr[WordShift +: TableAddrBits];
  assign exp_valid_o   = beat && target_q == Exponentials;
  assign exp_addr_o    = addr[WordShift +: ExpAddrBits];

  // ---------------------------------------------------------------------------------------------
  // PMEM: beats become rows.
  // ---------------------------------------------------------------------------------------------
  logic                    to_pmem, row_valid, row_written, rows_next, rows_bump;
  logic [PmemAddrBits-1:0] row_addr;
  logic [32*Cols-1:0]      row;

  assign to_pmem     = beat && target_q == Pmem;
  assign row_written = row_valid && pmem_wready_i;

  if (BeatsPerRow > 1) begin : gen_join
    // The beats before the last one move down to their place. A whole row has a register of its
    // own: while it waits for its bank, the next one's beats come in.
    localparam int unsigned HeldBits  = (BeatsPerRow - 1) * DataBits;
    localparam int unsigned PlaceBits = $clog2(BeatsPerRow);

    logic [HeldBits-1:0]  held_d, held_q;
    logic [PlaceBits-1:0] place_d, place_q;
    logic                 complete, row_valid_q, row_last_q;
    logic [32*Cols-1:0]      row_q;
    logic [PmemAddrBits-1:0] row_addr_q;

    assign complete      = place_q == PlaceBits'(BeatsPerRow - 1);
    assign rows_next     = to_pmem && (!complete || !row_valid_q || row_written);
    assign rows_bump     = rows_next && complete;
    assign place_d       = complete ? '0 : place_q + PlaceBits'(1);
    assign row_valid     = row_valid_q;
    assign row           = row_q;
    assign row_addr      = row_addr_q;
    assign row_pending   = row_valid_q;
    assign row_retire    = row_written && row_last_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) row_valid_q <= 1'b0;
      else if (clear_i) row_valid_q <= 1'b0;
      else row_valid_q <= rows_bump || (row_valid_q && !row_written);
    end
    always_ff @(posedge clk_i) begin
      if (rows_bump) begin
        row_q      <= {source[32*Cols-HeldBits-1:0], held_q};
        row_addr_q <= addr[PmemAddrBits-1:0];
        row_last_q <= ends;
      end
    end

    if (BeatsPerRow > 2) begin : gen_shift
      assign held_d = {source, held_q[HeldBits-1:DataBits]};
    end else begin : gen_load
      assign held_d = source;
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        place_q <= '0;
      end else if (clear_i) begin
        place_q <= '0;
      end else if (rows_next) begin
        place_q <= place_d;
      end
    end
    always_ff @(posedge clk_i) begin
      if (to_pmem && !complete) held_q <= held_d;
    end
  end else if (RowsPerBeat > 1) begin : gen_split
    localparam int unsigned PlaceBits = $clog2(RowsPerBeat);

    logic [PlaceBits-1:0] place_d, place_q;
    logic                 last_place;

    assign row_pending   = 1'b0;
    assign row_retire    = 1'b0;
    assign rows_bump     = row_written;
    assign row_addr      = addr[PmemAddrBits-1:0];
    assign last_place    = place_q == PlaceBits'(RowsPerBeat - 1);
    assign row_valid     = to_pmem;
    assign row           = source[32*Cols*place_q +: 32*Cols];
    assign rows_next     = row_written && last_place;
    assign place_d       = last_place ? '0 : place_q + PlaceBits'(1);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        place_q <= '0;
      end else if (clear_i) begin
        place_q <= '0;
      end else if (row_written) begin
        place_q <= place_d;
      end
    end
  end else begin : gen_direct
    assign row_pending   = 1'b0;
    assign row_retire    = 1'b0;
    assign rows_bump     = row_written;
    assign row_addr      = addr[PmemAddrBits-1:0];
    assign row_valid     = to_pmem;
    assign row           = source[32*Cols-1:0];
    assign rows_next     = row_written;
  end

  if (Maps && Cols >= 4) begin : gen_transpose
    localparam int unsigned WholeQuads = Cols / 4;

    logic                  blocks, block_valid, blocks_next;
    logic [127:0]          block;
    logic [WholeQuads-1:0] quad_q;  // of this row of the copy

    assign blocks = beat && target_q == Transposed;

    trine_transpose #(.DataWords(DataWords)) u_transpose (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .clear_i   (clear_i),
      .valid_i   (blocks),
      .next_o    (blocks_next),
      .data_i    (source),
      .mask_i    (dma_wmask_o),
      .last_i    (left == '0),
      .valid_o   (block_valid),
      .ready_i   (pmem_wready_i),
      .columns_o (block)
    );

    always_ff @(posedge clk_i) begin
      if (start_q)      quad_q <= WholeQuads'(1);
      else if (row_end) quad_q <= WholeQuads'({quad_q, 1'b0});
    end

    assign pmem_next     = blocks ? blocks_next : rows_next;
    assign pmem_bump     = blocks ? block_valid && pmem_wready_i : rows_bump;
    assign pmem_wvalid_o = blocks ? block_valid : row_valid;
    assign pmem_wrow_o   = blocks ? addr[PmemAddrBits-1:0] : row_addr;
    assign pmem_wquads_o = blocks ? Quads'(quad_q) : '1;
    assign pmem_wdata_o  = blocks ? (32*Cols)'({Quads{block}}) : row;
  end else begin : gen_rows
    assign pmem_next     = rows_next;
    assign pmem_bump     = rows_bump;
    assign pmem_wvalid_o = row_valid;
    assign pmem_wrow_o   = row_addr;
    assign pmem_wquads_o = '1;
    assign pmem_wdata_o  = row;
  end

  logic unused_bits;
  assign unused_bits = ^{run_op_i, run_flags_i, addr, source, on_chip_q, back_on_chip_q};

endmodule
