// SPDX-License-Identifier: Apache-2.0
//
// Builds the memories of a design (trine_sram) from memory macros.

#pragma once

#include <cstdint>
#include <string>

#include "synth/partition.h"
#include "synth/read/cells.h"
#include "synth/read/liberty.h"

namespace trine::synth {

/// Widths of a macro's address and data buses; 0: it has no such pins.
struct Buses {
  std::int64_t address = 0, data = 0;
};
/// Returns the widths of a macro's buses.
Buses buses_of(const Cell& macro);

/// Returns the time from the clock to the outputs of a macro with a small load.
double access_ns(const Cell& macro);

/// Returns the macro as a Verilog black box.
std::string macro_stub(const Cell& macro);

/// Returns Verilog with the ports of trine_sram that builds a memory from a grid of macros.
/// @param macro  has the buses ADDR and DIN
std::string macro_wrapper(const Memory& memory, const Tiling& tiling, const Cell& macro);

}  // namespace trine::synth
