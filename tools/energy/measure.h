// SPDX-License-Identifier: Apache-2.0
//
// Energy of a run at gate level: the design's netlist (synth/synthesize.h), with memory macros,
// buffered and timed, driven by the ports of a run of its RTL, every net's changes counted and
// priced (synth/power).

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "sim/arch/actions.h"
#include "sim/rtl/run.h"
#include "sw/program/program.h"
#include "synth/power/price.h"
#include "synth/synthesize.h"
#include "tools/energy/components.h"

namespace trine::energy {

struct MeasureOptions {
  synth::SynthOptions synth;
  sim::RtlOptions rtl;
  power::Assumptions assumed;
  std::filesystem::path keep;  ///< folder for netlist, ports and traces, for a check; empty: none
  std::uint64_t most_cycles = 0;  ///< of each program; 0: all
  /// One cycle of so many is run with delays, for glitches; 0: none. A prime: loops have even
  /// periods.
  int timed_every = 17;
};

/// A layer of a run.
struct Sample {
  std::string name;
  std::uint64_t cycles = 0;
  sim::Actions actions{};
  std::array<power::Energy, kComponents> energy;

  /// A span of its cycles. Leakage is that of the cells, however many spans a layer has.
  void add(std::uint64_t span_cycles, const std::vector<power::Energy>& span);
};

struct Measured {
  machine::Config config;
  std::string library;
  double clock_ns = 0, volts = 0;
  std::size_t cells = 0, registers = 0;
  bool placed = false;  ///< wires are those of its places
  power::Assumptions assumed;
  std::vector<Sample> samples;  ///< layers of all programs
};

/// A program with the inputs of one run.
struct Workload {
  std::string name;
  const compiler::Program* program = nullptr;
  const std::vector<Array>* inputs = nullptr;
};

/// Spans that have cycles. What a layer without any does counts for the one before it: its RUNs
/// were over when those of that one were.
std::vector<sim::LayerSpan> timed_spans(const std::vector<sim::LayerSpan>& spans,
                                        std::vector<sim::Actions>& actions);

/// All of it, to be fitted again.
nlohmann::ordered_json to_json(const Measured& measured);
/// @throws Error  names the file
Measured read_measured(const std::filesystem::path& file);

/// @throws Error  a tool fails, a library without memories, a program in stages, a netlist that
/// does not do what the RTL does
Measured measure(const machine::Config& config, const std::vector<Workload>& workloads,
                 const MeasureOptions& options);

}  // namespace trine::energy
