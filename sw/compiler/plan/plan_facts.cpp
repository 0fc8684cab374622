// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan/plan_facts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "sw/base/ties.h"

namespace trine::compiler {
namespace {

constexpr int kHeadAhead = 6;     ///< layers by which a head's codes may be loaded early
constexpr int kLingerPart = 128;  ///< a map that lingers uses at most this part of DMEM

}  // namespace

PlanFacts::PlanFacts(const Network& network, const spec::Config& config)
    : net_(network),
      config_(config),
      weights_of_(equal_weights(network)),
      together_(runs_together(network, weights_of_, config)),
      shifts_(network.layers.size()),
      memo_(network.tilings ? network.tilings : std::make_shared<TileMemo>()),
      replays_(network.layers.size()),
      tilings_(network.layers.size()) {
  repeated_.resize(weights_of_.size());
  for (int i = 0; i < static_cast<int>(weights_of_.size()); ++i)
    if (weights_of(i) != i) repeated_[at(weights_of(i))] = 1;
  find_heads();
  tie_maps();
  join_residuals();
  set_lives();
  describe_classes();
}

// ---- maps with one layout -----------------------------------------------------------------------

bool PlanFacts::found_by_heads(int map) const {
  const Map& own = net_.maps[at(map)];
  if (!own.input || own.output || own.shape.H != 1) return false;
  bool some = false;
  for (const Layer& l : net_.layers)
    for (const int used : {l.input, l.second, l.output, l.weights_map}) {
      if (used < 0 || (used != map && net_.maps[at(used)].part.whole != map)) continue;
      const Part& part = net_.maps[at(used)].part;
      if (used == map || used != l.input || used == l.weights_map || l.weights_map < 0 ||
          part.x != 0 || part.channel % 4 != 0 || net_.maps[at(used)].shape.W != own.shape.W)
        return false;
      some = true;
    }
  return some;
}

void PlanFacts::find_heads() {
  by_heads_.resize(net_.maps.size());
  for (std::size_t m = 0; m < net_.maps.size(); ++m)
    by_heads_[m] = found_by_heads(static_cast<int>(m)) ? 1 : 0;
}

/// Returns true if a SOFTMAX may overwrite its input, or a gate whose input no later layer reads or
/// writes. Parts of that input are written before.
bool PlanFacts::in_place(const Layer& layer) const {
  const Map &in = net_.maps[at(layer.input)], &out = net_.maps[at(layer.output)];
  if (!net_.is_private(layer.output) || in.shape != out.shape) return false;
  if (!layer.is_gate()) return layer.kind == LayerKind::kSoftmax && net_.is_private(layer.input);
  return is_inner(layer.input) && in.written.last < in.read.last &&
         &net_.layers[at(in.read.last)] == &layer;
}

void PlanFacts::tie_maps() {
  Ties ties(net_.maps.size());
  const auto count = static_cast<int>(net_.maps.size());
  for (int m = 0; m < count; ++m)
    if (is_view(m)) ties.tie(m, net_.maps[at(m)].part.whole);
  for (const Layer& layer : net_.layers) {
    if (layer.two_operands()) ties.tie(layer.input, layer.second);
    if (layer.fuse_add()) ties.tie(layer.second, layer.output);
    if (in_place(layer)) ties.tie(layer.input, layer.output);
  }
  members_.resize(net_.maps.size());
  for (int m = 0; m < count; ++m) {
    leader_.push_back(ties.root(m));
    if (!is_view(m)) members_[at(leader_.back())].push_back(m);
  }
}

bool PlanFacts::is_inner(int map) const {
  const Map& own = net_.maps[at(map)];
  return !own.at_edge() && own.part.whole < 0;
}

/// Lets the sums of a batch's images overwrite their residuals, if both are parts of one map each.
void PlanFacts::join_images(int whole) {
  const Map& out = net_.maps[at(whole)];
  std::map<int, int> writer;  // by first row
  int residuals = -1, first = -1;
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& l = net_.layers[at(i)];
    if (net_.whole_of(l.output) != whole) continue;
    if (!l.fuse_add() || l.output == whole || l.second == l.input) return;
    const Part &to = net_.maps[at(l.output)].part, &from = net_.maps[at(l.second)].part;
    if (first < 0) residuals = from.whole;
    if (first < 0) first = i;
    if (from.whole < 0 || from.whole != residuals || from.y != to.y || from.x != to.x ||
        from.channel != to.channel || to.scattered(out.shape.per_word) ||
        !writer.try_emplace(to.y, i).second)
      return;
  }
  if (first < 0 || residuals == whole || !is_inner(whole) || !is_inner(residuals) ||
      net_.maps[at(residuals)].shape != out.shape || config_.cols % out.shape.per_word != 0)
    return;
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& l = net_.layers[at(i)];
    if (net_.whole_of(l.output) == residuals && i >= first) {
      const auto over = writer.find(net_.maps[at(l.output)].part.y);
      if (l.output == residuals || over == writer.end() || i >= over->second) return;
    }
    for (const int m : {l.input, l.second, l.weights_map}) {
      if (m < 0 || net_.whole_of(m) != residuals) continue;
      const auto over = writer.find(net_.maps[at(m)].part.y);
      const bool own = over != writer.end() && i == over->second && m == l.second;
      if (m == residuals ? i >= first : over == writer.end() || (i >= over->second && !own)) return;
    }
  }
  alias_class_[at(whole)] = alias_class_[at(residuals)];
}

