// SPDX-License-Identifier: Apache-2.0
//
// Chooses the cascades of a network. Each sequence of layers that keeps a spilled map on chip is
// planned separately, unchanged and in stripes of several heights. Of the sequences that gain, the
// ones with the largest total gain are chosen.

#include <algorithm>
#include <initializer_list>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "sw/base/division.h"
#include "sw/compiler/transform/cascade.h"
#include "sw/compiler/transform/channel_parts.h"
#include "sw/compiler/transform/interleave.h"
#include "sw/compiler/transform/section.h"

namespace trine::compiler {
namespace {

constexpr int kMostLayers = 8;    ///< of a cascade
constexpr int kMostSpilled = 16;  ///< of a cascade all of whose inner maps are spilled
constexpr int kMostStripes = 64;
constexpr int kMostGated = 12;   ///< of a cascade with the gate of its output
constexpr int kMostWeights = 2;  ///< times PMEM: weights that do not fit are loaded for each stripe

constexpr int kWorse = 12;               ///< consecutive heights without an improvement
constexpr int kStep = 85;                ///< the next height is at most this % of a height
constexpr std::size_t kMostChunked = 3;  ///< layers of a section in chunks
constexpr double kKept = 0.98;    ///< of the cycles with kept rows: copies conflict with gathers
constexpr double kChunks = 0.96;  ///< with chunks, whose loads wait longer than estimated
constexpr double kGain = 0.005;   ///< of its layers' cycles; estimates are less precise

/// Returns the network without weights, which no plan needs.
Network without_weights(Network network) {
  for (Layer& l : network.layers)
    if (l.kind == LayerKind::kConv) l.conv().weights = {};
  return network;
}

/// Some layers as a separate network.
struct Section {
  Network network;
  std::vector<int> resident;  ///< by map: 1 if it is in DMEM in the whole network's plan
};

/// Returns the layers first..last as a section.
Section section(const Network& network, const Plan& plan, int first, int last) {
  std::vector<int> layers(at(last - first + 1)), maps;
  std::iota(layers.begin(), layers.end(), first);
  Section own{section(network, layers, &maps), {}};
  for (std::size_t m = 0; m < maps.size(); ++m) {
    const Map& from = network.maps[at(maps[m])];
    own.resident.push_back(plan.maps[at(maps[m])].resident ? 1 : 0);
    if (from.part.whole >= 0) continue;
    Map& map = own.network.maps[m];
    map.input = !from.constant() && (from.written.first < first || from.written.first > last);
    map.output = from.is_stored() || from.read.last > last;
  }
  return own;
}

/// Returns true if a cascade moves rows to or from DRAM of a map that is in DMEM.
bool stages_resident(const Network& cut, const Section& own) {
  const auto resident = [&](int m) {
    const std::size_t whole = at(cut.whole_of(m));
    return whole < own.resident.size() && own.resident[whole] != 0;
  };
  return std::ranges::any_of(cut.layers, [&](const Layer& l) {
    return l.by_dma && (resident(l.input) || resident(l.output));
  });
}

struct Found {
  Cascade cascade;
  int end = 0;  ///< the last of the layers that gain
  double gain = 0;
};

/// Returns the next smaller height for which stripes have about the same height.
int next_height(int rows, int height) {
  const int most = std::min(height - 1, divide_up(height * kStep, 100));
  return most < 1 ? 0 : divide_up(rows, divide_up(rows, most));
}

class Finder {
 public:
  Finder(const Network& network, const spec::Config& config, const Plan& plan, bool gated)
      : net_(without_weights(network)), config_(config), plan_(plan), gated_(gated) {}

  std::vector<Cascade> run() {
    const int count = static_cast<int>(net_.layers.size());
    // The largest gain of layers before `i`, and the cascade that ends there.
    std::vector<double> most(at(count) + 1);
    std::vector<Found> ends(at(count) + 1);
    std::vector<std::vector<Found>> from(at(count));
    for (int first = 0; first < count; ++first) from[at(first)] = beginning_at(first);
    for (int i = 0; i < count; ++i) {
      if (most[at(i) + 1] < most[at(i)]) {
        most[at(i) + 1] = most[at(i)];
        ends[at(i) + 1] = {};
      }
      for (const Found& f : from[at(i)]) {
        const std::size_t end = at(f.end) + 1;
        if (most[at(i)] + f.gain <= most[end]) continue;
        most[end] = most[at(i)] + f.gain;
        ends[end] = f;
      }
    }
    std::vector<Cascade> result;
    for (int i = count; i > 0;) {
      const Found& f = ends[at(i)];
      if (f.gain > 0) result.insert(result.begin(), f.cascade);
      i = f.gain > 0 ? f.cascade.first : i - 1;
    }
    return result;
  }

