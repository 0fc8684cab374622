// SPDX-License-Identifier: Apache-2.0
//
// What a user does with a file that was read, within bounds of size and time.

#pragma once

#include "sw/model/graph.h"
#include "sw/program/program.h"

namespace trine::hostile {

/// Runs all stages on the architecture simulator, inputs of zeros.
/// @throws Error  what the hardware would not do
void run_program(const compiler::Program& program);

/// Compiles for two configurations, writes and reads the program, runs it.
/// @throws Error  what does not fit; std::logic_error for a program that its own tools refuse
void compile_and_run(const model::Graph& graph);

}  // namespace trine::hostile
