// SPDX-License-Identifier: Apache-2.0
//
// Computes UNIDIRECTIONAL_SEQUENCE_LSTM with int8 weights, gates in Q3.12, and an int16 cell state
// whose scale is a power of two. Two kernels differ after the sums of the gates:
//
//   LiteRT         computes the gates' functions by 16-bit polynomials; int8 activations only
//   tflite-micro   interpolates between the points of LOGISTIC and TANH; int8 and int16 activations
//
// Qm.n is a 16-bit number of m integer and n fractional bits in addition to the sign. `multiply` is
// the rounding doubling high multiply, so Qa.b times Qc.d is Q(a+c). docs/numerics.md lists the
// steps.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "sw/model/graph/elements.h"
#include "sw/model/graph/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"
#include "sw/reference/requantize.h"

namespace trine::reference {
namespace {

using Word = std::int16_t;

constexpr Word kOneQ15 = 32767;  ///< 1 in Q0.15, nearly
constexpr int kGateBits = 3;     ///< integer bits of a gate's sum

Word saturated(std::int64_t x) {
  return static_cast<Word>(std::clamp<std::int64_t>(x, -32768, 32767));
}

/// Wraps sums and differences to 16 bits.
Word wrapped(std::int32_t x) { return static_cast<Word>(static_cast<std::uint16_t>(x & 0xffff)); }

Word multiply(Word a, Word b) {
  const std::int32_t product = std::int32_t{a} * b;
  return saturated((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

Word left(Word x, int exponent) { return saturated(std::int64_t{x} * (1 << exponent)); }
Word right(Word x, int exponent) { return static_cast<Word>(rounding_divide_by_pot(x, exponent)); }

/// Returns the upper half of a 32-bit constant, rounded.
Word constant(std::int32_t x) { return static_cast<Word>(rounding_divide_by_pot(x, 16)); }

/// Returns exp(x) in Q0.15 for x in [-1/4, 0) in Q0.15: a Taylor series of degree 4 around -1/8.
Word exp_small(Word x) {
  const Word middle = constant(1895147668), third = constant(715827883);
  const Word y = wrapped(x + (1 << 12));
  const Word y2 = multiply(y, y), y3 = multiply(y2, y), y4 = multiply(y2, y2);
  const Word cubic_up = multiply(wrapped(right(y4, 2) + y3), third);
  const Word tail = right(wrapped(cubic_up + y2), 1);  // y4/24 + y3/6 + y2/2
  return saturated(middle + multiply(middle, wrapped(y + tail)));
}

/// Returns exp(x) in Q0.15 for x <= 0 with `bits` integer bits: exp of the last quarter, times
/// exp(-2^i) for each bit of the rest.
Word exp_negative(Word x, int bits) {
  constexpr std::int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};  // exp(-1/4), exp(-1/2), ...
  if (x == 0) return kOneQ15;
  const int fraction = 15 - bits, quarter = 1 << (fraction - 2);
  const auto last = static_cast<Word>((x & (quarter - 1)) - quarter);
  Word result = exp_small(left(last, bits));
  const std::int32_t rest = wrapped(last - x);
  for (int i = 0; i < 7 && bits > i - 2; ++i)
    if ((rest & 1 << (fraction + i - 2)) != 0) result = multiply(result, constant(kFactors[i]));
  if (bits > 5 && x < -(1 << (20 - bits))) return 0;  // below -32
  return result;
}

/// Returns 2 / (1 + x) in Q2.13 for x in [0, 1] in Q0.15, with three Newton steps.
Word twice_reciprocal(Word x) {
  const Word half = static_cast<Word>((x + kOneQ15 + 1) / 2);  // of the denominator
  Word y = wrapped(constant(1515870810) + multiply(half, constant(-1010580540)));
  for (int i = 0; i < 3; ++i)
    y = wrapped(y + left(multiply(y, wrapped((1 << 13) - multiply(half, y))), 2));
  return y;
}

Word logistic(Word x) {
  if (x == 0) return 1 << 14;
  const Word size = x > 0 ? x : wrapped(-x);
  const Word up = left(twice_reciprocal(exp_negative(wrapped(-size), kGateBits)), 1);
  return x > 0 ? up : wrapped(kOneQ15 - up);
}

Word tanh(Word x, int bits) {
  if (x == 0) return 0;
  const Word below = x < 0 ? x : wrapped(-x);
  const Word e = exp_negative(below, bits + 1);  // of 2 x
  const Word up = left(wrapped(twice_reciprocal(e) - (1 << 13)), 2);
  return x < 0 ? wrapped(-up) : up;
}

/// The matrices of a gate, and the scales of their sums to the gate's Q3.12.
class Gate {
 public:
  Gate(const Call& call, int index)
      : inputs_(call.codes(1 + index)),
        outputs_(call.codes(5 + index)),
        bias_(model::elements_as<std::int64_t>(call.in(12 + index).type, call.bytes(12 + index))),
        wide_(call.in(18).type == model::DataType::kInt16),
        kernel_(call.kernel) {
    const auto scale = [&](int weights, int activations) {
      const float product = call.in(weights).scale() * call.in(activations).scale();
      return quantize_scale(double{product / std::ldexp(1.0f, kGateBits - 15)});
    };
    input_scale_ = scale(1 + index, 0);
    output_scale_ = scale(5 + index, 18);
  }

  /// @param x, h  minus their zero points
  Word sum(const std::int32_t* x, std::size_t n, const Codes& h, std::size_t cell,
           Rounding rounding) const {
    const std::int64_t of_x = dot(&inputs_[cell * n], x, n, bias_[cell]);
    const std::int64_t of_h = dot(&outputs_[cell * h.size()], h.data(), h.size(), 0);
    const Word first = saturated(to_gate(of_x, input_scale_, rounding));
    const std::int32_t second = to_gate(of_h, output_scale_, rounding);
    // LiteRT adds 32 bits to the first sum; tflite-micro adds two 16-bit numbers.
    const bool narrow = kernel_ == LstmKernel::kMicro;
    return saturated(std::int64_t{first} + (narrow ? saturated(second) : second));
  }

 private:
  /// Returns a sum of products, modulo 2^64.
  static std::int64_t dot(const std::int32_t* a, const std::int32_t* b, std::size_t n,
                          std::int64_t start) {
    auto sum = static_cast<std::uint64_t>(start);
    for (std::size_t i = 0; i < n; ++i)
      sum += static_cast<std::uint64_t>(std::int64_t{a[i]} * b[i]);
    return static_cast<std::int64_t>(sum);
  }

  /// Scales a sum. Sums have 32 bits if activations have 8.
  std::int32_t to_gate(std::int64_t sum, const ChannelScale& scale, Rounding rounding) const {
    return wide_ ? scaled_wide(sum, scale) : scaled(wrap(sum), scale, rounding);
  }

  Codes inputs_, outputs_;
  std::vector<std::int64_t> bias_;
  bool wide_;
  LstmKernel kernel_;
  ChannelScale input_scale_, output_scale_;
};

/// Computes one cell from the sums of its gates.
class Cell {
 public:
  virtual ~Cell() = default;
  virtual Word state(Word input, Word forget, Word gate, Word before) const = 0;
  virtual std::int32_t output(Word gate, Word state) const = 0;
};

int state_log2(const Call& call) { return std::ilogb(call.in(19).scale()); }

Word clip_code(const Call& call) {
  return static_cast<Word>(reference::clip_code(call.op, call.in(19)));
}

class LiteRtCell : public Cell {
 public:
  explicit LiteRtCell(const Call& call)
      : to_output_(quantize_scale(
            double{std::ldexp(1.0f, -15) / call.op.hidden_scale * std::ldexp(1.0f, -15)})),
        range_{call.op.hidden_zero_point, -128, 127},
        rounding_(call.rounding),
        log2_(state_log2(call)),
        clip_(clip_code(call)) {}

  Word state(Word input, Word forget, Word gate, Word before) const override {
    const std::int32_t kept = rounding_divide_by_pot(logistic(forget) * before, 15);
    const std::int32_t added =
        rounding_divide_by_pot(logistic(input) * tanh(gate, kGateBits), 30 + log2_);
    const Word next = saturated(std::int64_t{wrapped(kept)} + wrapped(added));
    return clip_ > 0 ? std::clamp<Word>(next, static_cast<Word>(-clip_), clip_) : next;
  }

  std::int32_t output(Word gate, Word state) const override {
    return requantize(logistic(gate) * tanh(state, 15 + log2_), to_output_, range_, rounding_);
  }

 private:
  ChannelScale to_output_;
  OutputRange range_;
  Rounding rounding_;
  int log2_;
  Word clip_;
};

class MicroCell : public Cell {
 public:
  explicit MicroCell(const Call& call)
      : keep_(quantize_scale(std::ldexp(1.0, -15))),
        add_(quantize_scale(std::ldexp(1.0, -30 - state_log2(call)))),
        to_output_(quantize_scale(std::ldexp(1.0, -30) / double{call.in(18).scale()})),
        range_(output_range(call.in(18), model::Activation::kNone)),
        rounding_(call.rounding),
        log2_(state_log2(call)),
        clips_(call.op.cell_clip > 0),
        clip_(clip_code(call)) {}

  Word state(Word input, Word forget, Word gate, Word before) const override {
    const Word kept = product(sigmoid(forget), before, keep_);
    const Word added = product(sigmoid(input), hyperbolic(gate, kGateBits - 15), add_);
    const Word next = saturated(std::int64_t{kept} + added);
    return clips_ ? std::clamp<Word>(next, static_cast<Word>(-clip_), clip_) : next;
  }

  std::int32_t output(Word gate, Word state) const override {
    return requantize(hyperbolic(state, log2_) * sigmoid(gate), to_output_, range_, rounding_);
  }

 private:
  Word product(Word a, Word b, const ChannelScale& scale) const {
    return saturated(scaled(std::int32_t{a} * b, scale, rounding_));
  }

  static Word sigmoid(Word gate) { return static_cast<Word>(interpolated_logistic(3 * gate)); }

  /// Returns tanh(x 2^log2). x is first brought to the points' scale.
  static Word hyperbolic(Word x, int log2) {
    const int left = log2 + 12;
    std::int64_t place = 3 * std::int64_t{x};
    place = left >= 0 ? place * (1 << left) : (place + (1 << (-left - 1))) >> -left;
    return static_cast<Word>(interpolated_tanh(place));
  }

  ChannelScale keep_, add_, to_output_;
  OutputRange range_;
  Rounding rounding_;
  int log2_;
  bool clips_;
  Word clip_;
};

std::unique_ptr<const Cell> cell_of(const Call& call) {
  if (call.kernel == LstmKernel::kMicro) return std::make_unique<MicroCell>(call);
  return std::make_unique<LiteRtCell>(call);
}

}  // namespace

std::string litert_lstm_problem(const model::Graph& graph, const model::Op& op) {
  const model::Tensor& out = graph.in(op, 18);  // h, in the output's type
  if (out.type != model::DataType::kInt8) return "supports only int8";
  if (op.hidden_scale <= 0) return "needs five intermediate tensors";
  if (op.hidden_scale != out.scale() || op.hidden_zero_point != out.zero_point())
    return "needs the output's scale and zero point in the last intermediate tensor";
  const float scale = graph.in(op, 19).scale();
  if (scale < 0x1p-15f || scale > 0x1p-10f)
    return fmt::format("does not support a cell scale of {}, allowed 2^-15..2^-10", scale);
  return "";
}

Codes lstm(const Call& call) {
  const Gate input_gate(call, 0), forget_gate(call, 1), cell_gate(call, 2), output_gate(call, 3);
  const std::unique_ptr<const Cell> cell = cell_of(call);
  const std::vector<int>& shape = call.in(0).shape;
  const auto batches = static_cast<std::size_t>(shape[call.op.time_major ? 1 : 0]);
  const auto steps = static_cast<std::size_t>(shape[call.op.time_major ? 0 : 1]);
  const auto n = static_cast<std::size_t>(shape[2]);
  const auto cells = static_cast<std::size_t>(call.in(2).extent(0));
  const std::int32_t output_zero_point = call.in(18).zero_point();
  const Codes x = call.codes(0, call.in(0).zero_point());
  const Codes first_h = call.codes(18, output_zero_point), first_c = call.codes(19);

  Codes result(batches * steps * cells), states;
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
        const Word state =
            cell->state(sum(input_gate), sum(forget_gate), sum(cell_gate), static_cast<Word>(c[m]));
        next[m] = cell->output(sum(output_gate), state);
        c[m] = state;
      }
      for (std::size_t m = 0; m < cells; ++m) {
        result[at * cells + m] = next[m];
        h[m] = next[m] - output_zero_point;
      }
    }
    states.insert(states.end(), c.begin(), c.end());
  }
  return call.op.of_state ? states : result;
}

}  // namespace trine::reference
