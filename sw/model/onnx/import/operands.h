// SPDX-License-Identifier: Apache-2.0
//
// Lists that a node has as attributes or, in later versions of ONNX, as constant inputs.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/model/onnx/read/file.h"
#include "sw/model/shapes.h"

namespace trine::model::onnx_file {

/// @param input  null: the attribute `key`
std::vector<std::int64_t> integers_of(const Node& node, const char* key, const Constant* input);

/// Sizes of Split's parts. @param given  none: as equal as they can be
/// @throws Error  if there are not as many as outputs, or they do not fit the axis
std::vector<std::int64_t> parts_of(std::vector<std::int64_t> given, std::size_t outputs,
                                   std::int64_t extent);

/// Slice's operands, axis by axis in their order.
struct AxisSlice {
  std::size_t axis;
  Slice slice;
};
/// @param axes, steps  may be absent @throws Error  unequal counts, no axis, step 0
std::vector<AxisSlice> slices_of(const std::vector<int>& shape,
                                 const std::vector<std::int64_t>& starts,
                                 const std::vector<std::int64_t>& ends,
                                 std::vector<std::int64_t> axes, std::vector<std::int64_t> steps);

}  // namespace trine::model::onnx_file
