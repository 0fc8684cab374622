// SPDX-License-Identifier: Apache-2.0
//
// Writes a mapping file: what can be edited as keys, what follows from it as comments.

#include <fmt/format.h>

#include "sw/base/division.h"
#include "sw/base/json.h"
#include "sw/base/text.h"
#include "sw/compiler/mapping/mapping.h"

namespace trine::compiler {
namespace {

std::string quoted(const std::string& text) { return json_text(Json(text)); }

std::string counted(std::int64_t n, const std::string& one) {
  return fmt::format("{} {}{}", grouped(n), one, n == 1 ? "" : "s");
}

/// The text of one layer.
class LayerText {
 public:
  LayerText(const Layer& layer, const Tiling& tiling, const Network& network, const Plan& plan,
            const spec::Config& config)
      : layer_(layer),
        t_(tiling),
        plan_(plan),
        config_(config),
        nest_(nest_of(tiling, layer, network)),
        out_(network.maps[at(layer.output)].shape),
        in_(network.maps[at(layer.input)].shape) {}

  std::string text() const {
    const auto memory = [&](int map) { return plan_.maps[at(map)].resident ? "DMEM" : "DRAM"; };
    std::string text =
        fmt::format("\n[[layer]]\nname = {}\n# {}\ninput = \"{}\"\noutput = \"{}\"\n",
                    quoted(layer_.name), title(), memory(layer_.input), memory(layer_.output));
    if (layer_.by_dma) return text + "loops = []\n";
    text += "loops = [\n";
    for (const auto& [loop, comment] : loops())
      text += fmt::format("  {:<12} # {}\n", fmt::format("\"{}\",", loop), comment);
    text += "]\n";
    if (t_.pieces) text += fmt::format("sums = \"{}\"\n", t_.sums ? "DMEM" : "PE");
    if (has_buffers())
      text += fmt::format("buffers = {} # of {} words of DMEM\n", t_.buffers,
                          grouped(t_.input_words + t_.second_words + t_.output_words));
    return text + costs();
  }

 private:
  bool conv() const { return layer_.kind == LayerKind::kConv; }
  bool has_buffers() const { return t_.input_words + t_.second_words + t_.output_words > 0; }
  int lanes() const { return layer_.lanes(config_); }

  std::string title() const {
    const Geometry& g = layer_.window;
    std::string text =
        fmt::format("{}: {}x{}x{} to {}x{}x{}", layer_.op, g.H, g.W, in_.C, g.P, g.Q, out_.C);
    if (g.R * g.S > 1) text += fmt::format(", {}x{} taps", g.R, g.S);
    if (g.stride_y > 1 || g.stride_x > 1)
      text += fmt::format(", stride {}x{}", g.stride_y, g.stride_x);
    return text;
  }

  /// The loops from the outermost to the innermost, with comments.
  std::vector<std::pair<std::string, std::string>> loops() const {
    const Geometry& g = layer_.window;
    const auto loop = [](char letter, int size) { return fmt::format("{} by {}", letter, size); };
    std::string chunk = counted(layer_.chunks(t_.chunk, out_.C), "chunk");
    if (conv() && !t_.pieces) chunk += weights();
    const std::pair m{loop('M', nest_.M), chunk};
    std::vector<std::pair<std::string, std::string>> result{
        {loop('P', nest_.P), counted(divide_up(g.P, nest_.P), "part")},
        {loop('Q', nest_.Q), counted(divide_up(g.Q, nest_.Q), "part") + tiles()}};
    result.insert(nest_.chunk_outer ? result.begin() : result.end(), m);
    if (t_.pieces) {
      const int words = divide_up(layer_.words, t_.piece_words);
      result.emplace_back(
          loop('C', nest_.C),
          counted(words, "piece") + weights() + (t_.stream_input ? ", input with each piece" : ""));
      if (nest_.R < g.R)
        result.emplace_back(loop('R', nest_.R), fmt::format("of {} rows of the filter", g.R));
    }
    return result;
  }

