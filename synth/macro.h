// SPDX-License-Identifier: Apache-2.0
//
// Memory macros as the memories of a design (trine_sram).

#pragma once

#include <cstdint>
#include <string>

#include "synth/partition.h"
#include "synth/read/cells.h"
#include "synth/read/liberty.h"

namespace trine::synth {

/// Bits of a macro's address and of its words; 0: it has no such pins.
struct Buses {
  std::int64_t address = 0, data = 0;
};
Buses buses_of(const Cell& macro);

/// From the clock to its outputs, with a small load.
double access_ns(const Cell& macro);

/// The macro as a black box: Verilog.
std::string macro_stub(const Cell& macro);

/// A memory as macros side by side and one above the other, with the ports of trine_sram: Verilog.
/// @param macro  has the buses ADDR and DIN
std::string macro_wrapper(const Memory& memory, const Tiling& tiling, const Cell& macro);

}  // namespace trine::synth
