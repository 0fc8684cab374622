// SPDX-License-Identifier: Apache-2.0
//
// An end for which the hardware has a code in ERROR_CAUSE. Other errors of the simulator are
// refusals of programs whose behavior on the hardware is undefined.

#pragma once

#include <string_view>
#include <utility>

#include "spec/csr.h"
#include "sw/base/error.h"

namespace trine::sim {

/// Returns the code of ERROR_CAUSE with this name. @pre the cause exists
constexpr int cause_code(std::string_view name) {
  int value = -1;
  for (const csr::Code& code : csr::kErrors)
    if (code.name == name) value = code.value;
  return value;
}

/// Ends a program with a cause.
class Stop : public Error {
 public:
  Stop(int stop_cause, const std::string& text) : Error(text), cause(stop_cause) {}

  int cause;  ///< code of ERROR_CAUSE
};

/// Throws a Stop: stop("deadlock", "RUN {}: no token", run).
template <typename... Args>
[[noreturn]] void stop(std::string_view cause, fmt::format_string<Args...> format, Args&&... args) {
  throw Stop(cause_code(cause), fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace trine::sim
