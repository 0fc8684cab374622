// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "sw/base/error.h"
#include "sw/base/rounding.h"

namespace trine::compiler {
namespace {

constexpr double kWorthwhile = 0.05;   ///< part of a layer's cycles that is worth another plan
constexpr double kLayerOverhead = 30;  ///< cycles from a layer's last result to the next start

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Layers during which a resident map occupies its words.
struct Life {
  int from = 0, to = 0;
  bool meets(const Life& o) const { return from <= o.to && o.from <= to; }
};

constexpr int kHeadAhead = 6;  ///< layers by which a head's codes may come before they are needed
/// What a planner is told besides the network.
struct Wishes {
  bool roomy = true;      ///< spends words on pitches and places without bank conflicts
  std::set<int> padded;   ///< !roomy: maps whose rows are padded all the same, as conflicting()
                          ///< names them
  std::set<int> in_dram;  ///< maps that have no place in DMEM, as crowding() names them
};

class Planner {
 public:
  Planner(const Network& network, const gen::Config& config, Wishes wishes)
      : net_(network), config_(config), wishes_(std::move(wishes)) {}

  Plan run() {
    plan_.maps.resize(net_.maps.size());
    find_heads();
    tie_maps();
    join_residuals();
    choose_pitches();
    place_in_dram();
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m)
      if (net_.maps[at(m)].capacity) spill(m);
    const std::size_t states = spilled_.size();
    for (const int m : wishes_.in_dram) spill(m);
    while (!try_placement()) {
    }
    plan_.cycles = estimated_cycles();
    plan_.spilled = spilled_.size() - states;
    return plan_;
  }

  /// After run(): resident maps that would lose fewer cycles with padded rows; one of each layout.
  std::vector<int> conflicting() const {
    std::vector<std::pair<std::int64_t, int>> found;
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m)
      if (root(m) == m && resident(m) && pitch_cycles(m, net_.maps[at(m)].shape.W) > 0)
        found.push_back({-pitch_cycles(m, net_.maps[at(m)].shape.W), m});
    std::sort(found.begin(), found.end());
    std::vector<int> roots;
    for (const auto& [cycles, m] : found) roots.push_back(m);
    return roots;
  }