  std::size_t sections() const { return known_.size(); }

 private:
  bool spilled(int layer) const { return !plan_.maps[at(net_.layers[at(layer)].output)].resident; }

  std::vector<Found> beginning_at(int first) {
    std::vector<Found> found;
    if (!works_by_rows(net_, net_.layers[at(first)])) return found;
    bool spills = false, all_spill = true;
    const int end = std::min(first + kMostSpilled, static_cast<int>(net_.layers.size()));
    std::int64_t weights = net_.layers[at(first)].weight_rows(config_);
    for (int last = first + 1; last < end && works_by_rows(net_, net_.layers[at(last)]); ++last) {
      weights += net_.layers[at(last)].weight_rows(config_);
      if (weights > kMostWeights * config_.pmem_rows()) break;
      spills = spills || spilled(last - 1);
      all_spill = all_spill && spilled(last - 1);
      if (last - first >= kMostLayers && !all_spill) break;
      const int end = last_of_gated(last);
      if ((end > last && end - first > kMostGated) || !(spills || (end > last && spilled(last))))
        continue;
      Found f = best_height(first, last, end);
      if (f.gain == 0 && end > last && spills) f = best_height(first, last, last);
      if (f.gain > 0) found.push_back(f);
    }
    return found;
  }

  /// Returns the layer after the gate if a mean is computed of the layer's map before a gate reads
  /// the map again. The stripes before the mean must leave DMEM to that map. Otherwise returns the
  /// layer itself.
  int last_of_gated(int layer) const {
    const int m = net_.layers[at(layer)].output, gate = net_.maps[at(m)].read.last;
    const auto is_mean = [&](const Layer& l) {
      return l.input == m && l.kind == LayerKind::kSum && l.window.P * l.window.Q == 1 &&
             l.window.R * l.window.S > 1;
    };
    if (!gated_ || net_.maps[at(m)].part.whole >= 0 || gate < 0 ||
        !net_.layers[at(gate)].is_gate() || gate + 1 >= static_cast<int>(net_.layers.size()) ||
        !std::ranges::any_of(net_.layers, is_mean))
      return layer;
    return gate + 1;
  }

  /// Returns the best height. Networks repeat their blocks, so equal sections share one answer.
  /// @param end  the last layer of the section, of which the layers up to `last` are a cascade
  Found best_height(int first, int last, int end) {
    const Section own = section(net_, plan_, first, end);
    std::vector<int> key = key_of(own.network);
    key.push_back(end - last);
    key.insert(key.end(), own.resident.begin(), own.resident.end());
    const auto [entry, is_new] = known_.try_emplace(std::move(key));
    if (is_new) entry->second = best_height(first, last, own);
    Found found = entry->second;
    found.cascade.first = first;
    found.cascade.last = last;
    found.end = end;
    return found;
  }

  /// Returns the best height. Tries heights from half of the rows downwards, then the same with
  /// kept rows, and then, in chunks of channels, from all rows down to the best height without
  /// chunks.
  Found best_height(int first, int last, const Section& section) const {
    const Network& own = section.network;
    const auto as_is = quick_plan(own, config_);
    if (!as_is) return {};
    Best best{{}, as_is->cycles, lean_cycles(own, *as_is)};
    const Chunked all_channels{own, last - first};
    Stripes whole{all_channels, config_};
    const auto plain = [](const Cascade& how) { return !how.keeps; };
    try_heights(whole, 1, best, plain, [&](const Network& cut, Cascade how) {
      if (stages_resident(cut, section)) return false;
      const auto plan = quick_plan(cut, config_);
      if (!plan || plan->cycles >= best.cycles || plan->cycles > (1 - kGain) * as_is->cycles)
        return false;
      best = {how, plan->cycles, lean_cycles(cut, *plan)};
      return true;
    });
    const double without = best.least;
    Best kept = best;
    const auto other = [](const Cascade& how) { return how.keeps || how.chunks > 1; };
    const auto is_shorter = [&](const Network& cut, Cascade how) {
      if (stages_resident(cut, section)) return false;
      const auto plan = quick_plan(cut, config_);
      const double cycles = plan ? lean_cycles(cut, *plan) : kept.least;
      if (cycles >= kept.least) return false;
      kept.cascade = how;
      kept.least = cycles;
      return true;
    };
    try_heights(whole, 1, kept, other, is_shorter);
    if (kept.least < kKept * best.least) best = kept;
    for (const int chunks : {2, 4}) {
      if (own.layers.size() > kMostChunked) break;
      const auto cut = chunked(own, 0, last - first, chunks, config_);
      if (!cut) break;
      kept = best;
      kept.least *= kChunks;
      const double enough = kept.least;
      kept.cascade.chunks = chunks;
      kept.cascade.keeps = kept.cascade.spills_ends = false;
      Cascade all = kept.cascade;
      all.rows = rows_of(*cut);
      is_shorter(cut->network, all);
      Stripes stripes{*cut, config_};
      try_heights(stripes, best.cascade.rows, kept, other, is_shorter);
      if (kept.least < enough) best = kept;
    }
    return {best.cascade, 0, as_is->cycles - best.cycles + without - best.least};
  }

