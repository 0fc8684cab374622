// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/cliffs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "sw/base/index.h"
#include "sw/base/text.h"

namespace trine::cli {
namespace {

using sim::Cause;

constexpr std::uint64_t kSteep = 3;  ///< times the bound
/// A layer counts from one part in so many of the network's cycles.
constexpr std::uint64_t kSmallest = 100;

bool is_cliff(std::uint64_t cycles, std::uint64_t bound, std::uint64_t all) {
  return cycles > kSteep * bound && kSmallest * cycles >= all;
}

/// A layer, and everything that its remedy depends on.
struct Waiting {
  const compiler::ProgramLayer& layer;
  const spec::Config& config;

  bool is(std::initializer_list<const char*> parts) const {
    return std::ranges::any_of(
        parts, [&](const char* part) { return layer.op.find(part) != std::string::npos; });
  }
  bool placed(const char* what) const { return layer.placement.find(what) != std::string::npos; }
  bool spilled() const { return placed("DRAM"); }
  bool in_pieces() const { return placed("reduction in pieces"); }
  bool of_tokens() const { return is({"FULLY_CONNECTED"}); }
  /// Returns " or a wider bus", unless the bus already has the maximum width.
  std::string wider(const char* before) const {
    return config.axi_data_bits < 1024
               ? fmt::format("{}bus.axi_data_bits above {}", before, config.axi_data_bits)
               : "";
  }
};

std::string vector_remedy(const Waiting& w) {
  if (w.is({"SOFTMAX"}))
    return "a softmax passes three times over each row: more array.rows take more rows at once; "
           "at the network's end it can be left out, because the largest sum gives the class";
  if (w.is({"NORM"}))
    return "a normalization passes twice over each token: more array.rows take more tokens at "
           "once; a batch normalization is folded into the layer before it";
  if (w.is({"TRANSPOSE"}) && !w.is({"CONV"}))
    return "it only moves elements: export the model in the layout that the next operator reads, "
           "and the layer is gone";
  if (w.is({"CONCATENATION", "PACK"}))
    return "its parts are copied: parts of a multiple of 4 channels, joined along the channels, "
           "are written in place";
  if (w.is({"SLICE", "SPLIT", "GATHER", "REVERSE", "TILE", "PAD"}))
    return "it only moves elements: cut or join along the channels, at multiples of 4, which "
           "needs no copy";
  if (w.is({"RESIZE", "SPACE_TO", "TO_SPACE"}))
    return "each set of pixels is copied separately: resize fewer channels (before the "
           "convolution that widens them)";
  if (w.is({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}))
    return "channels become pixels, one element at a time: reshape only where the channels of a "
           "pixel stay together, or keep the shape";
  if (w.is({"POOL", "MEAN", "SUM", "REDUCE"}))
    return "a pool reads each element of its window separately: more array.rows, or a stride in "
           "the convolution before it instead of the pool";
  const bool function = w.is({"DEQUANTIZE", "FLOAT", "ERF", "GELU", "LOGISTIC", "TANH", "EXP"});
  if (!function && w.is({"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"}))
    return "an operator of two maps runs word by word: more array.rows; an addition right after a "
           "convolution costs nothing";
  if (!w.config.table)
    return "without a lookup table, its function is computed by several operators: "
           "vector.table=true";
  return "a function that does not follow a convolution runs word by word: more array.rows, or "
         "place it right after a convolution";
}

std::string memory_remedy(const Waiting& w, Cause cause) {
  if (w.in_pieces())
    return fmt::format(
        "PMEM has no room for the weights of {} channels: they are loaded for every {} pixels: "
        "{}memory.pmem_kib above {}{}",
        w.config.cols, w.config.rows,
        w.config.partial_sums || w.is({"THRESHOLD"}) ? "" : "post.partial_sums=true, ",
        w.config.pmem_kib, w.wider(", or "));
  if (w.spilled())
    return fmt::format("its maps go through DRAM: memory.dmem_kib above {}{}", w.config.dmem_kib,
                       w.wider(", or "));
  if (cause == Cause::kStore)
    return "its results are written over the bus" +
           (w.config.axi_data_bits < 1024 ? w.wider(": ") : ", which has the largest width");
  if (w.of_tokens())
    return "each weight is read for one product: --batch N shares them among N images" +
           w.wider(", or ");
  if (w.layer.macs > 0)
    return fmt::format("it waits for its weights: memory.pmem_kib above {}{}", w.config.pmem_kib,
                       w.wider(", or "));
  return "it waits for its input: a larger operator before it hides the load" + w.wider(", or ");
}

std::string compute_remedy(const Waiting& w) {
  if (w.is({"DEPTHWISE"}))
    return w.config.depthwise
               ? "a depthwise filter uses only a few columns: fewer array.cols, more array.rows"
               : "a depthwise filter takes a step for each tap: depthwise.enable=true";
  if (w.of_tokens())
    return "an image uses only one lane: --batch N fills the other lanes, or fewer array.rows";
  return "its map has fewer pixels or channels than the array has rows or columns: fewer "
         "array.rows or array.cols";
}

/// Returns advice for this layer on this design.
std::string advice_of(Cause cause, const Waiting& w) {
  switch (cause) {
    case Cause::kMemory:
    case Cause::kLoad:
    case Cause::kStore:
      return memory_remedy(w, cause);
    case Cause::kDrain:
      if (w.is({"THRESHOLD"}))
        return "its thresholds are compared one after the other: use a quantizer with a scale, or "
               "one with fewer levels";
      if (w.config.columns_per_cycle < 2)
        return "it sums few products, so that its results queue up: post.columns_per_cycle=2";
      return "it sums few products, so that its results queue up: fewer array.cols, more "
             "array.rows";
    case Cause::kBank:
      return "rows that are read together are in one bank: change the width or stride of its map, "
             "or array.rows";
    case Cause::kVector:
      return vector_remedy(w);
    case Cause::kControl:
      return w.spilled() ? fmt::format("it is cut into many small parts: memory.dmem_kib above {}",
                                       w.config.dmem_kib)
                         : "it is too small to keep the machine busy: --batch N, or join it with "
                           "its neighbours in the model";
    case Cause::kCompute:
      break;
  }
  return compute_remedy(w);
}

/// Returns the cause of most cycles beyond the bound. Steps and cycles that the bound includes
/// count as one cause.
Cause main_cause(sim::CauseCycles causes, std::uint64_t bound) {
  const bool on_array = causes[at(static_cast<int>(Cause::kCompute))] > 0;
  std::uint64_t& work = causes[at(static_cast<int>(on_array ? Cause::kCompute : Cause::kVector))];
  work -= std::min(work, bound);
  const auto most = std::max_element(causes.begin(), causes.end());
  return static_cast<Cause>(most - causes.begin());
}

Cliff cliff_of(const Waiting& w, std::uint64_t cycles, std::uint64_t all, Cause cause) {
  const compiler::ProgramLayer& layer = w.layer;
  return {layer.name,
          layer.op,
          cycles,
          static_cast<double>(cycles) / static_cast<double>(all),
          static_cast<std::uint64_t>(layer.bound_cycles),
          std::string(csr::kCauses[at(static_cast<int>(cause))].name),
          advice_of(cause, w)};
}

}  // namespace

std::vector<Cliff> cliffs_of(const compiler::Program& program, const sim::RunResult& run) {
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  std::vector<Cliff> cliffs;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const sim::LayerResult& result = run.layers.at(i);
    const auto bound = static_cast<std::uint64_t>(layers[i].bound_cycles);
    if (is_cliff(result.cycles, bound, run.cycles))
      cliffs.push_back(cliff_of({layers[i], program.config}, result.cycles, run.cycles,
                                main_cause(result.causes, bound)));
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
      cliffs.push_back(cliff_of({layers[i], program.config}, static_cast<std::uint64_t>(cycles),
                                static_cast<std::uint64_t>(all),
                                2 * bus > cycles      ? Cause::kMemory
                                : layers[i].macs == 0 ? Cause::kVector
                                                      : Cause::kCompute));
  }
  return cliffs;
}

std::string to_text(const std::vector<Cliff>& cliffs, const std::string& which) {
  constexpr double kLarge = 0.05;
  std::string text;
  const auto width = static_cast<std::size_t>(columns());
  if (which == "none") return text;
  for (const Cliff& c : cliffs)
    if (which == "all" || c.share > kLarge)
      text += fmt::format("warning: {} {}: {} cycles, {:.0f} % of all, at best {} ({})\n",
                          fitted(c.name, width / 3), fitted(c.op, 14), grouped(c.cycles),
                          100 * c.share, grouped(c.bound), c.cause) +
              wrapped(c.advice, "  ", width);
  return text;
}

Json to_json(const std::vector<Cliff>& cliffs) {
  Json list = Json::array();
  for (const Cliff& c : cliffs)
    list.push_back({{"name", c.name},
                    {"op", c.op},
                    {"cycles", c.cycles},
                    {"share", c.share},
                    {"bound_cycles", c.bound},
                    {"cause", c.cause},
                    {"advice", c.advice}});
  return list;
}

}  // namespace trine::cli
