// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/schedule.h"

#include <algorithm>
#include <array>
#include <optional>

namespace trine::compiler {
namespace {

using isa::Engine;

std::size_t index(Engine engine) { return static_cast<std::size_t>(engine); }

/// Position of the first RUN of another engine that reads what the load at `at` brings.
std::size_t consumer_of(const std::vector<Instruction>& natural, std::size_t at) {
  for (std::size_t i = at + 1; i < natural.size(); ++i)
    if (natural[i].engine != Engine::kLoad && conflicts(natural[at], natural[i])) return i;
  return natural.size();
}

/// Whether the RUN reads the register at all.
bool reads_register(const Instruction& i, std::size_t reg) {
  switch (i.engine) {
    case Engine::kLoad:
    case Engine::kStore:
      return reg <= 2 || (reg == 3 && i.registers.get(isa::dma::kRowsLast) > 0);
    case Engine::kCompute:
      if (reg == 11) return (i.run.flags >> isa::compute::kPerTensor & 1) != 0;
      if (reg == 12 || reg == 13) return (i.run.flags >> isa::compute::kFuseAdd & 1) != 0;
      if (reg == 14)  // where the residual lies
        return (i.run.flags >> isa::compute::kFuseAdd & 1) != 0 ||
               (i.run.flags >> isa::compute::kFuseMax & 1) != 0;
      return true;
    case Engine::kVector: {
      const auto op = static_cast<isa::vector::Op>(i.run.op);
      if (reg == 11) return op == isa::vector::Op::kSum || op == isa::vector::Op::kMul;
      if (reg == 12) return op == isa::vector::Op::kAdd || op == isa::vector::Op::kMul;
      if (reg == 15) return op == isa::vector::Op::kSum;
      if (reg >= 13) return op == isa::vector::Op::kAdd;
      return true;
    }
  }
  return true;
}

}  // namespace

std::vector<Instruction> hoist_loads(std::vector<Instruction> natural) {
  // Where each load goes: before the RUN of another engine at that natural position.
  std::vector<std::size_t> position(natural.size());
  std::array<std::vector<std::size_t>, 3> all_consumers;
  std::array<std::size_t, 3> all_at_least{};
  // The first RUN's words come before those of loads that it does not need.
  const std::size_t first = static_cast<std::size_t>(
      std::find_if(natural.begin(), natural.end(),
                   [](const Instruction& i) { return i.engine != Engine::kLoad; }) -
      natural.begin());
  for (std::size_t i = 0; i < natural.size(); ++i) {
    if (natural[i].engine != Engine::kLoad) continue;
    // Each kind keeps its order. Parameters and tables wait longer for their place: others go past
    // them.
    const Space space = natural[i].writes.at(0).space;
    const std::size_t kind = space == Space::kParams ? 1 : space == Space::kTable ? 2 : 0;
    auto& consumers = all_consumers[kind];
    auto& at_least = all_at_least[kind];
    if (consumers.size() >= kLoadsAhead)
      at_least = std::max(at_least, consumers[consumers.size() - kLoadsAhead] + 1);
    if (i > first) at_least = std::max(at_least, first + 1);
    std::size_t earliest = std::min(at_least, i);
    for (std::size_t k = i; k-- > earliest;)
      if (natural[k].engine != Engine::kLoad && conflicts(natural[k], natural[i])) {
        earliest = k + 1;
        break;
      }
    position[i] = at_least = earliest;
    consumers.push_back(consumer_of(natural, i));
  }
  std::vector<std::vector<std::size_t>> loads(natural.size() + 1);
  for (std::size_t i = 0; i < natural.size(); ++i)
    if (natural[i].engine == Engine::kLoad) loads[position[i]].push_back(i);
  std::vector<Instruction> result;
  result.reserve(natural.size());
  for (std::size_t i = 0; i < natural.size(); ++i) {
    for (const std::size_t load : loads[i]) result.push_back(std::move(natural[load]));
    if (natural[i].engine != Engine::kLoad) result.push_back(std::move(natural[i]));
  }
  for (const std::size_t load : loads[natural.size()]) result.push_back(std::move(natural[load]));
  return result;
}

void insert_tokens(std::vector<Instruction>& program) {
  // Clock of a RUN: how many RUNs of each engine have surely ended when it starts.
  using Clock = std::array<std::size_t, isa::kEngines>;
  std::array<std::vector<std::size_t>, isa::kEngines> runs;  // positions, by engine
  std::vector<Clock> started(program.size());
  std::array<Clock, isa::kEngines> latest{};
  for (std::size_t i = 0; i < program.size(); ++i) {
    Instruction& later = program[i];
    const std::size_t to = index(later.engine);
    Clock clock = latest[to];
    // The last RUN of each engine that this one must wait for (counted from 1), if any.
    Clock needed{};
    for (std::size_t from = 0; from < isa::kEngines; ++from) {
      const bool dma = from == index(Engine::kLoad) || from == index(Engine::kStore);
      if (from == to && dma) continue;  // one transfer after the other
      for (std::size_t k = runs[from].size(); k > clock[from] && needed[from] == 0; --k)
        if (conflicts(program[runs[from][k - 1]], later)) needed[from] = k;
    }
    // What one of them had waited for needs no token of its own.
    const auto implied = [&](std::size_t from) {
      for (std::size_t other = 0; other < isa::kEngines; ++other)
        if (other != from && needed[other] > 0 &&
            started[runs[other][needed[other] - 1]][from] >= needed[from])
          return true;
      return false;
    };
    for (std::size_t from = 0; from < isa::kEngines; ++from) {
      if (needed[from] == 0 || implied(from)) continue;
      const std::size_t earlier = runs[from][needed[from] - 1];
      program[earlier].run.signal |= 1 << to;
      later.run.wait |= 1 << from;
      for (std::size_t e = 0; e < isa::kEngines; ++e)
        clock[e] = std::max(clock[e], started[earlier][e]);
      clock[from] = std::max(clock[from], needed[from]);
    }
    started[i] = latest[to] = clock;
    runs[to].push_back(i);
  }
}

std::vector<isa::Word> encode(const std::vector<Instruction>& program) {
  std::vector<isa::Word> words;
  std::array<std::array<std::optional<std::uint64_t>, isa::kRegisters>, isa::kEngines> known;
  for (const Instruction& i : program) {
    for (std::size_t r = 0; r < isa::kRegisters; ++r) {
      auto& value = known[index(i.engine)][r];
      if (!reads_register(i, r) || value == i.registers.value[r]) continue;
      value = i.registers.value[r];
      words.push_back(isa::encode_set(i.engine, static_cast<int>(r), *value));
    }
    words.push_back(isa::encode_run(i.engine, i.run));
  }
  words.push_back(isa::kEndWord);
  return words;
}

}  // namespace trine::compiler
