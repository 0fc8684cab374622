// SPDX-License-Identifier: Apache-2.0
//
// A language model in int8: weights per output channel, activations by the ranges that the float32
// network shows on texts of its own. What it computes for one token is a graph like any other
// network's; so its golden result is that of run_graph().

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
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
/// @param begin  the token that begins a text. @param ends  those that end one
Ranges calibrate(const Checkpoint& checkpoint, int texts = 3, int tokens = 256, int begin = 1,
                 const std::set<int>& ends = {1});
/// Ranges over a text.
Ranges calibrate(const Checkpoint& checkpoint, const std::vector<int>& tokens);

/// int8: codes -127..127, the largest weight of a row is 127. Ternary: -1, 0, 1, times the mean
/// size of a row's weights, for networks that were trained so (Ma et al., "The Era of 1-bit LLMs",
/// 2024); a row whose weights are such codes already keeps them. int4: codes -7..7, a scale for
/// each row, or for each group of its channels where these are whole groups (docs/numerics.md).
/// int8m: int8 with a scale for the whole matrix, so that no scales come over the bus. The
/// classifier stays int8.
enum class WeightCodes { kInt8, kTernary, kInt4, kInt4g32, kInt4g64, kInt4g128, kInt8m };

/// Their names, in the order of the codes: "int8", "int4g32".
const std::vector<std::string>& weight_names();
/// @pre one of weight_names()
WeightCodes weight_codes(const std::string& name);
model::Encoding encoding_of(WeightCodes codes);
/// Whether they are codes -1, 0 and 1 of one scale.
bool is_ternary(std::span<const float> values);
/// Channels that share a scale; 0: all of a row.
int group_of(WeightCodes codes);
/// Whether all rows of a matrix share one.
bool has_one_scale(WeightCodes codes);

/// A product's.
struct Weights {
  int rows = 0, columns = 0;
  std::vector<std::int8_t> codes;  ///< [rows][columns]
  std::vector<float> scales;       ///< of each row
  model::Encoding encoding = model::Encoding::kInt8;
  int group = 0;                      ///< channels that share a factor; 0: no factors
  std::vector<std::int16_t> factors;  ///< [rows][columns / group]
  std::vector<std::int32_t> biases;   ///< of each row, at the scale of its sums; may be empty

  /// Scales of rows, and what each group's is of them.
  /// @param of_groups  [rows][columns / channels], above 0. @pre codes
  void set_groups(int channels, const std::vector<float>& of_groups);
};

/// Norms that stand for one over so many channels, which an operator may not take.
int norm_parts(int channels);

struct LayerWeights {
  Weights wq, wk, wv, wo, w1, w2, w3;
  /// With BlockForm::gamma_in_norms.
  std::vector<float> attention_norm = {}, feed_forward_norm = {};
  std::vector<float> attention_inner_norm = {}, feed_forward_inner_norm = {};
};

class QuantizedModel {
 public:
  /// @param context  positions that the caches have room for
  QuantizedModel(const Checkpoint& checkpoint, const Ranges& ranges, int context,
                 WeightCodes codes = WeightCodes::kInt8);
  /// A model whose weights come layer by layer: block_graph() and what follows it.
  QuantizedModel(const Dimensions& dims, const Ranges& ranges, int context, const BlockForm& form);

  /// One layer for `count` tokens from `position` on, "layer 0" in its names whichever it is:
  ///   inputs   codes [count, dim]; unless the position is 0, keys and values [position, kv_dim]
  ///   outputs  codes [count, dim]; keys and values with these tokens'
  model::Graph block_graph(const LayerWeights& weights, int position, int count = 1) const;
  /// The norm behind all layers, of the last token: codes [count, dim] to [1, dim].
  model::Graph norm_graph(int count = 1) const;
  /// Rows of the classifier: codes [1, dim] to sums int32 [1, rows].
  model::Graph classifier_graph(const Weights& rows) const;

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

  /// @param factors  of its columns; empty: 1
  static Weights quantized(Matrix m, const std::vector<float>& factors = {},
                           WeightCodes codes = WeightCodes::kInt8);

  LayerWeights quantized(const Checkpoint& checkpoint, int layer, WeightCodes codes) const;
  /// At the scale of the sums of `w` and an operand of that range.
  std::vector<std::int32_t> quantized(const std::vector<float>& biases, const Weights& w,
                                      const std::string& range) const;

  Dimensions dims_;
  Ranges ranges_;
  BlockForm form_;
  int context_;
  Weights embedding_, classifier_;  ///< embedding: one scale, the activations'
  std::vector<LayerWeights> layers_;
};

}  // namespace trine::llm
