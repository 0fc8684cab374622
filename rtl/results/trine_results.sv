// SPDX-License-Identifier: Apache-2.0
//
// Connects the post unit and the vector engine, which uses the post unit's lanes.
//
//   jobs, columns ----------------> trine_post -> words for DMEM
//   gather -> trine_vector --jobs-------^  ^
//   parameters, residuals -----------------'
//
// Timing    See trine_vector and trine_post.
// Contract  See trine_vector and trine_post. Without Vector, the vector engine accepts SETs, and no
//           RUN comes (trine_legal).
// Check     trine_vector_tb, trine_post_tb, random_program_test

module trine_results #(
  parameter int unsigned Rows       = 8,
  parameter int unsigned Cols       = 8,
  parameter int unsigned AddrBits   = 15,
  parameter int unsigned Channels   = 512,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Vector     = 1'b1,
  parameter bit          Table      = 1'b0,
  parameter bit          Groups     = 1'b0,
  parameter bit          Int16      = 1'b0, Formats = 1'b0,
  parameter bit          Sums       = 1'b0,
  parameter bit          Window     = 1'b0,
  parameter bit          Softmax    = 1'b0,
  parameter int unsigned Drain      = 1,  // columns per cycle: 1, 2
  parameter int unsigned PeStages   = 2,  // stages of a PE: 1, 2
  parameter int unsigned PipeRows   = 8,
  parameter int unsigned PipeCols   = 8,
  parameter int          Multiplier = trine_mul_pkg::Operator,
  parameter bit          Cluster    = 1'b0,  // one of several cores
  localparam int unsigned LaneBits    = Rows * (AddrBits + 1),
  localparam int unsigned WordBits    = Rows * (AddrBits + 33) + 32,
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            clear_i,

  // Instructions of the vector engine, and the core's row shift in a Cluster (trine_agu).
  input  logic [13:0]                     y_shift_i,
  input  trine_engine_pkg::command_t      vector_i,
  output trine_engine_pkg::answer_t       vector_o,

  // The vector engine's gather.
  output logic                            v_valid_o,
  input  logic                            v_ready_i,
  output logic [Rows*AddrBits-1:0]        v_addr_o,
  output logic [Rows-1:0]                 v_lanes_o,
  output logic [7:0]                      v_pad_o,
  output logic [2:0]                      v_tag_o,
  output logic                            v_hold_o,
  input  logic [Rows-1:0]                 v_rsp_lanes_i,
  input  logic [2:0]                      v_rsp_tag_i,
  input  logic                            v_rsp_done_i,

  // Residuals: {active lanes, addresses}.
  output logic                            r_valid_o,
  input  logic                            r_ready_i,
  output logic [LaneBits-1:0]             r_lanes_o,
  input  logic [Rows-1:0]                 r_rsp_lanes_i,
  input  logic                            r_rsp_done_i,

  input  logic [Rows*32-1:0]              rsp_data_i,  // of both gathers

  // A tile of the compute engine: {active lanes, their output addresses}; its columns.
  input  logic                            job_valid_i,
  output logic                            job_ready_o,
  input  trine_job_pkg::job_t            job_i,
  input  logic [LaneBits-1:0]             job_lanes_i,
  input  trine_job_pkg::results_t        results_i,
  output logic                            data_ready_o,
  output trine_job_pkg::compute_status_t status_o,
  output logic [Cols-1:0]                 cols_o,
  input  logic [Drain*Rows*32-1:0]        column_i,
  input  logic [Drain*16-1:0]             factor_i,  // of those columns

  // Parameters of a channel, and the next, one cycle later: {biases, multipliers, shifts}.
  output logic                            p_valid_o,
  output logic                            p_next_o,
  output logic [ChannelBits-1:0]          p_channel_o,
  input  logic [Drain*69-1:0]             params_i,

  // Tables.
  input  trine_engine_pkg::entry_t        entry_i,

  // Words for DMEM: {addresses, active lanes, data, mask}.
  output logic                            s_valid_o,
  input  logic                            s_ready_i,
  output logic [WordBits-1:0]             s_word_o
);

  trine_job_pkg::cfg_t            job_cfg;
  trine_post_pkg::word_t           job_word;
  trine_job_pkg::job_t            job;
  trine_post_pkg::vector_status_t  status;
  trine_post_pkg::softmax_t        softmax;
  trine_post_pkg::softmax_status_t softmax_status;
  trine_vector_pkg::exp_write_t    exp_write;
  trine_post_pkg::table_write_t    table_write;
  trine_engine_pkg::answer_t       answer;

  logic                     job_valid, job_ready, softmax_valid;
  logic [Rows*AddrBits-1:0] job_out;
  logic [Rows-1:0]          job_active;
  logic [Rows*96-1:0]       job_slots;
  logic [Drain*Rows*32-1:0] softmax_acc;
  logic [Drain*Rows*42-1:0] product;
  logic [Drain*Rows*32-1:0] column;  // columns, or sums of parts
  logic [Drain*69-1:0]      params;  // parameters, or factors of parts
  trine_post_pkg::read_t    read;
  trine_post_pkg::softmax_status_t post_status;
  logic                     part, pair, part_product;  // of read
  logic [Rows*37-1:0]       factors;
  logic [Rows*trine_post_pkg::PointBits-1:0] point_req;

  // Yosys does not accept struct fields in a generate block.
  logic        cfg_valid, cfg_ready, run_valid, run_ready, retire, done, almost_done, prefetch_ok;
  logic [3:0]  cfg_reg, lacks;
  logic [55:0] cfg_payload;
  logic [7:0]  run_op;
  logic [8:0]  run_flags;

  assign {cfg_valid, cfg_reg, cfg_payload, run_valid, run_op, run_flags, lacks} = vector_i;
  assign {prefetch_ok, almost_done, done, retire} = status;

  assign answer   = {cfg_ready, run_ready, retire};
  assign vector_o = answer;

  assign job.tile_first = job_word.tile_first;
  assign job.tile_last  = 1'b1;
  assign job.first      = job_word.run_first;
  assign job.last       = job_word.run_last;
  assign job.drain      = 1'b1;
  assign {job.part_first, job.part_last, job.bank} = '0;
  assign job.cfg        = job_cfg;

  assign exp_write   = {entry_i.exp_we, entry_i.addr, entry_i.data};
  assign table_write = {entry_i.table_we, entry_i.addr, entry_i.data[15:0]};

  if (Vector) begin : gen_vector
    trine_vector #(
      .Rows     (Rows),
      .AddrBits (AddrBits),
      .Ternary  (Ternary),
      .Binary   (Binary),
      .Softmax  (Softmax),
      .Int16    (Int16), .Formats (Formats),
      .Cluster  (Cluster),
      .Codes    (Drain)
    ) u_vector (
      .clk_i,
      .rst_ni,
      .clear_i,
      .y_shift_i,
      .cfg_valid_i     (cfg_valid),
      .cfg_ready_o     (cfg_ready),
      .cfg_reg_i       (cfg_reg),
      .cfg_payload_i   (cfg_payload),
      .run_valid_i     (run_valid),
      .run_ready_o     (run_ready),
      .run_i           ({run_flags[7:0], run_op}),
      .wait_i          (lacks != '0),
      .g_valid_o       (v_valid_o),
      .g_ready_i       (v_ready_i),
      .g_addr_o        (v_addr_o),
      .g_lanes_o       (v_lanes_o),
      .g_pad_o         (v_pad_o),
      .g_tag_o         (v_tag_o),
      .g_hold_o        (v_hold_o),
      .rsp_lanes_i     (v_rsp_lanes_i),
      .rsp_data_i,
      .rsp_tag_i       (v_rsp_tag_i),
      .rsp_done_i      (v_rsp_done_i),
      .job_valid_o     (job_valid),
      .job_ready_i     (job_ready),
      .job_done_i      (done),
      .job_early_i     ({prefetch_ok, almost_done}),
      .job_out_o       (job_out),
      .job_active_o    (job_active),
      .job_word_o      (job_word),
      .job_slots_o     (job_slots),
      .job_cfg_o       (job_cfg),
      .sm_req_valid_o  (softmax_valid),
      .sm_status_i     (softmax_status),
      .sm_req_o        (softmax),
      .sm_acc_o        (softmax_acc),
      .sm_factors_o    (factors),
      .product_i       (product[Rows*42-1:0]),
      .point_req_i     (point_req),
      .exp_i           (exp_write)
    );
  end else begin : gen_no_vector
    logic unused_vector;
    assign cfg_ready     = 1'b1;
    assign run_ready     = 1'b0;
    assign v_valid_o     = 1'b0;
    assign v_addr_o      = '0;
    assign v_lanes_o     = '0;
    assign v_pad_o       = '0;
    assign v_tag_o       = '0;
    assign v_hold_o      = 1'b0;
    assign job_valid     = 1'b0;
    assign job_word      = '0;
    assign job_out       = '0;
    assign job_active    = '0;
    assign job_cfg       = '0;
    assign softmax_valid = 1'b0;
    assign softmax       = '0;
    for (genvar l = 0; l < Rows; l++) begin : gen_row  // by row: more than 8,192 bits are a warning
      assign job_slots[96*l +: 96]               = '0;
      assign softmax_acc[Drain*32*l +: Drain*32] = '0;
      assign factors[37*l +: 37]                 = '0;
    end
    assign unused_vector = ^{y_shift_i, cfg_valid, cfg_reg, cfg_payload, run_valid, run_op,
                             run_flags, lacks, v_ready_i, v_rsp_lanes_i, v_rsp_tag_i,
                             v_rsp_done_i, job_ready, done, almost_done, prefetch_ok,
                             softmax_status, product, point_req, exp_write};
  end

  // ---------------------------------------------------------------------------------------------
  // Parts of a reduction: products of columns and factors, and the sums of these products. A
  // normalized value between them has its own parameters.
  // ---------------------------------------------------------------------------------------------
  logic is_part, is_first, is_sum;

  assign {is_part, is_first, is_sum} = {read.parts.part, read.parts.first, read.parts.sums};
  assign {part, pair}                = {read.part, read.pair};

  if (Groups) begin : gen_groups
    logic [Drain-1:0]         minus;
    logic [Drain*Rows*32-1:0] sum;
    assign column = is_sum ? sum : column_i;

    for (genvar d = 0; d < Drain; d++) begin : gen_lane
      assign minus[d] = factor_i[16*d + 15];
      // The lanes drop 20 bits of their products.
      assign params[Drain*37 + 32*d +: 32] = params_i[Drain*37 + 32*d +: 32] & {32{!is_part}};
      assign params[Drain*6 + 31*d +: 31]  = is_part ? {4'd0, factor_i[16*d +: 15], 12'd0}
                                                     : params_i[Drain*6 + 31*d +: 31];
      assign params[6*d +: 6]              = params_i[6*d +: 6] & {6{!is_part}};
    end

    trine_group_sums #(.Rows(Rows), .Cols(Cols), .Drain(Drain)) u_sums (
      .clk_i,
      .rst_ni,
      .part_i    (part),
      .first_i   (is_first),
      .pair_i    (pair),
      .cols_i    (cols_o),
      .minus_i   (minus),
      .product_o (part_product),
      .product_i (product),
      .odd_i     (status_o.odd),
      .sum_o     (sum)
    );
  end else begin : gen_no_groups
    logic unused_groups;
    assign column        = column_i;
    assign params        = params_i;
    assign part_product  = 1'b0;
    assign unused_groups = ^{factor_i, part, pair, is_part, is_first, is_sum, product};
  end

  logic unused_read;
  assign unused_read = ^{read, run_flags};

  always_comb begin
    softmax_status         = post_status;
    softmax_status.product = post_status.product && !part_product;
  end

  trine_post #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .Channels   (Channels),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Table      (Table),
    .Groups     (Groups),
    .Int16      (Int16), .Formats (Formats), .Sums (Sums),
    .Window     (Window),
    .Softmax    (Softmax),
    .Drain      (Drain),
    .PeStages   (PeStages),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .Multiplier (Multiplier)
  ) u_post (
    .clk_i,
    .rst_ni,
    .clear_i,
    .c_valid_i       (job_valid_i),
    .c_ready_o       (job_ready_o),
    .c_job_i         (job_i),
    .c_lanes_i       (job_lanes_i),
    .c_results_i     (results_i),
    .c_data_ready_o  (data_ready_o),
    .c_status_o      (status_o),
    .cols_o,
    .column_i        (column),
    .v_valid_i       (job_valid),
    .v_ready_o       (job_ready),
    .v_job_i         (job),
    .v_lanes_i       ({job_active, job_out}),
    .v_slots_i       (job_slots),
    .v_status_o      (status),
    .softmax_valid_i (softmax_valid),
    .softmax_i       (softmax),
    .softmax_o       (post_status),
    .softmax_acc_i   (softmax_acc),
    .factors_i       (factors),
    .product_o       (product),
    .read_o          (read),
    .point_req_o     (point_req),
    .p_valid_o,
    .p_next_o,
    .p_channel_o,
    .params_i        (params),
    .table_i         (table_write),
    .r_valid_o,
    .r_ready_i,
    .r_lanes_o,
    .rsp_lanes_i     (r_rsp_lanes_i),
    .rsp_data_i,
    .rsp_done_i      (r_rsp_done_i),
    .s_valid_o,
    .s_ready_i,
    .s_word_o
  );

`ifdef TRINE_ASSERT
  logic live_q, held_q;  // out of reset; a word waited for DMEM

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q <= 1'b0;
      held_q <= 1'b0;
    end else begin
      live_q <= 1'b1;
      held_q <= s_valid_o && !s_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (held_q) a_word_held: assert (s_valid_o);
      a_one_answer: assert (!(v_rsp_done_i && r_rsp_done_i));
      c_both: cover (job_valid_i && job_valid);  // both engines request the lanes
    end
  end
`endif

endmodule
