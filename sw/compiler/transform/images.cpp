// SPDX-License-Identifier: Apache-2.0
//
// Merges the images of a batch into one layer: their chunks of weights are loaded once, and their
// pixels share tiles.

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "sw/base/division.h"
#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

bool same_range(const reference::OutputRange& a, const reference::OutputRange& b) {
  return a.zero_point == b.zero_point && a.act_min == b.act_min && a.act_max == b.act_max;
}

/// Returns true if both have the same parameters. @pre their weights are equal
bool same_parameters(const Layer& a, const Layer& b) {
  const Conv &c = a.conv(), &d = b.conv();
  return a.bias == b.bias && a.scales == b.scales && a.per_tensor == b.per_tensor &&
         a.passes == b.passes && a.result == b.result && a.table == b.table &&
         a.pad_code == b.pad_code && a.single == b.single && a.half_even == b.half_even &&
         a.wide == b.wide && same_range(a.range, b.range) && c.zero_point == d.zero_point &&
         c.outside == d.outside && c.low == d.low && c.thresholds == d.thresholds &&
         a.add.zero_point == b.add.zero_point && a.add.input == b.add.input &&
         a.add.result == b.add.result && a.add.left_shift == b.add.left_shift &&
         same_range(a.add.output, b.add.output);
}

/// Replaces convolutions of one tap over the images of a batch by one convolution over all pixels.
/// The images' maps become parts, below each other, of one map.
class Stacking {
 public:
  Stacking(const Network& network, const spec::Config& config) : net_(network), config_(config) {}

  std::optional<Network> run() {
    if (net_.row_cores > 1 ||
        std::ranges::any_of(net_.layers, [](const Layer& l) { return l.like >= 0; }))
      return std::nullopt;
    const std::vector<ImageRun> runs = stackable_runs();
    if (runs.empty()) return std::nullopt;
    std::vector<Layer> layers;
    std::size_t next = 0;
    for (const ImageRun& run : runs) {
      for (; next < at(run.first); ++next) layers.push_back(std::move(net_.layers[next]));
      layers.push_back(stacked(run));
      next = at(run.last) + 1;
    }
    for (; next < net_.layers.size(); ++next) layers.push_back(std::move(net_.layers[next]));
    net_.layers = std::move(layers);
    for (const auto& [m, maps] : sets_)
      if (m == maps[0]) stack(maps);
    free_unused();
    set_lifetimes(net_);
    return std::move(net_);
  }

 private:
  /// The maps of an image's layer.
  static constexpr int Layer::*kMaps[] = {&Layer::input, &Layer::second, &Layer::output};

  /// Returns the runs whose maps can be stacked. A stacked map has other planes, so layers that
  /// address two maps alike need both of them stacked, even if these layers are not merged.
  std::vector<ImageRun> stackable_runs() {
    std::vector<ImageRun> runs;
    for (const ImageRun& run : image_runs(net_, equal_weights(net_)))
      if (takes_one_tap(run) && fills_lanes(run) && can_stack_maps(run)) runs.push_back(run);
    std::ranges::stable_sort(runs, std::greater(), &ImageRun::size);
    find_ties();
    while (erase_conflicts(runs)) {
    }
    std::ranges::sort(runs, {}, &ImageRun::first);
    return runs;
  }

  /// Finds, for each map, the maps that a layer addresses alike, in the order of the layers.
  void find_ties() {
    const auto tie = [&](int a, int b) {
      ties_[a].push_back(b);
      ties_[b].push_back(a);
    };
    for (const Layer& l : net_.layers) {
      if (l.fuse_add()) tie(l.second, l.output);
      if (l.two_operands()) tie(l.input, l.second);
      if (l.weights_map >= 0) alone_.insert({l.input, l.weights_map, l.output});
      if (l.over_channels()) alone_.insert({l.input, l.output});
    }
  }

