// SPDX-License-Identifier: Apache-2.0
//
// Rewrites operators that exporters write in forms for which the importer has no methods: windows
// over one axis, reductions that drop axes, normalizations over several axes, borders of any mode.
// The new form computes the same real numbers, so that a quantizer that follows rounds the same
// values.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// The properties of an input that are known when its reader is imported.
struct Operand {
  bool absent = true;
  std::vector<int> shape;
  DataType type = DataType::kFloat32;  ///< ONNX's type
  ConstantPointer constant;            ///< null: a tensor
  double scale = 0, zero_point = 0;    ///< of codes; scale 0: no codes
};

/// Nodes in order. The last one has the outputs of the node that they replace.
struct Form {
  std::vector<Node> nodes;
  std::map<std::string, ConstantPointer> constants;  ///< constants that they read, by name
};

/// Returns the new form of a node.
/// @return nothing if the node stays as it is
/// @throws Error  text only; the caller names the node
std::optional<Form> form_of(const Node& node, std::int64_t opset,
                            const std::vector<Operand>& inputs);

}  // namespace trine::model::onnx_file
