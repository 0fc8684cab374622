// SPDX-License-Identifier: Apache-2.0
//
// A deck: all that a processor needs to let a model write on the machine, step by step, without a
// compiler (docs/soc.md#decks); nothing in it depends on the text that comes out.
// soc/firmware/story.c plays it.

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "machine/config.h"
#include "tools/llm/quantize.h"
#include "tools/llm/tokens/codec.h"

namespace trine::llm {

inline constexpr std::string_view kDeckText = "TRINETXT";
inline constexpr std::uint32_t kDeckFormat = 1;
inline constexpr std::size_t kDeckHeader = 64, kDeckAlignment = 64;

/// What a deck begins with; each place is in bytes from its beginning.
struct DeckHeader {
  char text[8];
  std::uint32_t format = kDeckFormat, bytes = 0, memory_bytes = 0;
  std::uint32_t steps = 0, prompt = 0, vocabulary = 0, channels = 0;
  std::uint32_t image_at = 0, prompt_at = 0, codes_at = 0, scales_at = 0, texts_at = 0;
  std::uint32_t steps_at = 0, checksum = 0;
};
static_assert(sizeof(DeckHeader) == kDeckHeader);

struct DeckOptions {
  machine::Config config;
  std::vector<int> prompt;                ///< with kBeginToken
  int steps = 1;                          ///< tokens that the model reads, the prompt's first
  std::function<void(int)> on_step = {};  ///< told its number, before each
};

struct Deck {
  std::string bytes;
  std::uint32_t memory_bytes = 0;  ///< of the machine
};

/// @throws Error  the model does not fit the machine
Deck write_deck(const QuantizedModel& model, const TokenCodec& tokenizer,
                const DeckOptions& options);

/// FNV-1a of words of 32 bits, not of bytes: cheap on small processors. @pre whole words
/// @param before  the hash of what lies before them
std::uint32_t hash_words(std::span<const std::uint8_t> bytes, std::uint32_t before = 0x811c9dc5);

}  // namespace trine::llm
