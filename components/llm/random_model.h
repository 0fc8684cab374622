// SPDX-License-Identifier: Apache-2.0
//
// A model of a known shape (tools/estimate/transformers.h) with random weights. Only one layer at a
// time is in memory. Ranges assume sums of unit variance and are the same in all layers.

#pragma once

#include <cstdint>
#include <string>

#include "components/llm/quantize.h"
#include "spec/config.h"
#include "sw/base/npy.h"
#include "tools/estimate/transformers.h"

namespace trine::llm {

/// The model.
class RandomModel {
 public:
  /// @param codes  kind of all weights, except that the classifier is int8 if it is the embedding
  /// (shape.tied), and also if `codes` is ternary
  /// @throws Error  the shape is not a decoder with a gate and rotary positions
  RandomModel(const estimate::Transformer& shape, WeightCodes codes, int context,
              std::uint32_t seed);

  int layers() const { return layers_; }
  int parts() const { return parts_; }  ///< number of programs for the classifier
  const Dimensions& dims() const { return dims_; }
  /// Returns the codes [count, dim] of tokens.
  Array embedding(int count) const;
  /// Returns keys or values [position, kv_dim] of the preceding tokens.
  Array cache(int layer, bool values, int position) const;

  /// Returns the weights of a layer.
  LayerWeights weights(int layer) const;
  /// Returns a part of the classifier.
  Weights classifier(int part) const;
  model::Graph block(const LayerWeights& weights, int position, int count = 1) const {
    return model_.block_graph(weights, position, count);
  }
  model::Graph norm(int count = 1) const { return model_.norm_graph(count); }
  model::Graph classifier(const Weights& part) const { return model_.classifier_graph(part); }

  /// Returns the bytes in DRAM of all weights that a token reads, without padding.
  std::int64_t weight_bytes(const spec::Config& config) const;

 private:
  Weights product(int layer, const char* name, int rows, int columns, float gain, WeightCodes codes,
                  bool biases = false) const;

  Dimensions dims_;  ///< sizes of the model, with one layer
  int layers_, parts_ = 1;
  WeightCodes codes_, classifier_codes_;
  bool biases_;  ///< biases of query, key and value
  std::uint32_t seed_;
  QuantizedModel model_;
};

}  // namespace trine::llm
