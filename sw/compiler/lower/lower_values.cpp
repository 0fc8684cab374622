// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_values.h"

#include <algorithm>
#include <numeric>

#include "sw/base/division.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/maps.h"
#include "sw/compiler/network/forms.h"
#include "sw/model/graph/shapes.h"

namespace trine::compiler {
namespace {

constexpr int kBytesOfValue = 3;
constexpr int kLowByte = 128;       ///< the array's offset of low bytes
constexpr int kParts = 4;           ///< parts of DMEM; words use one
constexpr int kMostTaps = 1 << 16;  ///< a word holds the sum of their byte products
constexpr int kBiasBits = 24;       ///< bits of the bias in the first of five words

/// Returns the number of map rows that hold the words of one output row. Each row has two words per
/// pixel: second and first words; then third words and gaps, or third and fourth words, and fifth
/// words in another row.
int rows_of_words(std::size_t words) { return words == 5 ? 3 : 2; }

/// Returns the part that holds the words of weight 256^k.
Part place_of_words(int k, int rows) {
  constexpr int kRow[] = {0, 0, 1, 2, 2}, kColumn[] = {1, 0, 0, 0, 1};
  return {-1, 0, kRow[k], kColumn[k], rows, 2};
}

}  // namespace

std::int8_t signed_byte(std::int64_t value, int k) {
  for (; k > 0; --k) value = (value - static_cast<std::int8_t>(value)) >> 8;
  return static_cast<std::int8_t>(value);
}

void be_one(std::vector<SumRegion>& regions) {
  const auto as_first = [&](const SumRegion& r) {
    return r.scale == regions[0].scale && r.bias == regions[0].bias;
  };
  if (std::ranges::all_of(regions, as_first)) regions.resize(1);
}

// ---- sums that become codes ---------------------------------------------------------------------

namespace {

/// The sums that become words, three or five: word k has weight 256^k.
using WordSums = std::vector<Layer>;

/// A block of output rows and channels whose words are in DMEM together.
struct WordBlock {
  int first = 0, channels = 0, row = 0, rows = 0;
};

/// The parameters by which words are joined to codes.
struct WordJoint {
  std::vector<ChannelScale> scales;  ///< one, or one for each channel
  reference::OutputRange output;
  std::vector<std::int64_t> bias;  ///< added to the sum in addition to the words
};

/// Returns the blocks of sums that are in DMEM at a time. A block has whole columns of the array,
/// and fewer rows if all rows are too many, so that two blocks fit next to the input map and the
/// codes.
std::vector<WordBlock> blocks_of(const Lowering& ctx, const Layer& layer, int rows_of_words) {
  const int M = layer.channels, P = layer.window.P, Q = layer.window.Q;
  const int all = divide_up(M, 4) * 4, columns = std::min(std::lcm(4, ctx.config.cols), all);
  const int whole = ctx.net.whole_of(layer.input), of_row = 2 * rows_of_words * Q;  // of a channel
  const auto words_of = [&](const Shape& s) {
    return std::int64_t{s.pixels()} * s.pixel_words() * s.channel_words();
  };
  const std::int64_t part = ctx.config.dmem_words() / kParts;
  const std::int64_t room =
      (ctx.config.dmem_words() - words_of(ctx.shape(whole)) - words_of({M, P, Q})) / 2 * 7 / 8;
  const bool beside = room >= std::int64_t{of_row} * columns;
  const auto most = static_cast<int>((beside ? std::min(room, part) : part) / of_row);
  const int parts = divide_up(P, std::clamp(most / columns, 1, P)), rows = divide_up(P, parts);
  const int step = most < columns * rows ? 4 : columns;
  const int channels = std::clamp(most / rows / step * step, 4, all);
  std::vector<WordBlock> blocks;
  for (int first = 0; first < M; first += channels)
    for (int row = 0; row < P; row += rows)
      blocks.push_back({first, std::min(channels, M - first), row, std::min(rows, P - row)});
  return blocks;
}

/// Computes a block's words.
int words_of_sums(Lowering& ctx, const Op& o, const WordSums& sums, const WordBlock& block) {
  const int Q = sums[0].window.Q, rows = rows_of_words(sums.size());
  const int words = add_map(ctx, o.outputs[0], {block.channels, rows * block.rows, 2 * Q});
  ctx.net.maps[at(words)].shape.wide = false;
  ctx.net.maps[at(words)].shape.per_word = 1;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const Layer& all = sums[k];
    Layer layer = all;
    layer.channels = block.channels;
    const auto weights = all.conv().weights.begin();
    layer.conv().weights = std::vector(weights + all.weight_at(block.first, 0),
                                       weights + all.weight_at(block.first + block.channels, 0));
    const auto bias = all.bias.begin() + block.first;
    layer.bias.assign(bias, bias + block.channels);
    layer.scales.resize(std::min(all.scales.size(), at(block.channels)));
    if (all.group_channels > 0) {  // groups of one channel word
      layer.input = channels_of(ctx, all.input, block.first, block.channels);
      layer.group_channels = block.channels > 4 ? 4 : 0;
    }
    layer.window.P = block.rows;
    layer.window.pad_top -= block.row * layer.window.stride_y;
    layer.macs = all.macs * block.channels / all.channels * block.rows / all.window.P;
    set_sweeps(layer);
    add_layer_to(ctx,
                 add_part(ctx, words, place_of_words(static_cast<int>(k), rows),
                          {block.channels, block.rows, Q}),
                 std::move(layer));
  }
  return words;
}

/// Joins a block's words to codes.
void join_block(Lowering& ctx, const Op& o, int words, const WordJoint& joint,
                const WordBlock& block, int codes) {
  const int Q = ctx.shape(words).W / 2, P = block.rows, rows = ctx.shape(words).H / P;
  Layer layer = start(ctx, o, LayerKind::kWords, words);
  layer.macs = 0;
  layer.window = {.H = rows * P,
                  .W = 2 * Q,
                  .P = P,
                  .Q = Q,
                  .R = rows,
                  .S = 2,
                  .stride_y = rows,
                  .stride_x = 2};
  layer.wide = layer.pool().joins = layer.single = true;
  layer.half_even = joint.output.format == spec::Format::kNone;
  layer.range = joint.output;
  layer.pool().regions.clear();
  for (int m = block.first; m < block.first + block.channels; ++m) {
    const ChannelScale& s = joint.scales[joint.scales.size() == 1 ? 0 : at(m)];
    const std::int64_t added = joint.bias.empty() ? 0 : joint.bias[at(m)];
    const auto above = static_cast<std::int32_t>(added >> 32 & 0xff) << 15;
    layer.pool().regions.push_back(
        {{0, P, 0, Q}, {s.multiplier >> 16 | above, s.shift + 16}, reference::wrap(added)});
  }
  be_one(layer.pool().regions);
  add_layer_to(ctx, add_part(ctx, codes, {-1, block.first, block.row}, {block.channels, P, Q}),
               std::move(layer));
}

/// Computes the codes of an operator's sums. While the vector unit joins one block's words, the
/// array computes the next block.
void join_words(Lowering& ctx, const Op& o, const WordSums& sums, const WordJoint& joint) {
  const int M = sums[0].channels, P = sums[0].window.P, Q = sums[0].window.Q;
  const int codes = new_output(ctx, o, {M, P, Q});
  const std::vector<WordBlock> blocks = blocks_of(ctx, sums[0], rows_of_words(sums.size()));
  int words = words_of_sums(ctx, o, sums, blocks[0]);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const int behind = i + 1 < blocks.size() ? words_of_sums(ctx, o, sums, blocks[i + 1]) : -1;
    join_block(ctx, o, words, joint, blocks[i], codes);
    words = behind;
  }
}

}  // namespace

