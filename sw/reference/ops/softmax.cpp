// SPDX-License-Identifier: Apache-2.0
//
// Computes SOFTMAX and LOG_SOFTMAX in fixed point, as TFLite's reference kernel, TFLite Micro and
// CMSIS-NN do. Qm.n below is a 32-bit number of m integer and n fractional bits in addition to the
// sign. `multiply` is the rounding doubling high multiply, so Qa.b times Qc.d is Q(a+c).(31-a-c).

#include "sw/reference/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sw/reference/ops/ops.h"

namespace trine::reference {
namespace {

constexpr std::int32_t kOne = std::numeric_limits<std::int32_t>::max();  ///< 1 in Q0.31, nearly

std::int32_t multiply(std::int32_t a, std::int32_t b) {
  return rounding_doubling_high_multiply(a, b);
}

/// Returns exp(x) in Q0.31 for x in [-1/4, 0) in Q0.31: a Taylor series of degree 4 around -1/8.
std::int32_t exp_small(std::int32_t x) {
  constexpr std::int32_t kExpMinusEighth = 1895147668, kThird = 715827883;
  const std::int32_t y = x + (1 << 28);
  const std::int32_t y2 = multiply(y, y), y3 = multiply(y2, y), y4 = multiply(y2, y2);
  const std::int32_t cubic_up = multiply(rounding_divide_by_pot(y4, 2) + y3, kThird);
  const std::int32_t tail = rounding_divide_by_pot(cubic_up + y2, 1);  // y4/24 + y3/6 + y2/2
  return kExpMinusEighth + multiply(kExpMinusEighth, y + tail);
}

/// Returns exp(x) in Q0.31 for x <= 0 in Q5.26: exp of the last quarter, times exp(-2^i) for each
/// higher bit.
std::int32_t exp_negative(std::int32_t x) {
  if (x == 0) return kOne;
  constexpr std::int32_t kQuarter = 1 << 24;
  constexpr std::int32_t kFactor[] = {1672461947, 1302514674, 790015084, 290630308,
                                      39332535,   720401,     242};  // exp(-1/4), exp(-1/2), ...
  const std::int32_t fraction = (x & (kQuarter - 1)) - kQuarter;
  const std::int32_t rest = fraction - x;
  std::int32_t result = exp_small(saturating_left(fraction, 5));
  for (int bit = 0; bit < 7; ++bit)
    if ((rest >> (24 + bit) & 1) != 0) result = multiply(result, kFactor[bit]);
  return result;
}

int leading_zeros(std::int32_t x) {
  int count = 0;
  for (auto bits = static_cast<std::uint32_t>(x); count < 32 && (bits & 0x80000000u) == 0; ++count)
    bits <<= 1;
  return count;
}

/// Returns 2 / (1 + x) in Q2.29 for x in [0, 1) in Q0.31, with three Newton steps for 1 / ((1 + x)
/// / 2).
std::int32_t twice_reciprocal_of_one_plus(std::int32_t x) {
  constexpr std::int32_t k48Over17 = 1515870810, kMinus32Over17 = -1010580540;  // Q2.29
  const auto half = static_cast<std::int32_t>((std::int64_t{x} + kOne + 1) / 2);
  std::int32_t estimate = k48Over17 + multiply(half, kMinus32Over17);
  for (int step = 0; step < 3; ++step) {
    const std::int32_t error = (1 << 29) - multiply(half, estimate);
    estimate += saturating_left(multiply(estimate, error), 2);  // Q4.27 -> Q2.29
  }
  return estimate;
}

/// Returns code - largest in Q5.26.
std::int32_t scaled_difference(std::int32_t difference, const SoftmaxParams& p) {
  const std::int32_t shifted = wrap(std::int64_t{difference} * (std::int64_t{1} << p.input.shift));
  return multiply(shifted, p.input.multiplier);
}

/// Computes one row of `depth` codes.
void softmax_row(std::int32_t* codes, int depth, const SoftmaxParams& p) {
  const std::int32_t largest = *std::max_element(codes, codes + depth);
  std::int32_t sum = 0;  // Q12.19
  for (int i = 0; i < depth; ++i)
    sum += rounding_divide_by_pot(exponential(codes[i] - largest, p), 12);
  const ChannelScale reciprocal = reciprocal_of_sum(sum, p.rescale);
  for (int i = 0; i < depth; ++i)
    codes[i] = requantize(exponential(codes[i] - largest, p), reciprocal, p.output);
}

/// Computes x - largest - log(sum of exponentials). The logarithm equals TFLite's up to some 2^-26,
/// and a code is 2^-4, so codes can differ if the result is that close to the middle between two
/// codes.
void log_softmax_row(std::int32_t* codes, int depth, const SoftmaxParams& p) {
  const std::int32_t largest = *std::max_element(codes, codes + depth);
  std::int32_t sum = 0;  // Q12.19
  for (int i = 0; i < depth; ++i)
    sum += rounding_divide_by_pot(exponential(codes[i] - largest, p), 12);
  const auto logarithm = static_cast<std::int32_t>(std::lround(std::log(sum * 0x1p-19) * 0x1p26));
  for (int i = 0; i < depth; ++i) {
    const std::int32_t difference = codes[i] - largest;
    codes[i] = p.output.act_min;
    if (difference < p.diff_min) continue;
    const std::int64_t result = std::int64_t{scaled_difference(difference, p)} - logarithm;
    if (result > std::numeric_limits<std::int32_t>::min())
      codes[i] = to_code(rounding_divide_by_pot(static_cast<std::int32_t>(result), 22), p.output);
  }
}

Codes each_row(const Call& call, void (*row_of)(std::int32_t*, int, const SoftmaxParams&)) {
  const SoftmaxParams p = softmax_params(call.graph, call.op);
  const int depth = call.out().extent(-1);
  Codes codes = call.codes(0);
  for (std::size_t row = 0; row < codes.size(); row += depth) row_of(&codes[row], depth, p);
  return codes;
}

}  // namespace

std::int32_t exponential(std::int32_t difference, const SoftmaxParams& p) {
  return difference < p.diff_min ? 0 : exp_negative(scaled_difference(difference, p));
}

ChannelScale reciprocal_of_sum(std::int32_t sum, const std::optional<ChannelScale>& rescale) {
  const int zeros = leading_zeros(sum);
  const auto mantissa =
      static_cast<std::int32_t>((static_cast<std::uint32_t>(sum) << zeros) - 0x80000000u);
  const std::int32_t twice = twice_reciprocal_of_one_plus(mantissa);
  // Half of it, in Q0.31. With shifts of -32 and below every code is 0.
  if (!rescale) return {saturating_left(twice, 1), zeros - 35};
  const std::int64_t product = std::int64_t{twice} * rescale->multiplier;
  return {static_cast<std::int32_t>(product >> 30), std::max(zeros - 35 + rescale->shift, -32)};
}

Codes softmax(const Call& call) { return each_row(call, softmax_row); }
Codes log_softmax(const Call& call) { return each_row(call, log_softmax_row); }

}  // namespace trine::reference
