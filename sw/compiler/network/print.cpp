// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <array>

#include "sw/base/text.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {
namespace {

std::string text_of(const Part& part) {
  std::string text = fmt::format(" of map {} at {},{}", part.whole, part.y, part.x);
  if (part.stride_y != 1 || part.stride_x != 1)
    text += fmt::format(" every {}x{}", part.stride_y, part.stride_x);
  if (part.channel != 0) text += fmt::format(" channel {}", part.channel);
  if (part.pixel_words != 0) text += fmt::format(" pixels of {} words", part.pixel_words);
  return text;
}

std::string text_of(const Map& map) {
  const Shape& s = map.shape;
  std::string text = fmt::format("'{}' {}x{}x{}", fitted(map.name, 40), s.H, s.W, s.C);
  if (s.per_word != 4) text += fmt::format(", {} a word", s.per_word);
  if (map.part.whole >= 0) text += text_of(map.part);
  if (map.fold.folded()) text += fmt::format(", folded {}x{}", map.fold.rows, map.fold.pixels);
  if (map.capacity) text += fmt::format(", room for {}x{}", map.capacity->H, map.capacity->W);
  if (map.is_copy()) text += fmt::format(", reloads map {}", map.reloads);
  const auto note = [&](bool is, const char* what) {
    if (is) text += fmt::format(", {}", what);
  };
  if (map.core.rows > 0)
    text += fmt::format(", {} rows per core and {} above, {} below them", map.core.rows,
                        map.core.rows_above, map.core.rows_below);
  if (map.core.pixels > 0) text += ", pixels of one core";
  note(map.transposed, "transposed");
  note(map.input, "input");
  note(map.output, "output");
  note(map.constant(), "constant");
  note(map.kept, "kept");
  note(map.spill, "in DRAM");
  note(map.moved, "moved");
  note(map.weights, "weights");
  return text;
}

constexpr std::array<const char*, 11> kKinds{"conv",    "max",       "sum",     "add",
                                             "square",  "mul",       "maximum", "minimum",
                                             "softmax", "normalize", "words"};

std::string text_of(const Geometry& g) {
  std::string text = fmt::format("{}x{} of {}x{}", g.P, g.Q, g.H, g.W);
  const auto pair = [&](const char* what, int y, int x, int usual) {
    if (y != usual || x != usual) text += fmt::format(", {} {}x{}", what, y, x);
  };
  pair("taps", g.R, g.S, 1);
  pair("stride", g.stride_y, g.stride_x, 1);
  pair("dilation", g.dil_y, g.dil_x, 1);
  pair("pad", g.pad_top, g.pad_left, 0);
  return text;
}

/// Returns the text of a layer's kind of result.
std::string result_of(const Layer& layer) {
  if (!layer.points.empty()) return fmt::format("lines of {} points", layer.points.size());
  switch (layer.result) {
    case Output::kThresholds:
      return fmt::format("{} pairs of thresholds", layer.passes);
    case Output::kRaw:
      return "sums";
    case Output::kLookup:
      return "table";
    case Output::kRequantized:
      break;
  }
  return fmt::format("codes {}..{}", layer.range.act_min, layer.range.act_max);
}

std::string text_of(const Sweep& sweep) {
  const Rect& r = sweep.rect;
  return fmt::format("    sweep at {},{}: rows {}..{}, columns {}..{}\n", sweep.down, sweep.right,
                     r.y0, r.y1 - 1, r.x0, r.x1 - 1);
}

std::string text_of(const Layer& layer) {
  std::string text =
      fmt::format("{} '{}': {}", fitted(layer.op, 30), fitted(layer.name, 40), layer.input);
  if (layer.second >= 0) text += fmt::format(" + {}", layer.second);
  if (layer.weights_map >= 0)
    text += fmt::format(" x {}{} at {},{}", layer.weights_map,
                        layer.conv().weights_transposed ? " transposed" : "",
                        layer.conv().weights_y, layer.conv().weights_x);
  text += fmt::format(" -> {}\n    {} {}", layer.output,
                      kKinds[static_cast<std::size_t>(layer.kind)], text_of(layer.window));
  if (layer.kind == LayerKind::kConv) {
    text += fmt::format("\n    {} channels", layer.channels);
    if (layer.group_channels > 0) text += fmt::format(" in groups of {}", layer.group_channels);
    text += fmt::format(
        " x {} steps of {} {} codes", layer.steps(), layer.conv().step_codes,
        isa::kComputeOps.find(isa::Engine::kCompute, static_cast<int>(layer.conv().precision))
            ->name);
  }
  text += fmt::format(", {}\n", result_of(layer));
  if (layer.by_dma) text += "    by DMA\n";
  if (layer.former.steps > 0)
    text += fmt::format("    former: {} steps of {} columns, halo {}, idle {}\n",
                        layer.former.steps, layer.former.dil, layer.former.halo, layer.former.idle);
  if (layer.fuses_max())
    for (const Sweep& sweep : layer.sweeps) text += text_of(sweep);
  return text;
}

}  // namespace

std::string to_text(const Network& network) {
  std::string text =
      fmt::format("network: {} maps, {} layers\n", network.maps.size(), network.layers.size());
  for (std::size_t m = 0; m < network.maps.size(); ++m)
    text += fmt::format("  map {} {}\n", m, text_of(network.maps[m]));
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    text += fmt::format("  layer {} {}", i, text_of(network.layers[i]));
  return text;
}

}  // namespace trine::compiler
