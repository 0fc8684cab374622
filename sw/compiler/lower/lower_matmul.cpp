// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_matmul.h"

#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_words.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

constexpr int kWideTerms = 256;  ///< int16: each word of their sums has 32 bits

/// Returns true if the bytes after the last channel are zero.
bool zero_behind(const Lowering& ctx, int map) {
  const Map& m = ctx.net.maps[at(map)];
  if (m.shape.C % m.shape.per_word == 0) return true;
  const int whole = ctx.net.whole_of(map);
  if (m.part.channel + m.shape.C != ctx.shape(whole).C) return false;
  return std::ranges::all_of(ctx.net.layers, [&](const Layer& l) {
    return l.kind == LayerKind::kConv || (l.kind == LayerKind::kSoftmax && !l.wide) ||
           l.kind == LayerKind::kWords || ctx.net.whole_of(l.output) != whole;
  });
}

/// Returns true if the weights' rows are channels and their channels are neighbours in a plane.
bool readable_transposed(const Lowering& ctx, const Matrices& m,
                         const std::vector<std::int64_t>& first) {
  const Map& map = ctx.net.maps[at(m.axes.map)];
  const Shape& s = map.shape;
  if (ctx.config.cols < 4) return false;
  if (m.rows > 1 && m.axes.strides[m.axes.strides.size() - 2] != 1) return false;
  if (m.channels > 1 && m.axes.strides.back() != s.C) return false;
  return std::ranges::all_of(first, [&](std::int64_t code) {
    const CodePlace p = code_place(ctx, m.axes.map, code);
    return p.channel % 4 == 0 && p.channel + m.rows <= s.C && p.x + m.channels <= s.W &&
           begins_beat(ctx, map, p);
  });
}

/// Returns true if rows are neighbouring words of a map's only pixel (heads of one token).
bool lie_in_words(const Lowering& ctx, const Matrices& m, const std::vector<std::int64_t>& first) {
  const Map& map = ctx.net.maps[at(m.axes.map)];
  const std::int64_t row = m.axes.strides[m.axes.strides.size() - 2];
  const std::int64_t codes = (m.rows - 1) * row + m.channels;
  return map.shape.per_word == 4 && m.rows > 1 && m.axes.strides.back() == 1 &&
         m.channels % 4 == 0 && row % 4 == 0 && std::ranges::all_of(first, [&](std::int64_t code) {
           const std::int64_t channel = code % map.shape.C;
           return channel % 4 == 0 && channel + codes <= map.shape.C;
         });
}

/// Returns the first code of each matrix of the operand, in the order of the output's batches.
std::vector<std::int64_t> batches(const Lowering& ctx, const Op& o, int position,
                                  const Matrices& from) {
  Axes axes{from.axes.map, from.axes.first, ctx.graph.out(o).shape, {}};
  axes.extents.resize(axes.extents.size() - 2);
  const std::size_t missing =
      ctx.graph.out(o).shape.size() - ctx.graph.in(o, position).shape.size();
  for (std::size_t i = 0; i < axes.extents.size(); ++i) {
    const bool repeated = i < missing || from.axes.extents[i - missing] == 1;
    axes.strides.push_back(repeated ? 0 : from.axes.strides[i - missing]);
  }
  return codes_of(axes);
}

Matrices matrices(Lowering& ctx, const Op& o, int position, bool adjoint) {
  Matrices m{axes_of(ctx, o.input(position)), 1, 1};
  auto& [map, first, extents, strides] = m.axes;
  const std::size_t last = extents.size() - 1;
  if (adjoint) {
    std::swap(extents[last], extents[last - 1]);
    std::swap(strides[last], strides[last - 1]);
  }
  m.rows = extents[last - 1];
  m.channels = extents[last];
  if (m.rows == 1) strides[last - 1] = 0;
  const bool weights = position == 1;
  const auto firsts = batches(ctx, o, position, m);
  m.in_words = !weights && !is_wide(ctx, o) && lie_in_words(ctx, m, firsts);
  if (m.in_words || readable(ctx, m, firsts, weights)) return m;
  m.transposed = weights && readable_transposed(ctx, m, firsts);
  if (m.transposed) return m;
  // Each batch's matrix becomes a row.
  std::int64_t count = 1;
  for (std::size_t i = 0; i + 2 < extents.size(); ++i) count *= extents[i];
  const std::int64_t most = 32767;
  if (count > most || m.rows > most) {
    note(ctx, refusal(ctx, o, o.input(position), Reason::kRange,
                      ": {} matrices of {} rows, allowed 1..{} each", count, m.rows, most));
    return m;
  }
  m.axes.map = in_order(ctx, o, m.axes, {m.channels, static_cast<int>(count), m.rows}, true);
  first = 0;
  std::int64_t stride = 1;
  for (std::size_t i = extents.size(); i-- > 0; stride *= extents[i]) strides[i] = stride;
  return m;
}