  /// Returns how much of PMEM the weights inside of this loop use.
  std::string weights() const {
    const std::int64_t steps =
        t_.pieces ? std::int64_t{t_.piece_words} * nest_.R * layer_.steps_x() : layer_.steps();
    const int channels =
        t_.pieces && !t_.sums ? std::min(nest_.M, layer_.columns(config_)) : nest_.M;
    const std::int64_t rows = divide_up(channels, layer_.columns(config_)) * layer_.rows_of(steps);
    return fmt::format(", weights in {} of {} rows of PMEM", grouped(rows),
                       grouped(config_.pmem_rows()));
  }

  /// Returns the tiles of a part that the array computes one after the other.
  std::string tiles() const {
    const int pixels = nest_.P * nest_.Q;
    if (!conv()) return "";
    return fmt::format(" of {}: {} x {}", counted(divide_up(pixels, lanes()), "tile"),
                       counted(std::min(lanes(), pixels), "pixel"),
                       counted(std::min(layer_.columns(config_), nest_.M), "channel"));
  }

  /// Returns the estimated cycles and the data that each memory reads and writes.
  std::string costs() const {
    std::string text =
        fmt::format("# {} cycles: {} {}, bus {}", grouped(t_.expected),
                    conv() ? "array" : "vector unit", grouped(t_.compute), grouped(t_.bus));
    if (conv() && layer_.macs > 0 && layer_.like < 0 && t_.expected > 0)
      text += fmt::format("; {:.1f} % of the peak", 100.0 * static_cast<double>(layer_.macs) /
                                                        (t_.expected * config_.rows * config_.cols *
                                                         layer_.conv().step_codes));
    text += fmt::format("\n# DRAM: {} bytes", grouped(t_.bus * config_.axi_data_bits / 8.0));
    if (conv() && layer_.former.steps == 0 && layer_.sweeps.size() == 1) text += array_traffic();
    return text + "\n";
  }

  /// Returns what the array reads: in each step a word of DMEM for each pixel of a tile, and a row
  /// of PMEM.
  std::string array_traffic() const {
    const Geometry& g = layer_.window;
    std::int64_t tiles = 0;
    for (int y = 0; y < g.P; y += nest_.P)
      for (int x = 0; x < g.Q; x += nest_.Q)
        tiles += divide_up(std::min(nest_.P, g.P - y) * std::min(nest_.Q, g.Q - x), lanes());
    const std::int64_t all = layer_.chunked_channels(t_.chunk, out_.C);
    const std::int64_t columns = layer_.columns(config_);
    const std::int64_t groups =
        divide_up(std::int64_t{out_.C}, all) *
        (all / t_.chunk * divide_up(t_.chunk, columns) + divide_up(all % t_.chunk, columns));
    const std::int64_t steps = groups * layer_.steps();
    return fmt::format(
        "; the array takes {} words of maps (with padding), {} rows of PMEM",
        grouped(steps * g.P * g.Q),
        grouped(divide_up(tiles * steps, std::int64_t{layer_.conv().steps_per_row})));
  }

  const Layer& layer_;
  const Tiling& t_;
  const Plan& plan_;
  const spec::Config& config_;
  LoopNest nest_;
  const Shape &out_, &in_;
};

}  // namespace

std::string json_name(const std::string& name) {
  return parse_json(quoted(name), "name").get<std::string>();
}

std::string mapping_text(const std::string& model, std::span<const Planned* const> segments,
                         const spec::Config& config) {
  std::string text = fmt::format(
      "# Loops of {} on {}, the outer loop first. An array step is inside of the innermost loop.\n"
      "# --mapping takes this file back: docs/dataflows.md says what can be edited.\n",
      printable(model), config.name);
  for (const Planned* planned : segments) {
    const auto& [network, plan, printed] = *planned;
    for (std::size_t i = 0; i < network.layers.size(); ++i)
      text += LayerText(network.layers[i], plan.tilings[i], network, plan, config).text();
  }
  return text;
}

}  // namespace trine::compiler
