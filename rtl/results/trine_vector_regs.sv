// SPDX-License-Identifier: Apache-2.0
//
// Stores registers 10 to 15 of the vector engine and decodes the operation and flags of its RUN.
// The outputs are the settings of the engine, the constants of a normalization, and the
// configuration of the post unit. trine_agu stores registers 0 to 9.
//
// Timing    The outputs are registers. A SET is visible in the next cycle. The operation and flags
//           of a RUN are visible in the cycle after start_i.
// Contract  The registers hold from start_i to the end of the RUN.
//
// Check     trine_vector_tb

module trine_vector_regs #(
  parameter bit Softmax = 1'b0,  // supports softmax and normalization
  parameter bit Int16   = 1'b0,  // supports codes of two lanes
  parameter bit Formats = 1'b0   // supports eight-bit formats
) (
  input  logic                    clk_i,

  // A SET.
  input  logic                    we_i,
  input  logic [3:0]              reg_i,
  input  logic [55:0]             payload_i,

  // A RUN begins.
  input  logic                    start_i,
  input  logic [7:0]              op_i,
  input  logic [7:0]              flags_i,
  output logic                    pairs_o,  // op_i uses int16 codes: two lanes are a pair

  output trine_vector_pkg::run_t  run_o,
  output trine_vector_pkg::norm_t norm_o,
  output trine_job_pkg::cfg_t    cfg_o  // without out_plane, which trine_agu holds
);

  localparam logic [3:0] RegCodes      = 4'(trine_isa_pkg::PostPadCodeReg);
  localparam logic [3:0] RegScale      = 4'(trine_isa_pkg::PostMultiplierReg);
  localparam logic [3:0] RegAddOperand = 4'(trine_isa_pkg::PostAddOperandMultiplierReg);
  localparam logic [3:0] RegAddScale   = 4'(trine_isa_pkg::PostAddMultiplierReg);
  localparam logic [3:0] RegAddRange   = 4'(trine_isa_pkg::PostAddActMinReg);
  localparam logic [3:0] RegVector     = 4'(trine_isa_pkg::VectorBiasReg);

  localparam int unsigned CountBits = $clog2(trine_isa_pkg::MostNormChannels + 1);

  localparam logic [2:0] OpAdd = trine_isa_pkg::VectorOpAdd[2:0];
  localparam logic [2:0] OpSum = trine_isa_pkg::VectorOpSum[2:0];
  localparam logic [2:0] OpMax = trine_isa_pkg::VectorOpMax[2:0];
  localparam logic [2:0] OpMin = trine_isa_pkg::VectorOpMin[2:0];

  trine_job_pkg::cfg_t   cfg_q;
  trine_vector_pkg::run_t run_q;
  logic [CountBits-1:0]   count_q;
  logic                   normalize_q, center_q, rescale_q, normalize, square;
  logic                   sum16, add16, mul16, leaky16, narrow16, widen16, tanh16, line16,
                          mul_narrow16;
  logic                   max16, min16, word16, words16, triple16, exponential16, share16, row16,
                          triple_narrow16, five16;
  logic [1:0]             position_q;  // a byte of its word, as last_byte

  // The payload of a SET.
  trine_isa_pkg::post_payload_t   post;
  trine_isa_pkg::vector_payload_t vector;

  assign post   = payload_i;
  assign vector = payload_i;

  assign normalize = Softmax && op_i == trine_isa_pkg::VectorOpNormalize;
  assign square    = op_i == trine_isa_pkg::VectorOpSquaredDifference;
  assign leaky16   = Int16 && op_i == trine_isa_pkg::VectorOpLeaky16;
  assign narrow16  = Int16 && op_i == trine_isa_pkg::VectorOpNarrow16;
  assign widen16   = Int16 && op_i == trine_isa_pkg::VectorOpWiden16;
  assign tanh16    = Int16 && op_i == trine_isa_pkg::VectorOpTanh16;
  assign exponential16 = Int16 && Softmax && op_i == trine_isa_pkg::VectorOpExponential16;
  assign share16   = Int16 && Softmax && op_i == trine_isa_pkg::VectorOpShare16;
  assign row16     = exponential16 || share16 ||
                     ((max16 || min16) && flags_i[trine_isa_pkg::VectorFlagReduce]);
  assign line16    = tanh16 || exponential16 ||
                     (Int16 && op_i == trine_isa_pkg::VectorOpLogistic16);
  assign sum16     = leaky16 || narrow16 || widen16 || line16 || share16 ||
                     (Int16 && op_i == trine_isa_pkg::VectorOpSum16);
  assign add16     = Int16 && op_i == trine_isa_pkg::VectorOpAdd16;
  assign mul_narrow16 = Int16 && op_i == trine_isa_pkg::VectorOpMulNarrow16;
  assign mul16     = mul_narrow16 || (Int16 && op_i == trine_isa_pkg::VectorOpMul16);
  assign max16     = Int16 && op_i == trine_isa_pkg::VectorOpMax16;
  assign min16     = Int16 && op_i == trine_isa_pkg::VectorOpMin16;
  assign word16    = Int16 && op_i == trine_isa_pkg::VectorOpWord16;
  assign triple_narrow16 = Formats && op_i == trine_isa_pkg::VectorOpTripleNarrow16;
  assign five16    = Formats && op_i == trine_isa_pkg::VectorOpFiveNarrow16;
  assign triple16  = triple_narrow16 || five16 ||
                     (Formats && op_i == trine_isa_pkg::VectorOpTriple16);
  assign words16   = word16 || triple16 || (Int16 && op_i == trine_isa_pkg::VectorOpJoin16);
  assign pairs_o   = sum16 || add16 || mul16 || max16 || min16 || words16;

  always_ff @(posedge clk_i) begin
    if (we_i) begin
      if (reg_i == RegCodes) begin
        run_q.pad        <= post.r10.pad_code;
        cfg_q.zero_point <= post.r10.zero_point;
        cfg_q.act_min    <= post.r10.act_min;
        cfg_q.act_max    <= post.r10.act_max;
        cfg_q.format     <= post.r10.format & {2{Formats}};
        position_q       <= post.r10.position[1:0];
        cfg_q.lookup     <= post.r10.output_ == trine_isa_pkg::PostOutputTable;
      end
      if (reg_i == RegScale) begin
        cfg_q.multiplier <= post.r11.multiplier;
        cfg_q.shift      <= post.r11.shift;
      end
      if (reg_i == RegAddOperand) begin
        cfg_q.add_operand_multiplier <= post.r12.add_operand_multiplier;
        cfg_q.add_operand_shift      <= post.r12.add_operand_shift;
        cfg_q.add_a_is_half          <= post.r12.add_a_is_half;
        cfg_q.add_zero_a             <= post.r12.add_zero_a;
        cfg_q.add_zero_b             <= post.r12.add_zero_b;
      end
      if (reg_i == RegAddScale) begin
        cfg_q.add_multiplier <= post.r13.add_multiplier;
        cfg_q.add_shift      <= post.r13.add_shift;
        cfg_q.add_zero_point <= post.r13.add_zero_point;
      end
      if (reg_i == RegAddRange) begin
        cfg_q.add_act_min <= post.r14.add_act_min;
        cfg_q.add_act_max <= post.r14.add_act_max;
        cfg_q.param       <= vector.r14.param;
      end
      if (reg_i == RegVector) begin
        cfg_q.bias      <= vector.r15.bias;
        run_q.last_byte <= vector.r15.channels[1:0] - 2'd1;
        count_q         <= vector.r15.channels[CountBits-1:0];
      end
    end
    if (start_i) begin
      run_q.op           <= square || add16 || mul16 || words16 ? OpAdd : sum16 ? OpSum
                            : max16 ? OpMax : min16 ? OpMin : op_i[2:0];
      run_q.narrows      <= narrow16 || mul_narrow16 || triple_narrow16 || five16;
      run_q.five         <= five16;
      run_q.widens       <= widen16 || word16;
      run_q.softmax      <= normalize || (Softmax && op_i == trine_isa_pkg::VectorOpSoftmax);
      run_q.reduce       <= flags_i[trine_isa_pkg::VectorFlagReduce] && !row16;
      run_q.row          <= row16;
      run_q.exponential  <= exponential16;
      run_q.invert       <= flags_i[trine_isa_pkg::VectorFlagInvert] && !add16;
      normalize_q        <= normalize;
      center_q           <= flags_i[trine_isa_pkg::VectorFlagCenter];
      rescale_q          <= flags_i[trine_isa_pkg::VectorFlagRescale];
      cfg_q.single       <= flags_i[trine_isa_pkg::VectorFlagSingle];
      cfg_q.half_even    <= flags_i[trine_isa_pkg::VectorFlagHalfEven];
      cfg_q.static_scale <= 1'b1;
      cfg_q.static_bias  <= 1'b1;
      cfg_q.square       <= square;
      cfg_q.int16        <= pairs_o;
      cfg_q.leaky        <= leaky16;
      cfg_q.line         <= line16;
      cfg_q.tanh         <= tanh16;
      {cfg_q.groups, cfg_q.by_row} <= '0;
      cfg_q.exponential  <= exponential16;
      cfg_q.shares       <= share16;
      cfg_q.words        <= words16;
      cfg_q.third        <= triple16;
      cfg_q.fifth        <= five16;
      cfg_q.position     <= words16 ? 5'(position_q) : '0;
      cfg_q.subtract     <= flags_i[trine_isa_pkg::VectorFlagInvert] && add16;
      unique case (op_i)
        trine_isa_pkg::VectorOpSum,
        trine_isa_pkg::VectorOpSoftmax,
        trine_isa_pkg::VectorOpNormalize: cfg_q.kind <= trine_job_pkg::KindRequant;
        trine_isa_pkg::VectorOpAdd,
        trine_isa_pkg::VectorOpSquaredDifference: cfg_q.kind <= trine_job_pkg::KindAdd;
        trine_isa_pkg::VectorOpMul: cfg_q.kind <= trine_job_pkg::KindMul;
        default:                    cfg_q.kind <= trine_job_pkg::KindDirect;
      endcase
      if (sum16 || words16) cfg_q.kind <= trine_job_pkg::KindRequant;
      if (add16) cfg_q.kind <= trine_job_pkg::KindAdd;
      if (mul16) cfg_q.kind <= trine_job_pkg::KindMul;
      // Fields that only the compute engine uses.
      cfg_q.residual_delta <= '0;
      cfg_q.out_plane      <= '0;
      cfg_q.channels       <= '1;
      cfg_q.max            <= 1'b0;
      cfg_q.sums           <= 1'b0;
      cfg_q.window         <= 1'b0;
      cfg_q.encoding       <= trine_job_pkg::EncodingInt8;
      cfg_q.passes_last    <= '0;
      cfg_q.low            <= '0;
    end
  end

  assign run_o = run_q;
  assign cfg_o = cfg_q;

  assign norm_o.normalize   = normalize_q;
  assign norm_o.center      = center_q;
  assign norm_o.origin      = cfg_q.add_zero_a;
  assign norm_o.count       = count_q;
  assign norm_o.mean_factor = cfg_q.multiplier;
  assign norm_o.log2        = cfg_q.shift;
  assign norm_o.rescale     = rescale_q;
  assign norm_o.epsilon     = cfg_q.bias[30:0];

  // Formats of a normalization: the variance has fraction bits where a row has few codes.
  logic [2:0] fraction;

  assign fraction = count_q >= 13'd512 ? 3'd0 : count_q >= 13'd128 ? 3'd2
                  : count_q >= 13'd32 ? 3'd3 : 3'd4;

  assign norm_o.format = !Softmax ? '0 : {fraction, 5'(cfg_q.shift[3:0]) + 5'(fraction),
                                          {count_q, 18'd0} << {fraction, 1'b0}, cfg_q.shift[4]};

  logic unused_bits;
  assign unused_bits = ^{post, vector, flags_i};

`ifdef TRINE_ASSERT
  logic started_q;  // a RUN has started

  initial started_q = 1'b0;

  always_ff @(posedge clk_i) begin
    if (start_i) started_q <= 1'b1;
    if (started_q) begin
      a_normalize_softmax: assert (!norm_o.normalize || run_o.softmax);
      a_static:            assert (cfg_o.static_scale && cfg_o.static_bias);
      c_normalize:         cover (norm_o.normalize && start_i);
    end
  end
`endif

endmodule
