// SPDX-License-Identifier: Apache-2.0
//
// A language model in int8: weights per output channel, activations by the ranges that the float32
// network shows on texts of its own. What it computes for one token is a graph like any other
// network's; so its golden result is that of run_graph().

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sw/model/graph.h"
#include "tools/llm/checkpoint.h"

namespace trine::llm {

struct Range {
  float low = 0, high = 0;  ///< with 0 inside
};
using Ranges = std::map<std::string, Range>;  ///< by FloatModel's names

/// Ranges over texts that the model writes itself: tokens drawn by their probability, seeded.
Ranges calibrate(const Checkpoint& checkpoint, int texts = 3, int tokens = 256);

/// int8: codes -127..127, the largest weight of a row is 127. Ternary: -1, 0, 1, times the mean
/// size of a row's weights, for networks that were trained so (Ma et al., "The Era of 1-bit LLMs",
/// 2024); the classifier stays int8.
enum class WeightCodes { kInt8, kTernary };

class QuantizedModel {
 public:
  /// @param context  positions that the caches have room for
  QuantizedModel(const Checkpoint& checkpoint, const Ranges& ranges, int context,
                 WeightCodes codes = WeightCodes::kInt8);

  /// The network for `count` tokens from `position` on, which gives the codes of one after the
  /// other:
  ///   inputs   their embeddings [count, dim]; unless the first is, keys and values
  ///            [position, kv_dim] of each layer
  ///   outputs  sums int32 [1, vocabulary] of the last token; keys and values of each layer with
  ///            these tokens'
  /// Graph::states say which of them are the same memory.
  /// @pre 0 <= position, 0 < count, position + count <= context()
  model::Graph step_graph(int position, int count = 1) const;

  /// Codes [tokens, dim].
  Array embedding(const std::vector<int>& tokens) const;
  /// Logits of the graph's sums.
  std::vector<float> logits(const Array& sums) const;
  /// What a sum of each token counts, of 2^31 - 1: its scale by the largest.
  std::vector<std::int32_t> relative_scales() const;
  /// The token with the largest logit, by these scales, exactly; of equal ones the first.
  int most_likely(const Array& sums) const;
  int context() const { return context_; }

 private:
  class Builder;

  struct Weights {
    int rows = 0, columns = 0;
    std::vector<std::int8_t> codes;  ///< [rows][columns]
    std::vector<float> scales;       ///< of each row
    bool ternary = false;
  };
  /// @param factors  of its columns; empty: 1
  static Weights quantized(Matrix m, const std::vector<float>& factors = {},
                           WeightCodes codes = WeightCodes::kInt8);

  struct LayerWeights {
    Weights wq, wk, wv, wo, w1, w2, w3;
  };

  const Checkpoint& model_;
  Ranges ranges_;
  int context_;
  Weights embedding_, classifier_;  ///< embedding: one scale, the activations'
  std::vector<LayerWeights> layers_;
};

}  // namespace trine::llm
