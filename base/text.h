// SPDX-License-Identifier: Apache-2.0
//
// Numbers and names in tables for people.

#pragma once

#include <cmath>
#include <string>
#include <type_traits>

namespace trine {

/// 1234567 -> "1,234,567"; of a real number the nearest whole one.
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

/// `text` in `width` columns, ".." for what is left out in its middle: the ends of names differ.
std::string fitted(const std::string& text, std::size_t width);

/// The same with the end left out, for what is read from its beginning.
std::string cut(const std::string& text, std::size_t width);

/// A name out of a file, for messages of one line: of bounded length, without control bytes.
std::string printable(std::string text);

}  // namespace trine
