// SPDX-License-Identifier: Apache-2.0

#include "components/llm/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <queue>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/index.h"

namespace trine::llm {
namespace {

constexpr int kFirstByte = 3;  ///< token of byte 0
constexpr std::int32_t kMostBytes = 1 << 16;

/// Returns the length of the UTF-8 character that begins with `lead`.
std::size_t character_bytes(unsigned char lead) {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace

Tokenizer Tokenizer::read(const std::filesystem::path& path, int vocabulary) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  std::size_t place = 4;
  const auto take = [&](void* to, std::size_t count) {
    if (bytes.size() < place || bytes.size() - place < count)
      throw_error("{}: ends at byte {}, before token {} of {}", path.string(), bytes.size(),
                  vocabulary, vocabulary);
    std::memcpy(to, bytes.data() + place, count);
    place += count;
  };
  Tokenizer t;
  t.set_ends({kBeginToken});
  for (int i = 0; i < vocabulary; ++i) {
    float score = 0;
    std::int32_t length = 0;
    take(&score, sizeof score);
    take(&length, sizeof length);
    if (std::isnan(score)) throw_error("{}: token {} has no score", path.string(), i);
    if (length < 0 || length > kMostBytes)
      throw_error("{}: token {} has {} bytes, allowed 0..{}", path.string(), i, length, kMostBytes);
    std::string piece(at(length), '\0');
    take(piece.data(), piece.size());
    t.ids_.try_emplace(piece, i);
    t.pieces_.push_back(std::move(piece));
    t.scores_.push_back(score);
  }
  if (place != bytes.size())
    throw_error("{}: {} bytes after token {}, the model has {} tokens", path.string(),
                bytes.size() - place, vocabulary - 1, vocabulary);
  return t;
}

int Tokenizer::find(const std::string& piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? -1 : found->second;
}

/// Joins neighbours: the pair with the highest score first, of equal ones the first. A heap holds
/// the pairs; pairs whose tokens have changed are skipped.
class Tokenizer::Joiner {
 public:
  Joiner(const Tokenizer& tokenizer, std::vector<int> tokens)
      : of_(tokenizer), tokens_(std::move(tokens)) {
    for (int i = 0; i < count(); ++i) {
      before_.push_back(i - 1);
      after_.push_back(i + 1);
    }
  }

  std::vector<int> run() {
    for (int i = kFirst; i < count(); ++i) offer(i);
    while (!pairs_.empty()) {
      const Pair pair = pairs_.top();
      pairs_.pop();
      if (is_current(pair)) join(pair);
    }
    tokens_.erase(std::remove(tokens_.begin(), tokens_.end(), kGone), tokens_.end());
    return std::move(tokens_);
  }

  std::int64_t offers() const { return offers_; }

 private:
  static constexpr int kFirst = 1;  ///< after the token that begins a text
  static constexpr int kGone = -1;

  struct Pair {
    float score;
    int place;        ///< of the left token
    int left, right;  ///< tokens
    int joined;
    bool operator<(const Pair& o) const {
      return score != o.score ? score < o.score : place > o.place;
    }
  };

  int count() const { return static_cast<int>(tokens_.size()); }

  /// Adds the pair that begins at place `i`, if a token joins it.
  void offer(int i) {
    const int next = after_[at(i)];
    if (next >= count()) return;
    ++offers_;
    const int left = tokens_[at(i)], right = tokens_[at(next)];
    const int joined = of_.find(of_.pieces_[at(left)] + of_.pieces_[at(right)]);
    if (joined >= 0) pairs_.push({of_.scores_[at(joined)], i, left, right, joined});
  }

  bool is_current(const Pair& pair) const {
    const int next = after_[at(pair.place)];
    return tokens_[at(pair.place)] == pair.left && next < count() &&
           tokens_[at(next)] == pair.right;
  }

  void join(const Pair& pair) {
    const int gone = after_[at(pair.place)], next = after_[at(gone)];
    tokens_[at(pair.place)] = pair.joined;
    tokens_[at(gone)] = kGone;
    after_[at(pair.place)] = next;
    if (next < count()) before_[at(next)] = pair.place;
    offer(pair.place);
    if (before_[at(pair.place)] >= kFirst) offer(before_[at(pair.place)]);
  }

  const Tokenizer& of_;
  std::vector<int> tokens_, before_, after_;  ///< neighbours of each remaining place
  std::priority_queue<Pair> pairs_;
  std::int64_t offers_ = 0;
};

std::vector<int> Tokenizer::encode(const std::string& text, std::int64_t* pairs) const {
  std::vector<int> tokens{kBeginToken};
  if (text.empty()) return tokens;
  if (const int space = find(" "); space >= 0) tokens.push_back(space);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t count = character_bytes(static_cast<unsigned char>(text[i]));
    const std::string piece = text.substr(i, count);
    i += piece.size();
    if (const int id = find(piece); id >= 0) {
      tokens.push_back(id);
      continue;
    }
    for (const char c : piece) {
      const int byte = kFirstByte + static_cast<unsigned char>(c);
      if (at(byte) < pieces_.size()) tokens.push_back(byte);
    }
  }
  Joiner joiner(*this, std::move(tokens));
  tokens = joiner.run();
  if (pairs != nullptr) *pairs = joiner.offers();
  return tokens;
}

std::string Tokenizer::decode(int token, bool first) const {
  const std::string& piece = pieces_.at(at(token));
  unsigned byte = 0;
  if (piece.size() == 6 && std::sscanf(piece.c_str(), "<0x%02X>", &byte) == 1)
    return std::string(1, static_cast<char>(byte));
  return first && !piece.empty() && piece[0] == ' ' ? piece.substr(1) : piece;
}

}  // namespace trine::llm
