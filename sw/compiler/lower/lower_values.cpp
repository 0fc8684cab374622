// SPDX-License-Identifier: Apache-2.0
//
// Lowers values that have more bits than codes, byte by byte. Products of the bytes leave int32
// words in DMEM, for some channels and rows at a time. The vector unit joins the words of a sum to
// a code, rounded once, while the array makes the next words.
//
//   weights in fixed point   w = w0 + 256 w1 + 65,536 w2, signed bytes: three words for a sum
//   codes of E4M3            represent values. A map of the three bytes of each value is made first
//                            by three lookups: three words with byte weights, five with three bytes

#include <algorithm>
#include <numeric>

#include "sw/base/division.h"
#include "sw/compiler/lower/lowering.h"
#include "sw/compiler/network/forms.h"
#include "sw/model/shapes.h"

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

/// Returns the blocks of sums that are in DMEM at a time. A block has whole columns of the array,
/// and fewer rows if all rows are too many, so that two blocks fit next to the input map and the
/// codes.
std::vector<Lowering::Block> Lowering::blocks_of(const Layer& layer, int rows_of_words) const {
  const int M = layer.channels, P = layer.window.P, Q = layer.window.Q;
  const int all = divide_up(M, 4) * 4, columns = std::min(std::lcm(4, config_.cols), all);
  const int whole = net_.whole_of(layer.input), of_row = 2 * rows_of_words * Q;  // of a channel
  const auto words_of = [&](const Shape& s) {
    return std::int64_t{s.pixels()} * s.pixel_words() * s.channel_words();
  };
  const std::int64_t part = config_.dmem_words() / kParts;
  const std::int64_t room =
      (config_.dmem_words() - words_of(shape(whole)) - words_of({M, P, Q})) / 2 * 7 / 8;
  const bool beside = room >= std::int64_t{of_row} * columns;
  const auto most = static_cast<int>((beside ? std::min(room, part) : part) / of_row);
  const int parts = divide_up(P, std::clamp(most / columns, 1, P)), rows = divide_up(P, parts);
  const int step = most < columns * rows ? 4 : columns;
  const int channels = std::clamp(most / rows / step * step, 4, all);
  std::vector<Block> blocks;
  for (int first = 0; first < M; first += channels)
    for (int row = 0; row < P; row += rows)
      blocks.push_back({first, std::min(channels, M - first), row, std::min(rows, P - row)});
  return blocks;
}

/// Computes the codes of an operator's sums. While the vector unit joins one block's words, the
/// array computes the next block.
void Lowering::join_words(const Op& o, const Words& sums, const Joint& joint) {
  const int M = sums[0].channels, P = sums[0].window.P, Q = sums[0].window.Q;
  const int codes = new_output(o, {M, P, Q});
  const std::vector<Block> blocks = blocks_of(sums[0], rows_of_words(sums.size()));
  int words = words_of_sums(o, sums, blocks[0]);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const int behind = i + 1 < blocks.size() ? words_of_sums(o, sums, blocks[i + 1]) : -1;
    join_block(o, words, joint, blocks[i], codes);
    words = behind;
  }
}

/// Computes a block's words.
int Lowering::words_of_sums(const Op& o, const Words& sums, const Block& block) {
  const int Q = sums[0].window.Q, rows = rows_of_words(sums.size());
  const int words = add_map(o.outputs[0], {block.channels, rows * block.rows, 2 * Q});
  net_.maps[at(words)].shape.wide = false;
  net_.maps[at(words)].shape.per_word = 1;
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
      layer.input = channels_of(all.input, block.first, block.channels);
      layer.group_channels = block.channels > 4 ? 4 : 0;
    }
    layer.window.P = block.rows;
    layer.window.pad_top -= block.row * layer.window.stride_y;
    layer.macs = all.macs * block.channels / all.channels * block.rows / all.window.P;
    set_sweeps(layer);
    add_layer_to(
        add_part(words, place_of_words(static_cast<int>(k), rows), {block.channels, block.rows, Q}),
        std::move(layer));
  }
  return words;
}

/// Joins a block's words to codes.
void Lowering::join_block(const Op& o, int words, const Joint& joint, const Block& block,
                          int codes) {
  const int Q = shape(words).W / 2, P = block.rows, rows = shape(words).H / P;
  Layer layer = start(o, LayerKind::kWords, words);
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
  add_layer_to(add_part(codes, {-1, block.first, block.row}, {block.channels, P, Q}),
               std::move(layer));
}

// ---- products -----------------------------------------------------------------------------------

/// Refuses configurations that cannot compute with the three bytes of each value.
Problem Lowering::planes_problem(const Op& o) const {
  if (config_.formats && config_.vector && config_.table) return std::nullopt;
  return refusal(o, o.outputs[0], Reason::kConfiguration,
                 ": {} values require array.formats, vector.enable and vector.table",
                 spec::row_of(graph_.out(o).format == spec::Format::kNone ? graph_.in(o, 0).format
                                                                          : graph_.out(o).format)
                     .name);
}

