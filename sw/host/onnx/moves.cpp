// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX operators that only move elements.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/evaluation.h"
#include "sw/host/onnx/node/operands.h"
#include "sw/host/onnx/node/windows.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/shapes.h"

namespace trine::host::onnx {
namespace {

using model::broadcast_shape, model::type_named;

/// Returns the numbers of elements before and after an axis.
std::pair<std::size_t, std::size_t> around(const std::vector<int>& shape, int axis) {
  const auto middle = shape.begin() + axis;
  return {count_of({shape.begin(), middle}), count_of({middle + 1, shape.end()})};
}

}  // namespace

/// Returns the elements of an axis in the order of `list`; other axes stay.
Constant Evaluation::along(const Constant& from, int axis,
                           const std::vector<std::int64_t>& list) const {
  std::vector<int> shape = from.shape;
  shape[axis] = static_cast<int>(list.size());
  Constant result = empty(from.type, std::move(shape));
  const auto [outer, inner] = around(from.shape, axis);
  const std::size_t extent = from.shape[axis];
  auto to = result.values.begin();
  for (std::size_t o = 0; o < outer; ++o)
    for (const std::int64_t k : list)
      to = std::copy_n(from.values.begin() + (o * extent + k) * inner, inner, to);
  return result;
}

/// Returns the same bytes as elements of another type. This operator is TFLite's, not ONNX's.
Constant Evaluation::bitcast() const {
  const auto to = type_named(node_.text("type", ""));
  if (!to) throw_error("type '{}'", node_.text("type", ""));
  std::vector<int> shape;
  for (const std::int64_t extent : node_.integers("shape")) {
    if (extent < 1 || extent > limit_) throw_error("extent {}", extent);
    shape.push_back(static_cast<int>(extent));
  }
  Constant result = empty(*to, shape);
  const auto values = elements_as<double>(*to, bytes_as(in(0).type, in(0).values));
  if (values.size() != result.values.size()) throw_error("{} elements", values.size());
  result.values = values;
  return result;
}

Constant Evaluation::concat() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  std::vector<int> shape = in(0).shape;
  std::int64_t extent = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    std::vector<int> same = in(i).shape;
    if (same.size() != shape.size()) throw_error("its tensors have different ranks");
    extent += same[axis];
    same[axis] = shape[axis];
    if (same != shape) throw_error("its tensors have different shapes");
  }
  if (extent > limit_) throw_error("more than {} elements", limit_);
  shape[axis] = static_cast<int>(extent);
  Constant result = empty(in(0).type, shape);
  const std::size_t outer = around(shape, axis).first;
  auto to = result.values.begin();
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::size_t run = in(i).values.size() / outer;
      to = std::copy_n(in(i).values.begin() + o * run, run, to);
    }
  return result;
}

Constant Evaluation::split() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  const auto sizes = parts_of(integers(1, "split"), node_.outputs.size(), in(0).shape[axis]);
  const auto begin = std::accumulate(
      sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(output_), std::int64_t{0});
  std::vector<std::int64_t> list(sizes[output_]);
  std::iota(list.begin(), list.end(), begin);
  return along(in(0), axis, list);
}

Constant Evaluation::slice() const {
  Constant result = in(0);
  for (const auto& [axis, part] : slices_of(in(0).shape, integers(1, "starts"), integers(2, "ends"),
                                            integers(3, "axes"), integers(4, "steps"))) {
    std::vector<std::int64_t> list;
    for (std::int64_t k = 0; k < part.size; ++k) list.push_back(part.begin + k * part.stride);
    result = along(result, static_cast<int>(axis), list);
  }
  return result;
}

Constant Evaluation::gather() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  std::vector<std::int64_t> list;
  for (const std::int64_t k : integers(1, "")) list.push_back(element_of(k, in(0).shape[axis]));
  Constant result = along(in(0), axis, list);
  result.shape.erase(result.shape.begin() + axis);
  result.shape.insert(result.shape.begin() + axis, in(1).shape.begin(), in(1).shape.end());
  return result;
}

Constant Evaluation::gather_elements() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  const std::vector<int>& shape = in(1).shape;
  if (shape.size() != in(0).shape.size()) throw_error("its tensors have different ranks");
  std::vector<std::size_t> steps = steps_of(in(0).shape);
  const std::size_t step = steps[axis];
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (static_cast<int>(i) != axis && shape[i] > in(0).shape[i])
      throw_error("extent {} of axis {} of the indices exceeds the input's", shape[i], i);
  steps[axis] = 0;
  Constant result = empty(in(0).type, shape);
  const Indices base = walk(shape, steps);
  const std::vector<std::int64_t> list = integers(1, "");
  for (std::size_t i = 0; i < base.size(); ++i)
    result.values[i] = in(0).values[base[i] + step * static_cast<std::size_t>(
                                                         element_of(list[i], in(0).shape[axis]))];
  return result;
}

