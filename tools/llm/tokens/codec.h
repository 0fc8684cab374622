// SPDX-License-Identifier: Apache-2.0
//
// Text to tokens and back, whatever file says how.

#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace trine::llm {

class TokenCodec {
 public:
  virtual ~TokenCodec() = default;

  /// Begins with what begins a text, if there is such a token.
  virtual std::vector<int> encode(const std::string& text) const = 0;
  /// The bytes that `token` adds to a text; none of a control token or of one that has no text.
  /// @param first  of the text: some codecs put a space there that none wrote
  virtual std::string decode(int token, bool first) const = 0;
  /// Tokens that have a text or a meaning.
  virtual int size() const = 0;

  /// Tokens that end a text.
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

/// A text from its tokens, as they come.
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

/// The codec of a model: of a GGUF file its own; of a folder tokenizer.json (byte-level BPE) or
/// tokenizer.model (SentencePiece). @param given  names another file, of any of these formats or of
/// llama2.c; may be empty. @param vocabulary  tokens that the model has
/// @throws Error  names the file and what is wrong, or what was looked for
std::unique_ptr<TokenCodec> read_codec(const std::filesystem::path& model,
                                       const std::filesystem::path& given, int vocabulary);

}  // namespace trine::llm
