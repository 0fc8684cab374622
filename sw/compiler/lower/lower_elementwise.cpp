// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_elementwise.h"

#include <algorithm>

#include "sw/base/division.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_matmul.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_reductions.h"
#include "sw/compiler/lower/lower_tables.h"
#include "sw/compiler/lower/lower_values.h"
#include "sw/compiler/lower/lower_words.h"
#include "sw/compiler/lower/maps.h"
#include "sw/compiler/network/forms.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/ops/softmax.h"

namespace trine::compiler {
namespace {

constexpr int kLargestSquareShift = 1;  ///< squares are below 2^30
constexpr int kMachineWord = 4;         ///< codes; channels in a group of the window former
constexpr int kMostGateSteps = 3;       ///< for a zero point of 8 bits

/// Returns the convolution that can compute an ADD in its post unit, because nothing else reads
/// its result.
std::optional<int> fusable(GraphFacts& facts, const Op& add, int position) {
  const int producer = producer_of(facts, add.input(position));
  if (producer < 0 || facts.readers[add.input(position)] != 1) return std::nullopt;
  const Op& o = facts.op(producer);
  if (!is_product(o.kind) || has_factors(o) || model::of_format(facts.graph, o) ||
      model::has_fixed_weights(facts.graph, o) || facts.rounding.of(o) != facts.rounding.of(add))
    return std::nullopt;
  return producer;
}

/// Refuses int16 sums, which are below 2^30 before they are scaled, if their scaled values may
/// exceed 32 bits.
Problem sum_problem(const Lowering& ctx, const Op& o) {
  return is_wide(ctx, o) ? scale_problem(ctx, o, reference::add_params(ctx.graph, o).result, 32)
                         : std::nullopt;
}

/// Returns the map that MUL multiplies by a code for each channel, if the array can use the operand
/// at `position` (the codes) as weights.
const Map* gated_map(const Lowering& ctx, const Op& o, int position) {
  const auto found = ctx.map_by_tensor.find(o.input(1 - position));
  if (found == ctx.map_by_tensor.end() || is_wide(ctx, o)) return nullptr;
  const Map& map = ctx.net.maps[at(found->second)];
  const Tensor &codes = ctx.graph.in(o, position), &out = ctx.graph.out(o);
  const Shape& s = map.shape;
  const bool fits = s.per_word == 4 && !s.wide && map.part.pixel_words == 0 &&
                    s.C == out.extent(-1) && codes.rank() > 0 && codes.elements() == s.C &&
                    codes.extent(-1) == s.C &&
                    ctx.graph.in(o, 1 - position).elements() == out.elements();
  return fits ? &map : nullptr;
}

/// Returns true if a convolution takes fewer cycles than MUL of the vector unit, which works by
/// pixels or by words.
/// @param computed  true if the codes must be repeated as weights; constants are weights already
bool gate_pays(const Lowering& ctx, const Shape& s, int steps, bool computed) {
  constexpr int kMulWord = 10, kShared = 6, kCopy = 6, kRun = 16, kLoads = 32;
  const int lanes = ctx.config.rows, pixels = s.H * s.W;
  const std::int64_t tiles = divide_up(pixels, lanes), words = s.channel_words();
  const std::int64_t rows = words * divide_up(steps, ctx.config.window_steps_per_row());
  const std::int64_t bus = 4 * rows * ctx.config.cols / (ctx.config.axi_data_bits / 8);
  const std::int64_t array = std::max(
      tiles * words * std::max(steps, divide_up(kMachineWord, ctx.config.columns_per_cycle)), bus);
  const std::int64_t shared = pixels * (divide_up<std::int64_t>(words, lanes) * kShared + lanes);
  const std::int64_t vector = std::min(tiles * words * kMulWord, shared);
  return computed ? array + kRun + kLoads < vector + tiles * words * kCopy : array + kRun < vector;
}

/// Returns a depthwise convolution whose steps all read the same pixel.
Layer gate(Lowering& ctx, const Op& o, int position, int steps) {
  const reference::MulParams mul = reference::mul_params(ctx.graph, o);
  Layer layer = start(ctx, o, LayerKind::kConv, map_of(ctx, o.input(1 - position)));
  const Shape& s = ctx.shape(layer.input);
  layer.half_even = needs_half_even(ctx, o);
  layer.range = mul.output;
  layer.window.R = steps;
  layer.window.dil_y = 0;
  set_groups(layer, s, s.C, 1, 1, ctx.config);
  Conv& conv = layer.conv();
  conv.zero_point = conv.outside = mul.zero_point[at(1 - position)];
  conv.steps_per_row = ctx.config.window_steps_per_row();
  set_scale(layer, s.C, mul.scale);
  layer.clear_weights();
  return layer;
}

/// Returns the operand, computed or constant, that the array can use as weights, one for each
/// channel.
std::optional<int> gate_of(const Lowering& ctx, const Op& o) {
  if (!ctx.config.zero_points() || !ctx.config.window()) return std::nullopt;
  for (const int position : {1, 0}) {
    const auto found = ctx.map_by_tensor.find(o.input(position));
    const Map* map = gated_map(ctx, o, position);
    if (map == nullptr || found == ctx.map_by_tensor.end()) continue;
    const Map& codes = ctx.net.maps[at(found->second)];
    const bool lies = begins_beat(ctx, codes, {}) && codes.part.channel % kMachineWord == 0 &&
                      codes.part.pixel_words == 0 && !codes.constant() &&
                      codes.shape.per_word == kMachineWord && codes.shape.pixels() == 1;
    if (lies && map->shape.pixels() > 1 && gate_pays(ctx, map->shape, kMostGateSteps, true))
      return position;
  }
  return std::nullopt;
}

/// Lowers MUL by computed codes. The weight of a channel is the gate's code minus its zero point,
/// which is up to 255, so it is split over steps. Of the first steps, one holds the code and others
/// hold constants. Their order differs from group to group, because a load stores channel words for
/// consecutive steps.
void computed_gate(Lowering& ctx, const Op& o, int position) {
  const int map = map_of(ctx, o.input(position));
  const int least = -reference::mul_params(ctx.graph, o).zero_point[at(position)];
  const int constants = least == 0 ? 0 : least > INT8_MAX ? 2 : 1;
  const int hidden = divide_up(kMachineWord, ctx.config.columns_per_cycle);  // hidden by the drain
  const int in_row = ctx.config.window_steps_per_row();
  Layer layer = gate(ctx, o, position, std::max(1 + constants, std::min(in_row, hidden)));
  Conv& conv = layer.conv();
  conv.precision = isa::compute::Op::kMatmul;
  conv.gate_words = std::min(in_row, layer.window.R);
  layer.pad_code = conv.zero_point;
  layer.weights_map = map;
  ctx.net.maps[at(ctx.net.whole_of(map))].weights = true;
  for (int m = 0; m < layer.channels; ++m) {
    const int own = m / kMachineWord % conv.gate_words;
    for (int i = 0, step = 0; i < constants; ++i, ++step) {
      if (step == own) ++step;
      const int share = i == 0 && constants == 2 ? least / 2 : least - (i == 0 ? 0 : least / 2);
      conv.weights.edit()[at(layer.weight_at(m, step))] = static_cast<std::int8_t>(share);
    }
  }
  set_sweeps(layer);
  add_layer(ctx, o, std::move(layer));
}

/// Splits a weight of nine bits into steps of eight bits each.
std::vector<std::int8_t> shares_of(int weight) {
  std::vector<std::int8_t> shares;
  do {
    shares.push_back(static_cast<std::int8_t>(std::clamp(weight, INT8_MIN, INT8_MAX)));
    weight -= shares.back();
  } while (weight != 0);
  return shares;
}

std::optional<int> constant_gate_of(const Lowering& ctx, const Op& o) {
  for (const int position : {1, 0}) {
    const Map* map = ctx.graph.in(o, position).is_constant ? gated_map(ctx, o, position) : nullptr;
    if (map != nullptr && ctx.config.window() && gate_pays(ctx, map->shape, 1, false))
      return position;
  }
  return std::nullopt;
}

/// Lowers MUL by constant codes, which become ordinary weights. As a second map they would need as
/// many words as the first.
void constant_gate(Lowering& ctx, const Op& o, int position) {
  const int zero_point = reference::mul_params(ctx.graph, o).zero_point[at(position)];
  std::vector<std::vector<std::int8_t>> shares;
  std::size_t steps = 1;
  for (const std::int8_t code : ctx.graph.in(o, position).values<std::int8_t>()) {
    shares.push_back(shares_of(code - zero_point));
    steps = std::max(steps, shares.back().size());
  }
  Layer layer = gate(ctx, o, position, static_cast<int>(steps));
  for (int m = 0; m < layer.channels; ++m)
    for (std::size_t step = 0; step < shares[at(m)].size(); ++step)
      tap_weight(layer, m, static_cast<int>(step), 0, m) = shares[at(m)][step];
  fold_zero_point(ctx, layer);
  add_layer(ctx, o, std::move(layer));
}

/// Lowers to two layers. The first computes exponentials by interpolation, with two points per
/// entry. The second divides each one by their sum; its table holds the reciprocal's points at odd
/// places and the differences to their neighbours.
void wide_softmax(Lowering& ctx, const Op& o) {
  Layer layer = start(ctx, o, LayerKind::kSoftmax, pixels(ctx, o, 0));
  layer.single = ctx.rounding.of(o) != reference::Rounding::kDouble;
  layer.range = {0, INT16_MIN, INT16_MAX};
  layer.over().difference = reference::exponential_scale(ctx.graph, o);
  const auto points = reference::exponential_points();
  for (std::size_t i = 0; i < isa::dma::kExponentialWords; ++i)
    layer.over().exponentials.push_back(static_cast<std::uint32_t>(points[2 * i]) |
                                        static_cast<std::uint32_t>(points[2 * i + 1]) << 16);
  Layer shares = start(ctx, o, LayerKind::kSoftmax, add_step(ctx, o, std::move(layer)));
  shares.single = true;
  shares.range = {0, 0, INT16_MAX};
  shares.over().shares = true;
  const auto falls = reference::reciprocal_points();
  for (std::size_t i = 1; i < falls.size(); i += 2)
    shares.over().exponentials.push_back(static_cast<std::uint32_t>(falls[i]) |
                                         static_cast<std::uint32_t>(falls[i - 1] - falls[i]) << 16 |
                                         static_cast<std::uint32_t>(falls[i] - falls[i + 1]) << 24);
  add_layer(ctx, o, std::move(shares));
}

}  // namespace

void find_fused_additions(GraphFacts& facts) {
  for (const int i : facts.part.ops) {
    const Op& add = facts.op(i);
    if (add.kind != OpKind::kAdd || add.input(0) == add.input(1) || is_function(facts, add) ||
        facts.graph.out(add).type != model::DataType::kInt8 || model::of_format(facts.graph, add))
      continue;
    std::optional<int> best;
    for (const int position : {0, 1}) {
      if (facts.graph.in(add, position).elements() != facts.graph.out(add).elements()) continue;
      const auto candidate = fusable(facts, add, position);
      if (candidate && (!best || model::macs(facts.graph, facts.op(*candidate)) >
                                     model::macs(facts.graph, facts.op(*best)))) {
        best = candidate;
        facts.fused_position[i] = position;
      }
    }
    if (!best) continue;
    facts.fused_into[*best] = i;
    facts.fused[i] = *best;
  }
}

Problem addition_problem(const Lowering& ctx, const Op& o) {
  if (model::of_format(ctx.graph, o)) return value_sum_problem(ctx, o);
  const auto fused = ctx.fused.find(ctx.index_of(o));
  if (fused == ctx.fused.end())
    return first_of(half_even_problem(ctx, o), sum_problem(ctx, o), operand_problem(ctx, o, 1),
                    operand_problem(ctx, o, 0), result_problem(ctx, o));
  return first_of(weights_problem(ctx, ctx.op(fused->second)), half_even_problem(ctx, o),
                  operand_problem(ctx, o, 1 - ctx.fused_position.at(ctx.index_of(o))),
                  result_problem(ctx, o));
}

void addition(Lowering& ctx, const Op& o) {
  if (model::of_format(ctx.graph, o)) return value_sum(ctx, o);
  const int index = ctx.index_of(o);
  const auto fused = ctx.fused.find(index);
  const int first = fused == ctx.fused.end() ? 0 : ctx.fused_position[index];
  std::optional<Layer> product;
  if (fused != ctx.fused.end()) product = product_layer(ctx, ctx.op(fused->second));
  const bool half_even = needs_half_even(ctx, o);
  const int second = operand(ctx, o, 1 - first);
  Layer layer = product ? std::move(*product) : start(ctx, o, LayerKind::kAdd, operand(ctx, o, 0));
  layer.half_even = half_even || layer.half_even;
  layer.add = reference::add_params(ctx.graph, o);
  if (layer.wide) layer.range = layer.add.output;
  if (first == 1) {
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  if (product) {
    layer.op += "+ADD";
    layer.name = ctx.graph.out(o).name;
  }
  layer.second = lain_as(ctx, o, second, shape_after(ctx, layer));
  add_layer(ctx, o, std::move(layer));
}

Problem subtraction_problem(const Lowering& ctx, const Op& o) {
  if (model::of_format(ctx.graph, o)) return value_sum_problem(ctx, o);
  if (auto problem = first_of(half_even_problem(ctx, o), sum_problem(ctx, o))) return problem;
  if (!o.half_even && !is_wide(ctx, o) && !sums_agree(ctx.graph, o, ctx.rounding.of(o)))
    return refusal(ctx, o, o.outputs[0], Reason::kRounding,
                   ": the machine negates before it rounds, which changes codes at these scales");
  return two_maps_problem(ctx, o);
}

/// Lowers a - b as a + ~b + 1: the second zero point is ~b's. For int16 codes the machine
/// subtracts.
void subtraction(Lowering& ctx, const Op& o) {
  if (model::of_format(ctx.graph, o)) return value_sum(ctx, o);
  const bool half_even = needs_half_even(ctx, o);
  Layer layer = two_maps(ctx, o, LayerKind::kAdd);
  layer.half_even = half_even;
  layer.pair().invert = true;
  layer.add = reference::add_params(ctx.graph, o);
  if (layer.wide)
    layer.range = layer.add.output;
  else
    layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  add_layer(ctx, o, std::move(layer));
}

void maximum(Lowering& ctx, const Op& o) {
  add_layer(ctx, o, two_maps(ctx, o, LayerKind::kMaximum));
}

void minimum(Lowering& ctx, const Op& o) {
  add_layer(ctx, o, two_maps(ctx, o, LayerKind::kMinimum));
}

Problem squared_difference_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = half_even_problem(ctx, o)) return problem;
  if (reference::add_params(ctx.graph, o).result.shift > kLargestSquareShift)
    return refusal(ctx, o, o.outputs[0], Reason::kRange,
                   ": its scale is too small for the machine's 32 bits");
  return two_maps_problem(ctx, o);
}

