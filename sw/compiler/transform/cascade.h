// SPDX-License-Identifier: Apache-2.0
//
// Runs neighbouring layers stripe by stripe, so that the maps between them never leave the chip.
// Rows where stripes overlap are computed again, or go to DRAM and return for the next stripe
// (docs/decisions/029-cascades.md).

#pragma once

#include <optional>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// A cascade of the layers first..last. Each stripe computes `rows` rows of the last layer's
/// output.
struct Cascade {
  int first = 0, last = 0, rows = 0;
  /// The inputs and outputs of the cascade are in DRAM, and only the maps between them use DMEM.
  bool spills_ends = false;
  /// Rows that the next stripe needs again are stored to DRAM and loaded for it.
  bool keeps = false;
  /// Number of chunks into which the output channels of products and depthwise layers are cut. If
  /// above 1, `rows` may be all rows.
  int chunks = 1;

  bool operator==(const Cascade& o) const = default;
};

/// Returns true if each row of the layer's output depends only on a window of rows of its inputs.
/// Returns false if the layer is already a stripe.
bool works_by_rows(const Network& network, const Layer& layer);

/// Returns the network with one layer for each stripe of each layer of the cascade, in the order of
/// stripes.
/// @return nothing if stripes would give different codes, or if there is only one stripe
std::optional<Network> striped(const Network& network, const Cascade& cascade,
                               const spec::Config& config);

/// Returns striped() of the network, after chunked() if the cascade has chunks.
std::optional<Network> cascaded(const Network& network, const Cascade& cascade,
                                const spec::Config& config);

/// Selects cascades that do not overlap and give the fewest estimated cycles. Returns them in
/// order.
/// @param plan  the network's plan
/// @param gated  true: if a gate multiplies a cascade's output by codes that depend on the output's
/// means (squeeze and excitation), the layers up to the one after the gate are planned with the
/// cascade
/// @param sections  unless null: receives the number of different sections that were planned
std::vector<Cascade> cascades_of(const Network& network, const spec::Config& config,
                                 const Plan& plan, bool gated, std::size_t* sections = nullptr);

/// Returns cascades wherever one is possible, for tests, in chunks where possible. Every other
/// cascade keeps rows.
std::vector<Cascade> any_cascades(const Network& network, const spec::Config& config);

}  // namespace trine::compiler
