// SPDX-License-Identifier: Apache-2.0

#include "tools/random/malformed_words.h"

#include <algorithm>
#include <cstdint>
#include <random>

namespace trine::fuzz {
namespace {

using isa::Engine;
using isa::Word;

class Mutator {
 public:
  Mutator(unsigned seed, unsigned features) : random_(seed), features_(features) {}

  std::vector<Word> changed(std::vector<Word> words) {
    for (int changes = between(1, 3); changes > 0; --changes) {
      Word& word = words[1 + draw(words.size() - 1)];
      word = chance(30) ? any_word() : with_field(word);
    }
    return words;
  }

  /// Draws random words. One in ten repeats a RUN, because only that gives so many tokens.
  std::vector<Word> random(const std::vector<Word>& legal) {
    // Sets all registers first, because a RUN that reads an unset register is refused.
    std::vector<Word> words{legal.front()};
    for (std::size_t e = 0; e < isa::kEngines; ++e)
      for (int reg = 0; reg < isa::kRegisters; ++reg)
        words.push_back(isa::encode_set(static_cast<Engine>(e), reg, 0));
    const std::size_t zeros = words.size() - 1;
    const std::size_t length =
        std::min<std::size_t>(legal.size() - 2, zeros + static_cast<std::size_t>(between(1, 200)));
    if (chance(10)) {
      const Word run = isa::encode_run(Engine::kStore, {0, between(1, 15), 0, 0});
      words.push_back(isa::encode_set(Engine::kStore, isa::dma::kWords.reg,
                                      std::uint64_t{1} << isa::dma::kWords.lsb));
      words.resize(std::max(words.size(), length), run);
    }
    while (words.size() <= length) words.push_back(any_word());
    if (chance(90)) words.push_back(isa::kEndWord);
    return words;
  }

  bool chance(unsigned percent) { return draw(100) < percent; }

 private:
  std::uint64_t bits() { return std::uint64_t{random_()} << 32 | random_(); }
  std::size_t draw(std::size_t n) { return static_cast<std::size_t>(bits() % n); }
  int between(int low, int high) {
    return low + static_cast<int>(draw(static_cast<std::size_t>(high - low) + 1));
  }
  Engine engine() { return static_cast<Engine>(draw(isa::kEngines)); }

  /// Draws a number of `width` bits: small, a corner, or any.
  std::uint64_t number(int width) {
    const std::uint64_t most = (std::uint64_t{1} << width) - 1;
    const std::uint64_t corners[] = {0, 1, most, most >> 1, most & bits()};
    return chance(50) ? std::min<std::uint64_t>(most, draw(16)) : corners[draw(5)];
  }

  static std::uint64_t with(std::uint64_t word, const isa::Field& field, std::uint64_t value) {
    const std::uint64_t mask = ((std::uint64_t{1} << field.width) - 1) << field.lsb;
    return (word & ~mask) | (value << field.lsb & mask);
  }

  /// Changes one field of a SET or a RUN.
  Word with_field(Word word) {
    const bool set = isa::opcode_of(word) == isa::Opcode::kSet;
    std::vector<const isa::Field*> fields{&isa::run::kWait, &isa::run::kSignal, &isa::run::kOp,
                                          &isa::run::kFlags};
    const std::vector<isa::Field> all = isa::fields_of(isa::engine_of(word));
    if (set) {
      fields.clear();
      for (const isa::Field& field : all)
        if (field.reg == isa::register_of(word)) fields.push_back(&field);
    }
    if (fields.empty()) return any_word();
    const isa::Field& field = *fields[draw(fields.size())];
    return with(word, field, number(field.width));
  }

  /// Draws a SET or a RUN with any fields, mostly one that does not stop by itself, or any bits.
  Word any_word() {
    Word word = 0;
    do {
      const std::size_t kind = draw(1000);
      const Engine of = engine();
      word = kind < 10    ? bits()
             : kind < 13  ? isa::kEndWord
             : kind < 650 ? any_set(of)
                          : any_run(of);
    } while (isa::fault_of(word, features_) != isa::Fault::kNone && chance(98));
    return word;
  }

  Word any_set(Engine of) {
    const int reg = static_cast<int>(draw(isa::kRegisters));
    std::uint64_t payload = 0;
    if (chance(20)) payload = bits() & ((std::uint64_t{1} << isa::kPayloadBits) - 1);
    for (const isa::Field& field : isa::fields_of(of))
      if (field.reg == reg && chance(80)) payload = with(payload, field, number(field.width));
    return isa::encode_set(of, reg, payload);
  }

  Word any_run(Engine of) {
    const auto& codes = isa::operations_of(of).codes;
    std::vector<int> ops;
    for (const isa::Code& code : codes)
      if ((code.engines >> static_cast<int>(of) & 1) != 0) ops.push_back(code.code);
    isa::Run run{};
    run.op = chance(97) ? ops[draw(ops.size())] : static_cast<int>(draw(256));
    run.flags = chance(50) ? 0 : static_cast<int>(bits() & bits() & 255);
    if (chance(10)) run.wait = static_cast<int>(draw(16));
    if (chance(30)) run.signal = static_cast<int>(draw(16));
    return isa::encode_run(of, run);
  }

  std::mt19937 random_;
  unsigned features_;  ///< of the design
};

}  // namespace

std::vector<Word> malformed_words(const std::vector<Word>& legal, unsigned features, unsigned n) {
  Mutator mutator(n + 1, features);
  return n % 2 == 0 ? mutator.changed(legal) : mutator.random(legal);
}

}  // namespace trine::fuzz
