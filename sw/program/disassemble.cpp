// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include "sw/program/program.h"

namespace trine::program {
std::string disassemble(const Program& program) {
  std::string text;
  int run = 0, layer = -1;
  for (std::size_t i = 0; i < program.words.size(); ++i) {
    const isa::Word word = program.words[i];
    const isa::Opcode opcode = isa::opcode_of(word);
    std::string line = isa::disassemble(word);
    if (opcode == isa::Opcode::kBegin && i != 0) line = "illegal " + line;
    if (opcode == isa::Opcode::kRun) {
      const int owner = program.run_layer.at(run);
      line += fmt::format("  ; run {}", run++);
      if (owner != layer)
        line += fmt::format(", layer {} {}", owner, program.layers.at(owner).name);
      layer = owner;
    }
    text += fmt::format("{:6}  {}\n", i, line);
  }
  return text;
}

std::string describe_run(const Program& program, int run) {
  int seen = 0;
  for (const isa::Word word : program.words) {
    if (isa::opcode_of(word) != isa::Opcode::kRun || seen++ != run) continue;
    const int owner = program.run_layer.at(run);
    return fmt::format("run {} of layer {} {}: {}", run, owner, program.layers.at(owner).name,
                       isa::disassemble(word));
  }
  return fmt::format("run {} (not in the program)", run);
}

}  // namespace trine::program
