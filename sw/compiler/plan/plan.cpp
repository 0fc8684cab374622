// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan/plan.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/rounding.h"
#include "machine/timing.h"
#include "sw/compiler/plan/plan_facts.h"

namespace trine::compiler {
namespace {

constexpr double kWorthwhile = 0.05;  ///< part of a layer's cycles that is worth another plan

struct Conflict {
  std::int64_t cycles = 0;
  std::vector<int> maps;
};

/// What a planner is told besides the network.
struct Wishes {
  bool shifted = true;    ///< looks for places of outputs without bank conflicts
  bool pad_all = true;    ///< spends words on pitches and places without bank conflicts
  std::set<int> padded;   ///< !pad_all: maps whose rows are padded all the same, as conflicting()
                          ///< names them
  std::set<int> in_dram;  ///< maps that have no place in DMEM, as confining() names them
};

/// Places the largest maps first, each as low as those before it allow; a map that finds no place,
/// or leaves a layer no room, sends the largest one beside it to DRAM. Each step only looks again
/// at what the last one changed.
class Planner {
 public:
  Planner(const Network& network, const machine::Config& config, PlanFacts& facts, Wishes wishes)
      : net_(network), config_(config), facts_(facts), wishes_(std::move(wishes)) {}

  /// @return nothing where a layer finds no room: misfit()
  std::optional<Plan> run() {
    plan_.maps.resize(net_.maps.size());
    choose_pitches();
    place_in_dram();
    order_maps();
    for (int m = 0; m < count(); ++m)
      if (net_.maps[at(m)].capacity) spill(m);
    const std::size_t states = spilled_.size();
    for (int m = 0; m < count(); ++m)
      if (net_.maps[at(m)].in_dram) spill(m);
    for (const int m : wishes_.in_dram) spill(m);
    do {
      place_maps();
      set_origins();
    } while (!tile_layers());
    if (misfit_ >= 0) return std::nullopt;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) place_buffers(i);
    plan_.cycles += estimated_cycles();
    for (const Tiling& t : plan_.tilings) plan_.traffic += t.traffic;
    plan_.spilled = spilled_.size() - states;
    return plan_;
  }

  /// After run(): the layer that no part of DMEM is enough for, or -1.
  int misfit() const { return misfit_; }

  /// After run(): resident maps that would lose fewer cycles with padded rows, one of each layout;
  /// those of a cascade's stripes together.
  std::vector<std::vector<int>> conflicting() const {
    std::map<int, Conflict> of;  // for each layer, its stripes' maps; inputs are -1 and below
    for (int m = 0; m < count(); ++m) {
      const std::int64_t cycles = facts_.pitch_cycles(m, net_.maps[at(m)].shape.W);
      if (facts_.root(m) != m || !resident(m) || cycles == 0) continue;
      const int producer = net_.maps[at(m)].producer;
      Conflict& conflict = of[producer < 0 ? -1 - m : net_.first_stripe(producer)];
      conflict.cycles += cycles;
      conflict.maps.push_back(m);
    }
    std::vector<Conflict> conflicts;
    for (const auto& [layer, conflict] : of) conflicts.push_back(conflict);
    std::ranges::stable_sort(conflicts, std::greater(), &Conflict::cycles);
    std::vector<std::vector<int>> maps;
    for (Conflict& c : conflicts) maps.push_back(std::move(c.maps));
    return maps;
  }

  /// After run(): maps that lie beside the layers that lose the most cycles to transfers, and would
  /// leave them more room in DRAM.
  std::vector<int> confining() const {
    std::vector<std::pair<double, int>> losses;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Tiling& t = plan_.tilings[at(i)];
      if (t.expected > (1 + kWorthwhile) * t.compute) losses.push_back({t.compute - t.expected, i});
    }
    std::ranges::sort(losses);
    std::vector<int> maps;
    std::vector<bool> known(net_.maps.size());
    for (const auto& [loss, i] : losses) {
      std::vector<std::pair<std::int64_t, int>> beside;
      for (const int m : placed_at_[at(i)])
        if (facts_.life(m).meets({i, i})) beside.push_back({-words_[at(m)], m});
      std::ranges::sort(beside);
      for (const auto& [words, m] : beside) {
        if (!known[at(m)]) maps.push_back(m);
        known[at(m)] = true;
      }
    }
    return maps;
  }

