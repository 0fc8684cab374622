// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/ops/norm.h"

#include <algorithm>
#include <cmath>

#include "sw/model/graph/norm.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

constexpr double kLargestBias = 0x1p30;

/// Returns the real value of one unit of normalized().
double unit_of(const NormParams& p) { return std::ldexp(double(p.count), -p.value_bits - p.log2); }

/// Returns a channel's parameters. beta is added before the scale, so a gamma that is too small for
/// that is replaced by the smallest possible one.
NormChannel channel_of(double gamma, double beta, double unit, double output_scale) {
  NormChannel c;
  c.negative = gamma < 0;
  const double size = std::max(std::abs(gamma), std::abs(beta) / (unit * kLargestBias));
  c.scale = quantize_scale(size * unit / output_scale);
  if (c.scale.multiplier == 0) c.scale.shift = -1;
  if (size > 0) c.bias = static_cast<std::int32_t>(std::llround(beta / (size * unit)));
  return c;
}

constexpr std::int64_t kOneQ30 = std::int64_t{1} << 30;

/// Returns 1 / sqrt(v) in Q30 for v in Q31 from 1/4 to 1: a start y of a table with 8 bits, and one
/// step of Halley's method. With d = 1 - v y^2 it is y (1 + d / 2 + 3 d^2 / 8).
std::int64_t inverse_root(std::int64_t v) {
  const std::int64_t start = inverse_root_start(static_cast<int>(v >> 23));
  const std::int64_t square = start * start;                         // Q30
  const std::int64_t error = kOneQ30 - ((v * (square >> 1)) >> 30);  // d, Q30
  const std::int64_t change = (error * (kOneQ30 + (error >> 1) + (error >> 2))) >> 30;
  return ((kOneQ30 + (change >> 1)) * (start << 15)) >> 30;
}

}  // namespace

std::uint32_t inverse_root_start(int index) {
  if (index < 64) return 0;
  return static_cast<std::uint32_t>(std::lround(0x1p15 / std::sqrt((index + 0.5) / 256)));
}

std::uint32_t norm_entry(int index, std::int32_t origin) {
  // Codes -128..127: distances origin - 127 .. origin + 128.
  const std::int32_t w = ((index - (origin - 127)) & 255) + origin - 127;
  return inverse_root_start(index) << 16 | static_cast<std::uint32_t>(w * w);
}

NormParams norm_params(const model::Graph& graph, const model::Op& op) {
  const model::Tensor &input = graph.in(op, 0), &output = graph.out(op);
  NormParams p;
  p.center = op.center;
  p.origin = op.center ? 127 : input.zero_point();
  p.count = output.extent(-1);
  while (p.count >> (p.log2 + 1) != 0) ++p.log2;
  p.reciprocal = static_cast<std::int32_t>(std::lround(std::ldexp(1.0 / p.count, 30 + p.log2)));
  const double unit = double{input.scale()} / p.count;  // of a deviation times count
  p.epsilon = std::llround(std::ldexp(double{op.epsilon} / (unit * unit), p.fraction_bits()));
  p.output = output_range(output, model::Activation::kNone);
  p.output.act_min = std::max(p.output.act_min, op.code_min);
  p.output.act_max = std::min(p.output.act_max, op.code_max);
  const auto gamma = graph.in(op, 1).values<float>();
  const auto beta =
      op.input(2) < 0 ? std::vector<float>(gamma.size()) : graph.in(op, 2).values<float>();
  for (std::size_t c = 0; c < gamma.size(); ++c)
    if (std::abs(beta[c]) > unit_of(p) * kLargestBias * std::abs(gamma[c])) p.value_bits = 16;
  for (std::size_t c = 0; c < gamma.size(); ++c)
    p.channels.push_back(
        channel_of(double{gamma[c]}, double{beta[c]}, unit_of(p), double{output.scale()}));
  return p;
}

int NormParams::fraction_bits() const { return model::norm_fraction_bits(count); }

NormFactor norm_factor(std::int64_t sum, std::int64_t squares, const NormParams& p) {
  NormFactor f;
  const int half = p.fraction_bits() / 2;
  const std::int64_t mean = ((sum << (11 + half)) * p.reciprocal) >> 30;
  f.mean = static_cast<std::int32_t>((mean << (11 + p.value_bits - p.log2 - half)) >> 20);
  // Below 2^42.
  std::int64_t v = ((p.count * squares - sum * sum) << p.fraction_bits()) + p.epsilon;
  int shift = 0;
  for (; shift < 21 && v >> 40 == 0; ++shift) v <<= 2;
  const std::int64_t root = inverse_root(v >> 11);
  f.factor = static_cast<std::int32_t>((root << std::min(30, shift + p.log2 + half + 4)) >> 30);
  return f;
}

std::int32_t normalized(std::int32_t w, const NormFactor& f, const NormParams& p) {
  const std::int64_t deviation = f.mean - (std::int64_t{w} << (p.value_bits + 2));
  return static_cast<std::int32_t>((deviation * f.factor + (1 << 26)) >> 27);
}

std::int32_t norm_code(std::int32_t value, const NormChannel& channel, const OutputRange& output) {
  const std::int32_t x = channel.negative ? -value : value;
  return requantize(wrap(std::int64_t{x} + channel.bias), channel.scale, output, Rounding::kSingle);
}

Codes norm(const Call& call) {
  const NormParams p = norm_params(call.graph, call.op);
  Codes codes = call.codes(0);
  for (std::size_t row = 0; row < codes.size(); row += p.channels.size()) {
    std::int64_t sum = 0, squares = 0;
    for (std::size_t c = 0; c < p.channels.size(); ++c) {
      const std::int64_t w = p.origin - codes[row + c];
      if (p.center) sum += w;
      squares += w * w;
    }
    const NormFactor f = norm_factor(sum, squares, p);
    for (std::size_t c = 0; c < p.channels.size(); ++c) {
      std::int32_t& code = codes[row + c];
      code = norm_code(normalized(p.origin - code, f, p), p.channels[c], p.output);
    }
  }
  return codes;
}

}  // namespace trine::reference
