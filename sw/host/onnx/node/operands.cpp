// SPDX-License-Identifier: Apache-2.0

#include "sw/host/onnx/node/operands.h"

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/model/graph/indices.h"

namespace trine::host::onnx {

using model::axis_of, model::slice_of;

std::vector<std::int64_t> integers_of(const Node& node, const char* key, const Constant* input) {
  if (input == nullptr) return node.integers(key);
  std::vector<std::int64_t> result;
  for (const double x : input->values)
    result.push_back(std::isnan(x) ? 0 : static_cast<std::int64_t>(std::clamp(x, -0x1p31, 0x1p31)));
  return result;
}

std::vector<std::int64_t> parts_of(std::vector<std::int64_t> sizes, std::size_t outputs,
                                   std::int64_t extent) {
  const auto count = static_cast<std::int64_t>(outputs);
  if (sizes.empty())
    for (std::int64_t i = 0, rest = extent; i < count; ++i) {
      sizes.push_back(std::min(rest, (extent + count - 1) / count));
      rest -= sizes.back();
    }
  if (sizes.size() != outputs) throw_error("{} sizes", sizes.size());
  std::int64_t rest = extent;
  for (const std::int64_t size : sizes) {
    if (size < 1 || size > rest) throw_error("size {}", size);
    rest -= size;
  }
  return sizes;
}

std::vector<AxisSlice> slices_of(const std::vector<int>& shape,
                                 const std::vector<std::int64_t>& starts,
                                 const std::vector<std::int64_t>& ends,
                                 std::vector<std::int64_t> axes, std::vector<std::int64_t> steps) {
  for (std::size_t i = axes.size(); i < starts.size(); ++i)
    axes.push_back(static_cast<std::int64_t>(i));
  steps.resize(std::max(steps.size(), starts.size()), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size())
    throw_error("{} starts, {} ends, {} axes, allowed equal numbers", starts.size(), ends.size(),
                axes.size());
  std::vector<int> extents = shape;
  std::vector<AxisSlice> result;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axis_of(axes[i], static_cast<int>(shape.size())));
    if (steps[i] == 0) throw_error("step 0");
    const Slice slice = slice_of(starts[i], ends[i], steps[i], extents[axis]);
    extents[axis] = static_cast<int>(slice.size);
    result.push_back({axis, slice});
  }
  return result;
}

}  // namespace trine::host::onnx
