// SPDX-License-Identifier: Apache-2.0
//
// Computes softmax over the codes of one pixel in fixed point, as TFLite's kernel does, or a
// normalization.
//
//   maximum     the largest code: the maximum of the vector lane's four maxima, one for each byte
//               of its words
//   sum         the sum of round(e / 2^12) over the codes, with e = exponential[maximum - code]
//   reciprocal  of the sum: `half` is the sum, shifted left until bit 30 is one: 1/2 .. 1 in Q0.31.
//                 x = 48/17 - 32/17 half,  then three times x += x (1 - half x),  in Q2.29
//   code        round(e * 2x / 2^(65 - zeros)), rounded twice; zeros is the number of leading zeros
//               of the sum. The post lane requantizes acc_o = e by multiplier_o = 2x and shift_o
//   rescale_i   for codes whose scale is not 1/256: product 7, x * mean_factor_i / 2^30,
//               replaces 2x, and rescale_shift_i is added to shift_o
//
// With normalize_i (docs/numerics.md), w = origin - code, in 9 bits. The low half of a table entry
// is w^2:
//
//   sums        the sum of w (with center_i) is in x, from bit 10 + fraction on. The sum of w^2
//               is in the sum register of 42 bits, from bit 13 on
//   products    0, 1: V = (count * squares - sum^2) 2^(2 fraction) + epsilon, in 42 bits
//               2, 3: mean of w, with 22 fraction bits (with coarse 18)
//               (After product 1, V is shifted until bit 41 or bit 40 is one. root_i then reads the
//               table entry at V's high byte. t is the high half of this entry.)
//               4, 5: d = 1 - V t^2;  6: d (1 + 3/4 d);  7: t times 1 + product 6 / 2, which is
//               1 / sqrt(V);  8: times a power of two
//   code        acc_o = mean - 2^22 w (with coarse 2^18 w), multiplier_o = product 8
//
// share_i applies to the lane of high bytes of a pair with int16 codes. The sum is then the sum of
// all codes, from bit 5 on. `factor` is the reciprocal of the sum, on straight lines between 513
// points. An entry describes two lines: the point between them (bits 14:0), and the distances by
// which it is below the previous point (bits 22:16) and above the next point (bits 30:24).
//
//   place    (sum + 2^13) / 2^14 - 2^16, in 16 bits: at most 2^16 - 1
//   product  (place % 256 - 128) * the difference on its side; the entry's index is place / 256
//   factor   (point * 128 + 64 - product) / 128, in multiplier_o from bit 7 on; shift_o with it
//
// The multiplier of the post lane also computes the products of the reciprocal: acc_o *
// multiplier_o comes back as product_i, without its low 20 bits. Bit 10 of product_i rounds.
//
// Timing    read_i loads the distance of a code. lookup_i reads the entry at this address. The
//           entry is in the memory's output from the next cycle until the next lookup_i. advance_i
//           moves it to a register one cycle later. The output of a memory is therefore never the
//           address of another memory.
// Contract  The first exponential is 2^31 - 1, and all others are below 2^31. At most 4,095
//           exponentials are added, so the sum is in 2^19 .. 2^31 - 1. There are no table writes
//           while entries are read.
//
// Check     trine_vector_tb; random_program_test (whole core)

