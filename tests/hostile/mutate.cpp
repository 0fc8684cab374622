// SPDX-License-Identifier: Apache-2.0

#include "tests/hostile/mutate.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace trine::hostile {
namespace {

using Random = std::mt19937;
constexpr std::size_t kHeader = 24, kChecksum = 8, kWord = 8;
constexpr std::uint64_t kMeta = 1, kWords = 2, kRest = 4;  ///< tags, as program.h says

struct Section {
  std::uint64_t tag;
  Bytes contents;
};

std::uint64_t number(const Bytes& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[at + i]} << 8 * i;
  return value;
}

void put(Bytes* bytes, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes->push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void seal(Bytes* bytes) {
  put(bytes, hash64({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
}

/// Nothing where the sizes do not fit.
std::optional<std::vector<Section>> sections_of(const Bytes& file) {
  if (file.size() < kHeader + kChecksum) return std::nullopt;
  std::vector<Section> sections;
  const std::size_t end = file.size() - kChecksum;
  for (std::size_t at = kHeader; at < end;) {
    if (end - at < 16) return std::nullopt;
    const std::uint64_t size = number(file, at + 8), padded = (size + 7) / 8 * 8;
    if (size > end - at - 16 || padded > end - at - 16) return std::nullopt;
    const auto from = file.begin() + static_cast<std::ptrdiff_t>(at + 16);
    sections.push_back({number(file, at), {from, from + static_cast<std::ptrdiff_t>(size)}});
    at += 16 + padded;
  }
  return sections;
}

void join(Bytes* file, const std::vector<Section>& sections) {
  file->resize(kHeader);
  for (const Section& s : sections) {
    put(file, s.tag);
    put(file, s.contents.size());
    file->insert(file->end(), s.contents.begin(), s.contents.end());
    file->resize((file->size() + 7) / 8 * 8);
  }
  seal(file);
}

/// One instruction: a bit, some bytes, away, or twice.
void change_words(Bytes* words, const Change& change, Random& random) {
  if (words->size() < kWord) return change(words);
  const auto at = static_cast<std::ptrdiff_t>(random() % (words->size() / kWord) * kWord);
  const auto word = words->begin() + at;
  Bytes copy(word, word + kWord);
  switch (random() % 8) {
    case 0:
      words->erase(word, word + kWord);
      break;
    case 1:
      words->insert(word, copy.begin(), copy.end());
      break;
    case 2:
    case 3:
    case 4:
      word[static_cast<std::ptrdiff_t>(random() % kWord)] ^=
          static_cast<std::uint8_t>(1U << random() % 8);
      break;
    default:
      change(&copy);
      copy.resize(kWord);
      std::copy(copy.begin(), copy.end(), word);
  }
}

/// One number of the text, mostly.
void change_text(Bytes* text, const Change& change, Random& random) {
  static const std::vector<std::string> kNumbers{
      "0",     "1",        "-1",           "2",          "3",           "4",    "7",     "16",
      "127",   "-128",     "255",          "256",        "4095",        "4096", "32767", "65535",
      "65536", "16777216", "2147483647",   "2147483648", "-2147483648", "1e30", "0.5",   "null",
      "true",  "1e39",     "1099511627776"};
  const auto is_number = [](std::uint8_t c) { return std::isdigit(c) != 0 || c == '-'; };
  const auto from = text->begin() + static_cast<std::ptrdiff_t>(random() % (text->size() + 1));
  const auto begin = std::find_if(from, text->end(), is_number);
  if (random() % 8 == 0 || begin == text->end()) return change(text);
  const auto end = std::find_if_not(begin, text->end(), is_number);
  const std::string& other = kNumbers[random() % kNumbers.size()];
  const auto place = text->erase(begin, end);
  text->insert(place, other.begin(), other.end());
}

/// One of the stages behind the first.
void change_rest(Bytes* rest, const Change& change, Random& random) {
  std::vector<Bytes> stages;
  for (std::size_t at = 0; at + 8 <= rest->size();) {
    const std::uint64_t size = number(*rest, at);
    if (size > rest->size() - at - 8) return change(rest);
    const auto from = rest->begin() + static_cast<std::ptrdiff_t>(at + 8);
    stages.push_back({from, from + static_cast<std::ptrdiff_t>(size)});
    at += 8 + size;
  }
  if (stages.empty()) return change(rest);
  mutate_program(&stages[random() % stages.size()], change, static_cast<unsigned>(random()));
  rest->clear();
  for (const Bytes& stage : stages) {
    put(rest, stage.size());
    rest->insert(rest->end(), stage.begin(), stage.end());
  }
}

}  // namespace

void mutate_bytes(Bytes* bytes, const Change& change, unsigned /*seed*/) { change(bytes); }

void mutate_program(Bytes* bytes, const Change& change, unsigned seed) {
  Random random(seed);
  auto sections = sections_of(*bytes);
  if (!sections || sections->empty() || random() % 16 == 0) {
    change(bytes);
    if (bytes->size() < kChecksum) return;
    bytes->resize(bytes->size() - kChecksum);
    return seal(bytes);
  }
  Section& section = (*sections)[random() % sections->size()];
  if (section.tag == kMeta)
    change_text(&section.contents, change, random);
  else if (section.tag == kWords)
    change_words(&section.contents, change, random);
  else if (section.tag == kRest && !section.contents.empty())
    change_rest(&section.contents, change, random);
  else
    change(&section.contents);
  join(bytes, *sections);
}

}  // namespace trine::hostile
