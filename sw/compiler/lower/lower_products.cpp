// SPDX-License-Identifier: Apache-2.0

#include <numeric>
#include <span>
#include <tuple>

#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/lower/lowering.h"
#include "sw/compiler/network/former.h"
#include "sw/compiler/network/forms.h"
#include "sw/model/groups.h"
#include "sw/model/svdf.h"

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

}  // namespace

Problem Lowering::weights_problem(const Op& o) const {
  const int in = o.input(activations_of(o));
  const bool elsewhere = folded_pads_.contains(in);
  const bool image = o.kind != OpKind::kFullyConnected;
  if (auto problem = elsewhere ? std::nullopt : image ? image_problem(o, in) : map_problem(in))
    return problem;
  for (const int position : {1, bias_of(o)})
    if (o.input(position) >= 0 && !graph_.in(o, position).is_constant)
      return refusal(o, o.input(position), Reason::kOperands,
                     " is computed, but the machine requires constant weights");
  if (graph_.out(o).type != model::DataType::kInt32)
    if (auto problem = half_even_problem(o)) return problem;
  if (graph_.out(o).type == model::DataType::kInt16 && !model::has_fixed_weights(graph_, o))
    if (auto problem = wide_problem(o)) return problem;
  if (const int zero_point = graph_.in(o, 1).zero_point(); zero_point != 0)
    return refusal(o, o.input(1), Reason::kQuantization,
                   " has zero point {}, allowed 0, because the machine multiplies codes",
                   zero_point);
  return std::nullopt;
}

/// Refuses int16 codes that the machine does not support: 32-bit sums with one rounding unless
/// halves are rounded to even, and scales beyond the lane's shifts.
Problem Lowering::wide_problem(const Op& o) const {
  if (o.half_even) return half_even_sums_problem(o);
  const bool one_rounding = rounding_.of(o) != reference::Rounding::kDouble;
  if (one_rounding && (o.kind == OpKind::kFullyConnected || !has_long_sums(o)))
    return refusal(o, o.outputs[0], Reason::kRounding,
                   ": int16 codes with one rounding, as in LiteRT 1.3 and later, need scales of 31 "
                   "bits or double, but the machine's scales have 15 bits (--rounding double)");
  for (const ChannelScale& s : reference::conv_params(graph_, o).scales)
    if (has_long_sums(o) && s.shift > 14)
      return refusal(o, o.outputs[0], Reason::kRange, " has a scale of 2^{}, allowed up to 2^14",
                     s.shift);
  return std::nullopt;
}

/// Refuses sums that may exceed the 32 bits of the multiplier's input.
Problem Lowering::half_even_sums_problem(const Op& o) const {
  constexpr double kMost = 0x1p31 - 1;
  const std::vector<double> sums = largest_sums(graph_, o);
  const auto largest = std::ranges::max_element(sums);
  if (*largest <= kMost) return std::nullopt;
  return refusal(o, o.input(1), Reason::kRange,
                 ": the sums of channel {} reach {:.0f}, but int16 sums that round halves to even "
                 "have 32 bits: use smaller weights or fewer inputs per channel",
                 largest - sums.begin(), *largest);
}

/// Returns true if sums have 40 bits, which is the case without int32 biases.
bool Lowering::has_long_sums(const Op& o) const {
  const int bias = o.input(bias_of(o));
  return graph_.out(o).type == model::DataType::kInt16 && !o.half_even &&
         (bias < 0 || graph_.tensor(bias).type != model::DataType::kInt32);
}

void Lowering::set_arithmetic(const Op& o, Layer& layer) const {
  const int bias_position = bias_of(o);
  set_scales(o, layer);
  layer.conv().zero_point = graph_.in(o, activations_of(o)).zero_point();
  layer.conv().outside = layer.conv().zero_point;
  set_precision(o, layer);
  layer.clear_weights();
  layer.bias.assign(at(layer.channels), 0);
  if (o.input(bias_position) >= 0) {
    const auto bias = graph_.in(o, bias_position).integers();
    for (std::size_t m = 0; m < layer.bias.size(); ++m) layer.bias[m] = reference::wrap(bias[m]);
    if (has_long_sums(o)) layer.conv().long_bias = bias;
  }
  if (!has_long_sums(o)) return;
  layer.conv().long_bias.resize(layer.bias.size());
  layer.single = true;
  layer.per_tensor = false;
}

