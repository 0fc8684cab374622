// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on a 2x2 design in Icarus, a second simulator with four-state logic: registers and
// memories start unknown, and the bench (smoke_icarus_tb.v) stops at an unknown output. Icarus 11
// does not support all of the SystemVerilog in rtl/, so Yosys converts it: processes become
// registers and multiplexers, whose output is unknown if the selection is unknown and the branches
// differ; memories stay arrays; nothing is mapped or optimized. With --full the test also runs on
// Yosys' generic gates, to find differences in how Yosys and Verilator read the RTL.

#include <fmt/format.h>

#include <cstring>
#include <map>

#include "gen/generate.h"
#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/yosys.h"
#include "tests/programs/tiny_program.h"

using namespace trine;
namespace fs = std::filesystem;

namespace {

/// Returns 64-bit words for $readmemh.
std::string hex_words(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    text += fmt::format("{:016x}\n", word);
  }
  return text;
}

/// Returns a script that reads one design and turns its processes into registers and multiplexers.
std::string read_script(const fs::path& design, const std::string& prefix, int multiplier) {
  std::string script = "read_verilog -sv";
  for (const std::string& source : synth::read_file_list(design / gen::prefixed("trine.f", prefix)))
    script += " " + source;
  return script +
         fmt::format("\nchparam -set Multiplier {0} {1}\nhierarchy -check -top {1}\nproc\n",
                     multiplier, gen::prefixed("trine_top", prefix));
}

/// Writes NAME.v: the design without mapping.
void write_behaviour(const fs::path& design, const std::string& prefix, const fs::path& folder,
                     const std::string& name) {
  synth::run_yosys(read_script(design, prefix, 0) +
                       "opt_clean\nmemory_collect\ncheck -assert\nwrite_verilog -noattr " + name +
                       ".v\n",
                   name, folder, name);
}

#ifdef TRINE_SLOW_TESTS
std::string netlist_script(const fs::path& design) {
  return read_script(design, "", 1) +
         "select -set memories *trine_sram*\n"
         "memory -nomap @memories\n"
         "opt_clean @memories\n"
         "select @memories\nwrite_verilog -noattr -selected memories.v\nselect -clear\n"
         "blackbox @memories\n"
         "synth -top trine_top -noabc\n"
         "check -assert\n"
         "write_verilog -noattr netlist.v\n";
}
#endif

/// Writes the files that the bench reads, NAME.before and NAME.after. @return the bench's
/// parameters
std::vector<std::string> write_tiny(const spec::Config& config, const fs::path& folder,
                                    const std::string& bench, std::uint32_t seed) {
  const sim::TinyProgram tiny = sim::tiny_program(config, seed);
  std::vector<std::uint8_t> memory = tiny.dram;
  const auto* words = reinterpret_cast<const std::uint8_t*>(tiny.program.words.data());
  memory.insert(memory.end(), words, words + 8 * tiny.program.words.size());
  write_file(folder / (bench + ".before"), hex_words(memory));
  write_file(folder / (bench + ".after"), hex_words(tiny.expected));
  return {fmt::format("ProgramAt={}", tiny.dram.size()),
          fmt::format("ProgramWords={}", tiny.program.words.size()),
          fmt::format("CompareWords={}", tiny.expected.size() / 8),
          fmt::format("Before=\"{}.before\"", bench), fmt::format("After=\"{}.after\"", bench)};
}

/// Returns the bench's output in Icarus.
std::string simulate(const fs::path& folder, std::vector<std::string> command) {
  const fs::path log = folder / "log";
  command.insert(command.begin(), {"iverilog", "-g2012", "-o", "smoke.vvp"});
  const int compiled = run_process(command, folder, log);
  INFO(tail_of(log, 5));
  REQUIRE(compiled == 0);
  REQUIRE(run_process({"vvp", "-n", "smoke.vvp"}, folder, log) == 0);
  return read_text(log);
}

const std::string kBench = TRINE_SOURCE_DIR "/tests/programs/smoke_icarus_tb.v";

