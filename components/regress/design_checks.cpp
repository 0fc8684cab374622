// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "components/fuzz/pair.h"
#include "components/regress/checks.h"
#include "components/regress/coverage.h"
#include "sim/rtl/simulate.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "synth/stages.h"
#include "synth/synthesize.h"
#include "tools/random/random_program.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;

/// A tool's end.
struct Ran {
  int code = 0;
  std::string log;
  std::string first_line() const { return log.substr(0, log.find('\n')); }
};

Ran run_tool(const std::vector<std::string>& command, const fs::path& folder) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const int code = run_process(command, folder, scratch.path() / "log");
  return {code, read_text(scratch.path() / "log")};
}

/// Emits the design into `folder` by the command that its user calls.
void emit(const Context& context, const fs::path& folder) {
  std::vector<std::string> command{fs::read_symlink("/proc/self/exe").string(), "generate", "--out",
                                   folder.string(), "--quiet"};
  for (const std::string& option : context.design_options()) command.push_back(option);
  const Ran ran = run_tool(command, fs::current_path());
  if (ran.code != 0) throw Error(ran.first_line());
}

fs::path design_of(const Context& context) { return fs::path(context.out) / "design"; }

std::vector<std::string> sources_of(const fs::path& design) {
  std::vector<std::string> sources;
  std::istringstream in(read_text(design / "trine.f"));
  for (std::string line; std::getline(in, line);)
    if (line.ends_with(".sv")) sources.push_back(line);
  return sources;
}

std::string digest_of(const fs::path& folder, std::size_t& files) {
  std::set<fs::path> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.insert(entry.path());
  std::string text;
  for (const fs::path& name : names)
    text += fs::relative(name, folder).string() + " " + sha256_of_file(name) + "\n";
  files = names.size();
  return sha256({text.begin(), text.end()});
}

/// Emits the design twice: both must be equal.
Finding run_emission(const Context& context) {
  Finding finding;
  const TemporaryFolder other(fs::temp_directory_path());
  std::error_code ignored;
  fs::remove_all(design_of(context), ignored);
  emit(context, design_of(context));
  emit(context, other.path() / "design");
  std::size_t files = 0;
  const std::string digest = digest_of(design_of(context), files);
  if (digest != digest_of(other.path() / "design", files))
    finding.failure = "two emissions of the design differ";
  finding.covered =
      fmt::format("{} files, equal in two emissions, SHA-256 {}", files, digest.substr(0, 16));
  finding.details["sha256"] = digest;
  return finding;
}

Finding of_tool(const Ran& ran, const std::string& covered) {
  Finding finding;
  finding.covered = covered;
  if (ran.code != 0 || !ran.log.empty())
    finding.failure = ran.log.empty() ? fmt::format("exit code {}", ran.code) : ran.first_line();
  return finding;
}

Finding run_verilator(const Context& context) {
  return of_tool(
      run_tool({"verilator", "--lint-only", "-Wall", "--top-module", "trine_top", "-f", "trine.f"},
               design_of(context)),
      "verilator -Wall: no message (widths, undriven and unused nets, latches, loops)");
}

Finding run_slang(const Context& context) {
  std::vector<std::string> command{"slang", "--top", "trine_top", "--error-limit=0", "--quiet"};
  for (const std::string& source : sources_of(design_of(context))) command.push_back(source);
  Finding finding = of_tool(run_tool(command, design_of(context)), "slang: no message");
  return finding;
}

/// Yosys elaborates the design: every net has one driver, there are no latches, no loops in a
/// module.
Finding run_yosys(const Context& context) {
  std::string files;
  for (const std::string& source : sources_of(design_of(context))) files += " " + source;
  const Ran ran = run_tool(
      {"yosys", "-q", "-w", "Replacing memory|assigned in a continuous assignment", "-e",
       "implicitly declared|no driver|multiple conflicting drivers|logic loop", "-p",
       "read_verilog -sv" + files +
           "; hierarchy -check -top trine_top; proc; check -assert; "
           "select -assert-none t:$dlatch t:$adlatch %u t:$dlatchsr %u *trine_clock_gate*/* %d"},
      design_of(context));
  Finding finding;
  finding.covered =
      "Yosys: one driver for each net, no latches but clock gates, no loops within a module";
  if (ran.code != 0) {
    const std::size_t at = ran.log.find("ERROR");
    finding.failure = at == std::string::npos ? ran.first_line()
                                              : ran.log.substr(at, ran.log.find('\n', at) - at);
  }
  return finding;
}

