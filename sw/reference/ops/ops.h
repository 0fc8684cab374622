// SPDX-License-Identifier: Apache-2.0
//
// The operators as plain loops over codes held in 32 bits: the specification, never optimized. Each
// takes its operands from a run's values and returns the output's codes, C order; run.cpp packs
// them.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sw/model/graph.h"
#include "sw/model/indices.h"
#include "sw/reference/requantize.h"

namespace trine::reference {

using Codes = std::vector<std::int32_t>;
using model::broadcast, model::steps_of, model::walk;

/// Values of the tensors computed so far, by tensor index.
using Values = std::map<int, Array>;

/// Whose UNIDIRECTIONAL_SEQUENCE_LSTM. The numbers are those of program files.
enum class LstmKernel { kLiteRt, kMicro };

/// One operator at work.
struct Call {
  const model::Graph& graph;
  const model::Op& op;
  const Values& values;
  Rounding rounding;
  LstmKernel kernel;  ///< of an LSTM

  const model::Tensor& in(int position) const { return graph.in(op, position); }
  const model::Tensor& out() const { return graph.out(op); }
  /// Bytes of an input, constant or computed.
  const std::vector<std::uint8_t>& bytes(int position) const;
  /// An input of integer type up to 32 bits, less `zero_point`. Empty where the operand is absent.
  Codes codes(int position, std::int32_t zero_point = 0) const;
  /// The same less its own zero point, of an eight-bit format what the codes stand for, in units.
  Codes units(int position) const;
  /// Whether codes of a byte are of an eight-bit format: the input's, or the output's.
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
Codes unary(const Call& call);   ///< all operators of one code by one, see code_table()
Codes quantize(const Call& call);
std::vector<float> dequantize(const Call& call);
std::vector<float> float_unary(const Call& call);   ///< of float32: model::computes_floats()
std::vector<float> float_binary(const Call& call);  ///< the same of two operands
Codes softmax(const Call& call);
Codes interpolated(const Call& call);  ///< LOGISTIC, TANH of int16
/// What makes an int16 code an argument of LOGISTIC in steps of 1 / (24 * 2^9), of TANH 1 / (24 *
/// 2^8): multiplier / 2^shift, halves up.
struct InputScale {
  std::int64_t multiplier = 0;  ///< of 15 bits, of scales above 2.67 more
  int shift = 0;                ///< 0..31
};
InputScale input_scale(float scale);
/// sigmoid(i / 24) in Q0.16, as tflite-micro has it.
std::span<const std::uint16_t, 256> sigmoid_points();
/// Sigmoid and tanh of x / (3 * 2^12) in Q0.15, by the points of these.
std::int32_t interpolated_logistic(std::int64_t x);
std::int32_t interpolated_tanh(std::int64_t x);
Codes interpolated_softmax(const Call& call);  ///< SOFTMAX of int16
/// Its points: of exp(-10..0) and of 1 / (1 + x), x = 0..1, in Q0.15.
std::span<const std::int32_t, 513> exponential_points();
std::span<const std::int32_t, 513> reciprocal_points();
/// What a code less the largest has to the step of a 65536th of 10.
ChannelScale exponential_scale(const model::Graph& graph, const model::Op& op);
Codes log_softmax(const Call& call);
Codes norm(const Call& call);  ///< LayerNorm, RMSNorm: norm.h
Codes lstm(const Call& call);  ///< UNIDIRECTIONAL_SEQUENCE_LSTM
/// Why LiteRT's kernel cannot: "" or "computes int8 alone". @pre check() accepts it
std::string litert_lstm_problem(const model::Graph& graph, const model::Op& op);

Codes compare(const Call& call);  ///< EQUAL, LESS and their kin
Codes l2_normalization(const Call& call);
Codes svdf(const Call& call);
Codes spiking(const Call& call);  ///< neurons: sw/model/spiking.h

Codes threshold(const Call& call);
std::vector<float> float_steps(const Call& call);    ///< FLOAT
std::vector<float> float_softmax(const Call& call);  ///< SOFTMAX of float32
std::vector<std::int64_t> arg_max(const Call& call);
/// An operator of ONNX on the host, of any types. @throws Error  names the operator
std::vector<std::uint8_t> onnx(const Call& call);

Codes max_pool(const Call& call);
Codes average_pool(const Call& call);
Codes mean(const Call& call);        ///< MEAN, SUM
Codes reduce_max(const Call& call);  ///< REDUCE_MAX, REDUCE_MIN
Codes resize_bilinear(const Call& call);
Codes resize_nearest(const Call& call);

// Movement of elements of any type: bytes in, bytes out.
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
