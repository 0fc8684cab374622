// SPDX-License-Identifier: Apache-2.0
//
// Output-stationary array of PEs: PE(r, c) accumulates dot(activation word r, weight word c).
//
//   acc(r, c) = (first_i ? 0 : acc(r, c)) + dot(act_i[32*r +: 32], wgt_i[32*c +: 32])
//       modulo 2^AccBits
//
// Activations are broadcast along rows, weights down columns; for Booth rows (Multiplier) a weight
// travels as its digits (trine_digits), made in front of the register at the entry. The broadcast
// is registered there and again every PipeCols columns and PipeRows rows, so no wire is longer than
// a block of PipeRows x PipeCols PEs: a skewed wavefront. Block (h, g), h = r / PipeRows,
// g = c / PipeCols, works h + g cycles after block (0, 0); activations of row group h are delayed
// by h cycles at the entry, weights of column group g by g, so that both meet, and control travels
// with them.
//
// With window_i (depthwise convolution, int8) PE(r, c), c < 4, takes byte c of the words of rows r
// to r+3 instead of word r: four taps of channel c. Three rows more, without PEs, bring the last
// rows' neighbours. The former is behind the broadcast registers: it needs no more of them.
//
// Timing    one step a cycle. PE(r, c) adds a step PeStages + r / PipeRows + c / PipeCols cycles
//           after its input. With last_i in cycle t, the drain register of PE(r, c) can be read
//           from cycle t + 1 + PeStages + r / PipeRows + c / PipeCols on. So column c is complete
//           from t + ColumnLatency(c) on and the whole array from t + DrainLatency on:
//             ColumnLatency(c) = 1 + PeStages + (Rows - 1) / PipeRows + c / PipeCols
//             DrainLatency     = ColumnLatency(Cols - 1)
//           and PE(r, c) holds its result until the next last_i, in cycle u, reaches it: through
//           cycle u + PeStages + r / PipeRows + c / PipeCols. Column c is whole through
//           u + PeStages + c / PipeCols.
//           column_o is combinational from col_i, a Cols:1 multiplexer of the drain registers. With
//           Drain = 2 it holds columns col_i and col_i + 1, by a multiplexer for the even columns
//           and one for the odd.
// Clock     with ClockGates each block of PEs has a gate, with the broadcast registers in front of
//           it; those that delay rows or columns at the entry, too.
// Contract  as trine_pe: reductions start with first_i and end with last_i, mode_i is stable in
//           between. col_i < Cols; column Cols is nobody's.
//
// Check     verilator --lint-only -Wall trine_array.sv trine_broadcast.sv trine_pe.sv trine_dot.sv
//           trine_digits.sv trine_mul_pkg.sv trine_clock_gate.sv; tb/trine_array_tb.cpp

