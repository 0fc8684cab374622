// SPDX-License-Identifier: Apache-2.0
//
// The clock of a placed design with estimated wires: a floor plan with the macros, cells placed by
// Coloquinte, buffers and sizes for what the wires load, OpenSTA with a tree of RC for each net.
// No clock tree, no routing: wires take their shortest way.

#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "synth/read/netlist.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// Checks that `options` can place a design, before any long computation starts. Sets the LEF path
/// if it is empty.
/// @throws Error  the target is not an ASIC, timing is off, or the library has no LEF
void check_placeable(SynthOptions& options);

struct PlaceFiles {
  std::filesystem::path folder;  ///< has timing.lib and the libraries; for files of this step
  std::string libraries;         ///< OpenSTA's commands that read all of them
  std::function<void(const Inspected&)> inspect;  ///< called with what was placed, if there is one
};

/// As often as there are seeds; what is reported and inspected is the median, of an even number the
/// faster of the two in the middle.
/// @param netlist  without buffers, sized for no wires
/// @throws Error  LEF, Python or Coloquinte is missing, a cell is in no LEF
PlacedReport place_design(const Netlist& netlist, const Cells& cells, const PlaceOptions& options,
                          const PlaceFiles& files,
                          const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
