// SPDX-License-Identifier: Apache-2.0
//
// The architecture that a model's keys describe, and the import of its tensors.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "components/llm/files/tensors.h"
#include "components/llm/import/import.h"

namespace trine::llm {

/// Names of tensors without ".weight" and ".bias".
struct TensorNames {
  const char *embedding, *norm, *classifier;
  const char* layer;  ///< prefix of a layer's names, {} for its number
  const char *query, *key, *value, *output, *gate, *down, *up;
  const char *attention_norm, *feed_forward_norm, *attention_inner_norm, *feed_forward_inner_norm;
  const char* scale;  ///< scale of ternary weights, a suffix of their names
};

/// The products of a block that have biases.
enum class Biases { kNone, kQueryKeyValue, kAllOfAttention, kAsStored };

/// The use of stored scales of ternary weights.
enum class TernaryScale {
  kNone,      ///< there are no scales
  kTimes,     ///< a tensor of one value, if it exists, multiplies the weights
  kDivided,   ///< a tensor of one value divides them
  kOfLatent,  ///< weights are rounded to -1, 0 and 1, times the mean of their magnitudes
};

/// The architecture of a model.
struct Architecture {
  std::string family, file;  ///< `file` is for messages
  Dimensions dims;
  BlockForm form;
  /// Rotary embeddings rotate channels in pairs. If true, channel i of a head of n channels pairs
  /// with channel i + n / 2; otherwise channel 2i pairs with channel 2i + 1.
  bool half_split = false;
  bool tied = false;  ///< the classifier is the embedding, whatever the file contains
  bool tied_if_absent = false;
  bool norms_plus_one = false;  ///< gamma is the stored value plus 1
  float embedding_scale = 1;
  Biases biases = Biases::kNone;
  TernaryScale ternary = TernaryScale::kNone;
  bool packed = false;  ///< a byte contains four ternary codes, one from each quarter of the rows
  std::vector<std::string> notes;
};

/// Checks an architecture. @throws Error  heads do not divide the channels, numbers out of range,
/// more floats than memory
void check(const Architecture& architecture);

/// Imports a model's tensors. @param ignored  returns true for tensors without effect
ImportedModel take_tensors(const Architecture& architecture, const StoredTensors& tensors,
                           const TensorNames& names,
                           const std::function<bool(const std::string&)>& ignored);

/// Scaling of rotary embeddings; the functions return a factor for each pair of channels in a head.
/// "llama3" uses all four numbers, "linear" only `factor`.
struct RopeScaling {
  double factor = 1, low = 1, high = 4, original = 8192;
};
std::vector<double> linear_factors(int head, double factor);
std::vector<double> llama3_factors(int head, double theta, const RopeScaling& scaling);

}  // namespace trine::llm
