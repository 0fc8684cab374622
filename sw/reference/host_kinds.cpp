// SPDX-License-Identifier: Apache-2.0
//
// Computes integer kernels of TFLite that run only on the host, as TFLite's reference does.

#include <algorithm>
#include <bit>
#include <limits>

#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

using model::OpKind;

bool compared(OpKind kind, std::int32_t a, std::int32_t b) {
  switch (kind) {
    case OpKind::kEqual:
      return a == b;
    case OpKind::kNotEqual:
      return a != b;
    case OpKind::kGreater:
      return a > b;
    case OpKind::kGreaterEqual:
      return a >= b;
    case OpKind::kLess:
      return a < b;
    default:
      return a <= b;
  }
}

/// Returns 1 / sqrt(x), by five steps of Newton's method in Q3.28. @pre x >= 0
ChannelScale inverse_root(std::int32_t x) {
  if (x <= 1) return {std::numeric_limits<std::int32_t>::max(), 0};
  const auto multiply = rounding_doubling_high_multiply;
  int right = 11;
  for (; x >= 1 << 29; x /= 4) ++right;
  const int pairs = (std::countl_zero(static_cast<std::uint32_t>(x)) - 1) / 2 - 1;
  right -= pairs;
  x *= 1 << (2 * pairs);
  constexpr std::int32_t kThreeHalves = (1 << 28) + (1 << 27), kRootOfHalf = 1518500250;
  const std::int32_t half = rounding_divide_by_pot(x >> 1, 1);
  std::int32_t root = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const std::int32_t cube = saturating_left(multiply(multiply(root, root), root), 6);
    root =
        saturating_left(wrap(std::int64_t{multiply(kThreeHalves, root)} - multiply(half, cube)), 3);
  }
  root = multiply(root, kRootOfHalf);
  if (right < 0) root = wrap(std::int64_t{root} * (1 << -right));
  return {root, -std::max(right, 0)};
}

}  // namespace

/// Compares both operands at one scale, with 8 additional bits.
Codes compare(const Call& call) {
  Codes values[2];
  for (int i = 0; i < 2; ++i) {
    values[i] = call.codes(i, call.in(i).zero_point());
    const ChannelScale scale = quantize_scale(double{call.in(i).scale()});
    for (std::int32_t& x : values[i]) x = scaled(x * (1 << 8), scale, Rounding::kDouble);
  }
  const auto a = broadcast(call.in(0).shape, call.out().shape),
             b = broadcast(call.in(1).shape, call.out().shape);
  Codes result;
  for (std::size_t i = 0; i < a.size(); ++i)
    result.push_back(compared(call.op.kind, values[0][a[i]], values[1][b[i]]) ? 1 : 0);
  return result;
}

Codes l2_normalization(const Call& call) {
  const OutputRange range = output_range(call.out(), model::Activation::kNone);
  const bool of_uint8 = call.op.of_uint8 || call.out().type == model::DataType::kUInt8;
  const Codes codes = call.codes(0, call.in(0).zero_point());
  const auto depth = static_cast<std::size_t>(call.out().extent(-1));
  Codes result;
  for (std::size_t row = 0; row < codes.size(); row += depth) {
    std::int32_t sum = 0;
    for (std::size_t i = row; i < row + depth; ++i) sum += codes[i] * codes[i];
    ChannelScale scale = inverse_root(sum);
    if (!of_uint8) scale.shift += 7;
    for (std::size_t i = row; i < row + depth; ++i)
      result.push_back(
          requantize(of_uint8 ? codes[i] * 128 : codes[i], scale, range, Rounding::kDouble));
  }
  return result;
}

Codes svdf(const Call& call) {
  const auto scale = [&](int a, int b, double to) {
    return quantize_scale(double{call.in(a).scale()} * double{call.in(b).scale()} / to);
  };
  const ChannelScale feature = scale(0, 1, double{call.in(4).scale()});
  const Codes x = call.codes(0, call.in(0).zero_point()), w = call.codes(1), time = call.codes(2),
              bias = call.codes(3);
  const int inputs = call.in(0).extent(1), memory = call.in(2).extent(1),
            filters = call.in(1).extent(0);
  // Each filter's memory moves by one, and the newest feature is stored last.
  Codes state = call.codes(4);
  for (int row = 0; row < call.in(0).extent(0) * filters; ++row) {
    const int n = row / filters, f = row % filters;
    std::int32_t product = 0;
    for (int i = 0; i < inputs; ++i)
      product +=
          x[static_cast<std::size_t>(n * inputs + i)] * w[static_cast<std::size_t>(f * inputs + i)];
    const auto begin = state.begin() + row * memory, end = begin + memory;
    std::copy(begin + 1, end, begin);
    end[-1] = std::clamp(scaled(product, feature, call.rounding), -32768, 32767);
  }
  if (call.op.of_state) return state;
  const ChannelScale result = scale(4, 2, double{call.out().scale()});
  const OutputRange range = output_range(call.out(), model::Activation::kNone);
  const int units = call.out().extent(1), rank = filters / units;
  Codes codes;
  for (int n = 0; n < call.out().extent(0); ++n)
    for (int unit = 0; unit < units; ++unit) {
      std::int32_t sum = bias[static_cast<std::size_t>(unit)];
      for (int f = unit * rank; f < (unit + 1) * rank; ++f)
        for (int m = 0; m < memory; ++m)
          sum = wrap(sum +
                     std::int64_t{state[static_cast<std::size_t>((n * filters + f) * memory + m)]} *
                         time[static_cast<std::size_t>(f * memory + m)]);
      codes.push_back(requantize(sum, result, range, call.rounding));
    }
  return codes;
}

}  // namespace trine::reference