module trine_array #(
  parameter int unsigned Rows       = 8,     // 1..256
  parameter int unsigned Cols       = 8,     // 1..256
  parameter int unsigned PipeRows   = 8,     // rows that share one broadcast register
  parameter int unsigned PipeCols   = 8,
  parameter int unsigned PeStages   = 2,     // of a PE: 1, 2
  parameter int unsigned AccBits    = 32,    // of an accumulator: 20..32
  parameter bit          Int8       = 1'b1,
  parameter bit          Ternary    = 1'b1,
  parameter bit          Binary     = 1'b1,
  parameter bit          Window     = 1'b0,
  parameter int unsigned Drain      = 1,     // columns read at once: 1, 2
  parameter bit          ClockGates = 1'b0,
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0),
  localparam int unsigned ColBits = Cols > 1 ? $clog2(Cols) : 1
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  // One step of the reduction.
  input  logic               valid_i,
  input  logic               first_i,
  input  logic               last_i,
  input  logic [1:0]         mode_i,
  input  logic               window_i,
  input  logic [Lanes*32-1:0] act_i,
  input  logic [Cols*32-1:0] wgt_i,

  // The words of the step before: the registers at the entry.
  output logic [Rows*32-1:0] act_o,
  output logic [Cols*32-1:0] wgt_o,

  // Drain: columns of results, one above the other.
  input  logic [ColBits-1:0] col_i,
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
  // Clocks. Gate (h, s) is that of what row group h does at stage s: of its registers there and,
  // from stage h on, of block (h, s - h) with its weights. Weights that are delayed at the entry
  // have row group 0's. It is open while a step arrives, is there, or is in the PEs.
  // ---------------------------------------------------------------------------------------------
  for (genvar h = 0; h < RowGroups; h++) begin : gen_clock
    for (genvar s = 0; s < h + ColGroups; s++) begin : gen_stage
      logic clk, open;
      if (ClockGates) begin : gen_gate
        logic                arrives;
        logic [PeStages-1:0] steps_q;  // there, in the PEs' first stage

        if (s == 0) begin : gen_entry
          assign arrives = valid_i;
        end else begin : gen_chain
          assign arrives = gen_clock[h].gen_stage[s-1].gen_gate.steps_q[0];
        end
        assign open = arrives || steps_q != '0;

        trine_clock_gate u_gate (.clk_i, .en_i(open), .clk_o(clk));

        always_ff @(posedge clk or negedge rst_ni) begin
          if (!rst_ni) steps_q <= '0;
          else         steps_q <= PeStages'({steps_q, arrives});
        end
      end else begin : gen_none
        logic unused_open;
        assign clk         = clk_i;
        assign open        = 1'b1;
        assign unused_open = open;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Broadcast along rows: the word and the control of a step. Row r is delayed by h registers,
  // then it has one register a column group. One scalar net a stage: with an array, the simulator
  // would evaluate all PEs again when the entry changes.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Flags = Window ? 5 : 4;

  for (genvar r = 0; r < Lanes; r++) begin : gen_act
    localparam int unsigned Delay  = (r < Rows ? r : Rows - 1) / PipeRows;
    localparam int unsigned Stages = Delay + (r < Rows ? ColGroups : 3 / PipeCols + 1);
    for (genvar k = 0; k < Stages; k++) begin : gen_stage
      logic        from_valid, valid;
      logic [Flags-1:0] from_flags, flags;
      logic [31:0] from_word, word;
      if (k == 0) begin : gen_entry
        assign from_valid = valid_i;
        assign from_flags = Flags'({window_i, first_i, last_i, mode_i});
        assign from_word  = act_i[32*r +: 32];
      end else begin : gen_chain
        assign from_valid = gen_act[r].gen_stage[k-1].valid;
        assign from_flags = gen_act[r].gen_stage[k-1].flags;
        assign from_word  = gen_act[r].gen_stage[k-1].word;
      end

      trine_broadcast #(
        .Flags (Flags)
      ) u_stage (
        .clk_i   (gen_clock[Delay].gen_stage[k].clk),
        .rst_ni  (rst_ni),
        .valid_i (from_valid),
        .flags_i (from_flags),
        .word_i  (from_word),
        .valid_o (valid),
        .flags_o (flags),
        .word_o  (word)
      );

      logic unused_stage;  // of the rows without PEs, and beyond column 3
      assign unused_stage = valid ^ ^flags ^ ^word;

