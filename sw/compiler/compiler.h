// SPDX-License-Identifier: Apache-2.0
//
// Compiles a quantized network for one configuration of the machine.

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/options.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Returns the names of the compiler's stages in order: rewrite, lower, the passes
/// (transform/passes.h), plan, emit and schedule.
std::vector<std::string> stage_names();

/// Compiles a graph for one configuration. The same inputs give the same program, byte for byte.
/// @throws Error  names the operators that the configuration does not support (name, index,
/// tensor), or the layer that does not fit
Program compile(const model::Graph& graph, const spec::Config& config,
                const CompileOptions& options = {});

}  // namespace trine::compiler
