// SPDX-License-Identifier: Apache-2.0
//
// Small designs that Yosys' synth_ecp5 maps to each mode of the ECP5's cells; ecp5_test.py
// compares them with their netlist. Yosys 0.23 maps one shape wrongly, which is not here and
// which trine_sram avoids: an output that keeps its value in a write (Mode 0), with several write
// enables, in more than one block: blocks that a write does not reach read instead.
//
// Timing    results registered once
// Contract  addr_a != addr_b where a write of one meets the other
// Check     tests/ecp5/ecp5_test.py

// One write port, one read port; the first words have initial values.
module two_port #(
  parameter W = 36,
  parameter A = 9,
  parameter First = 256
) (
  input clk, we, re, clear,
  input [A-1:0] wa, ra,
  input [W-1:0] d,
  output reg [W-1:0] q
);
  (* ram_style = "block", no_rw_check *) reg [W-1:0] mem [0:(1<<A)-1];
  integer i;
  initial for (i = 0; i < First; i = i + 1) mem[i] = i * 1234567891;

  always @(posedge clk) begin
    if (we) mem[wa] <= d;
    if (clear) q <= {W{1'b0}};
    else if (re) q <= mem[ra];
  end
endmodule

// One port; Mode: 0 the output keeps its value in a write, 1 the old word, 2 the new one.
module one_port #(
  parameter Bytes = 2,
  parameter A = 10,
  parameter Mode = 0
) (
  input clk, en,
  input [Bytes-1:0] we,
  input [A-1:0] a,
  input [9*Bytes-1:0] d,
  output reg [9*Bytes-1:0] q
);
  (* ram_style = "block" *) reg [9*Bytes-1:0] mem [0:(1<<A)-1];
  integer b;

  always @(posedge clk)
    if (en) begin
      if (Mode != 0 || we == 0) q <= mem[a];
      for (b = 0; b < Bytes; b = b + 1)
        if (we[b]) begin
          mem[a][9*b +: 9] <= d[9*b +: 9];
          if (Mode == 2) q[9*b +: 9] <= d[9*b +: 9];
        end
    end
endmodule

// Two ports that both read and write, one of them on the falling edge.
module both_ports #(
  parameter W = 18,
  parameter A = 10
) (
  input clk, ea, eb, wa, wb,
  input [A-1:0] a, b,
  input [W-1:0] da, db,
  output reg [W-1:0] qa, qb
);
  (* ram_style = "block", no_rw_check *) reg [W-1:0] mem [0:(1<<A)-1];

  always @(posedge clk)
    if (ea) begin
      if (wa) mem[a] <= da;
      else qa <= mem[a];
    end

  always @(negedge clk)
    if (eb) begin
      if (wb) mem[b] <= db;
      else qb <= mem[b];
    end
endmodule

