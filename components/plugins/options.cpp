// SPDX-License-Identifier: Apache-2.0

#include "components/plugins/options.h"

#include <dlfcn.h>

#include <filesystem>
#include <iterator>
#include <mutex>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"

namespace trine::abi {
namespace {

bool truth(const std::string& key, const std::string& value) {
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  throw_error("trine: {}: {}, allowed 0 1 false true", key, value);
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

cli::BackendOptions backend_of(const std::string& name) {
  cli::BackendOptions backend;
  backend.backend = name;
  if (name != "arch" && name != "rtl" && name != "netlist")
    throw_error("trine: backend: {}, allowed arch rtl netlist", name);
  return backend;
}

}  // namespace

Options options_of(const std::vector<std::pair<std::string, std::string>>& given) {
  std::string config = "edge256", backend = "arch";
  std::vector<std::string> settings;
  Options options;
  for (const auto& [key, value] : given) {
    if (key == "config")
      config = value;
    else if (key == "set")
      settings = words(value);
    else if (key == "backend")
      backend = value;
    else if (key == "strict")
      options.strict = truth(key, value);
    else if (key == "report")
      options.report = value;
    else if (key == "verbose")
      options.verbose = truth(key, value);
    else
      throw_error("trine: {}: unknown option, allowed config set backend strict report verbose",
                  key);
  }
  if (!options.report.empty()) check_writable(options.report);
  options.config = spec::load_config(config, settings);
  options.backend = backend_of(backend);
  return options;
}

void find_files() {
  static std::once_flag once;  // other threads may be reading the root already
  std::call_once(once, [] {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&find_files), &info) == 0) return;
    const auto beside = std::filesystem::absolute(info.dli_fname).parent_path() / "share" / "trine";
    std::error_code ignored;
    if (std::filesystem::is_directory(beside, ignored)) set_project_root(beside);
  });
}

}  // namespace trine::abi