/// Runs the tiny program under Icarus, with the Verilog that Yosys wrote to `folder`. @return the
/// bench's output
std::string run_tiny(const spec::Config& config, const fs::path& folder,
                     const std::vector<std::string>& verilog) {
  const std::string top = "smoke_icarus_tb";
  std::vector<std::string> command{"-s", top};
  for (const std::string& parameter : write_tiny(config, folder, top, 5))
    command.push_back(fmt::format("-P{}.{}", top, parameter));
  if (config.clock_gates) command.push_back("-DTRINE_TEST_EN");
  command.push_back(kBench);
  command.insert(command.end(), verilog.begin(), verilog.end());
  return simulate(folder, command);
}

spec::Config small_config(const std::string& ecc, const std::string& gates = "false") {
  return spec::load_config(
      "edge256", {"array.rows=2", "array.cols=2", "memory.dmem_kib=8", "memory.pmem_kib=8",
                  "memory.param_channels=64", "memory.ecc=" + ecc, "clock.gates=" + gates});
}

}  // namespace

TEST_CASE("nothing unknown leaves a 2x2 design, and its results are right, in four states",
          "[rtl][icarus][x]") {
#ifdef TRINE_SLOW_TESTS
  const std::string ecc = GENERATE("false", "true");
#else
  const std::string ecc = "false";
#endif
  const spec::Config config = small_config(ecc, ecc == "false" ? "true" : "false");
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  write_behaviour(folder / "design", "", folder, "behaviour");
  const std::string output = run_tiny(config, folder, {"behaviour.v"});
  CAPTURE(ecc);
  INFO(output);
  CHECK(output.find("PASS") != std::string::npos);
}

#ifdef TRINE_SLOW_TESTS
TEST_CASE("a 2x2 netlist runs the tiny program under Icarus", "[synth][netlist][icarus]") {
  const spec::Config config = small_config("false");
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  synth::run_yosys(netlist_script(folder / "design"), "netlist", folder, "2x2");
  const std::string output = run_tiny(config, folder, {"netlist.v", "memories.v"});
  INFO(output);
  CHECK(output.find("PASS") != std::string::npos);
}

TEST_CASE("two designs of different configurations run their programs in one system",
          "[gen][prefix][icarus]") {
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  const std::map<std::string, spec::Config> designs{
      {"left", small_config("true")},
      {"right", spec::load_config("edge64", {"array.rows=1", "array.cols=4", "memory.dmem_kib=8",
                                             "memory.pmem_kib=8", "vector.softmax=false",
                                             "array.precisions=[\"int8\"]"})}};
  std::string benches, instances, done = "1'b1";
  for (const auto& [name, config] : designs) {
    gen::generate(config, folder / name, name);
    write_behaviour(folder / name, name, folder, name);
    benches += fmt::format(
        "`define TRINE_BENCH {0}_tb\n`define TRINE_TOP {0}_trine_top\n`include \"{1}\"\n"
        "`undef TRINE_BENCH\n`undef TRINE_TOP\n",
        name, kBench);
    std::string parameters = ".Alone(0)";
    for (const std::string& p : write_tiny(config, folder, name, name == "left" ? 7 : 8))
      parameters += fmt::format(", .{}({})", p.substr(0, p.find('=')), p.substr(p.find('=') + 1));
    instances +=
        fmt::format("  wire {0};\n  {0}_tb #({1}) u_{0} (.done_o({0}));\n", name, parameters);
    done += " && " + name;
  }
  write_file(folder / "system.v", benches + "module system;\n" + instances + "  always @* if (" +
                                      done + ") $finish;\nendmodule\n");
  // A module name that both designs contain would be an error here.
  const std::string output = simulate(folder, {"-s", "system", "system.v", "left.v", "right.v"});
  INFO(output);
  const std::size_t first = output.find("PASS");
  CHECK((first != std::string::npos && output.find("PASS", first + 1) != std::string::npos));
  CHECK(output.find("FAIL") == std::string::npos);
}
#endif
