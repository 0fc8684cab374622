// SPDX-License-Identifier: Apache-2.0
//
// Runs a random program (random_program.h) on the architecture simulator and on the RTL, on any
// configuration. Both must leave the same bytes in DRAM.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "components/fuzz/pair.h"
#include "spec/config.h"

namespace trine::fuzz {

/// A random program on a configuration.
struct ProgramCase {
  spec::Config config;
  unsigned seed = 1;      ///< seed of the program, of its data and of the memory's stalls
  int instructions = 30;  ///< number besides the first loads and the last store
  bool assertions = true;
};

/// Returns the length of a drawn program: 10 to 80 instructions, mostly 30.
int drawn_length(unsigned seed);

/// Runs a program. An error is a verdict and never an exception. An assertion that fails ends the
/// process (run_isolated).
Verdict run_program(const ProgramCase& c);

/// Returns the fewest instructions for which `fails` still returns true. A program with fewer
/// instructions is the beginning of a longer one. @pre fails(c)
ProgramCase shortest(ProgramCase c, const std::function<bool(const ProgramCase&)>& fails);

/// Returns the instructions, one per line.
std::string describe(const ProgramCase& c);

}  // namespace trine::fuzz
