// SPDX-License-Identifier: Apache-2.0
//
// Estimates the wires of placed cells. A net is the shortest tree over its pins along x and y
// (minimum spanning tree). Its resistance and capacitance are LEF's, with two vias at each pin.
//
//   delay to a sink = sum over the edges to it of R * (C / 2 + all C downstream)      (Elmore)
//
// The clock has no wires.

#pragma once

#include <string>
#include <vector>

#include "synth/place/placement.h"
#include "synth/timing/timer.h"

namespace trine::synth {

/// The edges of a net's tree: pin i is connected to pin parent[i], which comes before it in
/// `order`.
struct WireTree {
  std::vector<PinOf> pins;  ///< pins, the driver first
  std::vector<int> parent, order;
  std::vector<float> um;  ///< length of the edge to the parent

  /// Returns the length of all edges.
  float length() const;
};

/// Returns a tree over points; the first is its root.
/// @param star  weight of the path to the root compared with the total length: 0 gives the shortest
/// tree, 1 the shortest paths
WireTree tree_over(const std::vector<Point>& points, float star = 0);

/// The wires of a placed netlist.
class Wires : public WireModel {
 public:
  Wires(const Netlist& netlist, const Cells& cells, const Placement& placement,
        const WireCost& cost)
      : netlist_(netlist), cells_(cells), placement_(placement), cost_(cost) {}

  /// Computes all wires again after a change of netlist or placement.
  void update();
  /// Computes the wires of one net again after a cell was inserted into it.
  void update(int net);

  float pf(int net) const override;
  float ns(const PinOf& sink) const override;
  double um() const;  ///< length of all wires

  /// Returns the wires for OpenSTA, with the names that Netlist::verilog() uses.
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
