// SPDX-License-Identifier: Apache-2.0
//
// What all plans of a network share: which maps have one layout or one place, when each is alive,
// and costs that only depend on pitches. Worked out once, or once for each question.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// Layers during which a resident map occupies its words.
struct Life {
  int from = 0, to = 0;
  bool meets(const Life& o) const { return from <= o.to && o.from <= to; }
};

/// All of a placement that cutting a layer depends on.
struct TileKey {
  bool input_resident = false, output_resident = false;
  int input_pitch = 0, output_pitch = 0;
  std::int64_t input_plane = 0, output_plane = 0;
  std::int64_t room = -1;  ///< 0 where the layer needs no buffers

  auto operator<=>(const TileKey&) const = default;
};

class PlanFacts {
 public:
  PlanFacts(const Network& network, const machine::Config& config);

  /// Representative of the maps tied to `map`: they share one layout, so one instruction's
  /// addresses fit.
  int root(int map) const { return tied_[at(map)]; }
  /// Maps of that root with places of their own, in order; none for others.
  const std::vector<int>& members(int root) const { return members_[at(root)]; }
  /// Whether maps of that layout are read as weights: rows and planes then begin with a beat.
  bool weights(int root) const { return weights_[at(root)]; }
  /// Whether one window of a pool covers a map of that layout.
  bool pooled(int root) const { return pooled_[at(root)]; }
  /// Returns true if all maps of that layout stay on chip, or are inputs of products of two maps,
  /// and have one size.
  bool stays_on_chip(int root) const { return on_chip_[at(root)]; }
  /// Returns true if transfers carry some map of that layout between DRAM and DMEM. Planes must
  /// then be whole beats.
  bool crosses(int root) const { return crosses_[at(root)]; }

  /// A part without a place of its own.
  bool is_view(int map) const { return net_.maps[at(map)].part.whole >= 0 && !is_head(map); }
  /// Channels of an input that only products of two maps read, each some of them: they have places
  /// of their own, each while it is needed.
  bool is_head(int map) const {
    const int whole = net_.maps[at(map)].part.whole;
    return whole >= 0 && by_heads_[at(whole)];
  }
  bool by_heads(int map) const { return by_heads_[at(map)]; }

  /// The map in whose place it lies.
  int alias_class(int map) const { return alias_class_[at(map)]; }
  bool alone(int map) const { return sharers_[at(alias_class(map))] == 1; }
  /// The life of all maps that share the map's place.
  const Life& life(int map) const { return lives_[at(alias_class(map))]; }
  /// Whether the layer that makes the map can begin while the one before, a normalization, is at
  /// work: then its codes must not lie where that reads.
  bool follows_norm(int map) const;
  /// Whether it is a vector of int16 that array and vector unit hand each other.
  bool lingers(int map) const;
  bool used(int map) const {
    return net_.maps[at(map)].producer >= 0 || net_.maps[at(map)].first_use >= 0;
  }
  /// Codes that come from DRAM and go to PMEM alone.
  bool only_weights(int map) const { return only_weights_[at(map)]; }

  /// The layers that go through their chunks of weights with that one: images of a batch.
  const ImageRun& together(int layer) const { return together_[at(layer)]; }
  /// The first layer with the same weights.
  int weights_of(int layer) const { return weights_of_[at(layer)]; }
  /// Whether other layers have them, too.
  bool is_repeated(int layer) const { return repeated_[at(weights_of(layer))] != 0; }

  /// Cycles that lanes of the layers that read the class lose to each other with that pitch.
  std::int64_t pitch_cycles(int root, int pitch);
  std::int64_t replays_of(int layer, int pitch);
  /// Words by which the layer's output best begins behind its origin.
  int best_shift(int layer, const View& in, const View& out);
  /// The best way to cut the layer, or nothing. @pre the places have the key
  const std::optional<Tiling>& tiling(int layer, const LayerPlaces& places, const TileKey& key);

  std::int64_t tiled = 0, visited = 0;  ///< as Plan has them

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
  const machine::Config& config_;
  std::vector<int> weights_of_;
  std::vector<ImageRun> together_;  ///< of each layer
  std::vector<char> repeated_;      ///< by first layer
  std::vector<int> tied_, alias_class_, sharers_;
  std::vector<std::vector<int>> members_, readers_;  ///< of each root: maps; layers' inputs
  std::vector<Life> lives_;                          ///< of each home
  std::vector<char> by_heads_;  ///< inputs whose parts have places of their own
  std::vector<char> weights_, pooled_, on_chip_, crosses_, only_weights_, multiplied_, read_;
  /// Answers, of each layer.
  std::vector<std::map<int, std::int64_t>> replays_;
  std::vector<std::map<std::array<std::int64_t, 6>, int>>
      shifts_;  ///< by places, as banks see them
  std::vector<std::map<TileKey, std::optional<Tiling>>> tilings_;
};

}  // namespace trine::compiler
