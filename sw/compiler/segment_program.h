// SPDX-License-Identifier: Apache-2.0
//
// Turns a planned network into a program: emits, schedules, verifies, lays out inputs and outputs.

#pragma once

#include <string_view>

#include "spec/config.h"
#include "sw/compiler/candidate.h"
#include "sw/compiler/options.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Appends the text of a stage of the compiler if the user asked to print after this stage.
template <typename Text>
void print(const CompileOptions& options, std::string_view stage, Text text) {
  if (options.printed != nullptr && options.print_after == stage) *options.printed += text();
}

/// Emits, schedules and verifies the instructions, constants and layers of a planned network.
Program program_of(const Planned& planned, const spec::Config& config,
                   const CompileOptions& options);

/// Returns the program of a segment, with the layouts of its inputs and outputs.
Program compile_segment(const PlannedSegment& segment, const spec::Config& config,
                        const CompileOptions& options);

/// Verifies the program that the compiler emitted. @throws Error  if the program is invalid
void verify_own(const Program& segment);

}  // namespace trine::compiler
