// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/models/python.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>

#include "sim/rtl/build.h"
#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "sw/model/import/formats.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

/// Returns the lines of `log` that begin with `prefix`, without it.
std::vector<std::string> lines(const fs::path& log, std::string_view prefix) {
  std::istringstream in(read_text(log));
  std::vector<std::string> found;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(prefix)) found.push_back(line.substr(prefix.size()));
  return found;
}

/// Returns the file with all files that it includes ("-r FILE"), so that any change makes a new
/// environment.
std::string text_of(const fs::path& requirements) {
  std::string text = read_text(requirements), whole;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    whole += line.starts_with("-r ") ? text_of(requirements.parent_path() / line.substr(3))
                                     : line + "\n";
  return whole;
}

/// Returns the package names: "ai-edge-litert, numpy".
std::string packages_of(const std::string& text) {
  std::istringstream in(text);
  std::set<std::string> names;  // a package for two versions of Python has two lines
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') names.insert(line.substr(0, line.find('=')));
  return fmt::format("{}", fmt::join(names, ", "));
}

const std::vector<Toolkit>& toolkits() {
  static const std::vector<Toolkit> kToolkits{
      {"TFLite", "litert", "components/zoo/requirements_litert.txt", "",
       "components/zoo/requirements_quantizer.txt"},
      {"ONNX", "onnxruntime", "components/zoo/requirements_onnx.txt",
       "components/zoo/requirements_qonnx.txt", "components/zoo/requirements_onnx.txt"}};
  return kToolkits;
}

/// Checks the version of Python: the pinned packages have no wheels for older ones, about which pip
/// writes long messages. @throws Error
void require_version(const std::string& python) {
  const std::string found = first_line_of(
      {python, "-c", "import sys; print(sys.version_info >= (3, 11), sys.version.split()[0])"});
  if (found.starts_with("False "))
    throw_error("Python 3.11 or newer is needed, {} is {}: --python P selects another", python,
                found.substr(6));
}

void make_environment(const fs::path& folder, const fs::path& requirements) {
  require_version("python3");
  const fs::path log = folder / "log";
  if (run_process({"python3", "-m", "venv", (folder / "venv").string()}, folder, log) != 0)
    throw_error("python3 -m venv fails: install the Debian package python3-venv");
  const int code = run_process(
      {(folder / "venv" / "bin" / "python").string(), "-m", "pip", "install", "-q", "--retries",
       "1", "--timeout", "30", "--disable-pip-version-check", "-r", requirements.string()},
      folder, log);
  if (code != 0)
    throw_error(
        "pip cannot install {} (is PyPI reachable?) for {}: {}; --python P selects a Python that "
        "has its packages",
        requirements.filename().string(), first_line_of({"python3", "--version"}),
        fmt::join(lines(log, "ERROR: "), "; "));
}

/// Returns the environment in the cache. If two processes make it at the same time, both do, and
/// the first to finish installs it.
fs::path environment(const std::string& requirements, const Output& output) {
  const fs::path file = project_root() / requirements;
  const std::string text = text_of(file);
  const fs::path cache = cache_folder() / "python";
  const fs::path folder = cache / sha256({text.begin(), text.end()}).substr(0, 16);
  const fs::path program = folder / "venv" / "bin" / "python";
  std::error_code ignored;
  if (fs::exists(program, ignored)) return program;
  output.print(fmt::format("making a Python environment, once, with {} in {}\n", packages_of(text),
                           folder.string()));
  sweep_folders(cache);
  const TemporaryFolder scratch(cache, "build");
  {
    const Progress progress("installing from PyPI", output.quiet);
    make_environment(scratch.path(), file);
  }
  fs::rename(scratch.path(), folder, ignored);
  if (!fs::exists(program, ignored)) throw_error("{}: cannot be created", folder.string());
  return program;
}

}  // namespace

void PythonOptions::declare(Command command) {
  add_value(command, "--python P", python,
            "a Python that has the packages (an environment in the cache,\n"
            "made on first use with packages of PyPI)");
}

Python::Python(const PythonOptions& options, const std::string& requirements, const Output& output)
    : program_(options.python), quiet_(output.quiet) {
  if (program_.empty())
    program_ = environment(requirements, output);
  else if (program_.string().find('/') != std::string::npos)
    program_ = fs::absolute(program_);
  if (program_.is_absolute() && ::access(program_.c_str(), X_OK) != 0)
    throw_error("--python: {} is not a program", program_.string());
}

std::string Python::run(const std::string& script, const std::vector<std::string>& arguments,
                        const std::string& what) const {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path log = scratch.path() / "log";
  std::vector<std::string> command{
      program_.string(), "-B", "-W", "ignore",
      (project_root() / "components" / "zoo" / (script + ".py")).string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int code = [&] {
    const Progress progress(what, quiet_);
    return run_process(command, fs::current_path(), log);
  }();
  // quantize.py reads models with record.py, which reports errors under its own name.
  for (const std::string& name : {script, std::string("record")}) {
    const std::vector<std::string> messages = lines(log, name + ": ");
    if (messages.empty()) continue;
    if (code != 0) throw Error(messages.back());
    return fmt::format("{}", fmt::join(messages, "\n"));
  }
  if (code == 0) return "";
  constexpr int kSignal = 128;
  if (code > kSignal)  // the interpreter ends together with the runtime
    throw_error("{}: components/zoo/{}.py and the runtime that it calls crashed (signal {}){}",
                what, script, code - kSignal,
                script == "record" && std::ranges::count(arguments, "--no-layers") == 0
                    ? " with all tensors kept: --no-layers keeps none"
                    : "");
  throw_error("components/zoo/{}.py: exit code {}: {}", script, code, last_line_of(log));
}

const Toolkit& toolkit_of(const std::string& model) {
  const std::string_view format = model::format_named(model).name;
  const auto found = std::ranges::find(toolkits(), format, &Toolkit::format);
  if (found == toolkits().end())
    throw_error("{}: no helper of components/zoo reads {}", model, format);
  return *found;
}

bool is_runtime(std::string_view name) {
  return std::ranges::find(toolkits(), name, &Toolkit::runtime) != toolkits().end();
}

std::string recorder_of(const std::string& model) {
  const std::vector<std::uint8_t> bytes = read_file(model);
  const Toolkit& toolkit = toolkit_of(model);
  if (toolkit.low_bit.empty()) return toolkit.recorder;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const char* domain : {"qonnx.custom_op", "finn.custom_op", "onnx.brevitas"})
    if (text.find(domain) != std::string_view::npos) return toolkit.low_bit;
  return toolkit.recorder;
}

}  // namespace trine::cli
