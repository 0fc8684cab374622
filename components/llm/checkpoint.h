// SPDX-License-Identifier: Apache-2.0
//
// Language models of the LLaMA family in the checkpoint format of llama2.c (version 0), and the
// float32 network that they describe.
//
//   seven int32  dim, hidden, layers, heads, kv_heads, vocabulary, positions; a negative vocabulary
//                means that the classifier is a matrix of its own instead of the embedding
//   float32      embedding [vocabulary, dim]; then for all layers together: attention norm [dim],
//                wq [dim, dim], wk and wv [kv_heads * head, dim], wo [dim, dim], feed-forward norm
//                [dim], w1 [hidden, dim], w2 [dim, hidden], w3 [hidden, dim]; final norm [dim];
//                two rotary tables [positions, head / 2] that are not used; classifier
//
// Source: the README of llama2.c; Touvron et al., "LLaMA" (2023).

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trine::llm {

/// The sizes of a model.
struct Dimensions {
  int dim = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0, vocabulary = 0, positions = 0;
  int head_channels = 0;  ///< 0: dim / heads

  int head() const { return head_channels > 0 ? head_channels : dim / heads; }
  int query_dim() const { return heads * head(); }
  int kv_dim() const { return kv_heads * head(); }
};

/// Constant that RMSNorm adds to the mean square.
inline constexpr float kNormEpsilon = 1e-5f;

/// Rotary embedding: pair i of a head's channels rotates by position / (theta^(2 i / head) *
/// factors[i]).
struct Rope {
  double theta = 10000;
  std::vector<double> factors;  ///< [head / 2]; empty: 1
};

/// Differences of a block from LLaMA's.
struct BlockForm {
  bool squared_relu = false;  ///< activation of the gate instead of SILU
  /// Normalizations before the last product of attention and feed-forward.
  bool inner_norms = false;
  bool gelu = false;  ///< the gate's activation is GELU, in its tanh form
  /// Normalizations multiply by gamma. The weights after them do not contain gamma, so they stay
  /// ternary.
  bool gamma_in_norms = false;
  float epsilon = kNormEpsilon;
  Rope rope = {};
};

/// A matrix in row-major order: value(row, column) = data[row * columns + column].
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<float> data;

  const float* row(int i) const { return data.data() + static_cast<std::ptrdiff_t>(i) * columns; }
};

/// The weights of a layer.
struct Layer {
  std::vector<float> attention_norm, feed_forward_norm;  ///< [dim]
  Matrix wq, wk, wv, wo, w1, w2, w3;                     ///< [outputs, inputs]
  std::vector<float> bq, bk, bv, bo;                     ///< [outputs], or empty
  /// With BlockForm::inner_norms: [heads * head] and [hidden].
  std::vector<float> attention_inner_norm, feed_forward_inner_norm;
};

/// A model in float32.
struct Checkpoint {
  Dimensions dims;
  Matrix embedding;  ///< [vocabulary, dim]
  std::vector<Layer> layers;
  std::vector<float> norm;  ///< [dim]
  Matrix classifier;        ///< [vocabulary, dim]
  BlockForm form;

  /// Returns the number of parameters.
  std::int64_t parameters() const;
};

/// Reads a checkpoint. @throws Error  names the file and the fault: header, size, values
Checkpoint read_checkpoint(const std::filesystem::path& path);
Checkpoint parse_checkpoint(const std::vector<std::uint8_t>& bytes, const std::string& file);

/// Cosines and sines of a position's angles.
struct Rotation {
  std::vector<float> cosine, sine;  ///< [head / 2]
};
Rotation rotation(int position, int head, const Rope& rope = {});

/// Runs the network in float32, one token at a time.
class FloatModel {
 public:
  /// Called with each activation and its name, such as "layer 3 query". Some names are the same in
  /// all layers: "scores" (scores of negligible weight are raised to a lower limit), and "norm", a
  /// normalized value before gamma. With gamma_in_norms, the value after gamma is reported instead,
  /// as "layer 3 attention norm".
  using Observer = std::function<void(const std::string& name, const std::vector<float>& values)>;

  /// @param checkpoint  outlives the model
  explicit FloatModel(const Checkpoint& checkpoint, Observer observer = {});

  /// Returns the logits [vocabulary] after `token` at the next position. @pre position() <
  /// dims.positions
  std::vector<float> step(int token);
  /// Forgets all tokens.
  void clear();
  int position() const { return position_; }

 private:
  std::vector<float> attend(int layer, const std::vector<float>& query) const;
  std::vector<float> norm(const std::vector<float>& x, const std::vector<float>& gamma,
                          int layer = -1, const char* name = "norm") const;
  std::vector<float> gate(std::vector<float> x) const;
  void observe(int layer, const char* name, const std::vector<float>& values) const;

  const Checkpoint& model_;
  Observer observer_;
  int position_ = 0;
  std::vector<std::vector<float>> keys_, values_;  ///< by layer: [position][kv_dim]
};

}  // namespace trine::llm
