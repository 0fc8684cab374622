// SPDX-License-Identifier: Apache-2.0
//
// Determines the order in which the parts of a planned network are computed. The image of constants
// and the emitter both follow it, layer by layer.

#pragma once

#include <utility>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// The output channels first..last-1.
struct Channels {
  int first = 0, last = 0;
  int size() const { return last - first; }
};

/// A part of a filter: some channel words, or, of a single word, some rows of taps.
struct FilterPart {
  int word = 0, words = 1;
  int row = 0, rows = 1;
};

/// The key of a block of weights, or of codes of a map that are used as weights.
using BlockKey = std::vector<int>;

/// A rectangle of a layer's output that is computed for some channels.
struct Visit {
  Rect rect;
  Channels channels;
  std::size_t first = 0, last = 0;  ///< the sweeps first..last-1
  bool by_vectors = false;          ///< computes each vector of lanes when its input arrives
  bool relay_end = false;           ///< a relay's weights are at the end of PMEM
  bool ends_rect = false;           ///< the chunk's last visit to one of its rectangles
  bool ends_chunk = false;          ///< completes all channels of the chunk
};

/// The order of a network's parts. Derived classes walk over the layers with next_layer().
class Order {
 protected:
  Order(const Network& network, const spec::Config& config, const Plan& plan)
      : net_(network),
        config_(config),
        plan_(plan),
        weights_of_(equal_weights(network)),
        together_(runs_together(network, weights_of_, config)) {}

  /// Advances to the next layer.
  /// @return the layer's parts in order
  std::vector<Visit> next_layer();
  /// Returns the run of layers that share chunks of weights, starting with the next layer. If no
  /// other layer shares its chunks, the run consists of only the next layer.
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

  /// Returns the number of output channels in the layer's first chunk if that chunk computes each
  /// vector as soon as the layer before has made it. More channels lose less time. Returns 0 if the
  /// layer waits for all vectors.
  int follower_channels() const;
  /// Returns true if the layer makes its pixels slowly, vector by vector, so that a later layer
  /// need not wait for all of them.
  bool makes_vectors(int index) const;
  /// Cuts the positions of a row into vectors of lanes.
  std::vector<Rect> vectors_of(const Rect& row) const;
  /// Returns true if the weights of these channels are loaded in parts, because the network's first
  /// RUNs wait for them.
  bool leads(const Channels& channels) const;
  /// Returns the blocks in which a chunk's weights are loaded: one, or several for the layer's
  /// lead.
  std::vector<Channels> weight_blocks(const Channels& channels) const;
  /// The weights of a relay chunk: `own` rows, if there are any, and rows whose PMEM words the
  /// chunk before or after uses too. The shared weights are cut into pieces, because each piece can
  /// be loaded as soon as the other chunk has used the words of that piece.
  struct RelayParts {
    FilterPart own;
    std::vector<FilterPart> shared;
  };
  RelayParts relay_parts(bool at_end) const;
  /// Cuts output channels into groups of columns.
  std::vector<Channels> groups_of(const Channels& channels) const;
  /// Returns the pieces in which the weights of a reduction are loaded.
  std::vector<FilterPart> pieces() const;
  /// Returns the channels whose parameters are loaded together with this channel's.
  Channels parameter_range(int channel) const;
  BlockKey weights_key(const Channels& channels, const FilterPart& part) const;

  const Network& net_;
  const spec::Config& config_;
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

  std::vector<int> weights_of_;     ///< by layer: the first layer with the same weights
  std::vector<ImageRun> together_;  ///< by layer: the run of layers that share chunks
  bool relay_end_ = false;          ///< of the last relay chunk: its weights are at the end of PMEM
};

}  // namespace trine::compiler
