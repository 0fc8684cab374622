// SPDX-License-Identifier: Apache-2.0
//
// Random blocks of transformers: attention to itself or to another sequence, normalizations and
// feed-forward layers in the forms that the field uses.

#pragma once

#include "tools/fuzz/builder.h"

namespace trine::fuzz {

enum class Mask { kNone, kCausal, kPadding };  ///< causal: a constant; padding: an input
enum class Gate { kRelu, kGelu, kGeluTanh, kSilu };

struct BlockShape {
  int tokens = 1;
  int source = 0;  ///< tokens that cross attention reads, 0: attention to itself
  int heads = 1;
  int shared = 1;  ///< query heads that share a head of keys and values: a divisor of heads
  int size = 16;   ///< channels of a head
  int hidden = 16;
  Mask mask = Mask::kNone;
  Gate gate = Gate::kRelu;
  bool gated = false;   ///< the function's result times a second product (SwiGLU, GeGLU)
  bool rotary = false;  ///< RoPE
  bool before = false;  ///< normalization before each part, else behind its sum
  bool center = true;   ///< LayerNorm, else RMSNorm

  int channels() const { return heads * size; }
  int sources() const { return source > 0 ? source : tokens; }
};

/// "5x64 heads (1 shared by 5), 128 tokens, causal, RoPE, SwiGLU, RMSNorm before"
std::string to_text(const BlockShape& shape);

/// Any block. @param most_tokens, most_channels  of heads times their size; sizes of heads are 16,
/// 32, 64, 80 or a small multiple of 4
BlockShape random_block_shape(Builder& b, int most_tokens, int most_channels);

/// One block on inputs of its own. @return its output
int transformer_block(Builder& b, const BlockShape& shape);

}  // namespace trine::fuzz
