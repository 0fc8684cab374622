// SPDX-License-Identifier: Apache-2.0
//
// Removes pixels that no layer reads. If all readers of a map use one pixel of each s x t
// (convolutions and pools of one tap with these strides), its convolution computes only those
// pixels, the map contains nothing else, and the readers have a stride of 1. A residual that other
// layers read as a whole is copied, because it must have the layout of the output.

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

/// The pixels (y * stride_y, x * stride_x) of a map, y < rows, x < cols.
struct Lattice {
  int stride_y = 1, stride_x = 1, rows = 0, cols = 0;

  bool operator==(const Lattice& o) const = default;
  bool sparse() const { return stride_y > 1 || stride_x > 1; }
};

class Thinning {
 public:
  Thinning(const Network& network, bool copies) : net_(network), copies_(copies) {}

  std::optional<Network> run() {
    bool changed = false;
    // From the end, because a convolution that computes less also reads less.
    for (int i = static_cast<int>(net_.layers.size()) - 1; i >= 0; --i) {
      const int map = net_.layers[at(i)].output;
      Lattice lattice;
      if (!net_.is_private(map) || !read_on(map, &lattice) || !can_compute(i, lattice)) continue;
      for (Layer& reader : net_.layers)
        if (reader.input == map) read_all(reader, lattice);
      i += compute(i, lattice);
      changed = true;
    }
    if (!changed) return std::nullopt;
    set_lifetimes(net_);
    return std::move(net_);
  }

 private:
  Map& map_at(int m) { return net_.maps[at(m)]; }

  /// Returns true if all readers use the same pixels, and not all pixels.
  bool read_on(int m, Lattice* lattice) const {
    bool read = false;
    for (const Layer& l : net_.layers) {
      if (l.second == m || l.weights_map == m) return false;
      if (l.input != m) continue;
      const Geometry& g = l.window;
      const Lattice wanted{g.stride_y, g.stride_x, g.P, g.Q};
      const bool takes_one = (l.kind == LayerKind::kConv || l.kind == LayerKind::kMax) &&
                             l.former.steps == 0 && g.R * g.S == 1 && g.pad_top == 0 &&
                             g.pad_left == 0 && g.stride_y > 0 && g.stride_x > 0 &&
                             (g.P - 1) * g.stride_y < g.H && (g.Q - 1) * g.stride_x < g.W;
      if (!takes_one || (read && wanted != *lattice)) return false;
      *lattice = wanted;
      read = true;
    }
    return read && lattice->sparse();
  }

  bool can_compute(int index, const Lattice& lattice) {
    const Layer& l = net_.layers[at(index)];
    const Map& out = map_at(l.output);
    return l.kind == LayerKind::kConv && l.former.steps == 0 && l.sweeps.size() == 1 &&
           out.written.first == out.written.last &&
           l.window.stride_y * lattice.stride_y <= l.most_stride() &&
           l.window.stride_x * lattice.stride_x <= l.most_stride() && (!l.fuse_add() || copies_);
  }

  void read_all(Layer& layer, const Lattice& lattice) {
    Geometry& g = layer.window;
    g.H = lattice.rows;
    g.W = lattice.cols;
    g.stride_y = g.stride_x = 1;
  }

  /// @return number of layers inserted before it
  int compute(int index, const Lattice& lattice) {
    Layer& l = net_.layers[at(index)];
    const std::int64_t pixels = std::int64_t{l.window.P} * l.window.Q;
    l.macs = l.macs / pixels * lattice.rows * lattice.cols;  // those that are needed
    l.window.P = lattice.rows;
    l.window.Q = lattice.cols;
    l.window.stride_y *= lattice.stride_y;
    l.window.stride_x *= lattice.stride_x;
    set_sweeps(l);
    Shape& shape = map_at(l.output).shape;
    shape.H = lattice.rows;
    shape.W = lattice.cols;
    if (!l.fuse_add()) return 0;
    copy_residual(index, lattice);
    return 1;
  }

  /// Returns the first of neighbouring layers with the same weights, which are a batch's images.
  int first_of_images(int index) const {
    const auto same = [&](int i) {
      const Layer &a = net_.layers[at(i)], &b = net_.layers[at(index)];
      return a.fuse_add() && a.output != b.second && a.conv().weights == b.conv().weights;
    };
    int first = index;
    while (first > 0 && same(first - 1)) --first;
    return first;
  }

  /// Inserts a layer that copies the needed pixels of the residual. It comes before the layers of
  /// other images, so that their sums stay neighbours.
  void copy_residual(int index, const Lattice& lattice) {
    Layer& adds = net_.layers[at(index)];
    const Map& from = map_at(adds.second);
    Layer copy(LayerKind::kMax);
    copy.label = adds.label;
    copy.op = "COPY";
    copy.name = from.name;
    copy.input = adds.second;
    copy.words = from.shape.channel_words();
    copy.single = adds.single;
    copy.window = {.H = from.shape.H,
                   .W = from.shape.W,
                   .P = lattice.rows,
                   .Q = lattice.cols,
                   .stride_y = lattice.stride_y,
                   .stride_x = lattice.stride_x};
    Map to;
    to.name = from.name;
    to.shape = from.shape;
    to.tensor = from.tensor;
    to.shape.H = lattice.rows;
    to.shape.W = lattice.cols;
    copy.output = adds.second = net_.add(std::move(to));
    net_.layers.insert(net_.layers.begin() + first_of_images(index), std::move(copy));
  }

  Network net_;
  bool copies_;  ///< true if there is a vector unit
};

}  // namespace

std::optional<Network> thin(const Network& network, const spec::Config& config, int& /*place*/) {
  return Thinning(network, config.vector).run();
}

}  // namespace trine::compiler
