// SPDX-License-Identifier: Apache-2.0
//
// The options of a compilation, for the command line and for each step of the compiler.

#pragma once

#include <string>

#include "sw/compiler/mapping/mapping.h"
#include "sw/compiler/partition/partition.h"
#include "sw/compiler/search/search.h"
#include "sw/compiler/verify/verify.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// The options of a compilation.
struct CompileOptions {
  reference::RoundingPolicy rounding = reference::kDoublePolicy;
  Ways ways = {};
  HostPart host = HostPart::kNowhere;
  Objective objective = Objective::kCycles;
  const Mapping* mapping = nullptr;     ///< loops that the user chose
  std::string* mapping_text = nullptr;  ///< receives the mapping file of the plan
  bool verify = verifies_by_default();  ///< runs the verifiers of verify/verify.h
  std::string print_after = {};         ///< a name of stage_names(), or empty
  std::string* printed = nullptr;       ///< receives the printed form after `print_after`
};

}  // namespace trine::compiler
