// SPDX-License-Identifier: Apache-2.0
//
// Subtracts a zero point times the byte sum of each word of a stream from an accumulator.
//
//   step              acc = (first_i ? 0 : acc) - zero_i * (sum of the four bytes of word_i)
//       modulo 2^AccBits
//   step with last_i  drain = the new acc
//
// load_i belongs to the current word. valid_i, first_i and last_i belong to the word of Stages - 1
// + Delay cycles ago. With two stages, the product has a register. With Booth rows (Multiplier),
// zero_i is {two, word} of the zero point's four digits, as computed by trine_booth_digits.
//
// Timing    drain_o is valid in the cycle after a step with last_i, and holds until the next step
//           with last_i.
// Check     trine_zero_points_tb

module trine_zero_sum #(
  parameter int unsigned Delay  = 0,
  parameter int unsigned Stages = 1,  // 1, 2
  parameter int unsigned AccBits = 32,
  parameter int Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned ZeroBits = Multiplier == trine_mul_pkg::Booth ? 12 : 8
) (
  input  logic        clk_i,

  input  logic        load_i,
  input  logic [ZeroBits-1:0] zero_i,
  input  logic [31:0] word_i,

  input  logic        valid_i,
  input  logic        first_i,
  input  logic        last_i,
  output logic [AccBits-1:0] drain_o
);

  localparam int unsigned Registers = Stages - 1 + Delay;  // product to accumulator

  logic signed [9:0]  sum;
  logic signed [17:0] product, late;
  logic [AccBits-1:0] acc_d, acc_q, drain_q;

  assign sum = 10'($signed(word_i[7:0])) + 10'($signed(word_i[15:8])) +
               10'($signed(word_i[23:16])) + 10'($signed(word_i[31:24]));

  if (Multiplier == trine_mul_pkg::Operator) begin : gen_operator
    assign product = 18'(sum) * 18'($signed(zero_i));
  end else begin : gen_booth
    // As in trine_dot, the inverted sign bits of the rows weigh 2^10, and one constant subtracts
    // them.
    localparam logic [17:0] Signs = 18'd1024 * 18'd85;  // 85 = 1 + 4 + 16 + 64

    logic [10:0] row;
    logic        negate, one, two;

    always_comb begin
      product = -$signed(Signs);
      row     = 11'd0;
      {two, negate, one} = 3'd0;
      for (int unsigned k = 0; k < 4; k++) begin
        {two, negate, one} = {zero_i[8+k], zero_i[2*k +: 2]};
        row     = {11{negate}} ^ (({11{one}} & {sum[9], sum}) | ({11{two}} & {sum, 1'b0}));
        product = product + (18'({~row[10], row[9:0]}) << (2 * k)) + (18'(negate) << (2 * k));
      end
    end
  end

  if (Registers > 0) begin : gen_registers
    logic [18*Registers-1:0] chain_q;  // the newest product is lowest
    always_ff @(posedge clk_i) begin
      chain_q <= (18*Registers)'({chain_q, load_i ? product : chain_q[17:0]});
    end
    assign late = chain_q[18*Registers-1 -: 18];
  end else begin : gen_none
    logic unused_load;
    assign late        = product;
    assign unused_load = load_i;
  end

  assign acc_d = (first_i ? '0 : acc_q) - AccBits'(late);

  always_ff @(posedge clk_i) begin
    if (valid_i) acc_q <= acc_d;
    if (valid_i && last_i) drain_q <= acc_d;
  end

  assign drain_o = drain_q;

endmodule
