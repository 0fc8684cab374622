// SPDX-License-Identifier: Apache-2.0
//
// Walks over a program's words and tracks the registers of the engines. All other code gets the
// registers of a RUN from here.

#pragma once

#include <cstddef>
#include <span>

#include "spec/isa.h"

namespace trine::isa {

/// Calls `visit.word(index, word)` for each word up to and including END, then for a SET
/// `visit.set(engine, register)`, for a RUN `visit.run(index, engine, its registers, run)`.
/// @return true if the program contains an END
template <typename Visitor>
bool walk_words(std::span<const Word> words, Visitor&& visit) {
  RegisterFile registers;
  for (std::size_t i = 0; i < words.size(); ++i) {
    visit.word(i, words[i]);
    switch (opcode_of(words[i])) {
      case Opcode::kBegin:
        break;
      case Opcode::kSet:
        registers.set(words[i]);
        visit.set(engine_of(words[i]), register_of(words[i]));
        break;
      case Opcode::kRun: {
        const Engine engine = engine_of(words[i]);
        visit.run(i, engine, registers[engine], decode_run(words[i]));
        break;
      }
      case Opcode::kEnd:
        return true;
    }
  }
  return false;
}

/// Calls `visit(index of the word, engine, its registers, run)` for each RUN up to END.
template <typename Visit>
void for_each_run(std::span<const Word> words, Visit visit) {
  struct Runs {
    Visit& run;
    void word(std::size_t, Word) const {}
    void set(Engine, int) const {}
  };
  walk_words(words, Runs{visit});
}

}  // namespace trine::isa
