// SPDX-License-Identifier: Apache-2.0
//
// Counts the bytes between DRAM and the machine's memories for one product, from the compiler's
// plan.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "tools/estimate/dataflows.h"

namespace trine::estimate {

/// Plans a product whose input and output are in DRAM, and returns the bytes of its weights
/// (with scales and biases), inputs and outputs. Bytes of a group are the mean of all groups.
/// @throws Error  no part of the product fits into the memories
std::vector<Accesses> planned_dram(const Product& product, const spec::Config& config,
                                   compiler::Objective objective);

}  // namespace trine::estimate
