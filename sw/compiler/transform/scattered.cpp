// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/scattered.h"

#include <algorithm>
#include <utility>

#include "sw/base/division.h"
#include "sw/compiler/transform/stripes.h"

namespace trine::compiler {
namespace {

/// Returns true if the layer computes each row of one map from a window of rows of another map.
bool makes_rows(const Network& network, const Layer& l) {
  const Map& out = network.maps[at(l.output)];
  const bool simple = (l.kind == LayerKind::kConv && !l.fuses_max() && l.weights_map < 0) ||
                      l.kind == LayerKind::kMax;
  return simple && l.second < 0 && l.like < 0 && l.part_of < 0 && !l.by_dma && !l.by_rows &&
         !l.wide_codes() && l.window.stride_y > 0 && l.window.stride_x > 0 && out.part.whole >= 0 &&
         out.part.pixel_words == 0 && out.part.channel % out.shape.per_word == 0;
}

/// Returns true if another layer writes some of the channels that these layers write. A stripe that
/// leaves DMEM contains only the pixels of its own layers.
bool others_write(const Network& network, const Scattered& layers) {
  const Map& map = network.maps[at(network.layers[at(layers.first)].output)];
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    if (i >= layers.first && i <= layers.last) continue;
    const int m = network.layers[at(i)].output;
    if (network.whole_of(m) != network.whole_of(map.part.whole)) continue;
    const Map& other = network.maps[at(m)];
    const bool beside = other.part.whole == map.part.whole &&
                        (other.part.channel + other.shape.C <= map.part.channel ||
                         map.part.channel + map.shape.C <= other.part.channel);
    if (!beside) return true;
  }
  return false;
}

class Striping {
 public:
  Striping(const Network& network, const Scattered& layers, int rows, bool loads)
      : old_(network), layers_(layers), rows_(rows), loads_(loads), net_(network) {}

  Network run() {
    const auto begin = old_.layers.begin();
    net_.layers.assign(begin, begin + layers_.first);
    first_of_.assign(at(layers_.last - layers_.first) + 1, -1);
    const Map& whole = old_.maps[at(whole_)];
    for (int y = 0; y < whole.shape.H; y += rows_)
      stripes_.push_back({{y, std::min(whole.shape.H, y + rows_)}, {}, -1, -1});
    net_.maps[at(whole_)].spill = true;
    if (loads_) net_.maps[at(input_)].spill = true;
    // Loads for the next stripe and stores of the previous one have separate maps.
    const int count = static_cast<int>(stripes_.size());
    if (loads_) load(stripes_.front());
    for (int k = 0; k < count; ++k) {
      if (loads_ && k + 1 < count) load(stripes_[at(k) + 1]);
      make(stripes_[at(k)]);
      if (k > 0) store(stripes_[at(k) - 1]);
    }
    store(stripes_.back());
    add_behind(net_, old_, layers_.last);
    return std::move(net_);
  }

 private:
  struct Stripe {
    Rows out, in;
    int made = -1, loaded = -1;  ///< maps
  };

  const Layer& old(int i) const { return old_.layers[at(i)]; }
  const Part& part_of(int i) const { return old_.maps[at(old(i).output)].part; }

  /// Returns the layer's rows inside of the stripe.
  Rows rows_of(int i, const Stripe& stripe) const {
    const Part& part = part_of(i);
    const auto from = [&](int y) { return divide_up(std::max(0, y - part.y), part.stride_y); };
    const int last = std::min(old(i).window.P, from(stripe.out.last));
    return {std::min(last, from(stripe.out.first)), last};
  }

  /// Adds a part for rows of a map.
  int cut(int m, int channel, int channels, const Rows& rows) {
    Map part = old_.maps[at(m)].inner_copy();
    part.shape.H = rows.count();
    part.shape.C = channels;
    part.part = {.whole = m, .channel = channel, .y = rows.first};
    return net_.add(std::move(part));
  }

  /// Adds a separate map for these rows.
  int add(int m, int channels, const Rows& rows) {
    Map own = old_.maps[at(m)].inner_copy();
    own.spill = false;
    own.moved = true;
    own.shape.H = rows.count();
    own.shape.C = channels;
    return net_.add(std::move(own));
  }

