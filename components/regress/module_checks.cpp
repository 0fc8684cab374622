// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "components/regress/checks.h"
#include "gen/emit.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;

/// A line of design_benches.tsv (tb/corners.cmake).
struct Bench {
  std::string program, top;
  std::vector<std::string> modules;
  std::string beyond;  ///< size for which the bench is not built
};

std::vector<Bench> benches_of(const fs::path& build) {
  std::vector<Bench> benches;
  std::istringstream in(read_text(build / "design_benches.tsv"));
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Bench bench;
    std::string rest;
    std::getline(fields, bench.program, '\t');
    std::getline(fields, bench.top, '\t');
    std::getline(fields, rest);
    if (bench.program == "-")
      bench.beyond = rest;
    else
      for (std::istringstream names(rest); names >> rest;) bench.modules.push_back(rest);
    benches.push_back(bench);
  }
  return benches;
}

/// Returns the modules of the emitted design that are in no bench.
std::vector<std::string> without_bench(const fs::path& design, const std::vector<Bench>& benches) {
  std::set<std::string> tested;
  for (const Bench& bench : benches) {
    tested.insert(bench.modules.begin(), bench.modules.end());
    if (bench.beyond.empty()) tested.insert(bench.top);
  }
  std::vector<std::string> missing;
  std::istringstream in(read_text(design / "trine.f"));
  for (std::string line; std::getline(in, line);) {
    if (!line.ends_with(".sv") || line.find("_pkg.") != std::string::npos) continue;
    const std::string name = line.substr(0, line.size() - 3);
    if (!tested.contains(name)) missing.push_back(name);
  }
  return missing;
}

std::string last_lines(const std::string& log) {
  const std::size_t at = log.find("FAILED");
  return at == std::string::npos ? log.substr(log.size() - std::min<std::size_t>(log.size(), 300))
                                 : log.substr(at, 300);
}

/// Returns the path of a file that installations do not contain.
std::string in_clone(const std::string& file) { return (project_root() / file).string(); }

void run_logged(const std::vector<std::string>& command, const fs::path& log, const char* what) {
  if (run_process(command, project_root(), log) != 0)
    throw_error("{}: {}", what, last_lines(read_text(log)));
}

/// Builds the benches of tb/ with the design's parameters and runs them.
Finding run_benches(const Context& context) {
  const fs::path build = fs::path(context.out) / "benches";
  fs::create_directories(build);
  write_file(build / "design.tsv", gen::corner_table({context.config}));
  std::vector<std::string> configure{"cmake",
                                     "-S",
                                     project_root().string(),
                                     "-B",
                                     build.string(),
                                     "-DCMAKE_BUILD_TYPE=Release",
                                     "-DTRINE_TESTS=ON",
                                     "-DTRINE_BENCH_DESIGN=" + (build / "design.tsv").string()};
  if (on_path("ninja")) configure.insert(configure.end(), {"-G", "Ninja"});
  if (on_path("ccache")) configure.emplace_back("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache");
  run_logged(configure, build / "configure.log", "cmake");
  const std::vector<Bench> benches = benches_of(build);
  std::vector<std::string> command{
      "cmake", "--build", build.string(), "-j", std::to_string(context.jobs), "--target"};
  for (const Bench& bench : benches)
    if (bench.beyond.empty()) command.push_back(bench.program);
  run_logged(command, build / "build.log", "the benches do not build");
  Finding finding;
  int ran = 0;
  for (const Bench& bench : benches) {
    if (!bench.beyond.empty()) {
      finding.gaps.push_back(fmt::format("bench of {}: {}", bench.top, bench.beyond));
      continue;
    }
    const fs::path log = build / (bench.program + ".log");
    const int code = run_process(
        {(build / "tb" / bench.program).string(), "--rng-seed", std::to_string(context.seed)},
        build, log);
    ++ran;
    finding.details["benches"].push_back({{"module", bench.top}, {"passed", code == 0}});
    if (code != 0 && finding.failure.empty())
      finding.failure = fmt::format("{}: {}", bench.top, last_lines(read_text(log)));
  }
  const std::vector<std::string> missing = without_bench(fs::path(context.out) / "design", benches);
  finding.details["only_in_the_whole_design"] = missing;
  finding.covered = fmt::format(
      "{} benches with this design's parameters; {} more modules run "
      "only within the whole design",
      ran, missing.size());
  return finding;
}

/// Proves the modules of control and DMA; the sizes are those of the proofs.
Finding run_proofs(const Context& context) {
  const fs::path log = fs::path(context.out) / "proofs.log";
  std::vector<std::string> command{"python3", "-B", in_clone("tb/formal/prove.py"), "--build",
                                   (fs::path(context.out) / "proofs").string()};
  if (context.level != Level::kFull) command.emplace_back("--quick");
  const int code = run_process(command, project_root(), log);
  const std::string text = read_text(log);
  Finding finding;
  finding.covered = fmt::format("{} proofs", std::ranges::count(text, '\n'));
  finding.gaps.emplace_back("the proofs have sizes of their own, small ones (tb/formal)");
  if (code != 0) finding.failure = last_lines(text);
  return finding;
}

}  // namespace

std::vector<Check> module_checks(const Context&) {
  std::vector<Check> checks(2);
  checks[0] = {"modules", "modules", "each module's bench at the sizes of this design",
               run_benches};
  checks[1] = {"proofs",   "modules", "formal properties of control, DMA and arithmetic",
               run_proofs, "",        Level::kDefault};
  if (!fs::exists(in_clone("tb/CMakeLists.txt")))
    for (Check& check : checks) check.excuse = "the benches are only in a clone of the repository";
  return checks;
}

}  // namespace trine::regress
