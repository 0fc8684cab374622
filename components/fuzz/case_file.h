// SPDX-License-Identifier: Apache-2.0
//
// Stores a pair in a file: configuration, network, inputs and all options of the run, as JSON. The
// file contains the network itself, because the numbers that a generator chose (Case) give another
// network after a change of the generator. components/fuzz/cases contains pairs that failed once.

#pragma once

#include <string>

#include "components/fuzz/pair.h"
#include "components/fuzz/program_run.h"

namespace trine::fuzz {

/// Returns the text of a file. @param why  the failure, for people
std::string case_text(const Pair& pair, const std::string& why);
std::string case_text(const ProgramCase& c, const std::string& why);

/// Returns true if the file contains a program instead of a network.
bool holds_program(const std::string& text, const std::string& file);
/// Parses a file. @throws Error  invalid, names `file`
Pair parse_pair(const std::string& text, const std::string& file);
ProgramCase parse_program_case(const std::string& text, const std::string& file);

}  // namespace trine::fuzz
