// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/rows_of_cores.h"

#include <algorithm>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

constexpr int kMostCoreRows = 255;  ///< core_y
constexpr int kMostRows = 4096;     ///< rows of a map: its coordinates begin with its first row

class RowsOfCores {
 public:
  RowsOfCores(const Network& network, int cores) : net_(network), cores_(cores) {}

  std::optional<Network> run() {
    bool any = false;
    for (Layer& l : net_.layers) {
      if (!can_share(l)) continue;
      cut(l);
      any = true;
    }
    if (!any) return std::nullopt;
    for (const Layer& l : net_.layers) place_inputs(l);
    for (Map& m : net_.maps) m.spill |= m.core.rows > 0 && m.output;
    net_.row_cores = cores_;
    return std::move(net_);
  }

 private:
  Map& map(int m) { return net_.maps[at(m)]; }
  const Map& map(int m) const { return net_.maps[at(m)]; }

  /// Returns true if the map is separate, and only one layer writes it.
  bool is_plain(int m) const {
    const Map& map = net_.maps[at(m)];
    return net_.is_separate(m) && !map.is_linked() && !map.weights &&
           map.written.first == map.written.last;
  }

  static bool has_rows(LayerKind kind) {
    return kind == LayerKind::kConv || kind == LayerKind::kMax || kind == LayerKind::kSum ||
           kind == LayerKind::kAdd || kind == LayerKind::kMul || kind == LayerKind::kMaximum ||
           kind == LayerKind::kMinimum || kind == LayerKind::kSquare;
  }

  /// Returns true if all rows have the same parameters.
  static bool is_even(const Layer& l) {
    bool even = true;
    for_each_rect(l, [&](const Rect& r) { even &= r.y0 == 0 && r.y1 == l.window.P; });
    return even;
  }

  bool can_share(const Layer& l) const {
    const Geometry& g = l.window;
    if (!has_rows(l.kind) || l.wide || l.wide_codes() || l.pairs_lanes() || l.weights_map >= 0 ||
        l.like >= 0 || l.rows_of_all > 0 || g.P < 2 || g.stride_y < 1 || g.stride_x < 1 ||
        g.H > kMostRows || g.P > kMostRows || !is_even(l))
      return false;
    if (map(l.input).shape.pixels() == 1) return false;  // its rows are not beats apart
    if (divide_up(g.P, cores_) * g.stride_y > kMostCoreRows) return false;
    if (l.two_operands() && (g.R != 1 || g.S != 1 || g.stride_y != 1)) return false;
    for (const int m : {l.input, l.second, l.output})
      if (m >= 0 && !is_plain(m)) return false;
    return l.input != l.output;
  }

  void cut(Layer& l) {
    l.by_rows = true;
    const int rows = divide_up(l.window.P, cores_);
    l.window.P = rows;
    map(l.output).core.rows = rows;
    for_each_rect(l, [&](Rect& r) { r.y1 = rows; });
  }

  void place_inputs(const Layer& l) {
    const Geometry& g = l.window;
    place_input(l, l.input, g.P * g.stride_y, std::max(g.pad_top, 0),
                std::max(g.span_y() - g.stride_y - g.pad_top, 0));
    for (const int m : {l.second, l.weights_map}) place_input(l, m, g.P, 0, 0);
  }

  /// @param rows  rows of a core; the layer also reads some rows above and below
  void place_input(const Layer& l, int m, int rows, int above, int below) {
    if (m < 0) return;
    Map& from = net_.maps[at(net_.whole_of(m))];
    if (!l.by_rows && from.core.rows == 0) return;
    // A core's rows begin where the rows that it reads begin, and reach at most into a neighbour's
    // rows.
    from.spill |= !l.by_rows || from.core.rows != rows || std::max(above, below) > rows;
    from.core.rows_above = std::max(from.core.rows_above, above);
    from.core.rows_below = std::max(from.core.rows_below, below);
  }

  Network net_;
  int cores_;
};

}  // namespace

std::optional<Network> rows_of_cores(const Network& network, int cores) {
  return RowsOfCores(network, cores).run();
}

}  // namespace trine::compiler
