// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX's float32 operators one by one, as the standard defines them: on constants at
// import, and on the host for operators without an integer form (OpKind::kOnnx).

#pragma once

#include <string>
#include <vector>

#include "sw/host/onnx/node/node.h"

namespace trine::host::onnx {

/// Returns true if evaluate() supports the operator.
bool evaluates(const std::string& type);

/// Returns true if each element of the result depends on one element of each operand.
bool is_elementwise(const std::string& type);

/// Evaluates the output `output` of a node.
/// @param inputs  null for absent inputs
/// @param opset  of the file, because some operators changed
/// @param limit  largest number of elements of the result
/// @param shape_only  true: the values of products need not be right
/// @throws Error  text only; the caller names the node
Constant evaluate(const Node& node, std::int64_t opset, const std::vector<ConstantPointer>& inputs,
                  std::size_t output, std::int64_t limit, bool shape_only = false);

/// Returns the coordinate at which Resize reads its input for element `p` of the output, along an
/// axis of `from` input and `to` output elements. Real is double, or float32 as in ONNX
/// Runtime for images.
/// @param mode  coordinate_transformation_mode
/// @throws Error  if ONNX does not define the mode
template <typename Real>
Real source_of(const std::string& mode, int p, int from, int to, Real scale);
/// Returns the element nearest to a coordinate.
/// @param mode  Resize's nearest_mode
int nearest_of(const std::string& mode, double x, int from);

}  // namespace trine::host::onnx
