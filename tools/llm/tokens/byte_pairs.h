// SPDX-License-Identifier: Apache-2.0
//
// Byte-level byte pair encoding: a text's words, their bytes as characters, joined by rank. From a
// tokenizer.json of Hugging Face, or from the vocabulary of a GGUF file.
//
// Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019);
// github.com/huggingface/tokenizers.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "tools/llm/tokens/codec.h"
#include "tools/llm/tokens/splitter.h"

namespace trine::llm {

/// A token beside the vocabulary. Special ones in a text stay text.
struct AddedToken {
  std::string text;
  int id = 0;
  bool special = false;
  bool normalized = false;  ///< looked for in the text behind normalization
};

/// What cuts a text into words, in order.
struct WordStep {
  std::vector<Splitter> splitter;  ///< one, or none
  bool add_prefix_space = false;   ///< before each part that begins with none
};

struct BytePairRules {
  std::vector<std::string> texts;  ///< of each token, bytes as characters; "": there is none
  std::vector<std::pair<std::string, std::string>> merges;  ///< the first one first
  std::vector<AddedToken> added;
  std::vector<WordStep> words;
  bool nfc = false;            ///< normalization
  bool ignore_merges = false;  ///< words that are tokens are not cut
  int unknown = -1;
  bool fuse_unknown = false;
  std::vector<int> begin;  ///< tokens before a text
};

/// @throws Error  names the file and the token
std::unique_ptr<TokenCodec> make_byte_pair_codec(BytePairRules rules, const std::string& file);

/// Whether a tokenizer.json is one of byte-level BPE.
bool is_byte_level(const SortedJson& json);
/// @throws Error  names the file and the key
BytePairRules parse_tokenizer_json(const SortedJson& json, const std::string& file);

}  // namespace trine::llm
