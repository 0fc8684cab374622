// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "sw/base/division.h"
#include "sw/compiler/lower/lowering.h"
#include "sw/compiler/network/forms.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/ops/softmax.h"

namespace trine::compiler {
namespace {

constexpr int kLargestSquareShift = 1;  ///< squares are below 2^30
constexpr int kMachineWord = 4;         ///< codes; channels in a group of the window former
constexpr int kMostGateSteps = 3;       ///< for a zero point of 8 bits

}  // namespace

std::optional<int> GraphFacts::fusable(const Op& add, int position) {
  const int producer = producer_of(add.input(position));
  if (producer < 0 || readers_[add.input(position)] != 1) return std::nullopt;
  const Op& o = op(producer);
  if (!is_product(o.kind) || has_factors(o) || model::of_format(graph_, o) ||
      model::has_fixed_weights(graph_, o) || rounding_.of(o) != rounding_.of(add))
    return std::nullopt;
  return producer;
}

void GraphFacts::find_fused_additions() {
  for (const int i : machine_) {
    const Op& add = op(i);
    if (add.kind != OpKind::kAdd || add.input(0) == add.input(1) || is_function(add) ||
        graph_.out(add).type != model::DataType::kInt8 || model::of_format(graph_, add))
      continue;
    std::optional<int> best;
    for (const int position : {0, 1}) {
      if (graph_.in(add, position).elements() != graph_.out(add).elements()) continue;
      const auto candidate = fusable(add, position);
      if (candidate &&
          (!best || model::macs(graph_, op(*candidate)) > model::macs(graph_, op(*best)))) {
        best = candidate;
        fused_position_[i] = position;
      }
    }
    if (!best) continue;
    fused_into_[*best] = i;
    fused_[i] = *best;
  }
}

Problem Lowering::addition_problem(const Op& o) const {
  if (model::of_format(graph_, o)) return value_sum_problem(o);
  const auto fused = fused_.find(index_of(o));
  if (fused == fused_.end())
    return first_of(half_even_problem(o), sum_problem(o), operand_problem(o, 1),
                    operand_problem(o, 0), result_problem(o));
  return first_of(weights_problem(op(fused->second)), half_even_problem(o),
                  operand_problem(o, 1 - fused_position_.at(index_of(o))), result_problem(o));
}

void Lowering::addition(const Op& o) {
  if (model::of_format(graph_, o)) return value_sum(o);
  const int index = index_of(o);
  const auto fused = fused_.find(index);
  const int first = fused == fused_.end() ? 0 : fused_position_[index];
  std::optional<Layer> product;
  if (fused != fused_.end()) product = product_layer(op(fused->second));
  const bool half_even = needs_half_even(o);
  const int second = operand(o, 1 - first);
  Layer layer = product ? std::move(*product) : start(o, LayerKind::kAdd, operand(o, 0));
  layer.half_even = half_even || layer.half_even;
  layer.add = reference::add_params(graph_, o);
  if (layer.wide) layer.range = layer.add.output;
  if (first == 1) {
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  if (product) {
    layer.op += "+ADD";
    layer.name = graph_.out(o).name;
  }
  layer.second = lain_as(o, second, shape_after(layer));
  add_layer(o, std::move(layer));
}

Problem Lowering::subtraction_problem(const Op& o) const {
  if (model::of_format(graph_, o)) return value_sum_problem(o);
  if (auto problem = first_of(half_even_problem(o), sum_problem(o))) return problem;
  if (!o.half_even && !is_wide(o) && !sums_agree(graph_, o, rounding_.of(o)))
    return refusal(o, o.outputs[0], Reason::kRounding,
                   ": the machine negates before it rounds, which changes codes at these scales");
  return two_maps_problem(o);
}

/// Refuses int16 sums, which are below 2^30 before they are scaled, if their scaled values may
/// exceed 32 bits.
Problem Lowering::sum_problem(const Op& o) const {
  return is_wide(o) ? scale_problem(o, reference::add_params(graph_, o).result, 32) : std::nullopt;
}

/// Lowers a - b as a + ~b + 1: the second zero point is ~b's. For int16 codes the machine
/// subtracts.
void Lowering::subtraction(const Op& o) {
  if (model::of_format(graph_, o)) return value_sum(o);
  const bool half_even = needs_half_even(o);
  Layer layer = two_maps(o, LayerKind::kAdd);
  layer.half_even = half_even;
  layer.pair().invert = true;
  layer.add = reference::add_params(graph_, o);
  if (layer.wide)
    layer.range = layer.add.output;
  else
    layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  add_layer(o, std::move(layer));
}

Problem Lowering::squared_difference_problem(const Op& o) const {
  if (auto problem = half_even_problem(o)) return problem;
  if (reference::add_params(graph_, o).result.shift > kLargestSquareShift)
    return refusal(o, o.outputs[0], Reason::kRange,
                   ": its scale is too small for the machine's 32 bits");
  return two_maps_problem(o);
}

/// Complements the operand that is only halved, so that its sign can change: (a - b)^2 = (b - a)^2.
void Lowering::squared_difference(const Op& o) {
  const bool half_even = needs_half_even(o);
  const reference::AddParams add = reference::add_params(graph_, o);
  Layer layer = two_maps(o, LayerKind::kSquare);
  layer.half_even = half_even;
  layer.pair().invert = true;
  layer.add = add;
  layer.range = add.output;
  if (graph_.in(o, 0).scale() > graph_.in(o, 1).scale()) {
    std::swap(layer.input, layer.second);
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  add_layer(o, std::move(layer));
}

Problem Lowering::multiplication_problem(const Op& o) const {
  if (is_wide(o))
    if (auto problem = scale_problem(o, reference::mul_params(graph_, o).scale, 32)) return problem;
  return first_of(half_even_problem(o), two_maps_problem(o));
}

/// Returns the map that MUL multiplies by a code for each channel, if the array can use the operand
/// at `position` (the codes) as weights.
const Map* Lowering::gated_map(const Op& o, int position) const {
  const auto found = map_of_.find(o.input(1 - position));
  if (found == map_of_.end() || is_wide(o)) return nullptr;
  const Map& map = net_.maps[at(found->second)];
  const Tensor &codes = graph_.in(o, position), &out = graph_.out(o);
  const Shape& s = map.shape;
  const bool fits = s.per_word == 4 && !s.wide && map.part.pixel_words == 0 &&
                    s.C == out.extent(-1) && codes.rank() > 0 && codes.elements() == s.C &&
                    codes.extent(-1) == s.C &&
                    graph_.in(o, 1 - position).elements() == out.elements();
  return fits ? &map : nullptr;
}

/// Returns true if a convolution takes fewer cycles than MUL of the vector unit, which works by
/// pixels or by words.
/// @param computed  true if the codes must be repeated as weights; constants are weights already
bool Lowering::gate_pays(const Shape& s, int steps, bool computed) const {
  constexpr int kMulWord = 10, kShared = 6, kCopy = 6, kRun = 16, kLoads = 32;
  const int lanes = config_.rows, pixels = s.H * s.W;
  const std::int64_t tiles = divide_up(pixels, lanes), words = s.channel_words();
  const std::int64_t rows = words * divide_up(steps, config_.window_steps_per_row());
  const std::int64_t bus = 4 * rows * config_.cols / (config_.axi_data_bits / 8);
  const std::int64_t array = std::max(
      tiles * words * std::max(steps, divide_up(kMachineWord, config_.columns_per_cycle)), bus);
  const std::int64_t shared = pixels * (divide_up<std::int64_t>(words, lanes) * kShared + lanes);
  const std::int64_t vector = std::min(tiles * words * kMulWord, shared);
  return computed ? array + kRun + kLoads < vector + tiles * words * kCopy : array + kRun < vector;
}

/// Returns a depthwise convolution whose steps all read the same pixel.
Layer Lowering::gate(const Op& o, int position, int steps) {
  const reference::MulParams mul = reference::mul_params(graph_, o);
  Layer layer = start(o, LayerKind::kConv, map_of(o.input(1 - position)));
  const Shape& s = shape(layer.input);
  layer.half_even = needs_half_even(o);
  layer.range = mul.output;
  layer.window.R = steps;
  layer.window.dil_y = 0;
  set_groups(layer, s, s.C, 1, 1, config_);
  Conv& conv = layer.conv();
  conv.zero_point = conv.outside = mul.zero_point[at(1 - position)];
  conv.steps_per_row = config_.window_steps_per_row();
  set_scale(layer, s.C, mul.scale);
  layer.clear_weights();
  return layer;
}

std::optional<int> Lowering::gate_of(const Op& o) const {
  if (!config_.zero_points() || !config_.window()) return std::nullopt;
  for (const int position : {1, 0}) {
    const auto found = map_of_.find(o.input(position));
    const Map* map = gated_map(o, position);
    if (map == nullptr || found == map_of_.end()) continue;
    const Map& codes = net_.maps[at(found->second)];
    const bool lies = begins_beat(codes, {}) && codes.part.channel % kMachineWord == 0 &&
                      codes.part.pixel_words == 0 && !codes.constant() &&
                      codes.shape.per_word == kMachineWord && codes.shape.pixels() == 1;
    if (lies && map->shape.pixels() > 1 && gate_pays(map->shape, kMostGateSteps, true))
      return position;
  }
  return std::nullopt;
}

/// Lowers MUL by computed codes. The weight of a channel is the gate's code minus its zero point,
/// which is up to 255, so it is split over steps. Of the first steps, one holds the code and others
/// hold constants. Their order differs from group to group, because a load stores channel words for
/// consecutive steps.
void Lowering::computed_gate(const Op& o, int position) {
  const int map = map_of(o.input(position));
  const int least = -reference::mul_params(graph_, o).zero_point[at(position)];
  const int constants = least == 0 ? 0 : least > INT8_MAX ? 2 : 1;
  const int hidden = divide_up(kMachineWord, config_.columns_per_cycle);  // hidden by the drain
  const int in_row = config_.window_steps_per_row();
  Layer layer = gate(o, position, std::max(1 + constants, std::min(in_row, hidden)));
  Conv& conv = layer.conv();
  conv.precision = isa::compute::Op::kMatmul;
  conv.gate_words = std::min(in_row, layer.window.R);
  layer.pad_code = conv.zero_point;
  layer.weights_map = map;
  net_.maps[at(net_.whole_of(map))].weights = true;
  for (int m = 0; m < layer.channels; ++m) {
    const int own = m / kMachineWord % conv.gate_words;
    for (int i = 0, step = 0; i < constants; ++i, ++step) {
      if (step == own) ++step;
      const int share = i == 0 && constants == 2 ? least / 2 : least - (i == 0 ? 0 : least / 2);
      conv.weights.edit()[at(layer.weight_at(m, step))] = static_cast<std::int8_t>(share);
    }
  }
  set_sweeps(layer);
  add_layer(o, std::move(layer));
}

/// Splits a weight of nine bits into steps of eight bits each.
std::vector<std::int8_t> Lowering::shares_of(int weight) {
  std::vector<std::int8_t> shares;
  do {
    shares.push_back(static_cast<std::int8_t>(std::clamp(weight, INT8_MIN, INT8_MAX)));
    weight -= shares.back();
  } while (weight != 0);
  return shares;
}

std::optional<int> Lowering::constant_gate_of(const Op& o) const {
  for (const int position : {1, 0}) {
    const Map* map = graph_.in(o, position).is_constant ? gated_map(o, position) : nullptr;
    if (map != nullptr && config_.window() && gate_pays(map->shape, 1, false)) return position;
  }
  return std::nullopt;
}

/// Lowers MUL by constant codes, which become ordinary weights. As a second map they would need as
/// many words as the first.
void Lowering::constant_gate(const Op& o, int position) {
  const int zero_point = reference::mul_params(graph_, o).zero_point[at(position)];
  std::vector<std::vector<std::int8_t>> shares;
  std::size_t steps = 1;
  for (const std::int8_t code : graph_.in(o, position).values<std::int8_t>()) {
    shares.push_back(shares_of(code - zero_point));
    steps = std::max(steps, shares.back().size());
  }
  Layer layer = gate(o, position, static_cast<int>(steps));
  for (int m = 0; m < layer.channels; ++m)
    for (std::size_t step = 0; step < shares[at(m)].size(); ++step)
      tap_weight(layer, m, static_cast<int>(step), 0, m) = shares[at(m)][step];
  fold_zero_point(layer);
  add_layer(o, std::move(layer));
}

void Lowering::multiplication(const Op& o) {
  if (const auto position = constant_gate_of(o)) return constant_gate(o, *position);
  if (const auto position = gate_of(o)) return computed_gate(o, *position);
  const bool half_even = needs_half_even(o);
  Layer layer = two_maps(o, LayerKind::kMul);
  layer.half_even = half_even;
  layer.pair().mul = reference::mul_params(graph_, o);
  layer.range = layer.pair().mul.output;
  add_layer(o, std::move(layer));
}

Problem Lowering::two_maps_problem(const Op& o) const {
  return first_of(operand_problem(o, 0), operand_problem(o, 1), result_problem(o));
}

Layer Lowering::two_maps(const Op& o, LayerKind kind) {
  Layer layer = start(o, kind, operand(o, 0));
  const int second = operand(o, 1);
  layer.second = lain_as(o, second, shape(layer.input));
  return layer;
}

/// Returns the map in the layout of the other operand. Reshaped maps keep their layout, which may
/// differ.
int Lowering::lain_as(const Op& o, int map, Shape other) {
  const Shape s = shape(map);
  if (s == other) return map;
  return in_order(o, {map, 0, {s.C * s.H * s.W}, {1}}, other, false);
}

Problem Lowering::operand_problem(const Op& o, int position) const {
  const int tensor = o.input(position);
  const Tensor& t = graph_.tensor(tensor);
  if (!t.is_constant && t.elements() == graph_.out(o).elements()) return map_problem(tensor);
  if (auto problem = out_problem(o); problem || t.is_constant) return problem;
  return first_of(
      shape_problem(aligned(t.shape, graph_.out(o).shape.size()), with_tensor(graph_, o, tensor)),
      map_problem(tensor));
}

int Lowering::operand(const Op& o, int position) {
  const int tensor = o.input(position);
  const Tensor& t = graph_.tensor(tensor);
  const std::vector<int>& extents = graph_.out(o).shape;
  if (!t.is_constant && t.elements() == graph_.out(o).elements()) return map_of(tensor);
  const Shape to = out_shape(o);
  if (t.is_constant) {
    const auto other = map_of_.find(o.input(1 - position));  // may be a reshaped map
    const bool whole = other != map_of_.end() &&
                       graph_.tensor(other->first).elements() == graph_.out(o).elements();
    const int map = add_map(tensor, whole ? shape(other->second) : to);
    const int bytes = model::bytes_of(t.type);
    const auto codes = t.values<std::int8_t>();
    for (const std::int64_t from : reference::broadcast(t.shape, extents))
      for (int b = 0; b < bytes; ++b)
        net_.maps[at(map)].codes.push_back(codes[at(from * bytes + b)]);
    return map;
  }
  const Shape s = shape_of(aligned(t.shape, extents.size()), with_tensor(graph_, o, tensor));
  const auto repeats = [](int from, int all) { return from == 1 || from == all; };
  if (!repeats(s.C, to.C) || !repeats(s.W, to.W) || !repeats(s.H, to.H)) {
    note(refusal(o, tensor, Reason::kShape,
                 ": a map of {} x {} x {} cannot be broadcast to {} x {} x {}", s.H, s.W, s.C, to.H,
                 to.W, to.C));
    return add_map(tensor, to);
  }
  return repeated(o, lain_as(o, map_of(tensor), s), to);
}

int Lowering::repeated(const Op& o, int map, const Shape& to) {
  const int tensor = net_.maps[at(map)].tensor;
  if (shape(map).C != to.C) {
    Layer layer = selection(o, map, std::vector<int>(at(to.C), 0));
    map = add_map(tensor, {to.C, shape(map).H, shape(map).W});
    add_layer_to(map, std::move(layer));
  }
  for (const bool rows : {false, true}) {  // first the columns, which may be one row
    const Shape s = shape(map);
    if (rows ? s.H == to.H : s.W == to.W) continue;
    Layer layer = start(o, LayerKind::kMax, map);
    Geometry& g = layer.window;
    (rows ? g.stride_y : g.stride_x) = 0;
    (rows ? g.P : g.Q) = rows ? to.H : to.W;
    map = add_map(tensor, {s.C, g.P, g.Q});
    add_layer_to(map, std::move(layer));
  }
  return map;
}

Layer Lowering::copy(const Op& o, int map) const {
  Layer layer = start(o, LayerKind::kSum, map);
  layer.single = true;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, kOne, 0}};
  return layer;
}

Problem Lowering::requantize_problem(const Op& o) const {
  const model::DataType from = graph_.in(o, 0).type;
  if (quantizes_words(graph_, o, config_)) return word_problem(o);
  if (!is_map(o.input(0)))
    return refusal(o, o.input(0), Reason::kType, " is {}, but the machine reads int8",
                   model::name_of(from));
  if (is_wide(o) || from == model::DataType::kInt16) {
    const int bits = from == model::DataType::kInt16 ? 16 : 9;
    const reference::RequantizeParams p = reference::requantize_params(graph_, o);
    if (p.negative.multiplier < 0)
      return refusal(o, o.outputs[0], Reason::kRange, ": a negative slope, allowed 0 and above");
    if (auto problem =
            first_of(scale_problem(o, p.scale, bits), scale_problem(o, p.negative, bits)))
      return problem;
  }
  return first_of(half_even_problem(o), map_problem(o.input(0)), result_problem(o));
}

void Lowering::requantize(const Op& o) {
  if (quantizes_words(graph_, o, config_))
    return is_wide(o) ? codes_of_words(o) : words_of_codes(o);
  Layer layer = start(o, LayerKind::kSum, map_of(o.input(0)));
  layer.half_even = needs_half_even(o);
  layer.wide |= is_wide(o);
  const reference::RequantizeParams p = reference::requantize_params(graph_, o);
  layer.range = p.output;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, -p.zero_point}};
  if (p.negative != p.scale) layer.pool().negative = p.negative;
  add_layer(o, std::move(layer));
}

