// SPDX-License-Identifier: Apache-2.0
//
// Model-local functions of an ONNX file, and the domains of its operators.

#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace trine::model::onnx_file {

/// Replaces each call of a model-local function by the function's nodes, inner calls included.
/// @throws Error  recursion, more than 2^20 nodes, or a function of another opset than the model's
void inline_functions(onnx::ModelProto* model, const std::string& file);

/// The name by which importers know an operator: its type if the domain defines that type, else
/// "DOMAIN.TYPE", which no importer supports.
std::string operator_name(const std::string& domain, const std::string& type);

}  // namespace trine::model::onnx_file
