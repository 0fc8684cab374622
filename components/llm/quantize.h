// SPDX-License-Identifier: Apache-2.0
//
// A language model in int8. Weights have scales per output channel; activations have the ranges
// that the float32 network shows on texts that it writes itself. The computation of a token is a
// graph like any other network, so run_graph() gives its golden result.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "components/llm/checkpoint.h"
#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"

namespace trine::llm {

/// A range of values.
struct Range {
  float low = 0, high = 0;  ///< includes 0
};
using Ranges = std::map<std::string, Range>;  ///< by the names of FloatModel

/// Returns the ranges over texts that the model writes: tokens are drawn by their probability with
/// a seed.
/// @param begin  first token of a text
/// @param ends  tokens that end a text
Ranges calibrate(const Checkpoint& checkpoint, int texts = 3, int tokens = 256, int begin = 1,
                 const std::set<int>& ends = {1});
/// Returns the ranges over a given text.
Ranges calibrate(const Checkpoint& checkpoint, const std::vector<int>& tokens);

/// Kinds of weights. int8: codes -127..127; the largest weight of a row is 127. Ternary: -1, 0, 1,
/// times the mean magnitude of a row's weights, for networks that were trained so (Ma et al., "The
/// Era of 1-bit LLMs", 2024); rows that already consist of such codes do not change. int4: codes
/// -7..7 with a scale for each row, or for each group of its channels if the row consists of whole
/// groups (docs/numerics.md). int8m: int8 with one scale for the matrix, so that the bus transfers
/// no scales. The classifier stays int8.
enum class WeightCodes { kInt8, kTernary, kInt4, kInt4g32, kInt4g64, kInt4g128, kInt8m };

/// Returns the names of the kinds in the order of WeightCodes: "int8", ..., "int4g32", ...
const std::vector<std::string>& weight_names();
/// Returns the kind with this name. @pre one of weight_names()
WeightCodes weight_codes(const std::string& name);
model::Encoding encoding_of(WeightCodes codes);
/// Returns true if the values are -1, 0 and 1 times one scale.
bool is_ternary(std::span<const float> values);
/// Returns the number of channels that share a scale; 0: a whole row.
int group_of(WeightCodes codes);
/// Returns true if all rows of a matrix share one scale.
bool has_one_scale(WeightCodes codes);

/// The weights of a product.
struct Weights {
  int rows = 0, columns = 0;
  std::vector<std::int8_t> codes;  ///< [rows][columns]
  std::vector<float> scales;       ///< by row
  model::Encoding encoding = model::Encoding::kInt8;
  int group = 0;                      ///< number of channels that share a factor; 0: no factors
  std::vector<std::int16_t> factors;  ///< [rows][columns / group]
  std::vector<std::int32_t> biases;   ///< by row, at the scale of its sums; may be empty

  /// Computes scales of rows and factors of groups.
  /// @param of_groups  [rows][columns / channels], values above 0. @pre `codes` is filled
  void set_groups(int channels, const std::vector<float>& of_groups);
};

/// Returns the number of smaller normalizations that together replace one over `channels` channels.
/// It is above 1 if an operator does not support so many channels.
int norm_parts(int channels);

/// The quantized weights of a layer.
struct LayerWeights {
  Weights wq, wk, wv, wo, w1, w2, w3;
  /// Used only with BlockForm::gamma_in_norms.
  std::vector<float> attention_norm = {}, feed_forward_norm = {};
  std::vector<float> attention_inner_norm = {}, feed_forward_inner_norm = {};
};

/// A quantized model.
class QuantizedModel {
 public:
  /// @param context  positions in the caches
  QuantizedModel(const Checkpoint& checkpoint, const Ranges& ranges, int context,
                 WeightCodes codes = WeightCodes::kInt8);
  /// Makes a model whose weights arrive layer by layer, for block_graph(), norm_graph() and
  /// classifier_graph().
  QuantizedModel(const Dimensions& dims, const Ranges& ranges, int context, const BlockForm& form);

  /// Returns one layer for `count` tokens from `position` on; names always contain "layer 0".
  ///   inputs   codes [count, dim]; unless the position is 0, keys and values [position, kv_dim]
  ///   outputs  codes [count, dim]; keys and values including these tokens
  model::Graph block_graph(const LayerWeights& weights, int position, int count = 1) const;
  /// Returns the normalization of the last token after all layers: codes [count, dim] to [1, dim].
  model::Graph norm_graph(int count = 1) const;
  /// Returns rows of the classifier: codes [1, dim] to sums int32 [1, rows].
  model::Graph classifier_graph(const Weights& rows) const;

  /// Returns the network for `count` tokens from `position` on. It gives the same codes as one
  /// token after the other:
  ///   inputs   embeddings [count, dim]; unless the position is 0, keys and values
  ///            [position, kv_dim] of each layer
  ///   outputs  sums int32 [1, vocabulary] of the last token; keys and values of each layer
  ///            including these tokens
  /// Graph::states lists inputs and outputs that share memory.
  /// @pre 0 <= position, 0 < count, position + count <= context()
  model::Graph step_graph(int position, int count = 1) const;

  /// Returns the embeddings of tokens: codes [tokens, dim].
  Array embedding(const std::vector<int>& tokens) const;
  /// Returns the logits of the graph's sums.
  std::vector<float> logits(const Array& sums) const;
  /// Returns the scale of each token's sums relative to the largest scale, times 2^31 - 1.
  std::vector<std::int32_t> relative_scales() const;
  /// Returns the token with the largest logit, computed exactly with relative_scales(); the first
  /// one among equals.
  int most_likely(const Array& sums) const;
  int context() const { return context_; }

 private:
  class Builder;

  /// Quantizes a matrix. @param factors  of its columns; empty: 1
  static Weights quantized(Matrix m, const std::vector<float>& factors = {},
                           WeightCodes codes = WeightCodes::kInt8);

  LayerWeights quantized(const Checkpoint& checkpoint, int layer, WeightCodes codes) const;
  /// Quantizes biases to the scale of the sums of `w` and an operand whose range is `range`.
  std::vector<std::int32_t> quantized(const std::vector<float>& biases, const Weights& w,
                                      const std::string& range) const;

  Dimensions dims_;
  Ranges ranges_;
  BlockForm form_;
  int context_;
  Weights embedding_, classifier_;  ///< the embedding has one scale: the activations'
  std::vector<LayerWeights> layers_;
};

}  // namespace trine::llm
