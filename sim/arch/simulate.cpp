// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/simulate.h"

#include <algorithm>
#include <array>
#include <span>

#include "sim/arch/cluster.h"
#include "sim/arch/stop.h"
#include "spec/runs.h"
#include "sw/base/error.h"
#include "sw/program/host.h"

namespace trine::sim {
namespace {

/// Compares the minimum of cycles that each engine is busy with the limit, so that no RUN is
/// executed that cannot end in time.
class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(static_cast<double>(limit)) {}

  void spend(isa::Engine engine, double cycles) {
    double& spent = spent_[static_cast<std::size_t>(engine)];
    spent += cycles;
    if (limit_ != 0 && spent >= limit_)
      stop("cycles", "the {} engine needs {} cycles or more, but the limit is {}",
           isa::kEngineNames[static_cast<std::size_t>(engine)], spent, limit_);
  }

 private:
  double limit_;
  std::array<double, isa::kEngines> spent_{};
};

/// Returns the words that the machine reads: up to END.
std::span<const isa::Word> up_to_end(const std::vector<isa::Word>& words) {
  const auto begin = words.begin() + (words.empty() ? 0 : 1);  // BEGIN may contain any number
  const auto end = std::ranges::find(begin, words.end(), isa::Opcode::kEnd, isa::opcode_of);
  const auto count = end - words.begin() + (end == words.end() ? 0 : 1);
  return std::span(words).first(static_cast<std::size_t>(count));
}

/// Executes a program word by word. @param cores  execute the RUNs; null: only cycles, no data
class Execution {
 public:
  Execution(const compiler::Program& program, const ArchOptions& options, Cluster* cores,
            std::size_t& at)
      : program_(program),
        cores_(cores),
        at_(at),
        walk_(program.config),
        budget_(options.cycles_limit),
        timeline_(program.config, options.bus, up_to_end(program.words), options.again) {}

  /// Executes the words up to END.
  void run() {
    at_ = 0;
    const std::span<const isa::Word> words(program_.words);
    if (words.empty() || words.front() != program_.config.hash())
      stop("configuration",
           "{}: the program was compiled for another configuration, as its first word shows",
           program_.name);
    timeline_.begin();
    if (!isa::walk_words(words.subspan(1), *this)) {
      at_ = words.size();
      stop("illegal", "{}: the program has no END", program_.name);
    }
    timeline_.finish();
  }
  const Timeline& timeline() const { return timeline_; }

  void word(std::size_t behind_begin, isa::Word word) {
    at_ = 1 + behind_begin;
    const isa::Fault fault = isa::fault_of(word, program_.config.features());
    if (fault != isa::Fault::kNone)
      stop(fault == isa::Fault::kLacking ? "feature" : "illegal", "{}: word {}, at 0x{:x}: {}",
           program_.name, at_, 8 * at_, isa::fault_text(word, program_.config.features()));
  }
  void set(isa::Engine engine, int reg) {
    set_.set(engine, reg);
    timeline_.set(engine);
  }
  void run(std::size_t, isa::Engine engine, const isa::Registers& registers, const isa::Run& run) {
    require(set_(engine, registers, run), run_index_);
    budget_.spend(engine, least_cycles(program_.config, engine, registers, run));
    if (cores_ != nullptr) cores_->execute(engine, registers, run, run_index_++);
    timeline_.run(engine, run, walk_.run(engine, registers, run));
  }

 private:
  const compiler::Program& program_;
  Cluster* cores_;
  std::size_t& at_;
  Walk walk_;
  Budget budget_;
  Timeline timeline_;
  program::SetRegisters set_;
  int run_index_ = 0;
};

/// Executes the program. @param cores  execute the RUNs; null: only cycles, no data
/// @param at  receives the current word
RunResult walked(const compiler::Program& program, const ArchOptions& options, Cluster* cores,
                 std::size_t& at) {
  Execution execution(program, options, cores, at);
  execution.run();
  const Timeline& timeline = execution.timeline();
  if (options.cycles_limit != 0 && timeline.cycles() >= options.cycles_limit)
    stop("cycles", "{}: {} cycles, but the limit is {}", program.name, timeline.cycles(),
         options.cycles_limit);

  RunResult result;
  result.cycles = timeline.cycles();
  result.causes = timeline.causes(0, timeline.cycles());
  result.engine_busy = timeline.engine_busy();
  result.runs = timeline.runs();
  result.dram_bytes_read = timeline.bytes_read();
  result.dram_bytes_written = timeline.bytes_written();
  result.fetched_bytes = timeline.bytes_fetched();
  const std::vector<LayerSpan> spans = layer_spans(program, result.runs, result.cycles);
  std::vector<CauseCycles> causes;
  for (const LayerSpan& span : spans) causes.push_back(timeline.causes(span.begin, span.end));
  result.layers = layer_results(program, spans, causes);
  return result;
}

}  // namespace

RunResult run_arch(const compiler::Program& program, const std::vector<Array>& inputs,
                   const ArchOptions& options) {
  std::vector<std::uint8_t> dram = compiler::initial_dram(program);
  compiler::write_inputs(program, inputs, dram.data());
  RunResult result = run_arch_dram(program, dram, options);
  result.outputs = compiler::read_outputs(program, dram.data());
  return result;
}

RunResult run_arch_dram(const compiler::Program& program, std::span<std::uint8_t> dram,
                        const ArchOptions& options) {
  Cluster cores(program.config, dram);
  cores.on_dmem_write(options.on_dmem_write);
  std::size_t at = 0;
  return walked(program, options, &cores, at);
}

Ending run_any(const compiler::Program& program, std::vector<std::uint8_t>& dram,
               const ArchOptions& options) {
  Cluster cores(program.config, dram);
  Ending ending;
  try {
    ending.result = walked(program, options, &cores, ending.word);
  } catch (const Stop& end) {
    ending.cause = end.cause;
    ending.text = end.what();
  } catch (const Error& error) {
    ending.refused = true;
    ending.text = error.what();
  }
  return ending;
}

RunResult run_timing(const compiler::Program& program, const BusOptions& bus) {
  ArchOptions options;
  options.bus = bus;
  std::size_t at = 0;
  return walked(program, options, nullptr, at);
}

}  // namespace trine::sim