  /// The stripes of a section.
  struct Stripes {
    const Chunked& of;
    const spec::Config& config;
    std::map<std::pair<int, bool>, bool> known{};  ///< by rows and Cascade::spills_ends

    std::optional<Network> cut(const Cascade& how) {
      auto stripes = striped(of.network, how, config);
      if (!how.keeps) known[{how.rows, how.spills_ends}] = stripes.has_value();
      return stripes;
    }
    /// Returns true if the section can be cut so. @pre rows are not kept
    bool possible(const Cascade& how) {
      const auto answer = known.find({how.rows, how.spills_ends});
      return answer == known.end() ? cut(how).has_value() : answer->second;
    }
  };

  /// The best cascade so far, with the cycles of its plan and its lean_cycles().
  struct Best {
    Cascade cascade;
    double cycles = 0, least = 0;
  };

  static int rows_of(const Chunked& own) {
    return own.network.maps[at(own.network.layers[at(own.last)].output)].shape.H;
  }

  /// Calls try_one with those stripes for which `tried` is true, from half of the rows down to the
  /// least, until kWorse consecutive heights are not better.
  template <typename Tried, typename Try>
  void try_heights(Stripes& own, int least, const Best& best, Tried tried, Try try_one) const {
    const int rows = rows_of(own.of), chunks = best.cascade.chunks;
    bool found = false;
    int worse = 0;
    for (int height = divide_up(rows, 2); height >= std::max(1, least) && worse <= kWorse;
         height = next_height(rows, height)) {
      if (divide_up(rows, height) > kMostStripes) break;
      ++worse;
      for (const bool spills_ends : {false, true})
        for (const bool keeps : {false, true}) {
          const Cascade how{0, own.of.last, height, spills_ends, keeps, chunks};
          if (!tried(how)) {
            if (!keeps && !own.possible(how)) return;
            continue;
          }
          const auto cut = own.cut(how);
          if (!cut && !keeps) return;
          if (!cut || !try_one(*cut, how)) continue;
          found = true;
          worse = 0;
        }
      if (!found) worse = 0;
    }
  }

  /// Returns the plan's cycles without the surcharge for layers that overlap, and without cycles in
  /// which array and other engines run in parallel.
  static double lean_cycles(const Network& network, const Plan& plan) {
    return plan.cycles - plan.surcharge - cycles_beside(network, plan);
  }

  const Network net_;
  const spec::Config& config_;
  const Plan& plan_;
  bool gated_;
  std::map<std::vector<int>, Found> known_;
};

}  // namespace

std::vector<Cascade> cascades_of(const Network& network, const spec::Config& config,
                                 const Plan& plan, bool gated, std::size_t* sections) {
  Finder finder(network, config, plan, gated);
  std::vector<Cascade> found = finder.run();
  if (sections != nullptr) *sections = finder.sections();
  return found;
}

std::vector<Cascade> any_cascades(const Network& network, const spec::Config& config) {
  constexpr int kLayers = 4, kStripes = 3;
  std::vector<Cascade> result;
  const int count = static_cast<int>(network.layers.size());
  for (int first = 0; first < count; ++first)
    for (int last = std::min(first + kLayers, count) - 1; last > first; --last) {
      const int rows = network.maps[at(network.layers[at(last)].output)].shape.H;
      Cascade cascade{first, last, divide_up(rows, kStripes)};
      if (!striped(network, cascade, config)) continue;
      const auto found = [&](bool keeps, int chunks) {
        cascade.keeps = keeps;
        cascade.chunks = chunks;
        return cascaded(network, cascade, config).has_value();
      };
      const bool keeps = result.size() % 2 == 0;
      if (!found(keeps, 2) && !found(keeps, 1)) found(false, 1);
      result.push_back(cascade);
      first = last;
      break;
    }
  return result;
}

}  // namespace trine::compiler
