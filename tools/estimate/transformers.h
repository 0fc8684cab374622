// SPDX-License-Identifier: Apache-2.0
//
// Shapes of published transformers without weights: one block as layers of the compiler, counted as
// often as the network contains it, and the layers before and after the blocks.

#pragma once

#include <string>
#include <vector>

#include "spec/precision.h"
#include "tools/estimate/estimate.h"

namespace trine::estimate {

/// The function of a gate before its product.
enum class Gate { kNone, kSilu, kSquaredRelu };

/// The shape of a transformer.
struct Transformer {
  std::string name;
  int layers = 0, width = 0, heads = 0;
  int inner = 0;                      ///< channels between the feed-forward products
  int vocabulary = 0, positions = 0;  ///< rows of the embeddings; positions 0: rotary embedding
  int segments = 0;
  bool biases = true;        ///< products have biases, and normalizations offsets
  bool input_biases = true;  ///< query, key and value have biases
  Gate gate = Gate::kNone;   ///< g(x W) * (x V) instead of GELU(x W)
  int key_heads = 0;  ///< heads of keys and values, each shared by several queries; 0: `heads`
  /// Additional normalizations before the last product of attention and feed-forward.
  bool inner_norms = false;
  std::string weights = "int8";  ///< precision of a block's products, a row of spec/precision.h
  bool pooler = false;           ///< a product on the first token instead of logits of all tokens
  bool tied = true;              ///< logits use the embedding's codes
  int head_width = 0;            ///< channels of a head; 0: width / heads

  int head() const { return head_width > 0 ? head_width : width / heads; }
};

/// Returns the transformers that `trine estimate --table` knows.
const std::vector<Transformer>& transformers();
/// Returns a transformer by its name, or one of these sizes: "L=12,D=768,H=12,FF=3072,C=30522",
/// with layers, channels, heads, inner channels and words, and as options E (channels of a head; D
/// / H), KV (heads of keys and values; H) and gate=silu.
/// @throws Error  names all transformers, or the size that is missing or wrong
Transformer transformer(const std::string& text);

/// Returns the MACs of M tokens by the rule of textbooks, L (M (5 D E H + 2 D FF) + 2 M M E H) +
/// M C D, which counts five projections, two feed-forward products and logits of all tokens.
std::int64_t macs_by_rule(const Transformer& t, int tokens);

/// Estimates `tokens` computed together, each of which attends to `context` tokens (earlier ones in
/// a cache). If t.weights is ternary, logits use int8 weights, like the embedding. If t.weights is
/// int4, logits use int4 weights unless `tied`.
/// @param sequences  sequences that are computed together: products read the tokens of all of them
/// @throws Error  a feature that the design lacks
Estimate of_transformer(const Transformer& t, int tokens, int context, const spec::Config& config,
                        int sequences = 1);

}  // namespace trine::estimate
