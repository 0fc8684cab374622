// SPDX-License-Identifier: Apache-2.0

#include "synth/yosys.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/process.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

constexpr int kOperator = 0;      ///< trine_mul_pkg::Operator: maps to DSPs
constexpr int kBooth = 1;         ///< trine_mul_pkg::Booth: a third smaller with Yosys
constexpr double kPeriod = 1000;  ///< ns, far above any path, so that slack is never negative

std::string trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

/// Returns why Yosys stopped: its ERROR line and the lines before it.
std::string reason_in(const fs::path& log) {
  std::istringstream in(read_text(log));
  std::string detail, error;
  for (std::string line; std::getline(in, line);) {
    if (const std::size_t at = line.find("ERROR"); at != std::string::npos)
      error = trimmed(line.substr(at));  // stderr may precede the end of the previous line
    else if (line.starts_with("Warning: ") || line.find("found logic loop") != std::string::npos)
      detail = trimmed(line);
  }
  if (error.find("selection is not empty") != std::string::npos) return "the design has a latch";
  if (error.empty()) return tail_of(log, 1);
  return error.find("check -assert") != std::string::npos ? error + " " + detail : error;
}

}  // namespace

std::string elaborate_script(const std::vector<std::string>& sources, const std::string& top,
                             Target target, bool gates) {
  const bool ecp5 = target == Target::kEcp5;
  // Numbers of equal length: names sort in order of creation, whatever else the design contains.
  std::string script = "read_rtlil <<EOT\nautoidx 100000000\nEOT\nread_verilog -sv";
  if (ecp5) script += " -DTRINE_BLOCK_RAM";
  if (target != Target::kAsic || !gates) script += " -DTRINE_NO_CLOCK_GATES";
  for (const std::string& source : sources) script += " \"" + source + "\"";
  // Earlier revisions always use Booth rows.
  const bool chooses = std::any_of(sources.begin(), sources.end(), [&](const std::string& source) {
    return fs::path(source).stem() == top &&
           read_text(source).find("Multiplier") != std::string::npos;
  });
  if (chooses)
    script += fmt::format("\nchparam -set Multiplier {} {}", ecp5 ? kOperator : kBooth, top);
  return script + fmt::format("\nhierarchy -check -top {}\nproc\n", top) +
         "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr\n"
         "write_rtlil design.il\n";
}

std::string mapped_name(const std::string& name, Effort effort) {
  return effort == Effort::kArea ? name : name + ".fast";
}

std::string_view abc_script(Effort effort) {
  // Compared with alternatives in synth/README.md. -B: treats wide gates as slower than they are;
  // the first `topo` removes the unloaded nodes that `map` leaves, at which `buffer` would stop.
  return effort == Effort::kArea
             ? "strash\ndch\namap -m\nbuffer -N 16\ntopo\nupsize\ndnsize\n"
             : "strash\ndch\nmap -B 0.9\ntopo\nbuffer -N 16\ntopo\nupsize\ndnsize\n";
}

std::string abc_file(Effort effort) { return mapped_name("abc", effort) + ".script"; }

namespace {

std::string read_script(const std::string& name) {
  return fmt::format("read_rtlil {0}.il\nhierarchy -top {0}\nflatten\n", name);
}

std::string stat_script(const std::string& file) {
  return fmt::format("tee -q -o {}.stat stat -json\n", file);
}

}  // namespace

std::string fpga_script(const std::string& name, Target target) {
  const std::string synth = target == Target::kIce40 ? "synth_ice40 -top {} -abc9 -device hx"
                                                     : "synth_ecp5 -top {} -abc9";
  return read_script(name) + fmt::format(fmt::runtime(synth), name) + "\ncheck -assert\n" +
         stat_script(name);
}

std::string simple_name(const std::string& name) { return name + ".simple.il"; }

std::string simple_script(const std::string& name) {
  return read_script(name) + fmt::format(
                                 "synth -top {0} -noabc\n"
                                 "check -assert\n"
                                 "select -assert-none t:$_DLATCH_* t:$_SR_* t:$_DLATCHSR_*\n"
                                 "rename -wire -suffix _reg\n"
                                 "write_rtlil {1}\n",
                                 name, simple_name(name));
}

std::string map_script(const std::string& name, const std::vector<Effort>& efforts,
                       const std::string& gate) {
  std::string script;
  if (!gate.empty())
    script = fmt::format("read_verilog -lib -sv {}\nread_rtlil -overwrite {}\nhierarchy -top {}\n",
                         gate, simple_name(name), name);
  script += "dfflibmap -liberty cells.lib\ndesign -save gates\n";
  for (const Effort effort : efforts) {
    const std::string file = mapped_name(name, effort);
    script += fmt::format(
        "design -load gates\nabc -liberty cells.lib -script {1}\nopt_clean -purge\n{2}"
        "write_verilog -noattr -simple-lhs {0}.v\nwrite_blif -cname {0}.blif\n",
        file, abc_file(effort), stat_script(file));
  }
  return script;
}

std::string memory_script(const std::string& name) {
  return fmt::format(
      "read_rtlil {0}.il\nhierarchy -top {0}\nmemory -nomap\nopt_clean\nwrite_verilog -noattr "
      "{0}.v\n",
      name);
}

std::string cells_script() {
  // Cells without a function (fillers, antennas) do not occur in netlists that ABC maps.
  return "read_liberty -ignore_miss_func -ignore_miss_dir -ignore_miss_data_latch cells.lib\n"
         "write_verilog -noattr cells.v\n";
}

