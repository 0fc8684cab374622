// SPDX-License-Identifier: Apache-2.0
//
// Tests that emitted designs of every shape pass the linter, and contain exactly the memories that
// they list.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "gen/generate.h"
#include "spec/config.h"
#include "spec/memories.h"
#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"

namespace fs = std::filesystem;
using namespace trine;

namespace {

std::string shape(int width, int depth, int mask) {
  return fmt::format("{} x {}, {}", width, depth, mask);
}

/// Returns the instances of trine_sram by shape, from Verilator's elaborated design.
std::map<std::string, int> elaborated_memories(const std::string& xml) {
  static const std::regex module(
      "<module [^>]*name=\"(trine_sram[^\"]*)\"[^>]*>\\s*"
      "<var [^>]*name=\"Width\"[^>]*>\\s*<const "
      "[^>]*name=\"32&apos;s?h([0-9a-f]+)\"[^>]*/>\\s*</var>\\s*"
      "<var [^>]*name=\"Depth\"[^>]*>\\s*<const "
      "[^>]*name=\"32&apos;s?h([0-9a-f]+)\"[^>]*/>\\s*</var>\\s*"
      "<var [^>]*name=\"MaskBits\"[^>]*>\\s*<const [^>]*name=\"32&apos;s?h([0-9a-f]+)\"");
  const auto number = [](const std::string& text) { return std::stoi(text, nullptr, 16); };
  std::map<std::string, int> count;
  for (std::sregex_iterator it(xml.begin(), xml.end(), module), end; it != end; ++it) {
    const std::string cell = "submodname=\"" + it->str(1) + "\" hier=";
    for (std::size_t at = xml.find(cell); at != std::string::npos; at = xml.find(cell, at + 1))
      ++count[shape(number(it->str(2)), number(it->str(3)), number(it->str(4)))];
  }
  return count;
}

/// Returns Verilator's output in the design's folder without the report that newer versions append;
/// empty if there are no warnings.
std::string verilator(const fs::path& design, const std::string& arguments,
                      const std::string& top = "trine_top") {
  const fs::path log = design.string() + ".log";
  const int status = std::system(("verilator " + arguments + " --top-module " + top + " -F '" +
                                  (design / "trine.f").string() + "' >'" + log.string() + "' 2>&1")
                                     .c_str());
  static const std::regex report("- (V e r i l|Verilator:)[^\n]*\n");
  const std::string text = std::regex_replace(read_text(log), report, "");
  return status == 0 || !text.empty() ? text : "verilator failed";
}

}  // namespace

TEST_CASE("emitted designs are lint-clean and list their memories", "[gen][emission][lint]") {
  using Settings = std::vector<std::string>;
  const auto settings = GENERATE(
      Settings{}, Settings{"array.rows=1", "array.cols=1", "array.precisions=[\"binary\"]"},
      Settings{"array.rows=3", "array.cols=5", "bus.axi_data_bits=32", "pipeline.rows=2",
               "pipeline.cols=2"},
      Settings{"array.rows=2", "array.cols=3", "bus.axi_data_bits=1024", "bus.axi_addr_bits=64",
               "vector.softmax=false", "array.acc_bits=21", "clock.gates=true", "memory.ecc=true",
               "memory.imem_kib=1"},
      Settings{"array.rows=4", "array.cols=2", "vector.enable=false", "memory.dmem_kib=8",
               "memory.pmem_kib=1", "memory.param_channels=16", "array.activations16=true"},
      Settings{"array.rows=8", "array.cols=8", "array.precisions=[\"int8\"]",
               "bus.axi_data_bits=128", "post.columns_per_cycle=2", "memory.imem_kib=16",
               "array.activations16=true"},
      Settings{"array.rows=3", "array.cols=5", "post.columns_per_cycle=2", "bus.axi_id_bits=5",
               "bus.axi_id=30", "bus.axi_user_bits=4", "bus.axi_user=9"},
      Settings{"memory.ecc=true", "memory.dmem_kib=8", "memory.imem_kib=5"},
      Settings{"array.rows=3", "array.cols=1", "memory.ecc=true", "memory.pmem_kib=1"});
  CAPTURE(settings);
  const fs::path folder =
      fs::temp_directory_path() / ("trine_cli_lint_test." + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const spec::Config config = spec::load_config("edge64", settings);
  const fs::path design = folder / "design";
  gen::generate(config, design);
  CHECK(verilator(design, "--lint-only -Wall") == "");

  const fs::path xml = folder / "design.xml";
  REQUIRE(verilator(design, "--xml-only --xml-output '" + xml.string() + "'") == "");
  std::map<std::string, int> listed;
  for (const spec::Memory& m : spec::memories(config))
    listed[shape(m.width, m.depth, m.mask)] += m.instances;
  CHECK(listed == elaborated_memories(read_text(xml)));
  fs::remove_all(folder);
}

/// Checks warnings of large designs in single modules: a whole design takes minutes.
TEST_CASE("modules of the widest designs are lint-clean", "[gen][emission][lint]") {
  const auto [top, parameters] = GENERATE(
      table<std::string, std::string>({{"trine_results", "-GRows=127 -GVector=0"},
                                       {"trine_vector", "-GRows=256 -GCodes=2 -GSoftmax=0"},
                                       {"trine_writeback_queue", "-GRows=256"},
                                       {"trine_pmem", "-GCols=256 \"-GEcc=1'b1\" -GDepth=16"},
                                       {"trine_zero_points", "-GRows=4 -GCols=256 -GPipeCols=2"}}));
  CAPTURE(top, parameters);
  const TemporaryFolder folder{fs::temp_directory_path()};
  const fs::path design = folder.path() / "design";
  gen::generate(spec::load_config("edge64", {"memory.ecc=true"}), design);
  CHECK(verilator(design, "--lint-only -Wall --assert -DTRINE_ASSERT " + parameters, top) == "");
}