/// Complements the operand that is only halved, so that its sign can change: (a - b)^2 = (b - a)^2.
void squared_difference(Lowering& ctx, const Op& o) {
  const bool half_even = needs_half_even(ctx, o);
  const reference::AddParams add = reference::add_params(ctx.graph, o);
  Layer layer = two_maps(ctx, o, LayerKind::kSquare);
  layer.half_even = half_even;
  layer.pair().invert = true;
  layer.add = add;
  layer.range = add.output;
  if (ctx.graph.in(o, 0).scale() > ctx.graph.in(o, 1).scale()) {
    std::swap(layer.input, layer.second);
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  add_layer(ctx, o, std::move(layer));
}

Problem multiplication_problem(const Lowering& ctx, const Op& o) {
  if (is_wide(ctx, o))
    if (auto problem = scale_problem(ctx, o, reference::mul_params(ctx.graph, o).scale, 32))
      return problem;
  return first_of(half_even_problem(ctx, o), two_maps_problem(ctx, o));
}

void multiplication(Lowering& ctx, const Op& o) {
  if (const auto position = constant_gate_of(ctx, o)) return constant_gate(ctx, o, *position);
  if (const auto position = gate_of(ctx, o)) return computed_gate(ctx, o, *position);
  const bool half_even = needs_half_even(ctx, o);
  Layer layer = two_maps(ctx, o, LayerKind::kMul);
  layer.half_even = half_even;
  layer.pair().mul = reference::mul_params(ctx.graph, o);
  layer.range = layer.pair().mul.output;
  add_layer(ctx, o, std::move(layer));
}

Problem two_maps_problem(const Lowering& ctx, const Op& o) {
  return first_of(operand_problem(ctx, o, 0), operand_problem(ctx, o, 1), result_problem(ctx, o));
}

Layer two_maps(Lowering& ctx, const Op& o, LayerKind kind) {
  Layer layer = start(ctx, o, kind, operand(ctx, o, 0));
  const int second = operand(ctx, o, 1);
  layer.second = lain_as(ctx, o, second, ctx.shape(layer.input));
  return layer;
}

/// Returns the map in the layout of the other operand. Reshaped maps keep their layout, which may
/// differ.
int lain_as(Lowering& ctx, const Op& o, int map, Shape other) {
  const Shape s = ctx.shape(map);
  if (s == other) return map;
  return in_order(ctx, o, {map, 0, {s.C * s.H * s.W}, {1}}, other, false);
}

Problem operand_problem(const Lowering& ctx, const Op& o, int position) {
  const int tensor = o.input(position);
  const Tensor& t = ctx.graph.tensor(tensor);
  if (!t.is_constant && t.elements() == ctx.graph.out(o).elements())
    return map_problem(ctx, tensor);
  if (auto problem = out_problem(ctx, o); problem || t.is_constant) return problem;
  return first_of(shape_problem(aligned(t.shape, ctx.graph.out(o).shape.size()),
                                with_tensor(ctx.graph, o, tensor)),
                  map_problem(ctx, tensor));
}

int operand(Lowering& ctx, const Op& o, int position) {
  const int tensor = o.input(position);
  const Tensor& t = ctx.graph.tensor(tensor);
  const std::vector<int>& extents = ctx.graph.out(o).shape;
  if (!t.is_constant && t.elements() == ctx.graph.out(o).elements()) return map_of(ctx, tensor);
  const Shape to = out_shape(ctx, o);
  if (t.is_constant) {
    const auto other = ctx.map_by_tensor.find(o.input(1 - position));  // may be a reshaped map
    const bool whole = other != ctx.map_by_tensor.end() &&
                       ctx.graph.tensor(other->first).elements() == ctx.graph.out(o).elements();
    const int map = add_map(ctx, tensor, whole ? ctx.shape(other->second) : to);
    const int bytes = model::bytes_of(t.type);
    const auto codes = t.values<std::int8_t>();
    for (const std::int64_t from : reference::broadcast(t.shape, extents))
      for (int b = 0; b < bytes; ++b)
        ctx.net.maps[at(map)].codes.push_back(codes[at(from * bytes + b)]);
    return map;
  }
  const Shape s = shape_of(aligned(t.shape, extents.size()), with_tensor(ctx.graph, o, tensor));
  const auto repeats = [](int from, int all) { return from == 1 || from == all; };
  if (!repeats(s.C, to.C) || !repeats(s.W, to.W) || !repeats(s.H, to.H)) {
    note(ctx, refusal(ctx, o, tensor, Reason::kShape,
                      ": a map of {} x {} x {} cannot be broadcast to {} x {} x {}", s.H, s.W, s.C,
                      to.H, to.W, to.C));
    return add_map(ctx, tensor, to);
  }
  return repeated(ctx, o, lain_as(ctx, o, map_of(ctx, tensor), s), to);
}

int repeated(Lowering& ctx, const Op& o, int map, const Shape& to) {
  const int tensor = ctx.net.maps[at(map)].tensor;
  if (ctx.shape(map).C != to.C) {
    Layer layer = selection(ctx, o, map, std::vector<int>(at(to.C), 0));
    map = add_map(ctx, tensor, {to.C, ctx.shape(map).H, ctx.shape(map).W});
    add_layer_to(ctx, map, std::move(layer));
  }
  for (const bool rows : {false, true}) {  // first the columns, which may be one row
    const Shape s = ctx.shape(map);
    if (rows ? s.H == to.H : s.W == to.W) continue;
    Layer layer = start(ctx, o, LayerKind::kMax, map);
    Geometry& g = layer.window;
    (rows ? g.stride_y : g.stride_x) = 0;
    (rows ? g.P : g.Q) = rows ? to.H : to.W;
    map = add_map(ctx, tensor, {s.C, g.P, g.Q});
    add_layer_to(ctx, map, std::move(layer));
  }
  return map;
}

Layer copy(const Lowering& ctx, const Op& o, int map) {
  Layer layer = start(ctx, o, LayerKind::kSum, map);
  layer.single = true;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, kOne, 0}};
  return layer;
}

