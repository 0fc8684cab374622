// SPDX-License-Identifier: Apache-2.0
//
// UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and an int16 cell state, as TFLite's reference
// kernel: gates in Q3.12, their functions in Q0.15 by 16-bit fixed point, the cell in the power of
// two that its scale says. Qm.n is a 16-bit number of m integer and n fractional bits besides the
// sign; `multiply` is the rounding doubling high multiply, so Qa.b times Qc.d is Q(a+c).

#include <algorithm>
#include <cmath>

#include "sw/model/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/requantize.h"

namespace trine::reference {
namespace {

using Word = std::int16_t;

constexpr Word kOne = 32767;  ///< 1 in Q0.15, nearly
constexpr int kGateBits = 3;  ///< integer bits of a gate's sum

Word saturated(std::int64_t x) {
  return static_cast<Word>(std::clamp<std::int64_t>(x, -32768, 32767));
}

/// Sums and differences keep 16 bits.
Word wrapped(std::int32_t x) { return static_cast<Word>(static_cast<std::uint16_t>(x & 0xffff)); }

Word multiply(Word a, Word b) {
  const std::int32_t product = std::int32_t{a} * b;
  return saturated((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

Word left(Word x, int exponent) { return saturated(std::int64_t{x} * (1 << exponent)); }
Word right(Word x, int exponent) { return static_cast<Word>(rounding_divide_by_pot(x, exponent)); }

/// The upper half of a constant of 32 bits.
Word constant(std::int32_t x) { return static_cast<Word>(rounding_divide_by_pot(x, 16)); }

/// exp(x) in Q0.15 for x in [-1/4, 0) in Q0.15: Taylor of degree 4 around -1/8.
Word exp_small(Word x) {
  const Word middle = constant(1895147668), third = constant(715827883);
  const Word y = wrapped(x + (1 << 12));
  const Word y2 = multiply(y, y), y3 = multiply(y2, y), y4 = multiply(y2, y2);
  const Word cubic_up = multiply(wrapped(right(y4, 2) + y3), third);
  const Word tail = right(wrapped(cubic_up + y2), 1);  // y4/24 + y3/6 + y2/2
  return saturated(middle + multiply(middle, wrapped(y + tail)));
}

/// exp(x) in Q0.15 for x <= 0 with `bits` integer bits: exp of the last quarter, times exp(-2^i)
/// for each bit of the rest.
Word exp_negative(Word x, int bits) {
  constexpr std::int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};  // exp(-1/4), exp(-1/2), ...
  if (x == 0) return kOne;
  const int fraction = 15 - bits, quarter = 1 << (fraction - 2);
  const auto last = static_cast<Word>((x & (quarter - 1)) - quarter);
  Word result = exp_small(left(last, bits));
  const std::int32_t rest = wrapped(last - x);
  for (int i = 0; i < 7 && bits > i - 2; ++i)
    if ((rest & 1 << (fraction + i - 2)) != 0) result = multiply(result, constant(kFactors[i]));
  if (bits > 5 && x < -(1 << (20 - bits))) return 0;  // below -32
  return result;
}

/// 2 / (1 + x) in Q2.13 for x in [0, 1] in Q0.15: three steps of Newton.
Word twice_reciprocal(Word x) {
  const Word half = static_cast<Word>((x + kOne + 1) / 2);  // of the denominator
  Word y = wrapped(constant(1515870810) + multiply(half, constant(-1010580540)));
  for (int i = 0; i < 3; ++i)
    y = wrapped(y + left(multiply(y, wrapped((1 << 13) - multiply(half, y))), 2));
  return y;
}

Word logistic(Word x) {
  if (x == 0) return 1 << 14;
  const Word size = x > 0 ? x : wrapped(-x);
  const Word up = left(twice_reciprocal(exp_negative(wrapped(-size), kGateBits)), 1);
  return x > 0 ? up : wrapped(kOne - up);
}

Word tanh(Word x, int bits) {
  if (x == 0) return 0;
  const Word below = x < 0 ? x : wrapped(-x);
  const Word e = exp_negative(below, bits + 1);  // of 2 x
  const Word up = left(wrapped(twice_reciprocal(e) - (1 << 13)), 2);
  return x < 0 ? wrapped(-up) : up;
}

/// Matrices and their scales to a gate's Q3.12.
class Gate {
 public:
  Gate(const Call& call, int index)
      : inputs_(call.codes(1 + index)),
        outputs_(call.codes(5 + index)),
        bias_(call.codes(12 + index)) {
    const auto scale = [&](int weights, int activations) {
      const float product = call.in(weights).scale() * call.in(activations).scale();
      return quantize_scale(double{product / std::ldexp(1.0f, kGateBits - 15)});
    };
    input_scale_ = scale(1 + index, 0);
    output_scale_ = scale(5 + index, 18);
  }

  /// @param x, h  less their zero points
  Word sum(const std::int32_t* x, std::size_t n, const Codes& h, std::size_t cell,
           Rounding rounding) const {
    const std::int32_t first = dot(&inputs_[cell * n], x, n, bias_[cell]);
    const Word so_far = saturated(scaled(first, input_scale_, rounding));
    const std::int32_t second = dot(&outputs_[cell * h.size()], h.data(), h.size(), 0);
    return saturated(std::int64_t{scaled(second, output_scale_, rounding)} + so_far);
  }

 private:
  static std::int32_t dot(const std::int32_t* a, const std::int32_t* b, std::size_t n,
                          std::int64_t start) {
    for (std::size_t i = 0; i < n; ++i) start += std::int64_t{a[i]} * b[i];
    return wrap(start);
  }

  Codes inputs_, outputs_, bias_;
  ChannelScale input_scale_, output_scale_;
};

}  // namespace

Codes lstm(const Call& call) {
  const Gate input_gate(call, 0), forget_gate(call, 1), cell_gate(call, 2), output_gate(call, 3);
  const std::vector<int>& shape = call.in(0).shape;
  const auto batches = static_cast<std::size_t>(shape[call.op.time_major ? 1 : 0]);
  const auto steps = static_cast<std::size_t>(shape[call.op.time_major ? 0 : 1]);
  const auto n = static_cast<std::size_t>(shape[2]);
  const auto cells = static_cast<std::size_t>(call.in(2).extent(0));
  const int cell_log2 = std::ilogb(call.in(19).scale());
  const std::int32_t output_zero_point = call.in(18).zero_point();
  const Codes x = call.codes(0, call.in(0).zero_point());
  const Codes first_h = call.codes(18, output_zero_point), first_c = call.codes(19);
  const ChannelScale to_output =
      quantize_scale(double{std::ldexp(1.0f, -15) / call.op.hidden_scale * std::ldexp(1.0f, -15)});
  const OutputRange range{call.op.hidden_zero_point, -128, 127};
  const double limit = double{call.op.cell_clip} / double{call.in(19).scale()};
  const auto clip = static_cast<std::int32_t>(std::min(limit, 32767.0));

  Codes result(batches * steps * cells);
  for (std::size_t b = 0; b < batches; ++b) {
    const auto own = [&](const Codes& all) {
      const auto begin = all.begin() + b * cells;
      return Codes(begin, begin + cells);
    };
    Codes h = own(first_h), c = own(first_c);
    for (std::size_t t = 0; t < steps; ++t) {
      const std::size_t at = call.op.time_major ? t * batches + b : b * steps + t;
      Codes next(cells);
      for (std::size_t m = 0; m < cells; ++m) {
        const auto sum = [&](const Gate& gate) {
          return gate.sum(&x[at * n], n, h, m, call.rounding);
        };
        const std::int32_t kept = rounding_divide_by_pot(logistic(sum(forget_gate)) * c[m], 15);
        const std::int32_t added = rounding_divide_by_pot(
            logistic(sum(input_gate)) * tanh(sum(cell_gate), kGateBits), 30 + cell_log2);
        c[m] = saturated(std::int64_t{wrapped(kept)} + wrapped(added));
        if (clip > 0) c[m] = std::clamp(c[m], -clip, clip);
        const std::int32_t product =
            logistic(sum(output_gate)) * tanh(static_cast<Word>(c[m]), 15 + cell_log2);
        next[m] = requantize(product, to_output, range, call.rounding);
      }
      for (std::size_t m = 0; m < cells; ++m) {
        result[at * cells + m] = next[m];
        h[m] = next[m] - output_zero_point;
      }
    }
  }
  return result;
}

}  // namespace trine::reference
