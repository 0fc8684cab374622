// SPDX-License-Identifier: Apache-2.0
//
// Counts the bytes between DRAM and the machine's memories for one product, from the compiler's
// plan.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/loop_nest.h"
#include "sw/compiler/network/objective.h"
#include "tools/estimate/dataflows.h"

namespace trine::estimate {

/// The plan of a product whose input and output are in DRAM.
struct PlannedProduct {
  compiler::LoopNest nest;
  /// Bytes of weights (with scales and biases), inputs and outputs. Bytes of a group are the mean
  /// of all groups.
  std::vector<Accesses> dram;
};

/// Plans a product. @throws Error  no part of the product fits into the memories
PlannedProduct planned(const Product& product, const spec::Config& config,
                       compiler::Objective objective);

/// Returns the plan's loops in the mapping format of Timeloop 0.4, for the architecture of the
/// output-stationary array. Timeloop's tiles end with a row of pixels, the machine's do not.
std::string timeloop_mapping(const Product& product, const compiler::LoopNest& nest,
                             const Resources& resources);

}  // namespace trine::estimate
