// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/verify/verify.h"

#include <fmt/format.h>

#include <cstdlib>

namespace trine::compiler {
namespace {

void require_none(const std::optional<std::string>& fault, std::string_view after) {
  if (fault) throw InternalError(fmt::format("internal error after {}: {}", after, *fault));
}

}  // namespace

bool verifies_by_default() {
#ifndef NDEBUG
  return true;
#else
  const char* text = std::getenv("TRINE_VERIFY");
  return text != nullptr && std::string_view(text) != "0";
#endif
}

void Verifier::verify(const Network& network, std::string_view after) const {
  if (on_) require_none(fault_of(network, config_), after);
}

void Verifier::verify(const Plan& plan, const Network& network) const {
  if (on_) require_none(fault_of(plan, network, config_), "plan");
}

void Verifier::verify(const std::vector<Instruction>& instructions, const Plan& plan,
                      const Network& network) const {
  if (on_) require_none(fault_of(instructions, plan, network, config_), "emit");
}

}  // namespace trine::compiler
