// SPDX-License-Identifier: Apache-2.0
//
// Determines where rounding halves to even matters. TFLite rounds halves up, ONNX to even. Both
// agree unless a scaled sum is exactly between two codes: acc * multiplier is then an odd multiple
// of 2^(30 - shift). Scales are rarely so even that an accumulator within reach does that. Where
// one does, the machine's own mode is used. int16 codes always use it: without it, sums that round
// once have 40 bits and a shorter multiplier.

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sw/compiler/lower/graph_facts.h"
#include "sw/reference/quantized_params.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using reference::ChannelScale;
using reference::Rounding;

/// Returns true if no x with |x| <= bound is a tie.
bool never_ties(const ChannelScale& scale, std::int64_t bound) {
  if (scale.multiplier == 0) return true;
  int zeros = 0;
  while ((scale.multiplier >> zeros & 1) == 0) ++zeros;
  const int exponent = 30 - scale.shift - zeros;  // the smallest x that is a tie is 2^exponent
  return exponent < 0 || bound < std::int64_t{1} << exponent;
}

bool product_agrees(const Graph& graph, const Op& op) {
  const reference::ConvParams p = reference::conv_params(graph, op);
  const auto weights = graph.in(op, 1).values<std::int8_t>();
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;  // channels last
  const std::size_t taps = weights.size() / p.scales.size();
  const std::int64_t largest = std::max(127 - p.input_zero_point, p.input_zero_point + 128);
  const int position = op.kind == OpKind::kTransposeConv ? 3 : 2;
  const auto bias = op.input(position) < 0 ? std::vector<std::int64_t>(p.scales.size())
                                           : graph.in(op, position).integers();
  for (std::size_t m = 0; m < p.scales.size(); ++m) {
    std::int64_t bound = std::abs(bias[m]);
    for (std::size_t i = 0; i < taps; ++i)
      bound += largest * std::abs(weights[depthwise ? i * p.scales.size() + m : m * taps + i] -
                                  p.weight_zero_point);
    if (!never_ties(p.scales[m], bound)) return false;
  }
  return true;
}

/// Compares all pairs of codes. @param term, last  rounding of the machine's operands and sum
bool sum_agrees(const Graph& graph, const Op& op, Rounding wanted, Rounding term, Rounding last) {
  const reference::AddParams p = reference::add_params(graph, op);
  const int sign = op.kind == OpKind::kSub ? -1 : 1;
  const auto operand = [&](std::size_t i, int value, Rounding rounding) {
    return reference::scaled(value * (1 << p.left_shift), p.input[i], rounding);
  };
  const auto code = [&](int sum, Rounding rounding) {
    return reference::requantize(sum, p.result, p.output, rounding);
  };
  for (int a = -128 - p.zero_point[0]; a <= 127 - p.zero_point[0]; ++a)
    for (int b = -128 - p.zero_point[1]; b <= 127 - p.zero_point[1]; ++b)
      if (code(operand(0, a, wanted) + sign * operand(1, b, wanted), wanted) !=
          code(operand(0, a, term) + operand(1, sign * b, term), last))
        return false;
  return true;
}

/// Returns the range of a tensor's codes minus its zero point, including 0 for borders. After an
/// activation, the range may be smaller.
std::pair<int, int> codes_reach(const Graph& graph, int tensor) {
  if (model::of_format(graph.tensor(tensor))) {
    const auto most = static_cast<int>(spec::largest(graph.tensor(tensor).format));
    return {-most, most};
  }
  if (graph.tensor(tensor).type == model::DataType::kInt8) {
    const int zero_point = graph.tensor(tensor).zero_point();
    return {INT8_MIN - zero_point, INT8_MAX - zero_point};
  }
  std::pair<int, int> all{INT16_MIN, INT16_MAX};
  for (;;) {
    const auto maker = std::ranges::find_if(
        graph.ops, [&](const Op& op) { return std::ranges::count(op.outputs, tensor) > 0; });
    if (maker == graph.ops.end()) return all;
    const model::OpClass type = model::class_of(maker->kind);
    const bool computes = type != model::OpClass::kReshape && type != model::OpClass::kMovement &&
                          maker->kind != OpKind::kMaxPool2D && maker->kind != OpKind::kMaximum &&
                          maker->kind != OpKind::kMinimum;
    if (const spec::Format format = graph.out(*maker).format;
        computes && format != spec::Format::kNone) {
      const int most = static_cast<int>(spec::largest(format));
      all = {std::max(all.first, -most), std::min(all.second, most)};
    }
    if (graph.in(*maker, 0).type == model::DataType::kFloat32) return all;  // without bounds
    if (maker->half_even && graph.out(*maker).type == model::DataType::kInt16)
      return {std::min(std::max(maker->code_min, all.first), 0),
              std::max(std::min(maker->code_max, all.second), 0)};
    const bool keeps = model::is_reshape(maker->kind) || maker->kind == OpKind::kTranspose ||
                       maker->kind == OpKind::kStridedSlice || maker->kind == OpKind::kMaxPool2D ||
                       maker->kind == OpKind::kPad || maker->kind == OpKind::kGather ||
                       maker->kind == OpKind::kResizeNearestNeighbor;
    if (!keeps) return all;
    tensor = maker->input(0);
  }
}

