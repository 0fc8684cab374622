// SPDX-License-Identifier: Apache-2.0
//
// Inserts buffers into the wires of placed cells, net by net. A net is a tree over its pins. Of all
// positions and strengths of buffers in the tree, the ones with the most slack are chosen, at a
// price for each buffer.
//
// Source: van Ginneken, "Buffer placement in distributed RC-tree networks for minimal Elmore
// delay", ISCAS 1990; trees between the shortest ones and stars: Alpert et al., "Prim-Dijkstra
// tradeoffs for improved performance-driven routing tree design", IEEE Trans. CAD 1995.

#pragma once

#include "synth/place/wires.h"

namespace trine::synth {

/// The buffers that a pass inserted.
struct WireBuffers {
  std::int64_t count = 0;
  double um2 = 0;
};

/// Estimates wires with buffers, for a timer before buffers are inserted: a delay proportional to
/// the distance, and the load of a short wire only.
class BufferedWires : public WireModel {
 public:
  BufferedWires(const Netlist& netlist, const Placement& placement, const WireCost& cost);

  float pf(int net) const override;
  float ns(const PinOf& sink) const override;

 private:
  std::vector<float> pf_;  // by net
  std::vector<std::vector<float>> ns_;
};

/// Inserts buffers into all nets.
/// @param timer  times the netlist without buffers, with BufferedWires
WireBuffers buffer_trees(Netlist& netlist, const Cells& cells, Placement& placement,
                         const WireCost& cost, const Timer& timer);

}  // namespace trine::synth
