// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_words.h"

#include <algorithm>
#include <numeric>

#include "sw/base/division.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_values.h"
#include "sw/compiler/lower/maps.h"
#include "sw/compiler/network/forms.h"

namespace trine::compiler {
namespace {

constexpr int kLow = 128;  ///< the array's offset of low bytes

}  // namespace

/// Refuses conversions between int16 and int32 codes that the machine does not support.
Problem word_problem(const Lowering& ctx, const Op& o) {
  constexpr int kMostShift = 15, kMostChannels = 256;
  const bool from = ctx.graph.in(o, 0).type == model::DataType::kInt32;
  const reference::RequantizeParams p = reference::requantize_params(ctx.graph, o);
  if (!ctx.config.vector || (!from && !ctx.config.zero_points()))
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   ": int32 values require vector.enable{}", from ? "" : " and matmul.enable");
  if (from && ctx.rounding.of(o) != reference::Rounding::kDouble)
    return refusal(ctx, o, o.outputs[0], Reason::kRounding,
                   ": int32 values with one rounding, allowed two roundings (--rounding double)");
  if (!from && ctx.graph.out(o).extent(-1) > kMostChannels)
    return refusal(ctx, o, o.outputs[0], Reason::kShape,
                   " has {} channels, allowed in int32: 1..{}", ctx.graph.out(o).extent(-1),
                   kMostChannels);
  return first_of(scale_problem(ctx, o, p.scale, from ? 32 : 32 - kMostShift),
                  map_problem(ctx, o.input(0)), result_problem(ctx, o));
}

void codes_of_words(Lowering& ctx, const Op& o) {
  Layer layer = start(ctx, o, LayerKind::kWords, map_of(ctx, o.input(0)));
  const reference::RequantizeParams p = reference::requantize_params(ctx.graph, o);
  layer.wide = true;
  layer.range = p.output;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, 0}};
  add_layer(ctx, o, std::move(layer));
}

/// Computes x q / 2^(31 - shift) for int16 codes x, rounded. It is the sum of x times a whole
/// number, split into weights of as many taps at one place as needed, and a rounded rest of 16
/// bits.
void words_of_codes(Lowering& ctx, const Op& o) {
  constexpr int kMostWeight = 127;
  const int from = map_of(ctx, o.input(0));
  const Shape s = ctx.shape(from);
  const ChannelScale scale = reference::requantize_params(ctx.graph, o).scale;
  const int bits = 31 - std::max(scale.shift, 0);
  const int whole = scale.shift < 0 ? 0 : scale.multiplier >> bits;
  const ChannelScale rest{scale.multiplier - (whole << bits), scale.shift};
  // Four channels of codes, then the rests of these, and so on.
  const int group = whole > 0 && rest.multiplier > 0 ? 8 : 4;
  const int both = add_map(ctx, o.input(0), {divide_up(s.C, 4) * group, s.H, s.W});
  for (int c = 0; c < s.C; c += 4) {
    const int count = std::min(4, s.C - c);
    const auto add = [&](const ChannelScale& by, bool single, int channel) {
      Layer layer = copy(ctx, o, channels_of(ctx, from, c, count));
      layer.single = single;
      layer.pool().regions[0].scale = by;
      add_layer_to(ctx, add_part(ctx, both, {-1, channel}, {count, s.H, s.W}), std::move(layer));
    };
    if (whole > 0) add(kOne, true, c / 4 * group);
    if (rest.multiplier > 0)
      add(rest, scale.shift >= 0 || ctx.rounding.of(o) != reference::Rounding::kDouble,
          c / 4 * group + group - 4);
  }
  Layer layer = start(ctx, o, LayerKind::kConv, both);
  layer.macs = 0;
  layer.words = group / 4;
  layer.group_channels = s.C > 4 ? 4 : 0;
  layer.window.S = std::max(1, divide_up(whole, kMostWeight));
  layer.window.dil_x = 0;
  layer.conv().precision = isa::compute::Op::kMatmul16;
  layer.conv().zero_point = -128;
  layer.result = Output::kRaw;
  set_scale(layer, s.C, kOne);
  layer.clear_weights();
  for (int m = 0; m < s.C; ++m) {
    for (int kx = 0, left = whole; left > 0; left -= kMostWeight, ++kx)
      weight(layer, m, 0, kx, m % 4) = static_cast<std::int8_t>(std::min(left, kMostWeight));
    if (rest.multiplier > 0) weight(layer, m, 0, 0, group - 4 + m % 4) = 1;
  }
  set_sweeps(layer);
  add_layer(ctx, o, std::move(layer));
}

