// SPDX-License-Identifier: Apache-2.0
//
// Shapes of the literature's transformers, without weights: one block as layers of the compiler,
// taken as often as the network has it, and what comes before and after the blocks.

#pragma once

#include <string>
#include <vector>

#include "machine/precision.h"
#include "tools/estimate/estimate.h"

namespace trine::estimate {

/// What a gate goes through before its product.
enum class Gate { kNone, kSilu, kSquaredRelu };

struct Transformer {
  std::string name;
  int layers = 0, width = 0, heads = 0;
  int inner = 0;                      ///< channels between the feed-forward products
  int vocabulary = 0, positions = 0;  ///< rows of the embeddings; positions 0: rotated instead
  int segments = 0;
  bool biases = true;            ///< of products; norms then have an offset as well
  bool input_biases = true;      ///< of query, key and value
  Gate gate = Gate::kNone;       ///< g(x W) * (x V) instead of GELU(x W)
  int key_heads = 0;             ///< of keys and values, each for as many queries; 0: `heads`
  bool inner_norms = false;      ///< before the last product of attention and feed-forward, too
  std::string weights = "int8";  ///< of a block's products, a row of machine/precision.h
  bool pooler = false;           ///< a product on the first token instead of logits of all
  bool tied = true;              ///< logits take the embedding's codes
};

/// Those that `trine estimate --table` knows.
const std::vector<Transformer>& transformers();
/// @throws Error  names those there are
const Transformer& transformer(const std::string& name);

/// Logits of ternary weights have int8 ones, as the embedding; of int4, int4, where they are not
/// tied.
/// `tokens` go through at once, each attends to `context` of them (those before in a cache).
/// @throws Error  what the design lacks
Estimate of_transformer(const Transformer& t, int tokens, int context,
                        const machine::Config& config);

}  // namespace trine::estimate
