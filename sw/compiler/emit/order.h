// SPDX-License-Identifier: Apache-2.0
//
// In which order the parts of a planned network are computed: what the constants' image and the
// emitter both follow, one layer after the other.

#pragma once

#include <utility>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// Output channels first..last-1.
struct Channels {
  int first = 0, last = 0;
  int size() const { return last - first; }
};

/// Part of a filter: channel words, and rows of taps where there is only one word.
struct FilterPart {
  int word = 0, words = 1;
  int row = 0, rows = 1;
};

/// What a block of weights, or of a map's codes, is a part of, and which one.
using BlockKey = std::vector<int>;

/// A rectangle of a layer's output, for some channels.
struct Visit {
  Rect rect;
  Channels channels;
  std::size_t first = 0, last = 0;  ///< the sweeps first..last-1
  bool by_vectors = false;          ///< each vector of lanes as its input comes
  bool relay_end = false;           ///< the weights of a relay lie at PMEM's end
  bool ends_rect = false;           ///< the chunk's last visit to a rectangle of its own
  bool ends_chunk = false;          ///< all of the channels are then computed
};

class Order {
 protected:
  Order(const Network& network, const machine::Config& config, const Plan& plan)
      : net_(network),
        config_(config),
        plan_(plan),
        weights_of_(equal_weights(network)),
        together_(runs_together(network, weights_of_, config)) {}

  /// Goes on to the next layer. @return its parts in order
  std::vector<Visit> next_layer();
  /// The layers that go through their chunks with the next one; it alone, if they cannot.
  ImageRun next_together() const;

  const Layer& layer() const { return net_.layers[at(layer_)]; }
  const Tiling& tiling() const { return plan_.tilings[at(layer_)]; }
  const Placement& place(int map) const { return plan_.maps[at(map)]; }
  const Map& map_at(int map) const { return net_.maps[at(map)]; }
  const Shape& shape(int map) const { return map_at(map).shape; }
  const Map& input() const { return map_at(layer().input); }
  const Map& output() const { return map_at(layer().output); }
  int out_per_word() const { return output().shape.per_word; }
  int channels() const {
    return layer().kind == LayerKind::kConv ? layer().channels : output().shape.C;
  }

  /// Output channels of the first chunk of a layer that computes each vector as soon as the layer
  /// before has made it; 0: it waits for all of them. The more channels, the less time is lost.
  int follower_channels() const;
  /// Whether the layer makes its pixels vector by vector, slowly, so that others need not wait for
  /// all of them.
  bool makes_vectors(int index) const;
  /// A row's positions, a vector of lanes each.
  std::vector<Rect> vectors_of(const Rect& row) const;
  /// Whether those channels' weights come in parts, as the network's first RUNs wait for them.
  bool leads(const Channels& channels) const;
  /// The blocks in which a chunk's weights are loaded: one, or several for the layer's lead.
  std::vector<Channels> weight_blocks(const Channels& channels) const;
  /// A relay's weights: its own, if there are some, and those that lie where the chunk before or
  /// after has some. The latter in pieces, as each may come when the other chunk's is used.
  struct RelayParts {
    FilterPart own;
    std::vector<FilterPart> shared;
  };
  RelayParts relay_parts(bool at_end) const;
  /// Output channels in groups of columns.
  std::vector<Channels> groups_of(const Channels& channels) const;
  /// The pieces in which a sum's weights are loaded.
  std::vector<FilterPart> pieces() const;
  /// Channels whose parameters are loaded together with that one's.
  Channels parameter_range(int channel) const;
  BlockKey weights_key(const Channels& channels, const FilterPart& part) const;

  const Network& net_;
  const machine::Config& config_;
  const Plan& plan_;
  int layer_ = -1;

 private:
  std::vector<Channels> chunks() const;
  std::vector<Rect> rectangles(bool again = false) const;
  std::vector<Visit> visits_by_sweeps() const;
  std::vector<Visit> visits_by_chunks();
  std::vector<Visit> visits_by_rectangles();
  void cut_small(std::vector<Visit>& visits, bool start) const;
  bool follows_loads() const;
  int lead_channels() const;
  int parameter_channels() const;

  std::vector<int> weights_of_;     ///< of each layer: the first one with the same
  std::vector<ImageRun> together_;  ///< of each layer
  bool relay_end_ = false;          ///< of the last chunk of a relay
};

}  // namespace trine::compiler
