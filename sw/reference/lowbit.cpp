// SPDX-License-Identifier: Apache-2.0
//
// What ONNX networks add: thresholds, and the float operators at a network's end.

#include "sw/model/lowbit.h"

#include <algorithm>
#include <cmath>

#include "sw/reference/ops.h"

namespace trine::reference {

using model::DataType;

namespace {

/// low + step * (number of thresholds <= x), for each x.
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

/// Codes or accumulators as they are: the steps scale them.
std::vector<float> as_floats(const Call& call) {
  if (call.in(0).type == DataType::kFloat32) return call.floats(0);
  std::vector<float> values;
  for (const std::int32_t code : call.codes(0)) values.push_back(static_cast<float>(code));
  return values;
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
    float sum = 0;
    for (auto x = row; x != row + depth; ++x) sum += * x = std::exp(*x - largest);
    for (auto x = row; x != row + depth; ++x) *x /= sum;
  }
  return values;
}

std::vector<std::int64_t> arg_max(const Call& call) {
  const auto depth = static_cast<std::ptrdiff_t>(call.in(0).extent(-1));
  const std::vector<float> values = call.floats(0);
  std::vector<std::int64_t> result;
  for (auto row = values.begin(); row != values.end(); row += depth)
    result.push_back(std::max_element(row, row + depth) - row);
  return result;
}

}  // namespace trine::reference
