// SPDX-License-Identifier: Apache-2.0
//
// Reads lists that are attributes of a node or, in later versions of ONNX, constant inputs.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/host/onnx/node/node.h"
#include "sw/model/graph/shapes.h"

namespace trine::host::onnx {

using model::Slice;

/// Returns a list of integers.
/// @param input  null: the list is the attribute `key`
std::vector<std::int64_t> integers_of(const Node& node, const char* key, const Constant* input);

/// Returns the sizes of Split's parts.
/// @param given  empty: the parts are as equal as possible
/// @throws Error  if there are not as many sizes as outputs, or if they do not fit the axis
std::vector<std::int64_t> parts_of(std::vector<std::int64_t> given, std::size_t outputs,
                                   std::int64_t extent);

/// A slice of one axis, from Slice's operands.
struct AxisSlice {
  std::size_t axis;
  Slice slice;
};
/// Returns Slice's slices in the order of its axes.
/// @param axes, steps  may be absent
/// @throws Error  for unequal counts, an invalid axis, or step 0
std::vector<AxisSlice> slices_of(const std::vector<int>& shape,
                                 const std::vector<std::int64_t>& starts,
                                 const std::vector<std::int64_t>& ends,
                                 std::vector<std::int64_t> axes, std::vector<std::int64_t> steps);

}  // namespace trine::host::onnx
