// SPDX-License-Identifier: Apache-2.0
//
// Verifies a network after lowering and after each pass.

#include <fmt/format.h>

#include <algorithm>

#include "sw/compiler/verify/first_fault.h"
#include "sw/compiler/verify/verify.h"

namespace trine::compiler {
namespace {

class NetworkVerifier : FirstFault {
 public:
  NetworkVerifier(const Network& network, const spec::Config& config)
      : net_(network), config_(config) {}

  std::optional<std::string> run() {
    verify_edges();
    for (int m = 0; m < count() && !fault_; ++m) verify_map(m);
    for (int i = 0; i < std::ssize(net_.layers) && !fault_; ++i) verify_layer(i);
    if (!fault_) verify_order();
    if (!fault_) verify_lifetimes();
    return fault_;
  }

 private:
  int count() const { return static_cast<int>(net_.maps.size()); }
  const Map& map(int m) const { return net_.maps[at(m)]; }
  bool is_map(int m) const { return m >= 0 && m < count(); }

  // ---- maps -------------------------------------------------------------------------------------

  void verify_edges() {
    where_ = "network: ";
    // The network of a table of shapes does not have tensors.
    const bool of_model = !net_.input_tensors.empty() || !net_.output_tensors.empty();
    require(!of_model || (net_.inputs.size() == net_.input_tensors.size() &&
                          net_.outputs.size() == net_.output_tensors.size()),
            "the numbers of inputs or outputs and of their tensors differ");
    for (const std::vector<int>* maps : {&net_.inputs, &net_.outputs})
      for (const int m : *maps)
        require(is_map(m), "map {} is an input or output, but there are {} maps", m, count());
  }

  void verify_map(int m) {
    where_ = fmt::format("map {} '{}': ", m, map(m).name);
    const Map& own = map(m);
    if (own.written.last < 0 && own.read.first < 0) return;  // no layer uses it after a pass
    const Shape& s = own.shape;
    require(s.H > 0 && s.W > 0 && s.C > 0, "shape {}x{}x{}, allowed 1 and above", s.H, s.W, s.C);
    require(s.per_word == 1 || s.per_word == 4 || s.per_word == 16 || s.per_word == 32,
            "{} codes a word, allowed 1, 4, 16, 32", s.per_word);
    if (own.part.whole >= 0) verify_part(own);
    if (own.is_copy()) verify_reload(m);
    verify_shares(own);
  }

  void verify_part(const Map& own) {
    const Part& part = own.part;
    require(is_map(part.whole) && map(part.whole).part.whole < 0,
            "is a part of map {}, which is not a whole map", part.whole);
    if (fault_) return;
    const Map& whole = map(part.whole);
    const Shape &s = own.shape, &of = whole.shape;
    require(s.per_word == of.per_word && s.wide == of.wide,
            "its type of codes differs from that of map {}", part.whole);
    require(
        part.y >= 0 && part.x >= 0 && part.channel >= 0 && part.stride_y > 0 && part.stride_x > 0,
        "begins before map {}, or has a stride below 1", part.whole);
    if (part.pixel_words > 0) {
      const std::int64_t words =
          part.channel / s.per_word + s.pixels() * std::int64_t{part.pixel_words};
      require(part.y < of.H && part.x < of.W && words <= of.channel_words(),
              "needs {} words of a pixel, which has {} words in map {}", words, of.channel_words(),
              part.whole);
      return;
    }
    require(part.y + (s.H - 1) * part.stride_y < of.H &&
                part.x + (s.W - 1) * part.stride_x < of.W && part.channel + s.C <= of.C,
            "{}x{}x{} codes from {},{},{} on exceed map {} of {}x{}x{}", s.H, s.W, s.C, part.y,
            part.x, part.channel, part.whole, of.H, of.W, of.C);
  }

  void verify_reload(int m) {
    const Map& own = map(m);
    require(is_map(own.reloads) && own.reloads != m && own.part.whole < 0, "cannot reload map {}",
            own.reloads);
    if (fault_) return;
    const Map& from = map(own.reloads);
    require(from.part.whole < 0 && !from.is_on_chip(), "reloads map {}, which is not stored",
            own.reloads);
    require(own.shape.H == from.shape.H && own.shape.C == from.shape.C &&
                own.shape.per_word == from.shape.per_word && own.shape.wide == from.shape.wide,
            "reloads map {} of another shape", own.reloads);
  }

  /// Checks the parts of a map that the cores of a cluster share.
  void verify_shares(const Map& own) {
    require(own.core.pixels == 0 || net_.tokens,
            "has pixels per core, but the cores share no tokens");
    require(own.core.pixels % config_.data_words() == 0, "{} pixels of a core are not whole beats",
            own.core.pixels);
    require(own.core.rows == 0 || net_.row_cores > 1,
            "has rows per core, but the cores share no rows");
  }

  // ---- layers -----------------------------------------------------------------------------------

  void verify_layer(int i) {
    const Layer& l = net_.layers[at(i)];
    where_ = fmt::format("layer {} {} '{}': ", i, l.op, l.name);
    require(is_map(l.input) && is_map(l.output), "from map {} to map {}, but there are {} maps",
            l.input, l.output, count());
    for (const int m : {l.second, l.weights_map})
      require(m == -1 || is_map(m), "reads map {}, but there are {} maps", m, count());
    require(l.like < i && l.part_of < i,
            "is like layer {} and a part of layer {}, allowed earlier layers", l.like, l.part_of);
    if (fault_) return;
    verify_window(l);
    verify_operands(l);
    if (l.kind == LayerKind::kConv) verify_conv(l);
  }

