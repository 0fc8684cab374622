// SPDX-License-Identifier: Apache-2.0

#include "base/rounding.h"
#include "sw/compiler/lower/half_even.h"
#include "sw/compiler/lower/lowering.h"
#include "sw/compiler/lower/partition.h"
#include "sw/reference/ops.h"
#include "sw/reference/softmax.h"

namespace trine::compiler {
namespace {

constexpr int kLargestSquareShift = 1;  ///< squares are below 2^30

}  // namespace

std::optional<int> Lowering::fusable(const Op& add, int position) {
  const int tensor = add.input(position);
  const auto producer = producer_.find(tensor);
  if (producer == producer_.end() || readers_[tensor] != 1) return std::nullopt;
  const Op& o = op(producer->second);
  if (!is_product(o.kind)) return std::nullopt;
  if (rounding_.of(o) != rounding_.of(add)) return std::nullopt;
  return producer->second;
}

void Lowering::find_fused_additions() {
  for (const int i : machine_) {
    const Op& add = op(i);
    if (add.kind != OpKind::kAdd || add.input(0) == add.input(1) || is_function(add)) continue;
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

void Lowering::addition(const Op& o) {
  const int index = index_of(o);
  const auto fused = fused_.find(index);
  const int first = fused == fused_.end() ? 0 : fused_position_[index];
  Layer layer =
      fused == fused_.end() ? start(o, LayerKind::kAdd) : product_layer(op(fused->second));
  layer.half_even = needs_half_even(o) || layer.half_even;
  layer.add = reference::add_params(graph_, o);
  if (first == 1) {
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  layer.second = operand(o, 1 - first);
  if (fused == fused_.end()) {
    layer.input = operand(o, 0);
    set_pointwise(layer);
  } else {
    layer.op += "+ADD";
    layer.name = graph_.out(o).name;
  }
  const Shape out{fused == fused_.end() ? shape(layer.input).C : layer.channels, layer.window.P,
                  layer.window.Q};
  layer.second = lain_as(o, layer.second, out);
  add_layer(o, std::move(layer));
}

/// a - b = a + ~b + 1: the second zero point is that of ~b.
void Lowering::subtraction(const Op& o) {
  Layer layer = start(o, LayerKind::kAdd);
  layer.half_even = needs_half_even(o);
  if (!o.half_even && !sums_agree(graph_, o, rounding_.of(o)))
    fail(o, Reason::kRounding,
         fmt::format("tensor {} '{}': the machine negates before it rounds, which changes codes "
                     "at these scales",
                     o.outputs[0], graph_.out(o).name));
  layer.pair().invert = true;
  layer.add = reference::add_params(graph_, o);
  layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  two_maps(o, std::move(layer));
}

/// The operand that is complemented is the one that is only halved, so that its sign can change:
/// (a - b)^2 = (b - a)^2.
void Lowering::squared_difference(const Op& o) {
  Layer layer = start(o, LayerKind::kSquare);
  layer.half_even = needs_half_even(o);
  layer.pair().invert = true;
  layer.add = reference::add_params(graph_, o);
  if (layer.add.result.shift > kLargestSquareShift)
    fail(o, Reason::kRange,
         fmt::format("tensor {} '{}': its scale is too small for the machine's 32 bits",
                     o.outputs[0], graph_.out(o).name));
  layer.range = layer.add.output;
  layer.input = operand(o, 0);
  layer.second = operand(o, 1);
  layer.second = lain_as(o, layer.second, shape(layer.input));
  if (graph_.in(o, 0).scale() > graph_.in(o, 1).scale()) {
    std::swap(layer.input, layer.second);
    std::swap(layer.add.input[0], layer.add.input[1]);
    std::swap(layer.add.zero_point[0], layer.add.zero_point[1]);
  }
  layer.add.zero_point[1] = -1 - layer.add.zero_point[1];
  set_pointwise(layer);
  add_layer(o, std::move(layer));
}

void Lowering::multiplication(const Op& o) {
  Layer layer = start(o, LayerKind::kMul);
  layer.half_even = needs_half_even(o);
  layer.pair().mul = reference::mul_params(graph_, o);
  layer.range = layer.pair().mul.output;
  two_maps(o, std::move(layer));
}

void Lowering::two_maps(const Op& o, Layer layer) {
  layer.input = operand(o, 0);
  layer.second = operand(o, 1);
  layer.second = lain_as(o, layer.second, shape(layer.input));
  set_pointwise(layer);
  add_layer(o, std::move(layer));
}

/// Reshaped maps keep their layout, which may be another one than the other operand's.
int Lowering::lain_as(const Op& o, int map, Shape other) {
  const Shape s = shape(map);
  if (s == other) return map;
  const int elements = s.C * s.H * s.W;
  return in_order(o, {map, 0, {elements}, {1}}, other, false);
}

int Lowering::operand(const Op& o, int position) {
  const int tensor = o.input(position);
  const Tensor& t = graph_.tensor(tensor);
  const std::vector<int>& extents = graph_.out(o).shape;
  if (!t.is_constant && t.elements() == graph_.out(o).elements()) return map_of(tensor);
  const Shape to = shape_of(extents, with_tensor(graph_, o, o.outputs[0]));
  if (t.is_constant) {
    const auto other = map_of_.find(o.input(1 - position));  // may be a reshaped map
    const bool whole = other != map_of_.end() &&
                       graph_.tensor(other->first).elements() == graph_.out(o).elements();
    const int map = add_map(tensor, whole ? shape(other->second) : to);
    const auto codes = t.values<std::int8_t>();
    for (const std::int64_t from : reference::broadcast(t.shape, extents))
      net_.maps[at(map)].codes.push_back(codes[static_cast<std::size_t>(from)]);
    return map;
  }
  std::vector<int> aligned(extents.size() - t.shape.size(), 1);
  aligned.insert(aligned.end(), t.shape.begin(), t.shape.end());
  const Shape s = shape_of(aligned, with_tensor(graph_, o, tensor));
  const auto repeats = [](int from, int all) { return from == 1 || from == all; };
  if (!(s == shape(map_of(tensor))) || !repeats(s.C, to.C) || !repeats(s.W, to.W) ||
      !repeats(s.H, to.H))
    model::refuse(Reason::kShape, "{}: a map of {} x {} x {} cannot be broadcast to {} x {} x {}",
                  with_tensor(graph_, o, tensor), shape(map_of(tensor)).H, shape(map_of(tensor)).W,
                  shape(map_of(tensor)).C, to.H, to.W, to.C);
  return repeated(o, map_of(tensor), to);
}

int Lowering::repeated(const Op& o, int map, const Shape& to) {
  const int tensor = net_.maps[at(map)].tensor;
  if (shape(map).C != to.C) {
    Layer layer = selection(o, map, std::vector<int>(at(to.C), 0));
    map = add_map(tensor, {to.C, shape(map).H, shape(map).W});
    add_layer_to(map, std::move(layer));
  }
  for (const bool rows : {false, true}) {  // first the columns of what may be one row
    const Shape s = shape(map);
    if (rows ? s.H == to.H : s.W == to.W) continue;
    Layer layer = start(o, LayerKind::kMax);
    layer.input = map;
    set_pointwise(layer);
    Geometry& g = layer.window;
    (rows ? g.stride_y : g.stride_x) = 0;
    (rows ? g.P : g.Q) = rows ? to.H : to.W;
    map = add_map(tensor, {s.C, g.P, g.Q});
    add_layer_to(map, std::move(layer));
  }
  return map;
}

Layer Lowering::copy(const Op& o, int map) const {
  Layer layer = start(o, LayerKind::kSum);
  layer.input = map;
  set_pointwise(layer);
  layer.single = true;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, kOne, 0}};
  return layer;
}

void Lowering::clamp(const Op& o, int map, const reference::OutputRange& range) {
  Layer layer = copy(o, map);
  layer.range = range;
  add_layer(o, std::move(layer));
}

void Lowering::requantize(const Op& o) {
  if (graph_.in(o, 0).type != model::DataType::kInt8)
    model::refuse(Reason::kType, "{} is {}, the machine reads int8",
                  with_tensor(graph_, o, o.input(0)), model::name_of(graph_.in(o, 0).type));
  Layer layer = start(o, LayerKind::kSum);
  layer.input = map_of(o.input(0));
  set_pointwise(layer);
  layer.half_even = needs_half_even(o);
  const reference::RequantizeParams p = reference::requantize_params(graph_, o);
  layer.range = p.output;
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, -p.zero_point}};
  add_layer(o, std::move(layer));
}

