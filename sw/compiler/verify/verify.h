// SPDX-License-Identifier: Apache-2.0
//
// Verifies each form of a network inside of the compiler: the network after each pass, the plan,
// and the instructions. A verifier checks what later stages rely on. It fails if a pass, the
// planner or the emitter broke such a condition, before wrong words reach a machine.
//
// Models: MLIR's verifier after each pass, LLVM's MachineVerifier, Vela's verify_graph_health.

#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// The error for a broken invariant of the compiler. what() is one line: "internal error: after
/// pass, which map or layer, what is wrong".
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Returns true if the verifiers run by default: in debug builds, and wherever the environment
/// variable TRINE_VERIFY is set and not 0 (all tests).
bool verifies_by_default();

/// The verifiers of one compilation. A fault ends the compilation.
/// @throws InternalError
class Verifier {
 public:
  /// Creates the verifiers.
  /// @param on  false: nothing is verified
  Verifier(const spec::Config& config, bool on) : config_(config), on_(on) {}

  /// Verifies one form.
  /// @param after  the stage that made the form, for messages
  void verify(const Network& network, std::string_view after) const;
  void verify(const Plan& plan, const Network& network) const;
  void verify(const std::vector<Instruction>& instructions, const Plan& plan,
              const Network& network) const;

 private:
  const spec::Config& config_;
  bool on_;
};

/// Returns the first broken invariant of the form, or nothing.
std::optional<std::string> fault_of(const Network& network, const spec::Config& config);
/// @pre fault_of(network) found nothing
std::optional<std::string> fault_of(const Plan& plan, const Network& network,
                                    const spec::Config& config);
/// @pre fault_of(plan) found nothing
std::optional<std::string> fault_of(const std::vector<Instruction>& instructions, const Plan& plan,
                                    const Network& network, const spec::Config& config);

}  // namespace trine::compiler
