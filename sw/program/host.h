// SPDX-License-Identifier: Apache-2.0
//
// The host's side of a run: model tensors to planar words in DRAM and back, with the operators that
// run on the host (golden layers) before and after.

#pragma once

#include <cstdint>
#include <vector>

#include "base/npy.h"
#include "sw/program/program.h"

namespace trine::program {

/// The DRAM region of a run, constants in place, inputs zero.
std::vector<std::uint8_t> initial_dram(const Program& program);

/// Runs the host's operators on the model's inputs and writes the machine's inputs into `dram`
/// (what BASE points to).
/// @throws Error  an input of another count, type or shape than the model's
void write_inputs(const Program& program, const std::vector<Array>& inputs, std::uint8_t* dram);

/// Reads the machine's outputs and runs the host's operators.
/// @return the model's outputs, in its order
std::vector<Array> read_outputs(const Program& program, const std::uint8_t* dram);

/// The first difference as text ("output 0 'x' at 0,3: 5, expected 6"), or "".
std::string first_difference(const Program& program, const std::vector<Array>& actual,
                             const std::vector<Array>& expected);

}  // namespace trine::program