Problem Lowering::short_scales_problem(const Op& o, std::span<const ChannelScale> scales) const {
  for (const ChannelScale& s : scales)
    if ((s.multiplier & 0xffff) != 0 || s.shift > 14)
      return refusal(o, o.outputs[0], Reason::kRange,
                     ": sums with weights of more than 8 bits require scales of 15 bits, below "
                     "2^15: use powers of two, as trine quantize --format does");
  return std::nullopt;
}

Problem Lowering::fixed_problem(const Op& o) const {
  const bool wide = graph_.in(o, 0).type == model::DataType::kInt16;
  const bool planes = model::of_format(graph_.in(o, 0));
  if (planes || model::of_format(graph_.out(o)))
    if (auto problem = planes_problem(o)) return problem;
  if (!config_.formats || !config_.vector || (wide && !config_.zero_points()))
    return refusal(o, o.input(1), Reason::kConfiguration,
                   " has weights of more than 8 bits, which require array.formats, vector.enable{}",
                   wide ? " and, with int16, matmul.enable" : "");
  if (o.kind != OpKind::kConv2D && o.kind != OpKind::kFullyConnected)
    return refusal(o, o.outputs[0], Reason::kType,
                   ": values of {}, allowed in Conv of one group, Gemm and MatMul",
                   spec::row_of(spec::Format::kE4M3).name);
  if (o.kind == OpKind::kConv2D && model::groups(graph_, o) != 1)
    return refusal(o, o.input(1), Reason::kShape,
                   " has weights of more than 8 bits in {} groups, allowed 1",
                   model::groups(graph_, o));
  if (graph_.out(o).type == model::DataType::kInt32 || !o.half_even)
    return refusal(o, o.outputs[0], Reason::kType,
                   ": sums with weights of more than 8 bits must round halves to even");
  if (auto problem = short_scales_problem(o, reference::conv_params(graph_, o).scales))
    return problem;
  const int bits = planes && model::has_fixed_weights(graph_, o) ? 48 : 40;
  const std::vector<double> sums = largest_sums(graph_, o);
  if (const auto largest = std::ranges::max_element(sums);
      *largest >= static_cast<double>(std::int64_t{1} << (bits - 1)))
    return refusal(o, o.input(1), Reason::kRange,
                   ": the sums of channel {} reach {:.0f}, allowed {} bits", largest - sums.begin(),
                   *largest, bits);
  const auto taps = static_cast<int>(graph_.in(o, 1).elements() / sums.size());
  const int most = wide ? kMostTaps >> 8 : planes ? kMostTaps / kBytesOfValue : kMostTaps;
  if (taps > most)
    return refusal(o, o.input(1), Reason::kRange,
                   " has {} weights of more than 8 bits a channel, allowed {} with {}", taps, most,
                   planes ? "e4m3" : model::name_of(graph_.in(o, 0).type));
  return std::nullopt;
}

