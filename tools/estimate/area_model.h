// SPDX-License-Identifier: Apache-2.0
//
// Estimates area and clock of a design without synthesis: the number of modules of each part that
// its keys require, times the area that `trine synth` measured for one
// (components/benchmarks/silicon/area_model.py fits the coefficients and writes them to area/).
//
//   cells   sum over parts, of coefficient * product of quantities (rows, columns, banks, ...)
//   clock   the longest of a few paths, each likewise a sum; placed: times a factor for wires
//   macros  for each memory, the smallest macros that are fast enough for the clock, as in
//           synthesis

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"

namespace trine::estimate {

/// A part of a design: cells of lanes or of PEs, what a key adds (a shorter accumulator removes
/// cells), or a memory.
struct AreaPart {
  std::string name;
  double um2 = 0;
};

/// The estimated area and clock of a design.
struct Area {
  std::string library;
  std::vector<AreaPart> parts;  ///< parts that the design has; their sum is total_um2
  double gate_equivalents = 0;  ///< by the library's NAND2, before buffers and without memories
  double area_um2 = 0;          ///< area of these cells
  double sram_um2 = 0;          ///< memories as the library's macros
  double total_um2 = 0;         ///< including the buffers of the clock
  double clock_ns = 0;          ///< without wires
  double clock_placed_ns = 0;   ///< with the wires of a placed design
  /// Maximum relative error over designs that the fit did not use.
  double area_error = 0, total_error = 0, clock_error = 0;
  int placed_designs = 0;   ///< number of placed designs that the placed clock was fitted to
  double placed_error = 0;  ///< maximum relative error over them, each left out of its fit
  bool beyond = false;      ///< more or fewer rows or columns than any design of the fit
};

/// Returns the estimate for a design.
Area area_of(const spec::Config& config);

/// Returns a sentence for each setting that has more of something and still makes the design
/// smaller or faster, with the reason: "memory.param_channels=512 would save 15,500 gate
/// equivalents: ...".
std::vector<std::string> dearer_by_less(const spec::Config& config);

}  // namespace trine::estimate
