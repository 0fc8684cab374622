// SPDX-License-Identifier: Apache-2.0
//
// Computes pooling, reductions and resizing.

#include <algorithm>
#include <cmath>
#include <limits>

#include "sw/model/graph/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

std::size_t index(const std::vector<int>& shape, int n, std::int64_t y, std::int64_t x, int c) {
  return ((std::int64_t{n} * shape[1] + y) * shape[2] + x) * shape[3] + c;
}

/// Calls f(n, y, x, c) for each element of an NHWC tensor.
template <typename F>
void each_element(const std::vector<int>& shape, const F& f) {
  for (int n = 0; n < shape[0]; ++n)
    for (int y = 0; y < shape[1]; ++y)
      for (int x = 0; x < shape[2]; ++x)
        for (int c = 0; c < shape[3]; ++c) f(n, y, x, c);
}

/// Calls f(taps) with the taps inside of the image, for each output element.
template <typename F>
Codes each_window(const Call& call, const PoolParams& p, const F& f) {
  const model::Op& op = call.op;
  const std::vector<int>&in = call.in(0).shape, &out = call.out().shape;
  const Codes codes = call.codes(0);
  Codes result, taps;
  each_element(out, [&](int n, int y, int x, int c) {
    const int top = y * op.stride_h - p.window.pad_top;
    const int left = x * op.stride_w - p.window.pad_left;
    taps.clear();
    for (int i = std::max(top, 0); i < std::min(top + op.filter_h, in[1]); ++i)
      for (int j = std::max(left, 0); j < std::min(left + op.filter_w, in[2]); ++j)
        taps.push_back(codes[index(in, n, i, j, c)]);
    result.push_back(to_code(f(taps), p.output));
  });
  return result;
}

/// Returns, for each input element, the output element to which it is added.
model::Indices reduction_targets(const Call& call) {
  const std::vector<bool> reduced = model::reduced_axes(call.graph, call.op).value();
  std::vector<std::size_t> strides(reduced.size());
  std::size_t step = 1;
  for (std::size_t i = reduced.size(); i-- > 0;) {
    if (reduced[i]) continue;
    strides[i] = step;
    step *= call.in(0).shape[i];
  }
  return walk(call.in(0).shape, strides);
}

/// The position in the input, in 1/1024, that an output coordinate reads: between two neighbours.
struct Position {
  std::int64_t low, high, weight;  ///< weight of `high`; the sum of both is 1024
};

Position bilinear_position(int at, int in, int out, const model::Op& op) {
  const bool corners = op.align_corners && out > 1;
  const std::int64_t ratio = corners ? (1024 * std::int64_t{in - 1} + (out - 1) / 2) / (out - 1)
                                     : (1024 * std::int64_t{in} + out / 2) / out;
  const std::int64_t position = at * ratio + (op.half_pixel_centers ? ratio / 2 - 512 : 0);
  const std::int64_t low = std::max<std::int64_t>(position / 1024, 0);
  const std::int64_t high = std::min<std::int64_t>((position + 1023) / 1024, in - 1);
  return {low, high, position - 1024 * low};
}

/// The same position for uint8 codes, which LiteRT weights in float32.
struct FloatPosition {
  int low, high;
  float weight;  ///< of `high`
};

FloatPosition float_position(int at, int in, int out, const model::Op& op) {
  const float ratio = op.align_corners && out > 1
                          ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                          : static_cast<float>(in) / static_cast<float>(out);
  const float x = op.half_pixel_centers ? (static_cast<float>(at) + 0.5f) * ratio - 0.5f
                                        : static_cast<float>(at) * ratio;
  const int low = std::max(static_cast<int>(std::floor(x)), 0);
  return {low, std::min(static_cast<int>(std::ceil(x)), in - 1), x - static_cast<float>(low)};
}

int nearest_position(int at, int in, int out, const model::Op& op) {
  const float ratio = op.align_corners && out > 1
                          ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                          : static_cast<float>(in) / static_cast<float>(out);
  const float x = (static_cast<float>(at) + (op.half_pixel_centers ? 0.5f : 0.0f)) * ratio;
  const float whole = op.align_corners ? std::round(x) : std::floor(x);
  return std::clamp(static_cast<int>(whole), 0, in - 1);
}

