// SPDX-License-Identifier: Apache-2.0
//
// Lowers products of two maps. Each batch is a convolution of one tap whose weights are the second
// map's codes, a pixel for each output channel. int16 maps need two convolutions, one with the high
// and one with the low bytes of the second map. Their int32 words are joined to one sum.

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {
namespace {

constexpr int kWideTerms = 256;  ///< int16: each word of their sums has 32 bits

}  // namespace

Maps::Place Maps::code_place(int map, std::int64_t code) const {
  const Shape& s = shape(map);
  const std::int64_t pixel = code / s.C;
  return {static_cast<int>(code % s.C), static_cast<int>(pixel / s.W),
          static_cast<int>(pixel % s.W)};
}

bool Maps::zero_behind(int map) const {
  const Map& m = net_.maps[at(map)];
  if (m.shape.C % m.shape.per_word == 0) return true;
  const int whole = net_.whole_of(map);
  if (m.part.channel + m.shape.C != shape(whole).C) return false;
  return std::ranges::all_of(net_.layers, [&](const Layer& l) {
    return l.kind == LayerKind::kConv || (l.kind == LayerKind::kSoftmax && !l.wide) ||
           l.kind == LayerKind::kWords || net_.whole_of(l.output) != whole;
  });
}

bool Maps::readable(const Matrices& m, const std::vector<std::int64_t>& first, bool weights) const {
  const Map& map = net_.maps[at(m.axes.map)];
  const Shape& s = map.shape;
  const std::int64_t row = m.axes.strides[m.axes.strides.size() - 2];
  if (m.channels > 1 && m.axes.strides.back() != 1) return false;
  if (m.rows > 1 && (row % s.C != 0 || row / s.C > (weights ? 1 : kMostStride))) return false;
  if (m.channels % 4 != 0 && !(m.channels == s.C && zero_behind(m.axes.map))) return false;
  return std::ranges::all_of(first, [&](std::int64_t code) {
    const Place p = code_place(m.axes.map, code);
    if (p.channel % 4 != 0 || p.channel + m.channels > s.C) return false;
    if (p.x + (m.rows - 1) * (row / s.C) >= s.W && m.rows > 1) return false;
    return !weights || begins_beat(map, p);
  });
}

/// Returns true if a beat of the map's rows begins with the pixel. A part of pixels may begin
/// anywhere.
bool Maps::begins_beat(const Map& map, const Place& place) const {
  return place.x % config_.data_words() == 0 && map.part.x == 0 && map.part.y == 0 &&
         map.part.stride_x == 1 && map.part.stride_y == 1;
}

/// Returns true if the weights' rows are channels and their channels are neighbours in a plane.
bool Lowering::readable_transposed(const Matrices& m,
                                   const std::vector<std::int64_t>& first) const {
  const Map& map = net_.maps[at(m.axes.map)];
  const Shape& s = map.shape;
  if (config_.cols < 4) return false;
  if (m.rows > 1 && m.axes.strides[m.axes.strides.size() - 2] != 1) return false;
  if (m.channels > 1 && m.axes.strides.back() != s.C) return false;
  return std::ranges::all_of(first, [&](std::int64_t code) {
    const Place p = code_place(m.axes.map, code);
    return p.channel % 4 == 0 && p.channel + m.rows <= s.C && p.x + m.channels <= s.W &&
           begins_beat(map, p);
  });
}

bool Lowering::lie_in_words(const Matrices& m, const std::vector<std::int64_t>& first) const {
  const Map& map = net_.maps[at(m.axes.map)];
  const std::int64_t row = m.axes.strides[m.axes.strides.size() - 2];
  const std::int64_t codes = (m.rows - 1) * row + m.channels;
  return map.shape.per_word == 4 && m.rows > 1 && m.axes.strides.back() == 1 &&
         m.channels % 4 == 0 && row % 4 == 0 && std::ranges::all_of(first, [&](std::int64_t code) {
           const std::int64_t channel = code % map.shape.C;
           return channel % 4 == 0 && channel + codes <= map.shape.C;
         });
}

Maps::Matrices Lowering::matrices(const Op& o, int position, bool adjoint) {
  Matrices m{axes_of(o.input(position)), 1, 1};
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
  const auto firsts = batches(o, position, m);
  m.in_words = !weights && !is_wide(o) && lie_in_words(m, firsts);
  if (m.in_words || readable(m, firsts, weights)) return m;
  m.transposed = weights && readable_transposed(m, firsts);
  if (m.transposed) return m;
  // Each batch's matrix becomes a row.
  std::int64_t count = 1;
  for (std::size_t i = 0; i + 2 < extents.size(); ++i) count *= extents[i];
  const std::int64_t most = 32767;
  if (count > most || m.rows > most) {
    note(refusal(o, o.input(position), Reason::kRange,
                 ": {} matrices of {} rows, allowed 1..{} each", count, m.rows, most));
    return m;
  }
  m.axes.map = in_order(o, m.axes, {m.channels, static_cast<int>(count), m.rows}, true);
  first = 0;
  std::int64_t stride = 1;
  for (std::size_t i = extents.size(); i-- > 0; stride *= extents[i]) strides[i] = stride;
  return m;
}

std::vector<std::int64_t> Lowering::batches(const Op& o, int position, const Matrices& from) const {
  Axes axes{from.axes.map, from.axes.first, graph_.out(o).shape, {}};
  axes.extents.resize(axes.extents.size() - 2);
  const std::size_t missing = graph_.out(o).shape.size() - graph_.in(o, position).shape.size();
  for (std::size_t i = 0; i < axes.extents.size(); ++i) {
    const bool repeated = i < missing || from.axes.extents[i - missing] == 1;
    axes.strides.push_back(repeated ? 0 : from.axes.strides[i - missing]);
  }
  return codes_of(axes);
}

void Maps::set_weights(const Op& o, Layer& layer, int map, const Place& place, int channels) {
  if (!layer.conv().weights_transposed && config_.cols < config_.data_words())
    note(refusal(o, o.outputs[0], Reason::kConfiguration,
                 ": computed weights of {} columns (array.cols), allowed whole beats of the bus: "
                 "{} columns or more",
                 config_.cols, config_.data_words()));
  layer.weights_map = channels_of(map, place.channel, channels);
  layer.conv().weights_y = place.y;
  layer.conv().weights_x = place.x;
  net_.maps[at(net_.whole_of(layer.weights_map))].weights = true;
}

const Op* GraphFacts::joiner_of(const Op& o) const {
  const Tensor& out = graph_.out(o);
  const Op* transpose = reader_of(o.outputs[0], OpKind::kTranspose);
  if (transpose == nullptr || out.rank() < 3 || out.extent(-1) % 4 != 0) return nullptr;
  return reader_of(transpose->outputs[0], OpKind::kReshape);
}

std::optional<int> Lowering::joined_batches(const Op& o, int batches) {
  const Tensor& out = graph_.out(o);
  const Op* reshape = joiner_of(o);
  if (reshape == nullptr) return std::nullopt;
  // The axes longer than 1 are reordered from batches, rows, channels to rows, batches, channels.
  const int rank = out.rank();
  std::vector<int> wanted{rank - 2};
  for (int axis = 0; axis + 2 < rank; ++axis) wanted.push_back(axis);
  wanted.push_back(rank - 1);
  const auto one = [&](int axis) { return out.shape[at(axis)] == 1; };
  std::vector<int> order =
      *model::permutation(graph_, *reader_of(o.outputs[0], OpKind::kTranspose));
  for (std::vector<int>* list : {&wanted, &order}) std::erase_if(*list, one);
  const Shape shape = out_shape(*reshape);
  if (order != wanted || !(shape == Shape{batches * out.extent(-1), 1, out.extent(-2)}))
    return std::nullopt;
  const int map = map_of_[reshape->outputs[0]] = output_map(reshape->outputs[0], shape);
  Axes axes{map, 0, out.shape, {}};
  std::int64_t stride = out.extent(-1);
  axes.strides.assign(at(rank), 1);
  axes.strides[at(rank - 2)] = shape.C;
  for (int axis = rank - 2; axis-- > 0; stride *= out.shape[at(axis)])
    axes.strides[at(axis)] = stride;
  axes_[o.outputs[0]] = axes;
  return map;
}

Problem Lowering::batch_matmul_problem(const Op& o) const {
  if (!config_.zero_points())
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   " needs products of two maps (matmul.enable)");
  if (is_wide(o))
    if (auto problem = wide_matmul_problem(o)) return problem;
  for (const int t : {o.input(0), o.input(1)})
    if (auto problem = axes_.contains(t) ? std::nullopt : map_problem(t)) return problem;
  const Tensor& out = graph_.out(o);
  if (out.rank() != 4 || out.extent(0) == 1)
    if (auto problem = out_problem(o)) return problem;
  const Op* joiner = joiner_of(o);
  if (joiner == nullptr) return result_problem(o);
  return first_of(out_problem(*joiner), result_problem(*joiner), result_problem(o));
}