Constant Evaluation::expand() const {
  std::vector<int> wanted;
  for (const std::int64_t extent : integers(1, "")) {
    if (extent < 1 || extent > limit_) throw_error("extent {}", extent);
    wanted.push_back(static_cast<int>(extent));
  }
  const auto shape = broadcast_shape(in(0).shape, wanted);
  if (!shape) throw_error("the shapes do not broadcast");
  empty(in(0).type, *shape);  // checks the size
  return picked(in(0), *shape, broadcast(in(0).shape, *shape));
}

Constant Evaluation::tile() const {
  const std::vector<std::int64_t> repeats = integers(1, "");
  if (repeats.size() != in(0).shape.size()) throw_error("{} repeats", repeats.size());
  Constant result = in(0);
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    const std::int64_t extent = result.shape[i];
    if (repeats[i] < 1 || repeats[i] * extent > limit_) throw_error("{} repeats", repeats[i]);
    std::vector<std::int64_t> list;
    for (std::int64_t k = 0; k < repeats[i] * extent; ++k) list.push_back(k % extent);
    result = along(result, static_cast<int>(i), list);
  }
  return result;
}

/// Pads any axes with a constant, with the border's element, or with a reflection.
Constant Evaluation::pad() const {
  const std::string mode = node_.text("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect") throw_error("mode '{}'", mode);
  const std::vector<std::int64_t> given = integers(1, "pads");
  std::vector<std::int64_t> axes = integers(3, "");
  if (axes.empty())
    for (int i = 0; i < in(0).rank(); ++i) axes.push_back(i);
  if (given.size() != 2 * axes.size())
    throw_error("{} pads for {} axes, allowed two for each", given.size(), axes.size());
  const double border = has(2) ? in(2).values[0] : double{node_.real("value", 0.0f)};
  Constant result = in(0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = axis_of(axes[i], result.rank());
    const std::int64_t extent = result.shape[axis];
    const std::int64_t before = given[i], after = given[i + axes.size()];
    const std::int64_t size = before + extent + after;
    if (before < -extent || after < -extent || size < 1 || size > limit_)
      throw_error("pads {} and {} leave axis {} empty or too large", before, after, axis);
    std::vector<std::int64_t> list;
    for (std::int64_t k = -before; k < extent + after; ++k) {
      const std::int64_t mirrored = k < 0 ? -k : k >= extent ? 2 * (extent - 1) - k : k;
      if (mode == "reflect" && (mirrored < 0 || mirrored >= extent))
        throw_error("pads {} and {} of axis {} reflect more elements than it has", before, after,
                    axis);
      const bool inside = k >= 0 && k < extent;
      list.push_back(mode == "reflect" ? mirrored
                     : mode == "edge"  ? std::clamp<std::int64_t>(k, 0, extent - 1)
                     : inside          ? k
                                       : 0);
    }
    result = along(result, axis, list);
    const std::size_t inner = around(result.shape, axis).second;
    for (std::size_t e = 0; mode == "constant" && e < result.values.size(); ++e) {
      const std::int64_t k = static_cast<std::int64_t>(e / inner) % size - before;
      if (k < 0 || k >= extent) result.values[e] = border;
    }
  }
  return result;
}

/// Computes DepthToSpace (DCR, CRD) and SpaceToDepth as transposes of six axes.
Constant Evaluation::blocks() const {
  const std::int64_t b = node_.integer("blocksize", 0);
  if (in(0).rank() != 4 || b < 1 || b > kMaxWindow)
    throw_error("blocksize {} and rank {}, allowed blocksizes from 1 and rank 4", b, in(0).rank());
  const int block = static_cast<int>(b);
  const std::vector<int>& s = in(0).shape;
  const bool to_space = node_.type == "DepthToSpace", crd = node_.text("mode", "DCR") == "CRD";
  if (to_space ? s[1] % (b * b) != 0 : s[2] % block != 0 || s[3] % block != 0)
    throw_error("extents do not divide by blocksize {}", b);
  // The input's axes, and the input axis of each axis of the result.
  const int depth = to_space ? s[1] / block / block : s[1];
  const std::vector<int> from =
      !to_space ? std::vector<int>{s[0], depth, s[2] / block, block, s[3] / block, block}
      : crd     ? std::vector<int>{s[0], depth, block, block, s[2], s[3]}
                : std::vector<int>{s[0], block, block, depth, s[2], s[3]};
  const std::vector<int> order = !to_space ? std::vector<int>{0, 3, 5, 1, 2, 4}
                                 : crd     ? std::vector<int>{0, 1, 4, 2, 5, 3}
                                           : std::vector<int>{0, 3, 4, 1, 5, 2};
  const std::vector<std::size_t> steps = steps_of(from);
  std::vector<std::size_t> turned;
  std::vector<int> shape;
  for (const int axis : order) {
    turned.push_back(steps[axis]);
    shape.push_back(from[axis]);
  }
  const std::vector<int> result =
      to_space ? std::vector<int>{s[0], depth, s[2] * block, s[3] * block}
               : std::vector<int>{s[0], s[1] * block * block, s[2] / block, s[3] / block};
  return picked(in(0), result, walk(shape, turned));
}

}  // namespace trine::host::onnx
