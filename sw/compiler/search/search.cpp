// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/search/search.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sw/base/division.h"
#include "sw/compiler/plan/tile_memo.h"
#include "sw/compiler/transform/cascade.h"
#include "sw/compiler/transform/channel_parts.h"
#include "sw/compiler/transform/interleave.h"
#include "sw/compiler/transform/passes.h"
#include "sw/compiler/transform/rows_of_cores.h"
#include "sw/compiler/transform/scattered.h"
#include "sw/compiler/transform/tokens_of_cores.h"

namespace trine::compiler {
namespace {

/// A finished plan must be shorter than this factor to count as better. Smaller differences are
/// random.
constexpr double kGain = 0.99;

/// The gain that is required to share a sequence's tokens among the cores of a cluster (a factor),
/// or an image's rows (in cycles). For short networks, transfers between cores are estimated too
/// roughly.
constexpr double kTokens = 0.7, kRowsCycles = 700;

/// The gain that another order of the layers requires, as a factor and in cycles. For short layers,
/// the estimates are too rough.
constexpr double kMoved = 0.999, kMovedCycles = 500;
constexpr std::size_t kMostMoves = 16;  ///< tried one by one
constexpr int kMostHeights = 3;         ///< stripe heights of a map whose pixels are scattered

struct PlannedNetwork {
  explicit PlannedNetwork(Network of) : network(std::move(of)) {}

  Network network;
  bool planned = false;
  std::optional<Plan> plan;  ///< empty if the network does not fit
  double cycles = 0;         ///< of the plan, with array and vector unit in parallel
  std::string printed;
};

/// Returns true if `other` takes less than `share` of the cycles, or if only `other` fits.
bool is_shorter(const PlannedNetwork& other, const PlannedNetwork& than, double share = 1) {
  return other.plan && (!than.plan || other.cycles < share * than.cycles);
}

/// Returns true if `other` is shorter, or is not longer and clearly has less traffic.
bool is_better(const PlannedNetwork& other, const PlannedNetwork& than) {
  constexpr double kCycles = 0.995, kTraffic = 0.95;
  return is_shorter(other, than, kCycles) ||
         (is_shorter(other, than) && other.plan->traffic < kTraffic * than.plan->traffic);
}

class Search {
 public:
  Search(const spec::Config& config, const Ways& ways, std::string_view print_after,
         const Verifier& verifier)
      : config_(config),
        verifier_(verifier),
        fusion_(ways.fusion),
        cascading_(ways.cascading),
        print_after_(print_after) {}

  /// Applies the passes from `first` on to a network, and plans the result.
  PlannedNetwork finish(PlannedNetwork now, std::size_t first) const {
    for (std::size_t i = first; i < kPasses.size(); ++i) {
      const Pass& pass = kPasses[i];
      int place = 0;
      if (pass.takes == Takes::kAlways) {
        if (auto other = pass.next(now.network, config_, place)) now.network = std::move(*other);
        verifier_.verify(now.network, pass.name);
      } else if (pass.takes != Takes::kFinished) {
        climb(pass, now);
      } else if (auto other = pass.next(now.network, config_, place)) {
        PlannedNetwork changed(std::move(*other));
        changed.printed = now.printed;
        verifier_.verify(changed.network, pass.name);
        note(pass, changed);
        note(pass, now);
        changed = finish(std::move(changed), i + 1);
        now = finish(std::move(now), i + 1);
        return is_shorter(changed, now, kGain) ? changed : now;
      }
      note(pass, now);
    }
    make_plan(now);
    interleave(now);
    gather(now);
    cascade(now);
    if (print_after_ == kCascade) now.printed = to_text(now.network);
    interleave(now);
    if (print_after_ == kInterleave) now.printed = to_text(now.network);
    return now;
  }

 private:
  /// Splits layers that write scattered pixels of a spilled map into stripes. Rows are stored when
  /// all their pixels are computed.
  void gather(PlannedNetwork& now) const {
    const bool always = cascading_ == Cascading::kAlways;
    if (cascading_ == Cascading::kNever || !now.plan || (!always && now.plan->spilled == 0)) return;
    const std::vector<Scattered> found = scattered_layers(now.network, config_);
    for (std::size_t i = found.size(); i-- > 0;) {
      const Layer& first = now.network.layers[at(found[i].first)];
      const int whole = now.network.whole_of(first.output);
      const bool loads = always ? i % 2 == 0 : !now.plan->maps[at(first.input)].resident;
      if (always || !now.plan->maps[at(whole)].resident)
        take_rows(found[i], now.network.maps[at(whole)].shape, loads, now);
    }
  }

