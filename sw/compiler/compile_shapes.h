// SPDX-License-Identifier: Apache-2.0
//
// Compiles networks that have shapes but no weights, biases and scales.

#pragma once

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Compiles a network that is made of shapes only. The program is the one that compile() returns
/// for a network of these shapes in which no constants are equal, but its image lacks the
/// constants. Its cycles are right, its outputs have no meaning.
/// @throws Error  as compile()
Program compile_shapes(Network network, const spec::Config& config);

}  // namespace trine::compiler