std::string constraints(const std::string& top, const std::string& clock,
                        const std::string& reset) {
  return fmt::format(
      "link_design {0}\n"
      "set clock [get_ports -quiet {{{1}}}]\n"
      "if {{$clock != \"\"}} {{ create_clock -name clk -period {2} $clock\n"
      "}} else {{ create_clock -name clk -period {2} }}\n"
      "set_input_delay 0 -clock clk [all_inputs]\n"
      "set_output_delay 0 -clock clk [all_outputs]\n"
      "set reset [get_ports -quiet {{{3}}}]\n"
      "if {{$reset != \"\"}} {{ set_false_path -from $reset }}\n",
      top, clock, kPeriod, reset);
}

std::string timing_script(const std::string& file, const std::string& name) {
  return fmt::format("read_liberty timing.lib\nread_verilog {}.v\n", file) +
         constraints(name, "clk_i", "rst_ni") + "report_checks -path_delay max -digits 4\nexit\n";
}

std::string run_sta(const std::string& name, const fs::path& folder, const std::string& what) {
  const fs::path log = folder / (name + ".timing");
  const int code = run_process({"sta", "-no_splash", "-exit", name + ".tcl"}, folder, log);
  const std::string text = read_text(log);
  // The tool continues after an error and exits with 0.
  const std::size_t error = text.find("Error: ");
  if (code != 0 || error != std::string::npos)
    throw_error("{}: sta: {}", what,
                error == std::string::npos ? tail_of(log, 1)
                                           : text.substr(error, text.find('\n', error) - error));
  return text;
}

std::map<std::string, std::int64_t> parse_stat(std::string_view text) {
  std::map<std::string, std::int64_t> types;
  const Json stat = parse_json(text, "Yosys' stat");
  for (const Json& module : stat.at("modules"))
    for (const auto& [type, count] : module.at("num_cells_by_type").items())
      if (type != "$scopeinfo")  // records a flattened module
        types[type] += count.get<std::int64_t>();
  return types;
}

Path parse_timing(std::string_view text) {
  Path path;
  std::istringstream in{std::string(text)};
  std::string start, end;
  for (std::string line; std::getline(in, line);) {
    line = trimmed(line);
    const std::string name = line.substr(line.find(' ') + 1);
    if (line.starts_with("Startpoint: ")) start = name.substr(0, name.find(' '));
    if (line.starts_with("Endpoint: ")) end = name.substr(0, name.find(' '));
    if (line.find("slack (") == std::string::npos) continue;
    const double ns = kPeriod - std::strtod(line.c_str(), nullptr);
    if (ns > path.ns) path = {ns, start, end};
  }
  return path;
}

std::int64_t count_violations(std::string_view text) {
  constexpr std::string_view kMark = "(VIOLATED)";
  std::int64_t count = 0;
  for (std::size_t at = text.find(kMark); at != std::string_view::npos;
       at = text.find(kMark, at + kMark.size()))
    ++count;
  return count;
}

void run_yosys(const std::string& script, const std::string& name, const fs::path& folder,
               const std::string& what) {
  const fs::path log = folder / (name + ".log");
  const std::vector<std::string> argv{"yosys", "-e", "implicitly declared|no driver", "-s",
                                      name + ".ys"};
  const auto runs = [&](const std::string& text) {
    write_file(folder / (name + ".ys"), text);
    // ABC stops at a blank in a path; `folder` contains none.
    return run_process(argv, folder, log, {"TMPDIR=."}) == 0;
  };
  if (runs(script)) return;
  // ABC 1.01 sometimes aborts while mapping structural choices to LUTs ("pCutSet->nCuts > 0").
  const bool choices = script.find("-abc9") != std::string::npos &&
                       read_text(log).find("berkeley-abc") != std::string::npos;
  if (choices && runs("scratchpad -copy abc9.script.default.fast abc9.script\n" + script)) return;
  throw_error("{}: yosys: {}", what, reason_in(log));
}

namespace {

bool is_source(const fs::path& file) {
  return file.extension() == ".sv" || file.extension() == ".v";
}

/// Returns true if the file contains a line that begins a package.
bool defines_package(const std::string& file) {
  std::istringstream in(read_text(file));
  for (std::string line; std::getline(in, line);)
    if (trimmed(line).starts_with("package ")) return true;
  return false;
}

}  // namespace

std::vector<std::string> read_file_list(const fs::path& list) {
  std::vector<std::string> sources;
  std::istringstream in(read_text(list));
  for (std::string line; std::getline(in, line);) {
    line = trimmed(line);
    if (is_source(line)) sources.push_back((list.parent_path() / line).string());
  }
  if (sources.empty()) throw_error("{}: lists no source file", list.string());
  return sources;
}

std::vector<std::string> sources_of(const fs::path& design) {
  std::error_code ignored;
  if (fs::is_regular_file(design, ignored))
    return is_source(design) ? std::vector{design.string()} : read_file_list(design);
  if (fs::exists(design / "trine.f", ignored)) return read_file_list(design / "trine.f");
  if (!fs::is_directory(design, ignored))
    throw_error("{}: is neither a folder nor a file", design.string());
  std::vector<std::string> sources;
  for (const auto& entry : fs::recursive_directory_iterator(design))
    if (entry.is_regular_file() && is_source(entry.path()))
      sources.push_back(entry.path().string());
  if (sources.empty())
    throw_error("{}: contains neither trine.f nor .v or .sv files", design.string());
  std::ranges::sort(sources);
  std::ranges::stable_partition(sources, defines_package);  // before the modules that import them
  return sources;
}

}  // namespace trine::synth
