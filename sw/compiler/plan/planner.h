// SPDX-License-Identifier: Apache-2.0
//
// Makes one plan: a place for each map and a tiling for each layer. plan() compares several plans.

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/plan/plan_facts.h"

namespace trine::compiler {

/// The options of a planner.
struct Wishes {
  bool shifted = true;    ///< places outputs where they have no bank conflicts
  bool pad_all = true;    ///< uses extra words for pitches and places without bank conflicts
  bool pad_dram = false;  ///< also pads the rows of maps in DRAM
  /// Without pad_all: maps whose rows are padded nevertheless, from conflicting().
  std::set<int> padded;
  std::set<int> streamed;  ///< inputs and outputs that pass through DMEM part by part
  std::set<int> spill;     ///< maps that must have no place in DMEM, from confining()
};

/// The planner of one network. It places the largest maps first, each at the lowest address that
/// the maps before it allow. If a map finds no place, or leaves a layer no room, the largest map
/// that is alive at the same time moves to DRAM. Each step examines again only what the last step
/// changed.
class Planner {
 public:
  Planner(const Network& network, const spec::Config& config, PlanFacts& facts, Wishes wishes)
      : net_(network), config_(config), facts_(facts), wishes_(std::move(wishes)) {}

  /// Makes the plan.
  /// @return nothing if a layer finds no room; misfit() then names it
  std::optional<Plan> run();
  /// After run(): returns the layer for which DMEM has no room, or -1.
  int misfit() const { return misfit_; }
  /// After run(): returns why the misfit's nest cannot be planned.
  std::string broken_rule() const { return rule_; }

  /// After run(): returns resident maps that lose cycles to bank conflicts and would gain from
  /// padded rows, one of each layout. The maps of a cascade's stripes form one entry.
  std::vector<std::vector<int>> conflicting() const;
  /// After run(): returns maps that are alive during the layers that lose the most cycles to
  /// transfers. Moved to DRAM, they would leave these layers more room.
  std::vector<int> confining() const;

 private:
  int count() const { return static_cast<int>(net_.maps.size()); }

  // ---- layouts ----------------------------------------------------------------------------------

  void choose_pitches();
  int pitch_unit(int leader) const;
  bool has_moved(int leader) const;
  void set_layout(int map, int pitch);
  /// Returns the words to add after a plane so that the next channel word begins half a round of
  /// banks further on. A result that meets the reads of one step then finds its banks free in the
  /// next.
  std::int64_t gap_to_half(std::int64_t plane) const;
  std::int64_t plane_of(int map, int pitch) const;
  bool of_core(int map) const;
  bool begins_anywhere(int map) const;
  int shared_rows(int map, bool above) const;
  std::int64_t words_of(int map) const;

  // ---- DRAM -------------------------------------------------------------------------------------

  /// Lays out inputs, outputs and constants in DRAM as in DMEM. This also applies to maps that are
  /// spilled later, whose rows then become whole beats.
  void place_in_dram();
  /// Gives maps that are reloaded the layout of the maps that they reload.
  void lay_copies();
  void assign_dram();
  /// Returns the pitch of a spilled map. Rows of whole beats can be cut into columns.
  int spilled_pitch(int leader, const Shape& shape);
  void spill(int map);

  // ---- DMEM (dmem_allocation.cpp) ---------------------------------------------------------------

  bool resident(int map) const;
  /// Returns the map's life, extended if there is room for it.
  Life loose_life(int map) const;
  /// Sorts the maps, the largest first.
  void order_maps();

  bool placed(int map) const { return start_[at(map)] >= 0; }

  /// Marks the maps of higher rank whose lives overlap the life of `map`. They must look for their
  /// places again.
  void mark_changed(int map);
  void put(int map, std::int64_t start);
  void remove(int map);
  bool changed_before(int map) const;
  /// Returns placed maps of lower rank whose lives overlap `life`. Lives are extended where there
  /// is room.
  std::vector<int> beside(const Life& life, int rank) const;

