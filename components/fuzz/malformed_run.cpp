// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/malformed_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>

#include "sim/arch/simulate.h"
#include "sim/arch/stop.h"
#include "sim/rtl/simulate.h"
#include "spec/csr.h"
#include "sw/base/error.h"
#include "sw/program/verify.h"
#include "tools/random/malformed_words.h"
#include "tools/random/random_program.h"

namespace trine::fuzz {
namespace {

/// Returns true for rules about data in memory, which a verifier of words cannot check.
bool is_of_data(const std::string& text) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{"exponential", "of the table is no", "scale entry"},
      [&](const char* part) { return text.find(part) != std::string::npos; });
}

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw Error(otherwise);
}

/// Calls `check`, whose error then names the program.
template <typename Check>
void of_program(const spec::Config& config, unsigned n, const Check& check) try {
  check();
} catch (const Error& e) {
  throw_error("{}: malformed program {}: {}", config.name, n, e.what());
}

/// Requires that the verifier accepts no program that the simulator refuses, except for rules about
/// data and time, and refuses no program that ends well.
void check_verdict(const compiler::Program& program, std::int64_t dram_bytes,
                   const sim::Ending& ending) {
  const auto fault = program::verify(program.words, program.config, dram_bytes);
  const bool well = !ending.refused && ending.cause == 0;
  if (fault) {
    // The simulator does not read words after an END.
    require(!well || fault->text.find("END must be") != std::string::npos,
            "the verifier refuses a program that ends well: " + fault->text);
    return;
  }
  require(!ending.refused || is_of_data(ending.text),
          "the verifier accepts what the simulator refuses: " + ending.text);
  // Only the simulator checks the room in queues that engines read while they work.
  if (ending.text.find("have no room") != std::string::npos) return;
  for (const char* cause : {"illegal", "feature", "configuration", "deadlock", "progress",
                            "load_window", "store_window"}) {
    require(ending.cause != sim::cause_code(cause),
            std::string("the verifier accepts what ends with ") + cause);
  }
}

using isa::Engine;
using isa::Word;

constexpr std::uint32_t kProgressLimit = 1000, kCyclesLimit = 30'000;
constexpr int kInstructions = 30;       ///< of a legal program, in addition to its loads and store
constexpr unsigned kOfOneProgram = 25;  ///< number of programs derived from one legal program

std::string cause_name(int cause) {
  return cause == 0 ? "done" : std::string(csr::kErrors.at(static_cast<std::size_t>(cause)).name);
}

/// Returns the legal program from which the n-th program is derived.
RandomProgram legal_program(const spec::Config& config, unsigned n) {
  RandomProgram p = random_program(config, n / kOfOneProgram + 1, kInstructions);
  p.program.run_layer.resize(p.program.words.size());  // at most one RUN per word
  return p;
}

std::vector<std::uint8_t> good_result(const RandomProgram& p) {
  std::vector<std::uint8_t> dram = p.dram;
  sim::run_arch_dram(p.program, dram);
  return dram;
}

/// Returns the number of words up to the last RUN that began: RUNs of each engine begin in order.
std::size_t words_begun(const std::vector<Word>& words, std::array<int, isa::kEngines> begun,
                        Reached& reached) {
  std::size_t last = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (isa::opcode_of(words[i]) != isa::Opcode::kRun) continue;
    if (begun[static_cast<std::size_t>(isa::engine_of(words[i]))]-- <= 0) continue;
    reached.run(words[i]);
    last = i + 1;
  }
  return last;
}

}  // namespace

void Reached::count(const std::string& cause, std::size_t words) {
  ++programs;
  ++causes[cause];
  past_1 += words > 1 + 1;
  past_10 += words > 1 + 10;
  past_100 += words > 1 + 100;
}

