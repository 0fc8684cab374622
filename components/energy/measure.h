// SPDX-License-Identifier: Apache-2.0
//
// Measures the energy of a run at gate level. The inputs that were recorded at the ports of an RTL
// run drive the design's netlist (synth/synthesize.h), which has memory macros and is buffered and
// timed. The changes of every net are counted and priced (synth/power).

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "sim/arch/actions.h"
#include "sim/rtl/simulate.h"
#include "sw/program/program.h"
#include "synth/power/price.h"
#include "synth/synthesize.h"
#include "tools/energy/components.h"

namespace trine::energy {

/// Options of a measurement.
struct MeasureOptions {
  synth::SynthOptions synth;
  sim::RtlOptions rtl;
  power::Assumptions assumed;
  std::filesystem::path keep;  ///< folder for netlist, ports and traces, for a check; empty: none
  std::uint64_t most_cycles = 0;  ///< maximum cycles of each program; 0: all
  /// One of this many cycles is simulated with delays, to count glitches; 0: none. A prime number,
  /// so that the samples meet all cycles of a loop, whose period is usually even.
  int timed_every = 17;
};

/// A layer of a run.
struct Sample {
  std::string name;
  std::uint64_t cycles = 0;
  sim::Actions actions{};
  std::array<power::Energy, kComponents> energy;

  /// Adds a span of the layer's cycles. Energies are summed; the leakage power is the same in all
  /// spans.
  void add(std::uint64_t span_cycles, const std::vector<power::Energy>& span);
};

/// The measurement of a design.
struct Measured {
  spec::Config config;
  std::string library;
  double clock_ns = 0, volts = 0;
  std::size_t cells = 0, registers = 0;
  bool placed = false;  ///< true if wires have the lengths of a placement
  power::Assumptions assumed;
  std::vector<Sample> samples;  ///< layers of all programs
};

/// A program with the inputs of one run.
struct Workload {
  std::string name;
  const compiler::Program* program = nullptr;
  const std::vector<Array>* inputs = nullptr;
};

/// Moves the actions of each layer without a span to the closest earlier layer with a span, or else
/// to the first layer with a span. A layer without a span worked only in cycles of other layers.
void join_untimed(const std::vector<sim::LayerSpan>& spans, std::vector<sim::Actions>& actions);

/// Returns the measurement as JSON, to be fitted again.
nlohmann::ordered_json to_json(const Measured& measured);
/// Reads a measurement. @throws Error  names the file
Measured read_measured(const std::filesystem::path& file);

/// Measures workloads on a design.
/// @throws Error  a tool fails, the library has no memories, a program has several segments, or the
/// netlist behaves differently from the RTL
Measured measure(const spec::Config& config, const std::vector<Workload>& workloads,
                 const MeasureOptions& options);

}  // namespace trine::energy
