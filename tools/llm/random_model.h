// SPDX-License-Identifier: Apache-2.0
//
// A model of a known shape (tools/estimate/transformers.h) with random weights, of which a layer at
// a time exists. Ranges are those of sums of unit variance, the same in all layers.

#pragma once

#include <cstdint>
#include <string>

#include "base/npy.h"
#include "machine/config.h"
#include "tools/estimate/transformers.h"
#include "tools/llm/quantize.h"

namespace trine::llm {

class RandomModel {
 public:
  /// @param codes  of the blocks' products. The classifier has int8 ones where the shape is tied or
  /// the codes are ternary, else the same
  /// @throws Error  a shape that is no decoder with a gate and rotated positions
  RandomModel(const estimate::Transformer& shape, WeightCodes codes, int context,
              std::uint32_t seed);

  int layers() const { return layers_; }
  int parts() const { return parts_; }  ///< programs that the classifier is cut into
  const Dimensions& dims() const { return dims_; }
  /// Codes [count, dim] of tokens.
  Array embedding(int count) const;
  /// Keys or values [position, kv_dim] of the tokens before.
  Array cache(int layer, bool values, int position) const;

  LayerWeights weights(int layer) const;
  Weights classifier(int part) const;
  model::Graph block(const LayerWeights& weights, int position, int count = 1) const {
    return model_.block_graph(weights, position, count);
  }
  model::Graph norm(int count = 1) const { return model_.norm_graph(count); }
  model::Graph classifier(const Weights& part) const { return model_.classifier_graph(part); }

  /// In DRAM, without padding: all weights that a token reads.
  std::int64_t weight_bytes(const machine::Config& config) const;

 private:
  Weights product(int layer, const char* name, int rows, int columns, float gain, WeightCodes codes,
                  bool biases = false) const;

  Dimensions dims_;  ///< of one layer
  int layers_, parts_ = 1;
  WeightCodes codes_, classifier_codes_;
  bool biases_;  ///< of query, key and value
  std::uint32_t seed_;
  QuantizedModel model_;
};

}  // namespace trine::llm
