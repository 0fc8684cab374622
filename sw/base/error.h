// SPDX-License-Identifier: Apache-2.0
//
// The only exception type. It reports a wrong file, option, model or program of the user: main()
// prints the text and exits with 2. Broken invariants of our own code are assert()s instead.

#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace trine {

/// A user's error. what() has one line for each problem: "file:line: key: what, allowed values".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error with a formatted text: throw_error("{}: {} rows, allowed 1..256", file, rows).
template <typename... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace trine
