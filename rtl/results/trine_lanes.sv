// SPDX-License-Identifier: Apache-2.0
//
// Turns columns into codes or words in Rows x Drain lanes: requantizes, adds, multiplies, counts
// thresholds. Each value that enters becomes a code, or a word for its row.
//
//   requantize   trine_post_lane; a residual is added, or the maximum with it is taken
//   threshold    low + number of thresholds that the sum reaches, two per cycle (bias and scale
//                entry contain a pair); with a residual the maximum with it
//   raw          sum + bias, as a word; direct: a word unchanged
//   with sums    requantize and raw add a residual word, which is a sum, instead of the bias
//
// A code that was requantized, added or multiplied may be looked up in a table. Each row has a copy
// of the table. Int16 codes are interpolated between the table's points. The second lane of a row
// only requantizes, without lookup. With a fused addition, columns first pass the second lane. The
// resulting codes continue in the first lane, which adds the residual, one code per cycle. An int16
// code belongs to two rows, 2n and 2n + 1: the lane of row 2n computes the code, and each of the
// two rows packs one of its bytes.
//
//   column, slots, softmax's operands -> operand register, with parameters and residual byte
//     -> trine_post_lane | threshold counters | whole word -> (table) -> code_o | word_o
//
// Timing    trine_post_kind gives the number of cycles from issue_i to valid_o. Words and codes
//           come from registers, or from registers through a multiplexer and an adder.
// Contract  v_slots_i hold while columns of a vector job are in front. The factors of a softmax
//           hold from an issue until its product is out, or until the last word of the tile. For
//           points, see trine_interpolate. The table is not written while codes are looked up, and
//           not read with a residual.
//
// Check     trine_post_tb, trine_post_lane_tb