// ---- products -----------------------------------------------------------------------------------

namespace {

/// Refuses configurations that cannot compute with the three bytes of each value.
Problem planes_problem(const Lowering& ctx, const Op& o) {
  if (ctx.config.formats && ctx.config.vector && ctx.config.table) return std::nullopt;
  return refusal(
      ctx, o, o.outputs[0], Reason::kConfiguration,
      ": {} values require array.formats, vector.enable and vector.table",
      spec::row_of(ctx.graph.out(o).format == spec::Format::kNone ? ctx.graph.in(o, 0).format
                                                                  : ctx.graph.out(o).format)
          .name);
}

Problem short_scales_problem(const Lowering& ctx, const Op& o,
                             std::span<const ChannelScale> scales) {
  for (const ChannelScale& s : scales)
    if ((s.multiplier & 0xffff) != 0 || s.shift > 14)
      return refusal(ctx, o, o.outputs[0], Reason::kRange,
                     ": sums with weights of more than 8 bits require scales of 15 bits, below "
                     "2^15: use powers of two, as trine quantize --format does");
  return std::nullopt;
}

/// Makes a map of the three bytes of format values: all first bytes, then all second bytes, then
/// all third bytes.
/// Makes the bytes of the maps' values: first all first bytes, then all second ones, then all third
/// ones.
int byte_planes(Lowering& ctx, const Op& o, const std::vector<int>& maps) {
  const Shape s = ctx.shape(maps[0]);
  const int channels = 4 * s.channel_words(), count = static_cast<int>(maps.size());
  const int planes = add_map(ctx, o.input(0), {kBytesOfValue * count * channels, s.H, s.W});
  for (int k = 0; k < kBytesOfValue; ++k)
    for (int i = 0; i < count; ++i) {
      Layer layer = copy(ctx, o, maps[at(i)]);
      layer.macs = 0;
      layer.result = Output::kLookup;
      const spec::Format format = ctx.graph.in(o, i).format;
      for (int code = 0; code < 256; ++code)
        layer.table.push_back(
            signed_byte(spec::units_of(format, static_cast<std::int8_t>(code)), k));
      add_layer_to(ctx, add_part(ctx, planes, {-1, (k * count + i) * channels}, s),
                   std::move(layer));
    }
  return planes;
}

/// Returns the products of both operands' bytes. Products of the same weight are added up in one
/// word: neighbouring planes of the input, with the weights' bytes in reverse order.
WordSums products_of_planes(Lowering& ctx, const Op& o, WeightBytes bytes) {
  const int last =
      model::has_fixed_weights(ctx.graph, o) ? kBytesOfValue - 1 : 0;  // of the weights
  const Layer& first = bytes[0];
  const int planes = byte_planes(ctx, o, {first.input});
  const int channels = 4 * first.words;
  const std::vector<std::int64_t> bias = o.input(bias_of(o)) < 0
                                             ? std::vector<std::int64_t>(at(first.channels))
                                             : ctx.graph.in(o, bias_of(o)).integers();
  WordSums sums;
  for (int k = 0; k < kBytesOfValue + last; ++k) {
    const int low = std::max(k - last, 0), high = std::min(k, kBytesOfValue - 1);
    Layer layer = first;
    layer.input = channels_of(ctx, planes, low * channels, (high - low + 1) * channels);
    layer.words = (high - low + 1) * first.words;
    if (k > 0) layer.macs = 0;
    std::vector<std::int8_t>& weights = layer.conv().weights.edit();
    weights.clear();
    for (int m = 0; m < first.channels; ++m)
      for (int plane = low; plane <= high; ++plane) {
        const Layer& from = bytes[at(k - plane)];
        const auto begin = from.conv().weights.begin();
        weights.insert(weights.end(), begin + from.weight_at(m, 0),
                       begin + from.weight_at(m + 1, 0));
      }
    const int above = last > 0 ? kBiasBits : 8, word = above / 8;  // with the rest of the bias
    for (int m = 0; m < first.channels; ++m)
      layer.bias[at(m)] = static_cast<std::int32_t>(k == 0      ? bias[at(m)] & ((1 << above) - 1)
                                                    : k == word ? bias[at(m)] >> above
                                                                : 0);
    sums.push_back(std::move(layer));
  }
  return sums;
}

}  // namespace

