// SPDX-License-Identifier: Apache-2.0
//
// Imports operators that move elements along an axis: slices, lists, blocks, the nearest pixel.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/node/operands.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {

using host::onnx::nearest_of, host::onnx::parts_of, host::onnx::slices_of, host::onnx::source_of;

/// Returns the index of ONNX's axis, and its index in the graph.
std::pair<std::size_t, int> Importer::axis_of(const Value& value, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(value.shape.size());
  if (axis < -rank || axis >= rank) throw_error("axis {} does not exist in rank {}", axis, rank);
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  const bool image = value.layout == Layout::kNhwc;
  return {at, image ? place_of(at, value.shape.size()) : static_cast<int>(at)};
}

/// Selects elements of an axis by a constant list; consecutive elements by a slice.
Value Importer::gather() {
  std::vector<int> indices;
  const int extent = in(0).shape[axis_of(in(0), node_->integer("axis", 0)).first];
  for (const double x : constant(1).values) {
    if (x != std::trunc(x) || x < -extent || x >= extent)
      throw_error("index {}, allowed {}..{}", x, -extent, extent - 1);
    indices.push_back(static_cast<int>(x < 0 ? x + extent : x));
  }
  if (indices.empty()) throw_error("selects no element");
  return gathered(in(0), node_->integer("axis", 0), indices);
}

Value Importer::gathered(Value value, std::int64_t given, const std::vector<int>& indices) {
  std::vector<int> shape = value.shape;
  shape[axis_of(value, given).first] = static_cast<int>(indices.size());
  if (is_pending(value) || !emit_.is_codes(value))
    return later(
        std::move(value), shape,
        [this, given, indices](Value codes) { return gathered(std::move(codes), given, indices); },
        out());
  if (value.raw_codes) throw_error("codes without DequantizeLinear");
  if (value.layout == Layout::kFlat) value = emit_.to_plain(value, node_->index);
  value = emit_.to_nhwc(std::move(value), node_->index);
  const int step = indices.size() > 1 ? indices[1] - indices[0] : 1;
  bool even = step > 0;
  for (std::size_t i = 1; i < indices.size(); ++i)
    even = even && indices[i] - indices[i - 1] == step;
  if (even)
    return sliced(value, given, indices[0], static_cast<std::int64_t>(indices.size()), step, out());
  return picked(std::move(value), given, indices);
}

/// Selects elements with a GATHER. @pre codes
Value Importer::picked(Value value, std::int64_t given, const std::vector<int>& indices) {
  const auto [axis, place] = axis_of(value, given);
  std::vector<int> lies = emit_.tensor(value.tensor).shape;
  lies[place] = value.shape[axis] = static_cast<int>(indices.size());
  Op gather = op(OpKind::kGather, {value.tensor, emit_.add_integers(indices)});
  gather.axis = place;
  value.tensor = emit_.add_move(std::move(gather), out(), lies);
  return value;
}

/// Imports DepthToSpace and SpaceToDepth. @pre an image
Value Importer::blocks() {
  const std::int64_t size = node_->integer("blocksize", 0);
  const bool depth = node_->type == "DepthToSpace";
  const std::vector<int>& from = in(0).shape;
  if (from.size() != 4) throw_error("input of rank {}, allowed 4", from.size());
  const std::string mode = node_->text("mode", "DCR");
  if (size < 1 || size > kMaxWindow || (mode != "DCR" && mode != "CRD"))
    throw_error("blocksize {} or mode '{}' is not supported, allowed 1 and above, DCR and CRD",
                size, mode);
  const int b = static_cast<int>(size);
  const bool fits = depth ? from[1] % (size * size) == 0 : from[2] % b == 0 && from[3] % b == 0;
  if (!fits) throw_error("blocks of {} do not divide [{}]", b, fmt::join(from, ", "));
  Value value = in(0);
  if (mode == "CRD" && depth && b > 1) {  // channels of a pixel's block are not adjacent
    const int blocks = b * b, C = from[1] / blocks;
    std::vector<int> order;
    for (int i = 0; i < from[1]; ++i) order.push_back(i % C * blocks + i / C);
    value = gathered(std::move(value), 1, order);
  }
  return in_blocks(std::move(value), b, depth);
}

Value Importer::in_blocks(Value value, int b, bool depth) {
  std::vector<int> shape = value.shape;
  const auto grown = [&](int extent, int by, bool grows) {
    return grows ? extent * by : extent / by;
  };
  shape = {shape[0], grown(shape[1], b * b, !depth), grown(shape[2], b, depth),
           grown(shape[3], b, depth)};
  if (is_pending(value))
    return later(
        std::move(value), shape,
        [this, b, depth](Value codes) { return in_blocks(std::move(codes), b, depth); }, out());
  if (value.raw_codes) throw_error("codes without DequantizeLinear");
  value = emit_.to_nhwc(std::move(value), node_->index);
  if (value.layout != Layout::kNhwc) throw_error("its input is not an image");
  Op move = op(depth ? OpKind::kDepthToSpace : OpKind::kSpaceToDepth, {value.tensor});
  move.block = b;
  value.tensor = emit_.add_move(std::move(move), out(), {shape[0], shape[2], shape[3], shape[1]});
  value.shape = shape;
  return value;
}

