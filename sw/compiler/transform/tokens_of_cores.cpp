// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/tokens_of_cores.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

/// The maps of a layer that reads and writes the same pixels of each.
constexpr int Layer::*kPixelMaps[] = {&Layer::input, &Layer::second, &Layer::output};

class TokensOfCores {
 public:
  TokensOfCores(const Network& network, const spec::Config& config)
      : net_(network), config_(config) {}

  std::optional<Network> run() {
    find_layers();
    if (!pays()) return std::nullopt;
    share_maps();
    for (std::size_t i = 0; i < net_.layers.size(); ++i) {
      Layer& l = net_.layers[i];
      if (takes_[i] != 0) cut(l);
      for (int Layer::*m : kPixelMaps)
        if (l.*m >= 0) l.*m = seen(l.*m, takes_[i] != 0);
      if (l.weights_map < 0) continue;
      l.weights_map = seen(l.weights_map, false);
      map(net_.whole_of(l.weights_map)).weights = true;
    }
    give_outputs();
    net_.cores = config_.cores;
    net_.tokens = true;
    set_lifetimes(net_);
    return std::move(net_);
  }

 private:
  Map& map(int m) { return net_.maps[at(m)]; }
  const Map& map(int m) const { return net_.maps[at(m)]; }

  /// Returns a core's pixels of a row, in whole beats.
  int of_core(int W) const { return round_up(divide_up(W, config_.cores), config_.data_words()); }

  /// Returns true if the layer computes each pixel of a row from the pixel at the same place.
  bool takes_pixels(const Layer& l) const {
    const Geometry& g = l.window;
    bool whole = true;
    for_each_rect(l, [&](const Rect& r) { whole &= r.x0 == 0 && r.x1 == g.Q; });
    if (l.like >= 0 || l.by_dma || l.former.halo > 0 || l.former.idle > 0 || l.is_gate() ||
        g.S != 1 || g.stride_x != 1 || g.pad_left != 0 || g.reach_x != 0 || g.W != g.Q ||
        of_core(g.Q) >= g.Q || !whole || (l.kind == LayerKind::kWords && l.pool().joins))
      return false;
    return std::ranges::all_of(kPixelMaps,
                               [&](int Layer::*m) { return l.*m < 0 || has_pixels(l.*m, g.Q); });
  }

  /// Returns true if the map, and the map of which it is a part, have rows of `Q` pixels.
  bool has_pixels(int m, int Q) const {
    const Map &own = map(m), &whole = map(net_.whole_of(m));
    const Part& part = own.part;
    return own.shape.W == Q && whole.shape.W == Q && part.x == 0 && part.stride_x == 1 &&
           part.pixel_words == 0 && !own.transposed && !whole.transposed && !whole.is_linked() &&
           !whole.fold.folded() && !whole.moved;
  }

  /// Finds the layers that can share pixels, and the maps that only such layers write.
  void find_layers() {
    for (const Layer& l : net_.layers) takes_.push_back(takes_pixels(l) ? 1 : 0);
    shared_.assign(net_.maps.size(), 0);
    for (bool again = true; std::exchange(again, false);) {
      std::vector<char> others(net_.maps.size());  // some other layer writes it
      for (std::size_t i = 0; i < net_.layers.size(); ++i)
        if (takes_[i] == 0) others[at(net_.whole_of(net_.layers[i].output))] = 1;
      for (std::size_t i = 0; i < net_.layers.size(); ++i)
        if (takes_[i] != 0 && others[at(net_.whole_of(net_.layers[i].output))] != 0) {
          takes_[i] = 0;
          again = true;
        }
    }
    for (std::size_t i = 0; i < net_.layers.size(); ++i)
      if (takes_[i] != 0) shared_[at(net_.whole_of(net_.layers[i].output))] = 1;
  }

  /// Returns true if most products are of maps of one row. Maps of several rows use
  /// rows_of_cores().
  bool pays() const {
    std::int64_t all = 0, shared = 0;
    for (std::size_t i = 0; i < net_.layers.size(); ++i) {
      const Layer& l = net_.layers[i];
      all += l.macs;
      if (takes_[i] != 0 && l.window.P == 1) shared += l.macs;
    }
    return shared > all / 2;
  }

  /// Reduces the layers' maps to a core's pixels. Readers of other pixels see a map of all pixels.
  void share_maps() {
    for (const Map& m : net_.maps) shapes_.push_back(m.shape);
    std::vector<int> own;
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m) {
      const int whole = net_.whole_of(m);
      if (shared_[at(whole)] != 0 && has_pixels(m, map(whole).shape.W)) own.push_back(m);
    }
    for (const int m : own) {
      give_pixels(map(m));
      map(m).weights = false;
    }
  }

  void give_pixels(Map& m) const {
    m.core.pixels = of_core(m.shape.W);
    m.row_room = config_.cores * m.core.pixels;
    m.shape.W = m.core.pixels;
  }

  void cut(Layer& l) const {
    Geometry& g = l.window;
    g.W = g.Q = of_core(g.Q);
    for_each_rect(l, [&](Rect& r) { r.x1 = g.Q; });
  }

  /// Returns the map with the same codes that contains a core's pixels, or all pixels.
  int seen(int m, bool by_core) {
    const int whole = net_.whole_of(m);
    if ((map(whole).core.pixels > 0) == by_core) return m;
    const auto [found, is_new] = others_.try_emplace(m, -1);
    if (!is_new) return found->second;
    Map other = map(m).inner_copy();
    if (m != whole) other.part.whole = seen(whole, by_core);
    if (by_core) {
      give_pixels(other);
      map(whole).row_room = other.row_room;
      other.weights = false;
    } else {
      other.shape = shapes_[at(m)];
      other.core.pixels = 0;
    }
    return others_[m] =
               m == whole ? net_.add_copy_of(m, std::move(other)) : net_.add(std::move(other));
  }

  /// Lets the host read all pixels of the cores' outputs.
  void give_outputs() {
    for (int& m : net_.outputs) {
      if (map(net_.whole_of(m)).core.pixels == 0) continue;
      map(m).output = false;
      m = seen(m, false);
      map(m).output = true;
    }
  }

  Network net_;
  const spec::Config& config_;
  std::vector<char> takes_;    ///< layers that share pixels
  std::vector<char> shared_;   ///< maps that only those write
  std::vector<Shape> shapes_;  ///< of all maps, before
  std::map<int, int> others_;  ///< by map: result of seen()
};

}  // namespace

std::optional<Network> tokens_of_cores(const Network& network, const spec::Config& config) {
  return TokensOfCores(network, config).run();
}

}  // namespace trine::compiler
