// SPDX-License-Identifier: Apache-2.0

#include "components/soc/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "sim/rtl/build.h"
#include "sim/rtl/verilate.h"
#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/progress.h"
#include "sw/base/root.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

fs::path main_file() { return project_root() / "components" / "soc" / "sim" / "main.cpp"; }

/// Removes comments: LiteX writes the time of day into them.
std::string without_comments(const std::string& verilog) {
  std::istringstream in(verilog);
  std::string text;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with("//")) text += line + "\n";
  return text;
}

std::vector<std::string> flags() {
  return {"--exe", "-O3", "--x-assign", "fast", "--x-initial", "fast",
          // Sources of LiteX and of processor vendors may have warnings.
          "-Wno-fatal", "-Wno-lint", "-Wno-style", "-o", "trine_soc_sim"};
}

/// The arguments for Verilator, and a fingerprint of all files that they name.
struct Sources {
  std::vector<std::string> arguments;
  std::string fingerprint;

  void add(const fs::path& file) {
    arguments.push_back(file.string());
    fingerprint += fmt::format("{:016x}\n", hash64(without_comments(read_text(file))));
  }
};

Sources rtl_of(const System& system) {
  Sources sources;
  for (const fs::path& list : system.designs) {
    sources.arguments.insert(sources.arguments.end(), {"-F", list.string()});
    sources.fingerprint += sim::fingerprint_of(list.parent_path());
  }
  for (const fs::path& folder : system.include_verilog)
    sources.arguments.push_back("-I" + folder.string());
  for (const fs::path& source : system.sources) sources.add(source);
  return sources;
}

Sources netlist_of(const System& system) {
  Sources sources;
  sources.add(system.folder / "gateware" / "ecp5.v");
  std::vector<fs::path> cells;
  for (const auto& entry : fs::directory_iterator(project_root() / "synth" / "fpga" / "cells"))
    cells.push_back(entry.path());
  std::sort(cells.begin(), cells.end());
  for (const fs::path& file : cells) sources.add(file);
  return sources;
}

fs::path build(const Sources& sources, const std::vector<std::string>& flags, bool quiet) {
  std::string depends =
      sources.fingerprint + fmt::format("{:016x}\n", hash64(read_text(main_file())));
  const std::vector<std::string> settings =
      sim::make_settings(sim::BuildOptions::from_environment().optimization);
  for (const auto& list : {flags, settings})
    for (const std::string& flag : list) depends += flag + "\n";
  depends += sim::tools_fingerprint();
  return built_file(cache_folder() / "soc", depends, "", [&](const BuildPlace& place) {
    const Progress progress("building the system's simulation", quiet);
    std::vector<std::string> arguments = flags;
    arguments.insert(arguments.end(), sources.arguments.begin(), sources.arguments.end());
    arguments.push_back(main_file().string());
    const fs::path objects = place.folder / "obj";
    sim::verilate({arguments, "trine_soc", place.folder, objects, place.folder / "build.log",
                   place.kept_log, settings});
    return objects / "trine_soc_sim";
  });
}

}  // namespace

fs::path build_simulation(const System& system, bool quiet) {
  return build(rtl_of(system), flags(), quiet);
}

fs::path build_netlist_simulation(const System& system, bool quiet) {
  std::vector<std::string> netlist_flags = flags();
  netlist_flags.insert(netlist_flags.end(),
                       {"-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN", "--output-split", "20000",
                        "-fno-const-bit-op-tree"});  // Verilator 5.006 miscompiles some trees
  return build(netlist_of(system), netlist_flags, quiet);
}

int simulate(const fs::path& program, const fs::path& folder, std::uint64_t cycles,
             const fs::path& uart, const std::function<void(std::string_view)>& on_text) {
  std::vector<std::string> argv{program.string(), "--cycles", std::to_string(cycles)};
  if (!uart.empty()) argv.insert(argv.end(), {"--uart", fs::absolute(uart).string()});
  return run_process(argv, folder, on_text);
}

}  // namespace trine::soc
