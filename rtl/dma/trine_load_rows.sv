// SPDX-License-Identifier: Apache-2.0
//
// Converts the load engine's beats to PMEM rows: joins them, splits them, or transposes them into
// columns.
//
//   Cols > DataWords   BeatsPerRow beats are joined to a row, low words first. A complete row has
//                      its own register: while the row waits for its bank, beats of the next row
//                      can arrive
//   Cols < DataWords   a beat is split into RowsPerBeat rows
//   Cols = DataWords   a beat is a row
//   pairs              two beats arrive at once, if a row has an even number of beats
//   transposed         trine_transpose converts every four words to a block of four columns. The
//                      blocks of the copy's row i are written to columns 4i .. 4i + 3 of
//                      successive PMEM rows; other columns are not written
//
// Timing    Throughput is one beat per cycle, or one row per cycle if a beat contains several rows.
//           Joined rows leave from a register, all others in the cycle of their beat. beat_taken_o
//           depends on pmem_wready_i.
// Contract  While pending_o is high, a joined row waits. Beats of another target, and transposed
//           beats, must wait until that row is written.
// Check     trine_load_pmem_tb, trine_control_tb

module trine_load_rows #(
  parameter int unsigned Cols         = 8,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned DataBits     = 64,
  parameter bit          Maps         = 1'b1,  // supports transposed copies
  parameter bit          Pairs        = 1'b0,  // supports pairs of beats
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned Quads     = (Cols + 3) / 4
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  input  logic                    start_i,  // a copy begins

  // A beat, of rows or to be transposed, and the row it goes to.
  input  logic                    valid_i,
  input  logic                    transposed_i,
  input  logic [PmemAddrBits-1:0] addr_i,
  input  logic [DataBits-1:0]     data_i,
  input  logic                    pair_i,         // a second beat comes with data_i
  input  logic [DataBits-1:0]     second_i,
  input  logic [DataWords-1:0]    mask_i,
  input  logic                    row_last_i,     // last of its row of the copy
  input  logic                    last_i,         // last of the copy
  output logic                    beat_taken_o,   // the beat is consumed
  output logic                    row_advance_o,  // go to the next row of PMEM
  output logic                    pending_o,      // a joined row is not in PMEM yet
  output logic                    done_o,         // the copy's last row is written

  output logic                    pmem_wvalid_o,
  input  logic                    pmem_wready_i,
  output logic [PmemAddrBits-1:0] pmem_wrow_o,
  output logic [32*Cols-1:0]      pmem_wdata_o,
  output logic [Quads-1:0]        pmem_wquads_o
);

  localparam int unsigned BeatsPerRow = (Cols + DataWords - 1) / DataWords;
  localparam int unsigned RowsPerBeat = Cols < DataWords ? DataWords / Cols : 1;

  logic                    beat, row_valid, row_written, rows_beat_taken, rows_row_advance;
  logic [PmemAddrBits-1:0] row_addr;
  logic [32*Cols-1:0]      row;

  assign beat        = valid_i && !transposed_i;
  assign row_written = row_valid && pmem_wready_i;

  if (BeatsPerRow > 1) begin : gen_join
    // Earlier beats of a row move down to their slots.
    localparam int unsigned HeldBits = (BeatsPerRow - 1) * DataBits;
    localparam int unsigned SlotBits = $clog2(BeatsPerRow);

    logic [HeldBits-1:0]     held_d, held_q;
    logic [SlotBits-1:0]     slot_d, slot_q;
    logic                    complete, row_valid_q, row_last_q;
    logic [32*Cols-1:0]      joined, row_q;
    logic [PmemAddrBits-1:0] row_addr_q;

    assign complete  = slot_q == SlotBits'(BeatsPerRow - 1) ||
                       (Pairs && pair_i && slot_q == SlotBits'(BeatsPerRow - 2));
    assign rows_beat_taken  = beat && (!complete || !row_valid_q || row_written);
    assign rows_row_advance = rows_beat_taken && complete;
    assign slot_d           = complete ? '0 : slot_q + SlotBits'(Pairs && pair_i ? 2 : 1);
    assign row_valid        = row_valid_q;
    assign row              = row_q;
    assign row_addr         = row_addr_q;
    assign pending_o        = row_valid_q;
    assign done_o           = row_written && row_last_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        row_valid_q <= 1'b0;
        slot_q      <= '0;
      end else if (clear_i) begin
        row_valid_q <= 1'b0;
        slot_q      <= '0;
      end else begin
        row_valid_q <= rows_row_advance || (row_valid_q && !row_written);
        if (rows_beat_taken) slot_q <= slot_d;
      end
    end

    always_ff @(posedge clk_i) begin
      if (beat && !complete) held_q <= held_d;
      if (rows_row_advance) begin
        row_q      <= joined;
        row_addr_q <= addr_i;
        row_last_q <= last_i;
      end
    end

    if (BeatsPerRow > 2 && Pairs) begin : gen_pairs
      logic [HeldBits+DataBits-1:0] moved;
      assign moved  = pair_i ? {second_i, data_i, held_q[HeldBits-1:DataBits]} : {data_i, held_q};
      assign joined = moved;
      assign held_d = moved[HeldBits+DataBits-1:DataBits];
    end else if (Pairs) begin : gen_pair
      assign joined = pair_i ? {second_i, data_i} : {data_i, held_q};
      assign held_d = data_i;
    end else if (BeatsPerRow > 2) begin : gen_shift
      assign joined = {data_i[32*Cols-HeldBits-1:0], held_q};
      assign held_d = {data_i, held_q[HeldBits-1:DataBits]};
    end else begin : gen_load
      assign joined = {data_i[32*Cols-HeldBits-1:0], held_q};
      assign held_d = data_i;
    end
  end else if (RowsPerBeat > 1) begin : gen_split
    localparam int unsigned SlotBits = $clog2(RowsPerBeat);

    logic [SlotBits-1:0] slot_d, slot_q;
    logic                last_slot;

    assign last_slot        = slot_q == SlotBits'(RowsPerBeat - 1);
    assign rows_beat_taken  = row_written && last_slot;
    assign rows_row_advance = row_written;
    assign slot_d           = last_slot ? '0 : slot_q + SlotBits'(1);
    assign row_valid        = beat;
    assign row              = data_i[32*Cols*slot_q +: 32*Cols];
    assign row_addr         = addr_i;
    assign pending_o        = 1'b0;
    assign done_o           = rows_beat_taken && last_i;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)          slot_q <= '0;
      else if (clear_i)     slot_q <= '0;
      else if (row_written) slot_q <= slot_d;
    end
  end else begin : gen_direct
    assign rows_beat_taken  = row_written;
    assign rows_row_advance = row_written;
    assign row_valid        = beat;
    assign row              = data_i[32*Cols-1:0];
    assign row_addr         = addr_i;
    assign pending_o        = 1'b0;
    assign done_o           = rows_beat_taken && last_i;
  end

  if (Maps && Cols >= 4) begin : gen_transpose
    localparam int unsigned WholeQuads = Cols / 4;

    logic                  blocks, block_valid, blocks_beat_taken;
    logic [127:0]          block;
    logic [WholeQuads-1:0] quad_q;  // quad of this row of the copy

    assign blocks = valid_i && transposed_i;

    trine_transpose #(.DataWords(DataWords)) u_transpose (
      .clk_i,
      .rst_ni,
      .clear_i,
      .valid_i      (blocks),
      .beat_taken_o (blocks_beat_taken),
      .data_i,
      .mask_i,
      .last_i       (row_last_i),
      .valid_o      (block_valid),
      .ready_i      (pmem_wready_i),
      .columns_o    (block)
    );

    always_ff @(posedge clk_i) begin
      if (start_i) quad_q <= WholeQuads'(1);
      else if (blocks_beat_taken && row_last_i) quad_q <= WholeQuads'({quad_q, 1'b0});
    end

    assign beat_taken_o  = blocks ? blocks_beat_taken : rows_beat_taken;
    assign row_advance_o = blocks ? block_valid && pmem_wready_i : rows_row_advance;
    assign pmem_wvalid_o = blocks ? block_valid : row_valid;
    assign pmem_wrow_o   = blocks ? addr_i : row_addr;
    assign pmem_wquads_o = blocks ? Quads'(quad_q) : '1;
    assign pmem_wdata_o  = blocks ? (32*Cols)'({Quads{block}}) : row;
  end else begin : gen_rows
    logic unused_transposed;
    assign beat_taken_o      = rows_beat_taken;
    assign row_advance_o     = rows_row_advance;
    assign pmem_wvalid_o     = row_valid;
    assign pmem_wrow_o       = row_addr;
    assign pmem_wquads_o     = '1;
    assign pmem_wdata_o      = row;
    assign unused_transposed = ^{start_i, mask_i, row_last_i};
  end

  logic unused_bits;  // bits above the columns of a row's last beat, unregistered inputs
  assign unused_bits = ^{clk_i, rst_ni, clear_i, data_i, pair_i, second_i, last_i};

`ifdef TRINE_ASSERT
  logic               live_q, waits_q;  // a joined row was not taken
  logic [32*Cols-1:0] waiting_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q  <= 1'b0;
      waits_q <= 1'b0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= pending_o && !pmem_wready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    waiting_q <= pmem_wdata_o;
    if (live_q) begin
      if (valid_i && transposed_i) m_row_gone: assume (!pending_o);
      if (waits_q) a_row_held: assert (pmem_wvalid_o && pmem_wdata_o == waiting_q);
      if (done_o) a_done_written: assert (pmem_wvalid_o && pmem_wready_i);
      c_waits: cover (waits_q && beat_taken_o);
    end
  end
`endif

endmodule
