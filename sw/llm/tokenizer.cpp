// SPDX-License-Identifier: Apache-2.0

#include "sw/llm/tokenizer.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/file.h"

namespace trine::llm {
namespace {

constexpr int kFirstByte = 3;  ///< token of byte 0
constexpr std::int32_t kMostBytes = 1 << 16;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Bytes of the UTF-8 character that begins with `lead`.
std::size_t character_bytes(unsigned char lead) {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace

Tokenizer Tokenizer::read(const std::filesystem::path& path, int vocabulary) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  std::size_t place = 4;
  const auto take = [&](void* to, std::size_t count) {
    if (bytes.size() < place || bytes.size() - place < count)
      throw_error("{}: ends in byte {}, before token {} of {}", path.string(), bytes.size(),
                  vocabulary, vocabulary);
    std::memcpy(to, bytes.data() + place, count);
    place += count;
  };
  Tokenizer t;
  for (int i = 0; i < vocabulary; ++i) {
    float score = 0;
    std::int32_t length = 0;
    take(&score, sizeof score);
    take(&length, sizeof length);
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

std::vector<int> Tokenizer::encode(const std::string& text) const {
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
  for (;;) {
    std::size_t best = 0;
    int joined = -1;
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
      const int id = find(pieces_[at(tokens[i])] + pieces_[at(tokens[i + 1])]);
      if (id < 0 || (joined >= 0 && scores_[at(id)] <= scores_[at(joined)])) continue;
      best = i;
      joined = id;
    }
    if (joined < 0) return tokens;
    tokens[best] = joined;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::string Tokenizer::decode(int token, bool first) const {
  const std::string& piece = pieces_.at(at(token));
  unsigned byte = 0;
  if (piece.size() == 6 && std::sscanf(piece.c_str(), "<0x%02X>", &byte) == 1)
    return std::string(1, static_cast<char>(byte));
  return first && !piece.empty() && piece[0] == ' ' ? piece.substr(1) : piece;
}

}  // namespace trine::llm
