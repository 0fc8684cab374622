// SPDX-License-Identifier: Apache-2.0

#include "components/llm/deck.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/compiler/compiler.h"
#include "sw/program/image.h"

namespace trine::llm {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

using Bytes = std::span<const std::uint8_t>;

template <typename Values>
Bytes bytes_of(const Values& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()),
          sizeof(*values.data()) * values.size()};
}

std::uint32_t narrow(std::uint64_t number) {
  if (number > std::numeric_limits<std::uint32_t>::max())
    throw_error("a deck of more than 2^32 - 1 bytes");
  return static_cast<std::uint32_t>(number);
}

void put(std::string* out, Bytes bytes) {
  out->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void put32(std::string* out, std::uint32_t number) {
  out->append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Appends a part. @return its offset
std::uint32_t put_part(std::string* out, Bytes bytes) {
  const std::uint32_t at = narrow(out->size());
  put(out, bytes);
  out->resize(round_up(out->size(), kDeckAlignment));
  return at;
}

/// The contents of one region of the machine's memory, step after step.
class Piece {
 public:
  Piece(std::int64_t address, Bytes first)
      : address_(static_cast<std::uint64_t>(address)), bytes_(first.begin(), first.end()) {}

  /// Appends the changes, and everything after the old end, where memory has arbitrary contents.
  /// @return the number of changes
  std::uint32_t change_to(Bytes now, std::string* out) {
    std::uint32_t changes = 0;
    for (std::size_t i = 0; i < now.size(); i += kLine) {
      const std::size_t begin = i;
      while (i < now.size() && differs(now, i)) i += kLine;
      if (i == begin) continue;
      const Bytes change = now.subspan(begin, std::min(i, now.size()) - begin);
      put32(out, narrow(address_ + begin));
      put32(out, narrow(change.size()));
      put(out, change);
      out->resize(round_up(out->size(), kLine));
      ++changes;
    }
    bytes_.assign(now.begin(), now.end());
    return changes;
  }

 private:
  static constexpr std::size_t kLine = 8;

  bool differs(Bytes now, std::size_t at) const {
    const std::size_t end = std::min(at + kLine, now.size());
    return end > bytes_.size() || !std::equal(&now[at], now.data() + end, &bytes_[at]);
  }

  const std::uint64_t address_;
  std::vector<std::uint8_t> bytes_;
};

std::vector<compiler::Program> compile_steps(const QuantizedModel& model,
                                             const DeckOptions& options) {
  std::vector<compiler::Program> programs;
  for (int i = 0; i < options.steps; ++i) {
    if (options.on_step) options.on_step(i);
    programs.push_back(compiler::compile(model.step_graph(i), options.config, {}));
  }
  return programs;
}

bool same_place(const compiler::TensorLayout& a, const compiler::TensorLayout& b) {
  return a.offset == b.offset && a.plane == b.plane && a.pitch == b.pitch;
}

/// Returns the first step's program, with the memory of all steps. Of its tensors it keeps only the
/// embedding and the sums: states stay in the machine's memory.
compiler::Program first_of(const std::vector<compiler::Program>& programs) {
  compiler::Program first = programs.at(0);
  for (const compiler::Program& p : programs) {
    if (p.image_offset != first.image_offset || !same_place(p.inputs.at(0), first.inputs.at(0)) ||
        !same_place(p.outputs.at(0), first.outputs.at(0)))
      throw_error("a deck: constants, embedding or sums are not at one address in all steps");
    first.dram_bytes = std::max(first.dram_bytes, p.dram_bytes);
  }
  first.inputs.resize(1);
  first.outputs.resize(1);
  return first;
}

/// Returns for each step the number of words and of changes, and both; the changes of the first
/// step are the image.
std::string changes_of(const std::vector<compiler::Program>& programs,
                       const compiler::Program& first) {
  Piece constants(first.image_offset, first.image);
  Piece words(first.program_offset(), bytes_of(first.words));
  std::string out;
  for (const compiler::Program& p : programs) {
    std::string changes;
    std::uint32_t count = constants.change_to(p.image, &changes);
    count += words.change_to(bytes_of(p.words), &changes);
    put32(&out, narrow(p.words.size()));
    put32(&out, count);
    out += changes;
  }
  return out;
}

std::vector<std::uint8_t> codes_of(const QuantizedModel& model, int vocabulary) {
  std::vector<std::uint8_t> codes;
  for (int token = 0; token < vocabulary; ++token) {
    const Array embedding = model.embedding({token});
    codes.insert(codes.end(), embedding.bytes.begin(), embedding.bytes.end());
  }
  return codes;
}

/// Returns the offsets at which texts begin and the last one ends, relative to the first, and the
/// texts.
std::string texts_of(const TokenCodec& tokenizer, int vocabulary) {
  std::string ends, texts;
  put32(&ends, 0);
  for (int token = 0; token < vocabulary; ++token) {
    texts += tokenizer.decode(token, false);
    put32(&ends, narrow(texts.size()));
  }
  return ends + texts;
}

std::uint32_t memory_of(const std::vector<compiler::Program>& programs,
                        const compiler::Program& first) {
  std::size_t words = 0;
  for (const compiler::Program& p : programs) words = std::max(words, p.words.size());
  return narrow(static_cast<std::uint64_t>(first.program_offset()) + 8 * words);
}

}  // namespace

std::uint32_t hash_words(std::span<const std::uint8_t> bytes, std::uint32_t before) {
  std::uint32_t hash = before;
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, &bytes[i], sizeof word);
    hash = (hash ^ word) * 0x01000193;
  }
  return hash;
}

Deck write_deck(const QuantizedModel& model, const TokenCodec& tokenizer,
                const DeckOptions& options) {
  const std::vector<compiler::Program> programs = compile_steps(model, options);
  const compiler::Program first = first_of(programs);
  const std::vector<std::int32_t> scales = model.relative_scales();
  const int vocabulary = static_cast<int>(scales.size());
  DeckHeader h;
  std::copy(kDeckText.begin(), kDeckText.end(), h.text);
  h.memory_bytes = memory_of(programs, first);
  h.steps = narrow(programs.size());
  h.prompt = narrow(options.prompt.size());
  h.vocabulary = narrow(scales.size());
  h.channels = narrow(static_cast<std::uint64_t>(first.inputs[0].elements()));
  std::string out(kDeckHeader, '\0');
  h.image_at = put_part(&out, bytes_of(compiler::write_image(first)));
  h.prompt_at = put_part(&out, bytes_of(options.prompt));
  h.codes_at = put_part(&out, codes_of(model, vocabulary));
  h.scales_at = put_part(&out, bytes_of(scales));
  h.texts_at = put_part(&out, bytes_of(texts_of(tokenizer, vocabulary)));
  h.steps_at = put_part(&out, bytes_of(changes_of(programs, first)));
  h.bytes = narrow(out.size());
  std::memcpy(out.data(), &h, sizeof h);
  h.checksum = hash_words(bytes_of(out));  // computed with a zero checksum
  std::memcpy(out.data(), &h, sizeof h);
  return {std::move(out), h.memory_bytes};
}

}  // namespace trine::llm
