// SPDX-License-Identifier: Apache-2.0
//
// A walk over a program's words: what each RUN finds in its engine's registers.

#pragma once

#include <cstddef>
#include <span>

#include "machine/isa.h"

namespace trine::isa {

/// Calls `visit(index of the word, engine, its registers, run)` for each RUN up to END.
template <typename Visit>
void for_each_run(std::span<const Word> words, Visit visit) {
  RegisterFile registers;
  for (std::size_t i = 0; i < words.size() && opcode_of(words[i]) != Opcode::kEnd; ++i) {
    if (opcode_of(words[i]) == Opcode::kSet) registers.set(words[i]);
    if (opcode_of(words[i]) != Opcode::kRun) continue;
    const Engine engine = engine_of(words[i]);
    visit(i, engine, registers[engine], decode_run(words[i]));
  }
}

}  // namespace trine::isa
