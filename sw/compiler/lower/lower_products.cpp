// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_products.h"

#include <numeric>
#include <span>
#include <tuple>

#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_values.h"
#include "sw/compiler/lower/lower_words.h"
#include "sw/compiler/lower/maps.h"
#include "sw/compiler/network/former.h"
#include "sw/compiler/network/forms.h"
#include "sw/model/graph/groups.h"
#include "sw/model/graph/svdf.h"

namespace trine::compiler {
namespace {

constexpr int kMostThresholds = 32;  ///< 16 passes of a pair
constexpr int kLongSum = 40;         ///< bits of a sum of int16 codes

/// Returns the filter, R x S, that `K` values fill: consecutive pixels of a row of the image, or
/// consecutive rows.
/// @return nothing if they are not consecutive or are too far apart
std::optional<std::pair<int, int>> filter_of(const Shape& s, int K) {
  const int pixels = K / s.C, S = std::min(pixels, s.W), R = std::max(pixels / s.W, 1);
  if (K % s.C != 0 || R * S != pixels || s.W % S != 0 || s.H % R != 0) return std::nullopt;
  const bool near = (s.W == S || S <= kMostStride) && (s.H == R || R <= kMostStride);
  return near ? std::optional(std::pair(R, S)) : std::nullopt;
}

/// Refuses sums that may exceed the 32 bits of the multiplier's input.
Problem half_even_sums_problem(const Lowering& ctx, const Op& o) {
  constexpr double kMost = 0x1p31 - 1;
  const std::vector<double> sums = largest_sums(ctx.graph, o);
  const auto largest = std::ranges::max_element(sums);
  if (*largest <= kMost) return std::nullopt;
  return refusal(ctx, o, o.input(1), Reason::kRange,
                 ": the sums of channel {} reach {:.0f}, but int16 sums that round halves to even "
                 "have 32 bits: use smaller weights or fewer inputs per channel",
                 largest - sums.begin(), *largest);
}

/// Returns true if sums have 40 bits, which is the case without int32 biases.
bool has_long_sums(const Lowering& ctx, const Op& o) {
  const int bias = o.input(bias_of(o));
  return ctx.graph.out(o).type == model::DataType::kInt16 && !o.half_even &&
         (bias < 0 || ctx.graph.tensor(bias).type != model::DataType::kInt32);
}

/// Refuses int16 codes that the machine does not support: 32-bit sums with one rounding unless
/// halves are rounded to even, and scales beyond the lane's shifts.
Problem wide_problem(const Lowering& ctx, const Op& o) {
  if (o.half_even) return half_even_sums_problem(ctx, o);
  const bool one_rounding = ctx.rounding.of(o) != reference::Rounding::kDouble;
  if (one_rounding && (o.kind == OpKind::kFullyConnected || !has_long_sums(ctx, o)))
    return refusal(ctx, o, o.outputs[0], Reason::kRounding,
                   ": int16 codes with one rounding, as in LiteRT 1.3 and later, need scales of 31 "
                   "bits or double, but the machine's scales have 15 bits (--rounding double)");
  for (const ChannelScale& s : reference::conv_params(ctx.graph, o).scales)
    if (has_long_sums(ctx, o) && s.shift > 14)
      return refusal(ctx, o, o.outputs[0], Reason::kRange,
                     " has a scale of 2^{}, allowed up to 2^14", s.shift);
  return std::nullopt;
}

/// Sets the scales of a product. Sums that stay int32 have none.
void set_scales(const Lowering& ctx, const Op& o, Layer& layer) {
  if (ctx.graph.out(o).type == model::DataType::kInt32) {
    layer.result = Output::kRaw;
    return set_scale(layer, ctx.graph.out(o).extent(-1), kOne);  // depthwise filters: the last axis
  }
  layer.half_even = needs_half_even(ctx, o);
  const reference::ConvParams p = reference::conv_params(ctx.graph, o);
  layer.scales = p.scales;
  layer.channels = static_cast<int>(p.scales.size());
  layer.per_tensor =
      std::ranges::all_of(p.scales, [&](const ChannelScale& s) { return s == p.scales[0]; });
  layer.range = p.output;
}

/// Sets the precision of a product. Activations are packed as in their map; weights are not
/// wider, if there is such an operation.
void set_precision(const Lowering& ctx, const Op& o, Layer& layer) {
  const Shape& in = ctx.shape(layer.input);
  const spec::Precision& activations = spec::precision_of_codes(in.per_word);
  layer.conv().step_codes = in.per_word;
  if (in.wide) {
    layer.conv().precision = isa::compute::Op::kInt16;
    return;
  }
  const bool former = layer.former.steps > 0;  // reads whole int8 codes
  const bool widens = ctx.graph.out(o).type == model::DataType::kInt16;
  const spec::Precision& weights =
      former || widens ? spec::kInt8 : weight_precision(ctx, o, activations);
  layer.conv().precision = widens                         ? isa::compute::Op::kInt8Int16
                           : &activations == &spec::kInt8 ? weights.int8_product
                                                          : weights.product;
  layer.conv().steps_per_row = activations.bits / weights.bits;
  if (former) layer.conv().steps_per_row = ctx.config.window_steps_per_row();
}

/// Returns the sum of the weights of channel m.
std::int64_t weight_sum(const Layer& layer, int m) {
  const auto first = layer.conv().weights.begin();
  return std::accumulate(first + layer.weight_at(m, 0), first + layer.weight_at(m + 1, 0),
                         std::int64_t{0});
}

/// Sets the weights after the last channel to -1 and +1 in turn. Bits there are 0 in maps and in
/// masked taps, which is the code -1, so the products of a tap cancel. If one is left over, its
/// product is subtracted from the bias.
void cancel_beyond(Layer& layer) {
  Conv& conv = layer.conv();
  if (spec::operands_of(conv.precision).activations.has_zero) return;
  for (int m = 0; m < layer.channels; ++m)
    for (std::int64_t at_step = layer.weight_at(m, 0); at_step < layer.weight_at(m + 1, 0);
         at_step += conv.step_codes) {
      std::int8_t next = -1;
      for (int c = 0; c < conv.step_codes; ++c) {
        std::int8_t& weight = conv.weights.edit()[at(at_step + c)];
        if (weight != 0) continue;
        weight = next;
        layer.bias[at(m)] = reference::wrap(std::int64_t{layer.bias[at(m)]} + weight);
        next = static_cast<std::int8_t>(-next);
      }
    }
}

/// Sets the weights of all channels of a tap.
void set_weights(Layer& layer, int m, int ky, int kx, std::span<const std::int8_t> channels) {
  const std::size_t codes = at(layer.conv().step_codes);
  std::vector<std::int8_t>& weights = layer.conv().weights.edit();
  for (int step = ky * layer.window.S + kx; !channels.empty();
       step += layer.window.R * layer.window.S) {
    const std::size_t count = std::min(codes, channels.size());
    std::copy_n(channels.begin(), count, weights.begin() + layer.weight_at(m, step));
    channels = channels.subspan(count);
  }
}

/// Refuses weights in groups that the machine does not support.
Problem factors_problem(const Lowering& ctx, const Op& o) {
  const int K = ctx.graph.in(o, 1).extent(1);
  const std::int64_t steps = o.block / spec::kInt8.codes_per_word();
  if (!ctx.config.groups)
    return refusal(ctx, o, o.input(1), Reason::kConfiguration,
                   " has a scale for each {} input channels, which requires array.groups", o.block);
  if (o.block != 32 && o.block != 64 && o.block != 128)
    return refusal(ctx, o, o.input(1), Reason::kShape,
                   " has a scale for each {} input channels, allowed 32, 64 and 128", o.block);
  if (K % o.block != 0)
    return refusal(ctx, o, o.input(1), Reason::kShape,
                   " has {} input channels, allowed multiples of {}", K, o.block);
  if (ctx.graph.in(o, 1).encoding != model::Encoding::kInt4)
    return refusal(
        ctx, o, o.input(1), Reason::kRange,
        " has weights outside -8..7 in groups of {} input channels (uint4 with zero point 0, "
        "or rows in parts)",
        o.block);
  if (spec::GroupRows{steps}.rows(K / o.block) > ctx.config.pmem_rows())
    return refusal(
        ctx, o, o.input(1), Reason::kMemory,
        ": the weights of {} input channels for a group of columns do not fit memory.pmem_kib", K);
  return std::nullopt;
}

/// Returns true if the codes of a THRESHOLD are bits.
bool makes_bits(const GraphFacts& facts, const Op& t) {
  return spec::precision_of_codes(packing_of(facts, t.outputs[0])).bits == 1;
}

Problem thresholds_problem(const GraphFacts& facts, const Op& t) {
  if (!facts.config.has_thresholds()) {
    std::string packed;
    for (const spec::Precision& p : spec::kPrecisions)
      if (p.bits < 8) packed += fmt::format("{}\"{}\"", packed.empty() ? "" : " and ", p.name);
    return refusal(facts, t, t.input(1), Reason::kConfiguration,
                   " contains thresholds, but array.precisions lacks {}", packed);
  }
  const int K = facts.graph.in(t, 1).extent(1);
  const bool bit = makes_bits(facts, t);
  if (t.step < 1 || K * (bit ? 1 : t.step) > kMostThresholds || (bit && K != 1))
    return refusal(facts, t, t.input(1), Reason::kAttribute,
                   " has {} thresholds of step {}, allowed 1..{} with a positive step", K, t.step,
                   kMostThresholds);
  return std::nullopt;
}

/// Sets the thresholds of a product: acc + bias >= T becomes acc >= T - bias. A code that is
/// `step` above the one before needs `step` thresholds. A bit needs one, whatever its step.
void set_thresholds(const Lowering& ctx, const Op& t, Layer& layer) {
  const Tensor& table = ctx.graph.in(t, 1);
  const auto values = table.integers();
  const int K = table.extent(1);
  const bool bit = makes_bits(ctx, t);
  const int copies = bit ? 1 : t.step;
  layer.result = Output::kThresholds;
  layer.per_tensor = false;
  layer.conv().low = bit ? 0 : t.low;
  layer.passes = (K * copies + 1) / 2;
  for (int m = 0; m < layer.channels; ++m) {
    const std::size_t row = table.extent(0) == 1 ? 0 : at(m) * at(K);
    for (int k = 0; k < K; ++k)
      for (int copy = 0; copy < copies; ++copy)
        layer.conv().thresholds.push_back(reference::saturate(
            (layer.conv().twice ? 2 : 1) * values[row + at(k)] - layer.bias[at(m)]));
    if (K * copies % 2 != 0) layer.conv().thresholds.push_back(INT32_MAX);
  }
}

/// Splits format weights of more than eight bits: w = 2^bits high + low. `high` multiplies the
/// activations times 2^bits, `low` the activations themselves.
struct WeightSplit {
  int bits = 0;
  int high(int w) const {
    const int half = bits == 0 ? 0 : 1 << (bits - 1);
    return std::clamp((w + half) >> bits, -128, 127);
  }
  int low(int w) const { return w - (high(w) << bits); }
};

/// Returns the split with the fewest bits, or nothing if eight bits do not suffice.
std::optional<WeightSplit> split_weights(std::span<const std::int16_t> weights) {
  for (WeightSplit split; split.bits <= 8; ++split.bits)
    if (std::ranges::all_of(weights,
                            [&](int w) { return split.low(w) >= -128 && split.low(w) <= 127; }))
      return split;
  return std::nullopt;
}

std::optional<WeightSplit> split_of(const Lowering& ctx, const Op& o) {
  if (!model::has_format_weights(ctx.graph, o)) return std::nullopt;
  return split_weights(ctx.graph.in(o, 1).values<std::int16_t>());
}

Problem split_problem(const Lowering& ctx, const Op& o) {
  if (!ctx.config.vector)
    return refusal(ctx, o, o.input(1), Reason::kConfiguration,
                   " has weights of more than 8 bits, which require vector.enable");
  if (o.kind == OpKind::kConv2D && model::groups(ctx.graph, o) != 1)
    return refusal(ctx, o, o.input(1), Reason::kShape,
                   " has weights of more than 8 bits in {} groups, allowed 1",
                   model::groups(ctx.graph, o));
  const std::optional<WeightSplit> split = split_of(ctx, o);
  const auto [low, high] = input_codes(ctx.graph, o);
  if (split && std::max(-low, high) << split->bits <= INT16_MAX) return std::nullopt;
  return refusal(ctx, o, o.input(1), Reason::kRange,
                 " has weights of more than 8 bits with activations of {}..{}, which times 2^{} "
                 "exceed 16 bits: use smaller activations or int8 weights",
                 low, high, split ? split->bits : 9);
}

/// Makes a map whose lower half of channels is `from`, and whose upper half is `from` times
/// 2^bits.
int scaled_beside(Lowering& ctx, const Op& o, int from, int bits) {
  const Shape s = ctx.shape(from);
  const int half = spec::kInt8.codes_per_word() * s.channel_words();
  const int both = add_map(ctx, o.input(0), {2 * half, s.H, s.W});
  for (const bool upper : {false, true}) {
    Layer layer = copy(ctx, o, from);
    layer.macs = 0;
    if (upper) layer.pool().regions[0].scale.shift += bits;
    add_layer_to(ctx, add_part(ctx, both, {-1, upper ? half : 0}, {s.C, s.H, s.W}),
                 std::move(layer));
  }
  return both;
}

void read_twice(Layer& layer) {
  layer.conv().twice = true;
  layer.window.S = 2;
  layer.window.dil_x = 0;
}

/// Splits the bias into bytes, too; its third byte is added above the second.
void begin_bytes(const Lowering& ctx, const Op& o, const Layer& layer, WeightBytes* bytes) {
  bytes->fill(layer);
  if (o.input(bias_of(o)) < 0) return;
  const std::vector<std::int64_t> bias = ctx.graph.in(o, bias_of(o)).integers();
  for (std::size_t m = 0; m < bias.size(); ++m) {
    (*bytes)[0].bias[m] = static_cast<std::int32_t>(bias[m] & 0xff);
    (*bytes)[1].bias[m] = static_cast<std::int32_t>(bias[m] >> 8);
    (*bytes)[2].bias[m] = 0;
  }
}

/// Folds the zero point and the low bytes' offset of a product, or of its bytes, once their weights
/// are set.
Layer with_sums_folded(Lowering& ctx, Layer layer, WeightBytes* bytes) {
  if (bytes != nullptr) {
    for (Layer& of : *bytes) {
      fold_zero_point(ctx, of);
      be_words(ctx, of);
    }
    return (*bytes)[0];
  }
  fold_zero_point(ctx, layer);
  if (ctx.shape(layer.input).wide) fold_low_bytes(ctx, layer);
  return layer;
}

/// Returns true if rows that are pixels of a map conflict in its banks so often, whatever the row
/// pitch, that moving each row into one pixel costs less.
bool rows_meet(const Lowering& ctx, const Shape& s, int K, int channels) {
  const auto [R, S] = *filter_of(s, K);
  const int P = s.H / R, Q = s.W / S, round = 2 * ctx.config.banks();
  if (P * Q == 1 || R * S == 1) return false;
  const int distinct = std::min(ctx.config.banks(), round / std::gcd(Q > 1 ? S : R, round));
  const int times = divide_up(std::min(P * Q, ctx.config.rows), distinct);
  constexpr int kCopy = 8;  // approximate cycles of a word
  return (times - 1) * divide_up(channels, ctx.config.cols) > kCopy;
}

void set_factors(Lowering& ctx, const Op& o, Layer& layer) {
  static_assert(spec::GroupRows::kShift == model::kGroupShift &&
                spec::GroupRows::kSumBits == model::kGroupSumBits);
  Conv& conv = layer.conv();
  conv.precision = isa::compute::Op::kInt8Groups;
  conv.group_steps = o.block / conv.step_codes;
  conv.factors = ctx.graph.in(o, 3).values<std::int16_t>();
  const auto codes = ctx.graph.in(o, 1).values<std::int8_t>();
  const std::size_t K = at(ctx.graph.in(o, 1).extent(1)), groups = at(ctx.graph.in(o, 3).extent(1));
  for (std::size_t m = 0; m < layer.bias.size(); ++m)
    layer.bias[m] =
        reference::wrap(std::int64_t{layer.bias[m]} +
                        reference::group_offset(std::span(codes).subspan(m * K, K),
                                                std::span(conv.factors).subspan(m * groups, groups),
                                                o.block, conv.zero_point));
}

}  // namespace

Problem weights_problem(const Lowering& ctx, const Op& o) {
  const int in = o.input(activations_of(o));
  const bool elsewhere = ctx.folded_pads.contains(in);
  const bool image = o.kind != OpKind::kFullyConnected;
  if (auto problem = elsewhere ? std::nullopt
                     : image   ? image_problem(ctx, o, in)
                               : map_problem(ctx, in))
    return problem;
  for (const int position : {1, bias_of(o)})
    if (o.input(position) >= 0 && !ctx.graph.in(o, position).is_constant)
      return refusal(ctx, o, o.input(position), Reason::kOperands,
                     " is computed, but the machine requires constant weights");
  if (ctx.graph.out(o).type != model::DataType::kInt32)
    if (auto problem = half_even_problem(ctx, o)) return problem;
  if (ctx.graph.out(o).type == model::DataType::kInt16 && !model::has_fixed_weights(ctx.graph, o))
    if (auto problem = wide_problem(ctx, o)) return problem;
  if (const int zero_point = ctx.graph.in(o, 1).zero_point(); zero_point != 0)
    return refusal(ctx, o, o.input(1), Reason::kQuantization,
                   " has zero point {}, allowed 0, because the machine multiplies codes",
                   zero_point);
  return std::nullopt;
}

void set_arithmetic(const Lowering& ctx, const Op& o, Layer& layer) {
  const int bias_position = bias_of(o);
  set_scales(ctx, o, layer);
  layer.conv().zero_point = ctx.graph.in(o, activations_of(o)).zero_point();
  layer.conv().outside = layer.conv().zero_point;
  set_precision(ctx, o, layer);
  layer.clear_weights();
  layer.bias.assign(at(layer.channels), 0);
  if (o.input(bias_position) >= 0) {
    const auto bias = ctx.graph.in(o, bias_position).integers();
    for (std::size_t m = 0; m < layer.bias.size(); ++m) layer.bias[m] = reference::wrap(bias[m]);
    if (has_long_sums(ctx, o)) layer.conv().long_bias = bias;
  }
  if (!has_long_sums(ctx, o)) return;
  layer.conv().long_bias.resize(layer.bias.size());
  layer.single = true;
  layer.per_tensor = false;
}

/// Folds the offset of low bytes into the bias: they are stored 128 less than their value. 40-bit
/// sums use a multiplier of 15 bits, with a shift of 15 instead of 31. The highest byte of the bias
/// is stored above the multiplier.
void fold_low_bytes(Lowering& ctx, Layer& layer) {
  std::vector<std::int64_t>& biases = layer.conv().long_bias;
  for (int m = 0; m < layer.channels; ++m) {
    const std::int64_t less = 128 * weight_sum(layer, m);
    if (biases.empty()) {
      layer.bias[at(m)] = reference::wrap(layer.bias[at(m)] + less);
      continue;
    }
    const auto first = layer.conv().weights.begin();
    std::int64_t most = std::abs(biases[at(m)]);
    for (auto w = first + layer.weight_at(m, 0); w != first + layer.weight_at(m + 1, 0); ++w)
      most += 32768 * std::abs(std::int64_t{*w});
    if (most >> (kLongSum - 1) != 0)
      note(ctx,
           model::refusal(Reason::kRange, "{}: the sums of channel {} may need more than {} bits",
                          layer.label, m, kLongSum));
    const std::int64_t bias = biases[at(m)] + less;
    ChannelScale& s = layer.scales[at(m)];
    const std::int32_t upper = reference::short_multiplier(s.multiplier);
    s = {upper | static_cast<std::int32_t>(bias >> 32 & 0xff) << 15, s.shift + 16};
    layer.bias[at(m)] = reference::wrap(bias);
  }
  biases.clear();
}

void fold_zero_point(const Lowering& ctx, Layer& layer) {
  cancel_beyond(layer);
  if (layer.conv().precision == isa::compute::Op::kBinary && layer.conv().outside == 0)
    layer.conv().precision = isa::compute::Op::kBinaryInside;
  const bool folds = layer.conv().zero_point != 0 && layer.conv().group_steps == 0;
  for (int m = 0; m < layer.channels && folds; ++m)
    layer.bias[at(m)] =
        reference::wrap(layer.bias[at(m)] - layer.conv().zero_point * weight_sum(layer, m));
  layer.pad_code = packed_byte(layer.conv().outside, ctx.shape(layer.input).per_word);
  set_sweeps(layer);
}

std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c) {
  const int step = (c / layer.conv().step_codes * layer.window.R + ky) * layer.window.S + kx;
  return layer.conv().weights.edit().begin()[layer.weight_at(m, step) +
                                             c % layer.conv().step_codes];
}