  void verify_window(const Layer& l) {
    const Geometry& g = l.window;
    require(g.P > 0 && g.Q > 0 && g.R > 0 && g.S > 0 && g.H > 0 && g.W > 0,
            "a window of {}x{} over {}x{} pixels or its output is empty", g.R, g.S, g.H, g.W);
    require(l.words > 0, "reads {} channel words, allowed 1 and above", l.words);
    const Shape& out = map(l.output).shape;
    require(l.by_rows || (g.P <= out.H && g.Q <= out.W),
            "{}x{} output positions exceed its map of {}x{}", g.P, g.Q, out.H, out.W);
    if (l.kind == LayerKind::kWords) return;  // regions are of channels, at any position
    for_each_rect(l, [&](const Rect& r) {
      require(r.y0 >= 0 && r.x0 >= 0 && r.y1 <= g.P && r.x1 <= g.Q,
              "rows {}..{} and columns {}..{} are outside of its {}x{} output positions", r.y0,
              r.y1 - 1, r.x0, r.x1 - 1, g.P, g.Q);
    });
  }

  void verify_operands(const Layer& l) {
    require(!l.two_operands() || l.second >= 0, "lacks its second operand");
    if (l.second < 0) return;
    const Shape &a = map(l.two_operands() ? l.input : l.output).shape, &b = map(l.second).shape;
    require(a.per_word == b.per_word && a.wide == b.wide && a.H == b.H && a.W == b.W && a.C == b.C,
            "operands of {}x{}x{} and {}x{}x{} codes, but one instruction reads both", a.H, a.W,
            a.C, b.H, b.W, b.C);
  }

  void verify_conv(const Layer& l) {
    require(l.channels > 0, "{} output channels, allowed 1 and above", l.channels);
    require(l.channels <= map(l.output).shape.C, "writes {} channels, but its map has {}",
            l.channels, map(l.output).shape.C);
    require(!l.sweeps.empty(), "has no sweep");
    const Conv& conv = l.conv();
    require(l.like >= 0 || l.weights_map >= 0 || conv.weights.empty() || l.former.steps > 0 ||
                std::ssize(conv.weights) == l.weight_at(l.channels, 0),
            "the number of weights, {}, does not fit {} channels of {} steps", conv.weights.size(),
            l.channels, l.steps());
    require(l.scales.empty() || l.per_tensor || std::ssize(l.scales) == l.channels,
            "has {} scales, but {} channels", l.scales.size(), l.channels);
  }

  // ---- order ------------------------------------------------------------------------------------

  /// Returns true if codes of the map exist before all layers.
  bool exists(int m) const {
    return map(m).exists_at_start() || map(net_.whole_of(m)).exists_at_start();
  }

  void verify_order() {
    std::vector<char> written(net_.maps.size());  // by whole map
    int layer = 0;
    // A layer that loads a map again reads DRAM, which contains the map after its last writer.
    const auto is_stored = [&](int m) {
      return exists(m) || (map(m).written.first >= 0 && map(m).written.last < layer);
    };
    const auto is_there = [&](int m) {
      return exists(m) || written[at(net_.whole_of(m))] != 0 ||
             (map(net_.whole_of(m)).is_copy() && is_stored(net_.source_of(m)));
    };
    for (; layer < std::ssize(net_.layers); ++layer) {
      const Layer& l = net_.layers[at(layer)];
      where_ = fmt::format("layer {} {} '{}': ", layer, l.op, l.name);
      for (const int m : {l.input, l.second, l.weights_map})
        require(m < 0 || is_there(m), "reads map {} before a layer writes it", m);
      require(!map(l.output).constant(), "writes constant {}", l.output);
      written[at(net_.whole_of(l.output))] = 1;
    }
    where_ = "network: ";
    for (const int m : net_.outputs) require(is_there(m), "no layer writes output {}", m);
  }

  void verify_lifetimes() {
    Network fresh;
    fresh.maps.reserve(net_.maps.size());
    for (const Map& m : net_.maps) {
      Map& to = fresh.maps.emplace_back();
      to.part = m.part;
    }
    for (const Layer& l : net_.layers) {
      Layer& to = fresh.layers.emplace_back(LayerKind::kMax);
      to.input = l.input;
      to.second = l.second;
      to.weights_map = l.weights_map;
      to.output = l.output;
    }
    set_lifetimes(fresh);
    for (int m = 0; m < count(); ++m) {
      const Map &is = map(m), &should = fresh.maps[at(m)];
      where_ = fmt::format("map {} '{}': ", m, is.name);
      require(is.written == should.written && is.read == should.read &&
                  is.has_parts == should.has_parts,
              "is written by layers {}..{} and read by {}..{}, but its stored lifetimes are {}..{} "
              "and {}..{}",
              should.written.first, should.written.last, should.read.first, should.read.last,
              is.written.first, is.written.last, is.read.first, is.read.last);
    }
  }

  const Network& net_;
  const spec::Config& config_;
};

}  // namespace

std::optional<std::string> fault_of(const Network& network, const spec::Config& config) {
  return NetworkVerifier(network, config).run();
}

}  // namespace trine::compiler