Problem fixed_problem(const Lowering& ctx, const Op& o) {
  const bool wide = ctx.graph.in(o, 0).type == model::DataType::kInt16;
  const bool planes = model::of_format(ctx.graph.in(o, 0));
  if (planes || model::of_format(ctx.graph.out(o)))
    if (auto problem = planes_problem(ctx, o)) return problem;
  if (!ctx.config.formats || !ctx.config.vector || (wide && !ctx.config.zero_points()))
    return refusal(ctx, o, o.input(1), Reason::kConfiguration,
                   " has weights of more than 8 bits, which require array.formats, vector.enable{}",
                   wide ? " and, with int16, matmul.enable" : "");
  if (o.kind != OpKind::kConv2D && o.kind != OpKind::kFullyConnected)
    return refusal(ctx, o, o.outputs[0], Reason::kType,
                   ": values of {}, allowed in Conv of one group, Gemm and MatMul",
                   spec::row_of(spec::Format::kE4M3).name);
  if (o.kind == OpKind::kConv2D && model::groups(ctx.graph, o) != 1)
    return refusal(ctx, o, o.input(1), Reason::kShape,
                   " has weights of more than 8 bits in {} groups, allowed 1",
                   model::groups(ctx.graph, o));
  if (ctx.graph.out(o).type == model::DataType::kInt32 || !o.half_even)
    return refusal(ctx, o, o.outputs[0], Reason::kType,
                   ": sums with weights of more than 8 bits must round halves to even");
  if (auto problem = short_scales_problem(ctx, o, reference::conv_params(ctx.graph, o).scales))
    return problem;
  const int bits = planes && model::has_fixed_weights(ctx.graph, o) ? 48 : 40;
  const std::vector<double> sums = largest_sums(ctx.graph, o);
  if (const auto largest = std::ranges::max_element(sums);
      *largest >= static_cast<double>(std::int64_t{1} << (bits - 1)))
    return refusal(ctx, o, o.input(1), Reason::kRange,
                   ": the sums of channel {} reach {:.0f}, allowed {} bits", largest - sums.begin(),
                   *largest, bits);
  const auto taps = static_cast<int>(ctx.graph.in(o, 1).elements() / sums.size());
  const int most = wide ? kMostTaps >> 8 : planes ? kMostTaps / kBytesOfValue : kMostTaps;
  if (taps > most)
    return refusal(ctx, o, o.input(1), Reason::kRange,
                   " has {} weights of more than 8 bits a channel, allowed {} with {}", taps, most,
                   planes ? "e4m3" : model::name_of(ctx.graph.in(o, 0).type));
  return std::nullopt;
}

