// SPDX-License-Identifier: Apache-2.0
//
// Makes the bytes of a checkpoint and of a tokenizer with random values.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "components/llm/checkpoint.h"

namespace trine::llm::testing {

inline void put(std::vector<std::uint8_t>& bytes, const void* value, std::size_t count) {
  const auto* from = static_cast<const std::uint8_t*>(value);
  bytes.insert(bytes.end(), from, from + count);
}

/// @param shared  the classifier is the embedding
inline std::vector<std::uint8_t> checkpoint_bytes(const Dimensions& d, unsigned seed,
                                                  bool shared = true) {
  std::mt19937 random{seed};
  std::normal_distribution<float> normal;
  std::vector<std::uint8_t> bytes;
  for (const int v : {d.dim, d.hidden, d.layers, d.heads, d.kv_heads,
                      shared ? d.vocabulary : -d.vocabulary, d.positions})
    put(bytes, &v, 4);
  const auto values = [&](std::int64_t count, float mean, float spread) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float v = mean + spread * normal(random);
      put(bytes, &v, 4);
    }
  };
  const std::int64_t layers = d.layers, dim = d.dim, kv = d.kv_dim(), hidden = d.hidden;
  const float spread = 0.7f / std::sqrt(static_cast<float>(d.dim));
  values(d.vocabulary * dim, 0, 1);
  values(layers * dim, 1, 0.2f);
  values(layers * dim * dim, 0, spread);
  values(2 * layers * kv * dim, 0, spread);
  values(layers * dim * dim, 0, spread);
  values(layers * dim, 1, 0.2f);
  values(3 * layers * dim * hidden, 0, spread);
  values(dim, 1, 0.2f);
  values(std::int64_t{d.positions} * d.head(), 0, 1);
  if (!shared) values(d.vocabulary * dim, 0, spread);
  return bytes;
}

}  // namespace trine::llm::testing