Problem Lowering::wide_matmul_problem(const Op& o) const {
  const int terms = graph_.in(o, 0).extent(o.adjoint_a ? -2 : -1);
  if (!config_.vector)
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   " adds two int32 sums, which requires vector.enable");
  if (terms > kWideTerms)
    return refusal(o, o.outputs[0], Reason::kRange, ": sums of {} int16 products, allowed 1..{}",
                   terms, kWideTerms);
  if (rounding_.of(o) == reference::Rounding::kSingle)
    return refusal(o, o.outputs[0], Reason::kRounding,
                   ": products of int16 maps with one rounding, allowed two roundings, as in "
                   "LiteRT up to 1.2 (--rounding double)");
  if (const int shift = reference::conv_params(graph_, o).scales.at(0).shift; shift > 14)
    return refusal(o, o.outputs[0], Reason::kRange, " has a scale of 2^{}, allowed up to 2^14",
                   shift);
  return std::nullopt;
}

/// Returns the block size for heads of one pixel. They are many planes apart, so that all lanes
/// read the same bank. Each word that is not read saves as many cycles as there are lanes.
int Lowering::block_of(const Op& o, const Matrices& a) const {
  const Tensor& b = graph_.in(o, 1);
  const int n = a.channels;
  if (!b.is_constant || !a.in_words || shape(a.axes.map).pixels() == 1 || !o.adjoint_b ||
      b.extent(-2) != n || b.zero_point() != 0 || graph_.in(o, 0).zero_point() != 0 ||
      b.elements() / n != graph_.out(o).elements() / a.rows)
    return 0;
  const auto codes = b.values<std::int8_t>();
  const auto mixes = [&](int block) {
    for (std::size_t i = 0; i < codes.size(); ++i)
      if (codes[i] != 0 && i / at(n) % at(n) / at(block) != i % at(n) / at(block)) return false;
    return true;
  };
  int block = std::min(config_.cols, n / 2) / 4 * 4;
  while (block > 0 && n % block != 0) block -= 4;
  if (block == 0) return 0;
  constexpr int kRun = 33;  // cycles of a block's RUN
  const int word = divide_up(a.rows, config_.rows) * std::min(a.rows, config_.rows);
  const int all = divide_up(n, config_.cols) * n / 4 * word;
  return n / block * (kRun + block / 4 * word) < all && mixes(block) ? block : 0;
}

