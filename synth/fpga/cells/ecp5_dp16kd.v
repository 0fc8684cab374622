// SPDX-License-Identifier: Apache-2.0
//
// 18 Kibit of block RAM, two ports of 1, 2, 4, 9 or 18 bits; of 36 bits port A writes (with the
// data pins of both) and port B reads. A byte has 9 bits, of which narrow ports (1, 2, 4) reach 8.
// An address counts bits; of ports of 18 and 36 bits its lowest pins are the bytes' write enables.
// A port's output: after a read the word; after a write, by WRITEMODE, what it was (NORMAL), the
// new word or the old one; after RST 0, and nothing is written then. What is read while the other
// port writes it is unknown.
//
// Timing    none; with two clocks a word is also unknown where the other port will write it next
// Contract  pins and parameters that Yosys 0.23's synth_ecp5 writes: others stop the simulation
// Check     tests/ecp5/ecp5_test.py

module DP16KD (
  input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13,
  input DIA14, DIA15, DIA16, DIA17,
  input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
  output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13,
  output DOA14, DOA15, DOA16, DOA17,
  input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13,
  input DIB14, DIB15, DIB16, DIB17,
  input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
  output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13,
  output DOB14, DOB15, DOB16, DOB17
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 320'd0;
  parameter [319:0] INITVAL_01 = 320'd0;
  parameter [319:0] INITVAL_02 = 320'd0;
  parameter [319:0] INITVAL_03 = 320'd0;
  parameter [319:0] INITVAL_04 = 320'd0;
  parameter [319:0] INITVAL_05 = 320'd0;
  parameter [319:0] INITVAL_06 = 320'd0;
  parameter [319:0] INITVAL_07 = 320'd0;
  parameter [319:0] INITVAL_08 = 320'd0;
  parameter [319:0] INITVAL_09 = 320'd0;
  parameter [319:0] INITVAL_0A = 320'd0;
  parameter [319:0] INITVAL_0B = 320'd0;
  parameter [319:0] INITVAL_0C = 320'd0;
  parameter [319:0] INITVAL_0D = 320'd0;
  parameter [319:0] INITVAL_0E = 320'd0;
  parameter [319:0] INITVAL_0F = 320'd0;
  parameter [319:0] INITVAL_10 = 320'd0;
  parameter [319:0] INITVAL_11 = 320'd0;
  parameter [319:0] INITVAL_12 = 320'd0;
  parameter [319:0] INITVAL_13 = 320'd0;
  parameter [319:0] INITVAL_14 = 320'd0;
  parameter [319:0] INITVAL_15 = 320'd0;
  parameter [319:0] INITVAL_16 = 320'd0;
  parameter [319:0] INITVAL_17 = 320'd0;
  parameter [319:0] INITVAL_18 = 320'd0;
  parameter [319:0] INITVAL_19 = 320'd0;
  parameter [319:0] INITVAL_1A = 320'd0;
  parameter [319:0] INITVAL_1B = 320'd0;
  parameter [319:0] INITVAL_1C = 320'd0;
  parameter [319:0] INITVAL_1D = 320'd0;
  parameter [319:0] INITVAL_1E = 320'd0;
  parameter [319:0] INITVAL_1F = 320'd0;
  parameter [319:0] INITVAL_20 = 320'd0;
  parameter [319:0] INITVAL_21 = 320'd0;
  parameter [319:0] INITVAL_22 = 320'd0;
  parameter [319:0] INITVAL_23 = 320'd0;
  parameter [319:0] INITVAL_24 = 320'd0;
  parameter [319:0] INITVAL_25 = 320'd0;
  parameter [319:0] INITVAL_26 = 320'd0;
  parameter [319:0] INITVAL_27 = 320'd0;
  parameter [319:0] INITVAL_28 = 320'd0;
  parameter [319:0] INITVAL_29 = 320'd0;
  parameter [319:0] INITVAL_2A = 320'd0;
  parameter [319:0] INITVAL_2B = 320'd0;
  parameter [319:0] INITVAL_2C = 320'd0;
  parameter [319:0] INITVAL_2D = 320'd0;
  parameter [319:0] INITVAL_2E = 320'd0;
  parameter [319:0] INITVAL_2F = 320'd0;
  parameter [319:0] INITVAL_30 = 320'd0;
  parameter [319:0] INITVAL_31 = 320'd0;
  parameter [319:0] INITVAL_32 = 320'd0;
  parameter [319:0] INITVAL_33 = 320'd0;
  parameter [319:0] INITVAL_34 = 320'd0;
  parameter [319:0] INITVAL_35 = 320'd0;
  parameter [319:0] INITVAL_36 = 320'd0;
  parameter [319:0] INITVAL_37 = 320'd0;
  parameter [319:0] INITVAL_38 = 320'd0;
  parameter [319:0] INITVAL_39 = 320'd0;
  parameter [319:0] INITVAL_3A = 320'd0;
  parameter [319:0] INITVAL_3B = 320'd0;
  parameter [319:0] INITVAL_3C = 320'd0;
  parameter [319:0] INITVAL_3D = 320'd0;
  parameter [319:0] INITVAL_3E = 320'd0;
  parameter [319:0] INITVAL_3F = 320'd0;

  // The k-th byte is in word k div 2 of 20 bits, of which it has 9.
  localparam [64*320-1:0] Initial = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A,
    INITVAL_39, INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34,
    INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E,
    INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22,
    INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
    INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
    INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04,
    INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};

  reg [8:0] mem [0:2047];

  reg [319:0] row;
  integer i, k;
  initial begin
    for (i = 0; i < 64; i = i + 1) begin
      row = Initial[320*i +: 320];
      for (k = 0; k < 32; k = k + 1) mem[32*i + k] = row[20*(k/2) + 9*(k%2) +: 9];
    end
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CSDECODE_A != "0b000" ||
        CSDECODE_B != "0b000")
      $fatal(1, "DP16KD: REGMODE or CSDECODE");
  end

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
                     ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
                     ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
                     DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
                     DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  reg [35:0] qa, qb;

  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
          DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? qb[35:18] : qb[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
          DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? qb[17:0] : qa[17:0];

  wire clock_a = CLKAMUX == "INV" ? !CLKA : CLKA;
  wire clock_b = CLKBMUX == "INV" ? !CLKB : CLKB;
  wire on_a    = CEA && {CSA2, CSA1, CSA0} == 3'd0 && !(RESETMODE == "SYNC" && RSTA);
  wire on_b    = CEB && {CSB2, CSB1, CSB0} == 3'd0 && !(RESETMODE == "SYNC" && RSTB);

  // Bytes that a write reaches, from the first of its word on.
  function [3:0] enables(input integer width, input [13:0] at);
    enables = width == 36 ? at[3:0] : width == 18 ? {2'b00, at[1:0]} : 4'b0001;
  endfunction

  // Bits of an address that choose the word, and the word's first byte.
  function [13:0] word_of(input integer width);
    word_of = width == 36 ? 14'h3FE0 : width == 18 ? 14'h3FF0 : width == 9 ? 14'h3FF8 :
              width == 4 ? 14'h3FFC : width == 2 ? 14'h3FFE : 14'h3FFF;
  endfunction

  function [10:0] byte_of(input integer width, input [13:0] at);
    byte_of = {at[13:5], width == 36 ? 2'b00 : width == 18 ? {at[4], 1'b0} : at[4:3]};
  endfunction

  function [35:0] stored(input integer width, input [13:0] at);
    reg [10:0] b;
    begin
      b = byte_of(width, at);
      case (width)
        1: stored = {35'd0, mem[b][at[2:0]]};
        2: stored = {34'd0, mem[b][{at[2:1], 1'b0} +: 2]};
        4: stored = {32'd0, mem[b][{at[2], 2'b00} +: 4]};
        9: stored = {27'd0, mem[b]};
        18: stored = {18'd0, mem[b | 11'd1], mem[b]};
        default: stored = {mem[b | 11'd3], mem[b | 11'd2], mem[b | 11'd1], mem[b]};
      endcase
    end
  endfunction

  // The word of a port, where bytes that the other port is writing are unknown.
  function [35:0] read(input integer width, input [13:0] at, input writes,
                       input integer other_width, input [13:0] other_at);
    reg [3:0]  e;
    integer k, j;
    begin
      read = stored(width, at);
      e    = enables(other_width, other_at);
      if (writes && ((at ^ other_at) & word_of(width) & word_of(other_width)) == 14'd0)
        for (k = 0; k < 4; k = k + 1)
          for (j = 0; j < 4; j = j + 1)
            if (e[j] && byte_of(width, at) + k == byte_of(other_width, other_at) + j)
              read[9*k +: 9] = 9'bx;
    end
  endfunction

  function [35:0] merged(input [3:0] e, input [35:0] old, input [35:0] data);
    integer k;
    for (k = 0; k < 4; k = k + 1)
      merged[9*k +: 9] = e[k] ? data[9*k +: 9] : old[9*k +: 9];
  endfunction

  task store(input integer width, input [13:0] at, input [35:0] data);
    reg [10:0] b;
    begin
      b = byte_of(width, at);
      case (width)
        1: mem[b][at[2:0]] <= data[0];
        2: mem[b][{at[2:1], 1'b0} +: 2] <= data[1:0];
        4: mem[b][{at[2], 2'b00} +: 4] <= data[3:0];
        9: mem[b] <= data[8:0];
        18: begin
          if (at[0]) mem[b] <= data[8:0];
          if (at[1]) mem[b | 11'd1] <= data[17:9];
        end
        default: begin
          if (at[0]) mem[b] <= data[8:0];
          if (at[1]) mem[b | 11'd1] <= data[17:9];
          if (at[2]) mem[b | 11'd2] <= data[26:18];
          if (at[3]) mem[b | 11'd3] <= data[35:27];
        end
      endcase
    end
  endtask

  wire async_a = RESETMODE == "ASYNC" && RSTA;

  always @(posedge clock_a or posedge async_a)
    if (RSTA) qa <= 36'd0;
    else if (on_a) begin
      if (!WEA) qa <= read(DATA_WIDTH_A, ada, on_b && WEB, DATA_WIDTH_B, adb);
      else if (WRITEMODE_A == "READBEFOREWRITE") qa <= stored(DATA_WIDTH_A, ada);
      else if (WRITEMODE_A == "WRITETHROUGH")
        qa <= merged(enables(DATA_WIDTH_A, ada), stored(DATA_WIDTH_A, ada), {dib, dia});
    end

  always @(posedge clock_a) if (on_a && WEA) store(DATA_WIDTH_A, ada, {dib, dia});

  wire async_b = RESETMODE == "ASYNC" && RSTB;

  always @(posedge clock_b or posedge async_b)
    if (RSTB) qb <= 36'd0;
    else if (on_b) begin
      if (!WEB) qb <= read(DATA_WIDTH_B, adb, on_a && WEA, DATA_WIDTH_A, ada);
      else if (WRITEMODE_B == "READBEFOREWRITE") qb <= stored(DATA_WIDTH_B, adb);
      else if (WRITEMODE_B == "WRITETHROUGH")
        qb <= merged(enables(DATA_WIDTH_B, adb), stored(DATA_WIDTH_B, adb), {18'd0, dib});
    end

  always @(posedge clock_b) if (on_b && WEB) store(DATA_WIDTH_B, adb, {18'd0, dib});
endmodule
