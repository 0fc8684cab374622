// SPDX-License-Identifier: Apache-2.0

#include "components/llm/tokens/pieces.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "components/llm/tokens/joiner.h"
#include "components/llm/tokens/utf8.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr std::string_view kSpace = "\xe2\x96\x81";  // U+2581

// ---- the protobuf ----

/// Reads the fields of a message one after the other.
class Message {
 public:
  struct Field {
    std::uint64_t number = 0;
    std::uint64_t value = 0;     ///< of integers and fixed-size fields
    std::string_view text = {};  ///< of texts and messages
  };

  Message(std::string_view bytes, const std::string& file) : left_(bytes), file_(file) {}

  std::optional<Field> next() {
    if (left_.empty()) return {};
    const std::uint64_t key = varint();
    Field f{key >> 3};
    switch (key & 7) {
      case 0:
        f.value = varint();
        break;
      case 1:
        f.value = fixed(8);
        break;
      case 2:
        f.text = take(varint());
        break;
      case 5:
        f.value = fixed(4);
        break;
      default:
        fail();
    }
    return f;
  }

 private:
  [[noreturn]] void fail() const {
    throw_error("{}: is not a SentencePiece model: its protobuf is damaged", file_);
  }

  std::string_view take(std::uint64_t count) {
    if (count > left_.size()) fail();
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  std::uint64_t fixed(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
      value |= std::uint64_t{static_cast<unsigned char>(taken[i])} << 8 * i;
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  std::string_view left_;
  const std::string& file_;
};

Piece piece_of(std::string_view bytes, const std::string& file) {
  Piece piece;
  Message message(bytes, file);
  while (const auto f = message.next()) {
    if (f->number == 1) piece.text = f->text;
    if (f->number == 2) piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(f->value));
    if (f->number == 3) {
      if (f->value < 1 || f->value > 6)
        throw_error("{}: piece '{}': type {}, allowed 1..6", file, printable(piece.text), f->value);
      piece.type = static_cast<PieceType>(f->value);
    }
  }
  return piece;
}

/// Reads the trainer's settings. @return the piece that begins a text
std::string read_trainer(std::string_view bytes, const std::string& file, PieceRules* rules) {
  constexpr std::uint64_t kUnigram = 1, kPairs = 2;
  std::uint64_t type = kUnigram;
  std::string begin = "<s>";
  Message message(bytes, file);
  while (const auto f = message.next()) {
    if (f->number == 3) type = f->value;
    if (f->number == 24 && f->value != 0)
      throw_error("{}: treat_whitespace_as_suffix: true, allowed false", file);
    if (f->number == 35) rules->byte_fallback = f->value != 0;
    if (f->number == 44) rules->unknown_text = f->text;
    if (f->number == 46) begin = f->text;
  }
  if (type != kPairs)
    throw_error("{}: model_type: {}, allowed BPE (2)", file,
                type == kUnigram ? "UNIGRAM (1)" : std::to_string(type));
  return begin;
}

void read_normalizer(std::string_view bytes, const std::string& file, PieceRules* rules) {
  std::string name = "without a name";
  Message message(bytes, file);
  while (const auto f = message.next()) {
    if (f->number == 1) name = f->text;
    if (f->number == 2 && !f->text.empty())
      throw_error("{}: normalizer {}, allowed identity", file, printable(name));
    if (f->number == 3) rules->add_dummy_prefix = f->value != 0;
    if (f->number == 4) rules->remove_extra_whitespaces = f->value != 0;
    if (f->number == 5) rules->escape_whitespaces = f->value != 0;
  }
}

// ---- text to pieces ----

std::optional<unsigned> byte_of(const std::string& text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return {};
  const std::size_t high = kDigits.find(text[3]), low = kDigits.find(text[4]);
  if (high > 15 || low > 15) return {};
  return static_cast<unsigned>(16 * high + low);
}

class PieceCodec : public TokenCodec {
 public:
  PieceCodec(PieceRules rules, const std::string& file) : rules_(std::move(rules)) {
    bytes_.fill(-1);
    for (std::size_t i = 0; i < rules_.pieces.size(); ++i) add(static_cast<int>(i), file);
    if (unknown_ < 0) throw_error("{}: contains no unknown piece, allowed one", file);
    if (rules_.byte_fallback && std::ranges::find(bytes_, -1) != bytes_.end())
      throw_error("{}: byte_fallback is true, but some of the 256 bytes have no piece", file);
    if (!rules_.byte_fallback && std::ranges::any_of(bytes_, [](int id) { return id >= 0; }))
      throw_error("{}: contains pieces of bytes, but byte_fallback is false", file);
  }

