// SPDX-License-Identifier: Apache-2.0
//
// Computes operators that move elements without changing them. All use one walk, with coordinates
// in C order on one side and strides on the other.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sw/model/graph/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t element_bytes(const Call& call) {
  return static_cast<std::size_t>(model::bytes_of(call.out().type));
}

/// Returns out[i] = in[from[i]].
Bytes gather(const Call& call, const model::Indices& from) {
  const Bytes& in = call.bytes(0);
  const std::size_t size = element_bytes(call);
  Bytes out(from.size() * size);
  for (std::size_t i = 0; i < from.size(); ++i)
    std::memcpy(&out[i * size], &in[from[i] * size], size);
  return out;
}

/// Returns the elements at one index of each list, with a list for each axis: all combinations in C
/// order.
Bytes gather(const Call& call, const std::vector<std::vector<int>>& lists) {
  const auto steps = steps_of(call.in(0).shape);
  model::Indices from{0};
  for (std::size_t axis = 0; axis < lists.size(); ++axis) {
    model::Indices finer;
    for (const std::size_t start : from)
      for (const int i : lists[axis]) finer.push_back(start + i * steps[axis]);
    from = std::move(finer);
  }
  return gather(call, from);
}

/// Writes out[to[i]] = in[i].
void scatter(const Bytes& in, const model::Indices& to, std::size_t size, Bytes* out) {
  for (std::size_t i = 0; i < to.size(); ++i)
    std::memcpy(&(*out)[to[i] * size], &in[i * size], size);
}

}  // namespace

Bytes pad(const Call& call) {
  const auto sides = model::paddings(call.graph, call.op);
  const auto strides = steps_of(call.out().shape);
  std::size_t base = 0;
  for (std::size_t i = 0; i < sides.size(); ++i) base += sides[i].first * strides[i];
  Bytes fill(element_bytes(call));
  fill[0] = static_cast<std::uint8_t>(call.out().zero_point() & 0xff);
  if (call.op.kind == model::OpKind::kPadV2) fill = call.bytes(2);
  Bytes out(static_cast<std::size_t>(call.out().elements()) * fill.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = fill[i % fill.size()];
  scatter(call.bytes(0), walk(call.in(0).shape, strides, base), fill.size(), &out);
  return out;
}

Bytes mirror_pad(const Call& call) { return gather(call, model::mirrored(call.graph, call.op)); }

/// Moves blocks of pixels to channels. The output's channels are (y, x) in the block, then the
/// input's channels.
Bytes space_to_depth(const Call& call) {
  const std::vector<int>& to = call.out().shape;
  const auto s = steps_of(call.in(0).shape);
  const int b = call.op.block;
  return gather(call, walk({to[0], to[1], to[2], b, b, call.in(0).extent(3)},
                           {s[0], b * s[1], b * s[2], s[1], s[2], 1}));
}

Bytes depth_to_space(const Call& call) {
  const std::vector<int>& in = call.in(0).shape;
  const auto s = steps_of(in);
  const int b = call.op.block, C = call.out().extent(3);
  const std::size_t pixel = C;
  return gather(call,
                walk({in[0], in[1], b, in[2], b, C}, {s[0], s[1], b * pixel, s[2], pixel, 1}));
}

Bytes gather_elements(const Call& call) {
  std::vector<std::vector<int>> lists;
  for (const int extent : call.in(0).shape) {
    std::vector<int>& all = lists.emplace_back(extent);
    std::iota(all.begin(), all.end(), 0);
  }
  const int axis = call.op.axis < 0 ? call.op.axis + call.in(0).rank() : call.op.axis;
  const auto elements = call.in(1).integers();
  lists[axis].assign(elements.begin(), elements.end());
  return gather(call, lists);
}

Bytes broadcast_to(const Call& call) {
  return gather(call, broadcast(call.in(0).shape, call.out().shape));
}

Bytes transpose(const Call& call) {
  const auto own = steps_of(call.in(0).shape);
  std::vector<std::size_t> strides;
  const std::vector<int> axes = model::permutation(call.graph, call.op).value();
  for (const int axis : axes) strides.push_back(own[axis]);
  return gather(call, walk(call.out().shape, strides));
}

Bytes strided_slice(const Call& call) {
  const auto own = steps_of(call.in(0).shape);
  std::vector<int> sizes;
  std::vector<std::size_t> strides;
  std::size_t base = 0;
  for (const model::Slice& slice : model::slices(call.graph, call.op)) {
    base += slice.begin * own[sizes.size()];
    strides.push_back(slice.stride * own[sizes.size()]);
    sizes.push_back(static_cast<int>(slice.size));
  }
  return gather(call, walk(sizes, strides, base));
}

Bytes concatenation(const Call& call) {
  const int axis = call.op.axis < 0 ? call.op.axis + call.out().rank() : call.op.axis;
  const auto strides = steps_of(call.out().shape);
  const std::size_t size = element_bytes(call);
  Bytes out(static_cast<std::size_t>(call.out().elements()) * size);
  std::size_t base = 0;
  for (int i = 0; i < static_cast<int>(call.op.inputs.size()); ++i) {
    Bytes part = call.bytes(i);
    if (call.out().type == model::DataType::kUInt8) {
      const auto codes = joined_codes(call.in(i), call.out());
      for (std::uint8_t& code : part) code = codes[code];
    }
    scatter(part, walk(call.in(i).shape, strides, base), size, &out);
    base += call.in(i).extent(axis) * strides[axis];
  }
  return out;
}

}  // namespace trine::reference