/// Selects `size` elements begin, begin + step, ... of one axis.
Value Importer::sliced(Value value, std::int64_t axis_given, std::int64_t begin, std::int64_t size,
                       std::int64_t step, const std::string& name) {
  if (value.raw_codes) throw_error("codes without DequantizeLinear");
  if (!emit_.is_codes(value) || is_pending(value)) {
    std::vector<int> shape = value.shape;
    shape[axis_of(value, axis_given).first] = static_cast<int>(size);
    return later(
        std::move(value), shape,
        [=, this](Value codes) {
          return sliced(std::move(codes), axis_given, begin, size, step, name);
        },
        name);
  }
  if (value.layout == Layout::kFlat) value = emit_.to_plain(value, node_->index);
  value = emit_.to_nhwc(std::move(value), node_->index);
  const auto [axis, place] = axis_of(value, axis_given);
  if (size < 1) throw_error("selects nothing of axis {}", axis);
  std::vector<int> shape = emit_.tensor(value.tensor).shape, end = shape;
  std::vector<int> first(shape.size(), 0), steps(shape.size(), 1);
  first[place] = static_cast<int>(begin);
  const std::int64_t last = begin + (size - 1) * step;
  // The end before the first element is -1 - extent, because negative ends count from the end.
  end[place] = static_cast<int>(step > 0 ? last + 1 : last - 1 - shape[place]);
  steps[place] = static_cast<int>(step);
  shape[place] = value.shape[axis] = static_cast<int>(size);
  Op slice = op(OpKind::kStridedSlice, {value.tensor});
  for (const auto* list : {&first, &end, &steps}) slice.inputs.push_back(emit_.add_integers(*list));
  value.tensor = emit_.add_move(std::move(slice), name, shape);
  return value;
}

Value Importer::slice() {
  Value value = in(0);
  for (const auto& [axis, part] :
       slices_of(value.shape, integers_of(1, "starts"), integers_of(2, "ends"),
                 integers_of(3, "axes"), integers_of(4, "steps"))) {
    if (std::abs(part.stride) > kMaxWindow) throw_error("step {}", part.stride);
    if (part.begin == 0 && part.stride == 1 && part.size == value.shape[axis]) continue;
    value =
        sliced(value, static_cast<std::int64_t>(axis), part.begin, part.size, part.stride, out());
  }
  return value;
}

Value Importer::split() {
  const Value value = in(0);
  const std::int64_t axis = node_->integer("axis", 0);
  const auto sizes = parts_of(integers_of(1, "split"), node_->outputs.size(),
                              value.shape[axis_of(value, axis).first]);
  std::int64_t begin = 0;
  Value first;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string& name = node_->outputs[i];
    Value part = sliced(value, axis, begin, sizes[i], 1, name);
    begin += sizes[i];
    if (i == 0)
      first = std::move(part);
    else
      values_[name] = std::move(part);
  }
  return first;
}

/// Returns, for each output along an axis, the nearest input as ONNX defines it.
std::vector<std::int32_t> Importer::nearest(int in, int out, double scale) const {
  const bool old = node_->type == "Upsample" || file_.opset < 11;
  const std::string from =
      old ? "asymmetric" : node_->text("coordinate_transformation_mode", "half_pixel");
  const std::string to = old ? "floor" : node_->text("nearest_mode", "round_prefer_floor");
  std::vector<std::int32_t> sources;
  for (int p = 0; p < out; ++p)
    sources.push_back(nearest_of(to, source_of(from, p, in, out, scale), in));
  return sources;
}

Value Importer::resize() {
  if (node_->text("mode", "nearest") != "nearest")
    throw_error("a mode other than nearest, allowed only nearest");
  if (!node_->integers("axes").empty()) throw_error("attribute axes, allowed none");
  if (node_->text("keep_aspect_ratio_policy", "stretch") != "stretch")
    throw_error("keep_aspect_ratio_policy other than stretch, allowed only stretch");
  Value value = image_codes();
  const bool upsample = node_->type == "Upsample" || node_->inputs.size() == 2;
  const bool sized = !upsample && has(3);
  const Constant& given = constant(upsample ? 1 : sized ? 3 : 2);
  if (given.values.size() != 4) throw_error("{} scales or sizes, allowed 4", given.values.size());
  std::vector<int> shape = value.shape;
  std::vector<double> scales(4, 1);
  for (std::size_t i = 0; i < 4; ++i) {
    const double extent = sized ? given.values[i] : std::floor(shape[i] * given.values[i]);
    if (!(extent >= 1 && extent <= kMaxWindow) || (i < 2 && extent != shape[i]))
      throw_error("cannot resize to extent {} of axis {}", extent, i);
    scales[i] = sized ? extent / shape[i] : given.values[i];
    shape[i] = static_cast<int>(extent);
  }
  const auto rows = nearest(value.shape[2], shape[2], scales[2]),
             cols = nearest(value.shape[3], shape[3], scales[3]);
  const auto plain = [](const std::vector<std::int32_t>& list, int extent) {
    const std::size_t factor = list.size() / static_cast<std::size_t>(extent);
    if (factor * static_cast<std::size_t>(extent) != list.size()) return false;
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i] != static_cast<std::int32_t>(i / factor)) return false;
    return true;
  };
  if (!plain(rows, value.shape[2]) || !plain(cols, value.shape[3]))
    return picked(picked(std::move(value), 2, rows), 3, cols);
  const int size = emit_.add_integers({shape[2], shape[3]});
  value.tensor = emit_.add_move(op(OpKind::kResizeNearestNeighbor, {value.tensor, size}), out(),
                                {shape[0], shape[2], shape[3], shape[1]});
  value.shape = shape;
  return value;
}

}  // namespace trine::model::onnx_file