/// Makes a layer store its sums, with one byte of the weights, as words.
void be_words(const Lowering& ctx, Layer& layer) {
  const bool wide = ctx.shape(layer.input).wide;
  const std::vector<std::int32_t> bias = layer.bias;
  set_scale(layer, layer.channels, kOne);
  if (!wide) layer.bias = bias;
  layer.conv().precision = wide ? isa::compute::Op::kMatmul16 : isa::compute::Op::kInt8;
  if (wide) layer.conv().zero_point = -kLowByte;
  layer.conv().steps_per_row = 1;
  layer.result = Output::kRaw;
  layer.range = {};
  layer.single = layer.half_even = false;
}

/// Lowers products with weights of up to 19 bits, or values of a format, byte by byte.
void fixed_weights(Lowering& ctx, const Op& o) {
  WeightBytes bytes;
  if (o.kind == OpKind::kFullyConnected)
    fully_connected(ctx, o, &bytes);
  else
    convolution(ctx, o, &bytes);
  const bool wide = ctx.shape(bytes[0].input).wide;
  const reference::ConvParams p = reference::conv_params(ctx.graph, o);
  WordJoint joint{p.scales, p.output, {}};
  if (wide && o.input(bias_of(o)) >= 0) joint.bias = ctx.graph.in(o, bias_of(o)).integers();
  if (model::of_format(ctx.graph.in(o, 0)))
    return join_words(ctx, o, products_of_planes(ctx, o, std::move(bytes)), joint);
  for (const int k : {1, 2}) bytes[at(k)].macs = 0;
  join_words(ctx, o, WordSums(bytes.begin(), bytes.end()), joint);
}

// ---- sums and means of values -------------------------------------------------------------------

namespace {

/// The operands of a sum of values as weights, which are whole numbers, and the scale of weight 1.
struct Weighed {
  std::array<int, 2> weights;
  ChannelScale scale;
};

/// Returns nothing if one scale is not a multiple of the other, or is more than 64 times the other.
std::optional<Weighed> weighed(const Graph& graph, const Op& o) {
  const double a = double{graph.in(o, 0).scale()}, b = double{graph.in(o, 1).scale()};
  const double least = std::min(a, b);
  Weighed w{
      {static_cast<int>(std::min(a / least, 128.0)), static_cast<int>(std::min(b / least, 128.0))},
      reference::quantize_scale(least / double{graph.out(o).scale()})};
  if (w.weights[0] * least != a || w.weights[1] * least != b ||
      std::max(w.weights[0], w.weights[1]) > 64)
    return std::nullopt;
  if (o.kind == OpKind::kSub) w.weights[1] = -w.weights[1];
  return w;
}

/// Returns a product of `channels` channels, without weights, that makes the words of the values'
/// k-th bytes.
Layer product_of_plane(Lowering& ctx, const Op& o, int planes, int k, int channels) {
  Layer layer = start(ctx, o, LayerKind::kConv, channels_of(ctx, planes, k * channels, channels));
  layer.macs = 0;
  layer.result = Output::kRaw;
  layer.single = false;
  return layer;
}

}  // namespace

