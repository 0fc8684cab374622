// SPDX-License-Identifier: Apache-2.0
//
// Computes functions of int16 codes by interpolation, as TFLite's reference kernels and TFLite
// Micro do:
//
//   LOGISTIC, TANH   256 points of the sigmoid, a step is 1/24, tanh(x) = 2 sigmoid(2 x) - 1
//   SOFTMAX          exp(x) for x = -10..0 and 1 / (1 + x) for x = 0..1, 513 points each

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

/// sigmoid(i / 24) in Q0.16, as tflite-micro stores it and as LiteRT's TANH shows. 44 of them are
/// one above the nearest value.
constexpr std::array<std::uint16_t, 256> kSigmoid = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
    41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
    48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
    54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
    58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
    61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
    63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
    64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
    64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
    65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
    65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
    65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
    65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
    65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
    65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
    65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535};

/// Returns the sigmoid of |x|, interpolated between two points, in Q0.16 and `bits` more bits.
/// @param last  result for x beyond the points
std::int64_t sigmoid(std::int64_t x, int bits, std::int64_t last) {
  const std::int64_t size = std::abs(x), point = size >> bits;
  if (point >= 255) return last << bits;
  const auto at = static_cast<std::size_t>(point);
  const std::int64_t between = size & ((1 << bits) - 1);
  return (std::int64_t{kSigmoid[at]} << bits) + between * (kSigmoid[at + 1] - kSigmoid[at]);
}

/// A function in Q0.15 at 513 points from `first` to `last`. Each point except the last is
/// corrected by half of the interpolation's error in the middle of the following step.
class Interpolation {
 public:
  Interpolation(double (*function)(double), double first, double last) {
    const double step = (last - first) / 512;
    const auto value = [&](double x) { return function(x) * 32768.0; };
    for (int i = 0; i < 512; ++i) {
      const double x = first + i * step, here = std::round(value(x));
      const double middle = std::round((value(first + (i + 1) * step) + here) / 2);
      const double error = middle - std::round(value(x + step / 2));
      points_[static_cast<std::size_t>(i)] = limited(here - std::round(error / 2));
    }
    points_[512] = limited(std::round(value(last)));
  }

  /// @param place  position in first..last, limited to -32768..32767
  std::int32_t operator()(std::int64_t place) const {
    const auto from_first =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(place, -32768, 32767) + 32768);
    const auto at = static_cast<std::size_t>(from_first >> 7);
    const std::int32_t slope = points_[at + 1] - points_[at];
    return points_[at] + ((slope * (from_first & 0x7f) + 64) >> 7);
  }

  std::span<const std::int32_t, 513> points() const { return points_; }

 private:
  static std::int32_t limited(double x) {
    return static_cast<std::int32_t>(std::clamp(x, -32768.0, 32767.0));
  }
  std::array<std::int32_t, 513> points_{};
};

const Interpolation& exponential_lines() {
  static const Interpolation lines([](double x) { return std::exp(x); }, -10, 0);
  return lines;
}

const Interpolation& reciprocal_lines() {
  static const Interpolation lines([](double x) { return 1 / (1 + x); }, 0, 1);
  return lines;
}

/// Computes one row of `depth` codes.
void softmax_row(std::int32_t* codes, int depth, const ChannelScale& scale, Rounding rounding) {
  const Interpolation& exponential = exponential_lines();
  const Interpolation& reciprocal = reciprocal_lines();
  const std::int32_t largest = *std::max_element(codes, codes + depth);
  std::uint32_t sum = 0;  // Q16.15, at least 2^15 - 1
  for (int i = 0; i < depth; ++i) {
    codes[i] = exponential(std::int64_t{scaled(codes[i] - largest, scale, rounding)} + 32767);
    sum += static_cast<std::uint32_t>(codes[i]);
  }
  const int zeros = std::countl_zero(sum), right = 31 - zeros;
  const std::int64_t mantissa = ((std::int64_t{sum} << (zeros - 1)) + (1 << 13)) >> 14;  // Q1.16
  const std::int32_t factor = reciprocal(mantissa - (1 << 16) - (1 << 15));
  for (int i = 0; i < depth; ++i) {
    const std::int64_t product = std::int64_t{codes[i]} * factor + (1 << (right - 1));
    codes[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(product >> right, 0, 32767));
  }
}

}  // namespace

std::span<const std::uint16_t, 256> sigmoid_points() { return kSigmoid; }
std::span<const std::int32_t, 513> exponential_points() { return exponential_lines().points(); }
std::span<const std::int32_t, 513> reciprocal_points() { return reciprocal_lines().points(); }

ChannelScale exponential_scale(const model::Graph& graph, const model::Op& op) {
  const float gain = graph.in(op, 0).scale() * op.beta;
  return quantize_scale(double{gain} / (10.0 / 65535.0));
}

InputScale input_scale(float scale) {
  constexpr double kMost = 32767.0;  // of 15 bits
  double multiplier = double{scale} * 4096.0 * 3.0;
  InputScale result;
  for (; multiplier <= kMost / 2 && result.shift <= 30; multiplier *= 2) ++result.shift;
  result.multiplier = static_cast<std::int64_t>(std::min(multiplier, kMost * kMost));
  return result;
}

std::int32_t interpolated_logistic(std::int64_t x) {
  const std::int64_t size = sigmoid(x, 9, 2 * 0x7fff);
  return static_cast<std::int32_t>(((x >= 0 ? size : (1 << 25) - size - 1) + (1 << 9)) >> 10);
}

std::int32_t interpolated_tanh(std::int64_t x) {
  const std::int64_t size = sigmoid(x, 8, 0xffff) - (1 << 23);
  return static_cast<std::int32_t>(((x >= 0 ? size : -size - 1) + (1 << 7)) >> 8);
}

Codes interpolated(const Call& call) {
  const bool is_tanh = call.op.kind == model::OpKind::kTanh;
  const InputScale scale = input_scale(call.in(0).scale());
  const std::int64_t half = (std::int64_t{1} << scale.shift) / 2;
  Codes codes = call.codes(0);
  for (std::int32_t& code : codes) {
    const std::int64_t x = (code * scale.multiplier + half) >> scale.shift;
    code = is_tanh ? interpolated_tanh(x) : interpolated_logistic(x);
  }
  return codes;
}

Codes interpolated_softmax(const Call& call) {
  const ChannelScale scale = exponential_scale(call.graph, call.op);
  const int depth = call.out().extent(-1);
  Codes codes = call.codes(0);
  for (std::size_t row = 0; row < codes.size(); row += static_cast<std::size_t>(depth))
    softmax_row(&codes[row], depth, scale, call.rounding);
  return codes;
}

}  // namespace trine::reference
