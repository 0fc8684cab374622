// SPDX-License-Identifier: Apache-2.0
//
// Buffers by place: sinks that lie side by side stand behind a buffer in their middle, those again
// behind others, until no driver has more loads or wire than it should; the few that are late stay
// at the driver.

#pragma once

#include <functional>

#include "synth/place/wires.h"

namespace trine::synth {

struct WireBuffers {
  std::int64_t count = 0;
  double um2 = 0;
};

/// @param late  whether a sink has no time to spare
WireBuffers buffer_wires(Netlist& netlist, const Cells& cells, Placement& placement,
                         const std::function<bool(const PinOf&)>& late);

}  // namespace trine::synth
