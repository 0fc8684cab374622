// SPDX-License-Identifier: Apache-2.0
//
// Approved tables: results that a person has checked, one file each.

#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/file.h"

namespace trine {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// Compares a table line by line with its file in tests/approval/. With TRINE_APPROVE=1 in the
/// environment, writes the file and fails, because nothing was compared.
inline void approve(const std::string& name, const std::string& table) {
  const auto file = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "approval" / name;
  if (std::getenv("TRINE_APPROVE") != nullptr) {
    write_file(file, table);
    FAIL_CHECK(name << " is written anew: look at its difference, run again without TRINE_APPROVE");
    return;
  }
  const std::vector<std::string> approved = lines_of(read_text(file)), made = lines_of(table);
  for (std::size_t i = 0; i < std::min(made.size(), approved.size()); ++i)
    CHECK(made[i] == approved[i]);
  CHECK(made.size() == approved.size());
}

}  // namespace trine
