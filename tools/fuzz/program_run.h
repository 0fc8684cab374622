// SPDX-License-Identifier: Apache-2.0
//
// A random program (random_program.h) on the architecture simulator and on the RTL, on any
// configuration. Both must leave the same bytes in DRAM.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "machine/config.h"
#include "tools/fuzz/pair.h"

namespace trine::fuzz {

struct ProgramCase {
  machine::Config config;
  unsigned seed = 1;      ///< of the program, of its data and of the memory's stalls
  int instructions = 30;  ///< besides the first loads and the last store
  bool assertions = true;
};

/// How long a program that is drawn is: 10 to 80 instructions, 30 mostly.
int drawn_length(unsigned seed);

/// @throws nothing: an error is a verdict. An assertion that fails ends the process (run_isolated).
Verdict run_program(const ProgramCase& c);

/// The fewest instructions for which `fails` still holds: a program with fewer instructions is the
/// beginning of a longer one. @pre fails(c)
ProgramCase shortest(ProgramCase c, const std::function<bool(const ProgramCase&)>& fails);

/// The instructions, one a line.
std::string describe(const ProgramCase& c);

}  // namespace trine::fuzz
