// SPDX-License-Identifier: Apache-2.0

#include "sw/base/packages.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

/// Returns the rows of packages.txt: task, program, and the package name of each system.
std::vector<Words> read_rows() {
  std::ifstream in(project_root() / "cmake" / "packages.txt");
  std::vector<Words> rows;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && !line.starts_with('#')) rows.push_back(words_of(line));
  return rows;
}

/// Returns the entry of row `name` for the system; without such a row, `name` itself.
/// @param at  0: the task, 1: the program
std::string entry_of(const std::vector<Words>& rows, std::size_t at, const std::string& name,
                     std::size_t column) {
  const auto row = std::ranges::find_if(rows, [&](const Words& r) { return r.at(at) == name; });
  return row == rows.end() ? name : row->at(column);
}

/// Returns the column of the system that os-release names, by default Debian's.
std::size_t column_of(const std::vector<Words>& rows, const std::filesystem::path& os_release) {
  constexpr std::size_t kDebian = 2;
  std::ifstream in(os_release);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("ID=") && !line.starts_with("ID_LIKE=")) continue;
    std::ranges::replace_if(
        line, [](char c) { return c == '"' || c == '='; }, ' ');
    for (const std::string& word : words_of(line))
      for (const Words& row : rows)
        for (std::size_t i = kDebian; row.front() == "system" && i < row.size(); ++i)
          if (row[i] == word) return i;
  }
  return kDebian;
}

}  // namespace

std::string how_to_install(const std::vector<std::string>& programs,
                           const std::filesystem::path& os_release) {
  const std::vector<Words> rows = read_rows();
  const std::size_t column = column_of(rows, os_release);
  Words packages, others;
  for (const std::string& program : programs) {
    const std::string entry = entry_of(rows, 1, program, column);
    (entry == "-" ? others : packages)
        .push_back(entry == "-" ? program : entry.substr(0, entry.find('/')));
  }
  std::string install = entry_of(rows, 0, "install", column);
  std::ranges::replace(install, ',', ' ');
  const std::string build =
      fmt::format("building {} (this system provides no package)", fmt::join(others, ", "));
  if (packages.empty()) return build;
  return fmt::format("{} {}{}", install, fmt::join(packages, " "),
                     others.empty() ? "" : ", and " + build);
}

void need_programs(const std::vector<std::string>& programs) {
  std::vector<std::string> missing;
  for (const std::string& program : programs)
    if (!on_path(program)) missing.push_back(program);
  if (!missing.empty())
    throw_error("not found: {}; get them by: {}", fmt::join(missing, ", "),
                how_to_install(missing));
}

}  // namespace trine
