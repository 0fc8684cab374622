// SPDX-License-Identifier: Apache-2.0
//
// Makes random blocks of transformers: self-attention or cross-attention, normalizations and
// feed-forward layers in their usual forms.

#pragma once

#include "tools/random/builder.h"

namespace trine::fuzz {

enum class Mask { kNone, kCausal, kPadding };  ///< causal: a constant; padding: an input
enum class Gate { kRelu, kGelu, kGeluTanh, kSilu };

/// The shape of a block.
struct BlockShape {
  int tokens = 1;
  int source = 0;  ///< tokens that cross attention reads; 0: self-attention
  int heads = 1;
  int shared = 1;  ///< query heads that share a head of keys and values, a divisor of heads
  int size = 16;   ///< channels of a head
  int hidden = 16;
  Mask mask = Mask::kNone;
  Gate gate = Gate::kRelu;
  bool gated = false;   ///< multiplies the function's result by a second product (SwiGLU, GeGLU)
  bool rotary = false;  ///< RoPE
  bool before = false;  ///< normalization before each part, else after its sum
  bool center = true;   ///< LayerNorm, else RMSNorm

  int channels() const { return heads * size; }
  int sources() const { return source > 0 ? source : tokens; }
};

/// Returns "5x64 heads (1 shared by 5), 128 tokens, causal, RoPE, SwiGLU, RMSNorm before".
std::string to_text(const BlockShape& shape);

/// Draws a block.
/// @param most_tokens, most_channels  limits; channels are heads times their size, which is 16, 32,
/// 64, 80 or a small multiple of 4
BlockShape random_block_shape(Builder& b, int most_tokens, int most_channels);

/// Adds a block with inputs of its own. @return its output
int transformer_block(Builder& b, const BlockShape& shape);

}  // namespace trine::fuzz