Problem requantize_problem(const Lowering& ctx, const Op& o) {
  const model::DataType from = ctx.graph.in(o, 0).type;
  if (quantizes_words(ctx.graph, o, ctx.config)) return word_problem(ctx, o);
  if (!is_map(ctx, o.input(0)))
    return refusal(ctx, o, o.input(0), Reason::kType, " is {}, but the machine reads int8",
                   model::name_of(from));
  if (is_wide(ctx, o) || from == model::DataType::kInt16) {
    const int bits = from == model::DataType::kInt16 ? 16 : 9;
    const reference::RequantizeParams p = reference::requantize_params(ctx.graph, o);
    if (p.negative.multiplier < 0)
      return refusal(ctx, o, o.outputs[0], Reason::kRange,
                     ": a negative slope, allowed 0 and above");
    if (auto problem =
            first_of(scale_problem(ctx, o, p.scale, bits), scale_problem(ctx, o, p.negative, bits)))
      return problem;
  }
  return first_of(half_even_problem(ctx, o), map_problem(ctx, o.input(0)), result_problem(ctx, o));
}

void requantize(Lowering& ctx, const Op& o) {
  if (quantizes_words(ctx.graph, o, ctx.config))
    return is_wide(ctx, o) ? codes_of_words(ctx, o) : words_of_codes(ctx, o);
  Layer layer = start(ctx, o, LayerKind::kSum, map_of(ctx, o.input(0)));
  layer.half_even = needs_half_even(ctx, o);
  layer.wide |= is_wide(ctx, o);
  const reference::RequantizeParams p = reference::requantize_params(ctx.graph, o);
  layer.range = p.output;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, -p.zero_point}};
  if (p.negative != p.scale) layer.pool().negative = p.negative;
  add_layer(ctx, o, std::move(layer));
}

