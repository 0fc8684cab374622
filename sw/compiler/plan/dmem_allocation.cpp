// SPDX-License-Identifier: Apache-2.0
//
// Places maps in DMEM: the largest first, each in its lowest gap. Chooses the maps that leave DMEM.

#include <algorithm>

#include "sw/compiler/plan/planner.h"

namespace trine::compiler {

/// The number of layers for which an int16 vector's words stay reserved after its last reader: the
/// layers of an LSTM's step. Otherwise a product would wait for the vector unit, or the vector unit
/// for a product.
constexpr int kLinger = 24;

bool Planner::resident(int map) const {
  return !spilled_.contains(facts_.leader(map)) && facts_.used(map) && !facts_.only_weights(map) &&
         !facts_.by_heads(map);
}

Life Planner::loose_life(int map) const {
  Life life = facts_.life(map);
  if (loose_ && facts_.follows_norm(map)) life.from = std::max(0, life.from - 1);
  if (loose_ && facts_.lingers(map))
    life.to = std::min(life.to + kLinger, static_cast<int>(net_.layers.size()) - 1);
  return life;
}

void Planner::order_maps() {
  for (int m = 0; m < count(); ++m) {
    if (facts_.is_view(m)) continue;
    plan_.maps[at(m)].resident = resident(m);
    if (resident(m) && facts_.alias_class(m) == m) order_.push_back(m);
  }
  std::ranges::stable_sort(order_, [&](int a, int b) { return words_[at(a)] > words_[at(b)]; });
  rank_.assign(net_.maps.size(), -1);
  for (std::size_t i = 0; i < order_.size(); ++i) rank_[at(order_[i])] = static_cast<int>(i);
  start_.assign(net_.maps.size(), -1);
  const std::size_t layers = std::max<std::size_t>(1, net_.layers.size());
  placed_at_.resize(layers);
  begin_at_.resize(layers);
  changed_from_.assign(layers, kNever);
  room_.assign(layers, -1);
  keys_.resize(layers);
  plan_.tilings.resize(net_.layers.size());
}

void Planner::mark_changed(int map) {
  const Life life = loose_life(map);
  for (int i = life.from; i <= life.to; ++i) {
    changed_from_[at(i)] = std::min(changed_from_[at(i)], rank_[at(map)]);
    room_[at(i)] = -1;
  }
  for (const int end : {life.from, life.to})
    for (int i = facts_.together(end).first; i <= facts_.together(end).last; ++i) room_[at(i)] = -1;
}

void Planner::put(int map, std::int64_t start) {
  start_[at(map)] = start;
  const Life life = loose_life(map);
  begin_at_[at(life.from)].push_back(map);
  for (int i = life.from; i <= life.to; ++i) placed_at_[at(i)].push_back(map);
  mark_changed(map);
}

void Planner::remove(int map) {
  if (!placed(map)) return;
  start_[at(map)] = -1;
  const Life life = loose_life(map);
  std::erase(begin_at_[at(life.from)], map);
  for (int i = life.from; i <= life.to; ++i) std::erase(placed_at_[at(i)], map);
  mark_changed(map);
}

bool Planner::changed_before(int map) const {
  const Life life = loose_life(map);
  return std::any_of(changed_from_.begin() + life.from, changed_from_.begin() + life.to + 1,
                     [&](int rank) { return rank < rank_[at(map)]; });
}

std::vector<int> Planner::beside(const Life& life, int rank) const {
  std::vector<int> maps;
  const auto take = [&](const std::vector<int>& from) {
    for (const int m : from)
      if (rank_[at(m)] < rank) maps.push_back(m);
  };
  take(placed_at_[at(life.from)]);
  for (int i = life.from + 1; i <= life.to; ++i) take(begin_at_[at(i)]);
  facts_.visited += static_cast<std::int64_t>(maps.size()) + 1;
  return maps;
}

template <typename Visit>
void Planner::for_each_gap(std::vector<int> maps, Visit visit) const {
  std::ranges::sort(maps, [&](int a, int b) { return start_[at(a)] < start_[at(b)]; });
  std::int64_t start = 0;
  for (const int m : maps) {
    if (start < start_[at(m)] && visit(Gap{start, start_[at(m)] - start})) return;
    start = std::max(start, start_[at(m)] + words_[at(m)]);
  }
  visit(Gap{start, config_.dmem_words() - start});
}

std::int64_t Planner::lowest_gap(int map) const {
  std::int64_t found = -1;
  for_each_gap(beside(loose_life(map), rank_[at(map)]), [&](const Gap& gap) {
    if (gap.size >= words_[at(map)]) found = gap.start;
    return found >= 0;
  });
  return found;
}

int Planner::largest_beside(const Life& life, int rank, int fallback) const {
  int best = fallback;
  for (const int m : beside(life, rank)) {
    if (!life.meets(facts_.life(m))) continue;
    const bool first = best < 0 || words_[at(m)] > words_[at(best)];
    const bool as_large = best >= 0 && best != fallback && words_[at(m)] == words_[at(best)];
    if (first || (as_large && rank_[at(m)] < rank_[at(best)])) best = m;
  }
  return best;
}

void Planner::place_maps() {
  for (int rank = 0; rank < static_cast<int>(order_.size()); ++rank) {
    const int m = order_[at(rank)];
    if (!resident(m) || (placed(m) && !changed_before(m))) continue;
    const std::int64_t start = lowest_gap(m);
    if (start < 0) {
      make_room(m);
      rank = -1;  // start again
    } else if (start != start_[at(m)]) {
      remove(m);
      put(m, start);
    }
  }
  std::ranges::fill(changed_from_, kNever);
}

void Planner::make_room(int map) {
  if (!loose_) return spill(largest_beside(facts_.life(map), rank_[at(map)], map));
  for (const int k : order_) remove(k);
  loose_ = false;
}

bool Planner::tile_layers() {
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& layer = net_.layers[at(i)];
    const ImageRun& run = facts_.together(i);
    const LayerPlaces places{&plan_.maps[at(layer.input)],
                             &plan_.maps[at(net_.whole_of(layer.output))], facts_.is_repeated(i),
                             run.size()};
    if (room_[at(i)] < 0) {
      const std::int64_t room = largest_gap({run.first, run.last}).size;
      room_[at(i)] =
          run.size() == 1 ? room : room / run.size() / config_.data_words() * config_.data_words();
    }
    const TileKey key = key_of(layer, places, room_[at(i)]);
    if (key == keys_[at(i)]) continue;  // unchanged
    const std::optional<Tiling>& tiling = facts_.tiling(i, places, key);
    if (!tiling && layer.nest) {  // the user chose the maps in DMEM, too
      misfit_ = i;
      rule_ = compiler::broken_rule(net_, layer, places, config_, room_[at(i)]);
      return true;
    }
    if (!tiling) {
      const int victim = largest_beside({run.first, run.last}, kNever, -1);
      if (victim < 0)
        misfit_ = i;
      else
        spill(victim);
      return victim < 0;
    }
    plan_.tilings[at(i)] = *tiling;
    keys_[at(i)] = key;
  }
  return true;
}

