// SPDX-License-Identifier: Apache-2.0
//
// Uses a file like a user does after reading it, within limits of size and time.

#pragma once

#include "sw/model/graph/graph.h"
#include "sw/program/program.h"

namespace trine::hostile {

/// Runs all segments on the architecture simulator, with inputs of zeros.
/// @throws Error  an action that the hardware would refuse
void run_program(const compiler::Program& program);

/// Compiles for two configurations, writes and reads the program, and runs it.
/// @throws Error  refusals; std::logic_error for a program that its own tools refuse
void compile_and_run(const model::Graph& graph);

}  // namespace trine::hostile