  std::vector<int> encode(const std::string& text) const override {
    std::vector<int> tokens;
    if (rules_.begin >= 0) tokens.push_back(rules_.begin);
    bool after_unknown = false;
    const std::string whole = normalized(text);
    for (const Part& part : parts_of(whole)) add_tokens(part, &tokens, &after_unknown);
    return tokens;
  }

  std::string decode(int token, bool first) const override {
    if (token < 0 || token >= size()) return "";
    const Piece& piece = rules_.pieces[at(token)];
    if (piece.type == PieceType::kControl) return "";
    if (piece.type == PieceType::kUnknown) return rules_.unknown_text;
    if (piece.type == PieceType::kByte)
      return std::string(1, static_cast<char>(*byte_of(piece.text)));
    std::string_view left = piece.text;
    if (first && (rules_.add_dummy_prefix || rules_.remove_extra_whitespaces)) {
      const bool all = rules_.remove_extra_whitespaces;
      bool more = left.starts_with(kSpace);
      for (; more; more = all && left.starts_with(kSpace)) left.remove_prefix(kSpace.size());
    }
    return with_spaces(left);
  }

  int size() const override { return static_cast<int>(rules_.pieces.size()); }

 private:
  /// A part of the normalized text.
  struct Part {
    std::string_view text;
    bool whole = false;  ///< a user-defined piece, which is not joined
    bool operator==(const Part& o) const {
      return text.data() == o.text.data() && text.size() == o.text.size();
    }
  };

  void add(int id, const std::string& file) {
    const Piece& piece = rules_.pieces[at(id)];
    const auto fail = [&](const char* what) {
      throw_error("{}: piece {} '{}': {}", file, id, printable(piece.text), what);
    };
    if (piece.text.empty()) fail("it is empty");
    if (std::isnan(piece.score)) fail("it has no score");
    const bool in_texts = piece.type == PieceType::kNormal || piece.type == PieceType::kUnused ||
                          piece.type == PieceType::kUserDefined;
    if (!(in_texts ? pieces_ : reserved_).try_emplace(piece.text, id).second)
      fail("it occurs twice");
    if (piece.type == PieceType::kUserDefined) {
      user_.insert({piece.text, id});
      longest_ = std::max(longest_, piece.text.size());
    }
    if (piece.type == PieceType::kUnknown) {
      if (unknown_ >= 0) fail("there is another unknown piece");
      unknown_ = id;
    }
    if (piece.type == PieceType::kByte) {
      const auto byte = byte_of(piece.text);
      if (!byte) fail("not a byte, allowed <0x00> to <0xFF>");
      bytes_[*byte] = id;
    }
  }

  static std::string with_spaces(std::string_view text) {
    std::string result;
    while (!text.empty()) {
      const bool space = text.starts_with(kSpace);
      result += space ? " " : text.substr(0, 1);
      text.remove_prefix(space ? kSpace.size() : 1);
    }
    return result;
  }

  /// Returns the length of the longest user-defined piece that a text begins with.
  std::size_t user_bytes(std::string_view text) const {
    for (std::size_t count = std::min(longest_, text.size()); count > 0; --count)
      if (user_.contains(std::string(text.substr(0, count)))) return count;
    return 0;
  }

  /// Normalizes a text; each byte that is not part of a character becomes U+FFFD.
  std::string normalized(std::string_view text) const {
    const std::string space(rules_.escape_whitespaces ? kSpace : " ");
    const bool remove = rules_.remove_extra_whitespaces;
    while (remove && text.starts_with(" ")) text.remove_prefix(1);
    if (text.empty()) return "";
    std::string result = rules_.add_dummy_prefix ? space : "";
    bool after_space = remove;
    while (!text.empty()) {
      std::size_t count = user_bytes(text);
      std::string next(text.substr(0, count));
      if (count == 0) {
        const Character c = first_character(text);
        count = c.valid ? c.bytes : 1;
        next = c.valid ? text.substr(0, count) : kReplacement;
      }
      text.remove_prefix(count);
      std::string_view kept = next;
      while (remove && after_space && kept.starts_with(" ")) kept.remove_prefix(1);
      for (const char c : kept) result += c == ' ' ? space : std::string(1, c);
      if (!kept.empty()) after_space = kept.ends_with(' ');
    }
    while (remove && result.ends_with(space)) result.resize(result.size() - space.size());
    return result;
  }

