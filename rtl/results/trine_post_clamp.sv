// SPDX-License-Identifier: Apache-2.0
//
// Rounds, adds the zero point, clamps and takes the maximum with a residual: stage 5 of
// trine_post_lane.
//
//   y = max(clamp((t >> 1) + t[0] + zero_point, lower, upper), residual)
//
// With half_even, ties round to even. The low bytes of int16 bounds are in add_act_min and
// add_act_max. Int16 codes have no zero point. Values for a line (trine_interpolate) have no zero
// point either, and their bounds are four times as large. With Formats, int16 codes may be values
// of an eight-bit format instead of integers. trine_post_format or, for E4M3, trine_post_e4m3 then
// rounds the value.
//
// Timing    The output is combinational.
// Check     trine_post_lane_tb

module trine_post_clamp #(
  parameter int unsigned CodeBits = 8,  // 8; 16 with int16 codes
  parameter bit          Formats  = 1'b0,  // int16 codes may have an eight-bit format
  localparam int unsigned TBits   = CodeBits != 16 ? 10
                                    : Formats ? trine_post_pkg::FormatBits
                                    : trine_post_pkg::LineBits,
  localparam int unsigned OutBits = CodeBits == 16 ? trine_post_pkg::LineBits : CodeBits
) (
  input  trine_job_pkg::cfg_t   cfg_i,
  input  logic                  add_i,    // a sum of two codes, with its own zero point and bounds
  input  logic                  int16_i,
  input  logic                  max_i,
  input  logic [7:0]            residual_i,
  input  logic [TBits-1:0]      t_i,
  input  logic                  below_i,  // bits below t are not all 0
  output logic [OutBits-1:0]    code_o
);

  // 11 bits represent -256 - 128 .. 256 + 127.
  localparam int unsigned Bits = TBits + 1;

  logic                       up, line, formatted;
  logic signed [Bits-2:0]     rest;
  logic signed [Bits-1:0]     value, of_format, low_end, high_end, clamped;
  logic signed [7:0]          zero_point, act_min, act_max;
  logic signed [CodeBits-1:0] lower, upper, code, residual;

  assign line       = CodeBits == 16 && int16_i && cfg_i.line;
  assign zero_point = $signed(add_i ? cfg_i.add_zero_point : cfg_i.zero_point);
  assign act_min    = $signed(add_i ? cfg_i.add_act_min : cfg_i.act_min);
  assign act_max    = $signed(add_i ? cfg_i.add_act_max : cfg_i.act_max);
  assign up         = t_i[0] && !(cfg_i.half_even && !below_i && !t_i[1]);
  assign rest       = (Bits-1)'($signed(t_i[TBits-1:1])) + (Bits-1)'(zero_point);
  assign formatted  = Formats && CodeBits == 16 && int16_i && cfg_i.format != '0 && !line;
  assign value      = formatted ? of_format : Bits'(rest) + $signed({{(Bits-1){1'b0}}, up});
  assign residual   = CodeBits'($signed(residual_i));

  always_comb begin
    lower = CodeBits'(act_min);
    upper = CodeBits'(act_max);
    if (int16_i) begin
      lower = $signed(CodeBits'({cfg_i.act_min, cfg_i.add_act_min}));
      upper = $signed(CodeBits'({cfg_i.act_max, cfg_i.add_act_max}));
    end
    low_end  = Bits'(lower);
    high_end = Bits'(upper);
    if (line) begin
      low_end  = low_end <<< 2;
      high_end = high_end <<< 2;
    end
    clamped = value;
    if (value < low_end) clamped = low_end;
    if (value > high_end) clamped = high_end;
    code = clamped[CodeBits-1:0];
    if (max_i && residual > code) code = residual;
  end

  if (Formats && CodeBits == 16) begin : gen_format
    logic [TBits-1:0]  rounded;
    logic signed [8:0] place;

    trine_post_format u_format (
      .posit_i (cfg_i.format == trine_job_pkg::FormatPosit8),
      .t_i,
      .below_i,
      .value_o (rounded)
    );

    trine_post_e4m3 u_e4m3 (
      .t_i,
      .below_i,
      .place_o (place)
    );

    assign of_format = cfg_i.format == trine_job_pkg::FormatE4M3 ? Bits'(place)
                                                                 : Bits'($signed(rounded));
  end else begin : gen_no_format
    assign of_format = '0;
  end

  assign code_o = line ? $unsigned(clamped[OutBits-1:0]) : $unsigned(OutBits'(code));

  logic unused_bits;
  assign unused_bits = ^{cfg_i, clamped};

endmodule