/// Returns the RESHAPE after the TRANSPOSE that is the product's only reader, or nullptr.
const Op* joiner_of(const GraphFacts& facts, const Op& o) {
  const Tensor& out = facts.graph.out(o);
  const Op* transpose = reader_of(facts, o.outputs[0], OpKind::kTranspose);
  if (transpose == nullptr || out.rank() < 3 || out.extent(-1) % 4 != 0) return nullptr;
  return reader_of(facts, transpose->outputs[0], OpKind::kReshape);
}

/// Returns the map in which a pixel has the channels of all batches, if the product's reader
/// joins the batches that way.
std::optional<int> joined_batches(Lowering& ctx, const Op& o, int batches) {
  const Tensor& out = ctx.graph.out(o);
  const Op* reshape = joiner_of(ctx, o);
  if (reshape == nullptr) return std::nullopt;
  // The axes longer than 1 are reordered from batches, rows, channels to rows, batches, channels.
  const int rank = out.rank();
  std::vector<int> wanted{rank - 2};
  for (int axis = 0; axis + 2 < rank; ++axis) wanted.push_back(axis);
  wanted.push_back(rank - 1);
  const auto one = [&](int axis) { return out.shape[at(axis)] == 1; };
  std::vector<int> order =
      *model::permutation(ctx.graph, *reader_of(ctx, o.outputs[0], OpKind::kTranspose));
  for (std::vector<int>* list : {&wanted, &order}) std::erase_if(*list, one);
  const Shape shape = out_shape(ctx, *reshape);
  if (order != wanted || !(shape == Shape{batches * out.extent(-1), 1, out.extent(-2)}))
    return std::nullopt;
  const int map = ctx.map_by_tensor[reshape->outputs[0]] =
      output_map(ctx, reshape->outputs[0], shape);
  Axes axes{map, 0, out.shape, {}};
  std::int64_t stride = out.extent(-1);
  axes.strides.assign(at(rank), 1);
  axes.strides[at(rank - 2)] = shape.C;
  for (int axis = rank - 2; axis-- > 0; stride *= out.shape[at(axis)])
    axes.strides[at(axis)] = stride;
  ctx.axes[o.outputs[0]] = axes;
  return map;
}

Problem wide_matmul_problem(const Lowering& ctx, const Op& o) {
  const int terms = ctx.graph.in(o, 0).extent(o.adjoint_a ? -2 : -1);
  if (!ctx.config.vector)
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   " adds two int32 sums, which requires vector.enable");
  if (terms > kWideTerms)
    return refusal(ctx, o, o.outputs[0], Reason::kRange,
                   ": sums of {} int16 products, allowed 1..{}", terms, kWideTerms);
  if (ctx.rounding.of(o) == reference::Rounding::kSingle)
    return refusal(ctx, o, o.outputs[0], Reason::kRounding,
                   ": products of int16 maps with one rounding, allowed two roundings, as in "
                   "LiteRT up to 1.2 (--rounding double)");
  if (const int shift = reference::conv_params(ctx.graph, o).scales.at(0).shift; shift > 14)
    return refusal(ctx, o, o.outputs[0], Reason::kRange, " has a scale of 2^{}, allowed up to 2^14",
                   shift);
  return std::nullopt;
}

