// SPDX-License-Identifier: Apache-2.0

#include "components/soc/system.h"

#include <fmt/format.h>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

System read_system(const fs::path& folder) {
  const fs::path file = folder / "system.json";
  const Json json = parse_json(read_text(file), file.string());
  System system;
  system.folder = folder;
  const auto paths = [&json](const char* key) {
    const auto texts = json.at(key).get<std::vector<std::string>>();
    return std::vector<fs::path>(texts.begin(), texts.end());
  };
  system.sources = paths("sources");
  system.include_verilog = paths("include_verilog");
  system.designs = paths("designs");
  system.include = paths("include");
  system.software = paths("software");
  system.flags = json.at("flags").get<std::vector<std::string>>();
  return system;
}

}  // namespace

System build_system(const std::vector<fs::path>& designs, const SystemOptions& options,
                    const fs::path& folder) {
  if (fs::exists(folder) && !fs::is_empty(folder) && !fs::exists(folder / "litex.log"))
    throw_error("{}: contains files that `trine soc` did not write", folder.string());
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::vector<std::string> argv{options.python.string(), "-B", "-m", "trine_litex"};
  for (const fs::path& design : designs) argv.push_back(design.string());
  const auto add = [&argv](const char* name, const auto& value) {
    argv.insert(argv.end(), {name, fmt::format("{}", value)});
  };
  add("--out", folder.string());
  add("--target", options.target);
  add("--clock-mhz", options.clock_mhz);
  add("--cpu", options.cpu);
  add("--main-kib", options.main_kib);
  add("--models-kib", options.models_kib);
  add("--sram-kib", options.sram_kib);
  add("--rom-kib", options.rom_kib);
  if (!options.variant.empty()) add("--variant", options.variant);
  if (!options.firmware.empty()) add("--firmware", options.firmware.string());
  if (options.sdram) argv.push_back("--sdram");
  if (options.faults) argv.push_back("--faults");
  const fs::path log = folder / "litex.log";
  if (run_process(
          argv, fs::current_path(), log,
          {fmt::format("PYTHONPATH={}", (project_root() / "components" / "soc").string())}) != 0)
    throw_error("{}", last_line_of(log));
  return read_system(folder);
}

}  // namespace trine::soc
