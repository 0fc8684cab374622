// SPDX-License-Identifier: Apache-2.0
//
// Stores weights: Depth rows of Cols words, even and odd rows in two single-port banks. With two
// banks, one stream of rows can be written while another is read.
//
// Timing    A row is in the memory's output one cycle after its read, until the next read. r_next_i
//           moves the row to r_data_o one cycle later, where it stays until the next r_next_i.
//           Reads are never refused. A write waits while its bank is read. With Ecc, words carry a
//           code (trine_ecc_pkg) and are corrected downstream of the r_data_o register. When a row
//           arrives in this register, ecc_* report the corrected columns and a word that cannot be
//           corrected. clear_i drops a row that was read and has not arrived. Errors of a dropped
//           row are not reported.
// Contract  Rows are below Depth. Depth is even. There are no reads and writes during init_i, which
//           writes zeros to row init_row_i of both banks.
//
// Check     trine_pmem_tb

module trine_pmem #(
  parameter int unsigned Cols  = 8,
  parameter int unsigned Depth = 2048,
  parameter bit          Ecc   = 1'b0,
  localparam int unsigned RowBits = $clog2(Depth),
  localparam int unsigned Quads   = (Cols + 3) / 4
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,

  input  logic               r_en_i,
  input  logic [RowBits-1:0] r_row_i,
  input  logic               r_next_i,  // the row that was read goes to r_data_o
  output logic [Cols*32-1:0] r_data_o,
  output logic [Cols*32-1:0] r_raw_o,   // the row that was read, before r_next_i; 0 with Ecc

  input  logic               w_valid_i,
  output logic               w_ready_o,
  input  logic [RowBits-1:0] w_row_i,
  input  logic [Cols*32-1:0] w_data_i,
  input  logic [Quads-1:0]   w_quads_i,  // columns 4q .. 4q + 3 are written

  // Zeros.
  input  logic               init_i,
  input  logic [RowBits-2:0] init_row_i,

  // With Ecc only.
  output logic [Cols-1:0]    ecc_corrected_o,
  output logic               ecc_fatal_o,
  output logic [7:0]         ecc_column_o,  // place of a word that cannot be corrected
  output logic [RowBits-1:0] ecc_row_o
);

  localparam int unsigned WordBits = Ecc ? trine_ecc_pkg::WordBits : 32;

  logic                     odd_q;
  logic [Cols*WordBits-1:0] rdata [2];
  logic [Cols*WordBits-1:0] mask, wdata, written, row_data_q;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end
`endif

  assign w_ready_o = !(r_en_i && r_row_i[0] == w_row_i[0]);

  always_ff @(posedge clk_i) begin
    if (r_en_i) odd_q <= r_row_i[0];
    if (r_next_i) row_data_q <= rdata[odd_q];
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_written
    assign mask[WordBits*c +: WordBits]    = {WordBits{w_quads_i[c / 4] || init_i}};
    assign written[WordBits*c +: WordBits] = init_i ? '0 : wdata[WordBits*c +: WordBits];
  end

  if (Ecc) begin : gen_code
    logic               read_q, rsp_valid_q;  // a row was read; it arrived in the register
    logic [RowBits-1:0] row_q, rsp_row_q;
    logic [Cols-1:0]    fixed, uncorrectable;

    for (genvar c = 0; c < Cols; c++) begin : gen_word
      trine_ecc_encode u_encode (
        .data_i (w_data_i[32*c +: 32]),
        .word_o (wdata[WordBits*c +: WordBits])
      );
      trine_ecc_decode u_decode (
        .word_i      (row_data_q[WordBits*c +: WordBits]),
        .data_o      (r_data_o[32*c +: 32]),
        .corrected_o (fixed[c]),
        .fatal_o     (uncorrectable[c])
      );
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        read_q      <= 1'b0;
        rsp_valid_q <= 1'b0;
      end else if (clear_i) begin
        read_q      <= 1'b0;
        rsp_valid_q <= 1'b0;
      end else begin
        read_q      <= r_en_i || (read_q && !r_next_i);
        rsp_valid_q <= read_q && r_next_i;
      end
    end

    always_ff @(posedge clk_i) begin
      if (r_en_i) row_q <= r_row_i;
      if (r_next_i) rsp_row_q <= row_q;
    end

    assign r_raw_o         = '0;
    assign ecc_corrected_o = rsp_valid_q ? fixed : '0;
    assign ecc_fatal_o     = rsp_valid_q && uncorrectable != '0;
    assign ecc_row_o       = rsp_row_q;

    always_comb begin
      ecc_column_o = '0;
      for (int unsigned c = Cols; c > 0; c--) begin
        if (uncorrectable[c-1]) ecc_column_o = 8'(c - 1);
      end
    end
  end else begin : gen_plain
    logic unused_ecc;
    assign wdata           = w_data_i;
    assign r_data_o        = row_data_q;
    assign r_raw_o         = rdata[odd_q];
    assign ecc_corrected_o = '0;
    assign ecc_fatal_o     = 1'b0;
    assign ecc_column_o    = '0;
    assign ecc_row_o       = '0;
    assign unused_ecc      = ^{rst_ni, clear_i};
  end

  for (genvar b = 0; b < 2; b++) begin : gen_bank
    logic read, write;

    assign read  = r_en_i && r_row_i[0] == 1'(b);
    assign write = w_valid_i && w_ready_o && w_row_i[0] == 1'(b);

    trine_sram #(.Width(WordBits * Cols), .Depth(Depth / 2), .MaskBits(WordBits)) u_sram (
      .clk_i,
      .en_i    (read || write || init_i),
      .we_i    (write || init_i),
      .addr_i  (init_i ? init_row_i : read ? r_row_i[RowBits-1:1] : w_row_i[RowBits-1:1]),
      .mask_i  (mask),
      .wdata_i (written),
      .rdata_o (rdata[b])
    );

`ifdef TRINE_ASSERT
    always_ff @(posedge clk_i) begin
      if (live_q) a_one_port: assert (!(read && write));
    end
`endif
`ifdef TRINE_LOCKSTEP
    always_ff @(posedge clk_i) begin
      if (read) trine_trace_pmem_read(int'(Cols));
    end
`endif
  end

`ifdef TRINE_LOCKSTEP
  import "DPI-C" function void trine_trace_pmem_read(input int words);
`endif

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (init_i) a_init_alone: assert (!r_en_i && !w_valid_i);
      if (r_en_i) m_read_row: assume (32'(r_row_i) < Depth);
      if (w_valid_i) m_write_row: assume (32'(w_row_i) < Depth);
    end
  end
`endif

endmodule
