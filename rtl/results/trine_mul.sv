// SPDX-License-Identifier: Apache-2.0
//
// Multiplies a signed by an unsigned number in carry-save form, with TFLite's rounding term in the
// same sum.
//
//   sum_o + carry_o = a_i * b_i + (nudge_i ? (a_i < 0 ? -1 : 1) * 2^NudgeBit : 0)
//                               + (half_i ? 2^HalfBit : 0) + (high_i ? 2^HighBit : 0)
//
// With Split, the upper half of a is multiplied by a signed multiplicand of its own, upper_i,
// instead of b_i. The product is then
//
//   a_i[Half-1:0] * b_i + a_i[AWidth-1:Half] * upper_i * 2^Half,  Half = AWidth / 2
//
// where upper_i must equal b_i unless a_i[Half-1] is 0. With Split, a product m * x of a 15-bit m
// and a 40-bit x can use the rows of a 32-bit by 31-bit product. In this case a is {m, m}, b is the
// low 16 bits of x, and upper is the high 24 bits of x.
//
// Sums are modulo 2^(AWidth + BWidth). NudgeBit = 2 * ceil(AWidth / 2) - 2 is the lowest bit of the
// top Booth digit, where the nudge costs only one gate. For 32 bits it is 30, as in TFLite. The
// result is in carry-save form because the carry-propagate adder is as slow as the rest: a pipeline
// needs a register between the two.
//
// Multiplier selects one of two bodies: `*` with a separate rounding term, or radix-4 Booth rows
// and a tree of 3:2 compressors.
//
// Timing    The outputs are combinational.
//
// Check     verilator --lint-only -Wall [-GMultiplier=1] trine_mul_pkg.sv trine_mul.sv
//           trine_mul_tb: both bodies and the netlist against the golden model

