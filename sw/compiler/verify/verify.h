// SPDX-License-Identifier: Apache-2.0
//
// A verifier for each form of a network inside of the compiler: the network after each pass, the
// plan, the instructions. A verifier states what later stages rely on. It fails where a pass, the
// planner or the emitter broke that, before wrong words reach a machine.
//
// Models: MLIR's verifier after each pass, LLVM's MachineVerifier, Vela's verify_graph_health.

#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// The compiler broke an invariant of its own. what() is one line: "internal error: after pass,
/// which map or layer, what is wrong".
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Returns true if the verifiers run by default: in debug builds, and wherever the environment
/// variable TRINE_VERIFY is set and not 0 (all tests).
bool verifies_by_default();

/// Each returns the first broken invariant, or nothing.
std::optional<std::string> fault_of(const Network& network, const machine::Config& config);
/// @pre fault_of(network) found nothing
std::optional<std::string> fault_of(const Plan& plan, const Network& network,
                                    const machine::Config& config);
/// @pre fault_of(plan) found nothing
std::optional<std::string> fault_of(const std::vector<Instruction>& instructions, const Plan& plan,
                                    const Network& network, const machine::Config& config);

/// @throws InternalError  "internal error: <after>: <fault>"
void require_none(const std::optional<std::string>& fault, std::string_view after);

}  // namespace trine::compiler