/// Lets a sum overwrite its residual if no later layer reads the residual: each word is read before
/// it is written. A RUN clears the codes after its last channel in a word, so RUNs of a layer must
/// not share words.
void PlanFacts::join_residuals() {
  alias_class_.resize(net_.maps.size());
  std::iota(alias_class_.begin(), alias_class_.end(), 0);
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& layer = net_.layers[at(i)];
    if (in_place(layer) && net_.maps[at(layer.input)].read.last == i)
      alias_class_[at(layer.output)] = alias_class_[at(layer.input)];
    if (const int whole = net_.maps[at(layer.output)].part.whole;
        whole >= 0 && net_.maps[at(whole)].written.first == i)
      join_images(whole);
    if (!layer.fuse_add() || layer.second == layer.input || !is_inner(layer.second) ||
        !is_inner(layer.output))
      continue;
    const Map& out = net_.maps[at(layer.output)];
    if (net_.maps[at(layer.second)].read.last == i && out.written.first == i &&
        out.written.last == i && config_.cols % out.shape.per_word == 0)
      alias_class_[at(layer.output)] = alias_class_[at(layer.second)];
  }
}

void PlanFacts::set_lives() {
  lives_.assign(net_.maps.size(), {std::numeric_limits<int>::max(), 0});
  sharers_.resize(net_.maps.size());
  for (std::size_t k = 0; k < net_.maps.size(); ++k) {
    const Map& map = net_.maps[k];
    const int ahead = is_head(static_cast<int>(k)) ? kHeadAhead : 0;
    const int from =
        map.written.first >= 0 ? map.written.first : std::max(0, map.read.first - ahead);
    Life& life = lives_[at(alias_class_[k])];
    const int to = std::max({from, map.read.last, map.written.last});
    // Maps of layers that run together are alive while any of these layers runs.
    const bool used = !together_.empty() && (map.written.first >= 0 || map.read.first >= 0);
    life.from = std::min(life.from, used ? together(from).first : from);
    life.to = std::max(life.to, used ? together(to).last : to);
    ++sharers_[at(alias_class_[k])];
  }
}

bool PlanFacts::follows_norm(int map) const {
  const int layer = net_.maps[at(map)].written.first;
  return layer > 0 && net_.layers[at(layer - 1)].kind == LayerKind::kNormalize &&
         net_.layers[at(layer - 1)].output == net_.layers[at(layer)].input;
}

bool PlanFacts::lingers(int map) const {
  const Map& own = net_.maps[at(map)];
  const std::int64_t words =
      own.shape.pixels() * own.shape.pixel_words() * own.shape.channel_words();
  return own.shape.wide && own.written.first >= 0 && own.shape.H == 1 &&
         words <= config_.dmem_words() / kLingerPart;
}

/// Returns true if the map is neither an edge map nor a constant, or if products of two maps read
/// it as activations, because these keep the array busy.
bool PlanFacts::stays(int map) const {
  const Map& own = net_.maps[at(map)];
  return !own.at_edge() || (own.input && !own.output && multiplied_[at(map)]);
}

