// SPDX-License-Identifier: Apache-2.0
//
// Cascades: neighbouring layers that run stripe by stripe, so that the maps between them never
// leave the chip. Rows where stripes overlap are computed again (docs/decisions/029-cascades.md) or
// stay in DMEM (docs/decisions/056-kept-rows.md).

#pragma once

#include <optional>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// The layers first..last, so many rows of the last one's output at a time.
struct Cascade {
  int first = 0, last = 0, rows = 0;
  bool in_dram = false;  ///< what it reads and writes lies in DRAM, the maps between have DMEM
  /// Rows that the next stripe needs again go to DRAM and come back to it.
  bool keeps = false;
  int chunks = 1;  ///< of the channels between products and depthwise layers; rows may be all then

  bool operator==(const Cascade& o) const = default;
};

/// Whether each row of the layer's output needs a window of rows of what it reads, and no more; not
/// of a layer that is a stripe already.
bool works_by_rows(const Network& network, const Layer& layer);

/// The network with a layer for each stripe of each of these layers, in the order of stripes.
/// @return nothing where stripes do not give the same codes, or there is only one
std::optional<Network> striped(const Network& network, const Cascade& cascade,
                               const machine::Config& config);

/// The same behind chunked(), where the cascade has chunks.
std::optional<Network> cascaded(const Network& network, const Cascade& cascade,
                                const machine::Config& config);

/// Cascades that do not overlap, those that promise the fewest cycles, in order; of a network that
/// has the plan.
/// @param gated  stripes before a gated map are planned with what reads it
/// @param sections  unless null: how many of different make were planned
std::vector<Cascade> cascades_of(const Network& network, const machine::Config& config,
                                 const Plan& plan, bool gated, std::size_t* sections = nullptr);

/// Cascades wherever there can be one, for tests, in chunks where they can be; each other one keeps
/// rows.
std::vector<Cascade> any_cascades(const Network& network, const machine::Config& config);

}  // namespace trine::compiler
