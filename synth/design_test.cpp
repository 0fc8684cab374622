// SPDX-License-Identifier: Apache-2.0

#include "sw/base/catch.h"
#include "synth/stages.h"
#include "synth/synthesize.h"

using namespace trine;
using namespace trine::synth;

TEST_CASE("a 2x2 design is synthesized by module", "[synth][flow][slow]") {
  SynthOptions options;
  options.stages = &all_stages();
  options.timing = false;
  const spec::Config config = spec::load_config(
      "edge256", {"array.rows=2", "array.cols=2", "memory.dmem_kib=8", "memory.pmem_kib=8"});
  const SynthReport report = synthesize(config, options);
  double sum = 0;
  const ModuleReport* pe = nullptr;
  std::map<std::string, std::int64_t> placed{{"trine_top", 1}};  // counts, from the parents
  for (const ModuleReport& m : report.modules) {
    for (const auto& [child, n] : m.children) placed[child] += m.instances * n;
    sum += static_cast<double>(m.instances) * m.gate_equivalents;
    if (m.name == "trine_pe") pe = &m;
  }
  CHECK(sum == Approx(report.gate_equivalents));
  for (const ModuleReport& m : report.modules) CHECK(placed.at(m.name) == m.instances);
  for (const MemoryReport& m : report.memories) CHECK(placed.at(m.name) == m.instances);
  REQUIRE(pe != nullptr);
  CHECK(pe->instances == 4);
  CHECK(report.macs_per_cycle == 16);
  std::int64_t bits = 0;
  for (const MemoryReport& m : report.memories) bits += m.instances * m.width * m.depth;
  CHECK(bits == report.sram_bits);
  CHECK(bits >= 2 * 8 * 8192);  // DMEM and PMEM
}
