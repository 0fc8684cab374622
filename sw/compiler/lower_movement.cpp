// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lowering.h"

namespace trine::compiler {

void Lowering::pad(const Op& o) {
  const auto sides = model::paddings(graph_, o);
  const int rank = graph_.in(o, 0).rank();
  for (int i = 0; i < rank; ++i)
    if (rank != 4 || i == 0 || i == 3)
      if (sides[at(i)].first != 0 || sides[at(i)].second != 0)
        fail(o, fmt::format("tensor {} '{}': only height and width of rank 4 can be padded",
                            o.input(0), graph_.in(o, 0).name));
  const int map = image(o, 0);
  const int top = rank == 4 ? static_cast<int>(sides[1].first) : 0;
  const int left = rank == 4 ? static_cast<int>(sides[2].first) : 0;
  const int zero_point = graph_.out(o).zero_point();
  const int code =
      o.kind == OpKind::kPadV2 ? static_cast<int>(graph_.in(o, 2).integers().at(0)) : zero_point;
  if (only_convolutions_read(o.outputs[0]) && (code == zero_point || !padded_again(o.outputs[0]))) {
    folded_pads_[o.outputs[0]] = {map, top, left, code};
    return;
  }
  if (graph_.in(o, 0).shape == graph_.out(o).shape) {
    map_of_[o.outputs[0]] = map;
    return;
  }
  const int bits = 32 / shape(map).per_word;
  if (bits == 1 ? code != -1 && code != 1 : bits == 2 && (code < -1 || code > 1))
    fail(o, fmt::format("tensor {} '{}' is padded with {}, which {} bits do not hold", o.input(0),
                        graph_.in(o, 0).name, code, bits));
  Layer layer = start(o, LayerKind::kMax);
  layer.input = map;
  set_pointwise(layer);
  layer.window.P = graph_.out(o).extent(1);
  layer.window.Q = graph_.out(o).extent(2);
  layer.window.pad_top = top;
  layer.window.pad_left = left;
  layer.pad_code = packed_byte(code, shape(map).per_word);
  add_layer(o, std::move(layer));
}

bool Lowering::padded_again(int tensor) const {
  return std::any_of(machine_.begin(), machine_.end(), [&](int i) {
    if (!is_convolution(op(i).kind) || op(i).input(0) != tensor) return false;
    const model::Window w = model::window(graph_, op(i));
    return w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0;
  });
}

bool Lowering::only_convolutions_read(int tensor) {
  int count = 0;
  for (const int i : machine_)
    if (is_convolution(op(i).kind) && op(i).input(0) == tensor) ++count;
  return count > 0 && count == readers_[tensor];
}

}  // namespace trine::compiler