  /// After run(): maps that lie beside the layers that lose the most cycles to transfers, and would
  /// leave them more room in DRAM.
  std::vector<int> crowding() const {
    std::vector<std::pair<double, int>> losses;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Tiling& t = plan_.tilings[at(i)];
      if (t.expected > (1 + kWorthwhile) * t.compute) losses.push_back({t.compute - t.expected, i});
    }
    std::sort(losses.begin(), losses.end());
    std::vector<int> maps;
    for (const auto& [loss, i] : losses) {
      std::vector<std::pair<std::int64_t, int>> beside;
      for (const Placed& p : placed_)
        if (Life{i, i}.meets(life_of(p.map))) beside.push_back({-words_of(p.map), p.map});
      std::sort(beside.begin(), beside.end());
      for (const auto& [words, m] : beside)
        if (std::find(maps.begin(), maps.end(), m) == maps.end()) maps.push_back(m);
    }
    return maps;
  }

 private:
  // ---- maps with one layout
  // -----------------------------------------------------------------------

  int root(int map) const {
    while (tied_[at(map)] != map) map = tied_[at(map)];
    return map;
  }

  /// A part without a place of its own.
  bool is_view(int map) const { return net_.maps[at(map)].part.whole >= 0 && !is_head(map); }

  /// Channels of an input that only products of two maps read, each some of them: they have places
  /// of their own, each while it is needed.
  bool is_head(int map) const {
    const int whole = net_.maps[at(map)].part.whole;
    return whole >= 0 && by_heads_.count(whole) > 0;
  }

  void find_heads() {
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m)
      if (by_heads(m)) by_heads_.insert(m);
  }

  bool by_heads(int m) const {
    const Map& map = net_.maps[at(m)];
    bool some = false, all = map.input && !map.output && map.shape.H == 1;
    for (const Layer& l : net_.layers)
      for (const int used : {l.input, l.second, l.output, l.weights_map}) {
        if (!all || used < 0 || (used != m && net_.maps[at(used)].part.whole != m)) continue;
        const Part& part = net_.maps[at(used)].part;
        all = used != m && used == l.input && used != l.weights_map && l.weights_map >= 0 &&
              part.x == 0 && part.channel % 4 == 0 && net_.maps[at(used)].shape.W == map.shape.W;
        some = true;
      }
    return some && all;
  }

  void tie_maps() {
    tied_.resize(net_.maps.size());
    std::iota(tied_.begin(), tied_.end(), 0);
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m)
      if (is_view(m)) tied_[at(m)] = net_.maps[at(m)].part.whole;
    const auto tie = [&](int a, int b) { tied_[at(root(a))] = root(b); };
    for (const Layer& layer : net_.layers) {
      if (layer.two_operands()) tie(layer.input, layer.second);
      if (layer.fuse_add) tie(layer.second, layer.output);
      if (in_place(layer)) tie(layer.input, layer.output);
    }
  }

  /// Whether a SOFTMAX may write over its input.
  bool in_place(const Layer& layer) const {
    return layer.kind == LayerKind::kSoftmax && net_.is_private(layer.input) &&
           net_.is_private(layer.output) && shape(layer.input) == shape(layer.output);
  }
  const Shape& shape(int map) const { return net_.maps[at(map)].shape; }

  /// A sum takes the place of its residual if nobody reads that any more: each word is read before
  /// it is written. A RUN clears what lies behind its last channel in a word, so RUNs of a layer
  /// must not share words.
  void join_residuals() {
    home_.resize(net_.maps.size());
    std::iota(home_.begin(), home_.end(), 0);
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Layer& layer = net_.layers[at(i)];
      if (in_place(layer) && net_.maps[at(layer.input)].last_use == i)
        home_[at(layer.output)] = home_[at(layer.input)];
      if (!layer.fuse_add || layer.second == layer.input || !net_.is_private(layer.second) ||
          !net_.is_private(layer.output))
        continue;
      const Map& out = net_.maps[at(layer.output)];
      if (net_.maps[at(layer.second)].last_use == i && out.producer == i && out.last_write == i &&
          config_.cols % out.shape.per_word == 0)
        home_[at(layer.output)] = home_[at(layer.second)];
    }
  }

  bool alone(int m) const { return std::count(home_.begin(), home_.end(), home_[at(m)]) == 1; }

  void choose_pitches() {
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m) {
      if (root(m) != m) continue;
      const int W = net_.maps[at(m)].shape.W;
      const int step = pitch_unit(m);
      int best = static_cast<int>(round_up(W, step));
      std::int64_t best_cycles = pitch_cycles(m, best);
      const bool pad = wishes_.roomy || wishes_.padded.count(m) > 0;
      for (int pitch = best + step; pad && best_cycles > 0 && pitch <= W + config_.banks();
           pitch += step) {
        const std::int64_t cycles = pitch_cycles(m, pitch);
        if (cycles >= best_cycles) continue;
        best = pitch;
        best_cycles = cycles;
      }
      for (int k = 0; k < static_cast<int>(net_.maps.size()); ++k)
        if (root(k) == m && !is_view(k)) set_layout(k, best);
    }
  }

  /// Whether maps of that layout are read as weights: rows and planes then begin with a beat.
  bool weights(int class_root) const {
    for (int k = 0; k < static_cast<int>(net_.maps.size()); ++k)
      if (root(k) == class_root && net_.maps[at(k)].weights) return true;
    return false;
  }

  int pitch_unit(int class_root) const {
    return net_.maps[at(class_root)].shape.H > 1 && weights(class_root) ? config_.data_words() : 1;
  }

  std::int64_t pitch_cycles(int class_root, int pitch) const {
    std::int64_t cycles = 0;
    for (const Layer& layer : net_.layers)
      if (root(layer.input) == class_root) cycles += replay_cycles(layer, pitch, config_);
    return cycles;
  }

  void set_layout(int m, int pitch) {
    const Shape& shape = net_.maps[at(m)].shape;
    View& view = plan_.maps[at(m)].dmem;
    view.pitch = pitch;
    view.plane = plane_of(m, pitch);
    if (shape.pixels() == 1) view.pitch = 1;
    if (shape.pixels() == 1 || !stays_on_chip(m)) return;
    if (pooled(m) && !weights(root(m)))  // lanes take channel words: each in a bank of its own
      view.plane += 1 - view.plane % 2;
    else if (wishes_.roomy && shape.pixels() >= config_.rows)
      view.plane += gap_to_half(view.plane);
  }

  /// Whether one window of a pool covers the map, or one that shares its layout.
  bool pooled(int m) const {
    return std::any_of(net_.layers.begin(), net_.layers.end(), [&](const Layer& l) {
      return root(l.input) == root(m) && (l.kind == LayerKind::kSum || l.kind == LayerKind::kMax) &&
             l.window.P * l.window.Q == 1 && l.window.R * l.window.S > 1;
    });
  }

  /// Maps that share its layout all stay on chip, and have its size.
  bool stays_on_chip(int m) const {
    const Shape& shape = net_.maps[at(m)].shape;
    bool stays = true;
    for (int k = 0; k < static_cast<int>(net_.maps.size()); ++k) {
      const Map& map = net_.maps[at(k)];
      if (root(k) == root(m) && !is_view(k))
        stays = stays && (!map.input || multiplied(k)) && !map.output && !map.constant() &&
                map.shape.H == shape.H && map.shape.W == shape.W;
    }
    return stays;
  }

  /// Whether products of two maps read the map, or parts of it, as activations: the array then
  /// hardly rests.
  bool multiplied(int m) const {
    return std::any_of(net_.layers.begin(), net_.layers.end(), [&](const Layer& l) {
      return l.weights_map >= 0 && (l.input == m || net_.maps[at(l.input)].part.whole == m);
    });
  }

  /// Words after a plane so that the next channel word begins half a round of banks further on: a
  /// result that meets the reads of one step finds its banks free in the next.
  std::int64_t gap_to_half(std::int64_t plane) const {
    const int banks = config_.banks(), half = banks / 2;
    return half % config_.data_words() == 0 ? (half - plane % banks + banks) % banks : 0;
  }

  std::int64_t plane_of(int m, int pitch) const {
    const Map& map = net_.maps[at(m)];
    if (map.shape.pixels() == 1 && !weights(root(m))) return 1;
    return round_up(std::int64_t{map.shape.H} * pitch, config_.data_words());
  }

  std::int64_t words_of(int m) const {
    // Beats of a row of PMEM reach beyond the last plane.
    const int behind = weights(root(m)) ? config_.beats_per_row() * config_.data_words() : 0;
    return round_up(plan_.maps[at(m)].dmem.plane * net_.maps[at(m)].shape.channel_words() + behind,
                    config_.data_words()) +
           (wishes_.roomy ? config_.banks() : 0);
  }

  // ---- DRAM
  // ---------------------------------------------------------------------------------------

  /// Inputs, outputs and constants as they lie in DMEM; this also holds for maps spilled later,
  /// whose rows then become whole beats.
  void place_in_dram() {
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m)
      if (net_.maps[at(m)].input || net_.maps[at(m)].output || net_.maps[at(m)].constant() ||
          net_.maps[at(m)].kept || net_.maps[at(m)].reloads >= 0)
        give_dram(m);
  }

  void give_dram(int m) {
    Placement& p = plan_.maps[at(m)];
    if (p.in_dram) return;
    p.in_dram = true;
    p.dram.pitch = p.dmem.pitch;
    p.dram.plane = net_.maps[at(m)].kept ? plane_of(m, p.dmem.pitch) : p.dmem.plane;
    assign_dram();
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
    for (std::size_t m = 0; m < net_.maps.size(); ++m)
      if (net_.maps[m].reloads >= 0) plan_.maps[m].dram = plan_.maps[at(net_.maps[m].reloads)].dram;
  }

  /// Rows that are whole beats can be cut in columns.
  void spill(int m) {
    const int r = root(m);
    spilled_.insert(r);
    for (int k = 0; k < static_cast<int>(net_.maps.size()); ++k) {
      if (root(k) != r || is_view(k)) continue;
      Placement& p = plan_.maps[at(k)];
      const Shape shape = net_.maps[at(k)].capacity.value_or(net_.maps[at(k)].shape);
      p.in_dram = true;
      p.dram.pitch = shape.W >= config_.data_words()
                         ? static_cast<int>(round_up(shape.W, config_.data_words()))
                         : static_cast<int>(round_up(shape.W, pitch_unit(r)));
      p.dram.plane = plane_of(k, p.dram.pitch);
      // A copy's codes lie as those of its class.
      if (net_.maps[at(k)].reloads >= 0) plan_.maps[at(net_.maps[at(k)].reloads)].dram = p.dram;
    }
    assign_dram();
  }

  // ---- DMEM
  // ---------------------------------------------------------------------------------------

  /// Of all maps that have the map's place.
  Life life_of(int m) const {
    Life life{std::numeric_limits<int>::max(), 0};
    for (std::size_t k = 0; k < net_.maps.size(); ++k) {
      if (home_[k] != home_[at(m)]) continue;
      const Map& map = net_.maps[k];
      const int ahead = is_head(static_cast<int>(k)) ? kHeadAhead : 0;
      const int from = map.producer >= 0 ? map.producer : std::max(0, map.first_use - ahead);
      life.from = std::min(life.from, from);
      life.to = std::max({life.to, from, map.last_use, map.last_write});
    }
    return life;
  }

  /// Whether the layer that makes the map can begin while the one before, a normalization, is at
  /// work: then its codes must not lie where that reads.
  bool follows_norm(int m) const {
    const int layer = net_.maps[at(m)].producer;
    return layer > 0 && net_.layers[at(layer - 1)].kind == LayerKind::kNormalize &&
           net_.layers[at(layer - 1)].output == net_.layers[at(layer)].input;
  }

  Life early_life(int m) const {
    Life life = life_of(m);
    if (early_ && follows_norm(m)) --life.from;
    return life;
  }

  bool resident(int m) const {
    return spilled_.count(root(m)) == 0 && used(m) && !only_weights(m) && by_heads_.count(m) == 0;
  }
  /// Codes that come from DRAM and go to PMEM alone.
  bool only_weights(int m) const {
    const auto is = [&](int map) {
      return map >= 0 && (map == m || net_.maps[at(map)].part.whole == m);
    };
    return net_.maps[at(m)].producer < 0 &&
           std::none_of(net_.layers.begin(), net_.layers.end(),
                        [&](const Layer& l) { return is(l.input) || is(l.second); });
  }
  bool used(int m) const {
    return net_.maps[at(m)].producer >= 0 || net_.maps[at(m)].first_use >= 0;
  }

  struct Placed {
    int map;
    std::int64_t start, end;
  };

  /// Lowest place for `words` that no map alive at the same time occupies, or -1.
  std::int64_t lowest_gap(const Life& life, std::int64_t words) const {
    std::vector<Placed> near;
    for (const Placed& p : placed_)
      if (life.meets(early_life(p.map))) near.push_back(p);
    std::sort(near.begin(), near.end(),
              [](const Placed& a, const Placed& b) { return a.start < b.start; });
    std::int64_t start = 0;
    for (const Placed& p : near) {
      if (start + words <= p.start) return start;
      start = std::max(start, p.end);
    }
    return start + words <= config_.dmem_words() ? start : -1;
  }

  bool try_placement() {
    placed_.clear();
    std::vector<int> order;
    for (int m = 0; m < static_cast<int>(net_.maps.size()); ++m) {
      if (is_view(m)) continue;
      plan_.maps[at(m)].resident = resident(m);
      if (resident(m) && home_[at(m)] == m) order.push_back(m);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return words_of(a) > words_of(b); });
    for (const int m : order) {
      const std::int64_t start = lowest_gap(early_life(m), words_of(m));
      if (start < 0 && early_) {
        early_ = false;
        return false;
      }
      if (start < 0) {
        spill(largest_beside(life_of(m), m));
        return false;
      }
      plan_.maps[at(m)].dmem.origin = start;
      placed_.push_back({m, start, start + words_of(m)});
    }
    for (std::size_t m = 0; m < home_.size(); ++m)
      plan_.maps[m].dmem.origin = plan_.maps[at(home_[m])].dmem.origin;
    if (wishes_.roomy) shift_outputs();
    place_parts();
    return tile_layers();
  }

  void place_parts() {
    for (std::size_t m = 0; m < net_.maps.size(); ++m) {
      const Part& part = net_.maps[m].part;
      if (part.whole < 0) continue;
      const int per_word = net_.maps[m].shape.per_word;
      Placement& p = plan_.maps[m];
      if (is_head(static_cast<int>(m))) {
        p.dram = part_of(plan_.maps[at(part.whole)].dram, part, per_word);
        p.in_dram = true;
        continue;
      }
      p = plan_.maps[at(part.whole)];
      p.dmem = part_of(p.dmem, part, per_word);
      p.dram = part_of(p.dram, part, per_word);
    }
  }

  /// Moves each output, inside of its place, to where its writes meet the array's reads least.
  void shift_outputs() {
    for (const Layer& layer : net_.layers) {
      const Placement& in = plan_.maps[at(layer.input)];
      Placement& out = plan_.maps[at(layer.output)];
      if (layer.kind != LayerKind::kConv || is_view(layer.output) || !in.resident ||
          !out.resident || !alone(layer.output))
        continue;
      int best = 0;
      std::int64_t best_cycles = -1;
      for (int shift = 0; shift < config_.banks(); shift += config_.data_words()) {
        const std::int64_t cycles = scatter_cycles(layer, in.dmem, out.dmem, shift, config_);
        if (best_cycles >= 0 && cycles >= best_cycles) continue;
        best = shift;
        best_cycles = cycles;
      }
      const std::int64_t wanted = in.dmem.origin + best - out.dmem.origin;
      out.dmem.origin += (wanted % config_.banks() + config_.banks()) % config_.banks();
    }
  }

  double estimated_cycles() const {
    double cycles = 0;
    for (std::size_t i = 0; i < net_.layers.size(); ++i) {
      const Placement& in = plan_.maps[at(net_.layers[i].input)];
      const int pitch = in.resident ? in.dmem.pitch : in.dram.pitch;
      cycles += plan_.tilings[i].cycles + kLayerOverhead +
                static_cast<double>(replay_cycles(net_.layers[i], pitch, config_));
    }
    return cycles;
  }

  /// The largest resident map alive during `life`; `fallback` if there is none placed.
  int largest_beside(const Life& life, int fallback) const {
    int best = fallback;
    for (const Placed& p : placed_)
      if (life.meets(life_of(p.map)) && (best < 0 || words_of(p.map) > words_of(best)))
        best = p.map;
    return best;
  }

  /// Cuts each layer for the room that resident maps leave; spills one more where that fails.
  bool tile_layers() {
    plan_.tilings.clear();
    plan_.scratch.clear();
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      const Layer& layer = net_.layers[at(i)];
      const std::int64_t room = largest_gap({i, i}).size;
      const int whole = net_.maps[at(layer.output)].part.whole;
      const LayerPlaces places{&plan_.maps[at(layer.input)],
                               layer.second < 0 ? nullptr : &plan_.maps[at(layer.second)],
                               &plan_.maps[at(whole >= 0 ? whole : layer.output)]};
      Tiling tiling;
      if (!tile(net_, layer, places, config_, room, &tiling)) {
        const int victim = largest_beside({i, i}, -1);
        if (victim < 0)
          throw_error(
              "{}: tensor '{}' does not fit: memory.dmem_kib = {}, memory.pmem_kib = {} and "
              "memory.param_channels = {} hold no part of it",
              layer.label, layer.name, config_.dmem_kib, config_.pmem_kib, config_.param_channels);
        spill(victim);
        return false;
      }
      plan_.tilings.push_back(tiling);
      plan_.scratch.push_back(scratch_of(i, tiling));
    }
    return true;
  }

  /// Where the layer's buffers begin: they are filled early where no map of the layer before lies.
  std::int64_t scratch_of(int layer, const Tiling& t) const {
    const std::int64_t words = t.buffers * (t.input_words + t.second_words + t.output_words);
    const Gap early = largest_gap({std::max(0, layer - 1), layer});
    return words <= early.size ? early.start : largest_gap({layer, layer}).start;
  }

  struct Gap {
    std::int64_t start, size;
  };

  Gap largest_gap(const Life& life) const {
    std::vector<Placed> near;
    for (const Placed& p : placed_)
      if (life.meets(life_of(p.map))) near.push_back(p);
    near.push_back({-1, config_.dmem_words(), config_.dmem_words()});
    std::sort(near.begin(), near.end(),
              [](const Placed& a, const Placed& b) { return a.start < b.start; });
    Gap best{0, 0};
    std::int64_t start = 0;
    for (const Placed& p : near) {
      if (p.start - start > best.size) best = {start, p.start - start};
      start = std::max(start, p.end);
    }
    return best;
  }

  const Network& net_;
  const gen::Config& config_;
  Wishes wishes_;
  bool early_ = true;  ///< there is room for maps of layers that begin early
  Plan plan_;
  std::vector<int> tied_;
  std::vector<int> home_;   ///< of each map: in whose place it lies
  std::set<int> by_heads_;  ///< inputs whose parts have places of their own
  std::set<int> spilled_;
  std::vector<Placed> placed_;
};

}  // namespace