/// Maps the design to the default library: area by module, and with --full the clock.
Finding run_area(const Context& context) {
  synth::SynthOptions options;
  options.timing = context.level == Level::kFull;
  options.stages = &synth::all_stages();
  options.jobs = context.jobs;
  const synth::SynthReport report = synth::synthesize(context.config, options);
  Finding finding;
  finding.details = synth::to_json(report);
  const double ge = finding.details.value("gate_equivalents", 0.0);
  finding.covered = fmt::format("{} gate equivalents, {:.0f} per int8 MAC", grouped(ge),
                                ge / std::max(1, 4 * context.config.pes()));
  const Json& clock = finding.details["clock_ns"];
  const double ns = clock.is_number() ? clock.get<double>() : 0;
  if (ns > 0) finding.covered += fmt::format(", clock {:.2f} ns without wires", ns);
  finding.gaps.emplace_back("placement, scan chains, timing at several corners: not by regress");
  return finding;
}

/// Merges the lines that ran in all other checks.
Finding run_coverage(const Context& context) {
  Lines lines;
  for (const auto& entry : fs::directory_iterator(coverage_folder(context)))
    if (entry.path().extension() == ".json")
      add_json(parse_json(read_text(entry.path()), entry.path().string()), lines);
  std::set<std::string> off;
  for (const spec::Parameter& p : spec::parameters(context.config))
    if (p.value == "1'b0") off.insert(p.name);
  const int excused = excuse(design_of(context), project_root() / "rtl/unreached.txt", lines) +
                      excuse_features(design_of(context), off, lines);
  std::size_t all = 0;
  for (const auto& [file, of_file] : lines) all += of_file.size();
  const std::vector<MissedLine> holes = missed(design_of(context), lines);
  Finding finding;
  std::map<std::string, int> by_file;
  for (const MissedLine& hole : holes) {
    ++by_file[hole.file];
    finding.details["missed"].push_back(
        {{"file", hole.file}, {"line", hole.line}, {"text", hole.text}});
  }
  for (const auto& [file, count] : by_file) finding.details["missed_by_file"][file] = count;
  if (!holes.empty())
    finding.gaps.push_back(fmt::format("{} lines of RTL in {} files never ran (listed on the page)",
                                       holes.size(), by_file.size()));
  const double percent =
      all == 0 ? 0 : 100.0 * static_cast<double>(all - holes.size()) / static_cast<double>(all);
  finding.details["lines"] = all;
  finding.details["percent"] = percent;
  finding.covered =
      fmt::format("{:.1f} % of {} lines of RTL ran ({} more cannot run in this design)", percent,
                  grouped(static_cast<double>(all)), excused);
  if (all == 0) finding.failure = "no check left line counters";
  return finding;
}

constexpr int kNetlistPes = 16;

/// Runs random programs on the netlist to which Yosys maps the design.
Finding run_netlist(const Context& context) {
  Finding finding;
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = 1;
  options.build.netlist = true;
  options.max_cycles = 50'000'000;
  const int programs = context.count(1, 3, 30);
  for (int n = 0; n < programs && finding.failure.empty(); ++n) {
    const auto seed = static_cast<unsigned>(context.seed) + static_cast<unsigned>(n);
    const fuzz::RandomProgram p = fuzz::random_program(context.config, seed, 12);
    std::vector<std::uint8_t> rtl = p.dram, netlist = p.dram;
    sim::RtlOptions of_rtl = options;
    of_rtl.build.netlist = false;
    of_rtl.build.assertions = true;
    sim::RtlRunner(p.program, of_rtl).run_dram(rtl);
    sim::RtlRunner(p.program, options).run_dram(netlist);
    if (rtl != netlist) finding.failure = fmt::format("seed {}: the netlist differs", seed);
  }
  finding.covered = fmt::format("{} random programs on the netlist of the whole design", programs);
  return finding;
}

}  // namespace

std::vector<Check> design_checks(const Context& context) {
  std::vector<Check> checks(7);
  checks[0] = {"emission", "emission", "the design is emitted twice: equal files", run_emission};
  checks[0].order = 0;
  checks[1] = {"lint.verilator", "lint", "Verilator's warnings", run_verilator};
  checks[2] = {"lint.slang", "lint", "slang's messages, a strict front end", run_slang};
  if (!on_path("slang")) checks[2].excuse = "slang is not installed";
  checks[3] = {"lint.yosys", "lint", "drivers, latches, loops", run_yosys};
  checks[4] = {"netlist.area", "netlist", "area by module", run_area, "", Level::kDefault};
  checks[5] = {"netlist.programs", "netlist", "programs on Yosys' netlist",
               run_netlist,        "",        Level::kDefault};
  checks[6] = {"coverage", "coverage", "lines of RTL that ran in any of the checks", run_coverage};
  checks[6].order = 2;
  if (context.config.pes() > kNetlistPes)
    checks[5].excuse = fmt::format("the array has {} PEs, allowed {} (Verilator would take hours)",
                                   context.config.pes(), kNetlistPes);
  return checks;
}

}  // namespace trine::regress
