// SPDX-License-Identifier: Apache-2.0
//
// Compiles networks that have shapes but no weights, biases and scales.

#pragma once

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Compiles a network that is made of shapes only. Returns the program that compile() would return
/// if the network had constants, no two of which are equal. However, the program's image does not
/// contain the constants. The cycles of the program are right, and its outputs have no meaning.
/// @throws Error  as compile()
Program compile_shapes(Network network, const spec::Config& config);

}  // namespace trine::compiler