void Lowering::set_scales(const Op& o, Layer& layer) const {
  if (graph_.out(o).type == model::DataType::kInt32) {
    layer.result = Output::kRaw;
    return set_scale(layer, graph_.out(o).extent(-1), kOne);  // depthwise filters: the last axis
  }
  layer.half_even = needs_half_even(o);
  const reference::ConvParams p = reference::conv_params(graph_, o);
  layer.scales = p.scales;
  layer.channels = static_cast<int>(p.scales.size());
  layer.per_tensor =
      std::ranges::all_of(p.scales, [&](const ChannelScale& s) { return s == p.scales[0]; });
  layer.range = p.output;
}

void Lowering::set_precision(const Op& o, Layer& layer) const {
  const Shape& in = shape(layer.input);
  const spec::Precision& activations = spec::precision_of_codes(in.per_word);
  layer.conv().step_codes = in.per_word;
  if (in.wide) {
    layer.conv().precision = isa::compute::Op::kInt16;
    return;
  }
  const bool former = layer.former.steps > 0;  // reads whole int8 codes
  const bool widens = graph_.out(o).type == model::DataType::kInt16;
  const spec::Precision& weights =
      former || widens ? spec::kInt8 : weight_precision(o, activations);
  layer.conv().precision = widens                         ? isa::compute::Op::kInt8Int16
                           : &activations == &spec::kInt8 ? weights.int8_product
                                                          : weights.product;
  layer.conv().steps_per_row = activations.bits / weights.bits;
  if (former) layer.conv().steps_per_row = config_.window_steps_per_row();
}

std::int64_t Lowering::weight_sum(const Layer& layer, int m) {
  const auto first = layer.conv().weights.begin();
  return std::accumulate(first + layer.weight_at(m, 0), first + layer.weight_at(m + 1, 0),
                         std::int64_t{0});
}

/// Folds the offset of low bytes into the bias: they are stored 128 less than their value. 40-bit
/// sums use a multiplier of 15 bits, with a shift of 15 instead of 31. The highest byte of the bias
/// is stored above the multiplier.
void Lowering::fold_low_bytes(Layer& layer) {
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
      note(model::refusal(Reason::kRange, "{}: the sums of channel {} may need more than {} bits",
                          layer.label, m, kLongSum));
    const std::int64_t bias = biases[at(m)] + less;
    ChannelScale& s = layer.scales[at(m)];
    const std::int32_t upper = reference::short_multiplier(s.multiplier);
    s = {upper | static_cast<std::int32_t>(bias >> 32 & 0xff) << 15, s.shift + 16};
    layer.bias[at(m)] = reference::wrap(bias);
  }
  biases.clear();
}

