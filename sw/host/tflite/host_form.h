// SPDX-License-Identifier: Apache-2.0
//
// Rewrites TFLite operators as equivalent ONNX operators (OpKind::kOnnx), on the numbers that the
// tensors hold. Operators for which check() has no rule run on the host in this form.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::host {

using model::Graph, model::Op;

/// Appends `op` as host nodes at the graph's end. Results that depend only on constants become
/// constants and need no host.
/// @return true if the host has to run anything
/// @throws Error  text only: why the operator has no such form with these operands, or what helps
bool write_host_form(Graph& graph, const Op& op);

}  // namespace trine::host
