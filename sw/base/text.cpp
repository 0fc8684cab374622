// SPDX-License-Identifier: Apache-2.0

#include "sw/base/text.h"

#include <cctype>

namespace trine {

std::string fitted(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text;
  const std::size_t head = (width - 2) / 3;
  return text.substr(0, head) + ".." + text.substr(text.size() - (width - 2 - head));
}

std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

std::string printable(std::string text) {
  if (text.size() > 200) text.resize(200);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

std::string upper_camel(std::string_view snake) {
  std::string camel;
  bool start = true;
  for (const char c : snake) {
    if (c != '_') camel += static_cast<char>(start ? std::toupper(c) : c);
    start = c == '_';
  }
  return camel;
}

}  // namespace trine
