// SPDX-License-Identifier: Apache-2.0

#include "components/llm/tokens/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "components/llm/tokens/utf8.h"
#include "sw/base/error.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr std::uint32_t kMostSteps = 1'000'000;  ///< of one match
constexpr std::uint32_t kMostHeap = 64 << 10;    ///< KiB
constexpr std::uint32_t kMostDepth = 100'000;

/// Replaces \s by White_Space, which it means in the libraries that patterns are written for;
/// PCRE2's \s includes U+180E, too.
std::string with_white_space(const std::string& pattern) {
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      result += pattern[i];
      continue;
    }
    const char next = pattern[++i];
    result += next == 's'   ? "\\p{White_Space}"
              : next == 'S' ? "\\P{White_Space}"
                            : std::string{'\\', next};
  }
  return result;
}

}  // namespace

struct Splitter::Code {
  pcre2_code* code = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* context = nullptr;
  Kept kept = Kept::kAll;
  std::string whence;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
  }
};

Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;
Splitter::~Splitter() = default;

Splitter::Splitter(const std::string& pattern, bool literal, Kept kept, const std::string& whence)
    : code_(std::make_unique<Code>()) {
  const std::string text = literal ? pattern : with_white_space(pattern);
  int error = 0;
  PCRE2_SIZE place = 0;
  const std::uint32_t options =
      literal ? PCRE2_LITERAL | PCRE2_UTF : PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  code_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options,
                              &error, &place, nullptr);
  if (code_->code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(error, message, sizeof message);
    throw_error("{}: pattern {}: {}", whence, printable(pattern),
                reinterpret_cast<const char*>(message));
  }
  code_->data = pcre2_match_data_create_from_pattern(code_->code, nullptr);
  code_->context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(code_->context, kMostSteps);
  pcre2_set_heap_limit(code_->context, kMostHeap);
  pcre2_set_depth_limit(code_->context, kMostDepth);
  code_->kept = kept;
  code_->whence = whence;
}

std::vector<std::string_view> Splitter::split(std::string_view text) const {
  std::vector<std::string_view> parts;
  const auto keep = [&](std::size_t from, std::size_t to, bool match) {
    if (from < to && code_->kept != (match ? Kept::kOthers : Kept::kMatches))
      parts.push_back(text.substr(from, to - from));
  };
  std::size_t behind = 0;  // end of the last match
  for (std::size_t from = 0; from <= text.size();) {
    const int found =
        pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                    PCRE2_NO_UTF_CHECK, code_->data, code_->context);
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) throw_error("{}: its pattern takes too long (PCRE2 {})", code_->whence, found);
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(code_->data);
    const std::size_t begin = ends[0], end = ends[1];
    if (end <= begin) {  // an empty match
      from = begin + std::max<std::size_t>(first_character(text.substr(begin)).bytes, 1);
      continue;
    }
    keep(behind, begin, false);
    keep(begin, end, true);
    behind = from = end;
  }
  keep(behind, text.size(), false);
  return parts;
}

}  // namespace trine::llm
