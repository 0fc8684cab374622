// SPDX-License-Identifier: Apache-2.0
//
// Icarus, a second simulator and one of four states, runs a program on a 2x2 design: registers and
// memories begin unknown, and the bench (smoke_icarus_tb.v) stops at an unknown output. Icarus 11
// does not take all of the SystemVerilog in rtl/, so Yosys converts it: processes become registers
// and multiplexers, whose unknown selection gives an unknown value where branches differ, memories
// stay arrays; nothing is mapped or optimized. (--full) The same on Yosys' generic gates finds what
// Yosys reads differently from Verilator.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "gen/generate.h"
#include "sim/rtl/process.h"
#include "sim/rtl/tiny_program.h"
#include "sw/base/file.h"
#include "synth/yosys.h"

using namespace trine;
namespace fs = std::filesystem;

namespace {

/// 64-bit words for $readmemh.
std::string hex_words(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    text += fmt::format("{:016x}\n", word);
  }
  return text;
}

/// Of one design: read, its hierarchy, and its processes as registers and multiplexers.
std::string read_script(const fs::path& design, int multiplier) {
  std::string script = "read_verilog -sv";
  for (const std::string& source : synth::read_file_list(design)) script += " " + source;
  return script + fmt::format(
                      "\nchparam -set Multiplier {} trine_top\n"
                      "hierarchy -check -top trine_top\nproc\n",
                      multiplier);
}

std::string behaviour_script(const fs::path& design) {
  return read_script(design, 0) +
         "opt_clean\nmemory_collect\ncheck -assert\nwrite_verilog -noattr behaviour.v\n";
}

#ifdef TRINE_SLOW_TESTS
std::string netlist_script(const fs::path& design) {
  return read_script(design, 1) +
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

/// The tiny program under Icarus, on what Yosys has made in `folder`: what the bench says.
std::string run_tiny(const gen::Config& config, const fs::path& folder,
                     const std::vector<std::string>& verilog) {
  const sim::TinyProgram tiny = sim::tiny_program(config, 5);
  std::vector<std::uint8_t> memory = tiny.dram;
  const auto* words = reinterpret_cast<const std::uint8_t*>(tiny.program.words.data());
  memory.insert(memory.end(), words, words + 8 * tiny.program.words.size());
  write_file(folder / "memory.hex", hex_words(memory));
  write_file(folder / "expected.hex", hex_words(tiny.expected));

  const std::string top = "smoke_icarus_tb";
  const fs::path log = folder / "log";
  std::vector<std::string> command{
      "iverilog",
      "-g2012",
      "-o",
      "smoke.vvp",
      "-s",
      top,
      fmt::format("-P{}.ProgramAt={}", top, tiny.dram.size()),
      fmt::format("-P{}.ProgramWords={}", top, tiny.program.words.size()),
      fmt::format("-P{}.CompareWords={}", top, tiny.expected.size() / 8),
      std::string(TRINE_SOURCE_DIR) + "/tests/smoke_icarus_tb.v"};
  command.insert(command.end(), verilog.begin(), verilog.end());
  const int compiled = sim::run_process(command, folder, log);
  INFO(sim::tail_of(log, 5));
  REQUIRE(compiled == 0);
  REQUIRE(sim::run_process({"vvp", "-n", "smoke.vvp"}, folder, log) == 0);
  return read_text(log);
}

gen::Config small_config(const std::string& ecc) {
  return gen::load_config("edge256",
                          {"array.rows=2", "array.cols=2", "memory.dmem_kib=8", "memory.pmem_kib=8",
                           "memory.param_channels=64", "memory.ecc=" + ecc});
}

}  // namespace

TEST_CASE("nothing unknown leaves a 2x2 design, and its results are right, in four states",
          "[rtl][icarus][x]") {
#ifdef TRINE_SLOW_TESTS
  const std::string ecc = GENERATE("false", "true");
#else
  const std::string ecc = "false";
#endif
  const gen::Config config = small_config(ecc);
  const sim::TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  synth::run_yosys(behaviour_script(folder / "design"), "behaviour", folder, "2x2");
  const std::string output = run_tiny(config, folder, {"behaviour.v"});
  CAPTURE(ecc);
  INFO(output);
  CHECK(output.find("PASS") != std::string::npos);
}

#ifdef TRINE_SLOW_TESTS
TEST_CASE("a 2x2 netlist runs the tiny program under Icarus", "[synth][netlist][icarus]") {
  const gen::Config config = small_config("false");
  const sim::TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  synth::run_yosys(netlist_script(folder / "design"), "netlist", folder, "2x2");
  const std::string output = run_tiny(config, folder, {"netlist.v", "memories.v"});
  INFO(output);
  CHECK(output.find("PASS") != std::string::npos);
}
#endif
