// SPDX-License-Identifier: Apache-2.0

#include "components/llm/tokens/byte_pairs.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <unordered_map>

#include "components/llm/tokens/joiner.h"
#include "components/llm/tokens/utf8.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

/// Returns the character for each byte: the byte itself if it is printable in Latin-1, else a
/// character from U+0100 on.
const std::array<std::string, 256>& characters() {
  static const std::array<std::string, 256> all = [] {
    std::array<std::string, 256> made;
    std::uint32_t next = 0x100;
    for (std::uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
      made[b] = utf8(printable ? b : next++);
    }
    return made;
  }();
  return all;
}

/// Returns the byte of each such character.
const std::unordered_map<std::string, char>& bytes_of_characters() {
  static const std::unordered_map<std::string, char> all = [] {
    std::unordered_map<std::string, char> made;
    for (std::size_t b = 0; b < 256; ++b) made[characters()[b]] = static_cast<char>(b);
    return made;
  }();
  return all;
}

/// Returns a token's bytes; the bytes of its text if one of its characters represents no byte.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::string_view left = text; !left.empty();) {
    const std::size_t count = std::max<std::size_t>(first_character(left).bytes, 1);
    const auto found = bytes_of_characters().find(std::string(left.substr(0, count)));
    if (found == bytes_of_characters().end()) return text;
    bytes += found->second;
    left.remove_prefix(count);
  }
  return bytes;
}

std::string composed(const std::string& text) {
  utf8proc_uint8_t* made = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return text;
  std::string result(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
  std::free(made);
  return result;
}

class BytePairCodec : public TokenCodec {
 public:
  BytePairCodec(BytePairRules rules, const std::string& file) : rules_(std::move(rules)) {
    for (std::size_t i = 0; i < rules_.texts.size(); ++i)
      if (!rules_.texts[i].empty()) ids_[rules_.texts[i]] = static_cast<int>(i);
    for (const auto& [left, right] : rules_.merges) add_merge(left, right, file);
    rules_.merges.clear();
    for (const AddedToken& a : rules_.added) {
      if (at(a.id) >= rules_.texts.size()) rules_.texts.resize(at(a.id) + 1);
      if (rules_.texts[at(a.id)].empty()) rules_.texts[at(a.id)] = a.text;
      if (a.special) specials_.insert(a.id);
    }
  }

  std::vector<int> encode(const std::string& text) const override {
    std::vector<int> tokens = rules_.begin;
    encode_around(valid_utf8(text), false, &tokens);
    return tokens;
  }

  std::string decode(int token, bool) const override {
    if (token < 0 || token >= size() || specials_.contains(token)) return "";
    return bytes_of(rules_.texts[at(token)]);
  }

  int size() const override { return static_cast<int>(rules_.texts.size()); }

 private:
  struct Merge {
    std::size_t rank;
    int joined;
  };

  void add_merge(const std::string& left, const std::string& right, const std::string& file) {
    const auto id = [&](const std::string& text) {
      const auto found = ids_.find(text);
      if (found == ids_.end())
        throw_error("{}: merge {} of '{}' and '{}': there is no token '{}'", file, merged_,
                    printable(left), printable(right), printable(text));
      return found->second;
    };
    const int joined = id(left + right);
    merges_[{id(left), id(right)}] = {merged_++, joined};
  }

  /// Encodes the text around added tokens that are not special; tokens of the unnormalized text
  /// come first.
  void encode_around(std::string_view text, bool normalized, std::vector<int>* tokens) const {
    while (true) {
      const auto [place, added] = next_added(text, normalized);
      const std::string part(text.substr(0, place));
      if (normalized)
        encode_words(part, tokens);
      else
        encode_around(rules_.nfc ? composed(part) : part, true, tokens);
      if (added == nullptr) return;
      tokens->push_back(added->id);
      text.remove_prefix(place + added->text.size());
    }
  }

  /// Returns the first added token in a text, and the longest of those at one place.
  std::pair<std::size_t, const AddedToken*> next_added(std::string_view text,
                                                       bool normalized) const {
    std::size_t place = text.size();
    const AddedToken* best = nullptr;
    for (const AddedToken& a : rules_.added) {
      if (a.special || a.normalized != normalized || a.text.empty()) continue;
      const std::size_t found = text.find(a.text);
      if (found == std::string_view::npos || found > place) continue;
      if (found == place && best != nullptr && best->text.size() >= a.text.size()) continue;
      place = found;
      best = &a;
    }
    return {place, best};
  }

  void encode_words(const std::string& text, std::vector<int>* tokens) const {
    if (text.empty()) return;
    std::vector<std::string> parts{text};
    for (const WordStep& step : rules_.words) {
      std::vector<std::string> next;
      for (std::string& part : parts) {
        if (step.add_prefix_space && !part.starts_with(' ')) part.insert(0, " ");
        if (step.splitter.empty()) {
          next.push_back(std::move(part));
          continue;
        }
        for (const std::string_view word : step.splitter[0].split(part)) next.emplace_back(word);
      }
      parts = std::move(next);
    }
    for (const std::string& part : parts) encode_word(part, tokens);
  }

  void encode_word(const std::string& word, std::vector<int>* tokens) const {
    std::string text;
    for (const char c : word) text += characters()[static_cast<unsigned char>(c)];
    if (rules_.ignore_merges) {
      const auto whole = ids_.find(text);
      if (whole != ids_.end()) return tokens->push_back(whole->second);
    }
    std::vector<int> parts;
    bool after_unknown = false;
    for (const char c : word) {
      const auto found = ids_.find(characters()[static_cast<unsigned char>(c)]);
      const bool is_unknown = found == ids_.end();
      if (!is_unknown)
        parts.push_back(found->second);
      else if (rules_.unknown >= 0 && !(after_unknown && rules_.fuse_unknown))
        parts.push_back(rules_.unknown);
      after_unknown = is_unknown;
    }
    parts = join_pairs(std::move(parts), [&](int l, int r) { return joined(l, r); });
    tokens->insert(tokens->end(), parts.begin(), parts.end());
  }

  std::optional<Joined<int>> joined(int left, int right) const {
    const auto found = merges_.find({left, right});
    if (found == merges_.end()) return {};
    return Joined<int>{found->second.joined, -static_cast<double>(found->second.rank)};
  }

  struct Hash {
    std::size_t operator()(const std::pair<int, int>& pair) const {
      const auto both =
          static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint32_t>(pair.second);
      return static_cast<std::size_t>(both * 0x9e3779b97f4a7c15U >> 16);
    }
  };

  BytePairRules rules_;
  std::unordered_map<std::string, int> ids_;
  std::unordered_map<std::pair<int, int>, Merge, Hash> merges_;
  std::set<int> specials_;
  std::size_t merged_ = 0;
};

}  // namespace

std::unique_ptr<TokenCodec> make_byte_pair_codec(BytePairRules rules, const std::string& file) {
  return std::make_unique<BytePairCodec>(std::move(rules), file);
}

}  // namespace trine::llm
