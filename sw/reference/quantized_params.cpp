// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/quantized_params.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sw/model/graph/groups.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::reference {

using model::Activation;
using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

std::int32_t clip_code(const Op& op, const Tensor& state) {
  return static_cast<std::int32_t>(std::min(double{op.cell_clip} / double{state.scale()}, 32767.0));
}

namespace {

bool is_unsigned(const Tensor& tensor) { return tensor.type == DataType::kUInt8; }

/// Rounds a value in code units, halves away from zero, and limits it so that it fits 32 bits with
/// any zero point.
std::int32_t rounded(double x) {
  return static_cast<std::int32_t>(std::clamp(std::round(x), -1e9, 1e9));
}

Activation activation_of(const Op& op) {
  switch (op.kind) {
    case OpKind::kRelu:
      return Activation::kRelu;
    case OpKind::kRelu6:
      return Activation::kRelu6;
    case OpKind::kReluN1To1:
      return Activation::kReluN1To1;
    default:
      return op.activation;
  }
}

/// Returns true for int16 codes of ONNX's quantizers, for which no product of scales is rounded to
/// float32.
bool of_onnx16(const Graph& graph, const Op& op) {
  return op.half_even && graph.out(op).type == DataType::kInt16;
}

bool of_tosa(const Op& op, const char* name) {
  return op.of_tosa != 0 && op.numbers.contains(name);
}

std::int32_t tosa_number(const Op& op, const char* name, std::size_t i = 0) {
  return static_cast<std::int32_t>(op.numbers.at(name).at(i));
}

ChannelScale tosa_scale(const Op& op, std::size_t i) {
  return {tosa_number(op, model::tosa::kMultiplier, i), tosa_number(op, model::tosa::kShift, i)};
}

OutputRange output_of(const Graph& graph, const Op& op) {
  OutputRange range = output_range(graph.out(op), activation_of(op));
  if (of_tosa(op, model::tosa::kZeroPoint))
    range.zero_point = tosa_number(op, model::tosa::kZeroPoint);
  if (op.cell_clip > 0 && graph.out(op).type == DataType::kInt16) {
    const std::int32_t limit = clip_code(op, graph.out(op));
    return {range.zero_point, std::max(range.act_min, -limit), std::min(range.act_max, limit)};
  }
  if (graph.out(op).type != DataType::kInt8 && !op.of_cell && !of_onnx16(graph, op)) return range;
  range.act_min = std::max(range.act_min, op.code_min);
  range.act_max = std::min(range.act_max, op.code_max);
  return range;
}

/// Lowers the shift by `amount`. Scales below the hardware's range become zero.
ChannelScale lowered(ChannelScale scale, int amount) {
  scale.shift -= amount;
  return scale.shift < -31 ? ChannelScale{} : scale;
}

std::int16_t saturate16(std::int32_t x) {
  return static_cast<std::int16_t>(std::clamp(x, -32768, 32767));
}

/// Returns round(a * b / 2^15) as the 16-bit instruction does: halves away from zero below zero,
/// and up above it.
std::int16_t rounding_multiply16(std::int16_t a, std::int16_t b) {
  const std::int32_t product = std::int32_t{a} * b;
  return saturate16((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

/// Computes TFLite's 16-bit HARD_SWISH: x * relu6(x + 3) / 6 with 7 bits of head room.
class HardSwish {
 public:
  HardSwish(const Tensor& input, const Tensor& output)
      : zero_point_(input.zero_point()), output_(output_range(output, Activation::kNone)) {
    const float hires = (1.0f / 128.0f) * input.scale();
    constexpr float kReluish = 3.0f / 32768.0f;
    to_output_ = narrow(hires / output.scale(), &output_exponent_);
    to_reluish_ = narrow(hires / kReluish, &reluish_exponent_);
  }

  std::int32_t operator()(std::int32_t code) const {
    const auto x = static_cast<std::int16_t>((code - zero_point_) * (1 << 7));
    const std::int16_t on_output_scale = rounding_multiply16(x, to_output_);
    std::int16_t relu = x;  // to steps of 3/32768: relu6 becomes saturation
    if (reluish_exponent_ > 0) relu = left(relu, reluish_exponent_ - 1);
    relu = rounding_multiply16(relu, to_reluish_);
    if (reluish_exponent_ > 0) relu = left(relu, 1);
    if (reluish_exponent_ < 0)
      relu = static_cast<std::int16_t>(rounding_divide_by_pot(relu, -reluish_exponent_));
    relu = static_cast<std::int16_t>((std::int32_t{relu} + (1 << 15)) >> 1);
    const std::int32_t product = std::int32_t{relu} * on_output_scale / (1 << 15);  // truncates
    return to_code(output_exponent_ > 0 ? left(saturate16(product), output_exponent_)
                                        : rounding_divide_by_pot(product, -output_exponent_),
                   output_);
  }

 private:
  static std::int16_t left(std::int16_t x, int amount) {
    const std::int64_t wide = std::int64_t{x} * (std::int64_t{1} << amount);
    return static_cast<std::int16_t>(std::clamp<std::int64_t>(wide, -32768, 32767));
  }

  static std::int16_t narrow(float multiplier, int* exponent) {
    const ChannelScale scale = quantize_scale(double{multiplier});
    *exponent = scale.shift;
    return static_cast<std::int16_t>(
        std::min<std::int64_t>((std::int64_t{scale.multiplier} + (1 << 15)) >> 16, 32767));
  }

  std::int32_t zero_point_;
  OutputRange output_;
  std::int16_t to_output_ = 0, to_reluish_ = 0;
  int output_exponent_ = 0, reluish_exponent_ = 0;
};

double gelu(const Op& op, double x) {
  constexpr double kSqrtHalf = 0.70710678118654752440, kSqrtTwoOverPi = 0.79788456080286535588;
  if (!op.approximate) return 0.5 * x * (1.0 + std::erf(x * kSqrtHalf));
  return 0.5 * x * (1.0 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
}

std::int32_t rsqrt(std::int32_t above_zero_point, const RequantizeParams& p, Rounding rounding) {
  if (above_zero_point <= 0) return p.output.act_max;  // LiteRT refuses less; 0 is the largest
  const auto root = std::lround(0x1p20 / std::sqrt(static_cast<double>(above_zero_point)));
  return requantize(static_cast<std::int32_t>(root), p.scale, p.output, rounding);
}

}  // namespace

OutputRange output_range(const Tensor& output, Activation activation) {
  OutputRange range{output.zero_point(), -128, 127};
  if (is_unsigned(output)) range = {output.zero_point(), 0, 255};
  if (output.type == DataType::kInt16) range = {output.zero_point(), -32768, 32767};
  if (output.format != spec::Format::kNone) {
    const std::int32_t most = spec::largest_code(output.format);
    range = {output.zero_point(), -most, most, output.format};
  }
  if (output.type == DataType::kInt32) range = {output.zero_point(), INT32_MIN, INT32_MAX};
  const auto code_of = [&](float bound) {
    if (model::of_format(output))
      return spec::as_code(output.format,
                           spec::nearest_real(output.format, double{bound / output.scale()}));
    return range.zero_point + rounded(double{bound / output.scale()});
  };
  if (activation == Activation::kNone) return range;
  const float low = activation == Activation::kReluN1To1 ? -1.0f : 0.0f;
  range.act_min = std::max(range.act_min, code_of(low));
  if (activation == Activation::kRelu) return range;
  const float high = activation == Activation::kReluN1To1 ? 1.0f : 6.0f;
  range.act_max = std::min(range.act_max, code_of(high));
  return range;
}

ConvParams conv_params(const Graph& graph, const Op& op) {
  const bool transposed = op.kind == OpKind::kTransposeConv;
  const Tensor& input = graph.in(op, transposed ? 2 : 0);
  const Tensor& weights = graph.in(op, 1);
  const Tensor& output = graph.out(op);
  const bool product = op.kind == OpKind::kFullyConnected || op.kind == OpKind::kBatchMatMul;
  const bool float_product = !weights.quantization.per_channel() && !of_onnx16(graph, op) &&
                             (product || op.of_uint8 || is_unsigned(input));

  ConvParams p;
  p.input_zero_point = input.zero_point();
  p.weight_zero_point = weights.zero_point();
  if (output.type == DataType::kInt32) return p;  // accumulators are unchanged
  if (of_tosa(op, model::tosa::kMultiplier)) {
    for (std::size_t i = 0; i < op.numbers.at(model::tosa::kMultiplier).size(); ++i)
      p.scales.push_back(tosa_scale(op, i));
    p.scales.resize(output.extent(-1), p.scales.front());
    p.output = output_of(graph, op);
    return p;
  }
  for (const float scale : weights.quantization.scale) {
    const double both =
        float_product ? double{input.scale() * scale} : double{input.scale()} * double{scale};
    p.scales.push_back(quantize_scale(both / (double{op.divisor} * double{output.scale()})));
  }
  p.scales.resize(output.extent(-1), p.scales.front());
  p.output = output_of(graph, op);
  return p;
}

std::int32_t of_group(std::int32_t sum, std::int32_t factor) {
  const auto counts = static_cast<std::int32_t>(
      std::int64_t{sum} * std::int64_t{std::abs(factor)} >> model::kGroupShift);
  return factor < 0 ? ~counts : counts;
}

std::int32_t group_offset(std::span<const std::int8_t> weights,
                          std::span<const std::int16_t> factors, int block, int zero_point) {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k)
    sum += std::int64_t{weights[k]} * factors[k / static_cast<std::size_t>(block)];
  const std::int64_t half = 1 << (model::kGroupShift - 1);
  const auto count = static_cast<std::int64_t>(factors.size());
  return wrap((half * (count + 1) - zero_point * sum) >> model::kGroupShift);
}

std::vector<double> real_scales(const Graph& graph, const Op& op) {
  const Tensor& output = graph.out(op);
  std::vector<double> scales;
  for (const float scale : graph.in(op, 1).quantization.scale)
    scales.push_back(double{graph.in(op, 0).scale()} * double{scale} / double{output.scale()});
  scales.resize(static_cast<std::size_t>(output.extent(-1)), scales.front());
  return scales;
}

std::vector<ChannelScale> returned_scales(const Graph& graph, const Op& op) {
  const Tensor& weights = graph.in(op, 1);
  std::vector<ChannelScale> scales;
  for (const float scale : weights.quantization.scale)
    scales.push_back(quantize_scale(double{scale} / double{graph.in(op, 0).scale()}));
  scales.resize(static_cast<std::size_t>(weights.extent(0)), scales.front());
  return scales;
}

AddParams add_params(const Graph& graph, const Op& op) {
  const bool squared = op.kind == OpKind::kSquaredDifference;
  AddParams p;
  if (of_tosa(op, model::tosa::kMultiplier)) {
    for (std::size_t i = 0; i < 2; ++i) {
      p.zero_point[i] = tosa_number(op, model::tosa::kZeroPoints, i);
      p.input[i] = tosa_scale(op, i);
    }
    p.result = tosa_scale(op, 2);
    p.output = output_of(graph, op);
    return p;
  }
  p.left_shift = squared ? 7 : graph.out(op).type == DataType::kInt16 ? 15 : 20;
  const double twice_max = 2.0 * double{std::max(graph.in(op, 0).scale(), graph.in(op, 1).scale())};
  for (int i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    p.zero_point[at] = graph.in(op, i).zero_point();
    p.input[at] = quantize_scale(double{graph.in(op, i).scale()} / twice_max);
  }
  if (const auto leak = op.numbers.find(model::spiking::kLeak); leak != op.numbers.end())
    p.input[op.kind == OpKind::kAdd ? 0 : 1] =
        quantize_scale(std::ldexp(leak->second.at(0), -model::spiking::kLeakBits - 1));
  const double result = std::ldexp(double{graph.out(op).scale()}, squared ? 14 : p.left_shift);
  p.result = quantize_scale((squared ? twice_max * twice_max : twice_max) / result);
  p.output = output_of(graph, op);
  return p;
}

MulParams mul_params(const Graph& graph, const Op& op) {
  if (of_tosa(op, model::tosa::kMultiplier))
    return {
        {tosa_number(op, model::tosa::kZeroPoints), tosa_number(op, model::tosa::kZeroPoints, 1)},
        tosa_scale(op, 0),
        output_of(graph, op)};
  const Tensor &a = graph.in(op, 0), &b = graph.in(op, 1);
  const float scale = a.scale() * b.scale() / graph.out(op).scale();
  const double exact = double{a.scale()} * double{b.scale()} / double{graph.out(op).scale()};
  return {{a.zero_point(), b.zero_point()},
          quantize_scale(op.of_cell || of_onnx16(graph, op) ? exact : double{scale}),
          output_of(graph, op)};
}

PoolParams pool_params(const Graph& graph, const Op& op) {
  PoolParams p{model::window(graph, op), output_of(graph, op),
               op.of_uint8 || is_unsigned(graph.out(op))};
  if (of_tosa(op, model::tosa::kZeroPoints))
    p.zero_point = tosa_number(op, model::tosa::kZeroPoints);
  else
    p.output.zero_point = 0;  // pooled codes contain it already
  return p;
}

MeanParams mean_params(const Graph& graph, const Op& op) {
  const Tensor &input = graph.in(op, 0), &output = graph.out(op);
  MeanParams p;
  p.count = input.elements() / output.elements();
  if (of_tosa(op, model::tosa::kMultiplier)) {
    p.bias = wrap(-p.count * tosa_number(op, model::tosa::kZeroPoints));
    p.output = output_of(graph, op);
    p.scale = tosa_scale(op, 0);
    return p;
  }
  p.bias = wrap(-p.count * input.zero_point());
  p.output = output_of(graph, op);
  p.scale = quantize_scale(double{input.scale()} / double{output.scale()});
  if (op.half_even) {
    const double parts = op.kind == OpKind::kSum ? 1.0 : static_cast<double>(p.count);
    p.scale = quantize_scale(double{input.scale()} / (parts * double{output.scale()}));
    return p;
  }
  if (op.kind == OpKind::kSum) return p;
  int log2 = 0;
  while (p.count >> (log2 + 1) != 0) ++log2;
  const int fold = std::min({log2, 32, 31 + p.scale.shift});
  p.scale.multiplier =
      static_cast<std::int32_t>((std::int64_t{p.scale.multiplier} << fold) / p.count);
  p.scale.shift -= fold;
  return p;
}

RequantizeParams requantize_params(const Graph& graph, const Op& op) {
  const Tensor &input = graph.in(op, 0), &output = graph.out(op);
  RequantizeParams p;
  p.zero_point = input.zero_point();
  const double scale = op.kind == OpKind::kQuantize ? double{input.scale()} / double{output.scale()}
                                                    : double{input.scale() / output.scale()};
  p.scale = quantize_scale(scale);
  if (const auto level = op.numbers.find(model::spiking::kLevel); level != op.numbers.end()) {
    p.zero_point = static_cast<std::int32_t>(level->second.at(0));
    p.scale = quantize_scale(std::exp2(level->second.at(1)));
  }
  p.negative = p.scale;
  p.output = output_of(graph, op);
  if (op.kind == OpKind::kLeakyRelu && of_onnx16(graph, op)) {
    p.scale = quantize_scale(double{input.scale()} / double{output.scale()});
    p.negative = quantize_scale(double{input.scale()} * double{op.alpha} / double{output.scale()});
  } else if (op.kind == OpKind::kLeakyRelu) {
    const float slope = input.scale() * op.alpha / output.scale();
    p.negative = quantize_scale(double{std::abs(slope)});
    if (slope < 0) p.negative.multiplier = -p.negative.multiplier;
  }
  return p;
}

std::array<std::uint8_t, 256> joined_codes(const Tensor& from, const Tensor& to) {
  std::array<std::uint8_t, 256> codes{};
  const bool alike = from.has_scale_of(to);
  const float scale = from.scale() * (1.0f / to.scale());
  const float bias = -static_cast<float>(from.zero_point()) * scale;
  for (int code = 0; code < 256; ++code) {
    const float product = static_cast<float>(code) * scale;
    const double next = std::round(product + bias) + static_cast<double>(to.zero_point());
    codes[static_cast<std::size_t>(code)] =
        static_cast<std::uint8_t>(alike ? code : std::clamp(next, 0.0, 255.0));
  }
  return codes;
}

SoftmaxParams softmax_params(const Graph& graph, const Op& op) {
  const double gain = double{op.beta} * double{graph.in(op, 0).scale()} * 0x1p26;
  SoftmaxParams p;
  p.input = quantize_scale(gain);
  p.output = output_of(graph, op);
  if (op.half_even) {
    p.rescale = quantize_scale(1.0 / (256.0 * double{graph.out(op).scale()}));
    p.rescale->multiplier = std::min(p.rescale->multiplier, SoftmaxParams::kMostRescale);
  }
  // From 2^30 on, a difference of one already exceeds the range of the exponential.
  if (gain < 0x1p30)
    p.diff_min = -static_cast<std::int32_t>(std::floor(std::ldexp(31.0, 26 - p.input.shift)));
  return p;
}

RequantizeParams rsqrt_params(const Graph& graph, const Op& op) {
  const Tensor &input = graph.in(op, 0), &output = graph.out(op);
  RequantizeParams p;
  p.zero_point = input.zero_point();
  const float root = std::sqrt(input.scale()) * output.scale();
  p.scale = lowered(quantize_scale(1.0 / double{root}), 20);
  p.negative = p.scale;
  p.output = output_range(output, Activation::kNone);
  return p;
}

namespace {

/// The parameters of a function of one code.
struct Coder {
  Coder(const Graph& graph, const Op& of, Rounding how)
      : op(of),
        rounding(how),
        scale(graph.in(of, 0).scale()),
        output_scale(graph.out(of).scale()),
        wide(graph.in(of, 0).type == DataType::kInt16 || graph.out(of).type == DataType::kInt16),
        p(of.kind == OpKind::kRsqrt ? rsqrt_params(graph, of) : requantize_params(graph, of)),
        hard_swish(graph.in(of, 0), graph.out(of)) {}

  const Op& op;
  Rounding rounding;
  double scale, output_scale;
  bool wide;  ///< int16 on either side
  RequantizeParams p;
  HardSwish hard_swish;
};

/// Returns the code of the function. @param x  a code minus the zero point
using Code = std::int32_t (*)(const Coder&, std::int32_t x);

std::int32_t rescaled(const Coder& c, std::int32_t x) {
  return requantize(x, x < 0 ? c.p.negative : c.p.scale, c.p.output, c.rounding);
}

/// Computes ONNX's DequantizeLinear and QuantizeLinear of int8 in float32, which decides the side
/// at ties.
std::int32_t between_floats(const Coder& c, std::int32_t x) {
  const float real = static_cast<float>(x) * static_cast<float>(c.scale);
  const float steps = real / static_cast<float>(c.output_scale);
  if (const spec::Format format = c.p.output.format; format != spec::Format::kNone)
    return std::clamp(spec::as_code(format, spec::nearest_real(format, double{steps})),
                      c.p.output.act_min, c.p.output.act_max);
  return to_code(rounded(double{std::nearbyint(steps)}), c.p.output);
}

/// Returns the nearest code to a function of real numbers.
template <auto Function>
std::int32_t nearest(const Coder& c, std::int32_t x) {
  return to_code(rounded(Function(c.op, c.scale * x) / c.output_scale), c.p.output);
}

constexpr std::pair<OpKind, Code> kCodes[] = {
    {OpKind::kAbs,
     [](const Coder& c, std::int32_t x) {
       return requantize(std::abs(x), c.p.scale, c.p.output, c.rounding);
     }},
    {OpKind::kElu, nearest<[](const Op&, double x) { return x < 0 ? std::expm1(x) : x; }>},
    {OpKind::kExp, nearest<[](const Op&, double x) { return std::exp(x); }>},
    {OpKind::kGelu, nearest<gelu>},
    {OpKind::kHardSwish,
     [](const Coder& c, std::int32_t x) { return c.hard_swish(x + c.p.zero_point); }},
    {OpKind::kLeakyRelu, rescaled},
    {OpKind::kLog, nearest<[](const Op&, double x) { return x <= 0 ? -HUGE_VAL : std::log(x); }>},
    {OpKind::kLogistic, nearest<[](const Op&, double x) { return 1.0 / (1.0 + std::exp(-x)); }>},
    {OpKind::kQuantize,
     [](const Coder& c, std::int32_t x) {
       return c.op.half_even && !c.wide ? between_floats(c, x) : rescaled(c, x);
     }},
    {OpKind::kRelu, rescaled},
    {OpKind::kRelu6, rescaled},
    {OpKind::kReluN1To1, rescaled},
    {OpKind::kRsqrt, [](const Coder& c, std::int32_t x) { return rsqrt(x, c.p, c.rounding); }},
    {OpKind::kSqrt,  // the code below
     [](const Coder& c, std::int32_t x) {
       const double root = std::sqrt(std::max(c.scale * x, 0.0));
       return to_code(rounded(std::floor(root / c.output_scale)), c.p.output);
     }},
    {OpKind::kSquare, nearest<[](const Op&, double x) { return x * x; }>},
    {OpKind::kTable,
     [](const Coder& c, std::int32_t x) {
       return tosa_number(c.op, model::tosa::kTable,
                          static_cast<std::size_t>(x + c.p.zero_point + 128));
     }},
    {OpKind::kTanh, nearest<[](const Op&, double x) { return std::tanh(x); }>},
};
constexpr auto kCodeOf = model::table_of<Code>(
    kCodes, [](OpKind kind) { return model::is_unary(kind) && model::computes_codes(kind); });

}  // namespace

std::vector<std::int32_t> function_codes(const Graph& graph, const Op& op, Rounding rounding,
                                         std::vector<std::int32_t> codes) {
  const Coder coder(graph, op, rounding);
  const Code code_of = kCodeOf[static_cast<std::size_t>(op.kind)];
  const spec::Format format =
      model::of_format(graph.in(op, 0)) ? graph.in(op, 0).format : spec::Format::kNone;
  for (std::int32_t& code : codes)
    code = code_of(coder,
                   static_cast<std::int32_t>(spec::units_of(format, code - coder.p.zero_point)));
  return codes;
}

std::array<std::int32_t, 256> code_table(const Graph& graph, const Op& op, Rounding rounding) {
  std::vector<std::int32_t> all(256);
  std::iota(all.begin(), all.end(), is_unsigned(graph.in(op, 0)) ? 0 : -128);
  std::array<std::int32_t, 256> table{};
  std::ranges::copy(function_codes(graph, op, rounding, std::move(all)), table.begin());
  return table;
}

}  // namespace trine::reference