std::int8_t& tap_weight(Layer& layer, int m, int ky, int kx, int c) {
  if (layer.former.steps == 0)
    return weight(layer, m, ky, kx, c - layer.first_word(m) * layer.conv().step_codes);
  const TapPlace place = *place_of(layer.former, layer.window, kx);
  const int step = ky * layer.former.steps + place.step;
  return layer.conv().weights.edit().begin()[layer.weight_at(m, step) + place.lane];
}

void find_fused_thresholds(GraphFacts& facts) {
  for (const int i : facts.part.ops) {
    if (facts.op(i).kind != OpKind::kThreshold) continue;
    const int from = producer_of(facts, facts.op(i).input(0));
    if (from >= 0 && is_product(facts.op(from).kind) && facts.readers[facts.op(i).input(0)] == 1 &&
        facts.graph.in(facts.op(i), 0).type == model::DataType::kInt32)
      facts.threshold_of[from] = i;
  }
}

Layer product_layer(Lowering& ctx, const Op& o) {
  return o.kind == OpKind::kFullyConnected ? fully_connected(ctx, o) : convolution(ctx, o);
}

Problem threshold_problem(const Lowering& ctx, const Op& o) {
  if (ctx.threshold_of.contains(producer_of(ctx, o.input(0)))) return std::nullopt;
  return refusal(ctx, o, o.input(0), Reason::kOperator,
                 ": thresholds are supported only on sums of CONV_2D and FULLY_CONNECTED that no "
                 "other operator reads");
}

