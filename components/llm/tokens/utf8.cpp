// SPDX-License-Identifier: Apache-2.0

#include "components/llm/tokens/utf8.h"

namespace trine::llm {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// The range of the second byte after this one.
struct Second {
  unsigned low = 0x80, high = 0xbf;
};
Second second_of(unsigned lead) {
  switch (lead) {
    case 0xe0:
      return {0xa0, 0xbf};
    case 0xed:
      return {0x80, 0x9f};
    case 0xf0:
      return {0x90, 0xbf};
    case 0xf4:
      return {0x80, 0x8f};
    default:
      return {};
  }
}

std::size_t bytes_of(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace

Character first_character(std::string_view text) {
  if (text.empty()) return {0, true};
  const std::size_t bytes = bytes_of(byte_at(text, 0));
  if (bytes == 0) return {1, false};
  Second allowed = second_of(byte_at(text, 0));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (i == text.size() || byte_at(text, i) < allowed.low || byte_at(text, i) > allowed.high)
      return {i, false};
    allowed = {};
  }
  return {bytes, true};
}

std::string valid_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character c = first_character(text);
    result += c.valid ? text.substr(0, c.bytes) : kReplacement;
    text.remove_prefix(c.bytes);
  }
  return result;
}

std::string utf8(std::uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

std::uint32_t code_point(std::string_view text) {
  const std::size_t bytes = bytes_of(byte_at(text, 0));
  std::uint32_t c = byte_at(text, 0) & (bytes == 1 ? 0x7fU : 0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) c = c << 6 | (byte_at(text, i) & 0x3f);
  return c;
}

}  // namespace trine::llm