/// Returns the number of channels in each block of a block-diagonal constant second operand, as
/// in a rotation: an output depends only on the inputs of its block. Returns 0 if the operand is
/// not block-diagonal or blocks gain nothing.
/// Returns the block size for heads of one pixel. They are many planes apart, so that all lanes
/// read the same bank. Each word that is not read saves as many cycles as there are lanes.
int block_of(const Lowering& ctx, const Op& o, const Matrices& a) {
  const Tensor& b = ctx.graph.in(o, 1);
  const int n = a.channels;
  if (!b.is_constant || !a.in_words || ctx.shape(a.axes.map).pixels() == 1 || !o.adjoint_b ||
      b.extent(-2) != n || b.zero_point() != 0 || ctx.graph.in(o, 0).zero_point() != 0 ||
      b.elements() / n != ctx.graph.out(o).elements() / a.rows)
    return 0;
  const auto codes = b.values<std::int8_t>();
  const auto mixes = [&](int block) {
    for (std::size_t i = 0; i < codes.size(); ++i)
      if (codes[i] != 0 && i / at(n) % at(n) / at(block) != i % at(n) / at(block)) return false;
    return true;
  };
  int block = std::min(ctx.config.cols, n / 2) / 4 * 4;
  while (block > 0 && n % block != 0) block -= 4;
  if (block == 0) return 0;
  constexpr int kRun = 33;  // cycles of a block's RUN
  const int word = divide_up(a.rows, ctx.config.rows) * std::min(a.rows, ctx.config.rows);
  const int all = divide_up(n, ctx.config.cols) * n / 4 * word;
  return n / block * (kRun + block / 4 * word) < all && mixes(block) ? block : 0;
}

/// Sets the weights of a layer from its diagonal blocks.
/// @param matrix  the second operand of the layer's batch: [output][input]
void set_block_weights(std::span<const std::int8_t> matrix, int block, Layer& layer) {
  const int n = layer.channels;
  layer.group_channels = block;
  layer.words = block / 4;
  layer.clear_weights();
  for (int m = 0; m < n; ++m)
    for (int c = 0; c < block; ++c)
      weight(layer, m, 0, 0, c) = matrix[at(m) * at(n) + at(m / block * block + c)];
}

}  // namespace

CodePlace code_place(const Lowering& ctx, int map, std::int64_t code) {
  const Shape& s = ctx.shape(map);
  const std::int64_t pixel = code / s.C;
  return {static_cast<int>(code % s.C), static_cast<int>(pixel / s.W),
          static_cast<int>(pixel % s.W)};
}

bool readable(const Lowering& ctx, const Matrices& m, const std::vector<std::int64_t>& first,
              bool weights) {
  const Map& map = ctx.net.maps[at(m.axes.map)];
  const Shape& s = map.shape;
  const std::int64_t row = m.axes.strides[m.axes.strides.size() - 2];
  if (m.channels > 1 && m.axes.strides.back() != 1) return false;
  if (m.rows > 1 && (row % s.C != 0 || row / s.C > (weights ? 1 : kMostStride))) return false;
  if (m.channels % 4 != 0 && !(m.channels == s.C && zero_behind(ctx, m.axes.map))) return false;
  return std::ranges::all_of(first, [&](std::int64_t code) {
    const CodePlace p = code_place(ctx, m.axes.map, code);
    if (p.channel % 4 != 0 || p.channel + m.channels > s.C) return false;
    if (p.x + (m.rows - 1) * (row / s.C) >= s.W && m.rows > 1) return false;
    return !weights || begins_beat(ctx, map, p);
  });
}

/// Returns true if a beat of the map's rows begins with the pixel. A part of pixels may begin
/// anywhere.
bool begins_beat(const Lowering& ctx, const Map& map, const CodePlace& place) {
  return place.x % ctx.config.data_words() == 0 && map.part.x == 0 && map.part.y == 0 &&
         map.part.stride_x == 1 && map.part.stride_y == 1;
}

void set_weight_map(Lowering& ctx, const Op& o, Layer& layer, int map, const CodePlace& place,
                    int channels) {
  if (!layer.conv().weights_transposed && ctx.config.cols < ctx.config.data_words())
    note(ctx, refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                      ": computed weights of {} columns (array.cols), allowed whole beats of the "
                      "bus: {} columns or more",
                      ctx.config.cols, ctx.config.data_words()));
  layer.weights_map = channels_of(ctx, map, place.channel, channels);
  layer.conv().weights_y = place.y;
  layer.conv().weights_x = place.x;
  ctx.net.maps[at(ctx.net.whole_of(layer.weights_map))].weights = true;
}

Problem batch_matmul_problem(const Lowering& ctx, const Op& o) {
  if (!ctx.config.zero_points())
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   " needs products of two maps (matmul.enable)");
  if (is_wide(ctx, o))
    if (auto problem = wide_matmul_problem(ctx, o)) return problem;
  for (const int t : {o.input(0), o.input(1)})
    if (auto problem = ctx.axes.contains(t) ? std::nullopt : map_problem(ctx, t)) return problem;
  const Tensor& out = ctx.graph.out(o);
  if (out.rank() != 4 || out.extent(0) == 1)
    if (auto problem = out_problem(ctx, o)) return problem;
  const Op* joiner = joiner_of(ctx, o);
  if (joiner == nullptr) return result_problem(ctx, o);
  return first_of(out_problem(ctx, *joiner), result_problem(ctx, *joiner), result_problem(ctx, o));
}

