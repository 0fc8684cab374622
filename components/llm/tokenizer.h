// SPDX-License-Identifier: Apache-2.0
//
// Converts text to tokens of a llama2.c tokenizer file by byte pair encoding, and back.
//
//   int32  bytes of the longest token
//   for each token: float32 score, int32 bytes, the bytes; "<0x0A>" represents a single byte
//
// Token 1 begins and ends a text; tokens 3..258 are the single bytes.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "components/llm/tokens/codec.h"

namespace trine::llm {

inline constexpr int kBeginToken = 1;

/// A llama2.c tokenizer.
class Tokenizer : public TokenCodec {
 public:
  /// Reads a file. @throws Error  names the file and the fault
  static Tokenizer read(const std::filesystem::path& path, int vocabulary);

  /// Returns the tokens of a text, beginning with kBeginToken. Pairs with the highest score are
  /// joined first; among equals, the first in the text.
  /// @param pairs  counts the looked-up pairs, a measure of the work
  std::vector<int> encode(const std::string& text, std::int64_t* pairs) const;
  std::vector<int> encode(const std::string& text) const override { return encode(text, nullptr); }
  /// @param first  the first token of a text, whose leading space is omitted
  std::string decode(int token, bool first) const override;
  int size() const override { return static_cast<int>(pieces_.size()); }

 private:
  class Joiner;

  int find(const std::string& piece) const;

  std::vector<std::string> pieces_;
  std::vector<float> scores_;
  std::map<std::string, int> ids_;
};

}  // namespace trine::llm