  /// Finds the maps that are stacked together: the maps of the runs, and the maps tied to them.
  /// @return true if a run was removed
  bool erase_conflicts(std::vector<ImageRun>& runs) {
    sets_.clear();
    std::vector<std::vector<int>> all;
    std::set<int> bad;  // first maps of sets that cannot be stacked
    const auto add = [&](const std::vector<int>& maps) {
      const auto known = [&](int m) { return sets_.contains(m); };
      if (maps.empty()) return true;
      if (std::ranges::any_of(maps, known))
        return std::ranges::all_of(maps, [&](int m) { return known(m) && sets_.at(m) == maps; });
      for (const int m : maps) sets_[m] = maps;
      all.push_back(maps);
      return true;
    };
    const auto clashes = [&](const ImageRun& run) {
      return !std::ranges::all_of(kMaps, [&](auto which) { return add(maps_of(run, which)); });
    };
    if (const auto run = std::ranges::find_if(runs, clashes); run != runs.end()) {
      runs.erase(run);
      return true;
    }
    std::vector<std::pair<int, int>> edges;  // first maps of sets
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::vector<int> maps = all[i];
      const std::size_t count = ties_[maps[0]].size();
      const auto differs = [&](int m) { return alone_.contains(m) || ties_[m].size() != count; };
      if (std::ranges::any_of(maps, differs)) bad.insert(maps[0]);
      for (std::size_t k = 0; k < count && !bad.contains(maps[0]); ++k) {
        std::vector<int> tied;
        for (const int m : maps) tied.push_back(ties_[m][k]);
        if (!can_stack(tied) || !add(tied))
          bad.insert(maps[0]);
        else
          edges.emplace_back(maps[0], tied[0]);
      }
    }
    for (bool more = true; std::exchange(more, false);)
      for (const auto& [a, b] : edges)
        if (bad.contains(a) != bad.contains(b)) {
          bad.insert({a, b});
          more = true;
        }
    return std::erase_if(runs, [&](const ImageRun& run) {
             return std::ranges::any_of(kMaps, [&](auto which) {
               const std::vector<int> maps = maps_of(run, which);
               return !maps.empty() && bad.contains(maps[0]);
             });
           }) > 0;
  }

  bool takes_one_tap(const ImageRun& run) const {
    const Layer& first = net_.layers[at(run.first)];
    const Geometry& g = first.window;
    if (g.R * g.S != 1 || g.stride_y != 1 || g.stride_x != 1 || g.pad_top != 0 || g.pad_left != 0 ||
        g.P != g.H || g.Q != g.W || first.former.steps > 0 || first.sweeps.size() != 1 ||
        first.wide || first.wide_codes() || first.group_channels > 0 || first.rows_of_all > 0)
      return false;
    for (int i = run.first + 1; i <= run.last; ++i)
      if (!same_parameters(first, net_.layers[at(i)])) return false;
    return true;
  }

  /// Returns true if shared tiles save so many tiles that it is worth waiting for the maps of all
  /// images. (kws takes 4 % more cycles on edge1024 for 63 tiles instead of 64.)
  bool fills_lanes(const ImageRun& run) const {
    constexpr int kGain = 16;  // sixteenths of all tiles
    const Layer& l = net_.layers[at(run.first)];
    const std::int64_t pixels = std::int64_t{l.window.P} * l.window.Q;
    const int lanes = l.lanes(config_);
    const std::int64_t alone = run.size() * divide_up(pixels, lanes);
    return divide_up(run.size() * pixels, lanes) * kGain <= alone * (kGain - 1);
  }

  /// Returns the images' maps of one kind, in order, or nothing if there is no residual.
  std::vector<int> maps_of(const ImageRun& run, int Layer::*which) const {
    std::vector<int> maps;
    for (int i = run.first; i <= run.last; ++i)
      if (const int m = net_.layers[at(i)].*which; m >= 0) maps.push_back(m);
    return maps;
  }

  /// Returns true if the maps are exactly the parts of another map, below each other.
  bool are_stacked(const std::vector<int>& maps) const {
    const auto found = stacks_.find(net_.maps[at(maps[0])].part.whole);
    return found != stacks_.end() && found->second == maps;
  }

  bool can_stack(const std::vector<int>& maps) const {
    if (maps.empty() || are_stacked(maps)) return true;
    const Map& first = net_.maps[at(maps[0])];
    return std::set<int>(maps.begin(), maps.end()).size() == maps.size() &&
           std::ranges::all_of(maps, [&](int m) {
             const Map& map = net_.maps[at(m)];
             return net_.is_private(m) && map.shape == first.shape && !map.shape.wide &&
                    map.transposed == first.transposed && map.is_on_chip() && !map.weights &&
                    !map.fold.folded() && map.written.first >= 0 && map.core.rows == 0;
           });
  }

  bool can_stack_maps(const ImageRun& run) const {
    return std::ranges::all_of(kMaps, [&](auto which) {
      const std::vector<int> maps = maps_of(run, which);
      return can_stack(maps) && (maps.empty() || maps.size() == at(run.size()));
    });
  }

  /// Returns the map whose parts are the images' maps.
  int stack(const std::vector<int>& maps) {
    if (maps.empty()) return -1;
    if (are_stacked(maps)) return net_.maps[at(maps[0])].part.whole;
    Map whole = net_.maps[at(maps[0])].inner_copy();
    const int rows = whole.shape.H;
    whole.shape.H *= static_cast<int>(maps.size());
    const int index = net_.add(std::move(whole));
    for (std::size_t i = 0; i < maps.size(); ++i) {
      net_.maps[at(maps[i])].part = {};
      net_.maps[at(maps[i])].part.whole = index;
      net_.maps[at(maps[i])].part.y = static_cast<int>(i) * rows;
    }
    stacks_[index] = maps;
    return index;
  }

  Layer stacked(const ImageRun& run) {
    std::vector<int> wholes;
    for (const auto which : kMaps) wholes.push_back(stack(maps_of(run, which)));
    Layer all = std::move(net_.layers[at(run.first)]);
    for (int i = run.first + 1; i <= run.last; ++i) all.macs += net_.layers[at(i)].macs;
    for (std::size_t i = 0; i < wholes.size(); ++i) all.*kMaps[i] = wholes[i];
    all.window.H *= run.size();
    all.window.P *= run.size();
    set_sweeps(all);
    return all;
  }

  /// Detaches maps of images that no layer uses any more, so that the whole map has no parts.
  void free_unused() {
    std::set<int> used;
    for (const Layer& l : net_.layers) used.insert({l.input, l.second, l.output, l.weights_map});
    for (const auto& [whole, maps] : stacks_)
      for (const int m : maps)
        if (!used.contains(m)) net_.maps[at(m)].part = {};
  }

  Network net_;
  const spec::Config& config_;
  std::map<int, std::vector<int>> ties_;    ///< by map
  std::set<int> alone_;                     ///< maps whose layers determine their layout
  std::map<int, std::vector<int>> sets_;    ///< by map: the maps that are stacked together
  std::map<int, std::vector<int>> stacks_;  ///< by whole map
};

}  // namespace

std::optional<Network> stack(const Network& network, const spec::Config& config, int& place) {
  if (place > 0) return std::nullopt;  // all at once
  return Stacking(network, config).run();
}

std::optional<Network> together(const Network& network, const spec::Config& config, int& place) {
  if (place > 0 || network.chunks_together) return std::nullopt;
  Network result = network;
  result.chunks_together = true;
  const std::vector<ImageRun> runs = runs_together(result, equal_weights(result), config);
  if (std::ranges::none_of(runs, [](const ImageRun& r) { return r.size() > 1; }))
    return std::nullopt;
  return result;
}

}  // namespace trine::compiler
