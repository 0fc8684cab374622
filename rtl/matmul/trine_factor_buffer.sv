// SPDX-License-Identifier: Apache-2.0
//
// Buffers the factors of a reduction's parts, sign and magnitude, in two banks with one factor for
// each column. The factors of a part can therefore arrive while the columns of the previous part
// are drained.
//
//   PMEM row, two factors in a word -> bank -> factor_o of neighbouring columns
//
// Timing    factor_o is combinational from cols_i and bank_i, two cycles after load_i.
// Contract  load_i writes only a free bank. cols_i has at most one bit for each port. The factor of
//           the even column comes first.
// Check     random_program_test

module trine_factor_buffer #(
  parameter int unsigned Cols  = 8,
  parameter int unsigned Drain = 1  // columns per cycle: 1, 2
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,

  // A row of factors: use the high halves of its words; write this bank.
  input  logic                load_i,
  input  logic                second_i,
  input  logic                load_bank_i,
  input  logic [Cols*32-1:0]  row_i,
  output logic [1:0]          bank_free_o,

  // The columns that are read and their bank; banks that have been read.
  input  logic [Cols-1:0]     cols_i,
  input  logic                bank_i,
  input  logic [1:0]          read_i,
  output logic [Drain*16-1:0] factor_o
);

  logic [1:0] full_q;

  assign bank_free_o = ~full_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) full_q <= '0;
    else if (clear_i) full_q <= '0;
    else full_q <= (full_q & ~read_i) | {load_i && load_bank_i, load_i && !load_bank_i};
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    logic [15:0] even_q, odd_q, factor, read;

    assign factor = second_i ? row_i[32*c + 16 +: 16] : row_i[32*c +: 16];

    always_ff @(posedge clk_i) begin
      if (load_i && !load_bank_i) even_q <= factor;
      if (load_i && load_bank_i) odd_q <= factor;
    end

    if (c < Drain) begin : gen_first
      assign read = (bank_i ? odd_q : even_q) & {16{cols_i[c]}};
    end else begin : gen_next
      assign read = gen_col[c-Drain].read | ((bank_i ? odd_q : even_q) & {16{cols_i[c]}});
    end
    if (c + Drain >= Cols) begin : gen_port
      assign factor_o[16*(c%Drain) +: 16] = read;
    end
  end

  for (genvar k = Cols; k < Drain; k++) begin : gen_no_column
    assign factor_o[16*k +: 16] = '0;
  end

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (load_i) m_free: assume (bank_free_o[load_bank_i]);
      m_ports: assume (32'($countones(cols_i)) <= Drain);
      if (cols_i == '0) a_nothing: assert (factor_o == '0);
    end
  end
`endif

endmodule
