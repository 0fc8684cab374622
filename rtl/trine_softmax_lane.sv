// SPDX-License-Identifier: Apache-2.0
//
// One lane of the softmax: what TFLite's kernel computes for the codes of one pixel, in fixed point.
//
//   maximum     of the codes, from the vector lane's four (one for each byte of its words)
//   sum         of round(e / 2^12), e = exponential[maximum - code]
//   reciprocal  of the sum: shifted left until bit 30 is one it is `half` = 1/2 .. 1 in Q0.31; then
//                 x = 48/17 - 32/17 half,  three times x += x (1 - half x)  in Q2.29
//   code        round(e * 2x / 2^(65 - zeros)), rounded twice, zeros = leading zeros of the sum: the post
//               lane's requantization of acc_o = e by multiplier_o = 2x and shift_o
//
// The products of the reciprocal are made by the post lane's multiplier, too: acc_o * multiplier_o comes
// back as product_i, without its low 30 bits. Bit 0 of product_i rounds.
//
// Timing    an entry that is read is there in the next cycle, until the next one is read.
// Contract  the first exponential is 2^31 - 1, all are below 2^31; at most 4,095 are added: the sum is in
//           2^19 .. 2^31 - 1. No table writes while entries are read.
//
// Check     tb/trine_softmax_lane_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_softmax_lane #(
  parameter int unsigned DataWords = 2,  // power of two, 2..16
  localparam int unsigned AddrBits = $clog2(trine_isa_pkg::ExponentialWords / DataWords)
) (
  input  logic                    clk_i,

  // Words on their way to the table: two places.
  input  logic                    write_i,
  input  logic                    write_place_i,
  input  logic [31:0]             word_i,
  input  logic                    read_i,
  input  logic                    read_place_i,
  input  logic [1:0]              read_byte_i,

  input  logic                    maximum_i,  // of the four bytes; sum = 0
  input  logic [31:0]             bytes_i,
  input  logic                    add_i,      // the entry read last, to the sum
  input  logic                    shift_4_i,  // the sum, by 4 or by 1, if so many of its high bits are zero
  input  logic                    shift_1_i,

  // Reciprocal: product number step_i, 0..6, its result, and what follows from that.
  input  logic                    reciprocal_i,
  input  logic [2:0]              step_i,
  input  logic                    product_valid_i,
  input  logic [31:0]             product_i,
  input  logic                    update_i,

  // To the post lane.
  output logic [31:0]             acc_o,
  output logic [30:0]             multiplier_o,
  output logic [5:0]              shift_o,

  // The table's entries.
  input  logic                    table_we_i,
  input  logic [AddrBits-1:0]     table_addr_i,
  input  logic [32*DataWords-1:0] table_wdata_i
);

  localparam logic [30:0] Q48Over17      = 31'd1515870810;
  localparam logic [31:0] QMinus32Over17 = -32'sd1010580540;
  localparam logic [30:0] QOne           = 31'd1 << 29;

  // ---------------------------------------------------------------------------------------------
  // Maximum, exponential.
  // ---------------------------------------------------------------------------------------------
  logic [31:0]       word_0_q, word_1_q, word, entry;
  logic signed [7:0] low_pair, high_pair, maximum_q;
  logic [7:0]        code;

  assign low_pair  = $signed(bytes_i[7:0]) > $signed(bytes_i[15:8]) ? bytes_i[7:0] : bytes_i[15:8];
  assign high_pair = $signed(bytes_i[23:16]) > $signed(bytes_i[31:24]) ? bytes_i[23:16]
                                                                       : bytes_i[31:24];

  always_ff @(posedge clk_i) begin
    if (write_i && !write_place_i) word_0_q <= word_i;
    if (write_i && write_place_i) word_1_q <= word_i;
    if (maximum_i) maximum_q <= low_pair > high_pair ? low_pair : high_pair;
  end

  assign word = read_place_i ? word_1_q : word_0_q;
  assign code = word[{read_byte_i, 3'd0} +: 8];

  trine_table #(.DataWords(DataWords), .EntryBits(32)) u_exponentials (
    .clk_i,
    .en_i    (read_i),
    .code_i  ($unsigned(maximum_q) - code),
    .entry_o (entry),
    .we_i    (table_we_i),
    .addr_i  (table_addr_i),
    .wdata_i (table_wdata_i)
  );

  // ---------------------------------------------------------------------------------------------
  // Sum, and its leading zeros besides bit 31.
  // ---------------------------------------------------------------------------------------------
  logic [30:0] sum_q, sum_d;
  logic [3:0]  zeros_q, zeros_d;

  always_comb begin
    sum_d   = sum_q;
    zeros_d = zeros_q;
    if (maximum_i) begin
      sum_d   = '0;
      zeros_d = '0;
    end else if (add_i) begin
      sum_d = sum_q + 31'(entry[30:12]) + 31'(entry[11]);
    end else if (shift_4_i && sum_q[30:27] == '0) begin
      sum_d   = {sum_q[26:0], 4'd0};
      zeros_d = zeros_q + 4'd4;
    end else if (shift_1_i && !sum_q[30]) begin
      sum_d   = {sum_q[29:0], 1'b0};
      zeros_d = zeros_q + 4'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    sum_q   <= sum_d;
    zeros_q <= zeros_d;
  end

  // ---------------------------------------------------------------------------------------------
  // Reciprocal. Products: 0: -32/17 half; 1, 3, 5: half x; 2, 4, 6: (1 - half x) x.
  // ---------------------------------------------------------------------------------------------
  logic [31:0] product_q;  // {1 - half x, any} after an odd product's update
  logic [30:0] x_q, addend_a, addend_b, total;
  logic        odd, start, carry_in;

  assign odd      = step_i[0];
  assign start    = step_i == '0;
  assign addend_a = start ? Q48Over17 : odd ? QOne : {2'd0, x_q[30:2]};
  assign addend_b = product_q[31:1] ^ {31{odd}};
  assign carry_in = product_q[0] ^ odd;
  assign total    = addend_a + addend_b + 31'(carry_in);

  always_ff @(posedge clk_i) begin
    if (product_valid_i) product_q <= product_i;
    else if (update_i && odd) product_q <= {total, 1'b0};
    // x + 4 times the product: below them x keeps its two bits.
    if (update_i && !odd) x_q <= start ? total : {total[28:0], x_q[1:0]};
  end

  always_comb begin
    acc_o        = {1'b0, entry[30:0]};
    multiplier_o = x_q[30] ? '1 : {x_q[29:0], 1'b0};
    shift_o      = zeros_q < 4'd2 ? 6'd32 : 6'd30 + 6'(zeros_q);  // zeros_q - 34; beyond, all is 0
    if (reciprocal_i) begin
      acc_o        = start ? QMinus32Over17 : odd ? {1'b0, x_q} : {product_q[31], product_q[31:1]};
      multiplier_o = start || odd ? sum_q : x_q;
      shift_o      = '0;
    end
  end

  logic unused_entry;
  assign unused_entry = entry[31];

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    m_one_use:  assume (32'(add_i) + 32'(shift_4_i) + 32'(shift_1_i) + 32'(maximum_i) <= 1);
    if (update_i) m_product_known: assume (!product_valid_i);
  end
`endif

endmodule
