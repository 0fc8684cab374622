// SPDX-License-Identifier: Apache-2.0
//
// Inserts buffers into a mapped netlist and chooses drive strengths. No driver has more than
// kMostLoads loads or more than its maximum capacitance; slow paths get stronger cells; signals
// that arrive before a pin's hold time ends are delayed. Wires cost nothing unless a model is
// given.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::synth {

inline constexpr std::size_t kMostLoads = 16;
/// Approximate delay of the next cell for each ns of transition.
inline constexpr float kNextStage = 0.25f;

/// The changes that repair() made.
struct Repairs {
  std::int64_t buffers = 0;  ///< buffers for fan-out; their area is `buffers_um2`
  std::int64_t hold_buffers = 0;
  std::int64_t resized = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  std::int64_t too_early = 0;  ///< pins whose hold time is still violated
  std::int64_t too_heavy = 0;  ///< nets whose load exceeds their driver's maximum
};

/// A wire model for repairs, and a function to call for each inserted buffer.
struct RepairWires {
  const WireModel& model;
  std::function<void(int instance)> added;
};

/// Repairs a netlist.
/// @param progress  called with the name of each step
/// @param wires  null: there are none
/// @throws Error  the library has no buffer, or there is a combinational loop
Repairs repair(Netlist& netlist, const Cells& cells,
               const std::function<void(const std::string&)>& progress,
               const RepairWires* wires = nullptr);

}  // namespace trine::synth
