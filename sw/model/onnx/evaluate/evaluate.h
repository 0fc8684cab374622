// SPDX-License-Identifier: Apache-2.0
//
// ONNX's float32 operators as the standard defines them, one by one: of constants at import, and on
// the host for what has no integer form (OpKind::kOnnx).

#pragma once

#include <string>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// Whether evaluate() has the operator.
bool evaluates(const std::string& type);

/// Whether each element of its result depends on one element of each operand.
bool is_elementwise(const std::string& type);

/// The output `output` of a node. @param inputs  null where absent
/// @param opset  of the file: some operators changed  @param limit  elements that the result may
/// have
/// @param shape_only  values of products need not be right
/// @throws Error  text only: the caller names the node
Constant evaluate(const Node& node, std::int64_t opset, const std::vector<ConstantPointer>& inputs,
                  std::size_t output, std::int64_t limit, bool shape_only = false);

/// A file without inputs, node by node: its outputs.
/// @throws Error  names the node and what evaluate() does not have
std::vector<ConstantPointer> evaluate_file(const File& file);

/// Resize: the coordinate along an axis of `from` elements that output `p` of `to` is read at.
/// In double, or in float32 as ONNX Runtime's images are.
/// @param mode  its coordinate_transformation_mode  @throws Error  no mode of ONNX's
template <typename Real>
Real source_of(const std::string& mode, int p, int from, int to, Real scale);
/// The element nearest to a coordinate. @param mode  Resize's nearest_mode
int nearest_of(const std::string& mode, double x, int from);

}  // namespace trine::model::onnx_file
