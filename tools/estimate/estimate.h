// SPDX-License-Identifier: Apache-2.0
//
// Predicts the cycles of a network on a design without executing it: a walk over its program, whose
// cycles depend only on shapes.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/arch/actions.h"
#include "sim/arch/simulate.h"
#include "sim/result.h"
#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/program/program.h"
#include "sw/program/traffic.h"

namespace trine::estimate {

/// Predicts a program with the architecture simulator: all segments, without outputs.
sim::RunResult of_program(const compiler::Program& program, const sim::BusOptions& bus = {});

/// A row of an estimate: one layer or several equal layers of a table of shapes. Layers that are
/// fused into one count as one layer.
struct Row {
  std::string name, op;            ///< fused: "conv1_2+pool1", "conv+max"
  std::vector<std::string> parts;  ///< names of the table's layers
  std::int64_t times = 1;
  std::int64_t macs = 0;          ///< MACs of one layer
  std::int64_t parameters = 0;    ///< parameters of one layer
  std::int64_t weight_bytes = 0;  ///< stored bytes of one layer's weights, biases and scales
  double cycles = 0;              ///< cycles of one layer
  /// Cycles of one layer's MACs on the array at its peak, without MACs that the compiler leaves
  /// out.
  double peak_cycles = 0;
  int pe_macs = 4;            ///< MACs of a PE in a cycle (program::ProgramLayer)
  sim::CauseCycles causes{};  ///< cycles by cause of all predicted layers
  sim::Actions actions{};     ///< actions of one layer
  sim::DataWords dmem{};      ///< words of DMEM that one layer reads and writes
  program::Bytes dram{};      ///< traffic of one layer, without its instructions

  /// Returns the bytes of one layer's instructions, which the machine fetches from DRAM.
  std::int64_t program_bytes() const { return 8 * actions[sim::kInstruction]; }
  /// Returns the cycles of one layer by cause: their sum is `cycles`.
  std::array<double, sim::kCauses> causes_of_one() const;
  /// Returns the limit of the layer, "-" without cycles.
  std::string bound() const { return cycles == 0 ? "-" : sim::bound_of(causes); }
};

/// The estimate of a network.
struct Estimate {
  std::string network;
  std::vector<Row> rows;
  int tokens = 0;  ///< tokens of a language model that are computed together, in all sequences
  int images = 1;  ///< images, or sequences, that are computed together

  std::int64_t macs() const { return sum(&Row::macs); }
  std::int64_t parameters() const { return sum(&Row::parameters); }
  std::int64_t weight_bytes() const { return sum(&Row::weight_bytes); }
  double cycles() const { return sum(&Row::cycles); }
  double peak_cycles() const { return sum(&Row::peak_cycles); }
  /// Returns the traffic of all layers, without instructions.
  program::Bytes dram() const;
  /// Returns the bytes of all instructions.
  std::int64_t program_bytes() const;
  /// Returns the beats on the bus and the few beats between memories.
  std::int64_t beats() const {
    std::int64_t total = 0;
    for (const Row& row : rows) total += row.actions[sim::kBeat] * row.times;
    return total;
  }

 private:
  template <typename T>
  T sum(T Row::*of) const {
    T total = 0;
    for (const Row& row : rows) total += row.*of * static_cast<T>(row.times);
    return total;
  }
};

/// Compiles `lowered`, which needs no weights, and returns a row for each layer of the program. A
/// layer of `lowered` that is fused into its reader counts in the reader's row.
std::vector<Row> of_network(const compiler::Network& lowered, const spec::Config& config);

}  // namespace trine::estimate
