// SPDX-License-Identifier: Apache-2.0
//
// Compiles a quantized network for one configuration of the machine.

#pragma once

#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/legal.h"
#include "sw/compiler/transform/search.h"
#include "sw/compiler/verify/verify.h"
#include "sw/model/graph.h"
#include "sw/program/program.h"
#include "sw/reference/run.h"

namespace trine::compiler {

struct CompileOptions {
  reference::RoundingPolicy rounding = reference::kDoublePolicy;
  Ways ways = {};
  HostPart host = HostPart::kNowhere;
  bool verify = verifies_by_default();  ///< runs the verifiers of verify/verify.h
  std::string print_after = {};         ///< one of stage_names(), or nothing
  std::string* printed = nullptr;       ///< gets the form after that stage as text
};

/// What the network goes through, in order: rewrite, lower, the passes (transform/passes.h), plan,
/// emit, schedule.
std::vector<std::string> stage_names();

/// The result is the same for the same inputs, byte for byte.
/// @throws Error  operators that the machine lacks (name, index, tensor), or what does not fit
Program compile(const model::Graph& graph, const machine::Config& config,
                const CompileOptions& options = {});

}  // namespace trine::compiler
