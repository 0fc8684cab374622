// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/cascade.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sw/base/division.h"
#include "sw/base/ties.h"
#include "sw/compiler/transform/channel_parts.h"
#include "sw/compiler/transform/stripes.h"

namespace trine::compiler {
namespace {

class Striping {
 public:
  Striping(const Network& network, const Cascade& cascade, const spec::Config& config)
      : old_(network), cascade_(cascade), config_(config), net_(network) {}

  std::optional<Network> run() {
    if (!can_run()) return std::nullopt;
    const auto begin = old_.layers.begin();
    net_.layers.assign(begin, begin + cascade_.first);
    first_of_.assign(old_.layers.size(), -1);
    for (int y = 0; y < height_; y += cascade_.rows)
      stripes_.push_back(needs_of({y, std::min(height_, y + cascade_.rows)}));
    if (cascade_.keeps && !add_kept()) return std::nullopt;
    load_staged(0);
    for (std::size_t k = 0; k < stripes_.size(); ++k)
      if (!add_stripe(k)) return std::nullopt;
    add_behind(net_, old_, cascade_.last);
    return std::move(net_);
  }

 private:
  /// A map of the new network that contains a map's rows from `first` on.
  struct Place {
    int map = -1, first = 0;
  };

  const Layer& old(int i) const { return old_.layers[at(i)]; }
  const Map& old_map(int m) const { return old_.maps[at(m)]; }

  /// Returns the whole map for a map inside of the cascade, or the map itself.
  int key_of(int m) const { return internal(m) ? old_.whole_of(m) : m; }

  bool inside(int layer) const { return layer >= cascade_.first && layer <= cascade_.last; }

  bool internal(int m) const { return internal_[at(old_.whole_of(m))] != 0; }

  /// Finds the maps, whole or some of their channels, that only layers of the cascade use.
  void find_internal() {
    internal_.assign(old_.maps.size(), 0);
    for (int i = cascade_.first; i <= cascade_.last; ++i) {
      const int m = old_.whole_of(old(i).output);
      const Map& map = old_map(m);
      internal_[at(m)] = map.is_temporary() && !map.weights && inside(map.written.first) &&
                         inside(map.written.last) && inside(map.read.last);
    }
    for (const Map& map : old_.maps) {
      const Part& part = map.part;
      if (part.whole < 0) continue;
      const Shape& whole = old_map(part.whole).shape;
      if (part.y != 0 || part.x != 0 || part.pixel_words > 0 || map.shape.H != whole.H ||
          map.shape.W != whole.W || part.scattered(map.shape.per_word))
        internal_[at(part.whole)] = 0;
    }
  }

  /// Returns true if a layer of the cascade writes codes that the map contains. A map that is
  /// loaded again contains the codes of its source.
  bool written_inside(int m) const {
    for (int i = cascade_.first; i <= cascade_.last; ++i)
      if (old_.whole_of(old(i).output) == old_.source_of(m) && !beside(old(i).output, m))
        return true;
    return false;
  }

  /// Returns true if both are channels of one map in different words.
  bool beside(int a, int b) const {
    const auto words = [&](int m) {
      const Map& map = old_map(m);
      const int from = map.part.channel, per_word = map.shape.per_word;
      return std::pair{from / per_word, divide_up(from + map.shape.C, per_word)};
    };
    if (old_map(a).part.whole < 0 || old_map(a).part.whole != old_map(b).part.whole) return false;
    return words(a).second <= words(b).first || words(b).second <= words(a).first;
  }

  bool can_run() {
    find_internal();
    height_ = old_map(old(cascade_.last).output).shape.H;
    if (cascade_.rows >= height_) return false;
    for (int i = cascade_.first; i <= cascade_.last; ++i) {
      const Layer& l = old(i);
      if (!works_by_rows(old_, l)) return false;
      if (!internal(l.output) && (old_map(l.output).shape.H != height_ || !can_cut(l.output)))
        return false;
      for (const int m : {l.input, l.second})
        if (m >= 0 && !internal(m) && (written_inside(m) || !can_cut(m))) return false;
      if (l.is_gate() && written_inside(l.weights_map)) return false;
    }
    return tie_rows();
  }

