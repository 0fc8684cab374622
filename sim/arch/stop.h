// SPDX-License-Identifier: Apache-2.0
//
// An end that the hardware has a code for: what ERROR_CAUSE would say. Other errors of the
// simulator are programs that it refuses, as the hardware would do something undefined with them.

#pragma once

#include <string_view>
#include <utility>

#include "base/error.h"
#include "machine/csr.h"

namespace trine::sim {

/// Code of ERROR_CAUSE. @pre there is such a cause
constexpr int cause_code(std::string_view name) {
  int value = -1;
  for (const csr::Code& code : csr::kErrors)
    if (code.name == name) value = code.value;
  return value;
}

class Stop : public Error {
 public:
  Stop(int stop_cause, const std::string& text) : Error(text), cause(stop_cause) {}

  int cause;  ///< code of ERROR_CAUSE
};

/// stop("deadlock", "RUN {}: no token", run)
template <typename... Args>
[[noreturn]] void stop(std::string_view cause, fmt::format_string<Args...> format, Args&&... args) {
  throw Stop(cause_code(cause), fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace trine::sim
