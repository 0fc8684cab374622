// SPDX-License-Identifier: Apache-2.0
//
// Reads the rows of PMEM that the steps of the array need, ahead of these steps. A row is requested
// when the RUN starts, or when the step before the row's first step is issued. It is read when the
// memory's output is free. Then it moves to the next register and stays there until all its steps
// have passed. The last step of a tile ends its row. The next pixel tile starts again with the
// RUN's first row.
//
// With int8 activations and ternary or binary weights, a row serves 4 or 8 steps. With a window, a
// row serves WindowParts steps. part_o is the part of the row that the step at the front uses.
//
// With factors (Groups), a reduction consists of parts. In PMEM, a row of factors follows the rows
// of each even part. It contains the factors of that part and of the next part, and is read once
// for each of the two, into the part's bank. This read happens when the rows of the part have been
// read, the bank is free, and no row waits in the memory's output. At the latest, it happens in the
// cycle in which the part's last step passes, so the rows of later steps arrive in time.
//
// Timing    A row is available two cycles after its request, if the register is free. row_next_o is
//           combinational from pass_i.
// Contract  No step passes before row_valid_o.
// Check     trine_compute_tb

module trine_weight_rows #(
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned WindowParts  = 1,  // 1..8
  parameter bit          Groups       = 1'b0
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // The RUN: its first row, and the packing of the rows: 0 none (one row per step), 1 ternary, 2
  // binary, 3 window, 4 int4.
  input  logic                    start_i,
  input  logic [PmemAddrBits-1:0] row_i,
  input  logic [2:0]              bits_i,

  // A step is issued. It is the last step of a group of columns (last_i), of a pixel tile
  // (rewind_i), of the RUN (final_i).
  input  logic                    issued_i,
  input  logic                    last_i,
  input  logic                    rewind_i,
  input  logic                    final_i,

  // This step ends a part with factors. second_i: the factors are in the high halves of words.
  // bank_i: their bank. bank_free_i: free banks.
  input  logic                    part_i,
  input  logic                    second_i,
  input  logic                    bank_i,
  input  logic [1:0]              bank_free_i,

  // A step passes into the array. pass_last_i: it is the last step of a group.
  input  logic                    pass_i,
  input  logic                    pass_last_i,

  // PMEM: read a row; move the row that was read into the register that the array sees.
  output logic                    row_en_o,
  output logic [PmemAddrBits-1:0] row_o,
  output logic                    row_next_o,

  // Factors are in the memory's output: the half of the words, and the bank that they go to.
  output logic                    factors_o,
  output logic                    factors_second_o,
  output logic                    factors_bank_o,

  output logic                    row_valid_o,  // the array sees the row of the front step
  output logic [2:0]              part_o
);

  localparam int unsigned Asked = 8;  // requested rows: steps between issue and array, plus one

  logic [2:0]              issue_part_q, part_q, part_last;
  logic                    issue_row_end, row_end, ask, rewind, read, read_q, row_valid_q;
  logic [3:0]              asked_q;
  logic [PmemAddrBits-1:0] row_q;

  always_comb begin
    unique case (bits_i)
      3'd1:    part_last = 3'd3;
      3'd2:    part_last = 3'd7;
      3'd3:    part_last = 3'(WindowParts - 1);
      3'd4:    part_last = 3'd1;
      default: part_last = 3'd0;
    endcase
  end

  assign issue_row_end = last_i || issue_part_q == part_last;
  assign row_end       = pass_last_i || part_q == part_last;
  assign ask           = start_i || (issued_i && issue_row_end && (!final_i || (Groups && part_i)));

  always_ff @(posedge clk_i) begin
    if (start_i) issue_part_q <= '0;
    else if (issued_i) issue_part_q <= issue_row_end ? '0 : issue_part_q + 3'd1;
    if (start_i) part_q <= '0;
    else if (pass_i) part_q <= row_end ? '0 : part_q + 3'd1;
  end

  // Entry of a requested row: it is the first row of a tile. With factors also: the entry has a
  // row; a part ended before it; the half of the words, and the bank, of that part's factors.
  localparam int unsigned EntryBits = Groups ? 5 : 1;

  logic [EntryBits-1:0] entry;
  logic                 weights, ended, second, bank, pop, opens;
  logic                 want_q, want_second_q, want_bank_q, factors, skip;
  logic [PmemAddrBits-1:0] factors_row_q;

  trine_fifo #(.Width(EntryBits), .Depth(Asked)) u_asked (
    .clk_i,
    .rst_ni,
    .clear_i,
    .push_i (ask),
    .data_i (EntryBits'({bank_i, second_i, part_i && !start_i, start_i || !final_i,
                         start_i || rewind_i})),
    .pop_i  (pop),
    .head_o (entry)
  );

  if (Groups) begin : gen_groups
    logic last_q;  // factors were read
    assign {bank, second, ended, weights, rewind} = entry;
    assign factors = want_q && opens && bank_free_i[want_bank_q];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        want_q <= 1'b0;
        last_q <= 1'b0;
      end else if (clear_i) begin
        want_q <= 1'b0;
        last_q <= 1'b0;
      end else begin
        want_q <= (pop && ended) || (want_q && !factors);
        last_q <= factors;
      end
    end

    // Entries are in order, so the row that was read last belongs to the part that ended.
    always_ff @(posedge clk_i) begin
      if (pop && ended) begin
        want_second_q <= second;
        want_bank_q   <= bank;
        if (!second) factors_row_q <= row_q + PmemAddrBits'(1);
      end
      factors_second_o <= want_second_q;
      factors_bank_o   <= want_bank_q;
    end
    assign factors_o = last_q;
  end else begin : gen_no_groups
    logic unused_groups;
    assign rewind  = entry[0];
    assign weights = 1'b1;
    assign {ended, second, bank, factors, want_q, want_second_q, want_bank_q} = '0;
    assign factors_row_q = '0;
    assign {factors_o, factors_second_o, factors_bank_o} = '0;
    assign unused_groups = ^{bank, want_q, want_second_q, want_bank_q, bank_free_i};
  end

  assign row_next_o = !row_valid_q || (pass_i && row_end);
  assign opens      = !read_q || row_next_o;
  assign read       = asked_q != '0 && weights && opens && !factors;
  assign pop        = read || (asked_q != '0 && !weights);
  assign skip       = ended && !second;
  assign row_en_o   = read || factors;
  assign row_o      = factors ? factors_row_q
                      : rewind ? row_i : row_q + PmemAddrBits'(1) + PmemAddrBits'(skip);
  assign row_valid_o = row_valid_q;
  assign part_o      = part_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked_q     <= '0;
      read_q      <= 1'b0;
      row_valid_q <= 1'b0;
    end else if (clear_i) begin
      asked_q     <= '0;
      read_q      <= 1'b0;
      row_valid_q <= 1'b0;
    end else begin
      asked_q     <= asked_q + 4'(ask) - 4'(pop);
      read_q      <= read || (read_q && !row_next_o);
      row_valid_q <= row_next_o ? read_q : row_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (read) row_q <= row_o;
  end

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_asked: assert (asked_q <= 4'(Asked) && !(ask && asked_q == 4'(Asked)));
      if (pass_i) a_there: assert (row_valid_q);
      if (pop && ended) a_in_time: assert (!want_q || factors);
      c_ahead: cover (row_valid_q && read_q && asked_q != '0);
    end
  end
`endif

endmodule
