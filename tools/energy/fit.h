// SPDX-License-Identifier: Apache-2.0
//
// The table of a technology (table.h) out of what was measured at gate level (measure.h).

#pragma once

#include <vector>

#include "tools/energy/measure.h"
#include "tools/energy/table.h"

namespace trine::energy {

/// The table that comes closest to what was measured: non-negative least squares for each
/// component over the layers of all programs on all designs. Its clock is the first one's. Of one
/// design alone all is its units', nothing fixed.
/// @throws Error  nothing was measured, or with different cells, voltages or assumptions
Table fit(const std::vector<Measured>& designs);

/// A layer as it was measured, pJ.
double total_of(const Sample& sample, double clock_ns);

}  // namespace trine::energy
