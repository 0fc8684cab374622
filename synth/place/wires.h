// SPDX-License-Identifier: Apache-2.0
//
// Estimated wires of placed cells: a net is the shortest tree over its pins along x and y (minimum
// spanning tree), its resistance and capacitance those of LEF's layers, with two vias at each pin.
//
//   delay to a sink = sum over the edges on the way of R * (C / 2 + all behind)      (Elmore)
//
// The clock has none.

#pragma once

#include <string>
#include <vector>

#include "synth/place/placement.h"
#include "synth/timing/timer.h"

namespace trine::synth {

/// The edges of a net's tree: pin i hangs at pin parent[i], which stands before it in `order`.
struct WireTree {
  std::vector<PinOf> pins;  ///< the driver first
  std::vector<int> parent, order;
  std::vector<float> um;  ///< of the edge to the parent

  float length() const;
};

/// A tree over points, the first its root. @param star  how much the way to the root counts beside
/// the length: 0 is the shortest tree, 1 has the shortest ways.
WireTree tree_over(const std::vector<Point>& points, float star = 0);

class Wires : public WireModel {
 public:
  Wires(const Netlist& netlist, const Cells& cells, const Placement& placement,
        const WireCost& cost)
      : netlist_(netlist), cells_(cells), placement_(placement), cost_(cost) {}

  /// All anew, after the netlist or the placement changed.
  void update();
  /// One net, after a cell was put before it or behind it.
  void update(int net);

  float pf(int net) const override;
  float ns(const PinOf& sink) const override;
  double um() const;  ///< of all

  /// For OpenSTA: names as Netlist::verilog() gives them.
  std::string spef() const;

 private:
  void grow();
  void measure(int net);
  WireTree tree(int net) const;
  float edge_kohm(const WireTree& tree, int pin) const;
  std::string node(const PinOf& pin, int net) const;

  const Netlist& netlist_;
  const Cells& cells_;
  const Placement& placement_;
  const WireCost cost_;
  std::vector<float> um_;               // by net
  std::vector<std::vector<float>> ns_;  // by instance and pin
};

}  // namespace trine::synth
