// SPDX-License-Identifier: Apache-2.0
//
// Includes Catch2 3 (Debian 13 and later) or 2 (Debian 12) and provides the names of version 3.

// An include guard instead of `#pragma once`: the compiler cache may supply the precompiled header
// of another clone, and `#pragma once` does not recognize the copy of this file in it.
#ifndef TRINE_BASE_CATCH_H
#define TRINE_BASE_CATCH_H

#if __has_include(<catch2/catch_all.hpp>)

#include <catch2/catch_all.hpp>

using Catch::Approx;

#else

#include <catch2/catch.hpp>

namespace Catch::Matchers {

inline StdString::ContainsMatcher ContainsSubstring(
    const std::string& text, CaseSensitive::Choice cases = CaseSensitive::Yes) {
  return Contains(text, cases);
}

}  // namespace Catch::Matchers

#endif

#endif  // TRINE_BASE_CATCH_H