/// Makes a layer store its sums, with one byte of the weights, as words.
void Lowering::be_words(Layer& layer) const {
  const bool wide = shape(layer.input).wide;
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
void Lowering::fixed_weights(const Op& o) {
  Bytes bytes;
  if (o.kind == OpKind::kFullyConnected)
    fully_connected(o, &bytes);
  else
    convolution(o, &bytes);
  const bool wide = shape(bytes[0].input).wide;
  const reference::ConvParams p = reference::conv_params(graph_, o);
  Joint joint{p.scales, p.output, {}};
  if (wide && o.input(bias_of(o)) >= 0) joint.bias = graph_.in(o, bias_of(o)).integers();
  if (model::of_format(graph_.in(o, 0)))
    return join_words(o, products_of_planes(o, std::move(bytes)), joint);
  for (const int k : {1, 2}) bytes[at(k)].macs = 0;
  join_words(o, Words(bytes.begin(), bytes.end()), joint);
}

/// Makes the bytes of the maps' values: first all first bytes, then all second ones, then all third
/// ones.
int Lowering::byte_planes(const Op& o, const std::vector<int>& maps) {
  const Shape s = shape(maps[0]);
  const int channels = 4 * s.channel_words(), count = static_cast<int>(maps.size());
  const int planes = add_map(o.input(0), {kBytesOfValue * count * channels, s.H, s.W});
  for (int k = 0; k < kBytesOfValue; ++k)
    for (int i = 0; i < count; ++i) {
      Layer layer = copy(o, maps[at(i)]);
      layer.macs = 0;
      layer.result = Output::kLookup;
      const spec::Format format = graph_.in(o, i).format;
      for (int code = 0; code < 256; ++code)
        layer.table.push_back(
            signed_byte(spec::units_of(format, static_cast<std::int8_t>(code)), k));
      add_layer_to(add_part(planes, {-1, (k * count + i) * channels}, s), std::move(layer));
    }
  return planes;
}

/// Returns the products of both operands' bytes. Products of the same weight are added up in one
/// word: neighbouring planes of the input, with the weights' bytes in reverse order.
Lowering::Words Lowering::products_of_planes(const Op& o, Bytes bytes) {
  const int last = model::has_fixed_weights(graph_, o) ? kBytesOfValue - 1 : 0;  // of the weights
  const Layer& first = bytes[0];
  const int planes = byte_planes(o, {first.input});
  const int channels = 4 * first.words;
  const std::vector<std::int64_t> bias = o.input(bias_of(o)) < 0
                                             ? std::vector<std::int64_t>(at(first.channels))
                                             : graph_.in(o, bias_of(o)).integers();
  Words sums;
  for (int k = 0; k < kBytesOfValue + last; ++k) {
    const int low = std::max(k - last, 0), high = std::min(k, kBytesOfValue - 1);
    Layer layer = first;
    layer.input = channels_of(planes, low * channels, (high - low + 1) * channels);
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

}  // namespace

Problem Lowering::value_sum_problem(const Op& o) const {
  if (auto problem = planes_problem(o)) return problem;
  for (const int i : {0, 1}) {
    const Tensor& t = graph_.in(o, i);
    if (t.is_constant || t.elements() != graph_.out(o).elements() || !model::of_format(t))
      return refusal(o, o.input(i), Reason::kShape,
                     ": e4m3 values can only be added to another e4m3 map of the same size");
    if (auto problem = map_problem(o.input(i))) return problem;
  }
  const auto sum = weighed(graph_, o);
  if (!sum)
    return refusal(
        o, o.outputs[0], Reason::kRange,
        ": e4m3 values can only be added if one scale is the other times a whole number of 1..64");
  return first_of(short_scales_problem(o, std::span(&sum->scale, 1)), result_problem(o));
}

/// Returns a product of `channels` channels, without weights, that makes the words of the values'
/// k-th bytes.
Layer Lowering::product_of_plane(const Op& o, int planes, int k, int channels) {
  Layer layer = start(o, LayerKind::kConv, channels_of(planes, k * channels, channels));
  layer.macs = 0;
  layer.result = Output::kRaw;
  layer.single = false;
  return layer;
}

/// Lowers a sum to a product of both maps' channels with the weights of the sum.
void Lowering::value_sum(const Op& o) {
  const Weighed sum = *weighed(graph_, o);
  const int a = map_of(o.input(0)), b = lain_as(o, map_of(o.input(1)), shape(a));
  const Shape s = shape(a);
  const int planes = byte_planes(o, {a, b});
  const int beside = 4 * s.channel_words(), channels = 2 * beside;
  Words sums;
  for (int k = 0; k < kBytesOfValue; ++k) {
    Layer layer = product_of_plane(o, planes, k, channels);
    set_scale(layer, s.C, kOne);
    layer.clear_weights();
    for (int m = 0; m < s.C; ++m)
      for (const int i : {0, 1})
        weight(layer, m, 0, 0, i * beside + m) = static_cast<std::int8_t>(sum.weights[at(i)]);
    sums.push_back(std::move(layer));
  }
  const reference::OutputRange output = reference::add_params(graph_, o).output;
  join_words(o, sums, {{sum.scale}, output, {}});
}

Problem Lowering::value_mean_problem(const Op& o) const {
  if (auto problem = planes_problem(o)) return problem;
  const reference::MeanParams p = reference::mean_params(graph_, o);
  const auto axes = model::reduced_axes(graph_, o);
  if (o.kind != OpKind::kMean || graph_.in(o, 0).rank() != 4 || !axes || !(*axes)[1] ||
      !(*axes)[2] || (*axes)[3] || (*axes)[0] || !model::of_format(graph_.in(o, 0)))
    return refusal(o, o.input(0), Reason::kShape,
                   ": e4m3 values support only means over all rows and columns");
  if (p.count > kMostTaps)
    return refusal(o, o.input(0), Reason::kShape, ": a mean of {} e4m3 values, allowed {}", p.count,
                   kMostTaps);
  return first_of(short_scales_problem(o, std::span(&p.scale, 1)), result_problem(o));
}

/// Lowers a mean to a depthwise product with ones.
void Lowering::value_mean(const Op& o) {
  const int from = image(o, 0);
  const Shape s = shape(from);
  const int planes = byte_planes(o, {from}), channels = 4 * s.channel_words();
  const reference::MeanParams p = reference::mean_params(graph_, o);
  Words sums;
  for (int k = 0; k < kBytesOfValue; ++k) {
    Layer layer = product_of_plane(o, planes, k, channels);
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
  join_words(o, sums, {{p.scale}, p.output, {}});
}

}  // namespace trine::compiler
