// SPDX-License-Identifier: Apache-2.0
//
// Computes the clock of a placed design with estimated wires: a floor plan with the macros, cells
// placed by Coloquinte, buffers and sizes chosen for the wires' loads, OpenSTA with an RC tree for
// each net. There is neither a clock tree nor routing: wires take their shortest way.

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

/// The files of this step.
struct PlaceFiles {
  /// Contains timing.lib and the libraries; receives the files of this step.
  std::filesystem::path folder;
  std::string libraries;                          ///< OpenSTA's commands that read all libraries
  std::function<void(const Inspected&)> inspect;  ///< called with the placed netlist, if not empty
};

/// Places the design once for each seed. Reports and inspects the median result; of an even number,
/// the faster one of the two in the middle.
/// @param netlist  without buffers, sized without wires
/// @throws Error  LEF, Python or Coloquinte is missing, or a cell is not in the LEF
PlacedReport place_design(const Netlist& netlist, const Cells& cells, const PlaceOptions& options,
                          const PlaceFiles& files,
                          const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
