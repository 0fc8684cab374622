// SPDX-License-Identifier: Apache-2.0

#include "base/packages.h"

#include <fmt/ranges.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/process.h"
#include "base/root.h"

namespace trine {
namespace {

/// A system's column of packages.txt (0: the one after the program) and its install command.
struct System {
  const char* id;  ///< in /etc/os-release, ID or ID_LIKE
  std::size_t column;
  const char* install;
};
constexpr System kDebian{"debian", 0, "apt-get install"};
constexpr System kSystems[] = {
    kDebian, {"fedora", 1, "dnf install"}, {"arch", 2, "pacman -S --needed"}};

System system_of(const std::filesystem::path& os_release) {
  std::ifstream in(os_release);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("ID=") && !line.starts_with("ID_LIKE=")) continue;
    for (char& c : line)
      if (c == '"' || c == '=') c = ' ';
    std::istringstream words(line);
    for (std::string word; words >> word;)
      for (const System& system : kSystems)
        if (word == system.id) return system;
  }
  return kDebian;
}

/// Returns the package of a program, or the program's name if the table has none.
std::string package_of(const std::string& program, std::size_t column) {
  std::ifstream in(project_root() / "cmake" / "packages.txt");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string task, name;
    words >> task >> name;
    if (task == "#" || name != program) continue;
    std::string package;
    for (std::size_t i = 0; i <= column; ++i) words >> package;
    return package == "-" ? program : package.substr(0, package.find('/'));
  }
  return program;
}

}  // namespace

std::string how_to_install(const std::vector<std::string>& programs,
                           const std::filesystem::path& os_release) {
  const System system = system_of(os_release);
  std::string text = system.install;
  for (const std::string& program : programs) text += " " + package_of(program, system.column);
  return text;
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
