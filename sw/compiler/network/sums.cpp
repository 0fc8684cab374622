// SPDX-License-Identifier: Apache-2.0

#include "spec/precision.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {
namespace {

/// The smallest and the largest value of a sum.
struct Reach {
  std::int64_t low = 0, high = 0;

  void add(const Reach& term) {
    low += term.low;
    high += term.high;
  }
  bool fits(int bits) const {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    return low >= -half && high < half;
  }
};

/// Returns the range of a bilinear term over a rectangle of operands. The extremes are at the
/// corners.
template <typename Term>
Reach at_corners(Reach a, Reach b, Term term) {
  const auto [low, high] = std::minmax(
      {term(a.low, b.low), term(a.low, b.high), term(a.high, b.low), term(a.high, b.high)});
  return {low, high};
}

/// Returns the range of a precision's codes.
Reach reach_of(const spec::Precision& p) { return {p.lowest, p.highest}; }

/// Returns the range of a product of two maps' codes as the array adds it up: without the product
/// of the zero points.
Reach term_of_maps(const Layer& layer) {
  const std::int64_t za = layer.conv().zero_point, zb = layer.conv().weights_zero;
  const auto term = [&](std::int64_t a, std::int64_t b) { return a * b - za * b - zb * a; };
  return at_corners(reach_of(spec::kInt8), reach_of(spec::kInt8), term);
}

/// Returns the range of the sums of output channel m. Unused lanes of a channel have weight 0, or
/// any weight if weights do not include 0.
Reach sum_of(const Layer& layer, int m) {
  const Conv& conv = layer.conv();
  const auto [activations, weights] = spec::operands_of(conv.precision);
  const std::int64_t most = std::int64_t{activations.most()} * weights.most();
  Reach sum;
  for (std::ptrdiff_t i = layer.weight_at(m, 0); i < layer.weight_at(m + 1, 0); ++i) {
    const std::int64_t w = conv.weights[at(i)] - conv.weights_zero;
    const auto term = [](std::int64_t x, std::int64_t y) { return x * y; };
    Reach codes = reach_of(activations);
    codes.high -= conv.precision == isa::compute::Op::kMatmul16 ? conv.zero_point : 0;
    sum.add(weights.has_zero ? at_corners(codes, {w, w}, term) : Reach{-most, most});
  }
  // The array omits the product of the zero points in each lane of each step, used or not.
  if (conv.precision == isa::compute::Op::kMatmul16)
    sum.low -= std::int64_t{layer.steps()} * conv.step_codes * conv.zero_point * conv.weights_zero;
  return sum;
}

}  // namespace

int sum_bits(const Layer& layer) {
  Reach all;
  const auto widen = [&](const Reach& sum) {
    all = {std::min(all.low, sum.low), std::max(all.high, sum.high)};
  };
  if (layer.is_gate()) {
    const std::int64_t most = std::int64_t{UINT8_MAX} * UINT8_MAX;
    widen({-most, most});
  } else if (layer.weights_map >= 0) {
    const Reach term = term_of_maps(layer);
    const std::int64_t terms = std::int64_t{layer.steps()} * layer.conv().step_codes;
    widen({terms * term.low, terms * term.high});
  } else {
    for (int m = 0; m < layer.channels; ++m) widen(sum_of(layer, m));
  }
  int bits = 1;
  while (!all.fits(bits)) ++bits;
  return bits;
}

}  // namespace trine::compiler
