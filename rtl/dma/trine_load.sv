// SPDX-License-Identifier: Apache-2.0
//
// Executes load RUNs: 2-D copies from DRAM into on-chip memories, from DMEM into PMEM, and between
// cores. A copy between cores reads the DMEM of one core and writes the DMEM of other cores.
//
// Two address generators iterate over the same copy. The first one requests bursts, as far ahead as
// the read master allows, and also for the next RUN. The second one assigns an on-chip address to
// each beat.
//
//   DMEM                 one write per beat; the mask selects the words of the row
//   PMEM                 beats as rows, rows as columns, or a packed stream: trine_load_pmem
//   bias, scale          one write per beat
//   tables (three)       a beat is offered until trine_table_loader has written its entries
//
// The next copy starts only after the previous copy's writes to DMEM are done.
//
// Timing    Throughput is one beat per cycle, or one row per cycle if a beat contains several PMEM
//           rows. There are three cycles between RUNs. The ready of a response depends on the ready
//           of the memory's port.
// Contract  See docs/architecture.md. The retire pulse comes one cycle after the last write
//           (dma_wdone_i).
// Check     trine_control_tb; for clusters trine_load_props

module trine_load #(
  parameter int unsigned Cols          = 8,
  parameter int unsigned DmemAddrBits  = 15,
  parameter int unsigned PmemAddrBits  = 11,
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned DataBits      = 64,
  parameter int unsigned AxiAddrBits   = 32,
  parameter int unsigned MaxBeats      = 64,  // beats of a burst
  parameter bit          Maps          = 1'b1,  // weights may be maps: from DMEM, transposed
  parameter bit          Packed        = 1'b0,  // weights are packed in DRAM
  parameter bit          Int16         = 1'b0,
  parameter int unsigned Cores         = 1,
  localparam int unsigned CoreBits      = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned DataWords     = DataBits / 32,
  localparam int unsigned Quads         = (Cols + 3) / 4,
  localparam int unsigned WriteBits     = 1 + 33 * DataWords + DmemAddrBits
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  input  logic [AxiAddrBits-1:0]   base_i,

  // From the issue unit.
  input  trine_engine_pkg::command_t command_i,
  output trine_engine_pkg::answer_t  answer_o,

  // Read client.
  output logic                     req_valid_o,
  input  logic                     req_ready_i,
  output logic [AxiAddrBits-1:0]   req_addr_o,
  output logic [7:0]               req_len_o,
  input  logic                     rsp_valid_i,
  output logic                     rsp_ready_o,
  input  logic [DataBits-1:0]      rsp_data_i,
  input  logic                     rsp_error_i,
  input  logic                     rsp_last_i,  // last of a burst

  // error_o: a beat had an error, or its burst ended at the wrong beat; error_addr_o is the bus
  // address of the beat. With stream_o, a packed stream is invalid; error_addr_o is the address of
  // its first beat.
  output logic                     error_o,
  output logic                     stream_o,
  output logic [AxiAddrBits-1:0]   error_addr_o,

  output logic [Cores-1:0]         dma_cores_o,  // cores whose memories are written
  output logic [CoreBits-1:0]      dma_core_o,   // core whose DMEM is read
  output logic                     dma_rvalid_o,
  input  logic                     dma_rready_i,
  output logic [DmemAddrBits-1:0]  dma_raddr_o,
  input  logic                     dma_rdata_valid_i,
  input  logic [DataBits-1:0]      dma_rdata_i,

  output logic                     dma_wvalid_o,
  input  logic                     dma_wready_i,
  output logic [WriteBits-1:0]     dma_wbeat_o,
  input  logic                     dma_wdone_i,

  output logic                     pmem_wvalid_o,
  input  logic                     pmem_wready_i,
  output logic [PmemAddrBits-1:0]  pmem_wrow_o,
  output logic [32*Cols-1:0]       pmem_wdata_o,
  output logic [Quads-1:0]         pmem_wquads_o,

  // Beats of the small memories, held until param_ready_i, which depends on the target.
  output trine_engine_pkg::param_t param_o,
  input  logic                     param_ready_i,
  output logic [DataBits-1:0]      param_wdata_o
);

  localparam int unsigned WordShift    = $clog2(DataWords);
  localparam int unsigned BeatAddrBits = AxiAddrBits - WordShift - 2;
  localparam int unsigned BeatsPerRow  = (Cols + DataWords - 1) / DataWords;

  // Widths that hold the addresses and the longest row of each memory.
  localparam int unsigned ParamBits    = $clog2(ParamChannels);
  localparam int unsigned PmemWordBits = PmemAddrBits + WordShift + $clog2(BeatsPerRow);
  localparam int unsigned MemBits      = DmemAddrBits > PmemAddrBits ? DmemAddrBits : PmemAddrBits;
  localparam int unsigned LocalBits    = MemBits > ParamBits ? MemBits : ParamBits;
  localparam int unsigned LongBits     = LocalBits > PmemWordBits ? LocalBits : PmemWordBits;
  localparam int unsigned WordsBits    = LongBits + 2 < 24 ? LongBits + 2 : 24;
  localparam int unsigned CountBits    = WordsBits - WordShift;
  localparam int unsigned MapBits      = DmemAddrBits - WordShift;  // of a beat of DMEM

  localparam int unsigned BiasAddrBits  = ParamBits - WordShift;
  localparam int unsigned ScaleAddrBits = ParamBits - WordShift + 1;
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords);
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords);
  localparam bit          Copies        = Maps || Cores > 1;  // copies from DMEM
  localparam int unsigned TargetBits    = Int16 || Packed || Cores > 1 ? 4 : 3;
  localparam logic [TargetBits-1:0] Dmem  = TargetBits'(trine_isa_pkg::DmaTargetDmem);
  localparam logic [TargetBits-1:0] Pmem  = TargetBits'(trine_isa_pkg::DmaTargetPmem);
  localparam logic [TargetBits-1:0] Bias  = TargetBits'(trine_isa_pkg::DmaTargetBias);
  localparam logic [TargetBits-1:0] Scale = TargetBits'(trine_isa_pkg::DmaTargetScale);
  localparam logic [TargetBits-1:0] Table = TargetBits'(trine_isa_pkg::DmaTargetTable);
  localparam logic [TargetBits-1:0] Exps  = TargetBits'(trine_isa_pkg::DmaTargetExponentials);
  localparam logic [TargetBits-1:0] Points = TargetBits'(trine_isa_pkg::DmaTargetPoints);
  localparam logic [TargetBits-1:0] Transposed = TargetBits'(trine_isa_pkg::DmaTargetTransposed);
  localparam logic [TargetBits-1:0] Short = TargetBits'(trine_isa_pkg::DmaTargetShort);
  localparam logic [TargetBits-1:0] Palette = TargetBits'(trine_isa_pkg::DmaTargetPalette);

  // ---------------------------------------------------------------------------------------------
  // Front end: registers and bursts. A RUN stays pending until the back end has copied its fields.
  // ---------------------------------------------------------------------------------------------
  logic                    pending_d, pending_q, bursts_busy, beats_busy, ready, run, copy, start_q,
                           writes_q, retire_q;  // writes_q: DMEM writes after the last beat
  logic                    on_chip, on_chip_q, int16, int16_q;  // source is DMEM; int16 codes
  logic                    to_maps, to_core;  // the target is DMEM
  logic                    packed_op, pmem_done, rows_d, rows_q;  // some PMEM rows are not written
  logic [TargetBits-1:0]   op, op_q;
  logic [BeatAddrBits-1:0] dram, dram_stride;
  logic [LocalBits-1:0]    local_addr, local_stride;
  logic [WordShift-1:0]    offset, last_word;
  logic [CountBits-1:0]    beats_last;
  logic [15:0]             rows_last;
  logic [Cores-1:0]        cores;
  logic [CoreBits-1:0]     from_core;

  assign ready     = !bursts_busy && !pending_q;
  assign run       = command_i.run_valid && ready;
  assign copy = pending_q && !beats_busy && !start_q && !rows_q && !(writes_q && !dma_wdone_i);
  assign pending_d = run || (pending_q && !copy);

  assign answer_o.cfg_ready = ready;
  assign answer_o.run_ready = ready;
  assign answer_o.retire    = retire_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {pending_q, start_q, rows_q} <= '0;
    else if (clear_i) {pending_q, start_q, rows_q} <= '0;
    else              {pending_q, start_q, rows_q} <= {pending_d, copy, rows_d};
  end

  assign to_core = Cores > 1 && command_i.run_op == trine_isa_pkg::DmaTargetCore;
  // Operation and source come from the command on offer until it is taken, then from registers.
  assign on_chip = Copies && (!ready ? on_chip_q : to_core ||
                              (Maps && command_i.run_flags[trine_isa_pkg::DmaFlagFromDmem]));
  assign to_maps = Int16 && command_i.run_op == trine_isa_pkg::DmaTargetDmem16;
  assign int16   = to_maps || (Int16 && command_i.run_flags[trine_isa_pkg::DmaFlagLowBytes]);
  assign op      = !ready ? op_q : to_maps || to_core ? Dmem : command_i.run_op[TargetBits-1:0];

  // The stream of a packed copy is one row in DRAM, whatever its number of PMEM rows.
  assign packed_op = Packed && op >= Short && op <= Palette;
  // The next copy may write other cores, so all rows of the previous copy are written first.
  assign rows_d = Cores > 1 && ((copy && (op == Pmem || packed_op)) || (rows_q && !pmem_done));
  always_ff @(posedge clk_i) if (run) {op_q, on_chip_q, int16_q} <= {op, on_chip, int16};

  trine_dma_regs #(
    .AxiAddrBits(AxiAddrBits), .LocalBits(LocalBits), .WordsBits(WordsBits), .DataWords(DataWords),
    .Cores(Cores)
  ) u_regs (
    .clk_i          (clk_i),
    .we_i           (command_i.cfg_valid && ready),
    .reg_i          (command_i.cfg_reg),
    .payload_i      (command_i.cfg_payload),
    .base_i         (base_i),
    .dmem_i         (op == Dmem),
    .copy_i         (on_chip),
    .dram_o         (dram),
    .dram_stride_o  (dram_stride),
    .local_o        (local_addr),
    .local_stride_o (local_stride),
    .offset_o       (offset),
    .end_o          (last_word),
    .beats_last_o   (beats_last),
    .rows_last_o    (rows_last),
    .cores_o        (cores),
    .from_core_o    (from_core)
  );

  trine_dma_requests #(
    .AddrBits(AxiAddrBits), .BeatBytes(DataBits / 8), .MaxBeats(MaxBeats), .CountBits(CountBits)
  ) u_requests (
    .clk_i, .rst_ni, .clear_i,
    .start_i      (run && !on_chip),
    .addr_i       (dram),
    .stride_i     (dram_stride),
    .beats_last_i (beats_last),
    .rows_last_i  (packed_op ? 16'd0 : rows_last),
    .busy_o       (bursts_busy),
    .valid_o      (req_valid_o),
    .ready_i      (req_ready_i),
    .addr_o       (req_addr_o),
    .len_o        (req_len_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Back end: a copy of the RUN's fields, and the iteration over the beats.
  // ---------------------------------------------------------------------------------------------
  logic [TargetBits-1:0]   target_q;
  logic [LocalBits-1:0]    addr, step, back_local_q, back_stride_q;
  logic [CountBits-1:0]    back_beats_last_q, left, passed;
  logic [WordShift-1:0]    offset_q, last_word_q;
  logic [15:0]             back_rows_last_q;
  logic [BeatAddrBits-1:0] back_dram_q, back_dram_stride_q, beat_addr,  // row, stride, beat
                           stream_at;  // packed stream's address
  logic                    row_end, burst_ends, ends, beat, next, row_advance, to_pmem,
                           pmem_row_advance;
  logic                    pmem_beat_taken, back_on_chip_q, back_int16_q, source_valid;
  logic                    row_pending, points, to_unpack;  // rows to come; table points; packed
  logic [DataBits-1:0]     source, to_dmem;  // the beat
  logic [DataWords-1:0]    mask;    // words of the beat

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
      back_int16_q       <= int16_q;
      dma_cores_o        <= cores;
      dma_core_o         <= from_core;
    end
    if (copy)         back_dram_q <= dram;
    else if (row_end) back_dram_q <= back_dram_q + back_dram_stride_q;
  end

  // Error checks. Bursts end as in trine_dma_bursts: at the end of a row, and at multiples of
  // MaxBeats.
  assign passed       = back_beats_last_q - left;
  assign beat_addr    = back_dram_q + BeatAddrBits'(passed);
  assign burst_ends   = left == '0 || (&beat_addr[$clog2(MaxBeats)-1:0]);
  assign error_o      = stream_o ||
                        (beat && !back_on_chip_q && (rsp_error_i || rsp_last_i != burst_ends));
  assign error_addr_o = {stream_o ? stream_at : beat_addr, {(WordShift + 2){1'b0}}};

  always_comb begin
    unique case (target_q)
      Pmem, Transposed: step = LocalBits'(1);
      Scale:   step = LocalBits'(DataWords / 2);
      default: step = LocalBits'(DataWords);
    endcase
  end

  trine_dma_beats #(.AddrBits(LocalBits), .CountBits(CountBits), .DataWords(DataWords)) u_beats (
    .clk_i, .rst_ni, .clear_i,
    .start_i          (start_q),
    .local_i          (back_local_q),
    .beats_last_i     (back_beats_last_q),
    .rows_last_i      (to_unpack ? 16'd0 : back_rows_last_q),
    .stride_i         (back_stride_q),
    .step_i           (step),
    .offset_i         (offset_q),
    .end_i            (last_word_q),
    .busy_o           (beats_busy),
    .row_advance_i    (row_advance),
    .beat_taken_i     (next),
    .addr_o           (addr),
    .mask_o           (mask),
    .row_beats_left_o (left),
    .row_end_o        (row_end),
    .end_o            (ends)
  );

  trine_load_source #(
    .DmemAddrBits(DmemAddrBits), .DataBits(DataBits), .CountBits(CountBits), .Maps(Copies)
  ) u_source (
    .clk_i, .rst_ni, .clear_i,
    .start_i      (start_q),
    .on_chip_i    (back_on_chip_q),
    .addr_i       (back_dram_q[MapBits-1:0]),
    .stride_i     (back_dram_stride_q[MapBits-1:0]),
    .beats_last_i (back_beats_last_q),
    .rows_last_i  (back_rows_last_q),
    .rsp_valid_i,
    .rsp_ready_o,
    .rsp_data_i,
    .dma_rvalid_o,
    .dma_rready_i,
    .dma_raddr_o,
    .dma_rdata_valid_i,
    .dma_rdata_i,
    .valid_o      (source_valid),
    .beat_taken_i (next),
    .data_o       (source)
  );

  assign points  = Int16 && target_q == Points;
  assign to_unpack = Packed && target_q >= Short && target_q <= Palette;
  assign to_pmem = target_q == Pmem || target_q == Transposed || to_unpack;
  assign beat    = source_valid && beats_busy &&
                   (target_q == Pmem || to_unpack || !row_pending);

  always_comb begin
    unique case (target_q)
      Dmem:    next = beat && dma_wready_i;
      Pmem, Transposed: next = pmem_beat_taken;
      default: next = to_unpack ? pmem_beat_taken : beat && param_ready_i;
    endcase
  end

  assign row_advance = to_pmem ? pmem_row_advance : next;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {writes_q, retire_q} <= '0;
    else if (clear_i) {writes_q, retire_q} <= '0;
    else begin
      writes_q <= (next && ends && target_q == Dmem) || (writes_q && !dma_wdone_i);
      retire_q <= pmem_done || dma_wdone_i ||
                  (next && ends && target_q != Pmem && target_q != Dmem && !to_unpack);
    end
  end

  // ---------------------------------------------------------------------------------------------
  // DMEM, bias, scale, tables.
  // ---------------------------------------------------------------------------------------------
  assign dma_wvalid_o = beat && target_q == Dmem;
  assign dma_wbeat_o  = {ends, mask, addr[DmemAddrBits-1:WordShift], {WordShift{1'b0}}, to_dmem};

  trine_byte_planes #(.DataBits(DataBits), .Int16(Int16)) u_byte_planes (
    .int16_i(back_int16_q), .data_i(Cores > 1 ? source : rsp_data_i), .data_o(to_dmem)
  );

  assign param_wdata_o       = rsp_data_i;
  assign param_o.bias_valid  = beat && target_q == Bias;
  assign param_o.bias_addr   = 16'(addr[WordShift +: BiasAddrBits]);
  assign param_o.scale_valid = beat && target_q == Scale;
  assign param_o.scale_addr  = 16'(addr[WordShift - 1 +: ScaleAddrBits]);
  assign param_o.table_valid = beat && target_q == Table;
  assign param_o.table_addr  = 8'(addr[WordShift +: TableAddrBits]);
  assign param_o.exp_valid   = beat && (target_q == Exps || points);
  assign param_o.exp_addr    = 8'(addr[WordShift +: ExpAddrBits]);
  assign param_o.entries     = target_q == Table || target_q == Exps || points;
  assign param_o.exp         = target_q == Exps || points;
  assign param_o.points      = points;

  // ---------------------------------------------------------------------------------------------
  // PMEM.
  // ---------------------------------------------------------------------------------------------
  trine_load_pmem #(
    .Cols(Cols), .PmemAddrBits(PmemAddrBits), .DataBits(DataBits), .Maps(Maps), .Packed(Packed),
    .FromBits(BeatAddrBits)
  ) u_rows (
    .clk_i, .rst_ni, .clear_i,
    .start_i       (start_q),
    .packed_i      (to_unpack),
    .format_i      (target_q[1:0]),
    .local_i       (back_local_q[PmemAddrBits-1:0]),
    .rows_last_i   (back_rows_last_q),
    .stream_addr_i (back_dram_q),
    .more_beats_i  (beats_busy),
    .error_o       (stream_o),
    .stream_addr_o (stream_at),
    .valid_i       (beat && to_pmem),
    .transposed_i  (target_q == Transposed),
    .addr_i        (addr[PmemAddrBits-1:0]),
    .data_i        (source ^ {DataBits / 8{back_int16_q, 7'd0}}),
    .mask_i        (mask),
    .row_last_i    (left == '0),
    .last_i        (ends),
    .beat_taken_o  (pmem_beat_taken),
    .row_advance_o (pmem_row_advance),
    .pending_o     (row_pending),
    .done_o        (pmem_done),
    .pmem_wvalid_o,
    .pmem_wready_i,
    .pmem_wrow_o,
    .pmem_wdata_o,
    .pmem_wquads_o
  );

  logic unused_bits;
  assign unused_bits = ^{command_i, addr, source, on_chip_q, back_on_chip_q};

`ifdef TRINE_ASSERT
  logic live_q;
  always_ff @(posedge clk_i or negedge rst_ni) live_q <= rst_ni;

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_one_target: assert ($onehot0({dma_wvalid_o, pmem_wvalid_o,
        param_o.bias_valid, param_o.scale_valid, param_o.table_valid, param_o.exp_valid}));
      if (start_q) a_copy_begins: assert (!beats_busy);
      if (next) a_beat_there: assert (beat);
      if (back_on_chip_q && beat) a_on_chip: assert (to_pmem || (Cores > 1 && target_q == Dmem));
      c_ahead: cover (pending_q && beats_busy);
    end
  end
`endif

endmodule
