// SPDX-License-Identifier: Apache-2.0
//
// Fits the table of a technology (table.h) to measurements at gate level (measure.h).

#pragma once

#include <vector>

#include "components/energy/measure.h"
#include "tools/energy/table.h"

namespace trine::energy {

/// Returns the table that is closest to the measurements: non-negative least squares for each
/// component over the layers of all programs on all designs. Its clock is the first design's. With
/// a single design, all idle energy is attributed to the units, and the fixed costs are 0.
/// @throws Error  there are no measurements, or their cells, voltages or assumptions differ
Table fit(const std::vector<Measured>& designs);

/// Returns the measured energy of a layer, pJ.
double total_of(const Sample& sample, double clock_ns);

}  // namespace trine::energy
