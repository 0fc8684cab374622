// SPDX-License-Identifier: Apache-2.0
//
// Cycles of a network on a design from the compiler's plan alone: nothing is executed, and of
// weights only the shapes count.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::estimate {

/// What a layer, or each of some that are alike, takes.
struct Row {
  std::string name, op;
  std::int64_t times = 1;
  std::int64_t macs = 0;          ///< of one
  std::int64_t parameters = 0;    ///< of one
  std::int64_t weight_bytes = 0;  ///< of one: weights, biases and scales as they are stored
  double cycles = 0;              ///< of one
  double compute = 0, bus = 0;    ///< what it would take without the other

  const char* bound() const { return cycles == 0 ? "-" : bus > compute ? "bus" : "compute"; }
};

struct Estimate {
  std::string network;
  std::vector<Row> rows;
  std::int64_t network_macs = 0;  ///< also those whose results nobody reads

  std::int64_t macs() const { return sum(&Row::macs); }
  std::int64_t parameters() const { return sum(&Row::parameters); }
  std::int64_t weight_bytes() const { return sum(&Row::weight_bytes); }
  double cycles() const { return sum(&Row::cycles); }

 private:
  template <typename T>
  T sum(T Row::*of) const {
    T total = 0;
    for (const Row& row : rows) total += row.*of * static_cast<T>(row.times);
    return total;
  }
};

/// The estimate of a model. @throws Error  as compiling it
Estimate of_graph(const model::Graph& graph, const machine::Config& config,
                  const reference::RoundingPolicy& rounding);

/// The same of a network whose layers may lack weights.
std::vector<Row> of_network(compiler::Network lowered, const machine::Config& config);

/// A row for each layer of the network that the compiler's search ends with; each loads its own
/// weights.
std::vector<Row> of_layers(compiler::Network lowered, const machine::Config& config);

}  // namespace trine::estimate