  /// Ties maps that one instruction addresses alike, so that they have the same number of rows in
  /// DMEM. If one of them is internal to the cascade, the others are staged.
  /// @return true if they can be
  bool tie_rows() {
    Ties ties(old_.maps.size());
    for (int i = cascade_.first; i <= cascade_.last; ++i)
      if (const Layer& l = old(i); l.second >= 0)
        ties.tie(key_of(l.second), key_of(l.two_operands() ? l.input : l.output));
    for (int m = 0; m < static_cast<int>(old_.maps.size()); ++m) tied_.push_back(ties.root(m));
    for (int i = cascade_.first; i <= cascade_.last; ++i)
      for (const int m : {old(i).input, old(i).second, old(i).output}) {
        if (m < 0 || internal(m) || !tied_to_internal(m)) continue;
        if (!moves_by_beats(old_map(m), config_) ||
            old_map(m).written.first != old_map(m).written.last)
          return false;
        staged_.try_emplace(m);
      }
    return true;
  }

  bool tied_to_internal(int m) const {
    for (int i = cascade_.first; i <= cascade_.last; ++i)
      for (const int k : {old(i).second, old(i).output})
        if (k >= 0 && internal(k) && tied_[at(key_of(k))] == tied_[at(m)]) return true;
    return false;
  }

  /// Returns true if rows of the map can be a part.
  bool can_cut(int m) const {
    const Map& map = old_map(m);
    return map.part.pixel_words == 0 && map.part.stride_y == 1 && !map.is_copy() &&
           !map.is_state() && !map.weights;
  }

  /// The rows that a stripe reads of each map, or writes at the cascade's ends, and the rows that
  /// each layer computes for it, without rows left by the stripe before. Layers that write parts of
  /// one map may compute fewer of its rows than others, if fewer rows of their channels are read.
  struct Stripe {
    std::map<int, Rows> all;
    std::map<int, Rows> made;  ///< by layer
  };

  /// Returns the rows that the next stripe needs.
  Stripe needs_of(const Rows& stripe) const {
    Stripe needs;
    const auto need = [&](int m, const Rows& rows) {
      const auto [entry, is_new] = needs.all.try_emplace(key_of(m), rows);
      Rows& all = entry->second;
      if (!is_new) all = {std::min(all.first, rows.first), std::max(all.last, rows.last)};
    };
    for (int i = cascade_.last; i >= cascade_.first; --i) {
      const Layer& l = old(i);
      if (!internal(l.output)) need(l.output, stripe);
      const auto out = needs.all.find(key_of(l.output));
      if (out == needs.all.end()) continue;  // no layer reads these rows
      Rows made = out->second;
      if (cascade_.keeps && internal(l.output) && !stripes_.empty())
        made.first = std::max(made.first, last_kept(stripes_.back(), i));
      made.last = std::max(made.first, made.last);
      needs.made[i] = made;
      if (made.count() == 0) continue;
      need(l.input, input_rows(l.window, made));
      if (l.second >= 0) need(l.second, made);
    }
    return needs;
  }

  /// Returns the end of the layer's rows that are in DMEM after a stripe. A stripe drops the rows
  /// of earlier stripes that it does not read.
  int last_kept(const Stripe& stripe, int layer) const {
    const auto made = stripe.made.find(layer);
    if (made == stripe.made.end()) return 0;
    return std::min(made->second.last, stripe.all.at(key_of(old(layer).output)).last);
  }

  /// Returns the rows of a map that the stripe before has left.
  Rows kept_rows(int m, std::size_t stripe) const {
    if (!cascade_.keeps || !internal(m) || stripe == 0 || stripe == stripes_.size()) return {};
    const std::map<int, Rows>&last = stripes_[stripe - 1].all, &next = stripes_[stripe].all;
    const auto before = last.find(m), now = next.find(m);
    if (before == last.end() || now == next.end()) return {};
    return {now->second.first, std::min(before->second.last, now->second.last)};
  }

  /// Adds maps for the rows that are kept between two stripes.
  /// @return true if there are such rows, and the DMA can move their codes
  bool add_kept() {
    for (std::size_t k = 1; k < stripes_.size(); ++k)
      for (const auto& [m, needs] : stripes_[k].all) {
        const int count = kept_rows(m, k).count();
        if (count <= 0) continue;
        const Map& map = old_map(m);
        if (map.shape.per_word != 4 || map.shape.wide) return false;
        kept_[m].rows = std::max(kept_[m].rows, count);
      }
    for (auto& [m, kept] : kept_) {
      kept.map = add_map(m, {0, kept.rows}).map;
      net_.maps[at(kept.map)].spill = net_.maps[at(kept.map)].moved = true;
    }
    return !kept_.empty();
  }

