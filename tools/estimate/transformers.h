// SPDX-License-Identifier: Apache-2.0
//
// Shapes of the literature's transformers, without weights: one block as layers of the compiler,
// taken as often as the network has it, and what comes before and after the blocks.

#pragma once

#include <string>
#include <vector>

#include "tools/estimate/estimate.h"

namespace trine::estimate {

struct Transformer {
  std::string name;
  int layers = 0, width = 0, heads = 0;
  int inner = 0;                      ///< channels between the feed-forward products
  int vocabulary = 0, positions = 0;  ///< rows of the embeddings; positions 0: rotated instead
  int segments = 0;
  bool biases = true;   ///< of products; norms then have an offset as well
  bool gated = false;   ///< SiLU(x W) * (x V) instead of GELU(x W)
  bool pooler = false;  ///< a product on the first token instead of logits of all
  bool tied = true;     ///< logits take the embedding's codes
};

/// Those that `trine estimate --table` knows.
const std::vector<Transformer>& transformers();
/// @throws Error  names those there are
const Transformer& transformer(const std::string& name);

/// `tokens` go through at once, each attends to `context` of them (those before in a cache).
/// @throws Error  what the design lacks
Estimate of_transformer(const Transformer& t, int tokens, int context,
                        const machine::Config& config);

}  // namespace trine::estimate
