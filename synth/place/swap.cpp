// SPDX-License-Identifier: Apache-2.0

#include "synth/place/swap.h"

#include <algorithm>
#include <map>

namespace trine::synth {
namespace {

constexpr int kSwapRounds = 8;

class Swaps {
 public:
  Swaps(const Netlist& netlist, Placement& placement) : netlist_(netlist), placement_(placement) {}

  int run() {
    std::map<int, std::vector<int>> kinds;  // by cell
    for (int i = 0; i < placement_.size(); ++i)
      if (placement_.is_macro(i)) kinds[netlist_.instance(i).cell].push_back(i);
    int all = 0;
    for (int round = 0; round < kSwapRounds; ++round) {
      int swapped = 0;
      for (const auto& [cell, macros] : kinds)
        for (auto a = macros.begin(); a != macros.end(); ++a)
          for (auto b = a + 1; b != macros.end(); ++b) swapped += is_better(*a, *b);
      all += swapped;
      if (swapped == 0) break;
    }
    return all;
  }

 private:
  /// Swaps two macros; swaps them back unless that is better.
  bool is_better(int a, int b) {
    const std::vector<int> nets = nets_of(a, b);
    const double before = length(nets);
    std::swap(placement_.at(a), placement_.at(b));
    if (length(nets) < before) return true;
    std::swap(placement_.at(a), placement_.at(b));
    return false;
  }

  std::vector<int> nets_of(int a, int b) const {
    std::vector<int> nets;
    for (const int macro : {a, b})
      for (const int net : netlist_.instance(macro).nets)
        if (net >= 0 && placement_.has_wire(net)) nets.push_back(net);
    std::sort(nets.begin(), nets.end());
    nets.erase(std::unique(nets.begin(), nets.end()), nets.end());
    return nets;
  }

  double length(const std::vector<int>& nets) const {
    double um = 0;
    for (const int net : nets) {
      Point low{1e9f, 1e9f}, high{-1e9f, -1e9f};
      for (const PinOf& pin : placement_.pins(net)) {
        const Point p = placement_.point(pin, net);
        low = {std::min(low.x, p.x), std::min(low.y, p.y)};
        high = {std::max(high.x, p.x), std::max(high.y, p.y)};
      }
      um += double{high.x - low.x} + double{high.y - low.y};
    }
    return um;
  }

  const Netlist& netlist_;
  Placement& placement_;
};

}  // namespace

int swap_macros(const Netlist& netlist, Placement& placement) {
  return Swaps(netlist, placement).run();
}

}  // namespace trine::synth