Codes resize_uint8(const Call& call) {
  const std::vector<int>&in = call.in(0).shape, &out = call.out().shape;
  const int lowest = call.out().type == model::DataType::kUInt8 ? 0 : -128;
  const Codes codes = call.codes(0, lowest);
  Codes result;
  each_element(out, [&](int n, int i, int j, int c) {
    const FloatPosition y = float_position(i, in[1], out[1], call.op);
    const FloatPosition x = float_position(j, in[2], out[2], call.op);
    const auto tap = [&](int row, int column) {
      return static_cast<float>(codes[index(in, n, row, column, c)]);
    };
    const float sum = tap(y.low, x.low) * (1 - y.weight) * (1 - x.weight) +
                      tap(y.high, x.low) * y.weight * (1 - x.weight) +
                      tap(y.low, x.high) * (1 - y.weight) * x.weight +
                      tap(y.high, x.high) * y.weight * x.weight + 0.5f;
    result.push_back(static_cast<std::uint8_t>(static_cast<std::int32_t>(sum)) + lowest);
  });
  return result;
}

}  // namespace

Codes max_pool(const Call& call) {
  return each_window(call, pool_params(call.graph, call.op),
                     [](const Codes& taps) { return *std::ranges::max_element(taps); });
}

Codes average_pool(const Call& call) {
  const PoolParams p = pool_params(call.graph, call.op);
  return each_window(call, p, [&](const Codes& taps) {
    const auto count = static_cast<std::int64_t>(taps.size());
    std::int64_t sum = 0;
    for (const std::int32_t tap : taps) sum += tap;
    sum -= p.zero_point * count;
    if (p.half_up) sum += 128 * count;  // not negative, whatever the codes' type
    const std::int64_t half = sum > 0 ? count / 2 : -(count / 2);
    return static_cast<std::int32_t>((sum + half) / count - (p.half_up ? 128 : 0));
  });
}

namespace {

/// Returns means of values of a format, computed with exact sums.
template <typename Targets>
Codes mean_of_values(const Call& call, const MeanParams& p, const Targets& targets) {
  std::vector<std::int64_t> sums(static_cast<std::size_t>(call.out().elements()));
  const Codes units = call.units(0);
  for (std::size_t i = 0; i < units.size(); ++i) sums[targets[i]] += units[i];
  Codes result;
  for (const std::int64_t sum : sums)
    result.push_back(
        nearest_code(spec::Exact{sum} * p.scale.multiplier, 31 - p.scale.shift, p.output));
  return result;
}

}  // namespace

Codes mean(const Call& call) {
  const MeanParams p = mean_params(call.graph, call.op);
  const auto targets = reduction_targets(call);
  if (call.of_format()) return mean_of_values(call, p, targets);
  const Codes codes = call.codes(0);
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(call.out().elements()),
                                  static_cast<std::uint32_t>(p.bias));
  for (std::size_t i = 0; i < codes.size(); ++i)
    sums[targets[i]] += static_cast<std::uint32_t>(codes[i]);
  Codes result;
  for (const std::uint32_t sum : sums)
    result.push_back(requantize(wrap(sum), p.scale, p.output, call.rounding));
  return result;
}

Codes reduce_max(const Call& call) {
  const bool least = call.op.kind == model::OpKind::kReduceMin;
  const Codes codes = call.codes(0);
  const auto targets = reduction_targets(call);
  Codes result(static_cast<std::size_t>(call.out().elements()), least ? INT32_MAX : INT32_MIN);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    std::int32_t& found = result[targets[i]];
    found = least ? std::min(found, codes[i]) : std::max(found, codes[i]);
  }
  return result;
}

Codes resize_bilinear(const Call& call) {
  if (call.op.of_uint8 || call.out().type == model::DataType::kUInt8) return resize_uint8(call);
  const std::vector<int>&in = call.in(0).shape, &out = call.out().shape;
  const Codes codes = call.codes(0);
  Codes result;
  each_element(out, [&](int n, int i, int j, int c) {
    const Position y = bilinear_position(i, in[1], out[1], call.op);
    const Position x = bilinear_position(j, in[2], out[2], call.op);
    const auto tap = [&](std::int64_t row, std::int64_t column) {
      return std::int64_t{codes[index(in, n, row, column, c)]};
    };
    const std::int64_t sum =
        (1024 - y.weight) *
            ((1024 - x.weight) * tap(y.low, x.low) + x.weight * tap(y.low, x.high)) +
        y.weight * ((1024 - x.weight) * tap(y.high, x.low) + x.weight * tap(y.high, x.high));
    const std::int64_t half = std::int64_t{1} << 19;
    result.push_back(static_cast<std::int32_t>((sum + (sum > 0 ? half : -half)) / (2 * half)));
  });
  return result;
}

Codes resize_nearest(const Call& call) {
  const std::vector<int>&in = call.in(0).shape, &out = call.out().shape;
  const Codes codes = call.codes(0);
  Codes result;
  each_element(out, [&](int n, int i, int j, int c) {
    const int y = nearest_position(i, in[1], out[1], call.op);
    result.push_back(codes[index(in, n, y, nearest_position(j, in[2], out[2], call.op), c)]);
  });
  return result;
}

}  // namespace trine::reference
