// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan/tile_memo.h"

#include <bit>

#include "sw/base/hash.h"

namespace trine::compiler {
namespace {

/// Collects properties as integers.
class Collector {
 public:
  Collector() { all_.reserve(kUsual); }

  template <typename... Ts>
  void add(const Ts&... values) {
    (all_.push_back(static_cast<std::int64_t>(values)), ...);
  }
  void add_real(double value) { all_.push_back(std::bit_cast<std::int64_t>(value)); }
  /// Adds a part without its row and its word, on which only its place depends.
  void add_part(const Part& p, int per_word) {
    add(p.whole >= 0, p.channel % per_word, p.y == 0, p.x, p.stride_y, p.stride_x, p.pixel_words);
  }
  void add_map(const Map& map, const Map& whole) {
    add(map.shape.C, map.shape.H, map.shape.W, map.shape.per_word, map.shape.pixel_words());
    add_part(map.part, map.shape.per_word);
    add(map.width_in_dram(), whole.width_in_dram(), whole.core.pixels);
  }
  void add_layer(const Layer& l) {
    add(l.kind, l.by_dma, l.by_rows, l.second >= 0, l.weights_map >= 0, l.words, l.group_channels,
        l.wide, l.result, l.range.act_min, l.range.act_max, l.channels, l.per_tensor, l.passes);
    const Geometry& g = l.window;
    add(g.H, g.W, g.P, g.Q, g.R, g.S, g.stride_y, g.stride_x, g.dil_y, g.dil_x, g.pad_top,
        g.pad_left, g.reach_y, g.reach_x);
    add(l.former.steps, l.former.dil, l.former.halo, l.former.idle, l.sweeps.size());
    for (const Sweep& s : l.sweeps)
      add(s.down, s.right, s.rect.y0, s.rect.y1, s.rect.x0, s.rect.x1);
    add_own(l);
    add(l.nest.has_value());
    if (l.nest)
      add(l.nest->M, l.nest->P, l.nest->Q, l.nest->C, l.nest->R, l.nest->chunk_outer, l.nest->sums,
          l.nest->buffers);
  }
  TileMemo::Properties all() { return std::move(all_); }

 private:
  static constexpr std::size_t kUsual = 96;  ///< properties of a convolution

  void add_own(const Layer& l) {
    if (const Conv* conv = std::get_if<Conv>(&l.own)) {
      add(conv->weights_transposed, conv->gate_words, conv->precision, conv->step_codes,
          conv->steps_per_row, conv->group_steps);
      add_real(conv->stored_share);
    }
    if (const OverChannels* over = std::get_if<OverChannels>(&l.own))
      add(over->shares, over->rescale.has_value());
  }

  TileMemo::Properties all_;
};

}  // namespace

std::size_t TileMemo::Hash::operator()(const Properties& properties) const {
  return hash64({reinterpret_cast<const char*>(properties.data()),
                 properties.size() * sizeof(Properties::value_type)});
}

TileMemo::Properties layer_properties(const Layer& layer) {
  Collector of;
  of.add_layer(layer);
  return of.all();
}

TileMemo::Properties tile_properties(const Network& network, const Layer& layer,
                                     const LayerPlaces& places, const spec::Config& config) {
  Collector of;
  of.add_layer(layer);
  // The last layer differs only where its last store counts: Tiler::ends_.
  const bool ends =
      &layer == &network.layers.back() && (layer.wide || copy_offset(layer, network).has_value());
  of.add(config.partial_sums, network.cores, network.row_cores, network.tokens, network.in_steps,
         network.objective, &layer == network.layers.data(), ends);
  for (const int map : {layer.input, layer.output})
    of.add_map(network.maps[at(map)], network.maps[at(network.whole_of(map))]);
  of.add(places.repeated, places.together, network.maps[at(layer.input)].has_copy_in_dram());
  return of.all();
}

}  // namespace trine::compiler
