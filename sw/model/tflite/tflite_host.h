// SPDX-License-Identifier: Apache-2.0
//
// Operators of TFLite as those of ONNX that mean the same (OpKind::kOnnx), on numbers as the
// tensors hold them: what check() has no rule for, the host runs in this form.

#pragma once

#include "sw/model/graph.h"

namespace trine::model {

/// Writes `op` as nodes of the host at the graph's end; what depends on constants alone becomes a
/// constant and needs no host.
/// @return whether the host has to run anything
/// @throws Error  text only: what helps where the operator has no such form, or why it has none
/// with these operands
bool write_host_form(Graph& graph, const Op& op);

}  // namespace trine::model
