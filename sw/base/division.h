// SPDX-License-Identifier: Apache-2.0
//
// Rounds up to whole multiples.

#pragma once

#include <type_traits>

namespace trine {

/// Returns ceil(n / unit). @pre n >= 0, unit > 0
template <typename N, typename U>
constexpr std::common_type_t<N, U> divide_up(N n, U unit) {
  return (n + unit - 1) / unit;
}

/// Returns the smallest multiple of `unit` that is at least n. @pre n >= 0, unit > 0
template <typename N, typename U>
constexpr std::common_type_t<N, U> round_up(N n, U unit) {
  return divide_up(n, unit) * unit;
}

}  // namespace trine
