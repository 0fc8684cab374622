// SPDX-License-Identifier: Apache-2.0
//
// What a model's keys say, and its tensors taken by that.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tools/llm/files/tensors.h"
#include "tools/llm/import/import.h"

namespace trine::llm {

/// Names of tensors, without ".weight" and ".bias".
struct TensorNames {
  const char *embedding, *norm, *classifier;
  const char* layer;  ///< what precedes the others' names, {} for its number
  const char *query, *key, *value, *output, *gate, *down, *up;
  const char *attention_norm, *feed_forward_norm, *attention_inner_norm, *feed_forward_inner_norm;
  const char* scale;  ///< of ternary weights; what follows their names
};

enum class Biases { kNone, kQueryKeyValue, kAllOfAttention, kAsStored };

/// How stored ternary weights count.
enum class TernaryScale {
  kNone,      ///< there are none
  kTimes,     ///< a tensor of one value multiplies them, if it is there
  kDivided,   ///< divides them
  kOfLatent,  ///< weights are rounded to -1, 0 and 1 times the mean of their sizes
};

struct Architecture {
  std::string family, file;  ///< file: in messages
  Dimensions dims;
  BlockForm form;
  bool half_split = false;  ///< channel i of a head turns with i + head / 2, not with its neighbour
  bool tied = false;        ///< the classifier is the embedding, whatever the file has
  bool tied_if_absent = false;
  bool norms_plus_one = false;  ///< gamma is what the file has, plus 1
  float embedding_scale = 1;
  Biases biases = Biases::kNone;
  TernaryScale ternary = TernaryScale::kNone;
  bool packed = false;  ///< four ternary codes a byte, of four quarters of the rows
  std::vector<std::string> notes;
};

/// @throws Error  heads that are no parts, numbers out of range, more floats than memory
void check(const Architecture& architecture);

/// @param ignored  tensors that change nothing
ImportedModel take_tensors(const Architecture& architecture, const StoredTensors& tensors,
                           const TensorNames& names,
                           const std::function<bool(const std::string&)>& ignored);

/// Factors of the pairs of a head's channels. @param scaling  "linear", or "llama3" with all four
struct RopeScaling {
  double factor = 1, low = 1, high = 4, original = 8192;
};
std::vector<double> linear_factors(int head, double factor);
std::vector<double> llama3_factors(int head, double theta, const RopeScaling& scaling);

}  // namespace trine::llm
