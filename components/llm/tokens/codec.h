// SPDX-License-Identifier: Apache-2.0
//
// Converts text to tokens and back, for all tokenizer files.

#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace trine::llm {

/// A tokenizer.
class TokenCodec {
 public:
  virtual ~TokenCodec() = default;

  /// Returns the tokens of a text. The first one marks the beginning of a text, if the vocabulary
  /// has such a token.
  virtual std::vector<int> encode(const std::string& text) const = 0;
  /// Returns the bytes that `token` adds to a text; none for a control token or a token without
  /// text.
  /// @param first  the first token of a text, from which some codecs remove a space that encode()
  /// added
  virtual std::string decode(int token, bool first) const = 0;
  /// Returns the number of tokens with a text or a meaning.
  virtual int size() const = 0;

  /// Returns the tokens that end a text.
  const std::set<int>& ends() const { return ends_; }
  void set_ends(std::set<int> ends) { ends_ = std::move(ends); }

 protected:
  TokenCodec() = default;
  TokenCodec(const TokenCodec&) = default;
  TokenCodec(TokenCodec&&) = default;
  TokenCodec& operator=(const TokenCodec&) = default;
  TokenCodec& operator=(TokenCodec&&) = default;

 private:
  std::set<int> ends_;
};

/// Converts tokens to text one by one.
class TokenText {
 public:
  explicit TokenText(const TokenCodec& codec) : codec_(codec) {}
  std::string next(int token) {
    std::string text = codec_.decode(token, first_);
    first_ = first_ && text.empty() && codec_.decode(token, false).empty();
    return text;
  }

 private:
  const TokenCodec& codec_;
  bool first_ = true;
};

/// Returns the codec of a model. A GGUF file contains its codec. The folder of a model contains
/// tokenizer.json (byte-level BPE) or tokenizer.model (SentencePiece).
/// @param given  another file, in any of these formats or llama2.c's; may be empty
/// @param vocabulary  number of the model's tokens
/// @throws Error  names the file and the fault, or the files that were searched
std::unique_ptr<TokenCodec> read_codec(const std::filesystem::path& model,
                                       const std::filesystem::path& given, int vocabulary);

}  // namespace trine::llm