TileKey Planner::key_of(const Layer& layer, const LayerPlaces& places, std::int64_t room) const {
  const Placement &in = *places.input, &out = *places.output;
  // Codes that are loaded directly into an output need whole beats there.
  const int beat = in.resident ? 1 : config_.data_words();
  const bool sums = may_sum(layer, places, config_);  // laid out as the output
  return {.input_resident = in.resident,
          .output_resident = out.resident,
          .input_pitch = in.resident ? 0 : in.dram.pitch,
          .output_pitch = !out.resident ? out.dram.pitch
                          : sums        ? out.dmem.pitch
                                        : out.dmem.pitch % beat,
          .input_plane = in.resident ? 0 : in.dram.plane,
          .output_plane = !out.resident ? out.dram.plane
                          : sums        ? out.dmem.plane
                                        : out.dmem.plane % beat,
          .room = in.resident && out.resident && !sums ? 0 : room};
}

Planner::Gap Planner::largest_gap(const Life& life) const {
  std::vector<int> maps = beside(life, kNever);
  std::erase_if(maps, [&](int m) { return !life.meets(facts_.life(m)); });
  Gap best{0, 0};
  for_each_gap(std::move(maps), [&](const Gap& gap) {
    if (gap.size > best.size) best = gap;
    return false;
  });
  return best;
}

}  // namespace trine::compiler
