// SPDX-License-Identifier: Apache-2.0
//
// Selects the configuration that each stage of the post lanes uses for the code in it. Most fields
// belong to the code in the operand register. Bounds and zero point belong to the code that is
// clamped, because softmax codes may come between the codes of a job. With Int16, codes of both
// engines may follow each other. Additions and products stay two cycles longer in the lane.
//
//   cycle         0      1       2    3    4     5      6      a code that is requantized
//                 issue  enters                  clamp  leaving_vector_o is its engine
//
// Timing    Zero point and bounds are registers. The other fields come through a multiplexer.
// Contract  Codes leave the lane in the order in which they enter. Without cfg_pair_i.mixed, all
//           codes belong to the job in front.
// Check     trine_post_tb; random_program_test

module trine_lane_cfg #(
  parameter bit Int16   = 1'b0,
  parameter bit Softmax = 1'b0
) (
  input  logic                   clk_i,

  // The job in front, and its codes as they enter.
  input  logic                   enters_i,
  input  logic                   pass_i,
  input  logic                   pair_i,       // of an addition or a product
  input  logic                   vector_i,     // the job is the vector engine's
  input  trine_job_pkg::cfg_t   cfg_i,
  input  trine_post_pkg::cfg_pair_t cfg_pair_i,
  input  logic                      single_i,  // of the code in the operand register

  // A softmax's code leaves in two cycles.
  input  logic                   softmax_in_two_i,
  input  trine_job_pkg::cfg_t   softmax_cfg_i,

  output trine_job_pkg::cfg_t   cfg_o,
  output logic                   leaving_vector_o
);

  logic                entered_vector, next_vector, now_vector, half_even_q;
  logic [7:0]          zero_point_q, act_min_q, act_max_q;
  logic                softmax;
  trine_job_pkg::cfg_t next, now;  // of the code clamped in the next cycle; in this cycle
  trine_job_pkg::cfg_t c_cfg, v_cfg;

  assign {c_cfg, v_cfg} = {cfg_pair_i.c_cfg, cfg_pair_i.v_cfg};

  if (Int16) begin : gen_whose
    localparam int unsigned Long  = 1 + trine_post_pkg::LaneAdd;
    localparam int unsigned Short = 1 + trine_post_pkg::LaneRequant;
    logic          entered_q;
    logic [Long:1] vector_q;  // [k]: of the code that leaves in Long - k cycles

    always_ff @(posedge clk_i) begin
      if (enters_i) entered_q <= vector_i;
      vector_q <= {vector_q[Long-1:1], vector_i};
      if (pass_i && !pair_i) vector_q[Long-Short+1] <= vector_i;
    end

    assign entered_vector   = entered_q;
    assign leaving_vector_o = vector_q[Long];
    assign next_vector      = vector_q[Long-2];
    assign now_vector       = vector_q[Long-1];
  end else begin : gen_front
    assign {entered_vector, leaving_vector_o, next_vector, now_vector} = '0;
  end

  assign softmax = Softmax && softmax_in_two_i;

  always_comb begin
    next = cfg_i;
    now  = cfg_i;
    if (Int16) begin
      next = next_vector ? v_cfg : c_cfg;
      now  = now_vector ? v_cfg : c_cfg;
    end
  end

  always_ff @(posedge clk_i) begin
    half_even_q  <= next.half_even && !softmax;
    zero_point_q <= softmax ? softmax_cfg_i.zero_point : next.zero_point;
    act_min_q    <= softmax ? softmax_cfg_i.act_min : next.act_min;
    act_max_q    <= softmax ? softmax_cfg_i.act_max : next.act_max;
  end

  // With half_even, int16 sums have 32 bits, whatever the source of their scale.
  always_comb begin
    cfg_o = cfg_i;
    if (Int16) begin
      cfg_o                = entered_vector ? v_cfg : c_cfg;
      cfg_o.static_scale   = cfg_o.static_scale || cfg_o.half_even;
      cfg_o.add_zero_point = now.add_zero_point;
      cfg_o.add_act_min    = now.add_act_min;
      cfg_o.add_act_max    = now.add_act_max;
      cfg_o.line           = now.line;
      cfg_o.format         = now.format;
    end
    cfg_o.single     = single_i;
    cfg_o.half_even  = half_even_q;
    cfg_o.zero_point = zero_point_q;
    cfg_o.act_min    = act_min_q;
    cfg_o.act_max    = act_max_q;
  end

  logic unused_cfg;
  assign unused_cfg = ^{enters_i, pass_i, pair_i, vector_i, cfg_pair_i, softmax_cfg_i,
                        softmax_in_two_i, entered_vector, now, next};

endmodule