/// Does nothing: the product before has applied the thresholds.
void threshold(Lowering&, const Op&) {}

Problem product_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = weights_problem(ctx, o)) return problem;
  if (has_factors(o))
    if (auto problem = factors_problem(ctx, o)) return problem;
  if (model::svdf::has_wide_weights(o))
    if (auto problem = wide_weights_problem(ctx, o)) return problem;
  if (model::has_format_weights(ctx.graph, o))
    if (auto problem = split_problem(ctx, o)) return problem;
  if (model::has_fixed_weights(ctx.graph, o) || model::of_format(ctx.graph, o))
    if (auto problem = fixed_problem(ctx, o)) return problem;
  const auto threshold = ctx.threshold_of.find(ctx.index_of(o));
  if (threshold == ctx.threshold_of.end()) return result_problem(ctx, o);
  return first_of(thresholds_problem(ctx, ctx.op(threshold->second)),
                  result_problem(ctx, ctx.op(threshold->second)));
}

void product(Lowering& ctx, const Op& o) {
  if (model::svdf::has_wide_weights(o)) return wide_weights(ctx, o);
  if (model::has_fixed_weights(ctx.graph, o) || model::of_format(ctx.graph, o))
    return fixed_weights(ctx, o);
  Layer layer = product_layer(ctx, o);
  const auto threshold = ctx.threshold_of.find(ctx.index_of(o));
  if (threshold == ctx.threshold_of.end()) return add_layer(ctx, o, std::move(layer));
  const Op& t = ctx.op(threshold->second);
  set_thresholds(ctx, t, layer);
  layer.op += "+" + t.name;
  layer.name = ctx.graph.out(t).name;
  add_layer(ctx, t, std::move(layer));
}

