// SPDX-License-Identifier: Apache-2.0
//
// Buffers and drive strengths for a mapped netlist: no driver has more than kMostLoads loads or
// more capacitance than it may, slow paths get stronger cells, and what reaches a pin before its
// hold time is over is delayed. Without places: what wires cost is not known here, unless told.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::synth {

inline constexpr std::size_t kMostLoads = 16;
inline constexpr float kNextStage =
    0.25f;  ///< delay of the next cell for each ns of transition, about

struct Repairs {
  std::int64_t buffers = 0;  ///< for fan-out, in um2 below
  std::int64_t hold_buffers = 0;
  std::int64_t resized = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  std::int64_t too_early = 0;  ///< pins whose hold time is still not kept
  std::int64_t too_heavy = 0;  ///< nets with more load than their driver may have
};

/// Wires for repairs, and where to tell of each buffer that is put in.
struct RepairWires {
  const WireModel& model;
  std::function<void(int instance)> added;
};

/// @param progress  told what is being done
/// @param wires  null: there are none
/// @throws Error  the library has no buffer; a combinational loop
Repairs repair(Netlist& netlist, const Cells& cells,
               const std::function<void(const std::string&)>& progress,
               const RepairWires* wires = nullptr);

}  // namespace trine::synth
