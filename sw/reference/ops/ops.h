// SPDX-License-Identifier: Apache-2.0
//
// Specifies the operators as plain loops over codes held in 32 bits, which are never optimized.
// Each reads its operands from a run's values and returns the output's codes in C order; run.cpp
// packs them.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/indices.h"
#include "sw/reference/requantize.h"

namespace trine::reference {

using Codes = std::vector<std::int32_t>;
using model::broadcast, model::steps_of, model::walk;

/// The values of the tensors computed so far, by tensor index.
using Values = std::map<int, Array>;

/// The runtime whose UNIDIRECTIONAL_SEQUENCE_LSTM is computed. Program files use these numbers.
enum class LstmKernel { kLiteRt, kMicro };

/// A call of one operator.
struct Call {
  const model::Graph& graph;
  const model::Op& op;
  const Values& values;
  Rounding rounding;
  LstmKernel kernel;  ///< for an LSTM

  const model::Tensor& in(int position) const { return graph.in(op, position); }
  const model::Tensor& out() const { return graph.out(op); }
  /// Returns the bytes of an input, constant or computed.
  const std::vector<std::uint8_t>& bytes(int position) const;
  /// Returns an input of integer type, up to 32 bits, minus `zero_point`. Empty if the operand is
  /// absent.
  Codes codes(int position, std::int32_t zero_point = 0) const;
  /// Returns an input minus its own zero point. Codes of an eight-bit format give the values that
  /// they represent, in units.
  Codes units(int position) const;
  /// Returns true if the input or the output has byte codes of an eight-bit format.
  bool of_format() const { return model::of_format(graph.out(op)) || model::of_format(in(0)); }
  std::vector<float> floats(int position) const;
};

Codes convolution(const Call& call);            ///< CONV_2D, any groups
Codes depthwise_convolution(const Call& call);  ///< DEPTHWISE_CONV_2D, any multiplier
Codes transpose_convolution(const Call& call);  ///< TRANSPOSE_CONV
Codes fully_connected(const Call& call);
Codes batch_matmul(const Call& call);

Codes add(const Call& call);  ///< ADD, SUB, SQUARED_DIFFERENCE
Codes mul(const Call& call);
Codes select(const Call& call);  ///< MAXIMUM, MINIMUM
Codes unary(const Call& call);   ///< all operators that map one code to one code: code_table()
Codes quantize(const Call& call);
std::vector<float> dequantize(const Call& call);
std::vector<float> float_unary(const Call& call);   ///< on float32: model::computes_floats()
std::vector<float> float_binary(const Call& call);  ///< on float32 with two operands
Codes softmax(const Call& call);
Codes interpolated(const Call& call);  ///< LOGISTIC, TANH on int16
/// The scale that turns an int16 code into an argument of LOGISTIC in steps of 1 / (24 * 2^9), or
/// of TANH in steps of 1 / (24 * 2^8): multiplier / 2^shift, halves up.
struct InputScale {
  std::int64_t multiplier = 0;  ///< 15 bits; more for scales above 2.67
  int shift = 0;                ///< 0..31
};
InputScale input_scale(float scale);
/// Returns sigmoid(i / 24) in Q0.16, as in tflite-micro.
std::span<const std::uint16_t, 256> sigmoid_points();
/// Return sigmoid and tanh of x / (3 * 2^12) in Q0.15, interpolated between the points.
std::int32_t interpolated_logistic(std::int64_t x);
std::int32_t interpolated_tanh(std::int64_t x);
Codes interpolated_softmax(const Call& call);  ///< SOFTMAX on int16
/// Return the points of interpolated_softmax(): of exp(-10..0) and of 1 / (1 + x), x = 0..1, in
/// Q0.15.
std::span<const std::int32_t, 513> exponential_points();
std::span<const std::int32_t, 513> reciprocal_points();
/// Returns the scale that turns a code minus the largest code into steps of 10 / 65536.
ChannelScale exponential_scale(const model::Graph& graph, const model::Op& op);
Codes log_softmax(const Call& call);
Codes norm(const Call& call);  ///< LayerNorm, RMSNorm: norm.h
Codes lstm(const Call& call);  ///< UNIDIRECTIONAL_SEQUENCE_LSTM
/// Returns why LiteRT's kernel cannot compute the LSTM: "" or "supports only int8".
/// @pre check() accepts the operator
std::string litert_lstm_problem(const model::Graph& graph, const model::Op& op);

Codes compare(const Call& call);  ///< EQUAL, LESS and other comparisons
Codes l2_normalization(const Call& call);
Codes svdf(const Call& call);
Codes spiking(const Call& call);  ///< neurons: sw/model/graph/spiking.h

Codes threshold(const Call& call);
std::vector<float> float_steps(const Call& call);    ///< FLOAT
std::vector<float> float_softmax(const Call& call);  ///< SOFTMAX on float32
std::vector<std::int64_t> arg_max(const Call& call);
/// Runs an ONNX operator on the host, with any types.
/// @throws Error  names the operator
std::vector<std::uint8_t> onnx(const Call& call);

Codes max_pool(const Call& call);
Codes average_pool(const Call& call);
Codes mean(const Call& call);        ///< MEAN, SUM
Codes reduce_max(const Call& call);  ///< REDUCE_MAX, REDUCE_MIN
Codes resize_bilinear(const Call& call);
Codes resize_nearest(const Call& call);

// Operators that move elements of any type: bytes in, bytes out.
std::vector<std::uint8_t> pad(const Call& call);  ///< PAD, PADV2
std::vector<std::uint8_t> mirror_pad(const Call& call);
std::vector<std::uint8_t> space_to_depth(const Call& call);
std::vector<std::uint8_t> depth_to_space(const Call& call);
std::vector<std::uint8_t> gather_elements(const Call& call);  ///< GATHER
std::vector<std::uint8_t> broadcast_to(const Call& call);
std::vector<std::uint8_t> transpose(const Call& call);
std::vector<std::uint8_t> strided_slice(const Call& call);
std::vector<std::uint8_t> concatenation(const Call& call);

}  // namespace trine::reference