Layer convolution(Lowering& ctx, const Op& o, WeightBytes* bytes) {
  std::optional<int> outside;
  const auto folded = ctx.folded_pads.find(o.input(0));
  int input = folded != ctx.folded_pads.end() ? folded->second.map : image(ctx, o, 0);
  const std::optional<WeightSplit> split = split_of(ctx, o);
  if (split) input = scaled_beside(ctx, o, input, split->bits);
  const int upper = split ? ctx.shape(input).C / 2 : 0;
  Layer layer = start(ctx, o, LayerKind::kConv, input);
  const Tensor& filter = ctx.graph.in(o, 1);
  set_window(ctx, o, layer, filter.extent(1), filter.extent(2));
  if (folded != ctx.folded_pads.end()) {
    layer.window.pad_top += folded->second.top;
    layer.window.pad_left += folded->second.left;
    outside = folded->second.code;
    layer.op = "PAD+" + layer.op;
  }
  const bool depthwise = o.kind == OpKind::kDepthwiseConv2D;
  const int groups = depthwise ? ctx.graph.in(o, 0).extent(3) : model::groups(ctx.graph, o);
  const int depth = depthwise ? 1 : filter.extent(3);
  const int per_group = (depthwise ? filter.extent(3) : filter.extent(0)) / groups;
  const Fold& fold = ctx.net.maps[at(layer.input)].fold;
  Shape in = ctx.shape(layer.input);
  in.wide |= is_wide(ctx, o) || bytes != nullptr;  // nor can the window former store int16
  if (fold.folded())
    set_folded(layer.window, fold);
  else
    set_groups(layer, in, groups, depth, per_group, ctx.config);
  if (o.kind == OpKind::kConv2D && reads_twice(ctx.graph, o) && !in.wide && !fold.folded() &&
      !spec::precision_of_codes(in.per_word).has_zero)
    read_twice(layer);
  set_arithmetic(ctx, o, layer);
  if (layer.conv().twice)
    for (std::int32_t& bias : layer.bias) bias = reference::wrap(2 * std::int64_t{bias});
  if (outside) layer.conv().outside = *outside;
  if (bytes != nullptr) begin_bytes(ctx, o, layer, bytes);
  const bool more = split || bytes != nullptr;
  const auto codes = more ? std::vector<std::int8_t>() : filter.values<std::int8_t>();
  const auto wide = more ? filter.integers() : std::vector<std::int64_t>();
  const auto code = [&](int m, int ky, int kx, int c) {
    const int tap = ky * filter.extent(2) + kx;
    const std::size_t place =
        depthwise ? at(tap) * at(layer.channels) + at(m)
                  : (at(m) * at(filter.extent(1) * filter.extent(2)) + at(tap)) * at(depth) + at(c);
    return more ? static_cast<int>(wide[place]) : int{codes[place]};
  };
  const int C = ctx.shape(layer.input).C / fold.size();  // of a folded map's tensor
  for (int m = 0; m < layer.channels; ++m)
    for (int ky = 0; ky < filter.extent(1); ++ky)
      for (int kx = 0; kx < filter.extent(2); ++kx)
        for (int c = 0; c < depth; ++c) {
          const int channel = m / per_group * depth + c;
          const int place = ky % fold.rows * fold.pixels + kx % fold.pixels;
          const auto tap = [&](Layer& of) -> std::int8_t& {
            return fold.folded()
                       ? weight(of, m, ky / fold.rows, kx / fold.pixels, place * C + channel)
                       : tap_weight(of, m, ky, kx, channel);
          };
          const int w = code(m, ky, kx, c);
          if (bytes != nullptr)
            for (int k = 0; k < 3; ++k) tap((*bytes)[at(k)]) = signed_byte(w, k);
          else
            tap(layer) = static_cast<std::int8_t>(split ? split->low(w) : w);
          if (layer.conv().twice) {  // 0 is the sum of 1 and -1
            tap(layer) = w < 0 ? -1 : 1;
            weight(layer, m, 0, 1, channel) = w > 0 ? 1 : -1;
          }
          if (split)
            tap_weight(layer, m, ky, kx, upper + channel) =
                static_cast<std::int8_t>(split->high(w));
        }
  return with_sums_folded(ctx, std::move(layer), bytes);
}

