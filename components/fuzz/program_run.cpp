// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/program_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "sim/arch/cluster.h"
#include "sim/rtl/memory.h"
#include "sim/rtl/simulate.h"
#include "sw/compiler/schedule/schedule.h"
#include "tools/random/configs.h"
#include "tools/random/random_program.h"

namespace trine::fuzz {
namespace {

sim::RtlOptions options_of(const ProgramCase& c) {
  std::mt19937 random(c.seed + 2'000'000);
  static constexpr int kLatencies[] = {1, 2, 7, 32, 100, 300};
  static constexpr int kBytes[] = {0, 0, 1, 4};
  static constexpr int kStalls[] = {0, 0, 30, 70};
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = std::min(1, options.build.optimization);
  options.build.assertions = c.assertions;
  options.seed = c.seed;
  options.axi_latency = kLatencies[random() % 6];
  options.axi_bytes_per_cycle = kBytes[random() % 4];
  options.stall_percent = kStalls[random() % 4];
  options.axi_slave = c.seed % sim::kAxiSlaves.size();
  options.max_cycles = 50'000'000;
  return options;
}

std::vector<std::uint8_t> on_arch(const RandomProgram& p) {
  std::vector<std::uint8_t> dram = p.dram;
  sim::Cluster cores(p.program.config, dram);
  int index = 0;
  for (const auto& i : p.instructions) cores.execute(i.engine, i.registers, i.run, index++);
  return dram;
}

/// Returns the first DMEM write that differs, with its cycle and instruction; uses a separate
/// model.
std::string first_write(const ProgramCase& c, const RandomProgram& p) try {
  sim::RtlOptions options = options_of(c);
  options.lockstep = true;
  std::vector<std::uint8_t> dram = p.dram;
  sim::RtlRunner(p.program, options).run_dram(dram);
  return "";
} catch (const std::exception& e) {
  return fmt::format("; {}", e.what());
}

}  // namespace

int drawn_length(unsigned seed) {
  std::mt19937 random(seed + 3'000'000);
  return random() % 4 == 0 ? static_cast<int>(10 + random() % 71) : 30;
}

Verdict run_program(const ProgramCase& c) try {
  const RandomProgram p = random_program(c.config, c.seed, c.instructions);
  Verdict verdict{Outcome::kExact, ""};
  std::vector<std::uint8_t> expected;
  try {
    expected = on_arch(p);
  } catch (const std::exception& e) {
    return {Outcome::kFailed, fmt::format("architecture simulator: {}", e.what())};
  }
  std::vector<std::uint8_t> dram = p.dram;
  verdict.rtl_cycles = sim::RtlRunner(p.program, options_of(c)).run_dram(dram).cycles;
  const auto at = std::mismatch(expected.begin(), expected.end(), dram.begin()).first;
  if (at == expected.end()) return verdict;
  const auto byte = static_cast<std::size_t>(at - expected.begin());
  return {Outcome::kFailed, fmt::format("RTL: byte 0x{:x} of DRAM is {}, expected {}{}", byte,
                                        dram[byte], expected[byte], first_write(c, p))};
} catch (const std::exception& e) {
  return {Outcome::kFailed, fmt::format("RTL: {}", e.what())};
}

ProgramCase shortest(ProgramCase c, const std::function<bool(const ProgramCase&)>& fails) {
  for (int less = c.instructions / 2; less > 0;) {
    ProgramCase shorter = c;
    shorter.instructions -= less;
    if (shorter.instructions > 0 && fails(shorter))
      c = shorter;
    else
      less /= 2;
  }
  return c;
}

std::string describe(const ProgramCase& c) {
  return fmt::format(
      "{}: {}\n{}", c.config.name, settings_of(c.config),
      compiler::disassemble(random_program(c.config, c.seed, c.instructions).program));
}

}  // namespace trine::fuzz