 private:
  int count() const { return static_cast<int>(net_.maps.size()); }

  // ---- layouts ----------------------------------------------------------------------------------

  void choose_pitches() {
    words_.resize(net_.maps.size());
    for (int m = 0; m < count(); ++m) {
      if (facts_.root(m) != m) continue;
      const int W = net_.maps[at(m)].shape.W;
      const int step = pitch_unit(m);
      int best = round_up(W, step);
      std::int64_t best_cycles = facts_.pitch_cycles(m, best);
      const bool pad = wishes_.pad_all || wishes_.padded.contains(m);
      for (int pitch = best + step; pad && best_cycles > 0 && pitch <= W + config_.banks();
           pitch += step) {
        const std::int64_t cycles = facts_.pitch_cycles(m, pitch);
        if (cycles >= best_cycles) continue;
        best = pitch;
        best_cycles = cycles;
      }
      for (const int k : facts_.members(m)) set_layout(k, best);
    }
  }

  int pitch_unit(int root) const {
    return net_.maps[at(root)].shape.H > 1 && facts_.weights(root) ? config_.data_words() : 1;
  }

  void set_layout(int m, int pitch) {
    const int root = facts_.root(m);
    const Shape& shape = net_.maps[at(m)].shape;
    View& view = plan_.maps[at(m)].dmem;
    view.pitch = shape.pixels() == 1 ? 1 : pitch;
    view.plane = plane_of(m, pitch);
    if (shape.pixels() > 1 && facts_.stays_on_chip(root)) {
      if (facts_.pooled(root) && !facts_.weights(root))
        view.plane += (6 - view.plane % 4) % 4;  // lanes take channel words: twice an odd number
      else if (wishes_.pad_all && shape.pixels() >= config_.rows)
        view.plane += gap_to_half(view.plane);
    }
    words_[at(m)] = words_of(m);
  }

  /// Words after a plane so that the next channel word begins half a round of banks further on: a
  /// result that meets the reads of one step finds its banks free in the next.
  std::int64_t gap_to_half(std::int64_t plane) const {
    const int banks = config_.banks(), half = banks / 2;
    return half % config_.data_words() == 0 ? (half - plane % banks + banks) % banks : 0;
  }

  std::int64_t plane_of(int m, int pitch) const {
    const Map& map = net_.maps[at(m)];
    if (map.shape.pixels() == 1 && !facts_.weights(facts_.root(m))) return 1;
    return round_up(std::int64_t{map.shape.H} * pitch, config_.data_words());
  }

  std::int64_t words_of(int m) const {
    // Beats of a row of PMEM reach beyond the last plane.
    const int behind =
        facts_.weights(facts_.root(m)) ? config_.beats_per_row() * config_.data_words() : 0;
    return round_up(plan_.maps[at(m)].dmem.plane * net_.maps[at(m)].shape.channel_words() + behind,
                    config_.data_words()) +
           (wishes_.pad_all ? config_.banks() : 0);
  }

  // ---- DRAM -------------------------------------------------------------------------------------

  /// Inputs, outputs and constants as they lie in DMEM; this also holds for maps spilled later,
  /// whose rows then become whole beats.
  void place_in_dram() {
    for (int m = 0; m < count(); ++m) {
      const Map& map = net_.maps[at(m)];
      if (map.reloads >= 0) copies_.push_back(m);
      if (!map.input && !map.output && !map.constant() && !map.kept && map.reloads < 0) continue;
      Placement& p = plan_.maps[at(m)];
      p.in_dram = true;
      p.dram.pitch = p.dmem.pitch;
      p.dram.plane = map.kept ? plane_of(m, p.dmem.pitch) : p.dmem.plane;
    }
    lay_copies();
  }

