// SPDX-License-Identifier: Apache-2.0
//
// Compiles a quantized network for one configuration of the machine.

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/legal.h"
#include "sw/compiler/transform/search.h"
#include "sw/compiler/verify/verify.h"
#include "sw/model/graph.h"
#include "sw/program/program.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// The options of a compilation.
struct CompileOptions {
  reference::RoundingPolicy rounding = reference::kDoublePolicy;
  Ways ways = {};
  HostPart host = HostPart::kNowhere;
  bool verify = verifies_by_default();  ///< runs the verifiers of verify/verify.h
  std::string print_after = {};         ///< a name of stage_names(), or empty
  std::string* printed = nullptr;       ///< receives the printed form after `print_after`
};

/// Returns the names of the compiler's stages in order: rewrite, lower, the passes
/// (transform/passes.h), plan, emit and schedule.
std::vector<std::string> stage_names();

/// Compiles a graph for one configuration. The same inputs give the same program, byte for byte.
/// @throws Error  names the operators that the configuration does not support (name, index,
/// tensor), or the layer that does not fit
Program compile(const model::Graph& graph, const spec::Config& config,
                const CompileOptions& options = {});

}  // namespace trine::compiler
