// SPDX-License-Identifier: Apache-2.0

#include "tests/hostile/mutate.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <random>
#include <string>

#include "program_generated.h"
#include "sw/program/image.h"

namespace trine::hostile {
namespace {

namespace format = program::format;
using Random = std::mt19937;
constexpr std::size_t kWord = 8;
/// Limits unpacked copies of tables that a file may share.
constexpr std::size_t kMostTables = 2000;

template <typename List>
auto& any_of(List& list, Random& random) {
  return list[random() % list.size()];
}

/// Changes one instruction: flips a bit, changes some bytes, removes or repeats it.
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

constexpr std::int64_t kNumbers[] = {
    0,       1,          -1,          2,          3,          4,
    7,       16,         127,         -128,       255,        256,
    4095,    4096,       32767,       65535,      65536,      16777216,
    1 << 30, 2147483647, -2147483648, 0x7f800000, 0x3f000000, std::int64_t{1} << 40};

/// Overwrites a number of 1, 2, 4 or 8 bytes at a multiple of its size. @pre bytes are not empty
void change_number(std::span<std::uint8_t> bytes, Random& random) {
  const std::size_t size = std::size_t{1} << random() % 4;
  if (bytes.size() < size) return;
  const std::int64_t value = kNumbers[random() % std::size(kNumbers)];
  std::memcpy(&bytes[random() % (bytes.size() / size) * size], &value, size);
}

/// Usually changes one number of a text.
void change_text(std::string* text, const Change& change, Random& random) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto from = text->begin() + static_cast<std::ptrdiff_t>(random() % (text->size() + 1));
  const auto begin = std::find_if(from, text->end(), is_digit);
  if (random() % 8 == 0 || begin == text->end()) {
    Bytes bytes(text->begin(), text->end());
    change(&bytes);
    text->assign(bytes.begin(), bytes.end());
    return;
  }
  const auto end = std::find_if_not(begin, text->end(), is_digit);
  const std::string number = std::to_string(kNumbers[random() % std::size(kNumbers)]);
  text->replace(begin, end, number);
}

/// Changes records, words or constants, then makes sizes and checksum fit; or changes the header
/// after that.
void change_image(Bytes* image, const Change& change, Random& random) {
  program::Program segment;
  try {
    program::read_image(*image, &segment);
  } catch (const std::exception&) {  // already damaged
    return change(image);
  }
  Bytes words(reinterpret_cast<const std::uint8_t*>(segment.words.data()),
              reinterpret_cast<const std::uint8_t*>(segment.words.data() + segment.words.size()));
  const auto kind = random() % 8;
  if (kind < 4) {
    change_words(&words, change, random);
    segment.words.resize(words.size() / kWord);
    std::memcpy(segment.words.data(), words.data(), kWord * segment.words.size());
  } else if (kind == 4) {
    change(&segment.image);
  }
  image->assign(program::image_bytes(segment), 0);
  program::write_image(segment, *image);  // not verified, because it is meant to be wrong
  const std::size_t records = segment.inputs.size() + segment.outputs.size();
  const std::size_t tables = program::kImageHeader + program::kImageRecord * records;
  if (kind > 4) change_number(std::span(*image).first(tables), random);
  program::seal_image(*image);
}

void change_segment(format::StageT* segment, const Change& change, Random& random) {
  format::GraphT& graph = random() % 2 == 0 ? *segment->before : *segment->after;
  switch (random() % 8) {
    case 0:
      if (!graph.ops.empty()) any_of(graph.ops, random)->kind = "SOFTMAX";
      break;
    case 1:
      if (!graph.ops.empty()) change_text(&any_of(graph.ops, random)->kind, change, random);
      break;
    case 2:
      if (!graph.tensors.empty()) change(&any_of(graph.tensors, random)->data);
      break;
    case 3:
      if (!graph.ops.empty() && graph.ops.size() < 64)
        graph.ops.push_back(std::make_unique<format::OpT>(*any_of(graph.ops, random)));
      break;
    default:
      change_image(&segment->image, change, random);
  }
}

/// Changes one of the parts. @return the file with every number stored
Bytes with_other_part(const Bytes& file, const Change& change, Random& random) {
  const auto parts = format::UnPackProgram(file.data());
  auto& segments = parts->stages;
  if (random() % 16 == 0)
    change_text(&parts->configuration, change, random);
  else if (!segments.empty() && segments.size() < 8 && random() % 16 == 0)
    segments.push_back(std::make_unique<format::StageT>(*any_of(segments, random)));
  else if (!segments.empty())
    change_segment(any_of(segments, random).get(), change, random);
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  format::FinishProgramBuffer(builder, format::Program::Pack(builder, parts.get()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace

void mutate_bytes(Bytes* bytes, const Change& change, unsigned /*seed*/) { change(bytes); }

void mutate_head(Bytes* bytes, const Change& change, unsigned seed) {
  constexpr std::size_t kHead = 4096;
  if (seed % 8 == 0 || bytes->size() <= kHead) return change(bytes);
  Bytes head(bytes->begin(), bytes->begin() + kHead);
  change(&head);
  head.insert(head.end(), bytes->begin() + kHead, bytes->end());
  *bytes = std::move(head);
}

void mutate_program(Bytes* bytes, const Change& change, unsigned seed) {
  Random random(seed);
  flatbuffers::Verifier verifier(bytes->data(), bytes->size(), 16, kMostTables);
  if (!format::VerifyProgramBuffer(verifier) || random() % 16 == 0) {
    change(bytes);
  } else {
    *bytes = with_other_part(*bytes, change, random);
    if (random() % 2 == 0) change_number(*bytes, random);
  }
  program::seal(*bytes);
}

}  // namespace trine::hostile
