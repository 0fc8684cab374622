// SPDX-License-Identifier: Apache-2.0
//
// Operators that move elements and change none. All are one walk: coordinates in C order on one
// side, strides on the other.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sw/model/shapes.h"
#include "sw/reference/ops.h"

namespace trine::reference {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// out[i] = in[from[i]], elements of `size` bytes.
Bytes gather(const Bytes& in, const std::vector<std::int64_t>& from, std::size_t size) {
  Bytes out(from.size() * size);
  for (std::size_t i = 0; i < from.size(); ++i)
    std::memcpy(&out[i * size], &in[static_cast<std::size_t>(from[i]) * size], size);
  return out;
}

/// out[to[i]] = in[i].
void scatter(const Bytes& in, const std::vector<std::int64_t>& to, std::size_t size, Bytes* out) {
  for (std::size_t i = 0; i < to.size(); ++i)
    std::memcpy(&(*out)[static_cast<std::size_t>(to[i]) * size], &in[i * size], size);
}

std::size_t element_bytes(const Call& call) {
  return static_cast<std::size_t>(model::bytes_of(call.out().type));
}

}  // namespace

std::vector<std::int64_t> strides_of(const std::vector<int>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::vector<std::int64_t> walk(const std::vector<int>& shape,
                               const std::vector<std::int64_t>& strides, std::int64_t base) {
  std::vector<std::int64_t> result{base};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::vector<std::int64_t> finer;
    finer.reserve(result.size() * static_cast<std::size_t>(shape[axis]));
    for (const std::int64_t start : result)
      for (std::int64_t i = 0; i < shape[axis]; ++i) finer.push_back(start + i * strides[axis]);
    result = std::move(finer);
  }
  return result;
}

std::vector<std::int64_t> broadcast(const std::vector<int>& input, const std::vector<int>& output) {
  const std::vector<std::int64_t> own = strides_of(input);
  std::vector<std::int64_t> strides(output.size(), 0);
  const std::size_t added = output.size() - input.size();
  for (std::size_t i = 0; i < input.size(); ++i)
    if (input[i] != 1) strides[added + i] = own[i];
  return walk(output, strides);
}

Bytes pad(const Call& call) {
  const auto sides = model::paddings(call.graph, call.op);
  const auto strides = strides_of(call.out().shape);
  std::int64_t base = 0;
  for (std::size_t i = 0; i < sides.size(); ++i) base += sides[i].first * strides[i];
  const auto fill = call.op.kind == model::OpKind::kPadV2
                        ? call.bytes(2).at(0)
                        : static_cast<std::uint8_t>(call.out().zero_point() & 0xff);
  Bytes out(static_cast<std::size_t>(call.out().elements()), fill);
  scatter(call.bytes(0), walk(call.in(0).shape, strides, base), 1, &out);
  return out;
}

Bytes mirror_pad(const Call& call) {
  const auto sources = model::mirrored(call.graph, call.op);
  const auto strides = strides_of(call.in(0).shape);
  std::vector<std::int64_t> from{0};
  for (std::size_t axis = 0; axis < sources.size(); ++axis) {
    std::vector<std::int64_t> finer;
    for (const std::int64_t start : from)
      for (const int i : sources[axis]) finer.push_back(start + i * strides[axis]);
    from = std::move(finer);
  }
  return gather(call.bytes(0), from, element_bytes(call));
}

/// Channels of the output are (y, x) in the block, then the input's.
Bytes space_to_depth(const Call& call) {
  const std::vector<int>& to = call.out().shape;
  const auto s = strides_of(call.in(0).shape);
  const int b = call.op.block;
  const auto from = walk({to[0], to[1], to[2], b, b, call.in(0).extent(3)},
                         {s[0], b * s[1], b * s[2], s[1], s[2], 1});
  return gather(call.bytes(0), from, element_bytes(call));
}

Bytes depth_to_space(const Call& call) {
  const std::vector<int>& in = call.in(0).shape;
  const auto s = strides_of(in);
  const int b = call.op.block, C = call.out().extent(3);
  const auto from =
      walk({in[0], in[1], b, in[2], b, C}, {s[0], s[1], std::int64_t{b} * C, s[2], C, 1});
  return gather(call.bytes(0), from, element_bytes(call));
}

Bytes gather_elements(const Call& call) {
  const std::vector<int>& in = call.in(0).shape;
  const auto axis =
      static_cast<std::size_t>(call.op.axis < 0 ? call.op.axis + call.in(0).rank() : call.op.axis);
  const auto own = strides_of(in);
  std::vector<std::int64_t> from{0};
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::vector<std::int64_t> finer, sources(static_cast<std::size_t>(in[i]));
    std::iota(sources.begin(), sources.end(), 0);
    if (i == axis) sources = call.in(1).integers();
    for (const std::int64_t start : from)
      for (const std::int64_t source : sources) finer.push_back(start + source * own[i]);
    from = std::move(finer);
  }
  return gather(call.bytes(0), from, element_bytes(call));
}

Bytes broadcast_to(const Call& call) {
  return gather(call.bytes(0), broadcast(call.in(0).shape, call.out().shape), element_bytes(call));
}

Bytes transpose(const Call& call) {
  const auto own = strides_of(call.in(0).shape);
  std::vector<std::int64_t> strides;
  const std::vector<int> axes = model::permutation(call.graph, call.op).value();
  for (const int axis : axes) strides.push_back(own[axis]);
  return gather(call.bytes(0), walk(call.out().shape, strides), element_bytes(call));
}

Bytes strided_slice(const Call& call) {
  const auto own = strides_of(call.in(0).shape);
  std::vector<int> sizes;
  std::vector<std::int64_t> strides;
  std::int64_t base = 0;
  for (const model::Slice& slice : model::slices(call.graph, call.op)) {
    base += slice.begin * own[sizes.size()];
    strides.push_back(slice.stride * own[sizes.size()]);
    sizes.push_back(static_cast<int>(slice.size));
  }
  return gather(call.bytes(0), walk(sizes, strides, base), element_bytes(call));
}

Bytes concatenation(const Call& call) {
  const int axis = call.op.axis < 0 ? call.op.axis + call.out().rank() : call.op.axis;
  const auto strides = strides_of(call.out().shape);
  const std::size_t size = element_bytes(call);
  Bytes out(static_cast<std::size_t>(call.out().elements()) * size);
  std::int64_t base = 0;
  for (int i = 0; i < static_cast<int>(call.op.inputs.size()); ++i) {
    scatter(call.bytes(i), walk(call.in(i).shape, strides, base), size, &out);
    base += call.in(i).extent(axis) * strides[axis];
  }
  return out;
}

}  // namespace trine::reference