  /// Maps that are loaded again lie where they were stored.
  void lay_copies() {
    for (const int m : copies_)
      plan_.maps[at(m)].dram = plan_.maps[at(net_.maps[at(m)].reloads)].dram;
  }

  void assign_dram() {
    std::int64_t word = 0;
    const std::int64_t unit = std::max(config_.data_words(), 16);
    // States first: their places must not depend on what else there is.
    for (const bool states : {true, false})
      for (std::size_t m = 0; m < net_.maps.size(); ++m) {
        Placement& p = plan_.maps[m];
        const Map& map = net_.maps[m];
        if (!p.in_dram || map.constant() || map.part.whole >= 0 || map.reloads >= 0 ||
            map.capacity.has_value() != states)
          continue;
        p.dram.origin = word;
        word =
            round_up(word + p.dram.plane * map.capacity.value_or(map.shape).channel_words(), unit);
      }
    plan_.arena_bytes = round_up(4 * word, 4096);
    word = plan_.arena_bytes / 4;
    for (int m = 0; m < count(); ++m) {
      if (!net_.maps[at(m)].constant()) continue;
      View& dram = plan_.maps[at(m)].dram;
      dram.origin = word;
      word = round_up(word + dram.plane * net_.maps[at(m)].shape.channel_words(), unit);
    }
    lay_copies();
  }

  /// Rows that are whole beats can be cut in columns.
  void spill(int m) {
    const int r = facts_.root(m);
    spilled_.insert(r);
    for (const int k : facts_.members(r)) {
      remove(k);
      Placement& p = plan_.maps[at(k)];
      const Shape shape = net_.maps[at(k)].capacity.value_or(net_.maps[at(k)].shape);
      p.resident = false;
      p.in_dram = true;
      p.dram.pitch =
          round_up(shape.W, shape.W >= config_.data_words() ? config_.data_words() : pitch_unit(r));
      p.dram.plane = plane_of(k, p.dram.pitch);
      // A copy's codes lie as those of its class.
      if (net_.maps[at(k)].reloads >= 0) plan_.maps[at(net_.maps[at(k)].reloads)].dram = p.dram;
    }
    lay_copies();
  }

  // ---- DMEM -------------------------------------------------------------------------------------

  bool resident(int m) const {
    return !spilled_.contains(facts_.root(m)) && facts_.used(m) && !facts_.only_weights(m) &&
           !facts_.by_heads(m);
  }

  /// As far as a map's layer may begin early.
  Life early_life(int m) const {
    Life life = facts_.life(m);
    if (early_ && facts_.follows_norm(m)) life.from = std::max(0, life.from - 1);
    return life;
  }

