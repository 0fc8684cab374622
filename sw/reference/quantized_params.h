// SPDX-License-Identifier: Apache-2.0
//
// Derives integers from the model's floating-point scales, as an operator's arithmetic needs them.
// The reference computes with these integers, and the compiler stores them in the program. All
// functions are pure. Each requires an operator that model::check() accepts.
//
// Each floating-point step has the order and the width of TFLite's. Convolutions compute s1*s2/so
// in double. With one scale per tensor, FULLY_CONNECTED, BATCH_MATMUL and uint8 convolutions first
// round s1*s2 to float32. MUL, RELU, ABS and LEAKY_RELU compute everything in float32.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/reference/requantize.h"

namespace trine::reference {

/// Returns zero point and clamp of an operator's output. The activation bounds are in the output's
/// codes.
OutputRange output_range(const model::Tensor& output, model::Activation activation);

/// Returns the largest magnitude of a state's codes, rounded towards zero.
/// @pre op.cell_clip > 0
std::int32_t clip_code(const model::Op& op, const model::Tensor& state);

/// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, FULLY_CONNECTED, BATCH_MATMUL:
/// code = requantize(sum (x - input_zero_point) * (w - weight_zero_point) + bias[m], scales[m]).
struct ConvParams {
  /// One for each output channel, even if all are equal; none if the output is int32, which is the
  /// accumulator itself.
  std::vector<ChannelScale> scales;
  std::int32_t input_zero_point = 0;
  /// Nonzero only if all channels share it (uint8, FULLY_CONNECTED, products).
  std::int32_t weight_zero_point = 0;
  OutputRange output;
};
ConvParams conv_params(const model::Graph& graph, const model::Op& op);

/// Returns the weighted sum of a group in a FULLY_CONNECTED with factors.
std::int32_t of_group(std::int32_t sum, std::int32_t factor);
/// Returns the amount added to a channel's bias in a FULLY_CONNECTED with factors: one half for
/// each group, because groups are rounded down, minus the input's zero point times the sum of
/// weight * factor.
/// @param weights  of the channel
/// @param block  weights in a group
std::int32_t group_offset(std::span<const std::int8_t> weights,
                          std::span<const std::int16_t> factors, int block, int zero_point);

/// Returns the scales of int16 FULLY_CONNECTED in LiteRT >= 1.3: code = round(sum * scale[m]),
/// halves away from zero.
std::vector<double> real_scales(const model::Graph& graph, const model::Op& op);

/// Returns for each neuron of SPIKING the scale of its sum of recurrent spikes.
/// @pre the operator has weights
std::vector<ChannelScale> returned_scales(const model::Graph& graph, const model::Op& op);

/// ADD, SUB, SQUARED_DIFFERENCE: x_i = scaled((q_i - zero_point_i) << left_shift, input_i);
/// code = requantize(x_0 + x_1 | x_0 - x_1 | (x_0 - x_1)^2, result).
struct AddParams {
  int left_shift = 20;  ///< 7 in SQUARED_DIFFERENCE, 15 for int16
  std::array<std::int32_t, 2> zero_point{};
  std::array<ChannelScale, 2> input{};
  ChannelScale result;
  OutputRange output;
};
AddParams add_params(const model::Graph& graph, const model::Op& op);

/// MUL: code = requantize((a - zero_point_0) * (b - zero_point_1), scale).
struct MulParams {
  std::array<std::int32_t, 2> zero_point{};
  ChannelScale scale;
  OutputRange output;
};
MulParams mul_params(const model::Graph& graph, const model::Op& op);

/// MAX_POOL_2D, AVERAGE_POOL_2D: codes are not rescaled, and the zero_point of `output` is 0.
struct PoolParams {
  model::Window window;
  OutputRange output;
  bool half_up = false;         ///< uint8 averages round halves up; others away from zero
  std::int32_t zero_point = 0;  ///< TOSA: subtracted from the codes before they are added
};
PoolParams pool_params(const model::Graph& graph, const model::Op& op);

/// MEAN, SUM: code = requantize(sum q + bias, scale); MEAN's 1/count is folded into the scale,
/// whose mantissa can therefore be below 2^30.
struct MeanParams {
  std::int64_t count = 1;  ///< number of codes in a sum
  std::int32_t bias = 0;   ///< -zero_point * count
  ChannelScale scale;
  OutputRange output;
};
MeanParams mean_params(const model::Graph& graph, const model::Op& op);

/// RELU, RELU6, RELU_N1_TO_1, ABS, QUANTIZE of codes: code = requantize(q - zero_point, scale).
/// LEAKY_RELU: `negative` in place of `scale` where q < zero_point.
struct RequantizeParams {
  std::int32_t zero_point = 0;
  ChannelScale scale;
  ChannelScale negative;
  OutputRange output;
};
RequantizeParams requantize_params(const model::Graph& graph, const model::Op& op);

/// Returns for each uint8 code of an operand of CONCATENATION the code at the result's scale,
/// computed in float32.
std::array<std::uint8_t, 256> joined_codes(const model::Tensor& from, const model::Tensor& to);

/// SOFTMAX: a difference d = q - max, not below diff_min, is scaled to Q5.26 by `input`.
struct SoftmaxParams {
  ChannelScale input;
  std::int32_t diff_min = 0;
  /// 1 / (256 scale) if ONNX's quantizer gives the scale. Its multiplier is at most kMostRescale,
  /// because reciprocals reach a few units above 1.
  std::optional<ChannelScale> rescale;
  static constexpr std::int32_t kMostRescale = 0x7fffffc0;
  OutputRange output;
};
SoftmaxParams softmax_params(const model::Graph& graph, const model::Op& op);

/// RSQRT: d = round(2^20 / sqrt(q - zero_point)); code = requantize(d, scale).
RequantizeParams rsqrt_params(const model::Graph& graph, const model::Op& op);

/// Returns the output code of each input code, the lowest input code (-128 or 0) first, for an
/// operator that maps one code to one code, such as LOGISTIC, TANH, GELU, EXP or SQUARE. LOG gives
/// the lowest code where it is undefined. SQRT is rounded down, and gives 0 for negative values.
std::array<std::int32_t, 256> code_table(const model::Graph& graph, const model::Op& op,
                                         Rounding rounding);

/// Returns the output codes of the given int16 or int32 codes.
/// @pre neither LOGISTIC nor TANH, which interpolate: ops/interpolated.cpp
std::vector<std::int32_t> function_codes(const model::Graph& graph, const model::Op& op,
                                         Rounding rounding, std::vector<std::int32_t> codes);

}  // namespace trine::reference
