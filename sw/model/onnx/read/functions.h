// SPDX-License-Identifier: Apache-2.0
//
// Inlines the model-local functions of an ONNX file and names operators by their domains.

#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace trine::model::onnx_file {

/// Replaces each call of a model-local function by the function's nodes, including inner calls.
/// @throws Error  for recursion, more than 2^20 nodes, or a function whose opset differs from the
/// model's
void inline_functions(onnx::ModelProto* model, const std::string& file);

/// Returns the name by which importers know an operator: its type if the domain defines that type,
/// else "DOMAIN.TYPE", which no importer supports.
std::string operator_name(const std::string& domain, const std::string& type);

}  // namespace trine::model::onnx_file
