// SPDX-License-Identifier: Apache-2.0
//
// Implements the output-stationary array: PE(r, c) accumulates dot(activation word r, weight word
// c).
//
//   acc(r, c) = (first_i ? 0 : acc(r, c)) + dot(act_i[32*r +: 32], wgt_i[32*c +: 32])
//       modulo 2^AccBits
//
// Activations are broadcast along rows, and weights down columns. With Booth rows (Multiplier), a
// weight is broadcast as Booth digits, which trine_booth_digits computes once at the entry. The
// array is a grid of blocks of PipeRows x PipeCols PEs (trine_pe_block). Blocks at the right and at
// the bottom may be smaller. Each block starts with registers for words and control, and forwards
// their contents. Steps therefore move through the array as a skewed wavefront, and no wire is
// longer than a block. Block (h, g), with h = r / PipeRows and g = c / PipeCols, works h + g cycles
// after block (0, 0). The entry delays the activations of row group h by h cycles and the weights
// of column group g by g cycles, so that both arrive in the same cycle:
//
//              wgt_i        wgt_i delayed once
//                |            |
//   act_i ---> block ------> block       act_i of h = 0
//                |            |
//   act_i -1-> block ------> block       act_i of h = 1, delayed once (trine_delay)
//
// With window_i (depthwise convolution, int8), PE(r, c) with c < 4 uses byte c of the words of rows
// r to r+3 instead of word r. These bytes are four taps of channel c. Three additional rows without
// PEs carry the words of the last rows' neighbours. Each block also receives the words of the three
// rows below it. All blocks of one shape have equal parameters and are one module, so one hardened
// block serves all. Blocks to the right of column 3 therefore also contain a window former, unless
// PipeCols < 4.
//
// With Binary, the word of a row has one more bit: bit 32 is bit 0 of the row's mode. A masked tap
// of a binary RUN has mode 3, whose product is 0. This bit needs no additional register, because
// the broadcast register of each row stores the mode anyway.
//
// Timing    Throughput is one step per cycle. PE(r, c) adds a step L(r, c) cycles after the step's
//           input, with
//             L(r, c) = PeStages + r / PipeRows + c / PipeCols
//           Let last_i come in cycle t, and the next last_i in cycle u. The drain register of PE(r,
//           c) can be read from cycle t + 1 + L(r, c) on, and holds its result through cycle u +
//           L(r, c). Column c is therefore complete from cycle t + ColumnLatency(c) through cycle u
//           + L(0, c). The whole array is complete from cycle t + DrainLatency on.
//             ColumnLatency(c) = 1 + PeStages + (Rows - 1) / PipeRows + c / PipeCols
//             DrainLatency     = ColumnLatency(Cols - 1)
//           column_o is combinational from cols_i. It is a Cols:1 multiplexer of the drain
//           registers, whose first levels are in the blocks. With Drain = 2, column_o is two
//           neighbouring columns, from one multiplexer for the even columns and one for the odd
//           columns.
// Clock     With ClockGates, each block of PEs and each delay at the entry has a clock gate.
// Contract  See trine_pe: a reduction starts with first_i and ends with last_i, and mode_i is
//           stable in between. cols_i has at most one bit for each port. A port without a bit gives
//           0.
// Check     verilator --lint-only -Wall trine_mul_pkg.sv trine_array.sv; trine_array_tb

