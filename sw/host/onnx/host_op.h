// SPDX-License-Identifier: Apache-2.0
//
// Handles operators of kind kOnnx: nodes of ONNX and their attributes, as stored in graphs and
// programs.

#pragma once

#include <vector>

#include "sw/host/onnx/node/node.h"
#include "sw/model/graph/graph.h"

namespace trine::host::onnx {

using model::Op;

/// Makes the host operator for a node.
/// @param output  selects one of the node's outputs
/// @throws Error  for an attribute that no host operator has
Op host_op(const Node& node, std::int64_t opset, std::size_t output);

/// Returns true if the values of an input determine the shape of the operator's result.
bool decides_shape(const std::string& type, std::size_t input);

constexpr std::int64_t kMaxHostElements = std::int64_t{1} << 26;  ///< elements of a host tensor

/// Evaluates a host operator.
/// @param inputs  null for absent inputs
/// @param shape_only  as in evaluate()
/// @throws Error  text only
Constant run_host_op(const Op& op, const std::vector<ConstantPointer>& inputs,
                     bool shape_only = false);

}  // namespace trine::host::onnx
