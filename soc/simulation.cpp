// SPDX-License-Identifier: Apache-2.0

#include "soc/simulation.h"

#include <fmt/format.h>

#include <sstream>

#include "base/cache.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/root.h"
#include "sim/rtl/build.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

fs::path main_file() { return project_root() / "soc" / "sim" / "main.cpp"; }

/// LiteX's comments hold the time of day.
std::string without_comments(const std::string& verilog) {
  std::istringstream in(verilog);
  std::string text;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with("//")) text += line + "\n";
  return text;
}

std::vector<std::string> flags() {
  std::vector<std::string> flags{"--cc", "--exe", "--build", "-j", "2", "--top-module", "trine_soc",
                                 "-O3", "--x-assign", "fast", "--x-initial", "fast",
                                 // What LiteX and the processors' makers write is theirs.
                                 "-Wno-fatal", "-Wno-lint", "-Wno-style", "-o", "trine_soc_sim"};
  const auto options = sim::BuildOptions::from_environment();
  flags.insert(flags.end(),
               {"-MAKEFLAGS", fmt::format("OPT_FAST=\"-O{} -march=native\"", options.optimization),
                "-MAKEFLAGS", "OPT_SLOW=-O0"});
  if (on_path("ccache")) flags.insert(flags.end(), {"-MAKEFLAGS", "OBJCACHE=ccache"});
  return flags;
}

std::string fingerprint(const System& system) {
  std::string text;
  for (const fs::path& source : system.sources)
    text += fmt::format("{:016x}\n", hash64(without_comments(read_text(source))));
  for (const fs::path& list : system.designs) text += sim::fingerprint_of(list.parent_path());
  text += fmt::format("{:016x}\n", hash64(read_text(main_file())));
  for (const std::string& flag : flags()) text += flag + "\n";
  return text + sim::tools_fingerprint();
}

}  // namespace

fs::path build_simulation(const System& system, bool quiet) {
  return built_file(cache_folder() / "soc", fingerprint(system), "", [&](const BuildPlace& place) {
    const Progress progress("building the system's simulation", quiet);
    std::vector<std::string> argv{"verilator"};
    for (const std::string& flag : flags()) argv.push_back(flag);
    for (const fs::path& list : system.designs) argv.insert(argv.end(), {"-F", list.string()});
    for (const fs::path& folder : system.include_verilog) argv.push_back("-I" + folder.string());
    for (const fs::path& source : system.sources) argv.push_back(source.string());
    argv.insert(argv.end(), {"--Mdir", (place.folder / "obj").string(), main_file().string()});
    sim::run_verilator(argv, place.folder, place.folder / "build.log", place.kept_log);
    return place.folder / "obj" / "trine_soc_sim";
  });
}

int simulate(const fs::path& program, const fs::path& folder, std::uint64_t cycles,
             const std::function<void(std::string_view)>& on_text) {
  return run_process({program.string(), "--cycles", std::to_string(cycles)}, folder, on_text);
}

}  // namespace trine::soc
