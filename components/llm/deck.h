// SPDX-License-Identifier: Apache-2.0
//
// Writes decks. A deck contains everything that a processor needs to generate text on the machine,
// step by step, without a compiler (docs/soc.md#decks). It does not depend on the generated text.
// components/soc/firmware/story.c runs it.

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "components/llm/quantize.h"
#include "components/llm/tokens/codec.h"
#include "spec/config.h"

namespace trine::llm {

inline constexpr std::string_view kDeckText = "TRINETXT";
inline constexpr std::uint32_t kDeckFormat = 1;
inline constexpr std::size_t kDeckHeader = 64, kDeckAlignment = 64;

/// The beginning of a deck. Positions are bytes from the deck's beginning.
struct DeckHeader {
  char text[8];
  std::uint32_t format = kDeckFormat, bytes = 0, memory_bytes = 0;
  std::uint32_t steps = 0, prompt = 0, vocabulary = 0, channels = 0;
  std::uint32_t image_at = 0, prompt_at = 0, codes_at = 0, scales_at = 0, texts_at = 0;
  std::uint32_t steps_at = 0, checksum = 0;
};
static_assert(sizeof(DeckHeader) == kDeckHeader);

/// The options of a deck.
struct DeckOptions {
  spec::Config config;
  std::vector<int> prompt;                ///< starts with kBeginToken
  int steps = 1;                          ///< number of tokens that are read, including the prompt
  std::function<void(int)> on_step = {};  ///< called before each step, with its number
};

/// A deck.
struct Deck {
  std::string bytes;
  std::uint32_t memory_bytes = 0;  ///< memory of the machine
};

/// Writes a deck. @throws Error  the model does not fit the machine
Deck write_deck(const QuantizedModel& model, const TokenCodec& tokenizer,
                const DeckOptions& options);

/// Returns FNV-1a over 32-bit words instead of bytes, which is cheap on small processors. @pre
/// whole words
/// @param before  the hash of the preceding words
std::uint32_t hash_words(std::span<const std::uint8_t> bytes, std::uint32_t before = 0x811c9dc5);

}  // namespace trine::llm