Problem scale_problem(const Lowering& ctx, const Op& o, const ChannelScale& scale, int bits) {
  if (bits + scale.shift <= 32) return std::nullopt;
  return refusal(ctx, o, o.outputs[0], Reason::kRange, ": a scale of 2^{}, allowed up to 2^{}",
                 scale.shift, 32 - bits);
}

Problem count_problem(const Lowering& ctx, const Op& o, std::int64_t count, std::int64_t most) {
  if (count <= most) return std::nullopt;
  return refusal(ctx, o, o.input(0), Reason::kShape, ": sums of {} int16 values, allowed {}", count,
                 most);
}

Problem softmax_problem(const Graph& graph, const Op& o, const spec::Config& config) {
  const std::string what = with_tensor(graph, o, o.outputs[0]);
  if (!config.has_softmax())
    return model::refusal(Reason::kConfiguration, "{}: a softmax requires vector.softmax", what);
  const bool wide = graph.out(o).type == model::DataType::kInt16 && config.activations16;
  for (const int t : {o.input(0), o.outputs[0]})
    if (graph.tensor(t).type != model::DataType::kInt8 && !wide)
      return model::refusal(Reason::kType, "{}: '{}' is {}, but the machine computes int8", what,
                            graph.tensor(t).name, model::name_of(graph.tensor(t).type));
  if (wide && !config.table)
    return model::refusal(Reason::kConfiguration, "{}: needs the lookup table (vector.table)",
                          what);
  return std::nullopt;
}