module trine_softmax_lane #(
  parameter int unsigned Codes     = 1,  // codes read at once, from the slot on: 1, 2
  parameter bit          Pairs     = 1'b0,  // supports rows of int16 codes
  parameter bit          Int16     = 1'b0,  // this is a lane of high bytes
  localparam int unsigned WordBits = $clog2(trine_isa_pkg::SoftmaxWords)
) (
  input  logic                    clk_i,

  // Words are written and fetched; codes are read from the word that was fetched last.
  input  logic                    write_i,
  input  logic                    fetch_i,
  input  logic [WordBits-1:0]     word_addr_i,
  input  logic [31:0]             word_i,
  input  logic                    read_i,
  input  logic [1:0]              read_byte_i,
  input  logic                    lookup_i,
  input  logic                    advance_i,

  input  logic                    maximum_i,  // load the maximum of the four bytes; clear the sum
  input  logic [31:0]             bytes_i,
  input  logic [Codes-1:0]        add_i,      // add the entries in the register to the sum
  // shift the sum by 4, 1 or 2 if as many of its high bits are zero
  input  logic                    shift_4_i,
  input  logic                    shift_1_i,
  input  logic                    shift_2_i,
  input  logic                    root_i,

  // Normalization.
  input  logic                    normalize_i,
  input  logic                    center_i,
  input  logic [7:0]              origin_i,
  input  trine_vector_pkg::norm_format_t format_i,
  input  logic [30:0]             mean_factor_i,  // 2^(30 + log2) / number of codes
  input  logic                    rescale_i,      // of a softmax
  input  logic [5:0]              rescale_shift_i,  // signed
  input  logic [30:0]             epsilon_i,

  // Reciprocal: product number step_i, 0..6 (rescaled 0..7) or 0..8, its result, and the update
  // that follows.
  input  logic                    reciprocal_i,
  input  logic [3:0]              step_i,
  input  logic                    product_valid_i,
  input  logic [41:0]             product_i,
  input  logic                    update_i,

  // Int16: sums of high and of low bytes; the largest code's byte; a line's request {valid, index},
  // which acc_o answers two cycles later.
  input  trine_vector_pkg::share_t share_i,
  input  logic [17:0]             high_i,
  input  logic [18:0]             low_i,
  output logic [7:0]              largest_o,
  input  logic [trine_post_pkg::PointBits-1:0] point_req_i,

  // To the post lane.
  output logic [Codes*32-1:0]     acc_o,
  output logic [30:0]             multiplier_o,
  output logic [5:0]              shift_o,

  // The table's entries.
  input  logic                    table_we_i,
  input  logic [7:0]              table_addr_i,
  input  logic [31:0]             table_wdata_i
);

  localparam logic [30:0] Q48Over17      = 31'd1515870810;
  localparam logic [31:0] QMinus32Over17 = -32'sd1010580540;
  localparam logic [30:0] QOne           = 31'd1 << 29;
  localparam logic [30:0] RootOne        = 31'd1 << 30;

  // ---------------------------------------------------------------------------------------------
  // Maximum, exponential.
  // ---------------------------------------------------------------------------------------------
  logic [31:0]         word, entry;
  logic [Codes*32-1:0] entries, entries_q;
  logic [30:0]         sum_q, x_q;
  logic signed [7:0]   low_pair, high_pair, maximum_q;
  logic [7:0]          origin;
  // Distance of a code from the maximum or the origin: of the code that was read, of the entry in
  // the memory's output, and of the entry in the register.
  logic signed [8:0]   distance_q, distance_q2, distance_q3;

  assign low_pair  = $signed(bytes_i[7:0]) > $signed(bytes_i[15:8]) ? bytes_i[7:0] : bytes_i[15:8];
  assign high_pair = $signed(bytes_i[23:16]) > $signed(bytes_i[31:24]) ? bytes_i[23:16]
                                                                       : bytes_i[31:24];

  always_ff @(posedge clk_i) begin
    if (maximum_i) begin
      maximum_q <= low_pair > high_pair ? low_pair : high_pair;
      if (Pairs && share_i.row) maximum_q <= bytes_i[7:0];
    end
  end

  assign largest_o = $unsigned(maximum_q);

  // The position on the lines (place), and the side of the point that it is on.
  logic        share;
  logic [15:0] place;
  logic [7:0]  index_0, distance;

  assign share    = Int16 && share_i.works;
  assign place    = sum_q[29:14] | {16{!sum_q[30]}};  // or the sum was rounded to 2^31
  assign distance = place[7] ? {1'b0, entry[30:24]} : {1'b0, entry[22:16]};

  always_comb begin
    index_0 = root_i ? sum_q[30:23] : distance_q[7:0];
    if (share && root_i) index_0 = place[15:8];
    if (Int16 && point_req_i[8]) index_0 = point_req_i[7:0];
  end

  trine_sram #(.Width(32), .Depth(trine_isa_pkg::SoftmaxWords), .MaskBits(32)) u_words (
    .clk_i,
    .en_i    (write_i || fetch_i),
    .we_i    (write_i),
    .addr_i  (word_addr_i),
    .mask_i  ('1),
    .wdata_i (word_i),
    .rdata_o (word)
  );

  assign origin = normalize_i ? origin_i : $unsigned(maximum_q);
  assign entry  = entries_q[31:0];

  always_ff @(posedge clk_i) begin
    if (read_i) begin
      distance_q <= 9'($signed(origin)) - 9'($signed(word[{read_byte_i, 3'd0} +: 8]));
    end
    if (lookup_i) distance_q2 <= distance_q;
    if (advance_i) begin
      entries_q   <= entries;
      distance_q3 <= distance_q2;
    end
  end

  for (genvar c = 0; c < Codes; c++) begin : gen_table
    logic [7:0] index;

    if (c == 0) begin : gen_distance
      assign index = index_0;
    end else begin : gen_second
      always_ff @(posedge clk_i) begin
        if (read_i) index <= $unsigned(maximum_q) - word[{read_byte_i[1], 4'd8} +: 8];
      end
    end

    trine_table #(.EntryBits(32)) u_exponentials (
      .clk_i,
      .en_i    (lookup_i || (c == 0 && (root_i || (Int16 && point_req_i[8])))),
      .code_i  (index),
      .entry_o (entries[32*c +: 32]),
      .we_i    (table_we_i),
      .addr_i  (table_addr_i),
      .wdata_i (table_wdata_i)
    );
  end

  // ---------------------------------------------------------------------------------------------
  // The sum, and the number of its leading zeros, not counting bit 31. V has 11 more bits below the
  // sum.
  // ---------------------------------------------------------------------------------------------
  logic [30:0] sum_d;
  logic [10:0] low_q, low_d;
  logic [19:0] addend;
  logic [41:0] sum_a, sum_b;
  logic [5:0]  zeros_q, zeros_d;
  logic        start, odd, round, sum_add, seventh;
  logic [31:0] product_q;  // of the reciprocal: 1 - half x after an odd product's update
  logic [9:0]  product_low_q;

  assign start   = step_i == '0;
  assign odd     = step_i[0];
  assign seventh = step_i == 4'd7;
  assign sum_add = add_i[0] || (normalize_i && update_i && step_i[3:1] == '0) ||
                   (Int16 && (share_i.high || share_i.low || share_i.round));

  // Bit 11 of an exponential rounds: bit 11 of the second one, or of the only one, is added to a
  // one.
  if (Codes == 2) begin : gen_two
    assign addend = 20'(entry[30:12]) +
                    (add_i[Codes-1] ? 20'(entries_q[32*Codes-2 -: 19]) : '0) + 20'(entry[11]);
    assign round  = add_i[Codes-1] && entries_q[32*Codes-21];
  end else begin : gen_one
    assign addend = {1'b0, entry[30:12]};
    assign round  = entry[11];
  end

  logic squares, again;  // added: squares; product 0 or 1

  assign squares = normalize_i && add_i[0];
  assign again   = normalize_i && !add_i[0];
  assign sum_a   = {sum_q, low_q | {!normalize_i, 10'd0}};
  assign sum_b   = ({42{!normalize_i && !share}} & {11'd0, addend, round, 10'd0}) |
                   ({42{Int16 && share_i.high}} & {high_i, 24'd0}) |
                   ({42{Int16 && share_i.low}} & {7'd0, low_i, 16'd0}) |
                   ({42{Int16 && share_i.round}} & (42'd1 << 24)) |
                   ({42{squares}} & {13'd0, entry[15:0], 13'd0}) |
                   ({42{again && odd}} & ~{product_q, product_low_q}) |
                   ({42{again && !odd}} & {product_q, product_low_q});

  logic        load, by_4, by_2, by_1, hold;
  logic [41:0] added;

  assign by_4  = shift_4_i && sum_q[30:27] == '0;
  assign by_2  = shift_2_i && sum_q[30:29] == '0;
  assign by_1  = shift_1_i && !sum_q[30];
  assign load  = normalize_i && start && product_valid_i;
  assign hold  = !(maximum_i || load || sum_add || by_4 || by_2 || by_1);
  assign added = sum_a + sum_b + 42'(again && odd);

  assign {sum_d, low_d} = ({42{sum_add}} & added & {{31{1'b1}}, {11{normalize_i}}}) |
                          ({42{by_4}} & {sum_q[26:0], low_q, 4'd0}) |
                          ({42{by_2}} & {sum_q[28:0], low_q, 2'd0}) |
                          ({42{by_1}} & {sum_q[29:0], low_q, 1'd0}) |
                          ({42{load}} & {11'd0, epsilon_i}) |
                          ({42{hold}} & {sum_q, low_q});
  assign zeros_d = maximum_i ? '0 : zeros_q + {3'd0, by_4, by_2, by_1};

  always_ff @(posedge clk_i) begin
    sum_q   <= sum_d;
    low_q   <= low_d;
    zeros_q <= zeros_d;
  end

  // ---------------------------------------------------------------------------------------------
  // Reciprocal. Products: 0: -32/17 half; 1, 3, 5: half x; 2, 4, 6: (1 - half x) x.
  // ---------------------------------------------------------------------------------------------
  logic [30:0] addend_a, addend_b, total;
  logic [15:0] root;       // t
  logic [30:0] distance_sum, distance_mean;  // the distance at its positions in sum and mean
  logic        carry_in;

  assign root          = entry[31:16];
  assign distance_sum  = {{12{distance_q3[8]}}, distance_q3, 10'd0} << format_i.fraction;
  assign distance_mean = format_i.coarse ? {{4{distance_q3[8]}}, distance_q3, 18'd0}
                                  : {distance_q3, 22'd0};

  // The operands of the adder. A normalization uses it for sums and codes when there is no update,
  // and for product 6.
  logic u_softmax, u_four, u_plain, u_mean, u_error, u_three, u_root, x_add;

  assign u_softmax = !normalize_i;
  assign u_four    = !normalize_i && !start && !odd;
  assign x_add     = normalize_i ? (add_i[0] && center_i) || (update_i && step_i == 4'd3)
                                 : update_i && !odd;
  assign u_mean    = normalize_i && reciprocal_i && update_i && step_i == 4'd3;
  assign u_error   = normalize_i && reciprocal_i && update_i && step_i == 4'd5;
  assign u_root    = normalize_i && reciprocal_i && update_i && step_i == 4'd6;
  assign u_three   = normalize_i && reciprocal_i && !update_i && step_i == 4'd6;
  assign u_plain   = normalize_i && !(reciprocal_i && update_i) && !u_three;

  assign addend_a = ({31{u_softmax && start}} & Q48Over17) |
                    ({31{u_softmax && odd && !share}} & QOne) |
                    ({31{share}} & {9'd0, entry[14:0], 7'd64}) |
                    ({31{u_four || u_plain}} & x_q) | ({31{u_error || u_root}} & RootOne) |
                    ({31{u_three}} & product_q[31:1]);
  assign addend_b = ({31{u_softmax && odd}} & ~product_q[31:1]) |
                    ({31{(u_softmax && start) || u_root}} & product_q[31:1]) |
                    ({31{u_four}} & {product_q[29:1], {2{product_q[0]}}}) |
                    ({31{u_plain && reciprocal_i}} & distance_sum) |
                    ({31{u_plain && !reciprocal_i}} & ~distance_mean) |
                    ({31{u_three}} & {product_q[31], product_q[31:2]}) |
                    ({31{u_error}} & ~product_q[30:0]) |
                    ({31{u_mean}} & {product_q[20:0], product_low_q});
  assign carry_in = (u_softmax && (product_q[0] ^ odd)) || (u_plain && !reciprocal_i) || u_error;

  assign total = addend_a + addend_b + 31'(carry_in);

  always_ff @(posedge clk_i) begin
    if (product_valid_i) {product_q, product_low_q} <= product_i;
    else if (update_i && (normalize_i ? step_i == 4'd5 || step_i == 4'd6 : odd && !seventh)) begin
      product_q <= {total[30] && !(normalize_i && !odd), total};
      if (share) product_q[6:0] <= '0;
    end
    if (maximum_i) x_q <= '0;
    else if (x_add) x_q <= total;
  end

  // Products 3 and 8 shift.
  logic [5:0]  power;
  logic [30:0] power_of_two;
  logic [31:0] operand;  // of the first lane

  always_comb begin
    power = 6'(zeros_q[5:1]) + 6'(format_i.scale) + 6'd4;
    if (power > 6'd30) power = 6'd30;
    if (!step_i[3]) power = (format_i.coarse ? 6'd27 : 6'd31) - 6'(format_i.scale);
    power_of_two = 31'd1 << power[4:0];
  end

  // The operands for the post lane.
  logic norm, first, last;  // a product of a normalization, of a softmax; none
  logic a_entry, a_total, a_start, a_sum, a_x, a_twice, a_root, a_product, a_place;
  logic b_twice, b_sum, b_x, b_product, b_count, b_mean, b_power, b_root, b_three, b_side;

  assign norm      = normalize_i && reciprocal_i;
  assign last      = !reciprocal_i;
  assign first     = reciprocal_i && !normalize_i;
  assign a_entry   = last && !normalize_i;
  assign a_total   = last && normalize_i;
  assign a_start   = first && start;
  assign a_sum     = norm && (start || step_i == 4'd5);
  assign a_place   = first && share;
  assign a_x       = (first && odd && !share) || (norm && step_i == 4'd1);
  assign a_twice   = norm && step_i == 4'd2;
  assign a_root    = norm && step_i == 4'd4;
  assign a_product = (first && !odd && !start) ||
                     (norm && (step_i == 4'd3 || step_i >= 4'd6));
  assign b_side    = first && share;
  assign b_twice   = last && !normalize_i && !rescale_i && !share;
  assign b_sum     = first && (odd || start) && !seventh && !share;
  assign b_x       = (first && !odd && !start) || (norm && step_i == 4'd1);
  assign b_product = (last && (normalize_i || rescale_i || share)) || (norm && step_i == 4'd5);
  assign b_count   = norm && start;
  assign b_mean    = (norm && step_i == 4'd2) || (first && seventh);
  assign b_power   = norm && (step_i == 4'd3 || step_i[3]);
  assign b_root    = norm && (step_i == 4'd4 || seventh);
  assign b_three   = norm && step_i == 4'd6;  // 1 + 3/4 d

  assign operand = ({32{a_entry}} & entry) | ({32{a_total}} & {total[30], total}) |
                   ({32{a_start}} & QMinus32Over17) | ({32{a_sum}} & {1'b0, sum_q}) |
                   ({32{a_x}} & {1'b0, x_q}) | ({32{a_twice}} & {x_q, 1'b0}) |
                   ({32{a_root}} & {2'd0, root, 14'd0}) | ({32{a_product}} & product_q) |
                   ({32{a_place}} & {{9{!place[7]}}, place[7:0] ^ 8'h80, 15'd0});
  assign multiplier_o = ({31{b_twice}} & ({x_q[29:0], 1'b0} | {31{x_q[30]}})) |
                        ({31{b_sum}} & sum_q) | ({31{b_x}} & x_q) |
                        ({31{b_product}} & product_q[30:0]) | ({31{b_count}} & format_i.count) |
                        ({31{b_mean}} & mean_factor_i) | ({31{b_power}} & power_of_two) |
                        ({31{b_root}} & {root, 15'd0}) |
                        ({31{b_three}} & (total ^ RootOne)) |
                        ({31{b_side}} & {7'd0, distance, 16'd0});

  logic signed [7:0] shift;  // zeros_q - 34; below -32 the result is 0; with rescale_i down to -66

  assign shift = $signed({2'd0, zeros_q}) - (share ? 8'sd1 : 8'sd34) +
                 (rescale_i ? 8'($signed(rescale_shift_i)) : 8'sd0);

  always_comb begin
    shift_o = shift < -8'sd32 ? 6'd32 : shift[5:0];
    if (reciprocal_i || normalize_i) shift_o = '0;
  end

  if (Codes == 2) begin : gen_acc
    assign acc_o = {entries_q[Codes*32-1 -: 32], operand};
  end else begin : gen_one_acc
    assign acc_o = operand;
  end

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    m_one_use:  assume (32'(add_i[0]) + 32'(shift_4_i) + 32'(shift_2_i) + 32'(shift_1_i) +
                        32'(maximum_i) <= 1);
    if (update_i) m_product_known: assume (!product_valid_i);
  end
`endif

endmodule
