// SPDX-License-Identifier: Apache-2.0
//
// Distributes the images of a batch over the cores of a cluster. The program is compiled for the
// images of one core, and each core has its own maps.

#pragma once

#include <cstdint>

#include "spec/config.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// The distribution of a batch: `images` in total, `of_core` for each core. The last core may get
/// fewer.
struct BatchOverCores {
  int images = 1, of_core = 1, cores = 1;
};

/// Returns the most even distribution of the batch over the cores. A graph without a batch, or one
/// that mixes its images, runs on one core.
BatchOverCores batch_over_cores(const model::Graph& graph, const spec::Config& config);

/// Returns the graph for the images of one core.
model::Graph graph_of_one_core(model::Graph graph, const BatchOverCores& shares);

/// Turns a program for the images of one core into the program for all cores: its inputs and
/// outputs become those of all cores, whose maps are `core_bytes` apart. The host splits each batch
/// and joins the results.
/// @param first, last  true if the program is the network's first or last segment
void distribute_program(Program& program, const BatchOverCores& shares, std::int64_t core_bytes,
                        bool first, bool last);

}  // namespace trine::compiler