bool mean_agrees(const Graph& graph, const Op& op) {
  const reference::MeanParams p = reference::mean_params(graph, op);
  return never_ties(p.scale, 255 * p.count);
}

/// Compares all codes. If float32 rounds a tie to the other side than the machine, the answer is
/// kNoWay.
HalfEven requantization(const Graph& graph, const Op& op) {
  const reference::RequantizeParams p = reference::requantize_params(graph, op);
  const auto wanted = reference::code_table(graph, op, Rounding::kHalfEven);
  const auto agrees = [&](Rounding rounding) {
    for (int x = -128; x <= 127; ++x)
      if (reference::requantize(x - p.zero_point, p.scale, p.output, rounding) !=
          wanted[static_cast<std::size_t>(x + 128)])
        return false;
    return true;
  };
  if (agrees(Rounding::kSingle)) return HalfEven::kNotNeeded;
  return agrees(Rounding::kHalfEven) ? HalfEven::kNeeded : HalfEven::kNoWay;
}

}  // namespace

std::pair<int, int> input_codes(const Graph& graph, const Op& op) {
  return codes_reach(graph, op.input(activations_of(op)));
}

std::vector<double> largest_sums(const Graph& graph, const Op& op) {
  const std::vector<std::int64_t> weights = graph.in(op, 1).integers();
  const auto channels = static_cast<std::size_t>(graph.out(op).extent(-1));
  const auto [low, high] = codes_reach(graph, op.input(activations_of(op)));
  const bool last = op.kind == OpKind::kDepthwiseConv2D;
  const std::size_t taps = weights.size() / channels;
  std::vector<double> result;
  for (std::size_t m = 0; m < channels; ++m) {
    double least = 0, most = 0;
    for (std::size_t i = 0; i < taps; ++i) {
      const auto w = static_cast<double>(weights[last ? i * channels + m : m * taps + i]);
      least += std::min(w * low, w * high);
      most += std::max(w * low, w * high);
    }
    const int bias = op.input(bias_of(op));
    const double start = bias < 0 ? 0 : static_cast<double>(graph.tensor(bias).integers()[m]);
    result.push_back(std::max(std::abs(least + start), std::abs(most + start)));
  }
  return result;
}

bool of_int16(const Graph& graph, const Op& op) {
  return graph.in(op, activations_of(op)).type == model::DataType::kInt16 ||
         graph.out(op).type == model::DataType::kInt16;
}

bool sums_agree(const Graph& graph, const Op& op, Rounding rounding) {
  return sum_agrees(graph, op, rounding, rounding, rounding);
}

HalfEven half_even(const Graph& graph, const Op& op) {
  const auto unless = [](bool agrees) { return agrees ? HalfEven::kNotNeeded : HalfEven::kNeeded; };
  if (model::of_format(graph, op))
    return model::is_unary(op.kind) ? HalfEven::kNoWay : HalfEven::kNeeded;
  if (of_int16(graph, op)) return HalfEven::kNeeded;
  switch (op.kind) {
    case OpKind::kConv2D:
    case OpKind::kDepthwiseConv2D:
    case OpKind::kFullyConnected:
    case OpKind::kTransposeConv:
      if (has_factors(op) || model::has_fixed_weights(graph, op)) return HalfEven::kNeeded;
      return unless(product_agrees(graph, op));
    case OpKind::kAdd:
    case OpKind::kSub:
      for (const Rounding last : {Rounding::kSingle, Rounding::kHalfEven})
        if (sum_agrees(graph, op, Rounding::kHalfEven, Rounding::kSingle, last))
          return unless(last == Rounding::kSingle);
      return HalfEven::kNoWay;
    case OpKind::kMul:
      return unless(never_ties(reference::mul_params(graph, op).scale, 255 * 255));
    case OpKind::kMean:
    case OpKind::kSum:
      return unless(mean_agrees(graph, op));
    case OpKind::kRelu:
    case OpKind::kRelu6:
    case OpKind::kReluN1To1:
    case OpKind::kQuantize:
      return requantization(graph, op);
    default:
      return HalfEven::kNoWay;
  }
}

}  // namespace trine::compiler