module trine_lanes #(
  parameter int unsigned Rows       = 8,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Table      = 1'b0,
  parameter bit          Groups     = 1'b0,
  parameter bit          Int16      = 1'b0, Formats = 1'b0,  // Rows is even
  parameter bit          Softmax    = 1'b0,
  parameter bit          Sums       = 1'b0,
  parameter int unsigned Drain      = 1,  // columns per cycle: 1, 2
  parameter int          Multiplier = trine_mul_pkg::Operator
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  // Issues, and the job in front.
  input  trine_post_pkg::issue_t        issue_i,
  input  trine_post_pkg::column_t       column_i,
  input  trine_job_pkg::cfg_t          cfg_i,
  input  trine_post_pkg::kind_t         kind_i,
  input  trine_post_pkg::cfg_pair_t     cfg_pair_i,

  // Operands: columns of the array, slots of the vector engine, values of a softmax.
  input  logic [Drain*Rows*32-1:0]      acc_i,
  input  logic [Rows*96-1:0]            v_slots_i,
  input  logic [Drain*Rows*32-1:0]      softmax_acc_i,

  // A softmax: the factors {multiplier, shift} of each row; its configuration. A softmax code
  // leaves in two cycles (softmax_in_two_i), or in this cycle (softmax_out_i).
  input  logic [Rows*37-1:0]            factors_i,
  input  trine_job_pkg::cfg_t          softmax_cfg_i,
  input  logic                          softmax_in_two_i,
  input  logic                          softmax_out_i,

  // Parameters {bias, multiplier, shift} of a column's channel and of the next channel.
  // channel_params_i: parameters of a normalized value.
  input  logic [Drain*69-1:0]           params_i,
  input  logic                          channel_params_i,

  input  trine_post_pkg::table_write_t  table_i,

  // Residual words: the place to write, and the place to read. keep_i: keep a word's last slots.
  // from_keep_i: use the kept slots.
  input  logic [Rows-1:0]               rsp_lanes_i,
  input  logic [Rows*32-1:0]            rsp_data_i,
  input  logic                          rsp_place_i,
  input  logic                          residual_place_i,
  input  logic                          keep_i,
  input  logic                          from_keep_i,

  // Codes, second lanes after first lanes; whole words; products, which precede softmax codes.
  output logic                          valid_o,
  output logic [Drain*Rows*8-1:0]       code_o,
  output logic [Rows*32-1:0]            word_o,
  output logic                          product_valid_o,
  output logic [Drain*Rows*42-1:0]      product_o,
  output logic [Rows*trine_post_pkg::PointBits-1:0] point_req_o
);

  localparam bit          LowBit = Ternary || Binary;
  localparam int unsigned LineBits = trine_post_pkg::LineBits;
  localparam int unsigned Second = trine_post_pkg::LaneRequant;  // cycles of the second lane

  // ---------------------------------------------------------------------------------------------
  // The operand register of all rows. Its values enter the lanes in the next cycle.
  // ---------------------------------------------------------------------------------------------
  logic lane_q, threshold_q, product_q, normalizing_q, single_q, first_pass_q, factors_q, int16_q;
  logic [trine_post_pkg::OpBits-1:0] op_q [Drain];
  logic [31:0] bias_q [Drain];
  logic [30:0] multiplier_q [Drain];
  logic [5:0]  shift_q [Drain];
  logic        enters, direct, static_scale;

  // A fused addition that passes both lanes is in the operand register, or in the second lane.
  logic            chain;
  logic [Second:0] chained_q;
  assign chain         = Drain == 2 && kind_i.fused && !cfg_i.max;
  assign enters        = issue_i.pass || issue_i.softmax;
  assign direct        = kind_i.whole && !kind_i.raw;
  assign static_scale  = cfg_i.static_scale && !channel_params_i && !kind_i.threshold;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      lane_q      <= 1'b0;
      threshold_q <= 1'b0;
      chained_q   <= '0;
    end else begin
      lane_q      <= (issue_i.pass && !kind_i.threshold && !kind_i.whole) || issue_i.softmax ||
                     (Groups && issue_i.part);
      threshold_q <= issue_i.pass && kind_i.threshold;
      chained_q   <= {chained_q[Second-1:0], issue_i.pass && chain};
    end
  end

  logic [68:0] params [Drain];  // equal in both lanes if a column passes both

  for (genvar d = 0; d < Drain; d++) begin : gen_params
    assign params[d] = chain ? {params_i[Drain*37 +: 32], params_i[Drain*6 +: 31], params_i[5:0]}
                       : {params_i[Drain*37 + d*32 +: 32], params_i[Drain*6 + d*31 +: 31],
                          params_i[d*6 +: 6]};
  end

  always_ff @(posedge clk_i) begin
    product_q     <= issue_i.product || (Groups && issue_i.part);
    factors_q     <= Softmax && (issue_i.softmax || (Int16 && cfg_i.shares && issue_i.pass &&
                                                     column_i.from_vector));
    normalizing_q <= issue_i.normalizing;
    single_q      <= issue_i.normalizing || (cfg_i.single && !issue_i.softmax);
    int16_q       <= Int16 && cfg_i.int16 && !issue_i.softmax && !issue_i.normalizing;
    first_pass_q  <= column_i.first_pass;
    if (enters || issue_i.normalizing) begin
      for (int unsigned d = 0; d < Drain; d++) begin
        op_q[d] <= kind_i.op;
        if (chain) op_q[d] <= d == 0 ? trine_post_pkg::OpAdd : trine_post_pkg::OpRequant;
        if (issue_i.softmax || issue_i.normalizing) op_q[d] <= trine_post_pkg::OpRequant;
        bias_q[d] <= cfg_i.static_bias && !channel_params_i ? cfg_i.bias : params[d][68:37];
        if (issue_i.softmax) bias_q[d] <= '0;
        multiplier_q[d] <= static_scale ? cfg_i.multiplier : params[d][36:6];
        shift_q[d]      <= static_scale ? cfg_i.shift : params[d][5:0];
      end
    end
  end

  // The value in the operand register is added to a sum, which is in this place.
  logic sums_q, sum_place_q;

  if (Sums) begin : gen_sums
    always_ff @(posedge clk_i) begin
      sums_q      <= issue_i.pass && kind_i.sums;
      sum_place_q <= residual_place_i;
    end
  end else begin : gen_no_sums
    assign {sums_q, sum_place_q} = '0;
  end

  trine_job_pkg::cfg_t lane_cfg;
  logic                 leaving_vector;

  trine_lane_cfg #(.Int16(Int16), .Softmax(Softmax)) u_cfg (
    .clk_i,
    .enters_i         (enters),
    .pass_i           (issue_i.pass),
    .pair_i           (kind_i.op[0]),
    .vector_i         (column_i.from_vector),
    .cfg_i,
    .cfg_pair_i,
    .single_i         (single_q),
    .softmax_in_two_i,
    .softmax_cfg_i,
    .cfg_o            (lane_cfg),
    .leaving_vector_o (leaving_vector)
  );

  // ---------------------------------------------------------------------------------------------
  // Results: a word from the operand register, a count of thresholds, or a code from the lane or
  // the table.
  // ---------------------------------------------------------------------------------------------
  logic [Drain*Rows-1:0] lane_valid, lane_product;
  logic [Drain*Rows*32-1:0] sums;       // acc_q of all lanes, for the other row of a pair
  logic [Drain*Rows*8-1:0]  residuals;  // residual_q of all lanes
  logic [Rows*8-1:0]        first_code, entry;  // codes of first lanes, and their table entries
  logic [Rows*LineBits-1:0] line_x;
  logic whole_q, looked_up, found_valid, mixed, lines, tanh;
  logic [2:1]            counted_q;  // a value is in the operand register, in the counters
  assign mixed           = Int16 && cfg_pair_i.mixed;
  assign {lines, tanh}   = mixed ? {cfg_pair_i.v_line, cfg_pair_i.v_tanh}
                                 : {kind_i.line, cfg_i.tanh};
  assign looked_up       = (mixed ? leaving_vector && cfg_pair_i.v_lookup : kind_i.lookup) &&
                           !softmax_out_i;
  assign valid_o         = mixed ? found_valid || (lane_valid[0] && !looked_up)
                           : looked_up ? found_valid : lane_valid[0] || counted_q[2] || whole_q;
  assign product_valid_o = lane_product[0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {whole_q, counted_q} <= '0;
    else begin
      whole_q   <= issue_i.column && kind_i.whole && !(Groups && issue_i.part);
      counted_q <= {counted_q[1], issue_i.column && kind_i.threshold};
    end
  end

  for (genvar l = 0; l < Rows; l++) begin : gen_row
    localparam int Low = Int16 && l % 2 == 0 ? l + 1 : l, High = Int16 && l % 2 != 0 ? l - 1 : l;
    logic [31:0]        acc_q [Drain], raw_a, raw_b, words, sum, bias;
    logic               joins;  // with the lower row of the pair
    logic [15:0]        above;
    logic [8*Drain-1:0] from_residual;
    logic [7:0]         residual_q [Drain], lane_codes [Drain];

    trine_lane_residual #(.Ternary(Ternary), .Binary(Binary), .Drain(Drain)) u_residual (
      .clk_i,
      .encoding_i  (cfg_i.encoding),
      .we_i        (rsp_lanes_i[l]),
      .wplace_i    (rsp_place_i),
      .wdata_i     (rsp_data_i[l*32 +: 32]),
      .slot_i      (column_i.slot),
      .place_i     (residual_place_i),
      .keep_i,
      .from_keep_i,
      .codes_o     (from_residual),
      .sum_place_i (sum_place_q),
      .sum_o       (sum)
    );

    trine_lane_words #(.Formats(Formats), .Upper(Low != l)) u_words (
      .clk_i, .third_i (cfg_i.third), .fifth_i (cfg_i.fifth), .enters_i (enters),
      .slots_i (v_slots_i[l*96 +: 96]), .word_o (words), .above_o (above)
    );

    // The upper row of a pair makes one word of both int16 sums.
    assign joins = Low != l && cfg_i.int16;
    assign raw_a = joins ? {acc_q[0][23:0], 8'd0} : acc_q[0];
    assign raw_b = joins ? sums[Low*32 +: 32] : bias;
    assign bias  = sums_q ? sum : bias_q[0];
    assign word_o[l*32 +: 32] = kind_i.raw ? raw_a + raw_b : acc_q[0];

    for (genvar d = 0; d < Drain; d++) begin : gen_lane
      logic [1:0]  slot;
      logic [23:0] operand;
      logic        int16;
      logic [31:0] acc, low_acc;
      logic [7:0]  residual, own_code, low_code, lane_code, found;
      logic [41:0] product;
      logic [30:0] multiplier;
      logic [5:0]  shift;
      logic [LineBits-1:0] line;

      assign multiplier = factors_q ? factors_i[Rows*6 + l*31 +: 31] : multiplier_q[d];
      assign shift      = factors_q ? factors_i[l*6 +: 6] : shift_q[d];
      assign slot       = column_i.slot[1:0] | 2'(d);  // the second lane's slot is odd

      always_comb begin
        unique case (slot)
          2'd0:    operand = v_slots_i[l*96 +: 24];
          2'd1:    operand = v_slots_i[l*96 + 24 +: 24];
          2'd2:    operand = v_slots_i[l*96 + 48 +: 24];
          default: operand = v_slots_i[l*96 + 72 +: 24];
        endcase
      end

      // While a column is in the second lane, its residual is stored in registers that the first
      // lane's operand does not need. With results by row, a pair of lanes computes a code from the
      // sum of one lane.
      always_comb begin
        acc = acc_i[(d*Rows+l)*32 +: 32];
        if (Int16 && cfg_i.by_row && !column_i.odd_rows) acc = acc_i[(d*Rows+High)*32 +: 32];
        if (Int16 && cfg_i.by_row && Low != l) acc = '0;
        if (chain) acc = d == 0 ? {acc_q[0][23:0], residual_q[0]} : acc_i[l*32 +: 32];
        if (column_i.from_vector) acc = 32'($signed(operand));
        if (direct || (Int16 && cfg_i.words)) acc = words;
        if (Softmax && issue_i.softmax) acc = softmax_acc_i[(d*Rows+l)*32 +: 32];
      end

      always_ff @(posedge clk_i) begin
        if (enters || chain) begin
          acc_q[d]      <= acc;
          residual_q[d] <= chain && d == 1 ? acc_q[0][31:24] : residual;
        end
      end

      assign residual = column_i.from_vector ? operand[15:8] : from_residual[8*d +: 8];

      if (LowBit) begin : gen_threshold
        logic [7:0] counted;

        trine_lane_count u_count (
          .clk_i,
          .cfg_i,
          .pair_i     (threshold_q),
          .first_i    (first_pass_q),
          .sum_i      (acc_q[d]),
          .lower_i    (bias_q[d]),
          .upper_i    ({shift_q[d][0], multiplier_q[d]}),
          .residual_i (residual_q[d]),
          .code_o     (counted)
        );

        assign code_o[(d*Rows+l)*8 +: 8] = !kind_i.threshold || softmax_out_i ? found : counted;
      end else begin : gen_no_threshold
        assign code_o[(d*Rows+l)*8 +: 8] = found;
      end

      // The first lane continues with the second lane's result.
      logic       from_second;
      logic [7:0] low, other;
      assign from_second   = Drain == 2 && d == 0 && chained_q[Second];
      assign low           = from_second ? lane_codes[Drain-1] : acc_q[d][7:0];
      assign other         = from_second ? residual_q[Drain-1] : residual_q[d];
      assign lane_codes[d] = lane_code;
      assign sums[(d*Rows+l)*32 +: 32]   = acc_q[d];
      assign residuals[(d*Rows+l)*8 +: 8] = residual_q[d];

      assign low_acc   = sums[(d*Rows+Low)*32 +: 32];
      assign lane_code = High != l && gen_row[High].gen_lane[d].int16
                         ? gen_row[High].gen_lane[d].low_code : own_code;

      trine_post_lane #(
        .Products   ((Softmax && d == 0) || Groups),
        .Pairs      (d == 0),
        .Again      (Drain == 1),
        .Int16      (Int16 && l % 2 == 0), .Formats (Formats && l % 2 == 0),
        .Multiplier (Multiplier)
      ) u_lane (
        .clk_i, .rst_ni,
        .cfg_i           (lane_cfg),
        .normalize_i     (normalizing_q),
        .in_valid_i      ((lane_q && !(d == 0 && chained_q[0])) || from_second),
        .in_op_i         (op_q[d]),
        .int16_i         (int16_q),
        .acc_i           ({acc_q[d][31:8], low}),
        .low_i           (low_acc), .above_i (above[7:0]), .top_i (gen_row[Low].above),
        .bias_i          (d == 0 ? bias : bias_q[d]),
        .multiplier_i    (multiplier),
        .shift_i         (shift),
        .residual_i      (other),
        .low_residual_i  (residuals[(d*Rows+Low)*8 +: 8]),
        .product_i       (product_q),
        .out_valid_o     (lane_valid[d*Rows+l]),
        .code_o          (own_code),
        .int16_o         (int16),
        .low_o           (low_code),
        .line_o          (line),
        .product_valid_o (lane_product[d*Rows+l]),
        .product_o       (product)
      );
      logic unused_lane;
      assign unused_lane = ^{product, int16, low_code, line, above};
      if (d == 0) begin : gen_product
        assign line_x[l*LineBits +: LineBits] = line;
        assign first_code[l*8 +: 8]           = lane_code;
      end
      assign product_o[(d*Rows+l)*42 +: 42] = product;

      if (Table && d == 0) begin : gen_table
        assign found = (mixed ? found_valid : kind_i.lookup && !softmax_out_i)
                       ? entry[l*8 +: 8] : lane_code;
      end else begin : gen_no_table
        assign found = lane_code;
      end
    end
  end

  if (Table) begin : gen_lookup
    trine_lookup #(.Rows(Rows), .Int16(Int16), .Exponential(Softmax && Int16)) u_lookup (
      .clk_i, .rst_ni,
      .valid_i (looked_up && lane_valid[0]),
      .line_i  (lines),
      .tanh_i  (tanh),
      .exponential_i (cfg_i.exponential && !mixed),
      .code_i  (first_code),
      .x_i     (line_x),
      .valid_o (found_valid),
      .code_o  (entry),
      .point_req_o,
      .pair_i  (softmax_acc_i[Rows*32-1:0]),
      .table_i
    );
  end else begin : gen_no_lookup
    logic unused_lookup;
    assign {found_valid, entry, point_req_o} = '0;
    assign unused_lookup        = ^{first_code, line_x, entry};
  end

  logic unused_lanes;
  assign unused_lanes = ^{sums, residuals, lane_valid, lane_product, threshold_q, first_pass_q,
                          issue_i, column_i, cfg_i, kind_i, cfg_pair_i, leaving_vector,
                          softmax_acc_i, factors_i, table_i, softmax_out_i, lines, tanh};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // All lanes finish in the same cycle.
      a_together: assert (lane_valid[Rows-1:0] == '0 || lane_valid[Rows-1:0] == '1);
      a_products_together: assert (lane_product[Rows-1:0] == '0 || lane_product[Rows-1:0] == '1);
      a_one_result: assert (2'(whole_q) + 2'(counted_q[2]) + 2'(lane_valid[0]) <= 2'd1);
      if (issue_i.pass) m_one_client: assume (!issue_i.softmax);
      // Both lanes of a row finish together, except products and normalized values.
      if (kind_i.requant && !softmax_out_i && !mixed && lane_valid[0]) a_both: assert (&lane_valid);
      c_both: cover (lane_valid == '1);
      c_looked_up: cover (looked_up && found_valid);
    end
  end
`endif

endmodule
