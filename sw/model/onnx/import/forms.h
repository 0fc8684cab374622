// SPDX-License-Identifier: Apache-2.0
//
// Operators as exporters write them, in those that the importer has methods for: windows over one
// axis, reductions that drop axes, normalizations over several, borders of any mode. Each says the
// same real numbers; what a quantizer behind rounds is what it would have rounded.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// What is known of an input when its reader is imported.
struct Operand {
  bool absent = true;
  std::vector<int> shape;
  DataType type = DataType::kFloat32;  ///< as ONNX has it
  ConstantPointer constant;            ///< null: a tensor
  double scale = 0, zero_point = 0;    ///< of codes, scale 0: of none
};

/// Nodes in order, the last of which has the outputs of the node that they stand for.
struct Form {
  std::vector<Node> nodes;
  std::map<std::string, ConstantPointer> constants;  ///< that they read, by name
};

/// @return nothing if the node stays as it is  @throws Error  text only: the caller names the node
std::optional<Form> form_of(const Node& node, std::int64_t opset,
                            const std::vector<Operand>& inputs);

}  // namespace trine::model::onnx_file