/// Returns true if transfers carry the map's codes between DRAM and DMEM, wherever the plan puts
/// it.
bool PlanFacts::is_moved(int map) const {
  const Map& own = net_.maps[at(map)];
  return !own.is_on_chip() || own.moved || is_head(map);
}

void PlanFacts::describe_classes() {
  const std::size_t count = net_.maps.size();
  for (auto* flags :
       {&weights_, &pooled_, &on_chip_, &crosses_, &only_weights_, &multiplied_, &read_})
    flags->resize(count);
  readers_.resize(count);
  const auto mark = [&](std::vector<char>& flags, int m) {
    if (m < 0) return;
    flags[at(m)] = 1;
    if (const int whole = net_.maps[at(m)].part.whole; whole >= 0) flags[at(whole)] = 1;
  };
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
    const Layer& l = net_.layers[at(i)];
    readers_[at(leader(l.input))].push_back(i);
    mark(read_, l.input);
    mark(read_, l.second);
    if (l.weights_map >= 0) mark(multiplied_, l.input);
    if ((l.kind == LayerKind::kSum || l.kind == LayerKind::kMax) && l.window.P * l.window.Q == 1 &&
        l.window.R * l.window.S > 1)
      pooled_[at(leader(l.input))] = 1;
  }
  for (int m = 0; m < static_cast<int>(count); ++m) {
    if (net_.maps[at(m)].weights) weights_[at(leader(m))] = 1;
    only_weights_[at(m)] = net_.maps[at(m)].written.first < 0 && !read_[at(m)];
  }
  for (std::size_t r = 0; r < count; ++r) {
    const std::vector<int>& maps = members_[r];
    on_chip_[r] = std::ranges::all_of(maps, [&](int m) {
      const Shape &shape = net_.maps[at(m)].shape, &first = net_.maps[at(maps[0])].shape;
      return stays(m) && shape.H == first.H && shape.W == first.W;
    });
    crosses_[r] = std::ranges::any_of(maps, [&](int m) { return is_moved(m); });
  }
}

// ---- costs --------------------------------------------------------------------------------------

std::int64_t PlanFacts::pitch_cycles(int leader, int pitch) {
  std::int64_t cycles = 0;
  for (const int layer : readers_[at(leader)]) cycles += replays_of(layer, pitch);
  return cycles;
}

std::int64_t PlanFacts::replays_of(int layer, int pitch) {
  Replays*& found = replays_[at(layer)];
  if (found == nullptr) found = &memo_->replays(layer_properties(net_.layers[at(layer)]));
  const auto [entry, is_new] = found->try_emplace(pitch);
  if (is_new) entry->second = replay_cycles(net_.layers[at(layer)], pitch, config_);
  return entry->second;
}

int PlanFacts::best_shift(int layer, const View& in, const View& out) {
  const std::int64_t round = 2 * config_.banks();  // then the banks repeat
  const auto [entry, is_new] =
      shifts_[at(layer)].try_emplace({in.origin % round, in.pitch, in.plane % round,
                                      out.origin % round, out.pitch, out.plane % round});
  if (is_new) entry->second = compiler::best_shift(net_.layers[at(layer)], in, out, config_);
  return entry->second;
}

const std::optional<Tiling>& PlanFacts::tiling(int layer, const LayerPlaces& places,
                                               const TileKey& key) {
  Tilings*& found = tilings_[at(layer)];
  if (found == nullptr)
    found = &memo_->tilings(tile_properties(net_, net_.layers[at(layer)], places, config_));
  Tilings& tilings = *found;
  const auto fits = [&](const auto& known) {
    TileKey same = known.first;
    same.room = key.room;
    return same == key && (!known.second || known.second->scratch_words() <= key.room);
  };
  // The best tiling for more room is also the best for less room, if it fits.
  const auto known = tilings.lower_bound(key);
  if (known != tilings.end() && fits(*known)) return known->second;
  ++tiled;
  return tilings[key] = tile(net_, net_.layers[at(layer)], places, config_, key.room);
}

}  // namespace trine::compiler
