// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include "sw/program/program.h"

namespace trine::program {
std::string disassemble(const Program& program) {
  std::string text;
  int run = 0, layer = -1;
  for (std::size_t i = 0; i < program.words.size(); ++i) {
    const isa::Word word = program.words[i];
    switch (isa::opcode_of(word)) {
      case isa::Opcode::kSet:
      case isa::Opcode::kEnd:
        text += fmt::format("{:6}  {}\n", i, isa::disassemble(word));
        break;
      case isa::Opcode::kRun: {
        const int owner = program.run_layer.at(run);
        const auto& name = program.layers.at(owner).name;
        text += fmt::format("{:6}  {}  ; run {}{}\n", i, isa::disassemble(word), run,
                            owner == layer ? "" : fmt::format(", layer {} {}", owner, name));
        layer = owner;
        ++run;
        break;
      }
      case isa::Opcode::kBegin:
        text += fmt::format("{:6}  {}{}\n", i, i == 0 ? "" : "illegal ", isa::disassemble(word));
    }
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
