// SPDX-License-Identifier: Apache-2.0
//
// Weight memory: Depth rows of Cols words, even and odd rows in two single-port banks, so that a
// stream of rows can be written while another is read.
//
// Timing    a read answers one cycle later and holds until the next read; reads are never refused.
//           A write waits while its bank is read.
// Contract  rows are below Depth; Depth is even.
//
// Check     tb/trine_pmem_tb.cpp

module trine_pmem #(
  parameter int unsigned Cols  = 8,
  parameter int unsigned Depth = 2048,
  localparam int unsigned RowBits = $clog2(Depth),
  localparam int unsigned Quads   = (Cols + 3) / 4
) (
  input  logic               clk_i,

  input  logic               r_en_i,
  input  logic [RowBits-1:0] r_row_i,
  output logic [Cols*32-1:0] r_data_o,

  input  logic               w_valid_i,
  output logic               w_ready_o,
  input  logic [RowBits-1:0] w_row_i,
  input  logic [Cols*32-1:0] w_data_i,
  input  logic [Quads-1:0]   w_quads_i  // columns 4q .. 4q + 3 are written
);

  logic               odd_q;
  logic [Cols*32-1:0] rdata [2];
  logic [Cols*32-1:0] mask;

  assign w_ready_o = !(r_en_i && r_row_i[0] == w_row_i[0]);
  assign r_data_o  = rdata[odd_q];

  always_ff @(posedge clk_i) begin
    if (r_en_i) odd_q <= r_row_i[0];
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_mask
    assign mask[32*c +: 32] = {32{w_quads_i[c / 4]}};
  end

  for (genvar b = 0; b < 2; b++) begin : gen_bank
    logic read, write;

    assign read  = r_en_i && r_row_i[0] == 1'(b);
    assign write = w_valid_i && w_ready_o && w_row_i[0] == 1'(b);

    trine_sram #(.Width(32 * Cols), .Depth(Depth / 2)) u_sram (
      .clk_i,
      .en_i    (read || write),
      .we_i    (write),
      .addr_i  (read ? r_row_i[RowBits-1:1] : w_row_i[RowBits-1:1]),
      .mask_i  (mask),
      .wdata_i (w_data_i),
      .rdata_o (rdata[b])
    );

`ifdef TRINE_ASSERT
    always_ff @(posedge clk_i) begin
      a_one_port: assert (!(read && write));
    end
`endif
  end

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (r_en_i) m_read_row: assume (32'(r_row_i) < Depth);
    if (w_valid_i) m_write_row: assume (32'(w_row_i) < Depth);
  end
`endif

endmodule