  /// A range of DMEM words.
  struct Gap {
    std::int64_t start, size;

    std::int64_t end() const { return start + size; }
    bool meets(const Gap& o) const {
      return size > 0 && o.size > 0 && start < o.end() && o.start < end();
    }
  };

  /// The buffers of a layer, for waits_for().
  struct Buffers {
    Gap place;
    double cycles = 0;  ///< cycles of the layer
    double slack = 0;   ///< part of `cycles` in which the bus is idle
    int in_turns = 0;   ///< result of kinds_in_turns()
  };
  static constexpr std::size_t kRecent = 8;

  /// Calls visit(gap) for each gap from the lowest address on, until it returns true. The last gap
  /// ends with the memory.
  template <typename Visit>
  void for_each_gap(std::vector<int> maps, Visit visit) const;

  /// Returns the lowest address for the map that is free of maps of lower rank alive at the same
  /// time, or -1.
  std::int64_t lowest_gap(int map) const;
  /// Returns the largest placed map of lower rank that is alive during `life`, or `fallback` if
  /// none is larger.
  int largest_beside(const Life& life, int rank, int fallback) const;
  void place_maps();
  /// Makes room for a map that finds no place. All maps then look for their places again.
  void make_room(int map);
  /// Cuts each layer for the room that resident maps leave. If that fails, spills one more map.
  /// @return true at the end: all layers are cut, or no map is left to spill
  bool tile_layers();
  TileKey key_of(const Layer& layer, const LayerPlaces& places, std::int64_t room) const;
  Gap largest_gap(const Life& life) const;

  // ---- parts, origins, buffers ------------------------------------------------------------------

  /// Sets the origin of each map, once all maps have their places.
  void set_origins();
  void place_part(int map);
  void note_rooms();
  /// Moves each output within its place to where its writes conflict least with the array's reads.
  void shift_outputs();
  /// Places the layer's buffers. They can be filled early if no map of the layer before and no
  /// buffers of recent layers overlap them. Otherwise the layer waits for these.
  void place_buffers(int layer);
  int kinds_in_turns(int layer) const;
  static bool in_turns(const Buffers& own, const Buffers& last);
  double waits_for(const Buffers& own) const;
  double hidden_by_others(const Buffers& own, const Tiling& t) const;
  void place_buffers_together(int layer);
  /// Returns true if the layer and the layers of its run have tilings that can share chunks of
  /// weights.
  bool shares_chunks(int layer) const;
  double estimated_cycles();
  /// Returns the cycles for which the first layer waits for its resident input, plus the cycles
  /// that storing the last layer's resident output takes.
  double exposed_cycles() const;
  double sharing_cycles() const;
  double exchange_cycles() const;

  static constexpr int kNever = std::numeric_limits<int>::max();

  const Network& net_;
  const spec::Config& config_;
  PlanFacts& facts_;
  Wishes wishes_;
  int misfit_ = -1;
  std::string rule_;   ///< that the misfit's nest breaks
  bool loose_ = true;  ///< maps may live longer than their layers need
  Plan plan_;
  std::vector<Buffers> recent_;      ///< of the layers before, the latest last
  std::vector<int> copies_;          ///< maps that reload other maps
  std::set<int> spilled_;            ///< leaders of spilled maps
  std::vector<std::int64_t> words_;  ///< by map
  /// Alias classes of resident maps; position of each in `order_`.
  std::vector<int> order_, rank_;
  std::vector<std::int64_t> start_;          ///< by alias class: its DMEM address, or -1
  std::vector<std::vector<int>> begin_at_;   ///< by layer: alias classes whose lives begin there
  std::vector<std::vector<int>> placed_at_;  ///< by layer: alias classes that are alive
  std::vector<int> changed_from_;            ///< by layer: lowest rank whose place has changed
  std::vector<std::int64_t> room_;           ///< by layer: largest gap in words; -1 if not known
  std::vector<TileKey> keys_;                ///< by layer: the key of its tiling
};

}  // namespace trine::compiler
