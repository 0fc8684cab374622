// SPDX-License-Identifier: Apache-2.0
//
// Implements a block of PEs between two broadcast registers of trine_array. The block can be
// hardened once and placed as often as the array needs it.
//
//             valid, flags, wgt
//                    |
//            +-------v--------+       Every input except taps_i and cols_i ends in a register. The
//   act, --->| [reg]   PEs    |--->   registers send the words and flags of a step on one cycle
//   flags    |                | act,  later: to the right for the same rows, down (weights) for the
//            +-------+--------+ flags same columns.
//                    v wgt
//
// PE(r, c) accumulates dot(activation word r, weight word c) (trine_pe). With Booth rows, a weight
// arrives as digits (trine_booth_digits).
//
// With window_i (depthwise convolution, int8), column c uses byte FirstCol + c of the words of rows
// r to r + 3 instead of word r, if the word has such a byte. These bytes are four taps of a
// channel. The words of the three rows below the block are also inputs. These three rows have no
// PEs. The window former is combinational and comes after the registers. A constant taps_i of 0
// disables the window. Blocks to the right of the window's columns are instances of the same module
// with taps_i = 0, so a simulator does not evaluate their formers.
//
// Timing    Throughput is one step per cycle. A step leaves the block one cycle after its arrival,
//           and is added PeStages cycles after its arrival. column_o is combinational from cols_i.
//           Port k selects from columns k, k + Drain, k + 2 * Drain, ... It gives the column whose
//           bit in cols_i is set, or 0 if no bit is set.
// Clock     With ClockGates there is one gate. It is open while a step arrives, is in the
//           registers, or is in the PEs.
// Contract  See trine_pe. taps_i does not change.
//
// Check     verilator --lint-only -Wall trine_mul_pkg.sv trine_pe_block.sv; trine_array_tb

