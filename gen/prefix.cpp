// SPDX-License-Identifier: Apache-2.0

#include "gen/prefix.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>

#include "base/error.h"

namespace trine::gen {
namespace {

/// The text of one file with the prefix.
std::string in_text(const std::string& name, const std::string& text, const std::string& prefix) {
  // Identifiers and the files trine.f, trine.core, trine.sdc; not what lies in folders of the
  // repository (tb/trine_sram_tb.cpp).
  static const std::regex lower("(^|[^\\w/.])(trine_\\w|trine\\.(?:f|core|sdc)\\b)");
  static const std::regex upper("\\bTRINE_");
  std::string result = std::regex_replace(text, lower, "$1" + prefix + "_$2");
  // Macros that switch assertions and tracing on are the same for all designs.
  if (std::filesystem::path(name).extension() == ".sv") return result;
  std::string capitals = prefix;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return std::regex_replace(result, upper, capitals + "_TRINE_");
}

}  // namespace

void check_prefix(const std::string& prefix) {
  static const std::regex allowed("[a-z][a-z0-9_]{0,31}");
  if (!prefix.empty() && !std::regex_match(prefix, allowed))
    throw_error("--prefix: '{}' is no prefix of names, allowed a-z, then up to 31 of a-z 0-9 _",
                prefix);
}

std::string prefixed(const std::string& name, const std::string& prefix) {
  return prefix.empty() ? name : prefix + "_" + name;
}

Files with_prefix(const Files& files, const std::string& prefix) {
  if (prefix.empty()) return files;
  Files renamed;
  for (const auto& [name, text] : files) {
    const bool ours = name.starts_with("trine");
    renamed[ours ? prefixed(name, prefix) : name] = in_text(name, text, prefix);
  }
  return renamed;
}

}  // namespace trine::gen
