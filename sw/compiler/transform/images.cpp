// SPDX-License-Identifier: Apache-2.0
//
// Images of a batch in one layer: their chunks of weights come once, their pixels share tiles.

#include <algorithm>

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {

std::optional<Network> together(const Network& network, const machine::Config& config,
                                int& /*place*/) {
  if (network.chunks_together) return std::nullopt;
  Network result = network;
  result.chunks_together = true;
  const std::vector<ImageRun> runs = runs_together(result, equal_weights(result), config);
  if (std::ranges::none_of(runs, [](const ImageRun& r) { return r.size() > 1; }))
    return std::nullopt;
  return result;
}

}  // namespace trine::compiler