/// Returns the high or the low bytes of int16 codes as an int8 map.
int byte_plane(Lowering& ctx, const Op& o, int map, bool low) {
  const int plane = add_map(ctx, ctx.net.maps[at(map)].tensor, ctx.shape(map));
  ctx.net.maps[at(plane)].shape.wide = false;
  Layer layer = copy(ctx, o, map);
  layer.macs = 0;
  if (!low) {  // (x - 128 + 128) >> 8, rounded
    layer.pool().regions[0].scale = {1 << 30, -7};
    layer.pool().regions[0].bias = -128;
    layer.range = {0, -128, 127};
  }
  add_layer_to(ctx, plane, std::move(layer));
  return plane;
}

/// Returns the layer that computes the codes of an int16 by int16 product. `products` are the
/// products with the high and with the low bytes of the second operand: a (256 h + l) is 256 a h +
/// a l, each a word, in neighbouring columns. With `long_sums` the sums have 40 bits, else 32 as
/// the biases do.
Layer wide_sums(Lowering& ctx, const Op& o, std::array<Layer, 2> products, bool long_sums) {
  const Geometry& g = products[0].window;
  const int P = g.P, Q = g.Q, channels = products[0].channels;
  // The offsets of both operands' low bytes: 128 * 128 for each code.
  const std::int32_t both = 4 * products[0].steps() * kLow * kLow;
  const int sums = add_map(ctx, o.outputs[0], {channels, P, 2 * Q});
  ctx.net.maps[at(sums)].shape.wide = false;
  ctx.net.maps[at(sums)].shape.per_word = 1;
  for (const bool low : {false, true}) {
    Layer& layer = products[low ? 1 : 0];
    layer.conv().precision = isa::compute::Op::kMatmul16;
    layer.conv().zero_point = -kLow;
    layer.conv().weights_zero = low ? -kLow : 0;
    layer.result = Output::kRaw;
    layer.single = layer.half_even = false;
    if (low) layer.macs = 0;
    set_scale(layer, channels, kOne);
    add_layer_to(ctx, add_part(ctx, sums, {-1, 0, 0, low ? 1 : 0, 1, 2}, {channels, P, Q}),
                 std::move(layer));
  }
  const reference::ConvParams p = reference::conv_params(ctx.graph, o);
  Layer layer = start(ctx, o, LayerKind::kWords, sums);
  layer.macs = 0;
  layer.window.Q = Q;
  layer.window.S = layer.window.stride_x = 2;
  layer.wide = layer.pool().joins = true;
  layer.single = long_sums;
  layer.range = p.output;
  ChannelScale scale = p.scales[0];
  if (long_sums) scale = {reference::short_multiplier(scale.multiplier), scale.shift + 16};
  layer.pool().regions = {{{0, P, 0, Q}, scale, both}};
  return layer;
}

Problem wide_weights_problem(const Lowering& ctx, const Op& o) {
  if (!ctx.config.vector || !ctx.config.zero_points())
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   ": int16 weights require vector.enable and matmul.enable");
  return scale_problem(ctx, o, reference::conv_params(ctx.graph, o).scales.at(0), 32);
}

/// Lowers SVDF's weights in time. Sums have 32 bits and wrap, as the kernel's do.
void wide_weights(Lowering& ctx, const Op& o) {
  const Tensor& filter = ctx.graph.in(o, 1);
  const int depth = filter.extent(3), units = filter.extent(0), S = filter.extent(2);
  const auto codes = filter.values<std::int16_t>();
  Layer layer = start(ctx, o, LayerKind::kConv, image(ctx, o, 0));
  set_window(ctx, o, layer, 1, S);
  set_groups(layer, ctx.shape(layer.input), units, depth, 1, ctx.config);
  layer.channels = units;
  const auto product = [&](bool low) {
    Layer of = layer;
    of.clear_weights();
    // The array reads every low byte, including zeros, with an offset of -128.
    if (low) of.conv().weights.edit().assign(of.conv().weights.size(), -kLow);
    for (int m = 0; m < units; ++m)
      for (int kx = 0; kx < S; ++kx)
        for (int c = 0; c < depth; ++c) {
          const int code = codes[at((m * S + kx) * depth + c)];
          tap_weight(of, m, 0, kx, m * depth + c) =
              static_cast<std::int8_t>(low ? (code & 0xff) - kLow : code >> 8);
        }
    set_sweeps(of);
    return of;
  };
  Layer sums = wide_sums(ctx, o, {product(false), product(true)}, false);
  const SumRegion region = sums.pool().regions[0];
  sums.pool().regions.clear();
  for (const std::int64_t bias : ctx.graph.in(o, 2).integers())
    sums.pool().regions.push_back({region.rect, region.scale, reference::wrap(bias + region.bias)});
  be_one(sums.pool().regions);
  add_layer(ctx, o, std::move(sums));
}

}  // namespace trine::compiler
