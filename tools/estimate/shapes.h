// SPDX-License-Identifier: Apache-2.0
//
// Cycles of a table of shapes: its rows as the compiler's layers, without weights, planned as a
// model's are.

#pragma once

#include "tools/estimate/estimate.h"
#include "tools/estimate/shape_table.h"

namespace trine::estimate {

/// Rows of `times` that read others of as many `times` keep their maps on chip as a model's; those
/// of other `times`, and rows whose shape nobody above gives, read DRAM.
/// @throws Error  what the design lacks
Estimate of_shapes(const ShapeTable& table, const machine::Config& config);

}  // namespace trine::estimate
