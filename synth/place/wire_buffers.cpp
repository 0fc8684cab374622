// SPDX-License-Identifier: Apache-2.0

#include "synth/place/wire_buffers.h"

#include <algorithm>
#include <cmath>

#include "synth/repair.h"

namespace trine::synth {
namespace {

constexpr float kMostWire = 1000;       ///< um behind a driver
constexpr std::size_t kMostDirect = 4;  ///< late sinks that stay at the driver

using Pins = std::vector<PinOf>;

class Buffering {
 public:
  Buffering(Netlist& netlist, const Cells& cells, Placement& placement,
            const std::function<bool(const PinOf&)>& late)
      : netlist_(netlist), cells_(cells), placement_(placement), late_(late) {
    const std::vector<int>& sizes = cells[cells.buffer()].sizes;
    buffer_ = sizes[std::min<std::size_t>(2, sizes.size() - 1)];
  }

  WireBuffers run() {
    const int nets = static_cast<int>(netlist_.nets().size());
    for (int net = 0; net < nets; ++net)
      if (placement_.has_wire(net)) buffer(net);
    return result_;
  }

 private:
  Point point(const PinOf& pin) const { return placement_.point(pin, -1); }

  bool fits(const Pins& pins, const Point* driver) const {
    if (pins.size() > kMostLoads) return false;
    std::vector<Point> points;
    if (driver != nullptr) points.push_back(*driver);
    for (const PinOf& pin : pins) points.push_back(point(pin));
    return tree_over(points).length() <= kMostWire;
  }

  void buffer(int net) {
    Pins pins = netlist_.net(net).sinks;
    if (pins.empty()) return;
    const Point driver = placement_.point(netlist_.net(net).driver, net);
    if (fits(pins, &driver)) return;
    Pins direct;
    const auto take = [&](const PinOf& pin) {
      if (direct.size() >= kMostDirect || !late_(pin)) return false;
      direct.push_back(pin);
      return true;
    };
    if (pins.size() > 2 * kMostDirect) std::erase_if(pins, take);
    while (!fits(pins, &driver)) {
      Pins next;
      for (const Pins& group : groups(pins))
        next.push_back(group.size() < 2 ? group[0] : behind(net, group, placement_.middle(group)));
      if (next.size() == pins.size()) break;
      pins = next;
    }
    for (const PinOf& pin : pins) repeat(net, pin, driver);
  }

  /// Repeaters on the way to a pin that is too far away.
  void repeat(int net, PinOf pin, const Point& driver) {
    for (Point at = point(pin);;) {
      const float dx = driver.x - at.x, dy = driver.y - at.y;
      const float um = std::fabs(dx) + std::fabs(dy);
      if (um <= kMostWire) return;
      const float share = 1 / std::ceil(um / kMostWire);
      at = {at.x + dx * share, at.y + dy * share};
      pin = behind(net, {pin}, at);
    }
  }

  /// Halves along the longer side until each fits a buffer.
  std::vector<Pins> groups(Pins pins) const {
    if (pins.size() < 2 || fits(pins, nullptr)) return {pins};
    Point low{1e9f, 1e9f}, high{-1e9f, -1e9f};
    for (const PinOf& pin : pins) {
      const Point p = point(pin);
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
    const bool wide = high.x - low.x > high.y - low.y;
    std::stable_sort(pins.begin(), pins.end(), [&](const PinOf& a, const PinOf& b) {
      return wide ? point(a).x < point(b).x : point(a).y < point(b).y;
    });
    const auto half = pins.begin() + static_cast<std::ptrdiff_t>(pins.size() / 2);
    std::vector<Pins> all = groups(Pins(pins.begin(), half));
    for (Pins& group : groups(Pins(half, pins.end()))) all.push_back(std::move(group));
    return all;
  }

  /// The input of a buffer at a place.
  PinOf behind(int net, const Pins& pins, const Point& at) {
    const int next = netlist_.insert(net, pins, buffer_, cells_);
    placement_.add(at);
    ++result_.count;
    result_.um2 += cells_[buffer_].um2;
    return {netlist_.net(next).driver.instance, cells_[buffer_].arcs[0].from};
  }

  Netlist& netlist_;
  const Cells& cells_;
  Placement& placement_;
  const std::function<bool(const PinOf&)>& late_;
  int buffer_ = -1;
  WireBuffers result_;
};

}  // namespace

WireBuffers buffer_wires(Netlist& netlist, const Cells& cells, Placement& placement,
                         const std::function<bool(const PinOf&)>& late) {
  return Buffering(netlist, cells, placement, late).run();
}

}  // namespace trine::synth
