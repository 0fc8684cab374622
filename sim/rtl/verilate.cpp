// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/verilate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"

namespace trine::sim {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kJobs = 2;  // of make, and units of fast code

/// Returns the line of the log that states the reason, for a message of one line.
std::string reason_in(const fs::path& log) {
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("%Error") || line.find(" error: ") != std::string::npos) return line;
  return last_line_of(log);
}

void run(const std::vector<std::string>& argv, const Verilation& v) {
  if (run_process(argv, v.folder, v.log) == 0) return;
  std::error_code ignored;
  fs::copy_file(v.log, v.kept_log, fs::copy_options::overwrite_existing, ignored);
  throw_error("{} failed, log in {}: {}", argv.front(), v.kept_log.string(), reason_in(v.log));
}

/// Returns the files of a list in Verilator's V*_classes.mk, which has one file in each line.
std::vector<std::string> files_of(const std::string& makefile, const std::string& list) {
  std::vector<std::string> files;
  std::istringstream in(makefile);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && !line.starts_with('\t')) return files;
    std::string name;
    if (inside && std::istringstream(line) >> name) files.push_back(name);
    inside = inside || line.starts_with(list + " +=");
  }
  return files;
}

/// Joins files to `units` that include them, of about the same size.
/// @return make's setting of `list`
std::string join(const fs::path& objects, const std::string& list,
                 const std::vector<std::string>& files, std::size_t units) {
  std::vector<std::string> text(units);
  std::vector<std::uintmax_t> bytes(units);
  for (const std::string& file : files) {
    const auto smallest = std::ranges::min_element(bytes) - bytes.begin();
    const auto unit = static_cast<std::size_t>(smallest);
    text[unit] += fmt::format("#include \"{}.cpp\"\n", file);
    bytes[unit] += fs::file_size(objects / (file + ".cpp"));
  }
  std::string setting = list + "=";
  for (std::size_t unit = 0; unit < units; ++unit) {
    const std::string name = fmt::format("{}_{}", list, unit);
    write_file(objects / (name + ".cpp"), text[unit]);
    setting += name + " ";
  }
  return setting;
}

}  // namespace

std::vector<std::string> make_settings(int optimization) {
  constexpr std::array kLevels{"-O0", "-Og", "-O2", "-O3"};
  const char* level = kLevels.at(static_cast<std::size_t>(optimization));
  // Verilator's own default is -Os, and comes after -CFLAGS: only OPT_FAST decides.
  return {fmt::format("OPT_FAST={} -march=native", level), "OPT_SLOW=-O0",
          fmt::format("OPT_GLOBAL={}", optimization < 2 ? level : "-O2")};
}

std::vector<std::string> join_classes(const fs::path& objects, const std::string& top) {
  const std::string makefile = read_text(objects / ("V" + top + "_classes.mk"));
  std::vector<std::string> settings{"VM_PARALLEL_BUILDS=1"};
  for (const auto& [kind, units] : {std::pair("FAST", kJobs), std::pair("SLOW", std::size_t{1})}) {
    const std::string classes = fmt::format("VM_CLASSES_{}", kind),
                      support = fmt::format("VM_SUPPORT_{}", kind);
    std::vector<std::string> files = files_of(makefile, classes);
    for (const std::string& file : files_of(makefile, support)) files.push_back(file);
    if (files.size() <= units) continue;
    settings.push_back(join(objects, classes, files, units));
    settings.push_back(support + "=");
  }
  return settings;
}

void verilate(const Verilation& v) {
  std::vector<std::string> argv{"verilator",        "--cc",         "--Mdir",
                                v.objects.string(), "--top-module", v.top};
  argv.insert(argv.end(), v.arguments.begin(), v.arguments.end());
  run(argv, v);

  std::vector<std::string> make{"make",
                                "-s",
                                "-C",
                                v.objects.string(),
                                "-f",
                                "V" + v.top + ".mk",
                                fmt::format("-j{}", kJobs)};
  if (on_path("ccache")) make.push_back("OBJCACHE=ccache");
  for (const auto& settings : {v.settings, join_classes(v.objects, v.top)})
    make.insert(make.end(), settings.begin(), settings.end());
  run(make, v);
}

}  // namespace trine::sim
