// SPDX-License-Identifier: Apache-2.0
//
// Programs of shapes: of networks made in memory whose layers have no weights, biases and scales.

#pragma once

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// What compile() would make of a network of these shapes with constants that differ, but for the
/// constants: its image does not have those that the network lacks, so it has cycles and no outputs.
/// @throws Error  as compile()
Program compile_shapes(Network network, const machine::Config& config);

}  // namespace trine::compiler
