// SPDX-License-Identifier: Apache-2.0
//
// One plan: a place for each map, a tiling for each layer. plan() compares several.

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/plan/plan_facts.h"

namespace trine::compiler {

/// What a planner is told besides the network.
struct Wishes {
  bool shifted = true;     ///< looks for places of outputs without bank conflicts
  bool pad_all = true;     ///< spends words on pitches and places without bank conflicts
  bool pad_dram = false;   ///< the same for rows of maps in DRAM
  std::set<int> padded;    ///< !pad_all: maps whose rows are padded all the same, as conflicting()
                           ///< names them
  std::set<int> streamed;  ///< inputs and outputs that go through DMEM part by part
  std::set<int> in_dram;   ///< maps that have no place in DMEM, as confining() names them
};

/// Places the largest maps first, each as low as those before it allow; a map that finds no place,
/// or leaves a layer no room, sends the largest one beside it to DRAM. Each step only looks again
/// at what the last one changed.
class Planner {
 public:
  Planner(const Network& network, const machine::Config& config, PlanFacts& facts, Wishes wishes)
      : net_(network), config_(config), facts_(facts), wishes_(std::move(wishes)) {}

  /// @return nothing where a layer finds no room: misfit()
  std::optional<Plan> run();
  /// After run(): the layer that no part of DMEM is enough for, or -1.
  int misfit() const { return misfit_; }

  /// After run(): resident maps that would lose fewer cycles with padded rows, one of each layout;
  /// those of a cascade's stripes together.
  std::vector<std::vector<int>> conflicting() const;
  /// After run(): maps that lie beside the layers that lose the most cycles to transfers, and would
  /// leave them more room in DRAM.
  std::vector<int> confining() const;

 private:
  int count() const { return static_cast<int>(net_.maps.size()); }

  // ---- layouts ----------------------------------------------------------------------------------

  void choose_pitches();
  int pitch_unit(int root) const;
  bool has_moved(int root) const;
  void set_layout(int m, int pitch);
  /// Words after a plane so that the next channel word begins half a round of banks further on: a
  /// result that meets the reads of one step finds its banks free in the next.
  std::int64_t gap_to_half(std::int64_t plane) const;
  std::int64_t plane_of(int m, int pitch) const;
  bool of_core(int m) const;
  bool begins_anywhere(int m) const;
  int shared_rows(int m, bool above) const;
  std::int64_t words_of(int m) const;

  // ---- DRAM -------------------------------------------------------------------------------------

  /// Inputs, outputs and constants as they lie in DMEM; this also holds for maps spilled later,
  /// whose rows then become whole beats.
  void place_in_dram();
  /// Maps that are loaded again lie where they were stored.
  void lay_copies();
  void assign_dram();
  /// Rows that are whole beats can be cut in columns.
  int spilled_pitch(int root, const Shape& shape);
  void spill(int m);

  // ---- DMEM (places.cpp)
  // --------------------------------------------------------------------------

  bool resident(int m) const;
  /// The map's life, longer where there is room for it.
  Life loose_life(int m) const;
  /// The largest maps come first.
  void order_maps();

  bool placed(int m) const { return start_[at(m)] >= 0; }

  /// Maps of higher rank whose lives meet its have to look for their places again.
  void mark_changed(int m);
  void put(int m, std::int64_t start);
  void remove(int m);
  bool changed_before(int m) const;
  /// Placed maps of lower rank that are alive during `life`, or begin early enough to be.
  std::vector<int> beside(const Life& life, int rank) const;

  struct Gap {
    std::int64_t start, size;

    std::int64_t end() const { return start + size; }
    bool meets(const Gap& o) const {
      return size > 0 && o.size > 0 && start < o.end() && o.start < end();
    }
  };

  /// What waits_for() asks about a layer's buffers.
  struct Buffers {
    Gap place;
    double cycles = 0;  ///< of the layer
    double slack = 0;   ///< of these the bus has no work
    int in_turns = 0;   ///< kinds_in_turns()
  };
  static constexpr std::size_t kRecent = 8;

  /// Calls visit(gap) from the lowest place on, the last one up to the memory's end, until it
  /// returns true.
  template <typename Visit>
  void for_each_gap(std::vector<int> maps, Visit visit) const;

  /// Lowest place for the map that no other of lower rank, alive at the same time, occupies; or -1.
  std::int64_t lowest_gap(int m) const;
  /// The largest placed map of lower rank that is alive during `life`; `fallback` if none is
  /// larger.
  int largest_beside(const Life& life, int rank, int fallback) const;
  void place_maps();
  /// For a map that finds no place. All are looked at again then.
  void make_room(int m);
  /// Cuts each layer for the room that resident maps leave; spills one more where that fails.
  /// @return whether that ends it: all are cut, or nothing is left to spill
  bool tile_layers();
  TileKey key_of(const LayerPlaces& places, std::int64_t room) const;
  Gap largest_gap(const Life& life) const;

  // ---- parts, origins, buffers ------------------------------------------------------------------

  /// After all maps have their places.
  void set_origins();
  void place_part(int m);
  void note_rooms();
  /// Moves each output, inside of its place, to where its writes meet the array's reads least.
  void shift_outputs();
  /// Where the layer's buffers begin. They are filled early where no map of the layer before lies,
  /// nor buffers of layers shortly before; else the layer waits for their end, and for its own
  /// ones.
  void place_buffers(int layer);
  int kinds_in_turns(int layer) const;
  static bool in_turns(const Buffers& own, const Buffers& last);
  double waits_for(const Buffers& own) const;
  double hidden_by_others(const Buffers& own, const Tiling& t) const;
  void place_buffers_together(int layer);
  /// Whether the layer and those that go together with it are cut so that they can.
  bool shares_chunks(int layer) const;
  double estimated_cycles();
  /// Cycles that the first layer waits for what it reads, and that the last one's output takes to
  /// leave, where these are resident.
  double exposed_cycles() const;
  double sharing_cycles() const;
  double exchange_cycles() const;

  static constexpr int kNever = std::numeric_limits<int>::max();

  const Network& net_;
  const machine::Config& config_;
  PlanFacts& facts_;
  Wishes wishes_;
  int misfit_ = -1;
  bool loose_ = true;  ///< there is room for maps before and behind what their layers ask for
  Plan plan_;
  std::vector<Buffers> recent_;      ///< of the layers before, the latest last
  std::vector<int> copies_;          ///< maps that reload others
  std::set<int> spilled_;            ///< roots
  std::vector<std::int64_t> words_;  ///< of each map
  std::vector<int> order_, rank_;    ///< homes of resident maps, and each one's position there
  std::vector<std::int64_t> start_;  ///< of each home that is placed, else -1
  std::vector<std::vector<int>> begin_at_;   ///< of each layer: homes that are alive from there on
  std::vector<std::vector<int>> placed_at_;  ///< of each layer: homes alive
  std::vector<int> changed_from_;            ///< of each layer: lowest rank whose place is another
  std::vector<std::int64_t> room_;           ///< of each layer: largest gap, -1: not known
  std::vector<TileKey> keys_;                ///< of each layer: what its tiling is for
};

}  // namespace trine::compiler
