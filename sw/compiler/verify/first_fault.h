// SPDX-License-Identifier: Apache-2.0
//
// Records the first broken invariant that a verifier finds, and the place where it was found.

#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace trine::compiler {

/// Base of the verifiers. `where_` names the map or layer under check.
class FirstFault {
 protected:
  template <typename... Args>
  void require(bool holds, fmt::format_string<Args...> text, Args&&... args) {
    if (!holds && !fault_) fault_ = where_ + fmt::format(text, std::forward<Args>(args)...);
  }

  std::string where_;
  std::optional<std::string> fault_;
};

}  // namespace trine::compiler
