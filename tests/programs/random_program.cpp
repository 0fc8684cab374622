// SPDX-License-Identifier: Apache-2.0

#include "tests/programs/random_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "sim/arch/actions.h"
#include "sim/arch/cluster.h"
#include "sim/rtl/memory.h"
#include "sim/rtl/simulate.h"
#include "sw/base/catch.h"
#include "sw/compiler/schedule/schedule.h"

namespace trine::tests {
namespace {

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

sim::RtlOptions options_of(unsigned seed, const sim::BuildOptions& build) {
  std::mt19937 random(seed + 2'000'000);
  static constexpr int kLatencies[] = {1, 2, 7, 32, 100, 300};
  static constexpr int kBytes[] = {0, 0, 1, 4};
  static constexpr int kStalls[] = {0, 0, 30, 70};
  sim::RtlOptions options;
  options.build = build;
  options.build.quiet = true;
  options.build.optimization = 1;  // short runs
  // Assertions expect registers that start at zero, and netlists contain none.
  options.build.assertions = !build.random_init && !build.netlist;
  options.x_seed = seed;
  options.seed = seed;
  options.axi_latency = kLatencies[random() % 6];
  options.axi_bytes_per_cycle = kBytes[random() % 4];
  options.stall_percent = kStalls[random() % 4];
  options.axi_slave = seed % sim::kAxiSlaves.size();
  options.max_cycles = 20'000'000;
  return options;
}

/// Returns the DRAM after the program; throws the errors of the runner.
std::vector<std::uint8_t> on_rtl(const RandomProgram& p, const sim::RtlOptions& options) {
  std::vector<std::uint8_t> dram = p.dram;
  sim::RtlRunner runner(p.program, options);
  runner.run_dram(dram);
  return dram;
}

std::vector<std::uint8_t> on_arch(const RandomProgram& p) {
  std::vector<std::uint8_t> dram = p.dram;
  sim::Cluster cores(p.program.config, dram);
  int index = 0;
  for (const auto& i : p.instructions) cores.execute(i.engine, i.registers, i.run, index++);
  return dram;
}

}  // namespace

spec::Config config_of(const RandomDesign& design) {
  spec::Config config;
  config.name = fmt::format("random{}x{}", design.rows, design.cols);
  config.rows = design.rows;
  config.cols = design.cols;
  config.ternary = config.binary = config.weights4 = design.all_precisions;
  config.dmem_kib = design.rows > 8 ? 16 : 8;
  config.pmem_kib = 8;
  config.param_channels = 128;
  config.axi_data_bits = design.axi_data_bits;
  config.pipeline_rows = design.pipeline_rows;
  config.pipeline_cols = design.pipeline_cols;
  config.columns_per_cycle = design.columns_per_cycle;
  config.ecc = design.ecc;
  config.groups = config.weights4 && !design.ecc;
  config.partial_sums = true;
  config.acc_bits = design.acc_bits;
  config.clock_gates = design.clock_gates;
  config.imem_kib = design.imem_kib;
  config.pipeline_pe = design.pe_stages;
  config.activations16 = design.activations16;
  config.formats = design.activations16;
  config.cores = design.cores;
  config.axi_addr_bits = design.axi_addr_bits;
  config.packed = config.can_pack();
  spec::check(config);
  return config;
}

std::vector<RandomDesign> small_designs() {
  return {{2, 4, 1024, 2, 2, false, 2, false, 20, false, 0, 1},
          {3, 5, 64, 2, 4, true, 2},
          {4, 8, 128, 2, 4, true, 2, false, 32, false, 0, 2, true},
          {2, 4, 64, 2, 2, true, 1, false, 32, false, 0, 2, false, 3}};
}

void check_random_programs(const RandomDesign& design, unsigned seeds,
                           const sim::BuildOptions& build) {
  const std::string size = fmt::format("{}x{}", design.rows, design.cols);
  const char* chosen = std::getenv("TRINE_RANDOM_SIZE");
  if (chosen != nullptr && size != chosen) return;
  const spec::Config config = config_of(design);
  const unsigned first = from_environment("TRINE_RANDOM_SEED", 1);
  const unsigned count = from_environment("TRINE_RANDOM_COUNT", seeds);
  const int length = static_cast<int>(from_environment("TRINE_RANDOM_LENGTH", 30));
  for (unsigned seed = first; seed < first + count; ++seed) {
    const std::string slave{sim::kAxiSlaves.at(seed % sim::kAxiSlaves.size()).name};
    CAPTURE(size, seed, slave);
    const RandomProgram program = random_program(config, seed, length);
    sim::RtlOptions options = options_of(seed, build);
    options.lockstep = std::getenv("TRINE_RANDOM_LOCKSTEP") != nullptr;
    if (const char* trace = std::getenv("TRINE_RANDOM_TRACE")) options.trace_file = trace;
    if (std::getenv("TRINE_RANDOM_LIST") != nullptr)
      std::fputs(compiler::disassemble(program.program).c_str(), stdout);
    const std::vector<std::uint8_t> expected = on_arch(program), actual = on_rtl(program, options);
    if (actual == expected) continue;
    INFO("the netlist differs; more by the RTL with the same seed");
    REQUIRE(!build.netlist);
    // Runs again and compares each write: throws the first difference with its cycle and
    // instruction.
    options.lockstep = true;
    on_rtl(program, options);
    const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin()).first;
    FAIL("DRAM byte " << at - expected.begin() << " differs, but no DMEM write does");
  }
  SUCCEED();
}

void check_accesses(const spec::Config& config, unsigned seeds) {
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = 1;
  options.build.assertions = true;
  options.lockstep = true;  // required for the counters
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    const RandomProgram random = random_program(config, seed, 30);
    std::vector<std::uint8_t> dram = random.dram;
    const sim::RunResult result = sim::RtlRunner(random.program, options).run_dram(dram);
    const sim::Actions actions = sim::count_actions(config, random.program.words);
    CHECK(result.pmem_reads == static_cast<std::uint64_t>(actions[sim::kPmemRead]));
    CHECK(result.dmem_reads == static_cast<std::uint64_t>(actions[sim::kDmemRead]));
    CHECK(result.dmem_writes == static_cast<std::uint64_t>(actions[sim::kDmemWrite]));
  }
}

}  // namespace trine::tests