  /// Takes the first of some heights that is better.
  void take_rows(const Scattered& layers, const Shape& whole, bool loads,
                 PlannedNetwork& now) const {
    const std::int64_t most = config_.dmem_words() / 2 / whole.W / whole.channel_words();
    int rows = divide_up(whole.H, 2);
    while (rows > 1 && rows > most) rows = divide_up(rows, 2);
    for (int tries = 0; rows > 1 && tries < kMostHeights; ++tries, rows = divide_up(rows, 2)) {
      PlannedNetwork candidate(in_stripes(now.network, layers, round_up(rows, 2), loads));
      candidate.printed = now.printed;
      verifier_.verify(candidate.network, "gather");
      make_plan(candidate);
      const bool always = cascading_ == Cascading::kAlways && candidate.plan;
      if (!always && !is_better(candidate, now)) continue;
      now = std::move(candidate);
      return;
    }
  }

  /// Applies cascades if maps are spilled: all cascades that should gain together, otherwise one by
  /// one.
  void cascade(PlannedNetwork& now) const {
    const bool always = cascading_ == Cascading::kAlways;
    if (cascading_ == Cascading::kNever || !now.plan || (!always && now.plan->spilled == 0)) return;
    if (always) return take_some(any_cascades(now.network, config_), now);
    const PlannedNetwork before = now;
    const auto found = cascades_of(before.network, config_, *before.plan, false);
    take_some(found, now);
    if (std::ranges::none_of(before.network.layers, &Layer::is_gate)) return;
    const auto gated = cascades_of(before.network, config_, *before.plan, true);
    if (gated == found) return;
    PlannedNetwork other = before;
    take_some(gated, other);
    if (is_better(other, now)) now = std::move(other);
  }

  void take_some(const std::vector<Cascade>& found, PlannedNetwork& now) const {
    if (found.empty() || take(found, now)) return;
    for (std::size_t i = found.size(); i-- > 0;) take({found[i]}, now);
  }

  /// Applies the cascades, last one first, so that the other cascades' layers keep their positions.
  bool take(const std::vector<Cascade>& cascades, PlannedNetwork& now) const {
    PlannedNetwork candidate(now.network);
    candidate.printed = now.printed;
    for (std::size_t i = cascades.size(); i-- > 0;) {
      std::optional<Network> cut = cascaded(candidate.network, cascades[i], config_);
      if (!cut) return false;  // a section does not see maps that others load again
      candidate.network = std::move(*cut);
    }
    verifier_.verify(candidate.network, kCascade);
    make_plan(candidate);
    const bool always = cascading_ == Cascading::kAlways && candidate.plan;
    if (!always && !is_better(candidate, now)) return false;
    now = std::move(candidate);
    return true;
  }

  /// Reorders layers so that the vector unit's run in parallel with the array's: all at once,
  /// otherwise one place after the other.
  void interleave(PlannedNetwork& now) const {
    if (cascading_ == Cascading::kNever || !now.plan || !can_interleave(now.network)) return;
    const std::vector<int> order = interleaved(now.network, *now.plan);
    const std::vector<Stretch> stretches = stretches_of(now.network, order);
    if (stretches.empty()) return;
    const Network before = now.network;
    std::vector<Stretch> taken;
    const auto take = [&](const std::vector<Stretch>& tried) {
      PlannedNetwork candidate(reordered(before, order, tried));
      candidate.printed = now.printed;
      verifier_.verify(candidate.network, kInterleave);
      make_plan(candidate);
      const bool always = cascading_ == Cascading::kAlways && candidate.plan;
      const double share = std::min(kMoved, 1 - kMovedCycles / now.cycles);
      if (!always && !is_shorter(candidate, now, share)) return;
      now = std::move(candidate);
      taken = tried;
    };
    if (stretches.size() > kMostMoves) take(stretches);
    for (std::size_t i = 0; i < std::min(stretches.size(), kMostMoves); ++i) {
      if (taken.size() == stretches.size()) return;
      std::vector<Stretch> more = taken;
      more.push_back(stretches[i]);
      take(more);
    }
  }

  void make_plan(PlannedNetwork& candidate) const {
    if (std::exchange(candidate.planned, true)) return;
    candidate.plan = compiler::plan(candidate.network, config_);
    if (!candidate.plan) return;
    candidate.cycles = candidate.plan->cycles - cycles_beside(candidate.network, *candidate.plan);
  }