module trine_mul #(
  parameter  int unsigned AWidth     = 32,
  parameter  int unsigned BWidth     = 31,
  parameter  int unsigned HalfBit    = 31,  // above NudgeBit
  parameter  int unsigned HighBit    = 32,  // above HalfBit
  parameter  bit          Split      = 1'b0,  // upper_i; AWidth is a multiple of 4
  parameter  int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned Width      = AWidth + BWidth
) (
  input  logic [AWidth-1:0] a_i,  // signed
  input  logic [BWidth-1:0] b_i,  // unsigned
  input  logic [BWidth:0]   upper_i,  // signed
  input  logic              nudge_i,
  input  logic              half_i,
  input  logic              high_i,
  output logic [Width-1:0]  sum_o,
  output logic [Width-1:0]  carry_o
);

  localparam int Digits   = (AWidth + 1) / 2;
  localparam int NudgeBit = 2 * Digits - 2;

  if (AWidth < 4 || BWidth < 4) begin : gen_bad_width
    $error("trine_mul: AWidth and BWidth must be at least 4");
  end
  if (Split && AWidth % 4 != 0) begin : gen_bad_split
    $error("trine_mul: Split takes an AWidth of whole digits in each half");
  end
  if (HalfBit <= NudgeBit || HighBit <= HalfBit || HighBit >= Width) begin : gen_bad_half
    $error("trine_mul: HalfBit must be above NudgeBit, HighBit above that and inside the product");
  end
  if (Multiplier != trine_mul_pkg::Operator &&
      Multiplier != trine_mul_pkg::Booth) begin : gen_bad_multiplier
    $error("trine_mul: Multiplier must be one of trine_mul_pkg");
  end

  // Rows left after a number of levels of 3:2 compressors.
  function automatic int rows_after(input int levels);
    begin
      rows_after = Digits + 1;
      for (int level = 0; level < levels; level++) rows_after = rows_after - rows_after / 3;
    end
  endfunction
  function automatic int levels_to_two(input bit unused);
    begin
      levels_to_two = 0;
      for (int level = 0; level < 16; level++) begin
        if (rows_after(level) > 2) levels_to_two = level + 1;
      end
    end
  endfunction

  if (Multiplier == trine_mul_pkg::Operator) begin : gen_operator
    // The factors are multiplied as signed numbers. With an unsigned product of extended factors,
    // DSPs would also multiply the extension. The next adder adds the rounding term.
    logic signed [BWidth:0]  b;
    logic signed [Width-1:0] product;
    logic                    minus;

    assign b = $signed({1'b0, b_i});
    if (Split) begin : gen_halves
      localparam int unsigned Half = AWidth / 2;
      logic signed [Width-1:0] lower, upper;
      assign lower   = $signed({1'b0, a_i[Half-1:0]}) * b;
      assign upper   = $signed(a_i[AWidth-1:Half]) * $signed(upper_i);
      assign product = lower + (upper <<< Half);
    end else begin : gen_whole
      logic signed [AWidth-1:0] a;
      logic                     unused_upper;
      assign a            = $signed(a_i);
      assign product      = a * b;
      assign unused_upper = ^upper_i;
    end
    assign minus   = nudge_i && a_i[AWidth-1];
    assign sum_o   = $unsigned(product);
    assign carry_o = ({{(Width-1){minus}}, nudge_i} << NudgeBit) +
                     ((Width'(half_i) << HalfBit) | (Width'(high_i) << HighBit));
  end else begin : gen_booth
    // Booth digit j of a is d = a[2j-1] + a[2j] - 2*a[2j+1]. Its row is d * b in BWidth + 2 bits. A
    // row is negated by inversion, plus a one at its lowest bit. The next row has room for this
    // one. A row's sign s weighs -2^k, k = BWidth + 1 + 2j. Inverted and with a one above it adds
    // 2^k - s*2^k + 2^(k+1); with one more 2^k at digit 0 (as s s there) those ones telescope to
    // 2^(k+2*Digits) = 0.
    localparam int Levels = levels_to_two(1'b0);

    logic              unused_upper;
    logic [2*Digits:0] digits;  // a, sign-extended to whole digits, with the zero to its right
    logic [Digits-1:0] negate;

    assign unused_upper = ^upper_i;

    assign digits = {{(2 * Digits - AWidth){a_i[AWidth-1]}}, a_i, 1'b0};

    for (genvar l = 0; l <= Levels; l++) begin : gen_level
      logic [Width-1:0] rows [rows_after(l)];
    end

    for (genvar j = 0; j < Digits; j++) begin : gen_row
      localparam bit Upper = Split && j >= Digits / 2;
      logic            one, two, sign;
      logic [BWidth:0] factor, row;

      assign negate[j] = digits[2*j+2];
      assign one       = digits[2*j+1] ^ digits[2*j];
      assign two       = (digits[2*j+2] ^ digits[2*j+1]) & ~one;
      assign factor    = Upper ? upper_i : {1'b0, b_i};
      assign sign      = negate[j] ^ (Upper && factor[BWidth] && (one || two));
      assign row       = {(BWidth+1){negate[j]}} ^
                         (({(BWidth+1){one}} & factor) |
                          ({(BWidth+1){two}} & {factor[BWidth-1:0], 1'b0}));
      if (j == 0) begin : gen_first
        logic unused_sign;
        assign gen_level[0].rows[1] = Width'({~negate[0], negate[0], negate[0], row});
        assign unused_sign          = sign;
      end else begin : gen_next
        assign gen_level[0].rows[j+1] = (Width'({1'b1, ~sign, row}) << (2 * j)) |
                                      (Width'(negate[j-1]) << (2 * j - 2));
      end
    end

    // First row: the one that completes the top digit's negation (the foot, equal to a's sign) and
    // the nudge: foot + nudge - 2 * (foot and nudge) is an exclusive or.
    logic top;
    assign top = a_i[AWidth-1] ^ nudge_i;
    assign gen_level[0].rows[0] = (Width'(top) << NudgeBit) | (Width'(half_i) << HalfBit) |
                                     (Width'(high_i) << HighBit);

    // The rows that pass a level unchanged, and their places, were chosen by area: 5,344 GE, out of
    // 5,344 to 5,600.
    for (genvar l = 0; l < Levels; l++) begin : gen_tree
      localparam int Groups = rows_after(l) / 3;
      localparam int Rest   = rows_after(l) % 3;
      for (genvar i = 0; i < Groups; i++) begin : gen_compress
        logic [Width-1:0] x, y, z;
        assign x = gen_level[l].rows[Rest+3*i];
        assign y = gen_level[l].rows[Rest+3*i+1];
        assign z = gen_level[l].rows[Rest+3*i+2];
        assign gen_level[l+1].rows[2*i]   = x ^ y ^ z;
        assign gen_level[l+1].rows[2*i+1] = ((x & y) | (z & (x ^ y))) << 1;
      end
      for (genvar i = 0; i < Rest; i++) begin : gen_pass
        assign gen_level[l+1].rows[2*Groups+i] = gen_level[l].rows[i];
      end
    end

    assign sum_o   = gen_level[Levels].rows[0];
    assign carry_o = gen_level[Levels].rows[1];
  end

endmodule