  /// Returns the stripe's rows of a map, with as many additional rows as the maps tied to it need.
  Rows room_of(const Stripe& stripe, int m) const {
    Rows rows = stripe.all.at(m);
    for (const auto& [other, needs] : stripe.all)
      if (tied_[at(other)] == tied_[at(m)] && (internal(other) || staged_.contains(other)))
        rows.last = std::max(rows.last, rows.first + needs.count());
    return rows;
  }

  /// Adds a map in DMEM for the stripe's rows of a staged map.
  Place add_staged(const Stripe& stripe, int m) {
    const Place place = add_map(m, room_of(stripe, m));
    Map& map = net_.maps[at(place.map)];
    map.spill = false;
    map.moved = net_.maps[at(m)].moved = net_.maps[at(m)].spill = true;
    return place;
  }

  /// Loads the rows that a stripe reads of staged maps.
  void load_staged(std::size_t k) {
    if (k == stripes_.size()) return;
    for (auto& [m, staged] : staged_) {
      if (written_inside(m) || !stripes_[k].all.contains(m)) continue;
      staged.next = add_staged(stripes_[k], m);
      const Rows& rows = stripes_[k].all.at(m);
      add_copy(net_, cut({m, 0}, rows), cut(staged.next, rows), old(cascade_.first),
               old_map(m).name, staged.first_copy);
    }
  }

  /// Stores the rows that a stripe has computed of a staged map.
  void store_staged(int m, const Layer& of, const Stripe& stripe) {
    const auto staged = staged_.find(m);
    if (staged == staged_.end()) return;
    const Rows& rows = stripe.all.at(m);
    add_copy(net_, cut(place_.at(m), rows), cut({m, 0}, rows), of, old_map(m).name,
             staged->second.first_copy);
  }

  void place_maps(const Stripe& stripe) {
    place_.clear();
    for (const auto& [m, rows] : stripe.all) {
      if (const auto staged = staged_.find(m); staged != staged_.end())
        place_[m] = written_inside(m) ? add_staged(stripe, m) : staged->second.next;
      else
        place_[m] = internal(m) ? add_map(m, room_of(stripe, m)) : Place{m, 0};
      if (kept_.contains(m)) net_.maps[at(place_[m].map)].moved = true;
      if (cascade_.spills_ends && !internal(m)) net_.maps[at(old_.whole_of(m))].spill = true;
    }
  }

  /// @return true if maps that one instruction addresses have the same layout
  bool add_stripe(std::size_t k) {
    const Stripe& needs = stripes_[k];
    place_maps(needs);
    for (int i = cascade_.first; i <= cascade_.last; ++i) {
      if (i == cascade_.last) load_staged(k + 1);  // while the last layer computes
      const int m = key_of(old(i).output);
      if (!needs.all.contains(m)) continue;
      if (old_map(m).written.first == i) move_rows(m, kept_rows(m, k), false);
      const auto made = needs.made.find(i);
      if (made != needs.made.end() && made->second.count() > 0 && !add_layer(i, made->second))
        return false;
      if (old_map(m).written.last == i) move_rows(m, kept_rows(m, k + 1), true);
      store_staged(m, old(i), needs);
    }
    return true;
  }

  /// Stores the rows that a stripe leaves to the next one to DRAM, or loads them.
  void move_rows(int m, const Rows& rows, bool out) {
    if (rows.count() <= 0) return;
    Kept& kept = kept_.at(m);
    const Map& map = old_map(m);
    int from = cut(m, rows), to = cut({kept.map, rows.first}, rows);
    if (!out) std::swap(from, to);
    add_copy(net_, from, to, old(map.written.first), map.name, kept.first_copy);
  }

  Place add_map(int m, const Rows& rows) {
    Map map = old_map(m).inner_copy();
    map.shape.H = rows.count();
    return {net_.add(std::move(map)), rows.first};
  }

  /// Returns these rows of a map: its map in this stripe, or a part of it.
  int cut(int m, const Rows& rows) {
    const int key = key_of(m);
    if (key == m) return cut(place_.at(m), rows);
    Place place = place_.at(key);  // some of its channels
    Map part = net_.maps[at(place.map)].inner_copy();
    part.shape.C = old_map(m).shape.C;
    part.part = {.whole = place.map, .channel = old_map(m).part.channel};
    place.map = net_.add(std::move(part));
    return cut(place, rows);
  }