void batch_matmul(Lowering& ctx, const Op& o) {
  const bool wide = is_wide(ctx, o);
  const Matrices a = matrices(ctx, o, 0, o.adjoint_a);
  const int block = block_of(ctx, o, a);
  const Matrices b =
      block > 0 ? Matrices{{}, a.channels, a.channels} : matrices(ctx, o, 1, !o.adjoint_b);
  const auto a_first = batches(ctx, o, 0, a),
             b_first = block > 0 ? std::vector<std::int64_t>{} : batches(ctx, o, 1, b);
  const auto rotations =
      block > 0 ? ctx.graph.in(o, 1).values<std::int8_t>() : std::vector<std::int8_t>{};
  const Tensor& out = ctx.graph.out(o);
  const auto count = static_cast<int>(a_first.size());
  const reference::ConvParams p = reference::conv_params(ctx.graph, o);
  const int zero[] = {ctx.graph.in(o, 0).zero_point(), ctx.graph.in(o, 1).zero_point()};

  const bool many = out.rank() == 4 && out.extent(0) > 1;  // images
  const Shape whole = many ? Shape{b.rows, count, a.rows} : out_shape(ctx, o);
  const std::optional<int> joined = joined_batches(ctx, o, count);
  const int to = joined ? *joined : count == 1 ? -1 : new_output(ctx, o, whole);
  const Shape from = ctx.shape(a.axes.map);
  std::array<int, 2> weights{b.axes.map, -1};
  if (wide) weights = {byte_plane(ctx, o, b.axes.map, false), byte_plane(ctx, o, b.axes.map, true)};
  for (int i = 0; i < count; ++i) {
    const std::int64_t row = a.axes.strides[a.axes.strides.size() - 2];
    const CodePlace place = code_place(ctx, a.axes.map, a_first[at(i)]);
    const Part words{-1, place.channel, place.y, place.x, 1, 1, static_cast<int>(row / 4)};
    Layer layer = start(ctx, o, LayerKind::kConv,
                        a.in_words ? add_part(ctx, a.axes.map, words, {a.channels, 1, a.rows})
                                   : channels_of(ctx, a.axes.map, place.channel, a.channels));
    layer.macs = std::int64_t{a.rows} * b.rows * a.channels;
    Geometry& g = layer.window;
    if (!a.in_words) {
      g.pad_top = -place.y;
      g.pad_left = -place.x;
      g.stride_x = a.rows > 1 ? static_cast<int>(row / from.C) : 1;
    }
    g.P = 1;
    g.Q = a.rows;
    layer.conv().precision =
        zero[0] != 0 || zero[1] != 0 ? isa::compute::Op::kMatmul : isa::compute::Op::kInt8;
    layer.conv().zero_point = zero[0];
    layer.conv().weights_zero = zero[1];
    set_scale(layer, b.rows, p.scales.at(0));
    layer.bias.assign(at(b.rows), a.channels * zero[0] * zero[1]);
    layer.half_even = o.half_even;
    layer.range = p.output;
    layer.conv().weights_transposed = b.transposed;
    const auto product = [&](int map) {
      Layer of = layer;
      if (block > 0)
        set_block_weights(std::span(rotations).subspan(at(i) * at(b.rows) * at(b.rows)), block, of);
      else
        set_weight_map(ctx, o, of, map, code_place(ctx, map, b_first[at(i)]),
                       b.transposed ? b.rows : b.channels);
      set_sweeps(of);
      return of;
    };
    if (wide) {
      std::array<Layer, 2> products{product(weights[0]), product(weights[1])};
      products[1].conv().weights_are_low = true;
      layer = wide_sums(ctx, o, std::move(products), true);
    } else {
      layer = product(weights[0]);
    }
    if (joined) {
      const Part part{-1, i * b.rows};
      add_layer_to(ctx, count == 1 ? to : add_part(ctx, to, part, {b.rows, 1, a.rows}),
                   std::move(layer));
      continue;
    }
    if (count == 1) return add_layer(ctx, o, std::move(layer));
    const int y = whole.H > 1 ? i : 0, x = whole.H > 1 ? 0 : i * a.rows;
    add_layer_to(ctx, add_part(ctx, to, {-1, 0, y, x}, {b.rows, 1, a.rows}), std::move(layer));
  }
}

}  // namespace trine::compiler