  void load(Stripe& stripe) {
    const int height = old_.maps[at(input_)].shape.H;
    Rows& in = stripe.in;
    in = {height, 0};
    for (int i = layers_.first; i <= layers_.last; ++i) {
      const Rows out = rows_of(i, stripe);
      if (out.count() <= 0) continue;
      const Rows read = input_rows(old(i).window, out);
      in = {std::min(in.first, read.first), std::max(in.last, read.last)};
    }
    if (in.count() <= 0) in = {height - 1, height};  // no layer has rows there
    const int channels = old_.maps[at(input_)].shape.C;
    stripe.loaded = add(input_, channels, in);
    copy(cut(input_, 0, channels, in), stripe.loaded, first_load_);
  }

  void make(Stripe& stripe) {
    const Map& some = old_.maps[at(old(layers_.first).output)];
    stripe.made = add(whole_, some.shape.C, stripe.out);
    for (int i = layers_.first; i <= layers_.last; ++i) {
      const Rows out = rows_of(i, stripe);
      if (out.count() > 0) add_layer(i, out, stripe);
    }
  }

  void add_layer(int i, const Rows& out, const Stripe& stripe) {
    Layer l = old(i);
    Map to = old_.maps[at(l.output)].inner_copy();
    to.shape.H = out.count();
    to.part.whole = stripe.made;
    to.part.channel = 0;
    to.part.y += out.first * to.part.stride_y - stripe.out.first;
    l.output = net_.add(std::move(to));
    l.window.pad_top -= out.first * l.window.stride_y;
    if (loads_) {
      l.input = stripe.loaded;
      l.window.pad_top += stripe.in.first;
      l.window.H = stripe.in.count();
    }
    add_rows(net_, std::move(l), out, first_of_[at(i - layers_.first)]);
  }

  void store(const Stripe& stripe) {
    const int channels = net_.maps[at(stripe.made)].shape.C;
    copy(stripe.made, cut(whole_, part_of(layers_.first).channel, channels, stripe.out),
         first_store_);
  }

  void copy(int from, int to, int& first) {
    const Layer& of = old(layers_.first);
    add_copy(net_, from, to, of, of.name, first);
  }

  const Network& old_;
  const Scattered layers_;
  const int rows_;
  const bool loads_;
  Network net_;
  const int whole_ = old_.whole_of(old_.layers[at(layers_.first)].output);
  const int input_ = old_.layers[at(layers_.first)].input;
  std::vector<Stripe> stripes_;
  std::vector<int> first_of_;  ///< by old layer: the layer of the first stripe
  int first_load_ = -1, first_store_ = -1;
};

}  // namespace

std::vector<Scattered> scattered_layers(const Network& network, const spec::Config& config) {
  std::vector<Scattered> found;
  const int count = static_cast<int>(network.layers.size());
  const auto output = [&](int i) -> const Map& {
    return network.maps[at(network.layers[at(i)].output)];
  };
  for (int first = 0, last; first < count; first = last + 1) {
    last = first;
    const Layer& l = network.layers[at(first)];
    if (!makes_rows(network, l)) continue;
    const Map &map = output(first), &whole = network.maps[at(map.part.whole)];
    const auto alike = [&](int i) {
      const Map& other = output(i);
      return makes_rows(network, network.layers[at(i)]) && network.layers[at(i)].input == l.input &&
             other.part.whole == map.part.whole && other.part.channel == map.part.channel &&
             other.shape.C == map.shape.C;
    };
    while (last + 1 < count && alike(last + 1)) ++last;
    const bool whole_words =
        map.shape.C % map.shape.per_word == 0 || map.part.channel + map.shape.C == whole.shape.C;
    const bool between = std::ranges::any_of(
        network.layers.begin() + first, network.layers.begin() + last + 1, [&](const Layer& k) {
          const Part& part = network.maps[at(k.output)].part;
          return part.stride_x > 1 || part.stride_y > 1;
        });
    if (last > first && whole_words && between && !whole.output && !whole.input &&
        moves_by_beats(whole, config) && moves_by_beats(network.maps[at(l.input)], config) &&
        !others_write(network, {first, last}))
      found.push_back({first, last});
  }
  return found;
}

Network in_stripes(const Network& network, const Scattered& layers, int rows, bool loads) {
  return Striping(network, layers, rows, loads).run();
}

}  // namespace trine::compiler
