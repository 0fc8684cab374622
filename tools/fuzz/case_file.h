// SPDX-License-Identifier: Apache-2.0
//
// A pair as a file: configuration, network, inputs and all that it is run with, as JSON. The
// numbers that a generator was asked for (Case) make another network after the generator has
// changed; the file keeps its network. tests/fuzz_cases holds pairs that failed once.

#pragma once

#include <string>

#include "tools/fuzz/pair.h"
#include "tools/fuzz/program_run.h"

namespace trine::fuzz {

/// @param why  what failed, for people
std::string case_text(const Pair& pair, const std::string& why);
std::string case_text(const ProgramCase& c, const std::string& why);

/// Returns true if the file holds a program, not a network.
bool holds_program(const std::string& text, const std::string& file);
/// @throws Error  no such file, naming `file`
Pair parse_pair(const std::string& text, const std::string& file);
ProgramCase parse_program_case(const std::string& text, const std::string& file);

}  // namespace trine::fuzz
