// SPDX-License-Identifier: Apache-2.0
//
// Area and clock of a design without synthesis: how many modules of each part its keys ask for,
// times what `trine synth` measured of one (bench/silicon/area_model.py fits that, and writes it to
// area/).
//
//   cells   sum over parts, of coefficient * product of quantities (rows, columns, banks, ...)
//   clock   the longest of a few paths, each likewise a sum
//   macros  those of the library that synthesis chooses for each memory in the time left of a clock

#pragma once

#include <string>
#include <vector>

#include "machine/config.h"

namespace trine::estimate {

struct Area {
  std::string library;
  double gate_equivalents = 0;  ///< of the library's NAND2, before buffers, memories apart
  double area_um2 = 0;          ///< the same
  double sram_um2 = 0;          ///< memories as the library's macros
  double total_um2 = 0;         ///< with the buffers of the clock
  double clock_ns = 0;          ///< without wires
  double area_error = 0, total_error = 0, clock_error = 0;  ///< of designs held out, at most
  bool beyond = false;  ///< more rows or columns, or fewer, than any design it is fitted to
};

Area area_of(const machine::Config& config);

}  // namespace trine::estimate