void Lowering::set_block_weights(std::span<const std::int8_t> matrix, int block, Layer& layer) {
  const int n = layer.channels;
  layer.group_channels = block;
  layer.words = block / 4;
  layer.clear_weights();
  for (int m = 0; m < n; ++m)
    for (int c = 0; c < block; ++c)
      weight(layer, m, 0, 0, c) = matrix[at(m) * at(n) + at(m / block * block + c)];
}

void Lowering::batch_matmul(const Op& o) {
  const bool wide = is_wide(o);
  const Matrices a = matrices(o, 0, o.adjoint_a);
  const int block = block_of(o, a);
  const Matrices b =
      block > 0 ? Matrices{{}, a.channels, a.channels} : matrices(o, 1, !o.adjoint_b);
  const auto a_first = batches(o, 0, a),
             b_first = block > 0 ? std::vector<std::int64_t>{} : batches(o, 1, b);
  const auto rotations =
      block > 0 ? graph_.in(o, 1).values<std::int8_t>() : std::vector<std::int8_t>{};
  const Tensor& out = graph_.out(o);
  const auto count = static_cast<int>(a_first.size());
  const reference::ConvParams p = reference::conv_params(graph_, o);
  const int zero[] = {graph_.in(o, 0).zero_point(), graph_.in(o, 1).zero_point()};

  const bool many = out.rank() == 4 && out.extent(0) > 1;  // images
  const Shape whole = many ? Shape{b.rows, count, a.rows} : out_shape(o);
  const std::optional<int> joined = joined_batches(o, count);
  const int to = joined ? *joined : count == 1 ? -1 : new_output(o, whole);
  const Shape from = shape(a.axes.map);
  std::array<int, 2> weights{b.axes.map, -1};
  if (wide) weights = {byte_plane(o, b.axes.map, false), byte_plane(o, b.axes.map, true)};
  for (int i = 0; i < count; ++i) {
    const std::int64_t row = a.axes.strides[a.axes.strides.size() - 2];
    const Place place = code_place(a.axes.map, a_first[at(i)]);
    const Part words{-1, place.channel, place.y, place.x, 1, 1, static_cast<int>(row / 4)};
    Layer layer = start(o, LayerKind::kConv,
                        a.in_words ? add_part(a.axes.map, words, {a.channels, 1, a.rows})
                                   : channels_of(a.axes.map, place.channel, a.channels));
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
        set_weights(o, of, map, code_place(map, b_first[at(i)]),
                    b.transposed ? b.rows : b.channels);
      set_sweeps(of);
      return of;
    };
    if (wide) {
      std::array<Layer, 2> products{product(weights[0]), product(weights[1])};
      products[1].conv().weights_are_low = true;
      layer = wide_sums(o, std::move(products), true);
    } else {
      layer = product(weights[0]);
    }
    if (joined) {
      const Part part{-1, i * b.rows};
      add_layer_to(count == 1 ? to : add_part(to, part, {b.rows, 1, a.rows}), std::move(layer));
      continue;
    }
    if (count == 1) return add_layer(o, std::move(layer));
    const int y = whole.H > 1 ? i : 0, x = whole.H > 1 ? 0 : i * a.rows;
    add_layer_to(add_part(to, {-1, 0, y, x}, {b.rows, 1, a.rows}), std::move(layer));
  }
}

}  // namespace trine::compiler
