// SPDX-License-Identifier: Apache-2.0
//
// ONNX's float32 operators as the standard defines them, one by one: of constants at import, and on
// the host for what has no integer form (OpKind::kOnnx).

#pragma once

#include <string>
#include <vector>

#include "sw/model/onnx_file.h"

namespace trine::model::onnx_file {

/// Whether evaluate() has the operator.
bool evaluates(const std::string& type);

/// The output `output` of a node. @param inputs  null where absent
/// @param opset  of the file: some operators changed  @param limit  elements that the result may
/// have
/// @param shape_only  values of products need not be right
/// @throws Error  text only: the caller names the node
Constant evaluate(const Node& node, std::int64_t opset, const std::vector<ConstantPointer>& inputs,
                  std::size_t output, std::int64_t limit, bool shape_only = false);

}  // namespace trine::model::onnx_file
