// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/grid.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "sw/base/error.h"

namespace trine::sweep {

std::vector<std::string> choices(const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw_error("--set {}: expected key=value,value,...", setting);
  const std::string key = setting.substr(0, equals + 1);
  std::vector<std::string> all{key};
  int depth = 0;
  bool quoted = false;
  for (const char c : setting.substr(equals + 1)) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '[') ++depth;
    if (!quoted && c == ']') --depth;
    if (c == ',' && !quoted && depth == 0)
      all.push_back(key);
    else
      all.back() += c;
  }
  if (std::ranges::find(all, key) != all.end())
    throw_error("--set {}: a value is empty, expected key=value,value,...", setting);
  return all;
}

std::vector<std::vector<std::string>> grid(const std::vector<std::string>& settings) {
  std::vector<std::vector<std::string>> points(1);
  std::set<std::string> keys;
  for (const std::string& setting : settings) {
    const std::vector<std::string> values = choices(setting);
    if (!keys.insert(setting.substr(0, setting.find('='))).second)
      throw_error("--set {}: the key is set twice, expected key=value,value,...", setting);
    std::vector<std::vector<std::string>> longer;
    for (const std::vector<std::string>& point : points)
      for (const std::string& value : values) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    points = std::move(longer);
  }
  return points;
}

std::vector<std::string> files_of(const std::vector<std::string>& patterns,
                                  const std::string& option) {
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    const bool any = ::glob(pattern.c_str(), 0, nullptr, &found) == 0;
    std::vector<std::string> names;
    for (std::size_t i = 0; any && i < found.gl_pathc; ++i) names.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    std::erase_if(names,
                  [](const std::string& name) { return std::filesystem::is_directory(name); });
    if (names.empty()) throw_error("{} {}: no such file", option, pattern);
    for (const std::string& name : names)
      if (std::ranges::find(files, name) == files.end()) files.push_back(name);
  }
  return files;
}

}  // namespace trine::sweep