Problem softmax_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = first_of(compiler::softmax_problem(ctx.graph, o, ctx.config),
                              pixels_problem(ctx, o, 0), result_problem(ctx, o)))
    return problem;
  if (!is_wide(ctx, o)) return std::nullopt;
  constexpr int kMostTerms = 2047;  // the sum of more terms needs more than 26 bits
  return first_of(count_problem(ctx, o, ctx.graph.out(o).extent(-1), kMostTerms),
                  scale_problem(ctx, o, reference::exponential_scale(ctx.graph, o), 17));
}

void softmax(Lowering& ctx, const Op& o) {
  if (is_wide(ctx, o)) return wide_softmax(ctx, o);
  Layer layer = reading_pixels(ctx, o, LayerKind::kSoftmax);
  layer.single = false;
  const reference::SoftmaxParams p = reference::softmax_params(ctx.graph, o);
  layer.range = p.output;
  layer.over().rescale = p.rescale;
  for (int difference = 0; difference < isa::dma::kExponentialWords; ++difference)
    layer.over().exponentials.push_back(
        static_cast<std::uint32_t>(reference::exponential(-difference, p)));
  add_layer(ctx, o, std::move(layer));
}

Problem normalization_problem(const Lowering& ctx, const Op& o) {
  if (!ctx.config.has_softmax())
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   ": a normalization requires vector.softmax");
  const int count = reference::norm_params(ctx.graph, o).count;
  if (round_up(count, ctx.config.data_words()) > ctx.config.param_channels)
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   ": {} elements in each row, memory.param_channels is {}", count,
                   ctx.config.param_channels);
  return first_of(pixels_problem(ctx, o, 0), result_problem(ctx, o));
}

void normalization(Lowering& ctx, const Op& o) {
  reference::NormParams norm = reference::norm_params(ctx.graph, o);
  Layer layer = start(ctx, o, LayerKind::kNormalize, pixels(ctx, o, 0));
  layer.single = true;
  layer.channels = norm.count;
  layer.range = norm.output;
  for (const reference::NormChannel& c : norm.channels) {
    layer.scales.push_back(c.scale);
    if (c.negative) layer.scales.back().shift += 32;  // marks a negative factor
    layer.bias.push_back(c.bias);
  }
  for (int i = 0; i < isa::dma::kExponentialWords; ++i)
    layer.over().exponentials.push_back(reference::norm_entry(i, norm.origin));
  layer.over().norm = std::move(norm);
  add_layer(ctx, o, std::move(layer));
}

}  // namespace trine::compiler
