// SPDX-License-Identifier: Apache-2.0
//
// Verifies the rules that span several words of a program.

#include "sw/program/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "spec/memories.h"
#include "spec/runs.h"

namespace trine::program {
namespace {

using isa::Engine;
constexpr std::size_t kEngines = isa::kEngines;

/// Simulates which RUNs start, without time. Engines read their words from queues of finite size,
/// and a RUN waits for its tokens and gives others. Whether the program ends does not depend on
/// time.
class Tokens {
 public:
  explicit Tokens(std::span<const isa::Word> words) : words_(words) {}

  /// Returns the word at which an engine waits for ever, or from which on queues are full.
  std::optional<Fault> fault() {
    for (std::size_t next = 1; next < words_.size();) {
      const std::size_t e = index(next);
      if (isa::opcode_of(words_[next]) == isa::Opcode::kEnd) break;
      if (queues_[e].size() == kRoom) {
        if (!advance()) return stuck();
        continue;
      }
      queues_[e].push_back(next++);
    }
    while (advance()) {
    }
    if (std::ranges::any_of(queues_, [](const auto& queue) { return !queue.empty(); }))
      return stuck();
    return left_over();
  }

 private:
  /// Words of an engine that are dispatched but not begun: its queue, and two that are read.
  static constexpr std::size_t kRoom = spec::kQueueWords + 2;

  std::size_t index(std::size_t word) const {
    return static_cast<std::size_t>(isa::engine_of(words_[word]));
  }
  bool has_tokens(std::size_t engine, const isa::Run& run) const {
    for (std::size_t from = 0; from < kEngines; ++from)
      if ((run.wait >> from & 1) != 0 && tokens_[from][engine] == 0) return false;
    return true;
  }
  /// Begins all words that can begin. @return true if there was one
  bool advance() {
    bool any = false;
    for (std::size_t e = 0; e < kEngines; ++e)
      for (auto& queue = queues_[e]; !queue.empty(); queue.pop_front()) {
        const isa::Word word = words_[queue.front()];
        if (isa::opcode_of(word) == isa::Opcode::kRun && !begin(e, isa::decode_run(word))) break;
        any = true;
      }
    return any;
  }
  bool begin(std::size_t engine, const isa::Run& run) {
    if (!has_tokens(engine, run)) return false;
    for (std::size_t other = 0; other < kEngines; ++other) {
      if ((run.wait >> other & 1) != 0) --tokens_[other][engine];
      if ((run.signal >> other & 1) != 0) ++tokens_[engine][other];
    }
    return true;
  }
  std::optional<Fault> stuck() const {
    for (std::size_t e = 0; e < kEngines; ++e) {
      if (queues_[e].empty()) continue;
      const isa::Run run = isa::decode_run(words_[queues_[e].front()]);
      for (std::size_t from = 0; from < kEngines; ++from)
        if ((run.wait >> from & 1) != 0 && tokens_[from][e] == 0)
          return Fault{queues_[e].front(), "deadlock",
                       fmt::format("{} waits for a token of {} that no earlier RUN gives",
                                   isa::kEngineNames[e], isa::kEngineNames[from])};
    }
    return Fault{1, "deadlock", "the queues have no room for the program's words"};
  }
  std::optional<Fault> left_over() const {
    for (std::size_t from = 0; from < kEngines; ++from)
      for (std::size_t to = 0; to < kEngines; ++to)
        if (tokens_[from][to] != 0)
          return Fault{words_.size() - 1, "",
                       fmt::format("{} tokens from {} to {} are never taken", tokens_[from][to],
                                   isa::kEngineNames[from], isa::kEngineNames[to])};
    return std::nullopt;
  }

  std::span<const isa::Word> words_;
  std::array<std::deque<std::size_t>, kEngines> queues_;
  std::array<std::array<std::int64_t, kEngines>, kEngines> tokens_{};  ///< [from][to]
};

/// Verifies the words one by one.
class Words {
 public:
  Words(const spec::Config& config, std::int64_t dram_bytes)
      : config_(config), verify_run_(config, dram_bytes) {}

  void word(std::size_t after_begin, isa::Word word) {
    const isa::Fault kind = isa::fault_of(word, config_.features());
    if (fault_ || kind == isa::Fault::kNone) return;
    fault_ = {1 + after_begin, kind == isa::Fault::kLacking ? "feature" : "illegal",
              isa::fault_text(word, config_.features())};
  }
  void set(Engine engine, int reg) { set_.set(engine, reg); }
  void run(std::size_t after_begin, Engine engine, const isa::Registers& registers,
           const isa::Run& run) {
    if (fault_) return;
    auto objection = set_(engine, registers, run);
    if (!objection) objection = verify_run_(engine, registers, run);
    if (objection) fault_ = {1 + after_begin, objection->cause, std::move(objection->text)};
  }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  spec::Config config_;
  RunVerifier verify_run_;
  SetRegisters set_;
  std::optional<Fault> fault_;
};

/// Returns the fault of words that are not a program at all.
std::optional<Fault> frame_fault(std::span<const isa::Word> words, const spec::Config& config) {
  if (words.empty()) return Fault{0, "configuration", "the program has no instructions"};
  if (words.front() != config.hash())
    return Fault{0, "configuration", "word 0 is not the hash of the configuration"};
  const auto end =
      std::ranges::find(words.begin() + 1, words.end(), isa::Opcode::kEnd, isa::opcode_of);
  if (end == words.end()) return Fault{words.size() - 1, "illegal", "the program has no END"};
  if (end + 1 != words.end())
    return Fault{static_cast<std::size_t>(end - words.begin()), "",
                 "END must be the last word of the program"};
  return std::nullopt;
}

}  // namespace

std::optional<Objection> SetRegisters::operator()(Engine engine, const isa::Registers& registers,
                                                  const isa::Run& run) const {
  const unsigned missing =
      isa::registers_read(engine, registers, run) & ~set_[static_cast<std::size_t>(engine)];
  for (int reg = 0; reg < isa::kRegisters; ++reg)
    if ((missing >> reg & 1) != 0)
      return Objection{"", fmt::format("register {} is read, but was never set", reg)};
  return std::nullopt;
}

std::optional<Fault> verify(std::span<const isa::Word> words, const spec::Config& config,
                            std::int64_t dram_bytes) {
  std::optional<Fault> fault = frame_fault(words, config);
  if (!fault) {
    Words visitor(config, dram_bytes);
    isa::walk_words(words.subspan(1), visitor);
    fault = visitor.fault();
  }
  if (!fault) fault = Tokens(words).fault();
  if (fault && fault->word < words.size() && fault->word > 0)
    fault->text = fmt::format("word {}, {}: {}", fault->word, isa::disassemble(words[fault->word]),
                              fault->text);
  return fault;
}

}  // namespace trine::program
