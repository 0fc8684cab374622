// SPDX-License-Identifier: Apache-2.0
//
// Computes operators that only ONNX networks have: thresholds, and float operators at a network's
// end.

#include "sw/model/rewrite/lowbit.h"

#include <algorithm>
#include <cmath>

#include "sw/model/graph/shapes.h"
#include "sw/reference/ops/ops.h"

namespace trine::reference {

using model::DataType;

namespace {

/// Returns low + step * (number of thresholds <= x) for each x.
template <typename T>
Codes thresholded(const Call& call, const std::vector<T>& x, const std::vector<T>& thresholds) {
  const auto rows = static_cast<std::size_t>(call.in(1).extent(0));
  const auto K = static_cast<std::ptrdiff_t>(call.in(1).extent(1));
  const auto channels = static_cast<std::size_t>(call.out().extent(-1));
  Codes codes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<std::ptrdiff_t>(rows == 1 ? 0 : i % channels);
    const auto first = thresholds.begin() + row * K;
    const auto count = std::count_if(first, first + K, [&](T t) { return x[i] >= t; });
    codes.push_back(call.op.low + call.op.step * static_cast<std::int32_t>(count));
  }
  return codes;
}

/// Returns codes or accumulators unchanged, because the steps scale them.
std::vector<float> as_floats(const Call& call) {
  if (call.in(0).type == DataType::kFloat32) return call.floats(0);
  std::vector<float> values;
  for (const std::int32_t code : call.codes(0)) values.push_back(static_cast<float>(code));
  return values;
}

/// Returns e^x for x <= 0 as ONNX Runtime's kernel for machines with fused multiply-add computes
/// it: 2^m times a polynomial of degree 6. std::exp differs in the last bit for a third of all
/// values.
float runtime_exp(float x) {
  constexpr float kLowest = -88.3762626647949f, kLog2E = 1.44269504088896341f;
  constexpr float kLn2High = 0.693145752f, kLn2Low = 1.42860677e-6f;
  constexpr float kTerms[] = {
      0x1.694000p-10f, 0x1.125edcp-7f, 0x1.555b5ap-5f, 0x1.555450p-3f, 0x1.fffff6p-2f, 1.0f, 1.0f};
  x = std::max(kLowest, x);              // also if x is not a number
  constexpr float kWhole = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float m = std::fma(x, kLog2E, kWhole) - kWhole;
  x = std::fma(m, -kLn2High, x);
  x = std::fma(m, -kLn2Low, x);
  float sum = 0;
  for (const float term : kTerms) sum = std::fma(sum, x, term);
  return std::ldexp(sum, static_cast<int>(m));
}

/// Returns the sum in ONNX Runtime's order: eight lanes, then neighbours pairwise. Checked for up
/// to 16 values.
template <typename Iterator>
float runtime_sum(Iterator first, Iterator last) {
  float lanes[8] = {};
  for (Iterator x = first; x != last; ++x) lanes[(x - first) % 8] += *x;
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace

Codes threshold(const Call& call) {
  if (call.in(0).type == DataType::kFloat32)
    return thresholded(call, call.floats(0), call.floats(1));
  return thresholded(call, call.codes(0), call.codes(1));
}

std::vector<float> float_steps(const Call& call) {
  const auto channels = static_cast<std::size_t>(call.out().extent(-1));
  std::vector<float> values = as_floats(call);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = model::apply(call.op.steps, values[i], i % channels);
  return values;
}

std::vector<float> float_softmax(const Call& call) {
  const auto depth = static_cast<std::ptrdiff_t>(call.out().extent(-1));
  std::vector<float> values = call.floats(0);
  for (auto row = values.begin(); row != values.end(); row += depth) {
    const float largest = *std::max_element(row, row + depth);
    for (auto x = row; x != row + depth; ++x) *x = runtime_exp(*x - largest);
    const float reciprocal = 1.0f / runtime_sum(row, row + depth);
    for (auto x = row; x != row + depth; ++x) *x *= reciprocal;
  }
  return values;
}

std::vector<std::int64_t> arg_max(const Call& call) {
  const model::Tensor& in = call.in(0);
  std::vector<double> values;
  if (in.type == model::DataType::kFloat32)
    for (const float x : call.floats(0)) values.push_back(double{x});
  else
    for (const std::int32_t code : call.codes(0)) values.push_back(code);
  const int axis = model::searched_axis(call.graph, call.op).value();
  const auto stride = static_cast<std::size_t>(steps_of(in.shape)[axis]);
  const auto extent = static_cast<std::size_t>(in.extent(axis));
  std::vector<std::int64_t> result;
  for (std::size_t outer = 0; outer < values.size(); outer += extent * stride)
    for (std::size_t first = outer; first < outer + stride; ++first) {
      std::size_t largest = 0;
      for (std::size_t i = 1; i < extent; ++i)
        if (values[first + i * stride] > values[first + largest * stride]) largest = i;
      result.push_back(static_cast<std::int64_t>(largest));
    }
  return result;
}

}  // namespace trine::reference
