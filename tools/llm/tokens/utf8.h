// SPDX-License-Identifier: Apache-2.0
//
// Bytes as characters (Unicode 15, chapter 3.9).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trine::llm {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  ///< U+FFFD

struct Character {
  std::size_t bytes;  ///< 0: the text is at its end
  bool valid;         ///< else `bytes` are those that no character begins with
};

/// The character that a text begins with. Of bytes that are none, as many as begin one.
Character first_character(std::string_view text);

/// With U+FFFD for what is no character.
std::string valid_utf8(std::string_view text);

std::string utf8(std::uint32_t code_point);
/// @pre it begins with a character
std::uint32_t code_point(std::string_view text);

}  // namespace trine::llm
