// SPDX-License-Identifier: Apache-2.0
//
// Byte-level byte pair encoding: splits a text into words, writes each byte of a word as a
// character, and joins these characters by rank. The rules come from a tokenizer.json of Hugging
// Face or from the vocabulary of a GGUF file.
//
// Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019);
// github.com/huggingface/tokenizers.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "components/llm/tokens/codec.h"
#include "components/llm/tokens/splitter.h"
#include "sw/base/json.h"

namespace trine::llm {

/// A token outside of the BPE vocabulary. The name of a special token in a text is read as plain
/// text.
struct AddedToken {
  std::string text;
  int id = 0;
  bool special = false;
  bool normalized = false;  ///< searched in the text after normalization
};

/// One step of splitting a text into words.
struct WordStep {
  std::vector<Splitter> splitter;  ///< one or none
  bool add_prefix_space = false;   ///< added before each part that does not begin with a space
};

/// The rules of a tokenizer.
struct BytePairRules {
  std::vector<std::string> texts;  ///< text of each token, bytes as characters; "": none
  std::vector<std::pair<std::string, std::string>> merges;  ///< in the order of priority
  std::vector<AddedToken> added;
  std::vector<WordStep> words;
  bool nfc = false;            ///< Unicode normalization
  bool ignore_merges = false;  ///< words that are tokens are not split
  int unknown = -1;
  bool fuse_unknown = false;
  std::vector<int> begin;  ///< tokens before each text
};

/// Makes a codec. @throws Error  names the file and the token
std::unique_ptr<TokenCodec> make_byte_pair_codec(BytePairRules rules, const std::string& file);

/// Returns true if a tokenizer.json uses byte-level BPE.
bool is_byte_level(const SortedJson& json);
/// Parses a tokenizer.json. @throws Error  names the file and the key
BytePairRules parse_tokenizer_json(const SortedJson& json, const std::string& file);

}  // namespace trine::llm