void Lowering::softmax(const Op& o) {
  if (const auto problem = softmax_problem(graph_, o, config_))
    fail(o, config_.has_softmax() ? Reason::kType : Reason::kConfiguration,
         fmt::format("tensor {} '{}': {}", o.outputs[0], graph_.out(o).name, *problem));
  Layer layer = start(o, LayerKind::kSoftmax);
  layer.single = false;
  layer.input = image(o, 0);
  set_pointwise(layer);
  const reference::SoftmaxParams p = reference::softmax_params(graph_, o);
  layer.range = p.output;
  for (int difference = 0; difference < isa::dma::kExponentialWords; ++difference)
    layer.over().exponentials.push_back(
        static_cast<std::uint32_t>(reference::exponential(-difference, p)));
  add_layer(o, std::move(layer));
}

void Lowering::normalization(const Op& o) {
  Layer layer = start(o, LayerKind::kNormalize);
  layer.single = true;
  layer.over().norm = reference::norm_params(graph_, o);
  layer.channels = layer.over().norm.count;
  if (!config_.has_softmax())
    fail(o, Reason::kConfiguration,
         fmt::format("tensor {} '{}': the machine has no normalization (vector.softmax)",
                     o.outputs[0], graph_.out(o).name));
  const int words = config_.data_words();
  if (round_up(layer.channels, words) > config_.param_channels)
    fail(o, Reason::kConfiguration,
         fmt::format("tensor {} '{}': {} channels, memory.param_channels is {}", o.outputs[0],
                     graph_.out(o).name, layer.channels, config_.param_channels));
  layer.input = image(o, 0);
  set_pointwise(layer);
  layer.range = layer.over().norm.output;
  for (const reference::NormChannel& c : layer.over().norm.channels) {
    layer.scales.push_back(c.scale);
    if (c.negative) layer.scales.back().shift += 32;  // the shift's sign is that of the factor
    layer.bias.push_back(c.bias);
  }
  for (int i = 0; i < isa::dma::kExponentialWords; ++i)
    layer.over().exponentials.push_back(reference::norm_entry(i, layer.over().norm.origin));
  add_layer(o, std::move(layer));
}

}  // namespace trine::compiler
