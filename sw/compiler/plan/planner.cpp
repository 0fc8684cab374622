// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan/planner.h"

#include <cassert>
#include <functional>
#include <map>

#include "spec/timing.h"
#include "sw/base/division.h"

namespace trine::compiler {
namespace {

constexpr double kWorthwhile = 0.05;  ///< share of a layer's cycles that is worth another plan

struct Conflict {
  std::int64_t cycles = 0;
  std::vector<int> maps;
};

/// Determines if a layer finds all of its weights in PMEM, where the most recently used weights
/// stay.
class Weights {
 public:
  Weights(const PlanFacts& facts, const spec::Config& config)
      : facts_(facts), rows_(config.pmem_rows()) {}

  bool finds(int layer, std::int64_t rows) {
    const int first = facts_.weights_of(layer);
    std::int64_t later = rows;  // including rows that were loaded later
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
  std::vector<std::pair<int, std::int64_t>> used_;  ///< most recent last
};

}  // namespace

std::optional<Plan> Planner::run() {
  plan_.maps.resize(net_.maps.size());
  for (int m = 0; m < count(); ++m)
    for (View* view : {&plan_.maps[at(m)].dmem, &plan_.maps[at(m)].dram})
      view->step = view->width = net_.maps[at(m)].shape.pixel_words();
  choose_pitches();
  place_in_dram();
  order_maps();
  for (int m = 0; m < count(); ++m)
    if (net_.maps[at(m)].is_state()) spill(m);
  for (const int m : wishes_.streamed) spill(m);
  const std::size_t states = spilled_.size();
  for (int m = 0; m < count(); ++m)
    if (net_.maps[at(m)].spill) spill(m);
  for (const int m : wishes_.spill) spill(m);
  do {
    place_maps();
    set_origins();
  } while (!tile_layers());
  if (misfit_ >= 0) return std::nullopt;
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) place_buffers(i);
  note_rooms();
  plan_.cycles += estimated_cycles() + exposed_cycles() + sharing_cycles() + exchange_cycles();
  plan_.spilled = spilled_.size() - states;
  return plan_;
}

std::vector<std::vector<int>> Planner::conflicting() const {
  std::map<int, Conflict> of;  // by layer, for all its stripes' maps; inputs are -1 and below
  for (int m = 0; m < count(); ++m) {
    const std::int64_t cycles = facts_.pitch_cycles(m, net_.maps[at(m)].shape.W);
    if (facts_.leader(m) != m || !resident(m) || cycles == 0) continue;
    const int producer = net_.maps[at(m)].written.first;
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

std::vector<int> Planner::confining() const {
  std::vector<std::pair<double, int>> losses;
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Tiling& t = plan_.tilings[at(i)];
    const double least = t.sums ? t.steps : t.compute;
    if (t.expected > (1 + kWorthwhile) * least) losses.push_back({least - t.expected, i});
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

// ---- layouts ------------------------------------------------------------------------------------

void Planner::choose_pitches() {
  words_.resize(net_.maps.size());
  for (int m = 0; m < count(); ++m) {
    if (facts_.leader(m) != m) continue;
    const int W = net_.maps[at(m)].shape.W * net_.maps[at(m)].shape.pixel_words();
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

/// Returns true if the DMA moves rows of a map with this leader. Rows and planes are then whole
/// beats.
bool Planner::has_moved(int leader) const {
  return std::ranges::any_of(facts_.members(leader), [&](int m) { return net_.maps[at(m)].moved; });
}

int Planner::pitch_unit(int leader) const {
  const Shape& shape = net_.maps[at(leader)].shape;
  if (has_moved(leader)) return config_.data_words();
  // Rows begin at the same position in a beat in all cores and in DRAM.
  if ((net_.row_cores > 1 && shape.pixels() > 1) || (net_.tokens && shape.H > 1))
    return config_.data_words();
  return shape.H > 1 && facts_.weights(leader) ? config_.data_words() : shape.pixel_words();
}

void Planner::set_layout(int map, int pitch) {
  const int leader = facts_.leader(map);
  const Shape& shape = net_.maps[at(map)].shape;
  View& view = plan_.maps[at(map)].dmem;
  const bool moved = has_moved(leader);
  view.pitch = shape.pixels() == 1 && !moved ? shape.pixel_words() : pitch;
  view.plane = plane_of(map, pitch);
  if (shape.pixels() > 1 && facts_.stays_on_chip(leader)) {
    // The lanes of a pool read channel words, for which planes of 2 modulo 4 words avoid conflicts.
    // Such planes are whole beats only on narrow buses.
    constexpr int kPoolPlane = 2, kOf = 4;
    const bool fits_beats = !facts_.crosses(leader) || kPoolPlane % config_.data_words() == 0;
    if (facts_.pooled(leader) && !facts_.weights(leader) && !moved && fits_beats)
      view.plane += (kOf + kPoolPlane - view.plane % kOf) % kOf;
    else if (wishes_.pad_all && shape.pixels() >= config_.rows)
      view.plane += gap_to_half(view.plane);
  }
  words_[at(map)] = words_of(map);
}

std::int64_t Planner::gap_to_half(std::int64_t plane) const {
  const int banks = config_.banks(), half = banks / 2;
  return half % config_.data_words() == 0 ? (half - plane % banks + banks) % banks : 0;
}

std::int64_t Planner::plane_of(int map, int pitch) const {
  const Map& own = net_.maps[at(map)];
  const Shape shape = own.capacity.value_or(own.shape);  // as for other maps
  const int leader = facts_.leader(map);
  if (shape.pixels() == 1 && !facts_.weights(leader) && !has_moved(leader))
    return shape.pixel_words();
  const int rows =
      of_core(map) ? own.core.rows + shared_rows(map, true) + shared_rows(map, false) : shape.H;
  return round_up(std::int64_t{rows} * pitch, config_.data_words());
}

/// Returns true if a core's DMEM holds only the core's own rows.
bool Planner::of_core(int map) const {
  const Map& own = net_.maps[at(map)];
  return own.core.rows > 0 && !plan_.maps[at(map)].in_dram && !own.spill;
}

/// Returns the number of neighbouring cores' rows, above or below a core's rows, for which all maps
/// with one leader have room.
int Planner::shared_rows(int map, bool above) const {
  int rows = 0;
  for (const int k : facts_.members(facts_.leader(map)))
    rows =
        std::max(rows, above ? net_.maps[at(k)].core.rows_above : net_.maps[at(k)].core.rows_below);
  return rows;
}

/// Returns true for channels of a one-pixel input. In DRAM these words begin anywhere in a beat,
/// and in DMEM they begin at the same place of a beat.
bool Planner::begins_anywhere(int map) const {
  return facts_.is_head(map) && net_.maps[at(map)].shape.pixels() == 1;
}

std::int64_t Planner::words_of(int map) const {
  // The beats of a PMEM row can extend beyond the last plane.
  const int behind =
      facts_.weights(facts_.leader(map)) ? config_.beats_per_row() * config_.data_words() : 0;
  const std::int64_t words =
      plan_.maps[at(map)].dmem.plane * net_.maps[at(map)].shape.channel_words() + behind;
  return round_up(words + (begins_anywhere(map) ? config_.data_words() : 0), config_.data_words()) +
         (wishes_.pad_all ? config_.banks() : 0);
}

// ---- DRAM ---------------------------------------------------------------------------------------

void Planner::place_in_dram() {
  for (int m = 0; m < count(); ++m) {
    const Map& map = net_.maps[at(m)];
    if (map.is_copy()) copies_.push_back(m);
    if (!map.has_copy_in_dram()) continue;
    Placement& p = plan_.maps[at(m)];
    p.in_dram = true;
    p.dram.pitch = std::max(p.dmem.pitch, map.row_room * map.shape.pixel_words());
    p.dram.plane = map.kept || map.row_room > 0 ? plane_of(m, p.dram.pitch) : p.dmem.plane;
  }
  lay_copies();
}

void Planner::lay_copies() {
  for (const int m : copies_)
    plan_.maps[at(m)].dram = plan_.maps[at(net_.maps[at(m)].reloads)].dram;
}

void Planner::assign_dram() {
  std::int64_t word = 0;
  const std::int64_t unit = std::max(config_.data_words(), 16);
  // States come first, because their addresses must not depend on other maps.
  for (const bool states : {true, false})
    for (std::size_t m = 0; m < net_.maps.size(); ++m) {
      Placement& p = plan_.maps[m];
      const Map& map = net_.maps[m];
      if (!p.in_dram || map.constant() || map.part.whole >= 0 || map.is_copy() ||
          map.is_state() != states)
        continue;
      p.dram.origin = word;
      word = round_up(word + p.dram.plane * map.capacity.value_or(map.shape).channel_words(), unit);
    }
  plan_.core_words = word;
  plan_.arena_bytes = round_up(4 * word * (net_.tokens ? 1 : net_.cores), 4096);
  word = plan_.arena_bytes / 4;
  for (int m = 0; m < count(); ++m) {
    if (!net_.maps[at(m)].constant()) continue;
    View& dram = plan_.maps[at(m)].dram;
    dram.origin = word;
    word = round_up(word + dram.plane * net_.maps[at(m)].shape.channel_words(), unit);
  }
  lay_copies();
}

/// Returns the pitch of a map in DRAM, which its buffers in DMEM share. Rows that are padded
/// against bank conflicts transfer more words.
int Planner::spilled_pitch(int leader, const Shape& shape) {
  const Map& map = net_.maps[at(leader)];
  int pixels = shape.W;
  for (const int k : facts_.members(leader)) pixels = std::max(pixels, net_.maps[at(k)].row_room);
  const int W = pixels * shape.pixel_words();
  const int step = W >= config_.data_words() ? config_.data_words() : pitch_unit(leader);
  const int least = round_up(W, step);
  if (!wishes_.pad_dram || shape.H == 1 || map.is_loaded_again() || facts_.weights(leader))
    return least;
  const double beat = 2.0 * 32 / config_.axi_data_bits;  // cycles to store and load a word
  const double words = beat * shape.H * shape.channel_words();
  int best = least;
  double best_cycles = static_cast<double>(facts_.pitch_cycles(leader, least));
  for (int pitch = least + step; pitch <= W + config_.banks(); pitch += step) {
    const double cycles =
        static_cast<double>(facts_.pitch_cycles(leader, pitch)) + words * (pitch - least);
    if (cycles >= best_cycles) continue;
    best = pitch;
    best_cycles = cycles;
  }
  return best;
}

void Planner::spill(int map) {
  const int leader = facts_.leader(map);
  spilled_.insert(leader);
  for (const int k : facts_.members(leader)) {
    remove(k);
    Placement& p = plan_.maps[at(k)];
    const Shape shape = net_.maps[at(k)].capacity.value_or(net_.maps[at(k)].shape);
    p.resident = false;
    p.in_dram = true;
    p.dram.pitch = spilled_pitch(leader, shape);
    p.dram.plane = plane_of(k, p.dram.pitch);
    // A copy has the layout of its leader in DRAM.
    if (net_.maps[at(k)].is_copy()) plan_.maps[at(net_.maps[at(k)].reloads)].dram = p.dram;
  }
  lay_copies();
}

// ---- parts, origins, buffers --------------------------------------------------------------------

void Planner::set_origins() {
  for (const int m : order_)
    if (View& view = plan_.maps[at(m)].dmem; placed(m))
      view.origin = start_[at(m)] + (of_core(m) ? shared_rows(m, true) * view.pitch : 0);
  for (int m = 0; m < count(); ++m)
    plan_.maps[at(m)].dmem.origin = plan_.maps[at(facts_.alias_class(m))].dmem.origin;
  if (wishes_.pad_all && wishes_.shifted) shift_outputs();
  assign_dram();
  for (int m = 0; m < count(); ++m)
    if (net_.maps[at(m)].part.whole >= 0) place_part(m);
}

void Planner::note_rooms() {
  for (int m = 0; m < count(); ++m) {
    const int of = facts_.is_view(m) ? net_.maps[at(m)].part.whole : m;
    const int alias_class = facts_.alias_class(of);
    if (placed(alias_class))
      plan_.maps[at(m)].room = {start_[at(alias_class)],
                                start_[at(alias_class)] + words_[at(alias_class)]};
  }
}

void Planner::place_part(int map) {
  const Part& part = net_.maps[at(map)].part;
  const int per_word = net_.maps[at(map)].shape.per_word;
  Placement& p = plan_.maps[at(map)];
  const Placement& whole = plan_.maps[at(part.whole)];
  if (facts_.is_head(map)) {
    p.dram = part_of(whole.dram, part, per_word);
    p.in_dram = true;
    if (begins_anywhere(map)) p.dmem.origin += p.dram.origin % config_.data_words();
    return;
  }
  p = whole;
  p.dmem = part_of(p.dmem, part, per_word);
  p.dram = part_of(p.dram, part, per_word);
}

void Planner::shift_outputs() {
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

bool Planner::shares_chunks(int layer) const {
  const ImageRun& run = facts_.together(layer);
  for (int i = run.first; i <= run.last; ++i)
    if (!goes_together(plan_.tilings[at(i)], plan_.tilings[at(run.first)])) return false;
  return run.size() > 1;
}

/// Places separate buffers for each of the layers that run together.
void Planner::place_buffers_together(int layer) {
  const ImageRun& run = facts_.together(layer);
  const Tiling& t = plan_.tilings[at(layer)];
  const auto unit = static_cast<std::int64_t>(config_.data_words());
  const Gap gap = largest_gap({run.first, run.last});
  const std::int64_t start = layer == run.first ? gap.start : recent_.back().place.end();
  plan_.scratch.push_back(start);
  recent_ = {{{start, round_up(t.scratch_words(), unit)}, t.expected, 0, 0}};
  assert(t.scratch_words() == 0 || recent_.back().place.end() <= gap.end());
}

void Planner::place_buffers(int layer) {
  if (facts_.together(layer).size() > 1) return place_buffers_together(layer);
  const Tiling& t = plan_.tilings[at(layer)];
  if (net_.layers[at(layer)].by_dma) return plan_.scratch.push_back(0);  // nothing is hidden by it
  int before = std::max(0, layer - 1);
  while (before > 0 && net_.layers[at(before)].by_dma) --before;
  const std::int64_t words = t.scratch_words();
  Buffers own{{0, words}, t.expected, std::max(0.0, t.compute - t.traffic), kinds_in_turns(layer)};
  const Gap early = largest_gap({before, layer});
  double waits = 32.0 * static_cast<double>(words) / config_.axi_data_bits;
  if (words > early.size) {
    own.place.start = largest_gap({layer, layer}).start;
  } else {
    own.place.start = early.start;
    waits = waits_for(own);
    for (const Buffers& last : recent_) {
      Buffers behind = own;
      behind.place.start = last.place.end();
      if (behind.place.start < early.start || behind.place.end() > early.end()) continue;
      if (const double other = waits_for(behind); other < waits) {
        waits = other;
        own = behind;
      }
    }
  }
  plan_.cycles += waits - hidden_by_others(own, t);
  plan_.scratch.push_back(own.place.start);
  own.place.size = round_up(words, config_.data_words());
  recent_.push_back(own);
  if (recent_.size() > kRecent) recent_.erase(recent_.begin());
}

/// Returns the kinds of buffers of which a layer has two but uses one, because it is a single part.
/// 0: none.
int Planner::kinds_in_turns(int layer) const {
  const Tiling& t = plan_.tilings[at(layer)];
  const Layer& l = net_.layers[at(layer)];
  const bool one = t.rows >= l.window.P && t.cols >= l.window.Q &&
                   t.chunk >= net_.maps[at(l.output)].shape.C && t.buffers > 1;
  return one ? (t.input_words > 0 ? 1 : 0) + (t.second_words > 0 ? 2 : 0) +
                   (t.output_words > 0 ? 4 : 0)
             : 0;
}

/// Returns true if consecutive stripes use two buffers at the same addresses in turns.
bool Planner::in_turns(const Buffers& own, const Buffers& last) {
  return own.in_turns > 0 && own.in_turns == last.in_turns && own.place.start == last.place.start &&
         own.place.size >= last.place.size;
}

/// Returns the cycles that a layer waits until its buffers are loaded, because other layers used
/// their words before. Cycles of the layers since then are not counted.
double Planner::waits_for(const Buffers& own) const {
  double hidden = 0;
  for (std::size_t i = recent_.size(); i-- > 0;) {
    const Buffers& last = recent_[i];
    if (own.place.meets(last.place) && !in_turns(own, last))
      return std::max(0.0,
                      32.0 * static_cast<double>(own.place.size) / config_.axi_data_bits - hidden);
    hidden += last.cycles;
  }
  return 0;
}

/// Returns the cycles of a stripe's transfers, beyond its computation, that are hidden while other
/// layers run between the previous stripe and this one.
double Planner::hidden_by_others(const Buffers& own, const Tiling& t) const {
  double slack = 0;
  for (std::size_t i = recent_.size(); own.in_turns > 0 && i-- > 0;) {
    const Buffers& last = recent_[i];
    if (own.place.meets(last.place))
      return in_turns(own, last) ? std::min(slack, std::max(0.0, t.expected - t.compute)) : 0;
    slack += last.slack;
  }
  return 0;
}

double Planner::estimated_cycles() {
  double cycles = 0;
  Weights weights(facts_, config_);
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& layer = net_.layers[at(i)];
    const Placement& in = plan_.maps[at(layer.input)];
    const int pitch = in.resident ? in.dmem.pitch : in.dram.pitch;
    const Tiling& t = plan_.tilings[at(i)];
    const std::int64_t rows = layer.weight_rows(config_);
    const bool reuses = rows > 0 && weights.finds(i, rows);
    cycles += (reuses ? t.reused : t.cycles) + timing::kLayerOverhead;
    plan_.traffic += t.traffic - (reuses || shares_chunks(i) ? t.weights : 0);
    plan_.surcharge += reuses ? t.reused_surcharge : t.surcharge;
    if (!layer.by_dma) cycles += static_cast<double>(facts_.replays_of(i, pitch));
  }
  return cycles;
}

/// Returns the cycles of copies from core to core. Some copies begin while the map is still being
/// computed.
double Planner::sharing_cycles() const {
  constexpr double kLate = 0.5;  // of the words
  constexpr double kCopy = 30;   // per copy, queued with loads for later layers
  double cycles = 0;
  for (int m = 0; m < count(); ++m) {
    const Map& map = net_.maps[at(m)];
    if (map.part.whole >= 0 || !of_core(m)) continue;
    for (const int rows : {map.core.rows_above, map.core.rows_below}) {
      if (rows == 0) continue;
      const std::int64_t beats =
          map.shape.channel_words() *
          divide_up(std::int64_t{rows} * plan_.maps[at(m)].dmem.pitch, config_.data_words());
      cycles += (net_.row_cores - 1) * (kCopy + kLate * static_cast<double>(beats));
    }
  }
  return cycles;
}

/// Returns the cycles of maps that some layers read as a core's rows or pixels and others as all
/// rows, or as other rows. These maps are stored to DRAM and loaded again, which hardly anything
/// hides.
double Planner::exchange_cycles() const {
  constexpr double kTurn = 60;  // from storing the last code to loading the first
  constexpr double kShown = 2;  // per word, stored and loaded
  double cycles = 0;
  for (int m = 0; m < count(); ++m) {
    const Map& map = net_.maps[at(m)];
    const bool of_rows = map.core.rows > 0 && map.spill && map.read.last >= 0;
    const bool of_tokens = net_.tokens && map.is_copy() &&
                           net_.maps[at(map.reloads)].written.first >= 0 && !map.weights;
    if (map.output || !(of_rows || (of_tokens && plan_.maps[at(m)].resident))) continue;
    const int cores = map.core.pixels > 0 ? net_.cores : 1;
    const std::int64_t words =
        map.shape.pixels() * map.shape.pixel_words() * map.shape.channel_words() * cores;
    cycles += kTurn + kShown * static_cast<double>(divide_up(words, config_.data_words()));
  }
  return cycles;
}

double Planner::exposed_cycles() const {
  if (net_.layers.empty()) return 0;
  if (!net_.layers.front().wide && !copy_offset(net_.layers.front(), net_)) return 0;
  const Layer &first = net_.layers.front(), &last = net_.layers.back();
  const double beat = 32.0 / config_.axi_data_bits;  // cycles of a word
  const auto words = [&](int m) {
    const Placement& p = plan_.maps[at(m)];
    const bool crosses = p.resident && p.in_dram;
    return crosses ? static_cast<double>(p.dmem.plane * net_.maps[at(m)].shape.channel_words()) : 0;
  };
  // Rows of the input are loaded one after the other, first the rows for two tiles. The tilings
  // contain the cost of parts.
  const Geometry& g = first.window;
  const Tiling &begin = plan_.tilings.front(), &end = plan_.tilings.back();
  const bool whole = begin.rows == g.P && begin.cols == g.Q;
  const std::int64_t rows = divide_up(2 * first.lanes(config_), g.Q);
  const auto needed = whole ? std::min<std::int64_t>(g.H, (rows - 1) * g.stride_y + g.span_y()) : 0;
  // All words of a row are loaded together.
  const bool in_chunks = begin.chunk_outer && first.kind != LayerKind::kConv;
  const int channels = net_.maps[at(first.output)].shape.C;
  const double chunk = in_chunks ? std::min(1.0, static_cast<double>(begin.chunk) / channels) : 1;
  double loads = 0;
  for (const int m : {first.input, first.second})
    if (m >= 0 && net_.maps[at(m)].written.first < 0) loads += words(m);
  if (first.input == first.second) loads /= 2;
  double stores = net_.maps[at(net_.whole_of(last.output))].output ? words(last.output) : 0;
  if (last.kind == LayerKind::kConv && end.chunk < last.channels)
    stores *= static_cast<double>(end.chunk) / last.channels;
  const double before = std::max(beat * loads * static_cast<double>(needed) / g.H,
                                 beat * loads - begin.expected * chunk);
  const auto waits = [](double cycles) { return cycles > 0 ? cycles + timing::kBusLatency : 0; };
  return waits(before) + waits(beat * timing::kStoreBeat * stores);
}

}  // namespace trine::compiler
