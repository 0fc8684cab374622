// SPDX-License-Identifier: Apache-2.0
//
// Stores registers 10 to 15 of the compute engine and decodes the operation and flags of its RUN.
// cfg_o configures the post unit for the RUN. The compute engine uses the other outputs. trine_agu
// stores registers 0 to 9.
//
// There are two sets of registers. SETs write the set of the next RUN while the current RUN is
// still in the array. start_i copies that set to the current set.
//
// Timing    Outputs are registers. They belong to the started RUN from the cycle after start_i on.
// Contract  No SET comes together with start_i. start_i comes when all jobs of the previous RUN
//           have been accepted and all its steps are in the array.
// Check     trine_compute_tb

module trine_compute_regs #(
  parameter int unsigned AddrBits     = 15,
  parameter int unsigned PmemAddrBits = 11,
  parameter bit          Window       = 1'b0,
  parameter bit          Weights4     = 1'b0,
  parameter bit          Groups       = 1'b0,
  parameter bit          Int16        = 1'b0,
  parameter bit          Formats      = 1'b0,
  parameter bit          Sums         = 1'b0
) (
  input  logic                    clk_i,

  // A SET is taken (we_i); a RUN starts (start_i).
  input  logic                    we_i,
  input  logic                    start_i,
  input  trine_engine_pkg::command_t command_i,
  input  logic [AddrBits-1:0]     out_plane_i,    // of the next RUN, from trine_agu

  output trine_job_pkg::cfg_t    cfg_o,
  output logic [7:0]              pad_o,          // code of taps outside the input
  output logic [PmemAddrBits-1:0] row_o,          // first row of weights
  output logic [1:0]              mode_o,         // int8, ternary, binary, binary with masked taps
  output logic [2:0]              weight_bits_o,  // packing: 0 none, 1 ternary, 2 binary, 3 window,
                                                  // 4 int4
  output logic                    pairs_o,        // the RUN on offer uses pairs of lanes
  output logic                    matmul_o,       // both operands are maps
  output logic                    matmul16_o,     // int16: the sums of a pair are one word
  output logic                    clear_sums_o,   // a tile's first step clears the sums
  output logic                    drain_o,        // the RUN has results
  output logic                    residual_o      // results are fused with residuals
);

  trine_job_pkg::cfg_t    next_q, cfg_q;
  logic [7:0]              next_pad_q, pad_q;
  logic [PmemAddrBits-1:0] next_row_q, row_q;
  logic [1:0]              mode_q, next_output_q;
  logic [2:0]              weight_bits_q;
  logic                    clear_sums_q, drain_q, residual_q, matmul_q, matmul16_q;
  logic                    fused, sums, matmul16, by_row;

  // The payload of a SET.
  trine_isa_pkg::post_payload_t    post;
  trine_isa_pkg::compute_payload_t compute;

  assign post    = command_i.cfg_payload;
  assign compute = command_i.cfg_payload;

  assign fused = command_i.run_flags[trine_isa_pkg::ComputeFlagFuseAdd] ||
                 command_i.run_flags[trine_isa_pkg::ComputeFlagFuseMax];

  assign sums = Sums && command_i.run_flags[trine_isa_pkg::ComputeFlagAddSums];

  assign matmul16 = Int16 && command_i.run_op == trine_isa_pkg::ComputeOpMatmul16;
  assign by_row   = Int16 && command_i.run_op == trine_isa_pkg::ComputeOpInt8Int16;
  assign pairs_o  = matmul16 || (Int16 && command_i.run_op == trine_isa_pkg::ComputeOpInt16);

  always_ff @(posedge clk_i) begin
    // Fields without a register. start_i sets them from the RUN; otherwise they are 0.
    {next_q.kind, next_q.window, next_q.max, next_q.sums, next_q.square} <= '0;
    {next_q.int16, next_q.leaky, next_q.subtract, next_q.line, next_q.tanh, next_q.words} <= '0;
    {next_q.groups, next_q.third, next_q.fifth} <= '0;
    {next_q.exponential, next_q.shares, next_q.by_row} <= '0;
    {next_q.single, next_q.half_even, next_q.static_scale, next_q.static_bias} <= '0;
    {next_q.bias, next_q.out_plane} <= '0;
    if (we_i) begin
      if (command_i.cfg_reg == 4'(trine_isa_pkg::PostPadCodeReg)) begin
        next_pad_q         <= post.r10.pad_code;
        next_q.zero_point  <= post.r10.zero_point;
        next_q.act_min     <= post.r10.act_min;
        next_q.act_max     <= post.r10.act_max;
        next_output_q      <= post.r10.output_;
        next_q.lookup      <= post.r10.output_ == trine_isa_pkg::PostOutputTable;
        next_q.encoding    <= post.r10.encoding;
        next_q.format      <= post.r10.format & {2{Formats}};
        next_q.passes_last <= post.r10.passes_last;
        next_q.low         <= post.r10.low;
        next_q.position    <= post.r10.position;
      end
      if (command_i.cfg_reg == 4'(trine_isa_pkg::PostMultiplierReg)) begin
        next_q.multiplier <= post.r11.multiplier;
        next_q.shift      <= post.r11.shift;
      end
      if (command_i.cfg_reg == 4'(trine_isa_pkg::PostAddOperandMultiplierReg)) begin
        next_q.add_operand_multiplier <= post.r12.add_operand_multiplier;
        next_q.add_operand_shift      <= post.r12.add_operand_shift;
        next_q.add_a_is_half          <= post.r12.add_a_is_half;
        next_q.add_zero_a             <= post.r12.add_zero_a;
        next_q.add_zero_b             <= post.r12.add_zero_b;
      end
      if (command_i.cfg_reg == 4'(trine_isa_pkg::PostAddMultiplierReg)) begin
        next_q.add_multiplier <= post.r13.add_multiplier;
        next_q.add_shift      <= post.r13.add_shift;
        next_q.add_zero_point <= post.r13.add_zero_point;
      end
      if (command_i.cfg_reg == 4'(trine_isa_pkg::PostAddActMinReg)) begin
        next_q.add_act_min    <= post.r14.add_act_min;
        next_q.add_act_max    <= post.r14.add_act_max;
        next_q.residual_delta <= post.r14.residual_delta;
      end
      if (command_i.cfg_reg == 4'(trine_isa_pkg::ComputeRowReg)) begin
        next_row_q      <= compute.r15.row[PmemAddrBits-1:0];
        next_q.param    <= compute.r15.param;
        next_q.channels <= compute.r15.channels;
      end
    end
    if (start_i) begin
      cfg_q           <= next_q;
      cfg_q.out_plane <= 24'(out_plane_i);
      pad_q           <= next_pad_q;
      row_q           <= next_row_q;
      unique case (command_i.run_op)
        trine_isa_pkg::ComputeOpTernary: mode_q <= 2'd1;
        trine_isa_pkg::ComputeOpBinary:  mode_q <= 2'd2;
        trine_isa_pkg::ComputeOpBinaryInside: mode_q <= 2'd3;
        default:                         mode_q <= 2'd0;
      endcase
      unique case (command_i.run_op)
        trine_isa_pkg::ComputeOpInt8Ternary: weight_bits_q <= 3'd1;
        trine_isa_pkg::ComputeOpInt8Binary:  weight_bits_q <= 3'd2;
        trine_isa_pkg::ComputeOpInt8Int4:    weight_bits_q <= {Weights4, 2'd0};
        default:                             weight_bits_q <= 3'd0;
      endcase
      if (Groups && command_i.run_op == trine_isa_pkg::ComputeOpInt8Groups) weight_bits_q <= 3'd4;
      if (Window && command_i.run_flags[trine_isa_pkg::ComputeFlagWindow]) weight_bits_q <= 3'd3;
      matmul_q           <= command_i.run_op == trine_isa_pkg::ComputeOpMatmul || matmul16;
      matmul16_q         <= matmul16;
      cfg_q.window       <= Window && command_i.run_flags[trine_isa_pkg::ComputeFlagWindow];
      clear_sums_q       <= command_i.run_flags[trine_isa_pkg::ComputeFlagClear];
      drain_q            <= command_i.run_flags[trine_isa_pkg::ComputeFlagDrain];
      residual_q         <= fused || sums;
      cfg_q.sums         <= sums;
      cfg_q.single       <= command_i.run_flags[trine_isa_pkg::ComputeFlagSingle];
      cfg_q.half_even    <= command_i.run_flags[trine_isa_pkg::ComputeFlagHalfEven];
      cfg_q.static_scale <= command_i.run_flags[trine_isa_pkg::ComputeFlagPerTensor];
      cfg_q.max          <= command_i.run_flags[trine_isa_pkg::ComputeFlagFuseMax];
      if (next_output_q == trine_isa_pkg::PostOutputThresholds) begin
        cfg_q.kind <= trine_job_pkg::KindThreshold;
      end else if (next_output_q == trine_isa_pkg::PostOutputRaw) begin
        cfg_q.kind <= trine_job_pkg::KindRaw;
      end else if (fused) begin
        cfg_q.kind <= trine_job_pkg::KindFused;
      end else begin
        cfg_q.kind <= trine_job_pkg::KindRequant;
      end
      cfg_q.int16  <= pairs_o || by_row;
      cfg_q.by_row <= by_row;
      cfg_q.groups <= Groups && command_i.run_op == trine_isa_pkg::ComputeOpInt8Groups;
    end
  end

  assign cfg_o         = cfg_q;
  assign pad_o         = pad_q;
  assign row_o         = row_q;
  assign mode_o        = mode_q;
  assign weight_bits_o = weight_bits_q;
  assign matmul_o      = matmul_q;
  assign matmul16_o    = matmul16_q;
  assign clear_sums_o  = clear_sums_q;
  assign drain_o       = drain_q;
  assign residual_o    = residual_q;

  logic unused_bits;
  assign unused_bits = ^{command_i, post, compute};

`ifdef TRINE_ASSERT
  logic started_q;  // a RUN has started

  initial started_q = 1'b0;

  always_ff @(posedge clk_i) begin
    if (start_i) started_q <= 1'b1;
    if (we_i) m_no_set: assume (!start_i);
    if (started_q) begin
      a_fused:  assert (cfg_o.kind != trine_job_pkg::KindFused || residual_o);
      a_matmul: assert (!matmul16_o || (matmul_o && cfg_o.int16));
      a_by_row: assert (!cfg_o.by_row || (cfg_o.int16 && !matmul_o));
      a_packed: assert (weight_bits_o == '0 || weight_bits_o == 3'd3 || mode_o == '0);
    end
  end
`endif

endmodule
