// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/tools.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "synth/synthesize.h"
#include "tools/cli/models/python.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

/// Returns a tool's version text, which is read once per command.
const std::string& version_of(const std::string& tool, const std::string& option) {
  static std::map<std::string, std::string> known;
  const auto [entry, is_new] = known.try_emplace(tool);
  if (is_new) try {
      entry->second = tool + ' ' + first_line_of({tool, option}) + '\n';
    } catch (const Error&) {  // missing tool: the command reports it
      entry->second = tool + '\n';
    }
  return entry->second;
}

/// Returns the processor, from the first line that names it.
std::string computer() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line + '\n';
  return "";
}

/// Returns the packages of the runtime that computes the model, with their versions.
std::string runtime_of(const std::string& model) {
  try {
    return version_of("python3", "--version") + read_text(project_root() / recorder_of(model));
  } catch (const Error&) {  // no model, or one without a runtime: the command reports it
    return "";
  }
}

}  // namespace

std::string tools_of(const std::string& command, const std::string& model) {
  if (command == "synth") {
    return version_of("yosys", "-V") + version_of("sta", "-version") +
           sha256_of_file(synth::default_liberty()) + '\n';
  }
  if (command == "cpu") return runtime_of(model) + computer();
  if (command == "compare" || command == "accuracy") return runtime_of(model);
  return "";
}

}  // namespace trine::cli
