// SPDX-License-Identifier: Apache-2.0
//
// Cycles of a network on a design without executing anything: a walk over its program, whose
// cycles depend on shapes alone.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sim/arch/actions.h"
#include "sim/arch/run.h"
#include "sim/result.h"
#include "sw/compiler/network/network.h"
#include "sw/program/program.h"

namespace trine::estimate {

/// What the architecture simulator predicts of a program, all stages, without any outputs.
sim::RunResult of_program(const compiler::Program& program, const sim::BusOptions& bus = {});

/// What a layer of a table of shapes, or each of some that are alike, takes.
struct Row {
  std::string name, op;
  std::int64_t times = 1;
  std::int64_t macs = 0;          ///< of one
  std::int64_t parameters = 0;    ///< of one
  std::int64_t weight_bytes = 0;  ///< of one: weights, biases and scales as they are stored
  double cycles = 0;              ///< of one
  sim::CauseCycles causes{};      ///< of all that were walked
  sim::Actions actions{};         ///< of one

  std::string bound() const { return cycles == 0 ? "-" : sim::bound_of(causes); }
};

struct Estimate {
  std::string network;
  std::vector<Row> rows;
  int tokens = 0;  ///< of a language model that go through at once

  std::int64_t macs() const { return sum(&Row::macs); }
  std::int64_t parameters() const { return sum(&Row::parameters); }
  std::int64_t weight_bytes() const { return sum(&Row::weight_bytes); }
  double cycles() const { return sum(&Row::cycles); }
  /// On the bus, and the few between memories.
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

/// A row for each name of the network's layers, which need no weights.
std::vector<Row> of_network(compiler::Network lowered, const machine::Config& config);

}  // namespace trine::estimate