// Sums, comparisons, shifts, a LUT RAM and flip-flops of all kinds of reset.
module logic_cells (
  input clk, rst, en,
  input [35:0] d, e,
  output reg [35:0] sum, mix,
  output reg [7:0] up, set, plain,
  output [7:0] lut
);
  reg [7:0] mem [0:15];
  assign lut = mem[e[3:0]];

  always @(posedge clk) begin
    if (en) mem[d[3:0]] <= e[15:8];
    sum <= d + e - {e[17:0], d[35:18]};
    mix <= d < e ? d << e[5:0] : $signed(e) >>> d[4:0];
    if (rst) set <= 8'hA5;
    else if (en) set <= set + d[7:0];
    if (en) plain <= plain ^ e[7:0] ^ {plain[0], 7'd0};
    if (rst) plain <= 8'd0;
  end

  always @(posedge clk or posedge rst)
    if (rst) up <= 8'h3C;
    else if (en) up <= up - 8'd1 - e[7:0];
endmodule

module designs (
  input clk, rst, en, we, re, clear,
  input [3:0] be,
  input [13:0] addr_a, addr_b,
  input [35:0] d, e,
  output reg [1023:0] q
);
  wire [0:0] q1;
  wire [1:0] q2;
  wire [3:0] q4;
  wire [8:0] q9;
  wire [17:0] q18, a18, b18;
  wire [35:0] q36, sum, mix;
  wire [8:0] keep9, old9, new9, a9, b9;
  wire [17:0] keep18, old18, new18;
  wire [35:0] new36;
  wire [31:0] bytes8, bytes16, words;
  wire [36:0] bits;
  wire [7:0] up, set, plain, lut;

  two_port #(.W(1), .A(14)) u_1 (clk, we, re, 1'b0, addr_a, addr_b, d[0:0], q1);
  two_port #(.W(2), .A(13)) u_2 (clk, we, re, clear, addr_a[12:0], addr_b[12:0], d[1:0], q2);
  two_port #(.W(4), .A(12)) u_4 (clk, we, re, 1'b0, addr_a[11:0], addr_b[11:0], d[3:0], q4);
  two_port #(.W(9), .A(11)) u_9 (clk, we, re, clear, addr_a[10:0], addr_b[10:0], d[8:0], q9);
  two_port #(.W(18), .A(10)) u_18 (clk, we, re, clear, addr_a[9:0], addr_b[9:0], d[17:0], q18);
  two_port #(.W(36), .A(9)) u_36 (clk, we, re, clear, addr_a[8:0], addr_b[8:0], d, q36);
  one_port #(.Bytes(1), .A(11), .Mode(0)) u_keep9 (clk, en, be[0], addr_a[10:0], d[8:0], keep9);
  one_port #(.Bytes(1), .A(11), .Mode(1)) u_old9 (clk, en, be[0], addr_a[10:0], d[8:0], old9);
  one_port #(.Bytes(1), .A(11), .Mode(2)) u_new9 (clk, en, be[0], addr_a[10:0], d[8:0], new9);
  one_port #(.Bytes(2), .A(10), .Mode(0)) u_keep18 (clk, en, be[1:0], addr_a[9:0], d[17:0], keep18);
  one_port #(.Bytes(2), .A(10), .Mode(1)) u_old18 (clk, en, be[1:0], addr_a[9:0], d[17:0], old18);
  one_port #(.Bytes(2), .A(10), .Mode(2)) u_new18 (clk, en, be[1:0], addr_a[9:0], d[17:0], new18);
  one_port #(.Bytes(4), .A(9), .Mode(2)) u_new36 (clk, en, be, addr_a[8:0], d, new36);
  both_ports #(.W(9), .A(11)) u_both9 (clk, en, re, we, be[0], addr_a[10:0], addr_b[10:0], d[8:0],
                                       e[8:0], a9, b9);
  both_ports #(.W(18), .A(10)) u_both18 (clk, en, re, we, be[0], addr_a[9:0], addr_b[9:0], d[17:0],
                                         e[17:0], a18, b18);

  // Ours: a write of some bytes or bits leaves all of the output as it was.
  wire [31:0] mask8 = {{8{be[3]}}, {8{be[2]}}, {8{be[1]}}, {8{be[0]}}};
  wire [31:0] mask16 = {{16{be[1]}}, {16{be[0]}}};
  trine_sram #(.Width(32), .Depth(4096), .MaskBits(8)) u_bytes8 (
    clk, en, we, addr_a[11:0], mask8, d[31:0], bytes8);
  trine_sram #(.Width(32), .Depth(1024), .MaskBits(16)) u_bytes16 (
    clk, en, we, addr_a[9:0], mask16, d[31:0], bytes16);
  trine_sram #(.Width(32), .Depth(600), .MaskBits(32)) u_words (
    clk, en, we, {1'b0, addr_a[8:0]}, {32{1'b1}}, d[31:0], words);
  trine_sram #(.Width(37), .Depth(512), .MaskBits(1)) u_bits (
    clk, en, we, addr_a[8:0], {e[0], e}, {d[0], d}, bits);
  logic_cells u_logic (clk, rst, en, d, e, sum, mix, up, set, plain, lut);

  // Products: signed and not, narrow and wider than one cell.
  wire [35:0] uu = d[17:0] * e[17:0];
  wire [35:0] ss = $signed(d[17:0]) * $signed(e[17:0]);
  wire [35:0] su = $signed(d[17:0]) * $signed({1'b0, e[16:0]});
  wire [15:0] narrow = $signed(d[7:0]) * $signed(e[7:0]);
  wire [63:0] wide = $signed(d[31:0]) * $signed(e[31:0]);
  wire [49:0] mixed = d[35:10] * e[23:0];

  always @(posedge clk)
    q <= {q1, q2, q4, q9, q18, q36, keep9, old9, new9, keep18, old18, new18, new36, bytes8,
          bytes16, words, bits, a9, b9, a18, b18, sum, mix, up, set, plain, lut, uu, ss,
          su, narrow, wide, mixed};
endmodule
