// SPDX-License-Identifier: Apache-2.0
//
// Decides which tensors of codes the machine can hold, and which conversions of codes it computes.

#pragma once

#include "spec/config.h"
#include "sw/model/graph/graph.h"

namespace trine::compiler {

/// Returns true if the machine can hold the tensor in a map. Such tensors can also pass through the
/// machine.
bool is_code(const model::Tensor& tensor, const spec::Config& config);

/// Returns true if the machine computes `op`, which converts int32 codes to int16 codes or the
/// other way round.
bool quantizes_words(const model::Graph& graph, const model::Op& op, const spec::Config& config);

}  // namespace trine::compiler
