// SPDX-License-Identifier: Apache-2.0

#include "soc/system.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/root.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

/// What LiteX said last: of many lines one is the reason.
std::string reason_in(const fs::path& log) {
  std::string line = tail_of(log, 1);
  std::erase(line, '\n');
  return line;
}

System read_system(const fs::path& folder) {
  const auto json = nlohmann::json::parse(read_text(folder / "system.json"));
  System system;
  system.folder = folder;
  const auto paths = [&json](const char* key) {
    const auto texts = json.at(key).get<std::vector<std::string>>();
    return std::vector<fs::path>(texts.begin(), texts.end());
  };
  system.sources = paths("sources");
  system.designs = paths("designs");
  system.include = paths("include");
  system.software = paths("software");
  system.flags = json.at("flags").get<std::vector<std::string>>();
  system.processor = json.at("processor").get<std::string>();
  return system;
}

}  // namespace

System build_system(const std::vector<fs::path>& designs, const SystemOptions& options,
                    const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::vector<std::string> argv{options.python.string(), "-B", "-m", "trine_litex"};
  for (const fs::path& design : designs) argv.push_back(design.string());
  argv.insert(argv.end(),
              {"--out", folder.string(), "--cpu", options.cpu, "--main-kib",
               std::to_string(options.main_kib), "--models-kib", std::to_string(options.models_kib),
               "--sram-kib", std::to_string(options.sram_kib)});
  if (!options.variant.empty()) argv.insert(argv.end(), {"--variant", options.variant});
  if (options.sdram) argv.push_back("--sdram");
  if (options.faults) argv.push_back("--faults");
  const fs::path log = folder / "litex.log";
  if (run_process(argv, fs::current_path(), log,
                  {fmt::format("PYTHONPATH={}", (project_root() / "soc").string())}) != 0)
    throw_error("{}", reason_in(log));
  return read_system(folder);
}

}  // namespace trine::soc
