// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/vectors/compare.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "sw/reference/rank.h"

namespace trine::reference {

namespace {

/// Returns an integer in the order of floats; consecutive floats have consecutive integers.
std::int64_t in_order(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits >= 0 ? std::int64_t{bits} : std::int64_t{INT32_MIN} - bits;
}

/// Compares the floats of one output.
class FloatComparison {
 public:
  FloatComparison(const Array& expected, bool of_sums) {
    if (!of_sums) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(expected.elements()); ++i)
      if (std::isfinite(expected.value(i)))
        largest_ = std::max(largest_, std::abs(expected.value(i)));
  }

  /// Compares two float32 values that are not the same. @return true if they count as equal
  bool nearly_equal(double actual, double expected, Deviation* d) const {
    if (std::isnan(actual) || std::isnan(expected))
      return std::isnan(actual) == std::isnan(expected);
    const double ulps = distance(actual, expected);
    d->ulps = std::max(d->ulps, ulps);
    if (expected != 0 && std::isfinite(actual) && std::isfinite(expected))
      d->relative = std::max(d->relative, std::abs(actual - expected) / std::abs(expected));
    if (ulps >= kFewUlps) return false;
    d->rounded += ulps > 0 ? 1 : 0;
    return true;
  }

 private:
  double distance(double actual, double expected) const {
    const auto a = static_cast<float>(actual), e = static_cast<float>(expected);
    const auto ulps = static_cast<double>(std::abs(in_order(a) - in_order(e)));
    const auto top = static_cast<float>(largest_);
    const double unit = static_cast<double>(std::nextafter(top, INFINITY)) - largest_;
    return largest_ > 0 ? std::min(ulps, std::abs(actual - expected) / unit) : ulps;
  }

  double largest_ = 0;  ///< 0: each value has its own unit
};

/// Returns true if terms of either sign may cancel in the operator's results: sums on the host
/// (ONNX operators have names), the float steps after sums of the machine, and logarithms of a
/// softmax, which are x - log(sum).
bool is_sum(const model::Op& op) {
  static constexpr std::array kSums{"MatMul",        "Gemm",        "Conv",
                                    "ConvTranspose", "Einsum",      "ReduceSum",
                                    "ReduceMean",    "AveragePool", "GlobalAveragePool",
                                    "CumSum",        "Sum",         "Mean",
                                    "Add",           "Sub",         "LogSoftmax"};
  static constexpr std::array kSumKinds{model::OpKind::kFloat, model::OpKind::kAdd,
                                        model::OpKind::kSub, model::OpKind::kLogSoftmax};
  if (std::ranges::find(kSumKinds, op.kind) != kSumKinds.end()) return true;
  return op.kind == model::OpKind::kOnnx && std::ranges::find(kSums, op.name) != kSums.end();
}

bool joins(const model::Op& op) {
  return op.kind == model::OpKind::kConcatenation ||
         (op.kind == model::OpKind::kOnnx && op.name == "Concat");
}

bool only_moves(const model::Op& op) {
  static constexpr std::array kMoves{"Reshape", "Transpose", "Squeeze", "Unsqueeze",
                                     "Flatten", "Identity",  "Slice"};
  return op.kind == model::OpKind::kReshape || op.kind == model::OpKind::kTranspose ||
         (op.kind == model::OpKind::kOnnx && std::ranges::find(kMoves, op.name) != kMoves.end());
}

/// Returns the value of a code of this tensor if it holds codes of one scale; else 0.
float scale_of(const model::Tensor& tensor) {
  const bool codes = tensor.type == model::DataType::kInt8 ||
                     tensor.type == model::DataType::kUInt8 ||
                     tensor.type == model::DataType::kInt16;
  return codes && tensor.quantization.scale.size() == 1 ? tensor.scale() : 0;
}

}  // namespace

void Deviation::add(const Deviation& other) {
  if (first < 0 && other.first >= 0) first = elements + other.first;
  elements += other.elements;
  differ += other.differ;
  rounded += other.rounded;
  ulps = std::max(ulps, other.ulps);
  relative = std::max(relative, other.relative);
  largest = std::max(largest, other.largest);
}

Deviation deviation(const Array& actual, const Array& expected, const FloatOutput& floats) {
  Deviation result;
  result.elements = static_cast<std::int64_t>(actual.bytes.size() / actual.element_bytes());
  if (actual.bytes == expected.bytes) return result;
  const bool is_float = actual.dtype.at(0) == 'f';
  const std::size_t size = actual.element_bytes();
  const FloatComparison comparison(expected, is_float && floats.of_sums);
  for (std::int64_t i = 0; i < result.elements; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (std::memcmp(&actual.bytes[at * size], &expected.bytes[at * size], size) == 0) continue;
    const double a = actual.value(at), e = expected.value(at);
    if (is_float && size == 4 && comparison.nearly_equal(a, e, &result)) continue;
    double codes = std::abs(a - e);
    if (is_float)
      codes = floats.scale > 0 ? std::round(codes / static_cast<double>(floats.scale)) : INFINITY;
    ++result.differ;
    if (result.first < 0) result.first = i;
    result.largest = std::max(result.largest, std::isnan(codes) ? INFINITY : codes);
  }
  return result;
}

namespace {

/// Returns the form of joined parts: codes if all parts are codes of one scale.
FloatOutput joined(const model::Graph& graph, const model::Op& op, int depth);

FloatOutput made_by(const model::Graph& graph, int tensor, int depth) {
  constexpr int kMostJoins = 8;
  for (auto op = graph.ops.rbegin(); op != graph.ops.rend(); ++op) {
    if (op->outputs.empty() || op->outputs[0] != tensor || op->inputs.empty()) continue;
    if (joins(*op) && depth < kMostJoins) return joined(graph, *op, depth + 1);
    const float scale = scale_of(graph.in(*op, 0));
    if (scale > 0 || !only_moves(*op)) return {scale, is_sum(*op)};
    tensor = op->inputs[0];
  }
  return {};
}

FloatOutput joined(const model::Graph& graph, const model::Op& op, int depth) {
  FloatOutput result = made_by(graph, op.inputs[0], depth);
  for (const int part : op.inputs) {
    const FloatOutput next = made_by(graph, part, depth);
    if (next.scale != result.scale) result.scale = 0;
    result.of_sums = result.of_sums || next.of_sums;
  }
  return result;
}

}  // namespace

FloatOutput float_output(const model::Graph& graph, int tensor) {
  return made_by(graph, tensor, 0);
}

bool is_right(const Array& output, const std::vector<std::int64_t>& labels) {
  return rank_of(output, labels) == 0;
}

}  // namespace trine::reference
