// SPDX-License-Identifier: Apache-2.0
//
// Splits a text into words with PCRE2, by patterns in the syntax of tokenizer libraries.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trine::llm {

/// A pattern.
class Splitter {
 public:
  enum class Kept { kAll, kMatches, kOthers };

  /// Compiles a pattern. @param literal  `pattern` is plain text. @throws Error  names `whence` and
  /// the fault
  Splitter(const std::string& pattern, bool literal, Kept kept, const std::string& whence);
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;
  ~Splitter();

  /// Returns the matches and the texts between them. @pre UTF-8 @throws Error  matching takes too
  /// long
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

/// The words of GPT-2, ByteLevel's own pattern.
inline constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace trine::llm