  /// The largest maps come first.
  void order_maps() {
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

  bool placed(int m) const { return start_[at(m)] >= 0; }

  /// Maps of higher rank whose lives meet its have to look for their places again.
  void mark_changed(int m) {
    const Life life = early_life(m);
    for (int i = life.from; i <= life.to; ++i) {
      changed_from_[at(i)] = std::min(changed_from_[at(i)], rank_[at(m)]);
      room_[at(i)] = -1;
    }
  }

  void put(int m, std::int64_t start) {
    start_[at(m)] = start;
    const Life life = early_life(m);
    begin_at_[at(life.from)].push_back(m);
    for (int i = life.from; i <= life.to; ++i) placed_at_[at(i)].push_back(m);
    mark_changed(m);
  }

  void remove(int m) {
    if (!placed(m)) return;
    start_[at(m)] = -1;
    const Life life = early_life(m);
    std::erase(begin_at_[at(life.from)], m);
    for (int i = life.from; i <= life.to; ++i) std::erase(placed_at_[at(i)], m);
    mark_changed(m);
  }

  bool changed_before(int m) const {
    const Life life = early_life(m);
    return std::any_of(changed_from_.begin() + life.from, changed_from_.begin() + life.to + 1,
                       [&](int rank) { return rank < rank_[at(m)]; });
  }

  /// Placed maps of lower rank that are alive during `life`, or begin early enough to be.
  std::vector<int> beside(const Life& life, int rank) const {
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

  struct Gap {
    std::int64_t start, size;

    std::int64_t end() const { return start + size; }
    bool meets(const Gap& o) const {
      return size > 0 && o.size > 0 && start < o.end() && o.start < end();
    }
  };

  /// Calls visit(gap) from the lowest place on, the last one up to the memory's end, until it
  /// returns true.
  template <typename Visit>
  void for_each_gap(std::vector<int> maps, Visit visit) const {
    std::ranges::sort(maps, [&](int a, int b) { return start_[at(a)] < start_[at(b)]; });
    std::int64_t start = 0;
    for (const int m : maps) {
      if (start < start_[at(m)] && visit(Gap{start, start_[at(m)] - start})) return;
      start = std::max(start, start_[at(m)] + words_[at(m)]);
    }
    visit(Gap{start, config_.dmem_words() - start});
  }

  /// Lowest place for the map that no other of lower rank, alive at the same time, occupies; or -1.
  std::int64_t lowest_gap(int m) const {
    std::int64_t found = -1;
    for_each_gap(beside(early_life(m), rank_[at(m)]), [&](const Gap& gap) {
      if (gap.size >= words_[at(m)]) found = gap.start;
      return found >= 0;
    });
    return found;
  }

  /// The largest placed map of lower rank that is alive during `life`; `fallback` if none is
  /// larger.
  int largest_beside(const Life& life, int rank, int fallback) const {
    int best = fallback;
    for (const int m : beside(life, rank)) {
      if (!life.meets(facts_.life(m))) continue;
      const bool first = best < 0 || words_[at(m)] > words_[at(best)];
      const bool as_large = best >= 0 && best != fallback && words_[at(m)] == words_[at(best)];
      if (first || (as_large && rank_[at(m)] < rank_[at(best)])) best = m;
    }
    return best;
  }

  void place_maps() {
    for (int rank = 0; rank < static_cast<int>(order_.size()); ++rank) {
      const int m = order_[at(rank)];
      if (!resident(m) || (placed(m) && !changed_before(m))) continue;
      const std::int64_t start = lowest_gap(m);
      if (start < 0) {
        make_room(m);
        rank = -1;  // again
      } else if (start != start_[at(m)]) {
        remove(m);
        put(m, start);
      }
    }
    std::ranges::fill(changed_from_, kNever);
  }

  /// For a map that finds no place. All are looked at again then.
  void make_room(int m) {
    if (!early_) return spill(largest_beside(facts_.life(m), rank_[at(m)], m));
    for (const int k : order_) remove(k);
    early_ = false;
  }

  /// Cuts each layer for the room that resident maps leave; spills one more where that fails.
  /// @return whether that ends it: all are cut, or nothing is left to spill
  bool tile_layers() {
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Layer& layer = net_.layers[at(i)];
      const LayerPlaces places{&plan_.maps[at(layer.input)],
                               &plan_.maps[at(net_.whole_of(layer.output))]};
      if (room_[at(i)] < 0) room_[at(i)] = largest_gap({i, i}).size;
      const TileKey key = key_of(places, room_[at(i)]);
      if (key == keys_[at(i)]) continue;  // as before
      const std::optional<Tiling>& tiling = facts_.tiling(i, places, key);
      if (!tiling) {
        const int victim = largest_beside({i, i}, kNever, -1);
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

  static TileKey key_of(const LayerPlaces& places, std::int64_t room) {
    const Placement &in = *places.input, &out = *places.output;
    return {.room = in.resident && out.resident ? 0 : room,
            .input_resident = in.resident,
            .output_resident = out.resident,
            .input_pitch = in.resident ? 0 : in.dram.pitch,
            .output_pitch = out.resident ? 0 : out.dram.pitch,
            .input_plane = in.resident ? 0 : in.dram.plane,
            .output_plane = out.resident ? 0 : out.dram.plane};
  }

  Gap largest_gap(const Life& life) const {
    std::vector<int> maps = beside(life, kNever);
    std::erase_if(maps, [&](int m) { return !life.meets(facts_.life(m)); });
    Gap best{0, 0};
    for_each_gap(std::move(maps), [&](const Gap& gap) {
      if (gap.size > best.size) best = gap;
      return false;
    });
    return best;
  }

  // ---- parts, origins, buffers ------------------------------------------------------------------

  /// After all maps have their places.
  void set_origins() {
    for (const int m : order_)
      if (placed(m)) plan_.maps[at(m)].dmem.origin = start_[at(m)];
    for (int m = 0; m < count(); ++m)
      plan_.maps[at(m)].dmem.origin = plan_.maps[at(facts_.alias_class(m))].dmem.origin;
    if (wishes_.pad_all && wishes_.shifted) shift_outputs();
    assign_dram();
    for (int m = 0; m < count(); ++m)
      if (net_.maps[at(m)].part.whole >= 0) place_part(m);
  }

  void place_part(int m) {
    const Part& part = net_.maps[at(m)].part;
    const int per_word = net_.maps[at(m)].shape.per_word;
    Placement& p = plan_.maps[at(m)];
    const Placement& whole = plan_.maps[at(part.whole)];
    if (facts_.is_head(m)) {
      p.dram = part_of(whole.dram, part, per_word);
      p.in_dram = true;
      return;
    }
    p = whole;
    p.dmem = part_of(p.dmem, part, per_word);
    p.dram = part_of(p.dram, part, per_word);
  }

  /// Moves each output, inside of its place, to where its writes meet the array's reads least.
  void shift_outputs() {
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Layer& layer = net_.layers[at(i)];
      const Placement& in = plan_.maps[at(layer.input)];
      Placement& out = plan_.maps[at(layer.output)];
      if (layer.kind != LayerKind::kConv || facts_.is_view(layer.output) || !in.resident ||
          !out.resident || !facts_.alone(layer.output))
        continue;
      out.dmem.origin += facts_.best_shift(i, in.dmem, out.dmem);
    }
  }

  /// Where the layer's buffers begin. They are filled early where no map of the layer before lies,
  /// nor its buffers; else the layer waits for their end, and for its own ones.
  void place_buffers(int layer) {
    const Tiling& t = plan_.tilings[at(layer)];
    const std::int64_t words = t.scratch_words();
    const Gap early = largest_gap({std::max(0, layer - 1), layer});
    const bool fits = words <= early.size;
    Gap own{fits ? early.start : largest_gap({layer, layer}).start, words};
    const std::int64_t behind = std::max(own.start, buffers_.end());
    if (fits && own.start + words > buffers_.start && behind + words <= early.end())
      own.start = behind;
    if (!fits || own.meets(buffers_))
      plan_.cycles += 32.0 * static_cast<double>(words) / config_.axi_data_bits;
    plan_.scratch.push_back(own.start);
    buffers_ = {own.start, round_up(words, config_.data_words())};
  }

  /// Whether a layer finds all of its weights in PMEM, where those that were used last stay.
  class Weights {
   public:
    Weights(const PlanFacts& facts, const machine::Config& config)
        : facts_(facts), rows_(config.pmem_rows()) {}

    bool finds(int layer, std::int64_t rows) {
      const int first = facts_.weights_of(layer);
      std::int64_t later = rows;  // with those that came since
      auto known = used_.rbegin();
      for (; known != used_.rend() && known->first != first; ++known) later += known->second;
      const bool found = known != used_.rend() && later <= rows_;
      if (known != used_.rend()) used_.erase(std::next(known).base());
      used_.emplace_back(first, rows);
      return found;
    }

   private:
    const PlanFacts& facts_;
    std::int64_t rows_;
    std::vector<std::pair<int, std::int64_t>> used_;  ///< the last one is the latest
  };

  double estimated_cycles() const {
    double cycles = 0;
    Weights weights(facts_, config_);
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Layer& layer = net_.layers[at(i)];
      const Placement& in = plan_.maps[at(layer.input)];
      const int pitch = in.resident ? in.dmem.pitch : in.dram.pitch;
      const Tiling& t = plan_.tilings[at(i)];
      const std::int64_t rows = layer.weight_rows(config_);
      const bool reuses = rows > 0 && weights.finds(i, rows);
      cycles += (reuses ? t.reused : t.cycles) + timing::kLayerOverhead +
                static_cast<double>(facts_.replays_of(i, pitch));
    }
    return cycles;
  }

  static constexpr int kNever = std::numeric_limits<int>::max();

  const Network& net_;
  const machine::Config& config_;
  PlanFacts& facts_;
  Wishes wishes_;
  int misfit_ = -1;
  bool early_ = true;  ///< there is room for maps of layers that begin early
  Plan plan_;
  Gap buffers_{0, 0};                ///< of the layer before
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

/// Replays that bank conflicts cost one gather step over `rect`.
std::int64_t replays(const Layer& layer, const Rect& rect, int pitch,
                     const machine::Config& config) {
  const Geometry& g = layer.window;
  const int cols = rect.cols() + layer.former.behind(rect.cols(), g.Q);
  const std::int64_t positions = std::int64_t{rect.rows()} * cols;
  const machine::BankOf bank_of = config.bank_of();
  std::vector<int> count(at(config.banks()));
  std::int64_t sum = 0;
  const std::int64_t row_step = std::int64_t{g.stride_y} * pitch;
  for (std::int64_t tile = 0; tile < positions; tile += config.rows) {
    std::ranges::fill(count, 0);
    int most = 1;
    const std::int64_t end = std::min(positions, tile + config.rows + layer.former.halo);
    std::int64_t row = tile / cols * row_step, col = tile % cols;
    for (std::int64_t p = tile; p < end; ++p) {
      most = std::max(most, ++count[at(bank_of(row + col * g.stride_x))]);
      if (++col < cols) continue;
      col = 0;
      row += row_step;
    }
    sum += most - 1;
  }
  return sum;
}

}  // namespace

std::int64_t replay_cycles(const Layer& layer, int pitch, const machine::Config& config) {
  const int columns = layer.columns(config);
  const std::int64_t groups =
      layer.kind == LayerKind::kConv ? divide_up(layer.channels, columns) : 1;
  std::int64_t sum = 0;
  for (const Sweep& sweep : layer.sweeps)
    for (const SweepPart& part : sweep.parts) sum += replays(layer, part.rect, pitch, config);
  if (layer.sweeps.empty())
    sum = replays(layer, {0, layer.window.P, 0, layer.window.Q}, pitch, config);
  return sum * layer.steps() * groups;
}

namespace {

/// For each bank: in how many of a tile's steps it is taken, up to 64 of a channel word's.
class Taken {
 public:
  Taken(const Layer& layer, const View& in, const machine::Config& config)
      : g_(layer.window_of(layer.sweeps[0])),  // the others are alike
        former_(layer.former),
        in_(in),
        cols_(g_.Q + former_.idle),
        steps_x_(layer.steps_x()),
        dil_x_(former_.steps > 0 ? former_.dil : g_.dil_x),
        config_(config) {}

  int steps() const { return std::min(g_.R * steps_x_, 64); }
  int cols() const { return cols_; }
  const Geometry& window() const { return g_; }
  std::int64_t positions() const { return std::int64_t{g_.P} * cols_; }

  /// @param word  of the input
  std::vector<int> of(std::int64_t tile, int word) const {
    const machine::BankOf bank_of = config_.bank_of();
    const std::int64_t origin = in_.origin + word * in_.plane;
    const std::int64_t end = std::min(positions(), tile + config_.rows + former_.halo);
    std::vector<int> count(at(config_.banks()));
    for (int step = 0; step < steps(); ++step)
      for (std::int64_t p = tile; p < end; ++p) {
        const std::int64_t y = p / cols_ * g_.stride_y + step / steps_x_ * g_.dil_y - g_.pad_top;
        const std::int64_t x = p % cols_ * g_.stride_x + step % steps_x_ * dil_x_ - g_.pad_left;
        if (y >= 0 && y < g_.H && x >= 0 && x < g_.W)
          ++count[at(bank_of(origin + y * in_.pitch + x))];
      }
    return count;
  }

 private:
  Geometry g_;
  Former former_;
  View in_;
  int cols_, steps_x_, dil_x_;
  const machine::Config& config_;
};

}  // namespace

int best_shift(const Layer& layer, const View& in, const View& out, const machine::Config& config) {
  constexpr int kTiles = 16;  // the pattern repeats
  const Taken taken(layer, in, config);
  const machine::BankOf bank_of = config.bank_of();
  const bool window = layer.former.steps > 0;
  const int groups = divide_up(layer.channels, layer.columns(config));
  // Results of all groups but the last appear while the same tile is read, by the window former of
  // the next word; those of the last while the next tile is.
  struct Meeting {
    std::int64_t tile = 0, word = 0;  ///< of the output
    int times = 0;
    std::vector<int> taken;
  };
  std::vector<Meeting> meetings;
  for (std::int64_t tile = 0;
       tile < std::min<std::int64_t>(kTiles * config.rows, taken.positions());
       tile += config.rows) {
    if (groups > 1) meetings.push_back({tile, 0, groups - 1, taken.of(tile, window ? 1 : 0)});
    if (tile + config.rows < taken.positions())
      meetings.push_back({tile, window ? groups - 1 : 0, 1, taken.of(tile + config.rows, 0)});
  }
  const auto waits = [&](const Meeting& m, int shift) {
    const int cols = taken.cols();
    const std::int64_t origin = out.origin + shift + m.word * out.plane;
    for (std::int64_t p = m.tile; p < std::min(taken.positions(), m.tile + config.rows); ++p) {
      if (p % cols >= taken.window().Q) continue;  // it only lends its word
      if (m.taken[at(bank_of(origin + p / cols * out.pitch + p % cols))] >= taken.steps())
        return true;
    }
    return false;
  };
  int best = 0, least = -1;
  for (int shift = 0; shift < config.banks(); shift += config.data_words()) {
    int cycles = 0;
    for (const Meeting& m : meetings) cycles += waits(m, shift) ? m.times : 0;
    if (least >= 0 && cycles >= least) continue;
    best = shift;
    least = cycles;
  }
  return best;
}

View part_of(const View& whole, const Part& part, int per_word) {
  if (part.pixel_words > 0)
    return {whole.at(part.channel / per_word, part.y, part.x), whole.pitch, whole.plane,
            static_cast<int>(part.pixel_words * whole.plane)};
  return {whole.at(part.channel / per_word, part.y, part.x), whole.pitch * part.stride_y,
          whole.plane, whole.step * part.stride_x};
}

Rect rect_of(const Rect& r, const Part& part) {
  if (part.pixel_words > 0) return {part.y, part.y + 1, part.x, part.x + 1};
  return {part.y + r.y0 * part.stride_y, part.y + (r.y1 - 1) * part.stride_y + 1,
          part.x + r.x0 * part.stride_x, part.x + (r.x1 - 1) * part.stride_x + 1};
}

namespace {

/// A plan, what made it and what might make a better one.
struct Choice {
  Wishes wishes;
  Plan plan;
  std::vector<std::vector<int>> conflicting;
  std::vector<int> confining;
};

/// @param misfit  unless null: the layer that does not fit if there is no choice
std::optional<Choice> choice(const Network& network, const machine::Config& config,
                             PlanFacts& facts, const Wishes& wishes, int* misfit = nullptr) {
  Planner planner(network, config, facts, wishes);
  std::optional<Plan> plan = planner.run();
  if (misfit != nullptr) *misfit = planner.misfit();
  if (!plan) return std::nullopt;
  return Choice{wishes, std::move(*plan), planner.conflicting(), planner.confining()};
}

/// Rows padded against bank conflicts cost room: those few that gain the most.
Choice pad_some(Choice best, const Network& network, const machine::Config& config,
                PlanFacts& facts) {
  constexpr std::size_t kTries = 8;
  std::vector<std::vector<int>> candidates = best.conflicting;
  candidates.resize(std::min(candidates.size(), kTries));
  const std::size_t spilled = best.plan.spilled;
  for (const std::vector<int>& maps : candidates) {
    Wishes wishes = best.wishes;
    wishes.padded.insert(maps.begin(), maps.end());
    std::optional<Choice> tried = choice(network, config, facts, wishes);
    if (tried && tried->plan.spilled <= spilled && tried->plan.cycles < best.plan.cycles)
      best = std::move(*tried);
  }
  return best;
}

/// The map, and those of tokens that other blocks of a network have in its place.
std::vector<int> alike(const Network& network, int map) {
  const Map& m = network.maps[at(map)];
  const auto same = [&](const Map& o) {
    return o.producer >= 0 && o.part.whole < 0 && o.shape == m.shape &&
           o.last_use - o.producer == m.last_use - m.producer &&
           network.layers[at(o.producer)].op == network.layers[at(m.producer)].op;
  };
  std::vector<int> maps{map};
  for (int k = 0; m.producer >= 0 && m.shape.H == 1 && k < static_cast<int>(network.maps.size());
       ++k)
    if (k != map && same(network.maps[at(k)])) maps.push_back(k);
  return maps;
}

/// A map less in DMEM can leave a layer beside it the room that it needs.
Choice spill_more(Choice best, const Network& network, const machine::Config& config,
                  PlanFacts& facts) {
  constexpr int kTries = 16;
  constexpr double kGain = 0.03;  // estimates of transfers are not that good
  std::set<int> tried;
  int tries = 0;
  for (bool better = true; std::exchange(better, false);)
    for (const int map : best.confining) {
      if (tries == kTries || tried.contains(map)) continue;
      const std::vector<int> maps = alike(network, map);
      tried.insert(maps.begin(), maps.end());
      ++tries;
      Wishes wishes = best.wishes;
      wishes.in_dram.insert(maps.begin(), maps.end());
      std::optional<Choice> other = choice(network, config, facts, wishes);
      if (!other || other->plan.cycles >= (1 - kGain) * best.plan.cycles) continue;
      best = std::move(*other);
      better = true;
      break;
    }
  return best;
}

/// One for each layer that needs a vector unit; none where there is one.
model::Faults vector_faults(const Network& network, const machine::Config& config) {
  model::Faults faults;
  for (const Layer& layer : network.layers)
    if (layer.kind != LayerKind::kConv && !config.vector)
      faults.add(model::Refusal(
          model::Reason::kConfiguration,
          fmt::format("{}: tensor {} '{}' needs the vector unit (vector.enable)", layer.label,
                      network.maps[at(layer.output)].tensor, layer.name)));
  return faults;
}

}  // namespace

std::optional<Plan> quick_plan(const Network& network, const machine::Config& config) {
  PlanFacts facts(network, config);
  Wishes wishes;
  wishes.shifted = false;
  return Planner(network, config, facts, wishes).run();
}

std::optional<Plan> plan(const Network& network, const machine::Config& config,
                         std::optional<model::Refusal>* problem) {
  if (const model::Faults faults = vector_faults(network, config); !faults.empty()) {
    if (problem != nullptr) *problem = faults.joined();
    return std::nullopt;
  }
  PlanFacts facts(network, config);
  int misfit = -1;
  std::optional<Choice> best = choice(network, config, facts, {}, &misfit);
  if (!best) {
    const Layer& layer = network.layers[at(misfit)];
    if (problem != nullptr)
      *problem = model::Refusal(
          model::Reason::kMemory,
          fmt::format(
              "{}: tensor '{}' does not fit: memory.dmem_kib = {}, memory.pmem_kib = {} and "
              "memory.param_channels = {} hold no part of it",
              layer.label, layer.name, config.dmem_kib, config.pmem_kib, config.param_channels));
    return std::nullopt;
  }
  if (best->plan.spilled > 0) {
    Wishes narrow;
    narrow.pad_all = false;
    std::optional<Choice> other = choice(network, config, facts, narrow);
    if (other && other->plan.spilled < best->plan.spilled)
      best = pad_some(std::move(*other), network, config, facts);
    best = spill_more(std::move(*best), network, config, facts);
  }
  best->plan.tiled = facts.tiled;
  best->plan.visited = facts.visited;
  return std::move(best->plan);
}

}  // namespace trine::compiler
