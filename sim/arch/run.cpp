// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/run.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "sim/arch/machine.h"
#include "sim/arch/stop.h"
#include "sw/program/host.h"

namespace trine::sim {
namespace {

/// The cycles that each engine is busy at the least, against the limit: no RUN is executed that
/// could not end before it.
class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(static_cast<double>(limit)) {}

  void spend(isa::Engine engine, double cycles) {
    double& spent = spent_[static_cast<std::size_t>(engine)];
    spent += cycles;
    if (limit_ != 0 && spent >= limit_)
      stop("cycles", "the {} engine needs {} cycles or more, the limit is {}",
           isa::kEngineNames[static_cast<std::size_t>(engine)], spent, limit_);
  }

 private:
  double limit_;
  std::array<double, isa::kEngines> spent_{};
};

/// What the machine takes of the words: nothing behind END.
std::span<const isa::Word> up_to_end(const std::vector<isa::Word>& words) {
  const auto begin = words.begin() + (words.empty() ? 0 : 1);  // BEGIN is any number
  const auto end = std::ranges::find(begin, words.end(), isa::Opcode::kEnd, isa::opcode_of);
  const auto count = end - words.begin() + (end == words.end() ? 0 : 1);
  return std::span(words).first(static_cast<std::size_t>(count));
}

/// Walks through the program. @param machine  executes it; null: no data, only cycles
/// @param at  the word that it is at
RunResult walked(const compiler::Program& program, const ArchOptions& options, Machine* machine,
                 std::size_t& at) {
  Walk walk(program.config);
  Timeline timeline(program.config, options.bus, up_to_end(program.words), options.again);
  isa::RegisterFile registers;
  int run_index = 0;
  bool ended = false;
  Budget budget(options.cycles_limit);
  at = 0;
  if (program.words.empty() || program.words.front() != program.config.hash())
    stop("configuration", "{}: the program was compiled for another configuration: its first word",
         program.name);
  timeline.begin();
  for (std::size_t& i = at = 1; i < program.words.size(); ++i) {
    const isa::Word word = program.words[i];
    const isa::Fault fault = isa::fault_of(word, program.config.features());
    if (fault != isa::Fault::kNone)
      stop(fault == isa::Fault::kLacking ? "feature" : "illegal", "{}: word {}, at 0x{:x}: {}",
           program.name, i, 8 * i, isa::fault_text(word, program.config.features()));
    const isa::Engine engine = isa::engine_of(word);
    const isa::Opcode opcode = isa::opcode_of(word);
    if (opcode == isa::Opcode::kSet) {
      registers.set(word);
      timeline.set(engine);
    } else if (opcode == isa::Opcode::kRun) {
      const isa::Run run = isa::decode_run(word);
      budget.spend(engine, least_cycles(program.config, engine, registers[engine], run));
      if (machine != nullptr) machine->execute(engine, registers[engine], run, run_index++);
      timeline.run(engine, run, walk.run(engine, registers[engine], run));
    } else {
      ended = true;
      break;
    }
  }
  if (!ended) stop("illegal", "{}: the program has no END", program.name);
  timeline.finish();
  if (options.cycles_limit != 0 && timeline.cycles() >= options.cycles_limit)
    stop("cycles", "{}: {} cycles, the limit is {}", program.name, timeline.cycles(),
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

RunResult run_arch_dram(const compiler::Program& program, std::vector<std::uint8_t>& dram,
                        const ArchOptions& options) {
  Machine machine(program.config, dram);
  machine.on_dmem_write = options.on_dmem_write;
  std::size_t at = 0;
  return walked(program, options, &machine, at);
}

Ending run_any(const compiler::Program& program, std::vector<std::uint8_t>& dram,
               const ArchOptions& options) {
  Machine machine(program.config, dram);
  Ending ending;
  try {
    walked(program, options, &machine, ending.word);
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
