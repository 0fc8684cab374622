// SPDX-License-Identifier: Apache-2.0
//
// A program on the netlist: Yosys maps a 2x2 design to its generic gates (memories stay arrays),
// and Icarus, a second simulator, runs it. Finds what Yosys reads differently from Verilator.

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

std::string netlist_script(const fs::path& design) {
  std::string script = "read_verilog -sv";
  for (const std::string& source : synth::read_file_list(design)) script += " " + source;
  return script +
         "\nchparam -set Multiplier 1 trine_top\nhierarchy -check -top trine_top\nproc\n"
         "select -set memories *trine_sram*\n"
         "memory -nomap @memories\n"
         "opt_clean @memories\n"
         "select @memories\nwrite_verilog -noattr -selected memories.v\nselect -clear\n"
         "blackbox @memories\n"
         "synth -top trine_top -noabc\n"
         "check -assert\n"
         "write_verilog -noattr netlist.v\n";
}

}  // namespace

TEST_CASE("a 2x2 netlist runs the tiny program under Icarus", "[synth][netlist][icarus]") {
  const gen::Config config =
      gen::load_config("edge256", {"array.rows=2", "array.cols=2", "memory.dmem_kib=8",
                                   "memory.pmem_kib=8", "memory.param_channels=64"});
  const sim::TemporaryFolder scratch(fs::temp_directory_path(), "trine-icarus");
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  synth::run_yosys(netlist_script(folder / "design"), "netlist", folder, "2x2");

  const sim::TinyProgram tiny = sim::tiny_program(config, 5);
  std::vector<std::uint8_t> memory = tiny.dram;
  const auto* words = reinterpret_cast<const std::uint8_t*>(tiny.program.words.data());
  memory.insert(memory.end(), words, words + 8 * tiny.program.words.size());
  write_file(folder / "memory.hex", hex_words(memory));
  write_file(folder / "expected.hex", hex_words(tiny.expected));

  const std::string top = "smoke_icarus_tb";
  const fs::path log = folder / "log";
  const int compiled = sim::run_process(
      {"iverilog", "-g2012", "-o", "smoke.vvp", "-s", top,
       fmt::format("-P{}.ProgramAt={}", top, tiny.dram.size()),
       fmt::format("-P{}.ProgramWords={}", top, tiny.program.words.size()),
       fmt::format("-P{}.CompareWords={}", top, tiny.expected.size() / 8),
       std::string(TRINE_SOURCE_DIR) + "/tests/smoke_icarus_tb.v", "netlist.v", "memories.v"},
      folder, log);
  INFO(sim::tail_of(log, 5));
  REQUIRE(compiled == 0);
  REQUIRE(sim::run_process({"vvp", "-n", "smoke.vvp"}, folder, log) == 0);
  const std::string output = read_text(log);
  INFO(output);
  CHECK(output.find("PASS") != std::string::npos);
}