  /// Applies one change after the other if it makes the plan shorter; without a plan, applies all.
  void climb(const Pass& pass, PlannedNetwork& now) const {
    const bool parts = pass.next == split_pool || pass.next == separate;
    if ((pass.next == fuse && fusion_ == Fusion::kNever) ||
        (parts && cascading_ == Cascading::kNever))
      return;
    make_plan(now);
    if (pass.takes == Takes::kUnspilled && (!now.plan || now.plan->spilled == 0)) return;
    const bool always = (pass.next == fuse && fusion_ == Fusion::kAlways) ||
                        (parts && cascading_ == Cascading::kAlways);
    for (int place = 0; auto other = pass.next(now.network, config_, place);) {
      PlannedNetwork candidate(std::move(*other));
      candidate.printed = now.printed;
      verifier_.verify(candidate.network, pass.name);
      make_plan(candidate);
      if (!now.plan || is_shorter(candidate, now) || (always && candidate.plan))
        now = std::move(candidate);
      else
        ++place;
    }
  }

  void note(const Pass& pass, PlannedNetwork& now) const {
    if (pass.name == print_after_) now.printed = to_text(now.network);
  }

  const spec::Config& config_;
  const Verifier& verifier_;
  Fusion fusion_;
  Cascading cascading_;
  std::string_view print_after_;
};

/// Splits layers into parts of their channels if the map between two layers is spilled and the
/// parts are shorter.
void take_channel_parts(PlannedNetwork& now, const spec::Config& config, const Verifier& verifier) {
  for (int i = 0; now.plan && i < static_cast<int>(now.network.layers.size()); ++i) {
    if (now.plan->maps[at(now.network.layers[at(i)].output)].resident) continue;
    std::optional<PlannedNetwork> best;
    for (const int parts : {2, 4, 8}) {
      std::optional<Network> other = in_channel_parts(now.network, config, i, parts);
      if (!other) continue;
      PlannedNetwork candidate(std::move(*other));
      candidate.printed = now.printed;
      verifier.verify(candidate.network, "channel parts");
      candidate.plan = plan(candidate.network, config);
      if (!candidate.plan) continue;
      candidate.cycles = candidate.plan->cycles;
      if (is_shorter(candidate, best ? *best : now)) best = std::move(candidate);
    }
    if (best) now = std::move(*best);
  }
}

/// Returns the network shared by rows of the cores.
std::optional<PlannedNetwork> in_rows(const PlannedNetwork& whole, const spec::Config& config,
                                      const Verifier& verifier) {
  std::optional<Network> shared = rows_of_cores(whole.network, config.cores);
  if (!shared) return std::nullopt;
  PlannedNetwork rows(std::move(*shared));
  rows.printed = whole.printed;
  verifier.verify(rows.network, "rows of cores");
  rows.plan = plan(rows.network, config);
  if (rows.plan) rows.cycles = rows.plan->cycles;
  take_channel_parts(rows, config, verifier);
  return rows;
}

}  // namespace

Planned search(Network network, const spec::Config& config, const Ways& ways,
               std::string_view print_after, bool verify) {
  const Verifier verifier(config, verify);
  network.tilings = std::make_shared<TileMemo>();
  const auto finished = [&](Network start, Fusion fusion, Cascading cascading) {
    const Search search(config, {fusion, cascading}, print_after, verifier);
    return search.finish(PlannedNetwork(std::move(start)), 0);
  };
  PlannedNetwork best = finished(network, ways.fusion, ways.cascading);
  const bool shares = config.cores > 1 && network.cores == 1 && ways.sharing != Sharing::kNever;
  const auto take = [&](std::optional<PlannedNetwork> shared, double share) {
    const bool always = ways.sharing == Sharing::kAlways && shared && shared->plan;
    if (always || (shared && is_shorter(*shared, best, share))) best = std::move(*shared);
  };
  if (shares)
    if (std::optional<Network> tokens = tokens_of_cores(network, config)) {
      verifier.verify(*tokens, "tokens of cores");
      take(finished(std::move(*tokens), ways.fusion, ways.cascading), kTokens);
    }
  // If maps are spilled, a cascade may gain as much as fusion does.
  const auto fuses = [](const Layer& l) { return l.kind == LayerKind::kConv && l.fuses_max(); };
  if (ways.fusion == Fusion::kEstimated && ways.cascading == Cascading::kEstimated &&
      std::ranges::any_of(best.network.layers, fuses)) {
    PlannedNetwork unfused = finished(network, Fusion::kNever, ways.cascading);
    if (is_better(unfused, best)) best = std::move(unfused);
  }
  if (shares && best.network.cores == 1)
    take(in_rows(finished(std::move(network), ways.fusion, Cascading::kNever), config, verifier),
         1 - kRowsCycles / best.cycles);
  std::optional<model::Refusal> problem;
  if (!best.plan && !plan(best.network, config, &problem)) throw model::Refusal(*problem);
  return {std::move(best.network), std::move(*best.plan), std::move(best.printed)};
}

}  // namespace trine::compiler
