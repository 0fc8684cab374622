// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/run.h"

#include "base/error.h"
#include "sim/arch/machine.h"
#include "sw/program/host.h"

namespace trine::sim {
namespace {

/// Walks through the program. @param machine  executes it; null: no data, only cycles
RunResult walked(const compiler::Program& program, const ArchOptions& options, Machine* machine) {
  Walk walk(program.config);
  Timeline timeline(program.config, options.bus, program.words, options.again);
  isa::RegisterFile registers;
  int run_index = 0;
  bool ended = false;
  if (program.words.empty() || program.words.front() != program.config.hash())
    throw_error("{}: the program was compiled for another configuration: its first word",
                program.name);
  timeline.begin();
  for (std::size_t i = 1; i < program.words.size(); ++i) {
    const isa::Word word = program.words[i];
    if (isa::fault_of(word, program.config.features()) != isa::Fault::kNone)
      throw_error("{}: word {}, at 0x{:x}: {}", program.name, i, 8 * i,
                  isa::fault_text(word, program.config.features()));
    const isa::Engine engine = isa::engine_of(word);
    const isa::Opcode opcode = isa::opcode_of(word);
    if (opcode == isa::Opcode::kSet) {
      registers.set(word);
      timeline.set(engine);
    } else if (opcode == isa::Opcode::kRun) {
      const isa::Run run = isa::decode_run(word);
      if (machine != nullptr) machine->execute(engine, registers[engine], run, run_index++);
      timeline.run(engine, run, walk.run(engine, registers[engine], run));
    } else {
      ended = true;
      break;
    }
  }
  if (!ended) throw_error("{}: the program has no END", program.name);
  timeline.finish();

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
  return walked(program, options, &machine);
}

RunResult run_timing(const compiler::Program& program, const BusOptions& bus) {
  ArchOptions options;
  options.bus = bus;
  return walked(program, options, nullptr);
}

}  // namespace trine::sim