/// Sets the weights after the last channel to -1 and +1 in turn. Bits there are 0 in maps and in
/// masked taps, which is the code -1, so the products of a tap cancel. If one is left over, its
/// product is subtracted from the bias.
void Lowering::cancel_beyond(Layer& layer) {
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

void Lowering::fold_zero_point(Layer& layer) const {
  cancel_beyond(layer);
  if (layer.conv().precision == isa::compute::Op::kBinary && layer.conv().outside == 0)
    layer.conv().precision = isa::compute::Op::kBinaryInside;
  const bool folds = layer.conv().zero_point != 0 && layer.conv().group_steps == 0;
  for (int m = 0; m < layer.channels && folds; ++m)
    layer.bias[at(m)] =
        reference::wrap(layer.bias[at(m)] - layer.conv().zero_point * weight_sum(layer, m));
  layer.pad_code = packed_byte(layer.conv().outside, shape(layer.input).per_word);
  set_sweeps(layer);
}

std::int8_t& Maps::weight(Layer& layer, int m, int ky, int kx, int c) {
  const int step = (c / layer.conv().step_codes * layer.window.R + ky) * layer.window.S + kx;
  return layer.conv().weights.edit().begin()[layer.weight_at(m, step) +
                                             c % layer.conv().step_codes];
}

void Maps::set_weights(Layer& layer, int m, int ky, int kx, std::span<const std::int8_t> channels) {
  const std::size_t codes = at(layer.conv().step_codes);
  std::vector<std::int8_t>& weights = layer.conv().weights.edit();
  for (int step = ky * layer.window.S + kx; !channels.empty();
       step += layer.window.R * layer.window.S) {
    const std::size_t count = std::min(codes, channels.size());
    std::copy_n(channels.begin(), count, weights.begin() + layer.weight_at(m, step));
    channels = channels.subspan(count);
  }
}

std::int8_t& Lowering::tap_weight(Layer& layer, int m, int ky, int kx, int c) {
  if (layer.former.steps == 0)
    return weight(layer, m, ky, kx, c - layer.first_word(m) * layer.conv().step_codes);
  const TapPlace place = *place_of(layer.former, layer.window, kx);
  const int step = ky * layer.former.steps + place.step;
  return layer.conv().weights.edit().begin()[layer.weight_at(m, step) + place.lane];
}

void GraphFacts::find_fused_thresholds() {
  for (const int i : machine_) {
    if (op(i).kind != OpKind::kThreshold) continue;
    const int from = producer_of(op(i).input(0));
    if (from >= 0 && is_product(op(from).kind) && readers_[op(i).input(0)] == 1 &&
        graph_.in(op(i), 0).type == model::DataType::kInt32)
      threshold_of_[from] = i;
  }
}

Layer Lowering::product_layer(const Op& o) {
  return o.kind == OpKind::kFullyConnected ? fully_connected(o) : convolution(o);
}

Problem Lowering::threshold_problem(const Op& o) const {
  if (threshold_of_.contains(producer_of(o.input(0)))) return std::nullopt;
  return refusal(o, o.input(0), Reason::kOperator,
                 ": thresholds are supported only on sums of CONV_2D and FULLY_CONNECTED that no "
                 "other operator reads");
}

/// Does nothing: the product before has applied the thresholds.
void Lowering::threshold(const Op&) {}

/// Refuses weights in groups that the machine does not support.
Problem Lowering::factors_problem(const Op& o) const {
  const int K = graph_.in(o, 1).extent(1);
  const std::int64_t steps = o.block / spec::kInt8.codes_per_word();
  if (!config_.groups)
    return refusal(o, o.input(1), Reason::kConfiguration,
                   " has a scale for each {} input channels, which requires array.groups", o.block);
  if (o.block != 32 && o.block != 64 && o.block != 128)
    return refusal(o, o.input(1), Reason::kShape,
                   " has a scale for each {} input channels, allowed 32, 64 and 128", o.block);
  if (K % o.block != 0)
    return refusal(o, o.input(1), Reason::kShape, " has {} input channels, allowed multiples of {}",
                   K, o.block);
  if (graph_.in(o, 1).encoding != model::Encoding::kInt4)
    return refusal(
        o, o.input(1), Reason::kRange,
        " has weights outside -8..7 in groups of {} input channels (uint4 with zero point 0, "
        "or rows in parts)",
        o.block);
  if (spec::GroupRows{steps}.rows(K / o.block) > config_.pmem_rows())
    return refusal(
        o, o.input(1), Reason::kMemory,
        ": the weights of {} input channels for a group of columns do not fit memory.pmem_kib", K);
  return std::nullopt;
}

Problem Lowering::product_problem(const Op& o) const {
  if (auto problem = weights_problem(o)) return problem;
  if (has_factors(o))
    if (auto problem = factors_problem(o)) return problem;
  if (model::svdf::has_wide_weights(o))
    if (auto problem = wide_weights_problem(o)) return problem;
  if (model::has_format_weights(graph_, o))
    if (auto problem = split_problem(o)) return problem;
  if (model::has_fixed_weights(graph_, o) || model::of_format(graph_, o))
    if (auto problem = fixed_problem(o)) return problem;
  const auto threshold = threshold_of_.find(index_of(o));
  if (threshold == threshold_of_.end()) return result_problem(o);
  return first_of(thresholds_problem(op(threshold->second)), result_problem(op(threshold->second)));
}

void Lowering::product(const Op& o) {
  if (model::svdf::has_wide_weights(o)) return wide_weights(o);
  if (model::has_fixed_weights(graph_, o) || model::of_format(graph_, o)) return fixed_weights(o);
  Layer layer = product_layer(o);
  const auto threshold = threshold_of_.find(index_of(o));
  if (threshold == threshold_of_.end()) return add_layer(o, std::move(layer));
  const Op& t = op(threshold->second);
  set_thresholds(t, layer);
  layer.op += "+" + t.name;
  layer.name = graph_.out(t).name;
  add_layer(t, std::move(layer));
}

Problem GraphFacts::thresholds_problem(const Op& t) const {
  if (!config_.has_thresholds()) {
    std::string packed;
    for (const spec::Precision& p : spec::kPrecisions)
      if (p.bits < 8) packed += fmt::format("{}\"{}\"", packed.empty() ? "" : " and ", p.name);
    return refusal(t, t.input(1), Reason::kConfiguration,
                   " contains thresholds, but array.precisions lacks {}", packed);
  }
  const int K = graph_.in(t, 1).extent(1);
  const bool bit = makes_bits(t);
  if (t.step < 1 || K * (bit ? 1 : t.step) > kMostThresholds || (bit && K != 1))
    return refusal(t, t.input(1), Reason::kAttribute,
                   " has {} thresholds of step {}, allowed 1..{} with a positive step", K, t.step,
                   kMostThresholds);
  return std::nullopt;
}

bool GraphFacts::makes_bits(const Op& t) const {
  return spec::precision_of_codes(packing_of(t.outputs[0])).bits == 1;
}

void Lowering::set_thresholds(const Op& t, Layer& layer) const {
  const Tensor& table = graph_.in(t, 1);
  const auto values = table.integers();
  const int K = table.extent(1);
  const bool bit = makes_bits(t);
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

int Lowering::Split::high(int w) const {
  const int half = bits == 0 ? 0 : 1 << (bits - 1);
  return std::clamp((w + half) >> bits, -128, 127);
}

std::optional<Lowering::Split> Lowering::Split::of(std::span<const std::int16_t> weights) {
  for (Split split; split.bits <= 8; ++split.bits)
    if (std::ranges::all_of(weights,
                            [&](int w) { return split.low(w) >= -128 && split.low(w) <= 127; }))
      return split;
  return std::nullopt;
}

std::optional<Lowering::Split> Lowering::split_of(const Op& o) const {
  if (!model::has_format_weights(graph_, o)) return std::nullopt;
  return Split::of(graph_.in(o, 1).values<std::int16_t>());
}

Problem Lowering::split_problem(const Op& o) const {
  if (!config_.vector)
    return refusal(o, o.input(1), Reason::kConfiguration,
                   " has weights of more than 8 bits, which require vector.enable");
  if (o.kind == OpKind::kConv2D && model::groups(graph_, o) != 1)
    return refusal(o, o.input(1), Reason::kShape,
                   " has weights of more than 8 bits in {} groups, allowed 1",
                   model::groups(graph_, o));
  const std::optional<Split> split = split_of(o);
  const auto [low, high] = input_codes(graph_, o);
  if (split && std::max(-low, high) << split->bits <= INT16_MAX) return std::nullopt;
  return refusal(o, o.input(1), Reason::kRange,
                 " has weights of more than 8 bits with activations of {}..{}, which times 2^{} "
                 "exceed 16 bits: use smaller activations or int8 weights",
                 low, high, split ? split->bits : 9);
}

int Lowering::scaled_beside(const Op& o, int from, int bits) {
  const Shape s = shape(from);
  const int half = spec::kInt8.codes_per_word() * s.channel_words();
  const int both = add_map(o.input(0), {2 * half, s.H, s.W});
  for (const bool upper : {false, true}) {
    Layer layer = copy(o, from);
    layer.macs = 0;
    if (upper) layer.pool().regions[0].scale.shift += bits;
    add_layer_to(add_part(both, {-1, upper ? half : 0}, {s.C, s.H, s.W}), std::move(layer));
  }
  return both;
}

void Lowering::read_twice(Layer& layer) {
  layer.conv().twice = true;
  layer.window.S = 2;
  layer.window.dil_x = 0;
}

/// Splits the bias into bytes, too; its third byte is added above the second.
void Lowering::begin_bytes(const Op& o, const Layer& layer, Bytes* bytes) const {
  bytes->fill(layer);
  if (o.input(bias_of(o)) < 0) return;
  const std::vector<std::int64_t> bias = graph_.in(o, bias_of(o)).integers();
  for (std::size_t m = 0; m < bias.size(); ++m) {
    (*bytes)[0].bias[m] = static_cast<std::int32_t>(bias[m] & 0xff);
    (*bytes)[1].bias[m] = static_cast<std::int32_t>(bias[m] >> 8);
    (*bytes)[2].bias[m] = 0;
  }
}

Layer Lowering::convolution(const Op& o, Bytes* bytes) {
  std::optional<int> outside;
  const auto folded = folded_pads_.find(o.input(0));
  int input = folded != folded_pads_.end() ? folded->second.map : image(o, 0);
  const std::optional<Split> split = split_of(o);
  if (split) input = scaled_beside(o, input, split->bits);
  const int upper = split ? shape(input).C / 2 : 0;
  Layer layer = start(o, LayerKind::kConv, input);
  const Tensor& filter = graph_.in(o, 1);
  set_window(o, layer, filter.extent(1), filter.extent(2));
  if (folded != folded_pads_.end()) {
    layer.window.pad_top += folded->second.top;
    layer.window.pad_left += folded->second.left;
    outside = folded->second.code;
    layer.op = "PAD+" + layer.op;
  }
  const bool depthwise = o.kind == OpKind::kDepthwiseConv2D;
  const int groups = depthwise ? graph_.in(o, 0).extent(3) : model::groups(graph_, o);
  const int depth = depthwise ? 1 : filter.extent(3);
  const int per_group = (depthwise ? filter.extent(3) : filter.extent(0)) / groups;
  const Fold& fold = net_.maps[at(layer.input)].fold;
  Shape in = shape(layer.input);
  in.wide |= is_wide(o) || bytes != nullptr;  // nor can the window former store int16
  if (fold.folded())
    set_folded(layer.window, fold);
  else
    set_groups(layer, in, groups, depth, per_group, config_);
  if (o.kind == OpKind::kConv2D && reads_twice(graph_, o) && !in.wide && !fold.folded() &&
      !spec::precision_of_codes(in.per_word).has_zero)
    read_twice(layer);
  set_arithmetic(o, layer);
  if (layer.conv().twice)
    for (std::int32_t& bias : layer.bias) bias = reference::wrap(2 * std::int64_t{bias});
  if (outside) layer.conv().outside = *outside;
  if (bytes != nullptr) begin_bytes(o, layer, bytes);
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
  const int C = shape(layer.input).C / fold.size();  // of a folded map's tensor
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
  return with_sums_folded(std::move(layer), bytes);
}

/// Folds the zero point and the low bytes' offset of a product, or of its bytes, once their weights
/// are set.
Layer Lowering::with_sums_folded(Layer layer, Bytes* bytes) {
  if (bytes != nullptr) {
    for (Layer& of : *bytes) {
      fold_zero_point(of);
      be_words(of);
    }
    return (*bytes)[0];
  }
  fold_zero_point(layer);
  if (shape(layer.input).wide) fold_low_bytes(layer);
  return layer;
}

/// Returns true if rows that are pixels of a map conflict in its banks so often, whatever the row
/// pitch, that moving each row into one pixel costs less.
bool Lowering::rows_meet(const Shape& s, int K, int channels) const {
  const auto [R, S] = *filter_of(s, K);
  const int P = s.H / R, Q = s.W / S, round = 2 * config_.banks();
  if (P * Q == 1 || R * S == 1) return false;
  const int distinct = std::min(config_.banks(), round / std::gcd(Q > 1 ? S : R, round));
  const int times = divide_up(std::min(P * Q, config_.rows), distinct);
  constexpr int kCopy = 8;  // approximate cycles of a word
  return (times - 1) * divide_up(channels, config_.cols) > kCopy;
}

Layer Lowering::fully_connected(const Op& o, Bytes* bytes) {
  int input = map_of(o.input(0));
  const int K = graph_.in(o, 1).extent(1), C = shape(input).C;
  if (K < C && C % K == 0 && K % 4 == 0 && shape(input).pixels() == 1)  // rows of channels
    input = add_part(input, {-1, 0, 0, 0, 1, 1, K / 4}, {K, 1, C / K});
  if (!filter_of(shape(input), K) || (has_factors(o) && shape(input).C != K) ||
      rows_meet(shape(input), K, graph_.in(o, 1).extent(0))) {
    const auto elements = static_cast<int>(graph_.in(o, 0).elements());
    input = in_order(o, {input, 0, {elements}, {1}}, {K, 1, elements / K}, false);
  }
  const Shape s = shape(input);
  const std::optional<Split> split = split_of(o);
  if (split) input = scaled_beside(o, input, split->bits);
  const int upper = shape(input).C / 2;
  Layer layer = start(o, LayerKind::kConv, input);
  Geometry& g = layer.window;
  std::tie(g.R, g.S) = *filter_of(s, K);
  g.P = s.H / g.R;
  g.Q = s.W / g.S;
  g.stride_y = g.P == 1 ? 1 : g.R;
  g.stride_x = g.Q == 1 ? 1 : g.S;
  set_arithmetic(o, layer);
  if (bytes != nullptr) begin_bytes(o, layer, bytes);
  const bool more = split || bytes != nullptr;
  const auto codes = more ? std::vector<std::int8_t>() : graph_.in(o, 1).values<std::int8_t>();
  const auto wide = more ? graph_.in(o, 1).integers() : std::vector<std::int64_t>();
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
  if (has_factors(o)) set_factors(o, layer);
  return with_sums_folded(std::move(layer), bytes);
}

void Lowering::set_factors(const Op& o, Layer& layer) {
  static_assert(spec::GroupRows::kShift == model::kGroupShift &&
                spec::GroupRows::kSumBits == model::kGroupSumBits);
  Conv& conv = layer.conv();
  conv.precision = isa::compute::Op::kInt8Groups;
  conv.group_steps = o.block / conv.step_codes;
  conv.factors = graph_.in(o, 3).values<std::int16_t>();
  const auto codes = graph_.in(o, 1).values<std::int8_t>();
  const std::size_t K = at(graph_.in(o, 1).extent(1)), groups = at(graph_.in(o, 3).extent(1));
  for (std::size_t m = 0; m < layer.bias.size(); ++m)
    layer.bias[m] =
        reference::wrap(std::int64_t{layer.bias[m]} +
                        reference::group_offset(std::span(codes).subspan(m * K, K),
                                                std::span(conv.factors).subspan(m * groups, groups),
                                                o.block, conv.zero_point));
}

}  // namespace trine::compiler