Problem Lowering::scale_problem(const Op& o, const ChannelScale& scale, int bits) const {
  if (bits + scale.shift <= 32) return std::nullopt;
  return refusal(o, o.outputs[0], Reason::kRange, ": a scale of 2^{}, allowed up to 2^{}",
                 scale.shift, 32 - bits);
}

Problem Lowering::count_problem(const Op& o, std::int64_t count, std::int64_t most) const {
  if (count <= most) return std::nullopt;
  return refusal(o, o.input(0), Reason::kShape, ": sums of {} int16 values, allowed {}", count,
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

Problem Lowering::softmax_problem(const Op& o) const {
  if (auto problem = first_of(compiler::softmax_problem(graph_, o, config_), pixels_problem(o, 0),
                              result_problem(o)))
    return problem;
  if (!is_wide(o)) return std::nullopt;
  constexpr int kMostTerms = 2047;  // the sum of more terms needs more than 26 bits
  return first_of(count_problem(o, graph_.out(o).extent(-1), kMostTerms),
                  scale_problem(o, reference::exponential_scale(graph_, o), 17));
}

/// Lowers to two layers. The first computes exponentials by interpolation, with two points per
/// entry. The second divides each one by their sum; its table holds the reciprocal's points at odd
/// places and the differences to their neighbours.
void Lowering::wide_softmax(const Op& o) {
  Layer layer = start(o, LayerKind::kSoftmax, pixels(o, 0));
  layer.single = rounding_.of(o) != reference::Rounding::kDouble;
  layer.range = {0, INT16_MIN, INT16_MAX};
  layer.over().difference = reference::exponential_scale(graph_, o);
  const auto points = reference::exponential_points();
  for (std::size_t i = 0; i < isa::dma::kExponentialWords; ++i)
    layer.over().exponentials.push_back(static_cast<std::uint32_t>(points[2 * i]) |
                                        static_cast<std::uint32_t>(points[2 * i + 1]) << 16);
  Layer shares = start(o, LayerKind::kSoftmax, add_step(o, std::move(layer)));
  shares.single = true;
  shares.range = {0, 0, INT16_MAX};
  shares.over().shares = true;
  const auto falls = reference::reciprocal_points();
  for (std::size_t i = 1; i < falls.size(); i += 2)
    shares.over().exponentials.push_back(static_cast<std::uint32_t>(falls[i]) |
                                         static_cast<std::uint32_t>(falls[i - 1] - falls[i]) << 16 |
                                         static_cast<std::uint32_t>(falls[i] - falls[i + 1]) << 24);
  add_layer(o, std::move(shares));
}

void Lowering::softmax(const Op& o) {
  if (is_wide(o)) return wide_softmax(o);
  Layer layer = reading_pixels(o, LayerKind::kSoftmax);
  layer.single = false;
  const reference::SoftmaxParams p = reference::softmax_params(graph_, o);
  layer.range = p.output;
  layer.over().rescale = p.rescale;
  for (int difference = 0; difference < isa::dma::kExponentialWords; ++difference)
    layer.over().exponentials.push_back(
        static_cast<std::uint32_t>(reference::exponential(-difference, p)));
  add_layer(o, std::move(layer));
}

Problem Lowering::normalization_problem(const Op& o) const {
  if (!config_.has_softmax())
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   ": a normalization requires vector.softmax");
  const int count = reference::norm_params(graph_, o).count;
  if (round_up(count, config_.data_words()) > config_.param_channels)
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   ": {} channels, memory.param_channels is {}", count, config_.param_channels);
  return first_of(pixels_problem(o, 0), result_problem(o));
}

void Lowering::normalization(const Op& o) {
  reference::NormParams norm = reference::norm_params(graph_, o);
  Layer layer = start(o, LayerKind::kNormalize, pixels(o, 0));
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
  add_layer(o, std::move(layer));
}

}  // namespace trine::compiler