void Reached::run(Word word) {
  const Engine engine = isa::engine_of(word);
  const auto e = static_cast<std::size_t>(engine);
  const isa::Run run = isa::decode_run(word);
  const isa::Code* code = isa::operations_of(engine).find(engine, run.op);
  if (code == nullptr) return;
  operations.insert(fmt::format("{} {}", isa::kEngineNames[e], code->name));
  for (const isa::Flag& flag : isa::kFlags)
    if ((flag.engines >> e & 1) != 0 && run.has(flag.bit))
      operations.insert(fmt::format("{}: {}", isa::kEngineNames[e], flag.name));
}

std::set<std::string> all_operations() {
  std::set<std::string> all;
  for (std::size_t e = 0; e < isa::kEngines; ++e) {
    const auto engine = static_cast<Engine>(e);
    for (const isa::Code& code : isa::operations_of(engine).codes)
      if ((code.engines >> e & 1) != 0)
        all.insert(fmt::format("{} {}", isa::kEngineNames[e], code.name));
    for (const isa::Flag& flag : isa::kFlags)
      // A store from DMEM has no flag, because that is its only source.
      if ((flag.engines >> e & 1) != 0 && engine != Engine::kStore)
        all.insert(fmt::format("{}: {}", isa::kEngineNames[e], flag.name));
  }
  return all;
}

std::string Reached::text() const {
  std::string text = fmt::format(
      "{} programs: {} get past 1 instruction, {} past 10, {} past 100; {} good ones after them; "
      "{} of {} operations and flags\n ",
      programs, past_1, past_10, past_100, good, operations.size(), all_operations().size());
  for (const auto& [cause, n] : causes) text += fmt::format(" {} {}", cause, n);
  for (const std::string& operation : all_operations())
    if (operations.count(operation) == 0) text += "\n  not reached: " + operation;
  return text + "\n";
}

void malformed_on_arch(const spec::Config& config, unsigned first, unsigned count,
                       Reached& reached) {
  sim::ArchOptions options;
  options.cycles_limit = kCyclesLimit;
  RandomProgram legal;
  std::vector<std::uint8_t> expected;
  for (unsigned n = first; n < first + count; ++n)
    of_program(config, n, [&] {
      if (n == first || n % kOfOneProgram == 0) {
        legal = legal_program(config, n);
        expected = good_result(legal);
      }
      compiler::Program program = legal.program;
      program.words = malformed_words(legal.program.words, config.features(), n);
      program.run_layer.resize(std::max(program.run_layer.size(), program.words.size()));
      std::vector<std::uint8_t> dram = legal.dram;
      const sim::Ending ending = sim::run_any(program, dram, options);
      require(dram.size() == legal.dram.size(), "the memory has another size");
      require(ending.refused || ending.cause == 0 || !ending.text.empty(),
              "an error without a text");
      check_verdict(program, std::ssize(dram), ending);
      for (std::size_t i = 1; i < std::min(ending.word, program.words.size()); ++i)
        if (isa::opcode_of(program.words[i]) == isa::Opcode::kRun) reached.run(program.words[i]);
      reached.count(ending.refused ? "refused" : cause_name(ending.cause), ending.word);
      // After the last one of a legal program, that program must still be exact.
      if ((n + 1) % kOfOneProgram != 0) return;
      require(good_result(legal) == expected, "a good program after it is wrong");
      ++reached.good;
    });
}