  int cut(const Place& place, const Rows& rows) {
    const Map& whole = net_.maps[at(place.map)];
    if (rows == Rows{place.first, place.first + whole.shape.H}) return place.map;
    Map part = whole.inner_copy();
    part.shape.H = rows.count();
    part.part.y += rows.first - place.first;
    if (part.part.whole < 0) part.part.whole = place.map;
    return net_.add(std::move(part));
  }

  bool alike(int a, int b) const {
    return net_.maps[at(net_.whole_of(a))].shape.H == net_.maps[at(net_.whole_of(b))].shape.H;
  }

  bool add_layer(int index, const Rows& out) {
    Layer l = old(index);
    const int stride = l.window.stride_y;
    const Rows in = input_rows(l.window, out);
    l.input = cut(l.input, in);
    if (l.second >= 0) l.second = cut(l.second, out);
    l.output = cut(l.output, out);
    if (l.fuse_add() && !alike(l.second, l.output)) return false;
    if (l.two_operands() && !alike(l.second, l.input)) return false;
    l.window.pad_top += in.first - out.first * stride;
    l.window.H = in.count();
    if (l.part_of >= 0) l.part_of = first_of_[at(l.part_of)];
    if (l.kind == LayerKind::kSum) move_regions(l, out);
    add_rows(net_, std::move(l), out, first_of_[at(index)]);
    return true;
  }

  static void move_regions(Layer& l, const Rows& out) {
    std::vector<SumRegion> regions;
    for (SumRegion region : l.pool().regions) {
      region.rect.y0 = std::max(region.rect.y0, out.first) - out.first;
      region.rect.y1 = std::min(region.rect.y1, out.last) - out.first;
      if (!region.rect.empty()) regions.push_back(region);
    }
    l.pool().regions = std::move(regions);
  }

  const Network& old_;
  const Cascade cascade_;
  const spec::Config& config_;
  Network net_;
  int height_ = 0;              ///< rows of the cascade's output
  std::map<int, Place> place_;  ///< by map of the old network, in this stripe
  std::vector<char> internal_;  ///< by old map that is not a part
  std::vector<int> first_of_;   ///< by old layer: the layer of the first stripe
  std::vector<Stripe> stripes_;
  /// Rows of a map that are passed from stripe to stripe.
  struct Kept {
    int map = -1, rows = 0;
    int first_copy = -1;  ///< the layer
  };
  std::map<int, Kept> kept_;  ///< by map of the old network
  /// Maps whose rows the DMA loads or stores for each stripe.
  struct Staged {
    Place next;           ///< of the next stripe, if it is read
    int first_copy = -1;  ///< the layer
  };
  std::map<int, Staged> staged_;  ///< by map of the old network
  std::vector<int> tied_;         ///< by old map: class of maps with equal numbers of rows in DMEM
};

}  // namespace

bool works_by_rows(const Network& network, const Layer& l) {
  const Geometry& g = l.window;
  const Shape& in = network.maps[at(l.input)].shape;
  if (l.rows_of_all > 0 || l.by_dma || (l.weights_map >= 0 && !l.is_gate()) || l.over_channels() ||
      g.stride_y < 1 || g.stride_x < 1 || g.H != in.H || g.P != network.maps[at(l.output)].shape.H)
    return false;
  if (l.second < 0) return true;
  const Shape& second = network.maps[at(l.second)].shape;
  return second == (l.two_operands() ? in : network.maps[at(l.output)].shape) &&
         (!l.two_operands() || (g.P == g.H && g.R * g.S == 1));
}

std::optional<Network> striped(const Network& network, const Cascade& cascade,
                               const spec::Config& config) {
  return Striping(network, cascade, config).run();
}

std::optional<Network> cascaded(const Network& network, const Cascade& cascade,
                                const spec::Config& config) {
  if (cascade.chunks == 1) return striped(network, cascade, config);
  auto cut = chunked(network, cascade.first, cascade.last, cascade.chunks, config);
  if (!cut) return std::nullopt;
  Cascade stripes = cascade;
  stripes.last = cut->last;
  const Layer& last = network.layers[at(cascade.last)];
  if (cascade.rows >= network.maps[at(last.output)].shape.H) return std::move(cut->network);
  return striped(cut->network, stripes, config);
}

}  // namespace trine::compiler
