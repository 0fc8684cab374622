// SPDX-License-Identifier: Apache-2.0
//
// Looks codes up in one table for each row; pairs of rows interpolate int16 codes between table
// points.
//
//   int8 code     code_o = table[code_i]
//   line_i        rows 2n and 2n + 1 give the high and the low byte of trine_interpolate's code
//                 for x_i; the even row's table contains the points' high bytes, the odd row's
//                 table their low bytes; points of an exponential are requested (point_req_o)
//                 and come two cycles later
//
// Timing    valid_o and code_o come one cycle after valid_i, 6 cycles with a line, or 7 cycles with
//           an exponential. A line can start every second cycle.
// Contract  line_i, tanh_i and exponential_i hold while a value is in the module. No table is
//           written while a value is in the module.
//
// Check     trine_post_tb

module trine_lookup #(
  parameter int unsigned Rows  = 8,
  parameter bit          Int16 = 1'b0,  // Rows is even
  parameter bit          Exponential = 1'b0,
  localparam int unsigned LineBits  = trine_post_pkg::LineBits,
  localparam int unsigned PointBits = trine_post_pkg::PointBits
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  input  logic                         valid_i,
  input  logic                         line_i,
  input  logic                         tanh_i,
  input  logic                         exponential_i,
  input  logic [Rows*8-1:0]            code_i,
  input  logic [Rows*LineBits-1:0]     x_i,  // of even rows
  output logic                         valid_o,
  output logic [Rows*8-1:0]            code_o,

  output logic [Rows*PointBits-1:0]    point_req_o,  // even rows: request for two points
  input  logic [Rows*32-1:0]           pair_i,       // of even rows

  input  trine_post_pkg::table_write_t table_i
);

  localparam int unsigned Pairs = Int16 ? Rows / 2 : 1;

  logic [Rows*8-1:0]  entry;
  logic [Pairs-1:0]   reads, line_valid;
  logic [Pairs*8-1:0] index;
  logic [Rows*8-1:0]  line_code;
  logic               found_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) found_q <= 1'b0;
    else         found_q <= valid_i && !line_i;
  end

  assign valid_o = found_q || line_valid[0];
  assign code_o  = line_i ? line_code : entry;

  for (genvar l = 0; l < Rows; l++) begin : gen_row
    localparam int unsigned Pair = Int16 ? l / 2 : 0;

    trine_table u_table (
      .clk_i,
      .en_i    (line_i ? reads[Pair] : valid_i),
      .code_i  (line_i ? index[Pair*8 +: 8] : code_i[l*8 +: 8]),
      .entry_o (entry[l*8 +: 8]),
      .we_i    (table_i.we),
      .addr_i  (table_i.addr),
      .wdata_i (Int16 && l % 2 == 0 ? table_i.wdata[15:8] : table_i.wdata[7:0])
    );
  end

  if (Int16) begin : gen_lines
    for (genvar p = 0; p < Pairs; p++) begin : gen_pair
      assign point_req_o[2*p*PointBits +: 2*PointBits] =
          (2*PointBits)'({reads[p] && exponential_i, index[p*8 +: 8]});

      trine_interpolate #(.Exponential(Exponential)) u_interpolate (
        .clk_i,
        .rst_ni,
        .start_i (valid_i && line_i),
        .tanh_i,
        .exponential_i,
        .x_i     (x_i[2*p*LineBits +: LineBits]),
        .reads_o (reads[p]),
        .index_o (index[p*8 +: 8]),
        .entry_i ({entry[2*p*8 +: 8], entry[(2*p+1)*8 +: 8]}),
        .pair_i  (pair_i[2*p*32 +: 32]),
        .valid_o (line_valid[p]),
        .code_o  ({line_code[2*p*8 +: 8], line_code[(2*p+1)*8 +: 8]})
      );
    end
  end else begin : gen_no_lines
    assign {reads, index, line_valid, line_code, point_req_o} = '0;
  end

  logic unused_lines;
  assign unused_lines = ^{tanh_i, exponential_i, x_i, table_i, line_valid, pair_i};

`ifdef TRINE_ASSERT
  logic       live_q;
  logic [7:1] inside_q;  // [k]: a line's value entered k cycles ago
  logic [2:0] kind_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, inside_q} <= '0;
    end else begin
      live_q   <= 1'b1;
      inside_q <= {inside_q[6:1], valid_i && line_i};
    end
  end

  always_ff @(posedge clk_i) begin
    kind_q <= {line_i, tanh_i, exponential_i};
    if (live_q) begin
      if (inside_q[6:1] != '0) m_kind_held: assume ({line_i, tanh_i, exponential_i} == kind_q);
      a_one_code:       assert (!(found_q && line_valid[0]));
      a_pairs_together: assert (line_valid == '0 || line_valid == '1);
      if (line_valid[0]) a_in_time: assert (inside_q[exponential_i ? 7 : 6]);
    end
  end
`endif

endmodule
