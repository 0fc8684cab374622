// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lowering.h"

namespace trine::compiler {

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
    if (add.kind != OpKind::kAdd || graph_.in(add, 0).shape != graph_.in(add, 1).shape ||
        add.input(0) == add.input(1))
      continue;
    std::optional<int> best;
    for (const int position : {0, 1}) {
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

void Lowering::addition(int index) {
  const Op& o = op(index);
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
  layer.second = map_of(o.input(1 - first));
  if (fused == fused_.end()) {
    layer.input = map_of(o.input(0));
    set_pointwise(layer);
  } else {
    layer.fuse_add = true;
    layer.op += "+ADD";
    layer.name = graph_.out(o).name;
  }
  const Shape out{fused == fused_.end() ? shape(layer.input).C : layer.channels, layer.window.P,
                  layer.window.Q};
  if (!(shape(layer.second) == out))
    fail(o, fmt::format("tensor {} '{}' is {} x {} x {}, the other operand {} x {} x {}; "
                        "broadcasts are not supported",
                        o.input(1 - first), graph_.in(o, 1 - first).name, shape(layer.second).H,
                        shape(layer.second).W, shape(layer.second).C, out.H, out.W, out.C));
  add_layer(o, std::move(layer));
}

void Lowering::clamp(const Op& o, const reference::OutputRange& range) {
  Layer layer = start(o, LayerKind::kSum);
  layer.input = map_of(o.outputs[0]);
  set_pointwise(layer);
  layer.single = true;
  layer.range = range;
  layer.regions = {{{0, layer.window.P, 0, layer.window.Q}, kOne, 0}};
  add_layer(o, std::move(layer));
}

void Lowering::requantize(const Op& o) {
  if (graph_.in(o, 0).type != model::DataType::kInt8)
    throw_error("{} is {}, the machine reads int8", with_tensor(graph_, o, o.input(0)),
                model::name_of(graph_.in(o, 0).type));
  Layer layer = start(o, LayerKind::kSum);
  layer.input = map_of(o.input(0));
  set_pointwise(layer);
  layer.half_even = needs_half_even(o);
  const reference::RequantizeParams p = reference::requantize_params(graph_, o);
  layer.range = p.output;
  layer.regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, -p.zero_point}};
  add_layer(o, std::move(layer));
}

}  // namespace trine::compiler
