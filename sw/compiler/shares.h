// SPDX-License-Identifier: Apache-2.0
//
// A batch whose images the cores of a cluster share: the program is that of one core's images, and
// each core has maps of its own.

#pragma once

#include <cstdint>

#include "machine/config.h"
#include "sw/model/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Each core takes so many images, the last one perhaps fewer.
struct Shares {
  int images = 1, of_core = 1, cores = 1;
};

/// As equally as the cores can; of one core where the graph has no batch, or mixes its images.
Shares shares_of(const model::Graph& graph, const machine::Config& config);

/// The graph for the images of one core.
model::Graph share_of(model::Graph graph, const Shares& shares);

/// Inputs and outputs of a program for the images of one core become those of all cores, whose maps
/// lie `core_bytes` apart; the host takes a batch apart and joins the results.
/// @param first, last  whether the program is the network's first stage, and its last one
void share_batch(Program& program, const Shares& shares, std::int64_t core_bytes, bool first,
                 bool last);

}  // namespace trine::compiler
