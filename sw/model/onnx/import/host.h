// SPDX-License-Identifier: Apache-2.0
//
// Operators of kind kOnnx: a node of ONNX and its attributes as the graph and programs keep them.

#pragma once

#include <vector>

#include "sw/model/graph.h"
#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// @param output  which of the node's outputs  @throws Error  an attribute that no operator here
/// has
Op host_op(const Node& node, std::int64_t opset, std::size_t output);

/// Whether an input's values decide the shape of what an operator gives.
bool decides_shape(const std::string& type, std::size_t input);

constexpr std::int64_t kMaxHostElements = std::int64_t{1} << 26;  ///< of a tensor of the host

/// Evaluates it. @param inputs  null where absent @param shape_only  as evaluate()
/// @throws Error  text only
Constant run_host_op(const Op& op, const std::vector<ConstantPointer>& inputs,
                     bool shape_only = false);

}  // namespace trine::model::onnx_file
