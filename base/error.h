// SPDX-License-Identifier: Apache-2.0
//
// The one exception type: something the user gave (file, option, model, program) is wrong.
// main() prints the text and exits with 2. Broken invariants of our own are assert()s instead.

#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace trine {

/// what() is the whole message: one line for each problem, "file:line: key: what, allowed values".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// throw_error("{}: {} rows, allowed 1..256", file, rows)
template <typename... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace trine
