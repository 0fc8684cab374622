// SPDX-License-Identifier: Apache-2.0
//
// Prints a plan: a line for each map and each layer.

#include <fmt/format.h>

#include "sw/base/text.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {
namespace {

constexpr std::size_t kName = 16;  ///< columns, so that a line fits a terminal

std::string text_of(const char* memory, const View& view) {
  std::string text =
      fmt::format("{} {} pitch {} plane {}", memory, view.origin, view.pitch, view.plane);
  if (view.step != 1) text += fmt::format(" step {}", view.step);
  return text;
}

std::string text_of(const Map& map, const Placement& place) {
  std::string text =
      fmt::format("'{}' {}x{}x{}", fitted(map.name, kName), map.shape.H, map.shape.W, map.shape.C);
  if (map.part.whole >= 0) text += fmt::format(" of map {}", map.part.whole);
  text += ":";
  if (place.resident) text += " " + text_of("DMEM", place.dmem);
  if (place.in_dram) text += " " + text_of("DRAM", place.dram);
  return text;
}

std::string text_of(const Layer& layer, const Tiling& t, std::int64_t scratch) {
  std::string text = fmt::format(
      "{} '{}': {} -> {}, {}x{}x{}{}: {:.0f} cycles, unit {:.0f}, bus {:.0f}\n",
      fitted(layer.op, kName + 4), fitted(layer.name, kName), layer.input, layer.output, t.rows,
      t.cols, t.chunk, t.chunk_outer ? "" : ", by parts", t.expected, t.compute, t.traffic);
  if (t.relay)
    text += fmt::format("    weights in relay, chunks meet in {} words\n", t.piece_words);
  if (t.pieces)
    text += fmt::format("    pieces of {} words, {} filter rows{}{}\n", t.piece_words, t.piece_rows,
                        t.stream_input ? ", with their input" : "",
                        t.sums ? fmt::format(", sums in {} words of DMEM", t.sum_words) : "");
  if (t.direct) text += "    outputs are written in place\n";
  if (t.starts_small || t.ends_small)
    text += fmt::format("    a small part at the {}\n", !t.ends_small    ? "start"
                                                        : t.starts_small ? "start and the end"
                                                                         : "end");
  if (t.input_words + t.second_words + t.output_words > 0)
    text += fmt::format("    {} x ({} + {} + {}) words from DMEM {} on\n", t.buffers, t.input_words,
                        t.second_words, t.output_words, scratch);
  return text;
}

}  // namespace

std::string to_text(const Plan& plan, const Network& network) {
  std::string text =
      fmt::format("plan: {} bytes in DRAM, {} maps spilled\n", plan.arena_bytes, plan.spilled);
  for (std::size_t m = 0; m < plan.maps.size(); ++m)
    text += fmt::format("  map {} {}\n", m, text_of(network.maps[m], plan.maps[m]));
  for (std::size_t i = 0; i < plan.tilings.size(); ++i)
    text += fmt::format("  layer {} {}", i,
                        text_of(network.layers[i], plan.tilings[i], plan.scratch[i]));
  return text;
}

}  // namespace trine::compiler
