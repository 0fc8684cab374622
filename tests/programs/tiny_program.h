// SPDX-License-Identifier: Apache-2.0
//
// A program written by hand, without the compiler, that uses all four engines: it loads an image,
// weights, biases and scales, computes a 3x3 convolution with padding and a 3x3 maximum of the
// result, and stores both. The expected DRAM comes from plain loops. For tests of the RTL, of the
// synthesized netlist and of everything else that runs programs.

#pragma once

#include <cstdint>
#include <vector>

#include "spec/config.h"
#include "sw/program/program.h"

namespace trine::sim {

struct TinyProgram {
  compiler::Program program;
  std::vector<std::uint8_t> dram;      ///< the memory from BASE on before the run
  std::vector<std::uint8_t> expected;  ///< the same after the run
};

/// @param seed  of the data. @pre cols is a multiple of data_words()
TinyProgram tiny_program(const spec::Config& config, std::uint32_t seed);

}  // namespace trine::sim