Layer fully_connected(Lowering& ctx, const Op& o, WeightBytes* bytes) {
  int input = map_of(ctx, o.input(0));
  const int K = ctx.graph.in(o, 1).extent(1), C = ctx.shape(input).C;
  if (K < C && C % K == 0 && K % 4 == 0 && ctx.shape(input).pixels() == 1)  // rows of channels
    input = add_part(ctx, input, {-1, 0, 0, 0, 1, 1, K / 4}, {K, 1, C / K});
  if (!filter_of(ctx.shape(input), K) || (has_factors(o) && ctx.shape(input).C != K) ||
      rows_meet(ctx, ctx.shape(input), K, ctx.graph.in(o, 1).extent(0))) {
    const auto elements = static_cast<int>(ctx.graph.in(o, 0).elements());
    input = in_order(ctx, o, {input, 0, {elements}, {1}}, {K, 1, elements / K}, false);
  }
  const Shape s = ctx.shape(input);
  const std::optional<WeightSplit> split = split_of(ctx, o);
  if (split) input = scaled_beside(ctx, o, input, split->bits);
  const int upper = ctx.shape(input).C / 2;
  Layer layer = start(ctx, o, LayerKind::kConv, input);
  Geometry& g = layer.window;
  std::tie(g.R, g.S) = *filter_of(s, K);
  g.P = s.H / g.R;
  g.Q = s.W / g.S;
  g.stride_y = g.P == 1 ? 1 : g.R;
  g.stride_x = g.Q == 1 ? 1 : g.S;
  set_arithmetic(ctx, o, layer);
  if (bytes != nullptr) begin_bytes(ctx, o, layer, bytes);
  const bool more = split || bytes != nullptr;
  const auto codes = more ? std::vector<std::int8_t>() : ctx.graph.in(o, 1).values<std::int8_t>();
  const auto wide = more ? ctx.graph.in(o, 1).integers() : std::vector<std::int64_t>();
  for (int m = 0; m < layer.channels; ++m)
    for (int ky = 0; ky < layer.window.R; ++ky)
      for (int kx = 0; kx < layer.window.S; ++kx) {
        const std::size_t from =
            (at(m * layer.window.R + ky) * at(layer.window.S) + at(kx)) * at(s.C);
        if (!more) set_weights(layer, m, ky, kx, std::span(codes).subspan(from, at(s.C)));
        for (int c = 0; more && c < s.C; ++c) {
          const auto w = static_cast<int>(wide[from + at(c)]);
          for (int k = 0; bytes != nullptr && k < 3; ++k)
            weight((*bytes)[at(k)], m, ky, kx, c) = signed_byte(w, k);
          if (bytes != nullptr) continue;
          weight(layer, m, ky, kx, c) = static_cast<std::int8_t>(split->low(w));
          weight(layer, m, ky, kx, upper + c) = static_cast<std::int8_t>(split->high(w));
        }
      }
  if (has_factors(o)) set_factors(ctx, o, layer);
  return with_sums_folded(ctx, std::move(layer), bytes);
}

}  // namespace trine::compiler
