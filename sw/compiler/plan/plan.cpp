// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/plan/plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "sw/compiler/plan/plan_facts.h"
#include "sw/compiler/plan/planner.h"

namespace trine::compiler {

View part_of(const View& whole, const Part& part, int per_word) {
  if (part.pixel_words > 0)
    return {whole.at(part.channel / per_word, part.y, part.x), whole.pitch, whole.plane,
            static_cast<int>(part.pixel_words * whole.plane), whole.width};
  return {whole.at(part.channel / per_word, part.y, part.x), whole.pitch * part.stride_y,
          whole.plane, whole.step * part.stride_x, whole.width};
}

Rect rect_of(const Rect& r, const Part& part) {
  if (part.pixel_words > 0) return {part.y, part.y + 1, part.x, part.x + 1};
  return {part.y + r.y0 * part.stride_y, part.y + (r.y1 - 1) * part.stride_y + 1,
          part.x + r.x0 * part.stride_x, part.x + (r.x1 - 1) * part.stride_x + 1};
}

bool goes_together(const Tiling& a, const Tiling& b) {
  const auto by_chunks = [](const Tiling& t) {
    return t.chunk_outer && !t.pieces && !t.relay && !t.starts_small && !t.ends_small;
  };
  return by_chunks(a) && by_chunks(b) && a.chunk == b.chunk;
}

namespace {

/// A plan, the wishes that made it, and the maps with which a better plan might be found.
struct Choice {
  Wishes wishes;
  Plan plan;
  std::vector<std::vector<int>> conflicting;
  std::vector<int> confining;
};

/// @param misfit  if not null, receives the layer that does not fit when there is no choice
std::optional<Choice> choice(const Network& network, const spec::Config& config, PlanFacts& facts,
                             const Wishes& wishes, int* misfit = nullptr) {
  Planner planner(network, config, facts, wishes);
  std::optional<Plan> plan = planner.run();
  if (misfit != nullptr) *misfit = planner.misfit();
  if (!plan) return std::nullopt;
  return Choice{wishes, std::move(*plan), planner.conflicting(), planner.confining()};
}

/// Pads the rows of the few maps that gain the most, because padding against bank conflicts uses
/// DMEM.
Choice pad_some(Choice best, const Network& network, const spec::Config& config, PlanFacts& facts) {
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

/// Returns the map and, for tokens, the maps at the same place in other blocks of a network.
std::vector<int> alike(const Network& network, int map) {
  const Map& m = network.maps[at(map)];
  const auto same = [&](const Map& o) {
    return o.written.first >= 0 && o.part.whole < 0 && o.shape == m.shape &&
           o.read.last - o.written.first == m.read.last - m.written.first &&
           network.layers[at(o.written.first)].op == network.layers[at(m.written.first)].op;
  };
  std::vector<int> maps{map};
  for (int k = 0;
       m.written.first >= 0 && m.shape.H == 1 && k < static_cast<int>(network.maps.size()); ++k)
    if (k != map && same(network.maps[at(k)])) maps.push_back(k);
  return maps;
}

/// Moves maps to DRAM whose removal gives layers more room for their buffers.
Choice spill_more(Choice best, const Network& network, const spec::Config& config,
                  PlanFacts& facts) {
  constexpr int kTries = 16;
  constexpr double kGain = 0.03;  // estimates of transfers are less precise than that
  std::set<int> tried;
  int tries = 0;
  for (bool better = true; std::exchange(better, false);)
    for (const int map : best.confining) {
      if (tries == kTries || tried.contains(map)) continue;
      const std::vector<int> maps = alike(network, map);
      tried.insert(maps.begin(), maps.end());
      ++tries;
      Wishes wishes = best.wishes;
      wishes.spill.insert(maps.begin(), maps.end());
      std::optional<Choice> other = choice(network, config, facts, wishes);
      if (!other || other->plan.cycles >= (1 - kGain) * best.plan.cycles) continue;
      best = std::move(*other);
      better = true;
      break;
    }
  return best;
}

/// Returns the maps with the same layout as `map`, if only that layer reads them and no layer
/// writes them (or, for an output, if only that layer writes them).
std::vector<int> edge_maps(const Network& network, const PlanFacts& facts, int map, bool output) {
  const int layer = output ? static_cast<int>(network.layers.size()) - 1 : 0;
  const std::vector<int>& maps = facts.members(facts.leader(map));
  const bool fits = std::ranges::all_of(maps, [&](int m) {
    const Map& it = network.maps[at(m)];
    if (it.weights || it.is_loaded_again()) return false;
    return output ? it.written.first == layer && it.read.last < 0
                  : it.written.first < 0 && it.read.last == 0;
  });
  return fits ? maps : std::vector<int>{};
}

/// Tries to stream the first layer's input and the last layer's output while these layers run.
Choice stream_ends(Choice best, const Network& network, const spec::Config& config,
                   PlanFacts& facts) {
  if (network.layers.empty()) return best;
  const double gain = network.layers.front().wide ? 0.01 : 0.15;
  const bool moves = network.layers.size() == 1 && copy_offset(network.layers.front(), network);
  if (!network.layers.front().wide && !moves) return best;
  const std::vector<int> in = edge_maps(network, facts, network.layers.front().input, false);
  const std::vector<int> out =
      edge_maps(network, facts, network.whole_of(network.layers.back().output), true);
  const Wishes wishes = best.wishes;
  for (const bool reads : {false, true})
    for (const bool writes : {false, true}) {
      Wishes other = wishes;
      if (reads) other.streamed.insert(in.begin(), in.end());
      if (writes) other.streamed.insert(out.begin(), out.end());
      if (other.streamed.empty() || (reads && in.empty()) || (writes && out.empty())) continue;
      std::optional<Choice> tried = choice(network, config, facts, other);
      if (tried && tried->plan.spilled <= best.plan.spilled &&
          tried->plan.cycles < (1 - gain) * best.plan.cycles)
        best = std::move(*tried);
    }
  return best;
}

/// Returns a fault for each layer that needs the vector unit if the machine does not have one.
model::Faults vector_faults(const Network& network, const spec::Config& config) {
  model::Faults faults;
  for (const Layer& layer : network.layers)
    if (layer.kind != LayerKind::kConv && !layer.by_dma && !config.vector)
      faults.add(model::Refusal(
          model::Reason::kConfiguration,
          fmt::format("{}: tensor {} '{}' needs the vector unit (vector.enable)", layer.label,
                      network.maps[at(layer.output)].tensor, layer.name)));
  return faults;
}

}  // namespace

std::optional<Plan> quick_plan(const Network& network, const spec::Config& config) {
  PlanFacts facts(network, config);
  Wishes wishes;
  wishes.shifted = false;
  return Planner(network, config, facts, wishes).run();
}

std::optional<Plan> plan_nests(const Network& network, const spec::Config& config,
                               const std::set<int>& in_dram, int& misfit, std::string& rule) {
  PlanFacts facts(network, config);
  Wishes wide;
  for (const int m : in_dram) wide.spill.insert(facts.is_head(m) ? m : network.whole_of(m));
  Wishes narrow = wide, padded = wide;
  narrow.pad_all = false;
  padded.pad_dram = true;
  std::optional<Choice> best;
  for (const Wishes& wishes : {wide, narrow, padded}) {
    Planner planner(network, config, facts, wishes);
    std::optional<Plan> plan = planner.run();
    if (!plan && !best) {
      misfit = planner.misfit();
      rule = planner.broken_rule();
    }
    if (plan && (!best || std::pair(plan->spilled, plan->cycles) <
                              std::pair(best->plan.spilled, best->plan.cycles)))
      best = Choice{wishes, std::move(*plan), planner.conflicting(), {}};
  }
  if (!best) return std::nullopt;
  if (!best->wishes.pad_all) best = pad_some(std::move(*best), network, config, facts);
  return std::move(best->plan);
}

namespace {

/// Returns the plan with sums in DMEM, or the plan without them unless that is clearly longer.
std::optional<Plan> without_sums(Plan with, const Network& network, const spec::Config& config) {
  constexpr double kGain = 0.02;  // estimates of maps in other places are less precise than that
  if (network.objective != Objective::kCycles || std::ranges::none_of(with.tilings, &Tiling::sums))
    return with;
  spec::Config machine = config;
  machine.partial_sums = false;
  std::optional<Plan> without = plan(network, machine);
  if (without && without->cycles <= (1 + kGain) * with.cycles) return without;
  return with;
}

}  // namespace

std::optional<Plan> plan(const Network& network, const spec::Config& config,
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
          fmt::format("{}: tensor '{}' does not fit: memory.dmem_kib = {}, memory.pmem_kib = {} "
                      "and memory.param_channels = {} cannot hold any part of it",
                      layer.label, layer.name, config.dmem_kib, config.pmem_kib,
                      config.param_channels));
    return std::nullopt;
  }
  if (best->plan.spilled > 0 || std::ranges::any_of(best->plan.tilings, &Tiling::sums)) {
    Wishes narrow;
    narrow.pad_all = false;
    std::optional<Choice> other = choice(network, config, facts, narrow);
    if (other && other->plan.spilled < best->plan.spilled)
      best = pad_some(std::move(*other), network, config, facts);
    best = spill_more(std::move(*best), network, config, facts);
    Wishes wide = best->wishes;
    wide.pad_dram = true;
    other = choice(network, config, facts, wide);
    if (other && other->plan.cycles < best->plan.cycles) best = std::move(other);
  }
  best = stream_ends(std::move(*best), network, config, facts);
  best->plan.tiled = facts.tiled;
  best->plan.visited = facts.visited;
  return without_sums(std::move(best->plan), network, config);
}

}  // namespace trine::compiler