  /// Splits a text into pieces, and characters that no piece contains.
  std::vector<Part> parts_of(std::string_view text) const {
    std::vector<Part> parts;
    for (std::string_view left = text; !left.empty();) {
      const std::size_t user = user_bytes(left);
      const std::size_t count =
          user > 0 ? user : std::max<std::size_t>(first_character(left).bytes, 1);
      parts.push_back({left.substr(0, count), user > 0});
      left.remove_prefix(count);
    }
    Unused made;
    parts = join_pairs(std::move(parts),
                       [&](const Part& l, const Part& r) { return joined(l, r, &made); });
    std::vector<Part> result;
    for (const Part& part : parts) split_unused(part, made, &result);
    return result;
  }

  /// Pieces that are not tokens, and the two parts of each.
  using Unused = std::map<std::string, std::pair<std::size_t, std::size_t>>;

  std::optional<Joined<Part>> joined(const Part& left, const Part& right, Unused* made) const {
    if (left.whole || right.whole) return {};
    const Part both{{left.text.data(), left.text.size() + right.text.size()}};
    const auto found = pieces_.find(std::string(both.text));
    if (found == pieces_.end()) return {};
    const Piece& piece = rules_.pieces[at(found->second)];
    if (piece.type == PieceType::kUnused)
      (*made)[piece.text] = {left.text.size(), right.text.size()};
    return Joined<Part>{both, piece.score};
  }

  void split_unused(const Part& part, const Unused& made, std::vector<Part>* to) const {
    const auto found = pieces_.find(std::string(part.text));
    const auto parts =
        found == pieces_.end() || rules_.pieces[at(found->second)].type != PieceType::kUnused
            ? made.end()
            : made.find(std::string(part.text));
    if (parts == made.end()) {
      to->push_back(part);
      return;
    }
    split_unused({part.text.substr(0, parts->second.first)}, made, to);
    split_unused({part.text.substr(parts->second.first)}, made, to);
  }

  int find(const std::string& text) const {
    for (const auto* map : {&reserved_, &pieces_})
      if (const auto found = map->find(text); found != map->end()) return found->second;
    return unknown_;
  }

  void add_tokens(const Part& part, std::vector<int>* tokens, bool* after_unknown) const {
    const int id = find(std::string(part.text));
    const bool is_unknown = id == unknown_;
    if (is_unknown && rules_.byte_fallback)
      for (const char c : part.text) tokens->push_back(bytes_[static_cast<unsigned char>(c)]);
    else if (!is_unknown || !*after_unknown)
      tokens->push_back(id);
    *after_unknown = is_unknown;
  }

  PieceRules rules_;
  std::unordered_map<std::string, int> pieces_, reserved_;
  std::unordered_map<std::string, int> user_;
  std::size_t longest_ = 0;  ///< bytes of a user-defined piece
  std::array<int, 256> bytes_{};
  int unknown_ = -1;
};

}  // namespace

std::unique_ptr<TokenCodec> make_piece_codec(PieceRules rules, const std::string& file) {
  return std::make_unique<PieceCodec>(std::move(rules), file);
}

PieceRules parse_piece_model(std::span<const std::uint8_t> bytes, const std::string& file) {
  PieceRules rules;
  std::string begin = "<s>";
  bool trained = false;
  Message message({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
  while (const auto f = message.next()) {
    if (f->number == 1) rules.pieces.push_back(piece_of(f->text, file));
    if (f->number == 2) begin = read_trainer(f->text, file, &rules);
    if (f->number == 3) read_normalizer(f->text, file, &rules);
    trained = trained || f->number == 2;
  }
  if (rules.pieces.empty() || !trained)
    throw_error("{}: is not a SentencePiece model: pieces or their trainer_spec are missing", file);
  const auto found = std::ranges::find(rules.pieces, begin, &Piece::text);
  if (found != rules.pieces.end() && found->type == PieceType::kControl)
    rules.begin = static_cast<int>(found - rules.pieces.begin());
  return rules;
}

}  // namespace trine::llm
