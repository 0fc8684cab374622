// SPDX-License-Identifier: Apache-2.0
//
// Patterns that cut a text into words, as tokenizers' libraries write them, by PCRE2.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trine::llm {

class Splitter {
 public:
  enum class Kept { kAll, kMatches, kOthers };

  /// @param literal  a text, not a pattern. @throws Error  names `whence` and what is wrong
  Splitter(const std::string& pattern, bool literal, Kept kept, const std::string& whence);
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;
  ~Splitter();

  /// Matches and what lies between them. @pre UTF-8 @throws Error  matching takes too long
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

/// Words of GPT-2, which ByteLevel has of its own.
inline constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace trine::llm
