// SPDX-License-Identifier: Apache-2.0
//
// Computes what all plans of a network share: which maps have one layout or one place, when each
// map is alive, and costs that depend only on pitches. Each fact is computed once.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/plan/tile_memo.h"

namespace trine::compiler {

/// The layers during which a resident map occupies its words.
struct Life {
  int from = 0, to = 0;
  bool meets(const Life& o) const { return from <= o.to && o.from <= to; }
};

/// The facts that all plans of a network share.
class PlanFacts {
 public:
  PlanFacts(const Network& network, const spec::Config& config);

  /// Returns the map that represents all maps tied to `map`. They share one layout, so that one
  /// instruction can address them all.
  int leader(int map) const { return leader_[at(map)]; }
  /// Returns the maps with this leader that have their own places, in order. Returns none for a map
  /// that is not a leader.
  const std::vector<int>& members(int leader) const { return members_[at(leader)]; }
  /// Returns true if maps with this leader are read as weights. Their rows and planes then begin
  /// with a beat.
  bool weights(int leader) const { return weights_[at(leader)]; }
  /// Returns true if one window of a pool covers a whole map with this leader.
  bool pooled(int leader) const { return pooled_[at(leader)]; }
  /// Returns true if all maps with this leader have one size, and each of them stays on chip or is
  /// an input of a product of two maps.
  bool stays_on_chip(int leader) const { return on_chip_[at(leader)]; }
  /// Returns true if transfers carry some map with this leader between DRAM and DMEM. Planes must
  /// then be whole beats.
  bool crosses(int leader) const { return crosses_[at(leader)]; }

  /// Returns true if the map is a part without its own place.
  bool is_view(int map) const { return net_.maps[at(map)].part.whole >= 0 && !is_head(map); }
  /// Returns true if the map is a head: some channels of an input that is read only in such parts,
  /// each by a product of two maps. Heads have their own places while they are needed.
  bool is_head(int map) const {
    const int whole = net_.maps[at(map)].part.whole;
    return whole >= 0 && by_heads_[at(whole)];
  }
  /// Returns true if the map is an input whose parts have their own places.
  bool by_heads(int map) const { return by_heads_[at(map)]; }

  /// Returns the map whose place `map` uses.
  int alias_class(int map) const { return alias_class_[at(map)]; }
  /// Returns true if no other map shares the map's place.
  bool alone(int map) const { return sharers_[at(alias_class(map))] == 1; }
  /// Returns the life of all maps that share the map's place.
  const Life& life(int map) const { return lives_[at(alias_class(map))]; }
  /// Returns true if the layer that makes the map can begin while the normalization before it is
  /// running. The map must then not overlap the normalization's input.
  bool follows_norm(int map) const;
  /// Returns true if the map is an int16 vector that array and vector unit pass to each other.
  bool lingers(int map) const;
  /// Returns true if some layer writes or reads the map.
  bool used(int map) const {
    return net_.maps[at(map)].written.first >= 0 || net_.maps[at(map)].read.first >= 0;
  }
  /// Returns true if the map's codes come from DRAM and go only to PMEM.
  bool only_weights(int map) const { return only_weights_[at(map)]; }

  /// Returns the layers that share chunks of weights with `layer`: the images of a batch.
  const ImageRun& together(int layer) const { return together_[at(layer)]; }
  /// Returns the first layer with the same weights.
  int weights_of(int layer) const { return weights_of_[at(layer)]; }
  /// Returns true if other layers use the same weights.
  bool is_repeated(int layer) const { return repeated_[at(weights_of(layer))] != 0; }

  /// Returns the cycles that lanes lose to bank conflicts among themselves with this pitch, summed
  /// over the layers that read maps with this leader.
  std::int64_t pitch_cycles(int leader, int pitch);
  /// Returns the cycles that lanes of one layer lose to bank conflicts among themselves with this
  /// pitch.
  std::int64_t replays_of(int layer, int pitch);
  /// Returns by how many words the layer's output origin is best moved.
  int best_shift(int layer, const View& in, const View& out);
  /// Returns the best tiling of the layer, or nothing.
  /// @pre `key` describes `places`
  const std::optional<Tiling>& tiling(int layer, const LayerPlaces& places, const TileKey& key);

  std::int64_t tiled = 0, visited = 0;  ///< as in Plan

 private:
  bool found_by_heads(int map) const;
  void find_heads();
  void tie_maps();
  bool in_place(const Layer& layer) const;
  bool is_inner(int map) const;
  void join_images(int whole);
  void join_residuals();
  void set_lives();
  void describe_classes();
  bool stays(int map) const;
  bool is_moved(int map) const;

  const Network& net_;
  const spec::Config& config_;
  std::vector<int> weights_of_;
  std::vector<ImageRun> together_;  ///< by layer
  std::vector<char> repeated_;      ///< by first layer with the weights
  std::vector<int> leader_, alias_class_, sharers_;
  /// By leader: the maps tied to it, and the layers that read them.
  std::vector<std::vector<int>> members_, readers_;
  std::vector<Life> lives_;     ///< by alias class
  std::vector<char> by_heads_;  ///< inputs whose parts have their own places
  std::vector<char> weights_, pooled_, on_chip_, crosses_, only_weights_, multiplied_, read_;
  /// Results of best_shift(), by layer.
  std::vector<std::map<std::array<std::int64_t, 6>, int>>
      shifts_;                      ///< by origins, pitches and planes modulo the bank pattern
  std::shared_ptr<TileMemo> memo_;  ///< the network's, or one of its own
  /// By layer; null: not looked up in `memo_` yet.
  std::vector<Replays*> replays_;
  std::vector<Tilings*> tilings_;
};

}  // namespace trine::compiler