`ifdef TRINE_ASSERT
      logic late_q;
      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          late_q <= 1'b0;
        end else begin
          late_q <= valid && PeStages > 1;
          a_open: assert (gen_clock[Delay].gen_stage[k].open || !(from_valid || valid || late_q));
        end
      end
`endif
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Broadcast down columns: the word or its digits. Column c is delayed by g registers, then it has
  // one register a row group.
  // ---------------------------------------------------------------------------------------------
  localparam bit          Digits  = Multiplier == trine_mul_pkg::Booth;
  localparam int unsigned WgtBits = Digits ? 48 : 32;

  for (genvar c = 0; c < Cols; c++) begin : gen_wgt
    localparam int unsigned Delay = c / PipeCols;
    logic [WgtBits-1:0] entry;
    if (Digits) begin : gen_digits
      trine_digits #(
        .Int8    (Int8),
        .Ternary (Ternary),
        .Binary  (Binary)
      ) u_digits (
        .mode_i   (mode_i),
        .word_i   (wgt_i[32*c +: 32]),
        .digits_o (entry)
      );
    end else begin : gen_word
      assign entry = wgt_i[32*c +: 32];
    end

    for (genvar k = 0; k < Delay + RowGroups; k++) begin : gen_stage
      logic               from_valid, valid, flags;
      logic [WgtBits-1:0] from_word, word;
      if (k == 0) begin : gen_entry
        assign from_valid = valid_i;
        assign from_word  = entry;
      end else begin : gen_chain
        assign from_valid = gen_wgt[c].gen_stage[k-1].valid;
        assign from_word  = gen_wgt[c].gen_stage[k-1].word;
      end

      trine_broadcast #(
        .Flags (1),
        .Bits  (WgtBits)
      ) u_stage (
        .clk_i   (gen_clock[k < Delay ? 0 : k - Delay].gen_stage[k].clk),
        .rst_ni  (rst_ni),
        .valid_i (from_valid),
        .flags_i (1'b0),
        .word_i  (from_word),
        .valid_o (valid),
        .flags_o (flags),
        .word_o  (word)
      );

      logic unused_stage;  // the last one's valid bit, and the flag of all
      assign unused_stage = valid ^ flags;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The PEs and the column multiplexer.
  // ---------------------------------------------------------------------------------------------
  for (genvar c = 0; c < Cols; c++) begin : gen_wgt_entry
    if (Digits) begin : gen_digits
      logic [15:0] unused_two;
      trine_digits #(
        .Int8    (Int8),
        .Ternary (Ternary),
        .Binary  (Binary)
      ) u_word (
        .mode_i   (gen_act[0].gen_stage[0].flags[1:0]),
        .word_i   (gen_wgt[c].gen_stage[0].word[31:0]),
        .digits_o ({unused_two, wgt_o[32*c +: 32]})
      );
    end else begin : gen_word
      assign wgt_o[32*c +: 32] = gen_wgt[c].gen_stage[0].word;
    end
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic [Cols*AccBits-1:0] drain;
    assign act_o[32*r +: 32] = gen_act[r].gen_stage[0].word;
    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned Stage = r / PipeRows + c / PipeCols;
      logic [31:0] act;

      if (Window && c < 4) begin : gen_window
        assign act = gen_act[r].gen_stage[Stage].flags[4]
                     ? {gen_act[r+3].gen_stage[Stage].word[8*c +: 8],
                        gen_act[r+2].gen_stage[Stage].word[8*c +: 8],
                        gen_act[r+1].gen_stage[Stage].word[8*c +: 8],
                        gen_act[r].gen_stage[Stage].word[8*c +: 8]}
                     : gen_act[r].gen_stage[Stage].word;
      end else begin : gen_word
        assign act = gen_act[r].gen_stage[Stage].word;
      end

      trine_pe #(
        .Int8       (Int8),
        .Ternary    (Ternary),
        .Binary     (Binary),
        .AccBits    (AccBits),
        .Stages     (PeStages),
        .Multiplier (Multiplier)
      ) u_pe (
        .clk_i   (gen_clock[r/PipeRows].gen_stage[Stage].clk),
        .valid_i (gen_act[r].gen_stage[Stage].valid),
        .first_i (gen_act[r].gen_stage[Stage].flags[3]),
        .last_i  (gen_act[r].gen_stage[Stage].flags[2]),
        .mode_i  (gen_act[r].gen_stage[Stage].flags[1:0]),
        .act_i   (act),
        .wgt_i   (gen_wgt[c].gen_stage[Stage].word),
        .drain_o (drain[AccBits*c +: AccBits])
      );
    end

    if (Drain == 1) begin : gen_one
      assign column_o[AccBits*r +: AccBits] = drain[AccBits*col_i +: AccBits];
    end else begin : gen_two
      localparam int unsigned Evens = (Cols + 1) / 2, Odds = Cols > 1 ? Cols / 2 : 1;
      logic [Evens*AccBits-1:0] evens;
      logic [Odds*AccBits-1:0]  odds;
      logic [AccBits-1:0]       even, odd;
      logic [ColBits-1:0]       even_at, odd_at;

      for (genvar k = 0; k < Evens; k++) begin : gen_even
        assign evens[AccBits*k +: AccBits] = drain[AccBits*2*k +: AccBits];
      end
      for (genvar k = 0; k < Odds; k++) begin : gen_odd
        assign odds[AccBits*k +: AccBits] = drain[AccBits*(Cols > 1 ? 2*k + 1 : 0) +: AccBits];
      end
      assign odd_at  = ColBits'({1'b0, col_i} >> 1);  // of one column, too
      assign even_at = odd_at + ColBits'(col_i[0]);
      assign even    = evens[AccBits*even_at +: AccBits];
      assign odd     = odds[AccBits*odd_at +: AccBits];
      assign column_o[AccBits*r +: AccBits]        = col_i[0] ? odd : even;
      assign column_o[AccBits*(Rows+r) +: AccBits] = col_i[0] ? even : odd;
    end
  end

endmodule
