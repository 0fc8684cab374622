// SPDX-License-Identifier: Apache-2.0
//
// Formats numbers and names for tables and messages.

#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

namespace trine {

/// Returns 1234567 as "1,234,567"; rounds a real number to the nearest integer.
template <typename N>
std::string grouped(N number) {
  if constexpr (std::is_floating_point_v<N>) {
    return grouped(std::llround(number));
  } else {
    std::string digits = std::to_string(number);
    const std::size_t first = digits[0] == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
    return digits;
  }
}

/// Shortens `text` to `width` columns by ".." in its middle, because names often differ only at the
/// end.
std::string fitted(const std::string& text, std::size_t width);

/// Shortens `text` to `width` columns by ".." at its end.
std::string cut(const std::string& text, std::size_t width);

/// Returns a name from a file for a message of one line: at most 200 bytes, control bytes as "?".
std::string printable(std::string text);

/// "row_wrap" -> "RowWrap".
std::string upper_camel(std::string_view snake);

}  // namespace trine
