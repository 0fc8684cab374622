// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include "sw/program/program.h"

namespace trine::compiler {
namespace {

using isa::Engine;

std::string_view operation_of(Engine engine, int op) {
  const auto at = [op](const auto& codes) -> std::string_view {
    const auto i = static_cast<std::size_t>(op);
    return i < codes.size() ? codes[i].name : "?";
  };
  if (engine == Engine::kCompute) return at(isa::compute::kOps);
  if (engine == Engine::kVector) return at(isa::vector::kOps);
  return at(isa::dma::kTargets);
}

std::string flags_of(Engine engine, int flags) {
  std::string text;
  const auto flag = [&](int bit, const char* name) {
    if ((flags >> bit & 1) != 0) text += fmt::format(" {}", name);
  };
  if (engine == Engine::kCompute) {
    flag(isa::compute::kClear, "clear");
    flag(isa::compute::kDrain, "drain");
    flag(isa::compute::kFuseAdd, "fuse_add");
    flag(isa::compute::kPerTensor, "per_tensor");
    flag(isa::compute::kSingle, "single");
    flag(isa::compute::kFuseMax, "fuse_max");
    flag(isa::compute::kWindow, "window");
    flag(isa::compute::kHalfEven, "half_even");
  } else if (engine == Engine::kVector) {
    flag(isa::vector::kReduce, "reduce");
    flag(isa::vector::kInvert, "invert");
    flag(isa::vector::kCenter, "center");
    flag(isa::vector::kSingle, "single");
    flag(isa::vector::kHalfEven, "half_even");
  } else if (engine == Engine::kLoad) {
    flag(isa::dma::kFromDmem, "from_dmem");
  }
  return text;
}

std::string engines_of(int mask, const char* title) {
  std::string text;
  for (std::size_t e = 0; e < isa::kEngines; ++e)
    if ((mask >> e & 1) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : ",", isa::kEngineNames[e]);
  return text.empty() ? text : fmt::format(" {}={}", title, text);
}

std::string run_text(isa::Word word) {
  const Engine engine = isa::engine_of(word);
  const isa::Run run = isa::decode_run(word);
  return fmt::format("{:<7} RUN {}{}{}{}", isa::kEngineNames[static_cast<std::size_t>(engine)],
                     operation_of(engine, run.op), flags_of(engine, run.flags),
                     engines_of(run.wait, "wait"), engines_of(run.signal, "signal"));
}

std::string set_text(isa::Word word) {
  const Engine engine = isa::engine_of(word);
  const int reg = isa::register_of(word);
  isa::Registers registers;
  registers.value[static_cast<std::size_t>(reg)] = isa::payload_of(word);
  std::string text =
      fmt::format("{:<7} SET {:>2}", isa::kEngineNames[static_cast<std::size_t>(engine)], reg);
  for (const isa::Field& field : isa::fields_of(engine))
    if (field.reg == reg) text += fmt::format(" {}={}", field.name, registers.get(field));
  return text;
}

}  // namespace

std::string disassemble(const Program& program) {
  std::string text;
  int run = 0, layer = -1;
  for (std::size_t i = 0; i < program.words.size(); ++i) {
    const isa::Word word = program.words[i];
    switch (isa::opcode_of(word)) {
      case isa::Opcode::kSet:
        text += fmt::format("{:6}  {}\n", i, set_text(word));
        break;
      case isa::Opcode::kRun: {
        const int owner = program.run_layer.at(static_cast<std::size_t>(run));
        const auto& name = program.layers.at(static_cast<std::size_t>(owner)).name;
        text += fmt::format("{:6}  {}  ; run {}{}\n", i, run_text(word), run,
                            owner == layer ? "" : fmt::format(", layer {} {}", owner, name));
        layer = owner;
        ++run;
        break;
      }
      case isa::Opcode::kEnd:
        text += fmt::format("{:6}  END\n", i);
        break;
      case isa::Opcode::kBegin:
        text += i == 0 ? fmt::format("{:6}  BEGIN configuration={:016x}\n", i, word)
                       : fmt::format("{:6}  illegal {:016x}\n", i, word);
    }
  }
  return text;
}

std::string describe_run(const Program& program, int run) {
  int seen = 0;
  for (const isa::Word word : program.words) {
    if (isa::opcode_of(word) != isa::Opcode::kRun || seen++ != run) continue;
    const int owner = program.run_layer.at(static_cast<std::size_t>(run));
    return fmt::format("run {} of layer {} {}: {}", run, owner,
                       program.layers.at(static_cast<std::size_t>(owner)).name, run_text(word));
  }
  return fmt::format("run {} (not in the program)", run);
}

}  // namespace trine::compiler
