// SPDX-License-Identifier: Apache-2.0
//
// Converts bytes to characters (Unicode 15, chapter 3.9).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trine::llm {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  ///< U+FFFD

/// The first character of a text.
struct Character {
  std::size_t bytes;  ///< 0: end of the text
  bool valid;         ///< false: `bytes` are invalid
};

/// Returns the first character of a text. For an invalid sequence, it returns the longest part that
/// could begin a valid character, at least one byte.
Character first_character(std::string_view text);

/// Returns a text with U+FFFD for invalid bytes.
std::string valid_utf8(std::string_view text);

/// Returns the bytes of a code point.
std::string utf8(std::uint32_t code_point);
/// Returns the first code point of a text. @pre it begins with a valid character
std::uint32_t code_point(std::string_view text);

}  // namespace trine::llm
