// SPDX-License-Identifier: Apache-2.0
//
// Implements the host's side of a run: converts model tensors to planar words in DRAM and back, and
// runs the host operators (golden layers) before and after the machine.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/base/npy.h"
#include "sw/program/program.h"

namespace trine::program {

/// Returns the size of the DRAM region in bytes.
/// @throws Error  if it exceeds this computer's memory, which a few words of a program can cause
std::size_t dram_size(const Program& program);

/// Returns the DRAM region of a run, with the constants in place and zeros as inputs.
/// @throws Error  as dram_size()
std::vector<std::uint8_t> initial_dram(const Program& program);

/// Runs the host operators on the model's inputs.
/// @return the machine's inputs
/// @throws Error  for inputs whose count, type or shape differs from the model's
std::vector<Array> machine_inputs(const Program& program, const std::vector<Array>& inputs);
/// Runs the host operators on the machine's outputs.
/// @return the model's outputs in its order
std::vector<Array> model_outputs(const Program& program, const std::vector<Array>& machine);
/// Returns arrays of zeros with the types and shapes of the machine's outputs.
std::vector<Array> empty_machine_outputs(const Program& program);

/// Writes machine_inputs() into `dram` (the memory at BASE).
void write_inputs(const Program& program, const std::vector<Array>& inputs, std::uint8_t* dram);

/// Returns model_outputs() of the outputs in `dram`.
std::vector<Array> read_outputs(const Program& program, const std::uint8_t* dram);

/// Returns a text such as "output 0 'x' at 0,3: 5, expected 6".
std::string difference_at(const Program& program, std::size_t output, std::size_t element,
                          const Array& actual, const Array& expected);

/// Returns the first difference as such a text, or "".
std::string first_difference(const Program& program, const std::vector<Array>& actual,
                             const std::vector<Array>& expected);

}  // namespace trine::program
