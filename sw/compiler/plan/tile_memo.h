// SPDX-License-Identifier: Apache-2.0
//
// Remembers the tilings of layers. A search plans many networks that differ in a few layers, and
// equal layers in equal places have the same best tiling.

#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// The properties of a layer's placement on which its tiling depends.
struct TileKey {
  bool input_resident = false, output_resident = false;
  int input_pitch = 0, output_pitch = 0;
  std::int64_t input_plane = 0, output_plane = 0;
  std::int64_t room = -1;  ///< largest free gap in DMEM words; 0 if the layer needs no buffers

  auto operator<=>(const TileKey&) const = default;
};

/// The best tilings of equal layers; nothing where none fits.
using Tilings = std::map<TileKey, std::optional<Tiling>>;

/// The replay_cycles() of equal layers, by pitch.
using Replays = std::map<int, std::int64_t>;

/// The results of one search for one configuration. Copies of a network share them.
class TileMemo {
 public:
  using Properties = std::vector<std::int64_t>;

  /// Returns the tilings of layers with these tile_properties().
  Tilings& tilings(Properties properties) { return tilings_[std::move(properties)]; }
  /// Returns the replays of layers with these layer_properties().
  Replays& replays(Properties properties) { return replays_[std::move(properties)]; }

 private:
  struct Hash {
    std::size_t operator()(const Properties& properties) const;
  };
  std::unordered_map<Properties, Tilings, Hash> tilings_;  // its elements do not move
  std::unordered_map<Properties, Replays, Hash> replays_;
};

/// Returns all properties of a layer on which results of tile() and replay_cycles() depend.
TileMemo::Properties layer_properties(const Layer& layer);
/// Returns layer_properties(), and the properties of maps, network and places on which the result
/// of tile() depends in one configuration, except those in TileKey.
TileMemo::Properties tile_properties(const Network& network, const Layer& layer,
                                     const LayerPlaces& places, const spec::Config& config);

}  // namespace trine::compiler