namespace {

/// Of one step over the positions of a rectangle.
std::int64_t replays(const Layer& layer, const Rect& rect, int pitch, const gen::Config& config) {
  const Geometry& g = layer.window;
  const int cols = rect.cols() + layer.former.behind(rect.cols(), g.Q);
  const std::int64_t positions = std::int64_t{rect.rows()} * cols;
  const std::int64_t mask = config.banks() - 1;
  std::vector<int> count(at(config.banks()));
  std::int64_t sum = 0;
  for (std::int64_t tile = 0; tile < positions; tile += config.rows) {
    std::fill(count.begin(), count.end(), 0);
    int most = 1;
    for (std::int64_t p = tile; p < std::min(positions, tile + config.rows); ++p) {
      const std::int64_t address = p / cols * g.stride_y * pitch + p % cols * g.stride_x;
      most = std::max(most, ++count[static_cast<std::size_t>(address & mask)]);
    }
    sum += most - 1;
  }
  return sum;
}

}  // namespace

std::int64_t replay_cycles(const Layer& layer, int pitch, const gen::Config& config) {
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

std::int64_t scatter_cycles(const Layer& layer, const View& in, const View& out, int shift,
                            const gen::Config& config) {
  const Geometry g = layer.window_of(layer.sweeps[0]);  // the others are alike
  const std::int64_t positions = std::int64_t{g.P} * g.Q, mask = config.banks() - 1;
  const int groups = divide_up(layer.channels, config.cols);
  const int taps = std::min(g.R * g.S, 64);
  constexpr int kTiles = 16;  // the pattern repeats
  // For each bank: in how many of the taps of the tile that is read next it is taken.
  const auto taken = [&](std::int64_t tile) {
    std::vector<int> count(at(config.banks()));
    for (int tap = 0; tap < taps; ++tap)
      for (std::int64_t p = tile; p < std::min(positions, tile + config.rows); ++p) {
        const std::int64_t y = p / g.Q * g.stride_y + tap / g.S * g.dil_y - g.pad_top;
        const std::int64_t x = p % g.Q * g.stride_x + tap % g.S * g.dil_x - g.pad_left;
        if (y >= 0 && y < g.H && x >= 0 && x < g.W)
          ++count[static_cast<std::size_t>((y * in.pitch + x) & mask)];
      }
    return count;
  };
  const auto waits = [&](std::int64_t tile, const std::vector<int>& count) {
    for (std::int64_t p = tile; p < std::min(positions, tile + config.rows); ++p) {
      const std::int64_t address = shift + p / g.Q * out.pitch + p % g.Q;
      if (count[static_cast<std::size_t>(address & mask)] >= taps) return 1;
    }
    return 0;
  };
  std::int64_t cycles = 0;
  for (int t = 0; t < kTiles && std::int64_t{t} * config.rows < positions; ++t) {
    const std::int64_t tile = std::int64_t{t} * config.rows;
    // Results of all groups but the last appear while the same tile is read.
    cycles += (groups - 1) * waits(tile, taken(tile));
    if (tile + config.rows < positions) cycles += waits(tile, taken(tile + config.rows));
  }
  return cycles;
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
  std::vector<int> conflicting, crowding;
};

Choice choice(const Network& network, const gen::Config& config, const Wishes& wishes) {
  Planner planner(network, config, wishes);
  Plan plan = planner.run();
  return {wishes, std::move(plan), planner.conflicting(), planner.crowding()};
}

/// Rows padded against bank conflicts cost room: those few that gain the most.
Choice pad_some(Choice best, const Network& network, const gen::Config& config) {
  constexpr std::size_t kTries = 8;
  std::vector<int> candidates = best.conflicting;
  candidates.resize(std::min(candidates.size(), kTries));
  const std::size_t spilled = best.plan.spilled;
  for (const int map : candidates) {
    Wishes wishes = best.wishes;
    wishes.padded.insert(map);
    Choice tried = choice(network, config, wishes);
    if (tried.plan.spilled <= spilled && tried.plan.cycles < best.plan.cycles)
      best = std::move(tried);
  }
  return best;
}

/// The map, and those of tokens that other blocks of a network have in its place.
std::vector<int> alike(const Network& network, int map) {
  const Map& m = network.maps[at(map)];
  const auto same = [&](const Map& o) {
    return o.producer >= 0 && o.part.whole < 0 && o.shape.C == m.shape.C &&
           o.shape.H == m.shape.H && o.shape.W == m.shape.W &&
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
Choice spill_more(Choice best, const Network& network, const gen::Config& config) {
  constexpr int kTries = 16;
  constexpr double kGain = 0.03;  // estimates of transfers are not that good
  std::set<int> tried;
  int tries = 0;
  for (bool better = true; better;) {
    better = false;
    for (const int map : best.crowding) {
      if (tries == kTries || tried.count(map) > 0) continue;
      const std::vector<int> maps = alike(network, map);
      tried.insert(maps.begin(), maps.end());
      ++tries;
      Wishes wishes = best.wishes;
      wishes.in_dram.insert(maps.begin(), maps.end());
      Choice other = choice(network, config, wishes);
      if (other.plan.cycles >= (1 - kGain) * best.plan.cycles) continue;
      best = std::move(other);
      better = true;
      break;
    }
  }
  return best;
}

}  // namespace

Plan plan(const Network& network, const gen::Config& config) {
  Choice best = choice(network, config, {});
  if (best.plan.spilled == 0) return best.plan;
  Wishes narrow;
  narrow.roomy = false;
  Choice other = choice(network, config, narrow);
  if (other.plan.spilled < best.plan.spilled) best = pad_some(std::move(other), network, config);
  return spill_more(std::move(best), network, config).plan;
}

}  // namespace trine::compiler