module trine_pe_block #(
  parameter int unsigned Rows       = 8,     // 1..256
  parameter int unsigned Cols       = 8,     // 1..256
  parameter int unsigned PeStages   = 2,     // stages of a PE: 1, 2
  parameter int unsigned AccBits    = 32,    // accumulator width: 20..32
  parameter bit          Int8       = 1'b1,
  parameter bit          Ternary    = 1'b1,
  parameter bit          Binary     = 1'b1,
  parameter bit          Window     = 1'b0,
  parameter int unsigned FirstCol   = 0,     // 0..3
  parameter int unsigned Drain      = 1,     // columns read at once: 1, 2
  parameter bit          ClockGates = 1'b0,
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned Lanes    = Rows + (Window ? 3 : 0),
  localparam int unsigned ActBits  = Binary ? 33 : 32,
  localparam int unsigned WgtBits  = Multiplier == trine_mul_pkg::Booth ? 48 : 32
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     test_en_i,  // opens the clock gate for scan
  input  logic                     taps_i,

  // One step of the reduction, from the left and from above.
  input  logic                     valid_i,
  input  logic                     first_i,
  input  logic                     last_i,
  input  logic [1:0]               mode_i,
  input  logic                     window_i,
  input  logic [Lanes*ActBits-1:0] act_i,
  input  logic [Cols*WgtBits-1:0]  wgt_i,

  // The same step, one cycle later.
  output logic                     valid_o,
  output logic                     first_o,
  output logic                     last_o,
  output logic [1:0]               mode_o,
  output logic                     window_o,
  output logic [Lanes*ActBits-1:0] act_o,
  output logic [Cols*WgtBits-1:0]  wgt_o,

  // Result columns, one after the other.
  input  logic [Cols-1:0]          cols_i,
  output logic [Drain*Rows*AccBits-1:0] column_o
);

  localparam int unsigned Flags = Window ? 5 : 4;

  // ---------------------------------------------------------------------------------------------
  // Clock.
  // ---------------------------------------------------------------------------------------------
  logic clk, open;

  if (ClockGates) begin : gen_gate
    logic [PeStages-1:0] steps_q;  // in the registers, in the PEs' first stage

    assign open = valid_i || steps_q != '0;

    trine_clock_gate u_gate (.clk_i, .en_i(open), .test_en_i, .clk_o(clk));

    always_ff @(posedge clk or negedge rst_ni) begin
      if (!rst_ni) steps_q <= '0;
      else         steps_q <= PeStages'({steps_q, valid_i});
    end
  end else begin : gen_no_gate
    logic unused_open;  // and test_en_i
    assign clk         = clk_i;
    assign open        = 1'b1;
    assign unused_open = open ^ test_en_i;
  end

  // ---------------------------------------------------------------------------------------------
  // The broadcast: one register for each row, with the step's control, and one for each column. The
  // control of the first row goes on to the next block.
  // ---------------------------------------------------------------------------------------------
  for (genvar r = 0; r < Lanes; r++) begin : gen_act
    logic             valid, ternary;  // bit 0 of the row's mode
    logic [Flags-1:0] flags;
    logic [31:0]      word;

    if (Binary) begin : gen_own_mode
      assign ternary               = act_i[ActBits*r + 32];
      assign act_o[ActBits*r + 32] = flags[0];
    end else begin : gen_one_mode
      assign ternary = mode_i[0];
    end

    trine_broadcast #(
      .Flags (Flags)
    ) u_word (
      .clk_i   (clk),
      .rst_ni  (rst_ni),
      .valid_i (valid_i),
      .flags_i (Flags'({window_i, first_i, last_i, mode_i[1], ternary})),
      .word_i  (act_i[ActBits*r +: 32]),
      .valid_o (valid),
      .flags_o (flags),
      .word_o  (word)
    );

    assign act_o[ActBits*r +: 32] = word;

    logic unused_control;  // control of rows without PEs
    assign unused_control = valid ^ ^flags ^ mode_i[0];
  end

  assign valid_o                   = gen_act[0].valid;
  assign {first_o, last_o, mode_o} = gen_act[0].flags[3:0];

  for (genvar c = 0; c < Cols; c++) begin : gen_wgt
    logic               valid, flags;
    logic [WgtBits-1:0] word;

    trine_broadcast #(
      .Flags (1),
      .Bits  (WgtBits)
    ) u_word (
      .clk_i   (clk),
      .rst_ni  (rst_ni),
      .valid_i (valid_i),
      .flags_i (1'b0),
      .word_i  (wgt_i[WgtBits*c +: WgtBits]),
      .valid_o (valid),
      .flags_o (flags),
      .word_o  (word)
    );

    assign wgt_o[WgtBits*c +: WgtBits] = word;

    logic unused_control;
    assign unused_control = valid ^ flags;
  end

  if (Window) begin : gen_window
    assign window_o = gen_act[0].flags[4];
  end else begin : gen_no_window
    logic unused_window;
    assign window_o      = 1'b0;
    assign unused_window = window_i ^ taps_i;
  end

  // ---------------------------------------------------------------------------------------------
  // The PEs and each row's multiplexers, one for each port: a chain of every Drain-th column.
  // ---------------------------------------------------------------------------------------------
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    for (genvar c = 0; c < Cols; c++) begin : gen_col
      logic [31:0]        act;
      logic [AccBits-1:0] drain, read;

      if (Window && FirstCol + c < 4) begin : gen_taps
        localparam int unsigned Low = 8 * (FirstCol + c);
        assign act = taps_i && gen_act[r].flags[4]
                     ? {gen_act[r+3].word[Low +: 8], gen_act[r+2].word[Low +: 8],
                        gen_act[r+1].word[Low +: 8], gen_act[r].word[Low +: 8]}
                     : gen_act[r].word;
      end else begin : gen_word
        assign act = gen_act[r].word;
      end

      trine_pe #(
        .Int8       (Int8),
        .Ternary    (Ternary),
        .Binary     (Binary),
        .AccBits    (AccBits),
        .Stages     (PeStages),
        .Multiplier (Multiplier)
      ) u_pe (
        .clk_i   (clk),
        .valid_i (gen_act[r].valid),
        .first_i (gen_act[r].flags[3]),
        .last_i  (gen_act[r].flags[2]),
        .mode_i  (gen_act[r].flags[1:0]),
        .act_i   (act),
        .wgt_i   (gen_wgt[c].word),
        .drain_o (drain)
      );

      if (c < Drain) begin : gen_first
        assign read = drain & {AccBits{cols_i[c]}};
      end else begin : gen_next
        assign read = gen_col[c-Drain].read | (drain & {AccBits{cols_i[c]}});
      end
      if (c + Drain >= Cols) begin : gen_port
        assign column_o[AccBits*(c%Drain*Rows + r) +: AccBits] = read;
      end
    end

    for (genvar k = Cols; k < Drain; k++) begin : gen_no_column
      assign column_o[AccBits*(k*Rows + r) +: AccBits] = '0;
    end
  end

`ifdef TRINE_ASSERT
  logic late_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      late_q <= 1'b0;
    end else begin
      late_q <= valid_o && PeStages > 1;
      a_open: assert (open || !(valid_i || valid_o || late_q));
    end
  end
`endif

endmodule
