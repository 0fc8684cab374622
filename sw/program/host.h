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

/// Bytes of the DRAM region. @throws Error  more than this computer has, which a few words of a
/// program may ask for
std::size_t dram_size(const Program& program);

/// The DRAM region of a run, constants in place, inputs zero. @throws Error  as dram_size()
std::vector<std::uint8_t> initial_dram(const Program& program);

/// What the machine gets when the host's operators have run on the model's inputs.
/// @throws Error  an input of another count, type or shape than the model's
std::vector<Array> machine_inputs(const Program& program, const std::vector<Array>& inputs);
/// The model's outputs, in its order, by the host's operators from the machine's.
std::vector<Array> model_outputs(const Program& program, const std::vector<Array>& machine);
/// Types and shapes of the machine's outputs, zeros.
std::vector<Array> empty_machine_outputs(const Program& program);

/// machine_inputs() into `dram` (what BASE points to).
void write_inputs(const Program& program, const std::vector<Array>& inputs, std::uint8_t* dram);

/// model_outputs() of what `dram` holds.
std::vector<Array> read_outputs(const Program& program, const std::uint8_t* dram);

/// "output 0 'x' at 0,3: 5, expected 6"
std::string difference_at(const Program& program, std::size_t output, std::size_t element,
                          const Array& actual, const Array& expected);

/// The first difference as such text, or "".
std::string first_difference(const Program& program, const std::vector<Array>& actual,
                             const std::vector<Array>& expected);

}  // namespace trine::program