void malformed_on_rtl(const spec::Config& config, unsigned first, unsigned count,
                      Reached& reached) {
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = 1;
  options.build.assertions = true;
  options.max_cycles = 40 * kCyclesLimit;
  std::unique_ptr<sim::RtlRunner> runner;
  RandomProgram legal;
  std::vector<std::uint8_t> expected;
  for (unsigned n = first; n < first + count; ++n)
    of_program(config, n, [&] {
      if (n == first || n % kOfOneProgram == 0) {
        runner.reset();
        legal = legal_program(config, n);
        expected = good_result(legal);
        options.seed = n;
        options.axi_latency = n / kOfOneProgram % 3 == 0 ? 1 : 40;
        options.stall_percent = n / kOfOneProgram % 2 == 0 ? 0 : 30;
        runner = std::make_unique<sim::RtlRunner>(legal.program, options);
      }
      const std::vector<Word> words = malformed_words(legal.program.words, config.features(), n);
      std::vector<std::uint8_t> dram = legal.dram;
      const auto stopped = runner->run_any(words, dram, kProgressLimit, kCyclesLimit);
      require(stopped.protocol_error.empty(), stopped.protocol_error);
      require(!stopped.hung, "the RTL hangs");
      const std::string cause = cause_name(static_cast<int>(stopped.cause));
      // Only the window answers: otherwise there would be a bus error.
      require(cause != "fetch" && cause != "load" && cause != "store",
              "access outside of the window: " + cause);
      require(cause.find("timeout") == std::string::npos, "the bus master waits: " + cause);
      const bool at_word = cause.find("window") == std::string::npos && cause != "stream";
      const std::size_t begun = words_begun(words, stopped.begun, reached);
      const auto end =
          std::ranges::find(words.begin() + 1, words.end(), isa::Opcode::kEnd, isa::opcode_of);
      const std::size_t at =
          cause == "done" ? static_cast<std::size_t>(end - words.begin()) : stopped.address / 8;
      reached.count(cause, std::max(begun, at_word ? at : 0));
      // A good program follows.
      runner->load();
      dram = legal.dram;
      runner->run_dram(dram);
      require(dram == expected, "a good program after it is wrong");
      ++reached.good;
    });
}

void wrong_streams(const spec::Config& config, unsigned count, Reached& reached) {
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = 1;
  options.build.assertions = true;
  for (unsigned n = 0; n < count; ++n)
    of_program(config, n, [&] {
      const RandomProgram legal = legal_program(config, n * kOfOneProgram);
      std::mt19937 random(n);
      RandomProgram wrong = legal;
      for (const compiler::Instruction& i : legal.instructions) {
        if (i.engine != Engine::kLoad || !isa::is_packed(i.run)) continue;
        const isa::TransferRegisters r(i.registers);
        const auto at = static_cast<std::size_t>(r.get(isa::dma::kDram)),
                   size = static_cast<std::size_t>(4 * r.get(isa::dma::kWords));
        const auto first = wrong.dram.begin() + static_cast<std::ptrdiff_t>(at);
        if (n % 3 == 0)
          first[static_cast<std::ptrdiff_t>(random() % size)] ^= std::uint8_t{16};
        else
          std::generate_n(first, size, [&] { return static_cast<std::uint8_t>(random()); });
      }
      std::vector<std::uint8_t> dram = wrong.dram;
      const sim::Ending ending = sim::run_any(wrong.program, dram, {});
      require(!ending.refused, "the simulator refuses it: " + ending.text);
      const std::string cause = cause_name(ending.cause);
      options.seed = n;
      options.stall_percent = n % 2 == 0 ? 0 : 30;
      sim::RtlRunner runner(legal.program, options);
      std::vector<std::uint8_t> on_rtl = wrong.dram;
      const auto stopped =
          runner.run_any(legal.program.words, on_rtl, kProgressLimit, 100 * kCyclesLimit);
      require(!stopped.hung, "the RTL hangs");
      const std::string on_rtl_cause = cause_name(static_cast<int>(stopped.cause));
      require(on_rtl_cause == cause,
              "the RTL ends with " + on_rtl_cause + ", the simulator with " + cause);
      reached.count(cause, ending.word);
      if (cause == "done") {
        require(on_rtl == dram, "RTL and simulator differ");
        return;
      }
      // The address at which the stream begins.
      const auto streams = std::ranges::count_if(legal.instructions, [&](const auto& i) {
        return i.engine == Engine::kLoad && isa::is_packed(i.run) &&
               isa::TransferRegisters(i.registers).get(isa::dma::kDram) ==
                   static_cast<std::int64_t>(stopped.address - options.base_address);
      });
      require(streams > 0, "the error address is not that of a stream");
      runner.load();  // a good program follows
      on_rtl = legal.dram;
      runner.run_dram(on_rtl);
      require(on_rtl == good_result(legal), "a good program after it is wrong");
      ++reached.good;
    });
}

}  // namespace trine::fuzz