Problem value_sum_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = planes_problem(ctx, o)) return problem;
  for (const int i : {0, 1}) {
    const Tensor& t = ctx.graph.in(o, i);
    if (t.is_constant || t.elements() != ctx.graph.out(o).elements() || !model::of_format(t))
      return refusal(ctx, o, o.input(i), Reason::kShape,
                     ": e4m3 values can only be added to another e4m3 map of the same size");
    if (auto problem = map_problem(ctx, o.input(i))) return problem;
  }
  const auto sum = weighed(ctx.graph, o);
  if (!sum)
    return refusal(
        ctx, o, o.outputs[0], Reason::kRange,
        ": e4m3 values can only be added if one scale is the other times a whole number of 1..64");
  return first_of(short_scales_problem(ctx, o, std::span(&sum->scale, 1)), result_problem(ctx, o));
}

/// Lowers a sum to a product of both maps' channels with the weights of the sum.
void value_sum(Lowering& ctx, const Op& o) {
  const Weighed sum = *weighed(ctx.graph, o);
  const int a = map_of(ctx, o.input(0)), b = lain_as(ctx, o, map_of(ctx, o.input(1)), ctx.shape(a));
  const Shape s = ctx.shape(a);
  const int planes = byte_planes(ctx, o, {a, b});
  const int beside = 4 * s.channel_words(), channels = 2 * beside;
  WordSums sums;
  for (int k = 0; k < kBytesOfValue; ++k) {
    Layer layer = product_of_plane(ctx, o, planes, k, channels);
    set_scale(layer, s.C, kOne);
    layer.clear_weights();
    for (int m = 0; m < s.C; ++m)
      for (const int i : {0, 1})
        weight(layer, m, 0, 0, i * beside + m) = static_cast<std::int8_t>(sum.weights[at(i)]);
    sums.push_back(std::move(layer));
  }
  const reference::OutputRange output = reference::add_params(ctx.graph, o).output;
  join_words(ctx, o, sums, {{sum.scale}, output, {}});
}

Problem value_mean_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = planes_problem(ctx, o)) return problem;
  const reference::MeanParams p = reference::mean_params(ctx.graph, o);
  const auto axes = model::reduced_axes(ctx.graph, o);
  if (o.kind != OpKind::kMean || ctx.graph.in(o, 0).rank() != 4 || !axes || !(*axes)[1] ||
      !(*axes)[2] || (*axes)[3] || (*axes)[0] || !model::of_format(ctx.graph.in(o, 0)))
    return refusal(ctx, o, o.input(0), Reason::kShape,
                   ": e4m3 values support only means over all rows and columns");
  if (p.count > kMostTaps)
    return refusal(ctx, o, o.input(0), Reason::kShape, ": a mean of {} e4m3 values, allowed {}",
                   p.count, kMostTaps);
  return first_of(short_scales_problem(ctx, o, std::span(&p.scale, 1)), result_problem(ctx, o));
}

/// Lowers a mean to a depthwise product with ones.
void value_mean(Lowering& ctx, const Op& o) {
  const int from = image(ctx, o, 0);
  const Shape s = ctx.shape(from);
  const int planes = byte_planes(ctx, o, {from}), channels = 4 * s.channel_words();
  const reference::MeanParams p = reference::mean_params(ctx.graph, o);
  WordSums sums;
  for (int k = 0; k < kBytesOfValue; ++k) {
    Layer layer = product_of_plane(ctx, o, planes, k, channels);
    layer.window.R = s.H;
    layer.window.S = s.W;
    layer.window.P = layer.window.Q = 1;
    layer.words = 1;
    layer.group_channels = 4;
    set_scale(layer, s.C, kOne);
    layer.clear_weights();
    for (int m = 0; m < s.C; ++m)
      for (int ky = 0; ky < s.H; ++ky)
        for (int kx = 0; kx < s.W; ++kx) weight(layer, m, ky, kx, m % 4) = 1;
    sums.push_back(std::move(layer));
  }
  join_words(ctx, o, sums, {{p.scale}, p.output, {}});
}

}  // namespace trine::compiler
