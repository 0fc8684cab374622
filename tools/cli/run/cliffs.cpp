// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/cliffs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/index.h"
#include "base/text.h"

namespace trine::cli {
namespace {

using sim::Cause;

constexpr std::uint64_t kSteep = 3;       ///< times the bound
constexpr std::uint64_t kSmallest = 100;  ///< of the network's cycles, one part

bool is_cliff(std::uint64_t cycles, std::uint64_t bound, std::uint64_t all) {
  return cycles > kSteep * bound && kSmallest * cycles >= all;
}

/// What a layer waits for.
std::string advice_of(Cause cause, const compiler::ProgramLayer& layer) {
  const bool spilled = layer.placement.find("DRAM") != std::string::npos;
  switch (cause) {
    case Cause::kMemory:
    case Cause::kLoad:
      return spilled ? "its maps go through DRAM: more memory.dmem_kib, or a wider "
                       "bus.axi_data_bits"
                     : "what it reads comes too late: a wider bus.axi_data_bits, or more "
                       "memory.pmem_kib";
    case Cause::kStore:
      return spilled ? "its results go to DRAM: more memory.dmem_kib, or a wider bus.axi_data_bits"
                     : "its results leave over the bus: a wider bus.axi_data_bits";
    case Cause::kDrain:
      return "short reductions: post.columns_per_cycle=2";
    case Cause::kBank:
      return "taps of several lanes lie in one bank: another stride or width, or array.rows";
    case Cause::kVector:
      return "elements one by one: more array.rows, vector.table for functions of one map";
    case Cause::kControl:
      return "more RUNs than work: larger parts (memory.dmem_kib), or operators joined in the "
             "model";
    case Cause::kCompute:
      break;
  }
  return "lanes or columns stay idle: fewer array.cols or array.rows, depthwise.enable";
}

/// The cause of most cycles beyond the bound. Steps and what the bound counts go together.
Cause main_cause(sim::CauseCycles causes, std::uint64_t bound) {
  const bool on_array = causes[at(static_cast<int>(Cause::kCompute))] > 0;
  std::uint64_t& work = causes[at(static_cast<int>(on_array ? Cause::kCompute : Cause::kVector))];
  work -= std::min(work, bound);
  const auto most = std::max_element(causes.begin(), causes.end());
  return static_cast<Cause>(most - causes.begin());
}

Cliff cliff_of(const compiler::ProgramLayer& layer, std::uint64_t cycles, Cause cause) {
  return {layer.name,
          layer.op,
          cycles,
          static_cast<std::uint64_t>(layer.bound_cycles),
          std::string(csr::kCauses[at(static_cast<int>(cause))].name),
          advice_of(cause, layer)};
}

}  // namespace

std::vector<Cliff> cliffs_of(const compiler::Program& program, const sim::RunResult& run) {
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  std::vector<Cliff> cliffs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const sim::LayerResult& result = run.layers.at(i);
    const auto bound = static_cast<std::uint64_t>(layers[i].bound_cycles);
    if (is_cliff(result.cycles, bound, run.cycles))
      cliffs.push_back(cliff_of(layers[i], result.cycles, main_cause(result.causes, bound)));
  }
  return cliffs;
}

std::vector<Cliff> expected_cliffs(const compiler::Program& program,
                                   const std::vector<program::Traffic>& traffic) {
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  std::int64_t all = 0;
  for (const compiler::ProgramLayer& layer : layers) all += layer.expected_cycles;
  std::vector<Cliff> cliffs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::int64_t cycles = layers[i].expected_cycles,
                       bus = 8 * traffic[i].moved.all() / program.config.axi_data_bits;
    if (is_cliff(static_cast<std::uint64_t>(cycles),
                 static_cast<std::uint64_t>(layers[i].bound_cycles),
                 static_cast<std::uint64_t>(all)))
      cliffs.push_back(cliff_of(layers[i], static_cast<std::uint64_t>(cycles),
                                2 * bus > cycles      ? Cause::kMemory
                                : layers[i].macs == 0 ? Cause::kVector
                                                      : Cause::kCompute));
  }
  return cliffs;
}

std::string to_text(const std::vector<Cliff>& cliffs) {
  std::string text;
  const auto width = static_cast<std::size_t>(columns()) - 68;
  for (const Cliff& c : cliffs)
    text += fmt::format("warning: {} {}: {} cycles, bound {} ({})\n  {}\n", fitted(c.name, width),
                        fitted(c.op, 12), grouped(c.cycles), grouped(c.bound), c.cause, c.advice);
  return text;
}

Json to_json(const std::vector<Cliff>& cliffs) {
  Json list = Json::array();
  for (const Cliff& c : cliffs)
    list.push_back({{"name", c.name},
                    {"op", c.op},
                    {"cycles", c.cycles},
                    {"bound_cycles", c.bound},
                    {"cause", c.cause},
                    {"advice", c.advice}});
  return list;
}

}  // namespace trine::cli
