// SPDX-License-Identifier: Apache-2.0
//
// Buffers in the wires of placed cells, net by net: a tree over the pins, and of all places and
// strengths of buffers in it those that leave the most time, at a price for each buffer.
//
// Source: van Ginneken, "Buffer placement in distributed RC-tree networks for minimal Elmore
// delay", ISCAS 1990; trees between the shortest ones and stars: Alpert et al., "Prim-Dijkstra
// tradeoffs for improved performance-driven routing tree design", IEEE Trans. CAD 1995.

#pragma once

#include "synth/place/wires.h"

namespace trine::synth {

struct WireBuffers {
  std::int64_t count = 0;
  double um2 = 0;
};

/// What wires will cost when they have buffers: time by the distance, no load but that of a short
/// one. For a timer before there are any.
class BufferedWires : public WireModel {
 public:
  BufferedWires(const Netlist& netlist, const Placement& placement, const WireCost& cost);

  float pf(int net) const override;
  float ns(const PinOf& sink) const override;

 private:
  std::vector<float> pf_;  // by net
  std::vector<std::vector<float>> ns_;
};

/// @param timer  of the netlist without buffers, by BufferedWires
WireBuffers buffer_trees(Netlist& netlist, const Cells& cells, Placement& placement,
                         const WireCost& cost, const Timer& timer);

}  // namespace trine::synth