module trine_array #(
  parameter int unsigned Rows       = 8,     // 1..256
  parameter int unsigned Cols       = 8,     // 1..256
  parameter int unsigned PipeRows   = 8,     // rows that share one broadcast register
  parameter int unsigned PipeCols   = 8,
  parameter int unsigned PeStages   = 2,     // stages of a PE: 1, 2
  parameter int unsigned AccBits    = 32,    // accumulator width: 20..32
  parameter bit          Int8       = 1'b1,
  parameter bit          Ternary    = 1'b1,
  parameter bit          Binary     = 1'b1,
  parameter bit          Window     = 1'b0,
  parameter int unsigned Drain      = 1,     // columns read at once: 1, 2
  parameter bit          ClockGates = 1'b0,
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0),
  localparam int unsigned ActBits = Binary ? 33 : 32
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               test_en_i,  // opens the clock gates for scan

  // One step of the reduction.
  input  logic               valid_i,
  input  logic               first_i,
  input  logic               last_i,
  input  logic [1:0]         mode_i,
  input  logic               window_i,
  input  logic [Lanes*ActBits-1:0] act_i,
  input  logic [Cols*32-1:0] wgt_i,

  // The words of the previous step, from the registers at the entry.
  output logic [Rows*32-1:0] act_o,
  output logic [Cols*32-1:0] wgt_o,

  // Drain: result columns, one after the other. odd_i: the first of two columns is odd.
  input  logic [Cols-1:0]    cols_i,
  input  logic               odd_i,
  output logic [Drain*Rows*AccBits-1:0] column_o
);

  if (Rows < 1 || Rows > 256) begin : gen_bad_rows
    $error("trine_array: Rows must be 1..256");
  end
  if (Cols < 1 || Cols > 256) begin : gen_bad_cols
    $error("trine_array: Cols must be 1..256");
  end
  if (PipeRows < 1 || PipeCols < 1) begin : gen_bad_pipe
    $error("trine_array: PipeRows and PipeCols must be at least 1");
  end

  localparam int unsigned RowGroups = (Rows + PipeRows - 1) / PipeRows;
  localparam int unsigned ColGroups = (Cols + PipeCols - 1) / PipeCols;

  // ---------------------------------------------------------------------------------------------
  // Delays at the entry: row group h has h registers in front of its first block. The three rows
  // without PEs have as many as the last group.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Flags = 5;

  for (genvar h = 0; h < RowGroups + (Window ? 1 : 0); h++) begin : gen_act
    localparam bit          Extra = h == RowGroups;
    localparam int unsigned First = Extra ? Rows : h * PipeRows;
    localparam int unsigned Words = Extra ? 3 : Rows - First < PipeRows ? Rows - First : PipeRows;
    for (genvar k = 0; k < (Extra ? h - 1 : h); k++) begin : gen_stage
      logic                from_valid, valid;
      logic [Flags-1:0]    from_flags, flags;
      logic [Words*ActBits-1:0] from_words, words;
      if (k == 0) begin : gen_entry
        assign from_valid = valid_i;
        assign from_flags = {window_i, first_i, last_i, mode_i};
        assign from_words = act_i[ActBits*First +: ActBits*Words];
      end else begin : gen_chain
        assign from_valid = gen_act[h].gen_stage[k-1].valid;
        assign from_flags = gen_act[h].gen_stage[k-1].flags;
        assign from_words = gen_act[h].gen_stage[k-1].words;
      end

      trine_delay #(
        .Flags      (Flags),
        .Bits       (ActBits * Words),
        .ClockGates (ClockGates)
      ) u_stage (
        .clk_i,
        .rst_ni,
        .test_en_i,
        .valid_i (from_valid),
        .flags_i (from_flags),
        .words_i (from_words),
        .valid_o (valid),
        .flags_o (flags),
        .words_o (words)
      );

      logic unused_control;  // control of the rows without PEs
      assign unused_control = valid ^ ^flags;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Column group g has g registers, for words or their digits.
  // ---------------------------------------------------------------------------------------------
  localparam bit          Digits  = Multiplier == trine_mul_pkg::Booth;
  localparam int unsigned WgtBits = Digits ? 48 : 32;

  logic [Cols*WgtBits-1:0] entry;

  for (genvar c = 0; c < Cols; c++) begin : gen_entry
    if (Digits) begin : gen_digits
      trine_booth_digits #(
        .Int8    (Int8),
        .Ternary (Ternary),
        .Binary  (Binary)
      ) u_booth_digits (
        .mode_i   (mode_i),
        .word_i   (wgt_i[32*c +: 32]),
        .digits_o (entry[WgtBits*c +: WgtBits])
      );
    end else begin : gen_word
      assign entry[WgtBits*c +: WgtBits] = wgt_i[32*c +: 32];
    end
  end

  for (genvar g = 0; g < ColGroups; g++) begin : gen_wgt
    localparam int unsigned First = g * PipeCols;
    localparam int unsigned Words = Cols - First < PipeCols ? Cols - First : PipeCols;
    for (genvar k = 0; k < g; k++) begin : gen_stage
      logic                     from_valid, valid, flags;
      logic [Words*WgtBits-1:0] from_words, words;
      if (k == 0) begin : gen_entry
        assign from_valid = valid_i;
        assign from_words = entry[WgtBits*First +: WgtBits*Words];
      end else begin : gen_chain
        assign from_valid = gen_wgt[g].gen_stage[k-1].valid;
        assign from_words = gen_wgt[g].gen_stage[k-1].words;
      end

      trine_delay #(
        .Flags      (1),
        .Bits       (WgtBits * Words),
        .ClockGates (ClockGates)
      ) u_stage (
        .clk_i,
        .rst_ni,
        .test_en_i,
        .valid_i (from_valid),
        .flags_i (1'b0),
        .words_i (from_words),
        .valid_o (valid),
        .flags_o (flags),
        .words_o (words)
      );

      logic unused_control;  // valid bit of the last stage, flag of all
      assign unused_control = valid ^ flags;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The blocks: words and flags go right, weights down.
  // ---------------------------------------------------------------------------------------------
  for (genvar g = 0; g < ColGroups; g++) begin : gen_col
    localparam int unsigned First    = g * PipeCols;
    localparam int unsigned Words    = Cols - First < PipeCols ? Cols - First : PipeCols;
    // All blocks of one shape are equal, so blocks to the right also have a former, with taps_i =
    // 0.
    localparam bit          Seen     = Window && First < 4;
    localparam bit          Former   = Window && (PipeCols >= 4 || Seen);
    localparam int unsigned Taps     = Former ? 3 : 0;

    for (genvar h = 0; h < RowGroups; h++) begin : gen_row
      localparam int unsigned Top   = h * PipeRows;
      localparam int unsigned High  = Rows - Top < PipeRows ? Rows - Top : PipeRows;
      localparam int unsigned Lines = High + Taps;

      logic                           from_valid, valid;
      logic [Flags-1:0]               from_flags, flags;
      logic [Lines*ActBits-1:0]       from_act, act;
      logic [Words*WgtBits-1:0]       from_wgt, wgt;
      logic [Drain*High*AccBits-1:0]  column;

      if (g > 0) begin : gen_right
        assign from_valid = gen_col[g-1].gen_row[h].valid;
        assign from_flags = gen_col[g-1].gen_row[h].flags;
        assign from_act[ActBits*High-1:0] = gen_col[g-1].gen_row[h].act[ActBits*High-1:0];
        if (Seen) begin : gen_taps
          assign from_act[ActBits*High +: 3*ActBits] =
              gen_col[g-1].gen_row[h].act[ActBits*High +: 3*ActBits];
        end else if (Former) begin : gen_no_taps
          assign from_act[ActBits*High +: 3*ActBits] = '0;
        end
      end else begin : gen_left
        if (h == 0) begin : gen_first
          assign from_valid = valid_i;
          assign from_flags = {window_i, first_i, last_i, mode_i};
        end else begin : gen_later
          assign from_valid = gen_act[h].gen_stage[h-1].valid;
          assign from_flags = gen_act[h].gen_stage[h-1].flags;
        end
        for (genvar l = 0; l < Lines; l++) begin : gen_line
          localparam int unsigned Group = Top + l < Rows ? (Top + l) / PipeRows : RowGroups;
          localparam int unsigned Line  = Top + l < Rows ? (Top + l) % PipeRows : Top + l - Rows;
          if (h == 0) begin : gen_first
            assign from_act[ActBits*l +: ActBits] = act_i[ActBits*l +: ActBits];
          end else begin : gen_later
            assign from_act[ActBits*l +: ActBits] =
                gen_act[Group].gen_stage[h-1].words[ActBits*Line +: ActBits];
          end
        end
      end

      if (h > 0) begin : gen_down
        assign from_wgt = gen_col[g].gen_row[h-1].wgt;
      end else if (g > 0) begin : gen_delayed
        assign from_wgt = gen_wgt[g].gen_stage[g-1].words;
      end else begin : gen_top
        assign from_wgt = entry[WgtBits*Words-1:0];
      end

      trine_pe_block #(
        .Rows       (High),
        .Cols       (Words),
        .PeStages   (PeStages),
        .AccBits    (AccBits),
        .Int8       (Int8),
        .Ternary    (Ternary),
        .Binary     (Binary),
        .Window     (Former),
        .FirstCol   (PipeCols >= 4 ? 0 : First),
        .Drain      (Drain),
        .ClockGates (ClockGates),
        .Multiplier (Multiplier)
      ) u_block (
        .clk_i,
        .rst_ni,
        .test_en_i,
        .taps_i   (Seen),
        .valid_i  (from_valid),
        .first_i  (from_flags[3]),
        .last_i   (from_flags[2]),
        .mode_i   (from_flags[1:0]),
        .window_i (from_flags[4]),
        .act_i    (from_act),
        .wgt_i    (from_wgt),
        .valid_o  (valid),
        .first_o  (flags[3]),
        .last_o   (flags[2]),
        .mode_o   (flags[1:0]),
        .window_o (flags[4]),
        .act_o    (act),
        .wgt_o    (wgt),
        .cols_i   (cols_i[First +: Words]),
        .column_o (column)
      );

      logic unused_block;  // outputs of the last blocks to the right and down
      assign unused_block = valid ^ ^flags ^ ^act ^ ^wgt;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The words of the previous step.
  // ---------------------------------------------------------------------------------------------
  for (genvar r = 0; r < Rows; r++) begin : gen_act_entry
    if (r < PipeRows) begin : gen_block
      assign act_o[32*r +: 32] = gen_col[0].gen_row[0].act[ActBits*r +: 32];
    end else begin : gen_delay
      assign act_o[32*r +: 32] =
          gen_act[r/PipeRows].gen_stage[0].words[ActBits*(r%PipeRows) +: 32];
    end
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_wgt_entry
    logic [31:0] word;  // the first bits of a weight's digits
    if (c < PipeCols) begin : gen_block
      assign word = gen_col[0].gen_row[0].wgt[WgtBits*c +: 32];
    end else begin : gen_delay
      assign word = gen_wgt[c/PipeCols].gen_stage[0].words[WgtBits*(c%PipeCols) +: 32];
    end
    if (Digits) begin : gen_digits
      logic [15:0] unused_two;
      trine_booth_digits #(
        .Int8    (Int8),
        .Ternary (Ternary),
        .Binary  (Binary)
      ) u_word (
        .mode_i   (gen_col[0].gen_row[0].flags[1:0]),
        .word_i   (word),
        .digits_o ({unused_two, wgt_o[32*c +: 32]})
      );
    end else begin : gen_word
      assign wgt_o[32*c +: 32] = word;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The column multiplexer: a block without the port's column gives 0. Even columns, then odd.
  // ---------------------------------------------------------------------------------------------
  for (genvar r = 0; r < Rows; r++) begin : gen_drain
    localparam int unsigned Block = r / PipeRows, Row = r % PipeRows;
    localparam int unsigned Left  = Rows - Block * PipeRows;
    localparam int unsigned High  = Left < PipeRows ? Left : PipeRows;
    logic [Drain*AccBits-1:0] words;

    for (genvar p = 0; p < Drain; p++) begin : gen_port
      for (genvar g = 0; g < ColGroups; g++) begin : gen_group
        localparam int unsigned At = ((p + g * PipeCols) % Drain * High + Row) * AccBits;
        logic [AccBits-1:0] found;
        if (g == 0) begin : gen_first
          assign found = gen_col[g].gen_row[Block].column[At +: AccBits];
        end else begin : gen_more
          assign found = gen_col[g].gen_row[Block].column[At +: AccBits] |
                         gen_drain[r].gen_port[p].gen_group[g-1].found;
        end
      end
      assign words[AccBits*p +: AccBits] = gen_group[ColGroups-1].found;
    end

    if (Drain == 1) begin : gen_one
      logic unused_odd;
      assign column_o[AccBits*r +: AccBits] = words;
      assign unused_odd = odd_i;
    end else begin : gen_two
      assign column_o[AccBits*r +: AccBits]        = words[(odd_i ? AccBits : 0) +: AccBits];
      assign column_o[AccBits*(Rows+r) +: AccBits] = words[(odd_i ? 0 : AccBits) +: AccBits];
    end
  end

`ifdef TRINE_ASSERT
  logic               live_q, step_q;  // a step in the last cycle
  logic [Rows*32-1:0] acts, acts_q;
  logic [Cols*32-1:0] wgts_q;

  for (genvar r = 0; r < Rows; r++) begin : gen_asserted
    assign acts[32*r +: 32] = act_i[ActBits*r +: 32];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {live_q, step_q} <= '0;
    else         {live_q, step_q} <= {1'b1, valid_i};
  end

  always_ff @(posedge clk_i) begin
    acts_q <= acts;
    wgts_q <= wgt_i;
    if (live_q) begin
      m_ports: assume (32'($countones(cols_i)) <= Drain);
      if (step_q) a_entered: assert (act_o == acts_q && wgt_o == wgts_q);
    end
  end
`endif

endmodule
