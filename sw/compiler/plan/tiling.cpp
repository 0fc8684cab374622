// SPDX-License-Identifier: Apache-2.0
//
// Generates candidate tilings of a layer and compares them by estimated cycles.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "spec/memories.h"
#include "spec/timing.h"
#include "sw/base/division.h"
#include "sw/base/text.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {
namespace {

/// Returns n, n/2, n/4, ... 1, each rounded up.
std::vector<int> halvings(int n) {
  std::vector<int> values{n};
  while (values.back() > 1) values.push_back((values.back() + 1) / 2);
  return values;
}

/// Returns n, n/2, n/3, n/4, ... 1, each rounded up.
std::vector<int> shares(int n) {
  std::vector<int> values;
  for (int parts = 1; parts <= n; ++parts)
    if (const int size = divide_up(n, parts); values.empty() || values.back() != size)
      values.push_back(size);
  return values;
}

/// Returns the number of parts of that size as a factor of cycles. The last part may be smaller.
double parts_of(std::int64_t n, std::int64_t size) {
  return static_cast<double>(divide_up(n, size));
}

/// Sums in DMEM are considered for layers that take this many times the cycles of their steps.
constexpr double kCliff = 1.1;

LoopNest nest_of(const Tiling& t, const Layer& layer, int channels, int per_word) {
  LoopNest nest{.M = std::min(t.chunk, channels), .P = t.rows, .Q = t.cols};
  const bool one_rect = t.rows >= layer.window.P && t.cols >= layer.window.Q;
  nest.chunk_outer = t.chunk_outer || one_rect || t.chunk >= channels;
  if (t.pieces) {
    nest.C = t.piece_words * per_word;
    nest.R = t.piece_rows;
    nest.sums = t.sums;
  }
  if (t.input_words + t.second_words + t.output_words > 0) nest.buffers = t.buffers;
  return nest;
}

/// Returns the cost of a cycle, in cycles of the bus, or 0 if only cycles count. For energy, a
/// cycle costs what clock and control consume, and a cycle of the bus what its bits of DRAM consume
/// (pJ, docs/energy.md). The energy of the MACs is the same for all plans.
double share_of_cycle(Objective objective, const spec::Config& config) {
  constexpr double kDesign = 190, kMac = 1.43, kDramBit = 20;
  if (objective == Objective::kCycles) return 0;
  if (objective == Objective::kBytes) return 0.05;
  return (kDesign + kMac * config.rows * config.cols * 4) / (kDramBit * config.axi_data_bits);
}

/// Returns true if the array can add sums of DMEM in this layer.
bool can_sum(const Layer& layer, const spec::Config& config) {
  using Op = isa::compute::Op;
  if (!config.partial_sums || layer.kind != LayerKind::kConv) return false;
  const Conv& conv = layer.conv();
  return conv.precision != Op::kInt16 && conv.precision != Op::kMatmul16 &&
         conv.precision != Op::kInt8Int16 && conv.group_steps == 0 && layer.former.steps == 0 &&
         layer.weights_map < 0 && layer.group_channels == 0 && layer.sweeps.size() == 1 &&
         !layer.fuse_add() && layer.result != Output::kThresholds;
}

class Tiler {
 public:
  Tiler(const Layer& layer, const LayerPlaces& places, const spec::Config& config,
        const Network& network)
      : layer_(layer), places_(places), config_(config) {
    const auto& maps = network.maps;
    out_map_ = &maps[at(layer.output)];
    out_ = out_map_->shape;
    first_rows_ = maps[at(layer.input)].part.y == 0 && out_map_->part.y == 0;
    in_map_ = &maps[at(layer.input)];
    out_width_ = maps[at(network.whole_of(layer.output))].width_in_dram();
    const bool between = in_map_->part.pixel_words > 0;  // the whole map's words are loaded, too
    in_width_ = maps[at(between ? in_map_->part.whole : layer.input)].width_in_dram();
    in_ = maps[at(layer.input)].shape;
    bytes_per_cycle_ = config.axi_data_bits / 8.0;
    map_bytes_per_cycle_ = bytes_per_cycle_ / cores_of(layer, network);
    first_ = &layer == network.layers.data();
    in_steps_ = network.in_steps;
    cycle_share_ = share_of_cycle(network.objective, config);
    offset_ = copy_offset(layer, network);
    const bool known = layer.wide || offset_;
    begins_ = known && first_;
    ends_ = known && &layer == &network.layers.back();
  }

  /// Returns the number of cores with separate maps, which the bus moves one after the other.
  static int cores_of(const Layer& layer, const Network& network) {
    if (layer.by_rows) return network.row_cores;
    return network.tokens && network.maps[at(network.whole_of(layer.input))].core.pixels == 0
               ? 1
               : network.cores;
  }

  std::optional<Tiling> run(std::int64_t room) {
    room_ = room;
    if (layer_.by_dma) return moved_rows();
    if (splits_words()) return std::nullopt;
    if (layer_.nest) return of_nest(*layer_.nest);
    const bool cut = !places_.input->resident || !places_.output->resident;
    const auto widths = cut ? column_choices() : std::vector<int>{layer_.window.Q};
    const auto heights = cut ? row_choices() : std::vector<int>{layer_.window.P};
    for (const int chunk : chunks()) {
      weights_ = weights_of(chunk);
      for (const int cols : widths)
        for (const int rows : heights)
          for (const bool direct : {false, true})
            if (!direct || can_go_direct(rows, cols))
              consider_parts({.rows = rows, .cols = cols, .chunk = chunk, .direct = direct});
    }
    if (conv() && !best_) consider_pieces();
    if (may_sum(layer_, places_, config_) && out_map_->part.pixel_words == 0 &&
        in_map_->part.pixel_words == 0 &&
        (!best_ || best_->pieces || by_bus() || best_->expected > kCliff * ideal_cycles()))
      consider_sums();
    return best_;
  }

  std::string broken_rule(std::int64_t room) {
    room_ = room;
    const LoopNest& nest = *layer_.nest;
    if (const std::string rule = rule_of_sizes(nest); !rule.empty()) return rule;
    Tiling t{.rows = nest.P, .cols = nest.Q, .chunk = *chunk_of(nest.M), .buffers = nest.buffers};
    if (nest.sums) t.sum_words = words_of_sums(t);
    const int words = nest.C > 0 ? words_of_piece(nest)
                      : conv()   ? layer_.words_of(std::min(t.chunk, out_.C))
                                 : chunk_words(t.chunk);
    if (!fit_buffers(&t, words, nest.C > 0 ? nest.R : window().R))
      return fmt::format("its buffers need {} words of DMEM, of which {} are free",
                         grouped(t.scratch_words()), grouped(room));
    return fmt::format("no plan has this order of loops with {} buffers", nest.buffers);
  }

 private:
  bool conv() const { return layer_.kind == LayerKind::kConv; }
  bool words() const { return layer_.kind == LayerKind::kWords; }
  const Geometry& window() const { return layer_.window; }
  int lanes() const { return layer_.lanes(config_); }
  int columns() const { return layer_.columns(config_); }
  /// Returns true if groups are computed one after the other, each with separate input words.
  bool one_group() const { return layer_.group_channels > 0 && layer_.former.steps == 0; }

  /// Returns the tiling of a copy between DMEM and DRAM, or nothing if both maps are in the same
  /// memory.
  std::optional<Tiling> moved_rows() const {
    const bool out = places_.input->resident;
    if (out == places_.output->resident) return std::nullopt;
    Tiling t{.rows = window().P, .cols = window().Q, .chunk = out_.channel_words() * out_.per_word};
    t.traffic =
        static_cast<double>(out_.pixels() * out_.channel_words() * 4) / map_bytes_per_cycle_;
    t.expected = (out ? timing::kStoreBeat : 1) * t.traffic + timing::kBusLatency;
    t.bus = t.traffic;
    t.cycles = t.reused = t.expected;
    return t;
  }

  /// Returns the number of channels in whose multiples the output can be split: whole groups of
  /// columns, and whole words in DRAM. For channels that read the same words, a unit is all of them
  /// or an integer part.
  int chunk_unit() const {
    if (!conv()) return out_.per_word;
    const int unit = places_.output->resident ? columns() : std::lcm(columns(), out_.per_word);
    if (layer_.is_gate()) return unit * layer_.conv().gate_words;
    if (layer_.group_channels == 0) return unit;
    if (one_group()) return std::min(unit, layer_.group_channels);
    return places_.output->resident ? layer_.group_channels
                                    : std::lcm(layer_.group_channels, out_.per_word);
  }

  /// Returns true if groups that share words in DRAM would be stored one by one, although a store
  /// has whole words.
  bool splits_words() const {
    return conv() && one_group() && !places_.output->resident && out_.C > layer_.group_channels &&
           layer_.group_channels % out_.per_word != 0;
  }

  /// Returns the PMEM rows of some channels for a part of the reduction, in whole beats.
  std::int64_t weight_rows(int channels, std::int64_t steps) const {
    return round_up(divide_up(channels, columns()) * layer_.rows_of(steps),
                    config_.rows_per_beat());
  }
  std::int64_t weight_rows(int channels) const { return weight_rows(channels, layer_.steps()); }

  bool parameters_fit(int channels) const {
    return round_up(std::int64_t{channels} * layer_.passes, config_.data_words()) <=
           config_.param_channels;
  }

  bool chunk_fits(int channels, std::int64_t rows) const {
    return weight_rows(channels) <= rows && parameters_fit(channels);
  }

  /// Returns sizes of channel chunks. If possible, the weights of a chunk use only a part of PMEM,
  /// so that computation starts early and later weights are loaded meanwhile.
  std::vector<int> chunks() const {
    const int unit = chunk_unit();
    const int channels = out_.C;
    const std::vector<int> whole{out_.channel_words() * unit};
    if (layer_.over_channels()) return whole;
    if (out_map_->part.pixel_words > 0 && (!conv() || chunk_fits(channels, config_.pmem_rows())))
      return whole;
    std::vector<int> result;
    if (stored_whole()) return result;
    if (!conv()) {
      for (const int words : halvings(out_.channel_words())) result.push_back(words * unit);
      return result;
    }
    const std::int64_t pmem = config_.pmem_rows();
    // The first step loaded the weights of the other steps.
    const bool known =
        in_steps_ && places_.repeated && std::int64_t{window().P} * window().Q <= lanes();
    for (const std::int64_t limit : {pmem / 16, pmem / 4, pmem / 2, pmem}) {
      if (known && limit < pmem / 4) continue;
      if (one_group()) {
        int parts = 1;
        const auto size = [&] {
          return parts == 1 ? layer_.group_channels
                            : round_up(divide_up(layer_.group_channels, parts), unit);
        };
        while (!chunk_fits(size(), limit) && size() > unit) ++parts;
        if (chunk_fits(size(), limit)) return {size()};
        continue;
      }
      int parts = 1;
      const auto size = [&] { return round_up(divide_up(channels, parts), unit); };
      const auto fits = [&] {
        const int chunk = std::min(size(), round_up(channels, columns()));
        return weight_rows(chunk) <= limit && parameters_fit(std::min(chunk, channels)) &&
               chunk / columns() <= 4096;
      };
      while (!fits() && size() > unit) ++parts;
      if (!fits()) continue;
      result.push_back(size());
      // Nothing hides the load of the network's first weights. If several tiles use them, chunks of
      // one group let the next weights arrive sooner.
      if (first_ && size() > unit && weight_rows(unit) > pmem / 16 &&
          std::int64_t{window().P} * window().Q > lanes())
        result.push_back(unit);
      if (!places_.output->resident || !places_.input->resident)
        for (const int units : halvings(size() / unit)) result.push_back(units * unit);
      if (!by_bus()) break;
    }
    return result;
  }

  std::vector<int> row_choices() const { return shares(window().P); }

  std::vector<int> column_choices() const {
    const int Q = window().Q;
    std::vector<int> cols = halvings(Q);
    // Whole vectors of a row's pixels leave lanes idle only in the last part.
    constexpr int kMostParts = 16;
    for (int parts = 2; window().P == 1 && parts <= kMostParts; ++parts)
      cols.push_back(round_up(divide_up(Q, parts), lanes()));
    std::ranges::sort(cols, std::greater<int>());
    cols.erase(std::unique(cols.begin(), cols.end()), cols.end());
    cols.erase(cols.begin(), std::ranges::find(cols, Q));  // wider than the row
    return cols;
  }

  /// Returns true if codes that a layer only moves can be loaded directly into its output.
  bool can_go_direct(int rows, int cols) const {
    if (!offset_ || places_.input->resident || *offset_ % config_.data_words() != 0) return false;
    const Placement& out = *places_.output;
    const auto whole_beats = [&](const View& v) {
      const bool one_row = window().P == 1 && window().H == 1 && first_rows_;
      return v.plane % config_.data_words() == 0 &&
             (one_row || v.pitch % config_.data_words() == 0);
    };
    const View to =
        out.resident ? out.dmem : buffer_view(out.dram, out_width_, rows, cols, config_);
    return whole_beats(places_.input->dram) && whole_beats(to);
  }

  // ---- tilings of a given nest ------------------------------------------------------------------

  /// Returns the best tiling that has this nest.
  std::optional<Tiling> of_nest(const LoopNest& nest) {
    if (!rule_of_sizes(nest).empty()) return std::nullopt;
    Tiling t{.rows = nest.P, .cols = nest.Q, .chunk = *chunk_of(nest.M)};
    weights_ = weights_of(t.chunk);
    if (nest.C > 0) {
      keep_pieces(t, nest);
      return best_;
    }
    for (const bool direct : {false, true}) {
      t.direct = direct;
      if (!direct || can_go_direct(t.rows, t.cols)) consider_parts(t);
    }
    return best_;
  }

  /// Keeps the tilings with pieces, with the input loaded once or piece by piece.
  void keep_pieces(Tiling t, const LoopNest& nest) {
    t.pieces = true;
    t.sums = nest.sums;
    t.chunk_outer = nest.sums && nest.chunk_outer;
    t.buffers = nest.buffers;
    t.piece_words = words_of_piece(nest);
    t.piece_rows = nest.R;
    if (t.sums) t.sum_words = words_of_sums(t);
    for (const bool stream : {false, true}) {
      t.stream_input = stream;
      if (stream && places_.input->resident) continue;
      if (!fit_buffers(&t, stream ? t.piece_words : layer_.words, nest.R)) continue;
      if (t.sums)
        keep_sum(t);
      else
        keep_piece(t);
    }
  }

  int words_of_piece(const LoopNest& nest) const { return divide_up(nest.C, in_.per_word); }

  /// Returns the chunk of a tiling with M channels, or nothing if the output cannot be cut there.
  std::optional<int> chunk_of(int M) const {
    const int unit = chunk_unit();
    if (M < 1 || M > out_.C) return std::nullopt;
    if (layer_.over_channels() || stored_whole() || (out_map_->part.pixel_words > 0 && !conv()))
      return M == out_.C ? std::optional(out_.channel_words() * unit) : std::nullopt;
    if (one_group()) {
      const bool fits = M <= layer_.group_channels && (M % unit == 0 || M == layer_.group_channels);
      return fits ? std::optional(M) : std::nullopt;
    }
    if (M % unit == 0) return M;
    return M == out_.C ? std::optional(round_up(M, unit)) : std::nullopt;
  }

  /// Returns the rule of a nest's sizes that does not hold, or "".
  std::string rule_of_sizes(const LoopNest& nest) const {
    const Geometry& g = window();
    const auto range = [](const char* loop, int size, int most) {
      return size >= 1 && size <= most ? ""
                                       : fmt::format("{} by {}, allowed 1 to {}", loop, size, most);
    };
    for (const std::string& rule :
         {range("M", nest.M, out_.C), range("P", nest.P, g.P), range("Q", nest.Q, g.Q)})
      if (!rule.empty()) return rule;
    if (!chunk_of(nest.M))
      return fmt::format(
          "M by {}, allowed {}{}", nest.M, one_group() ? layer_.group_channels : out_.C,
          chunk_unit() < out_.C ? fmt::format(" or multiples of {} below", chunk_unit()) : "");
    if (nest.C > 0) return rule_of_pieces(nest);
    return conv() ? rule_of_weights(nest.M, layer_.steps(), 1, false) : "";
  }

  /// Returns the rule of memories that the weights of a chunk or of a piece break, or "".
  std::string rule_of_weights(int channels, std::int64_t steps, int buffers, bool piece) const {
    if (!parameters_fit(channels))
      return fmt::format("M by {} needs parameters of {} channels, and memory.param_channels = {}",
                         channels, channels * layer_.passes, config_.param_channels);
    const int unit = config_.rows_per_beat();
    const std::int64_t rows = weight_rows(channels, steps);
    if (rows <= config_.pmem_rows() / buffers / unit * unit) return "";
    const std::string half = buffers > 1 ? fmt::format(" for {} buffers", buffers) : "";
    const char* advice = piece                  ? "a smaller M or C"
                         : channels > columns() ? "a smaller M"
                                                : "a loop C";
    return fmt::format("its weights are {} rows of PMEM, which has {}{}: {}", grouped(rows),
                       grouped(config_.pmem_rows()), half, advice);
  }

  std::string rule_of_pieces(const LoopNest& nest) const {
    const Geometry& g = window();
    const int words = words_of_piece(nest);
    if (!conv() || layer_.former.steps > 0 || layer_.conv().group_steps > 0)
      return "a loop C is allowed only in products without factors that do not use the window "
             "former";
    if (nest.C > layer_.words * in_.per_word ||
        (nest.C % in_.per_word != 0 && words < layer_.words))
      return fmt::format("C by {}, allowed {} or multiples of {} below", nest.C,
                         std::min(in_.C, layer_.words * in_.per_word), in_.per_word);
    if (nest.R < 1 || nest.R > g.R || (nest.R < g.R && (words > 1 || nest.sums)))
      return fmt::format("R by {}, allowed {}{}", nest.R, g.R,
                         nest.sums ? "" : fmt::format(", or less with C by {}", in_.per_word));
    if (layer_.conv().weights_transposed && words < layer_.words &&
        4 * words % config_.data_words() != 0)
      return fmt::format("C by {}, allowed multiples of {}: the weights begin with a beat", nest.C,
                         config_.data_words());
    if (!nest.sums && nest.P * nest.Q > lanes())
      return fmt::format("P by {} and Q by {} are {} pixels, allowed {} while sums wait in the PEs",
                         nest.P, nest.Q, nest.P * nest.Q, lanes());
    if (nest.sums && !can_sum(layer_, config_))
      return config_.partial_sums ? "sums of this layer cannot wait in DMEM, allowed \"PE\""
                                  : "sums in DMEM need post.partial_sums = true";
    const std::int64_t steps =
        words > 1 ? std::int64_t{words} * g.R * layer_.steps_x() : std::int64_t{nest.R} * g.S;
    return rule_of_weights(nest.sums ? std::min(nest.M, out_.C) : std::min(nest.M, columns()),
                           steps, nest.sums ? 2 : nest.buffers, true);
  }

  // ---- sizes ------------------------------------------------------------------------------------

  /// Returns the number of chunks of that size; each group ends with a chunk.
  double chunks_of(int chunk) const { return layer_.chunks(chunk, out_.C); }

  /// Returns the number of a convolution's chunks that read the same words.
  double sharing(int chunk) const {
    if (layer_.group_channels == 0 || in_map_->part.pixel_words > 0) return chunks_of(chunk);
    return one_group() ? parts_of(layer_.chunked_channels(chunk, chunk), chunk) : 1;
  }

  /// Returns true if the output's pixels are stored one after the other in another map's channels.
  /// Such pixels are stored to DRAM together.
  bool stored_whole() const { return out_map_->part.pixel_words > 0 && !places_.output->resident; }

  int chunk_words(int chunk) const { return out_map_->words_of(std::min(chunk, out_.C)); }

  /// Returns the words of the buffer for a part's input.
  std::int64_t input_buffer(const Tiling& t, int input_words, int filter_rows) const {
    const Geometry& g = window();
    const View& dram = places_.input->dram;
    const int reach = (t.rows - 1) * g.stride_y + g.span_y() - (g.R - filter_rows) * g.dil_y;
    const int rows = layer_.by_rows ? reach : std::min(g.H, reach);
    const int cols = t.cols == g.Q ? g.W : std::min(g.W, (t.cols - 1) * g.stride_x + g.span_x());
    // Pixels that are stored one after the other in another map's channels are loaded with the
    // words between them, for all groups.
    if (const int between = in_map_->part.pixel_words; between > 0) {
      const int words = layer_.group_channels > 0 ? in_.channel_words() : input_words;
      return buffer_words(dram, in_width_, 1, 1, (cols - 1) * between + words, config_);
    }
    return buffer_words(dram, in_width_, rows, cols, input_words, config_);
  }

  /// Sets the buffers' sizes. @return true if they fit
  bool fit_buffers(Tiling* t, int input_words, int filter_rows) const {
    if (!places_.input->resident && !t->direct) {
      t->input_words = input_buffer(*t, input_words, filter_rows);
      if (layer_.two_operands()) t->second_words = t->input_words;
    }
    if (!places_.output->resident) {
      const Rect part = rect_of({0, t->rows, 0, t->cols}, out_map_->part);
      const int pixels = out_map_->part.pixel_words > 0 ? t->rows * t->cols : 1;
      t->output_words = buffer_words(places_.output->dram, out_width_, part.rows(), part.cols(),
                                     pixels * chunk_words(t->chunk), config_);
      if (layer_.fuse_add()) t->second_words = t->output_words;
    }
    return t->scratch_words() <= room_;
  }

  double weight_bytes(int channels) const {
    const double rows = static_cast<double>(weight_rows(channels));
    return rows / config_.rows_per_beat() * config_.beats_per_row() *
               static_cast<double>(config_.data_bytes()) * layer_.conv().stored_share +
           (layer_.per_tensor ? spec::kBiasBytes : spec::kParameterBytes) * channels *
               layer_.passes;
  }

  /// The weights of a chunk, and how much of the weights PMEM holds.
  struct Weights {
    double bytes = 0;                       ///< of a chunk
    bool all_fit = false, two_fit = false;  ///< all chunks fit; two chunks fit
  };
  Weights weights_of(int chunk) const {
    if (!conv()) return {};
    const std::int64_t pmem = config_.pmem_rows();
    return {weight_bytes(std::min(chunk, out_.C)), weight_rows(out_.C) <= pmem,
            2 * weight_rows(chunk) <= pmem};
  }

  /// Returns the cycles of some channels in all rectangles; the last part of a row may be smaller.
  double all_parts_cycles(const Tiling& t, int channels) const {
    const Geometry& g = window();
    const double rects = parts_of(g.P, t.rows) * parts_of(g.Q, t.cols);
    const int rest = g.Q % t.cols;
    if (t.relay) return rects * relay_cycles(t);
    if (t.direct) return border_cycles(channels);
    if (g.P > 1 || rest == 0) return rects * compute_cycles(t.rows, t.cols, channels);
    return (rects - 1) * compute_cycles(1, t.cols, channels) + compute_cycles(1, rest, channels);
  }

  /// Returns the cycles in which a layer writes some channels of the border around the moved codes.
  double border_cycles(int channels) const {
    const Geometry& g = window();
    const Rect moved = moved_part(g, {0, g.P, 0, g.Q});
    const std::int64_t border = std::int64_t{g.P} * g.Q - std::int64_t{moved.rows()} * moved.cols();
    return border > 0 ? compute_cycles(1, static_cast<int>(border), channels) : 0;
  }

  /// Returns the cycles of a rectangle of one group, whose tiles do not always continue in the next
  /// row.
  double relay_cycles(const Tiling& t) const {
    const TileSplit split = split_tiles({0, t.rows, 0, t.cols}, lanes());
    const auto cycles = [&](const Rect& r) {
      return r.empty() ? 0 : compute_cycles(r.rows(), r.cols(), t.chunk);
    };
    double sum = cycles(split.first) + cycles(split.last);
    for (const Rect& part : split.between) sum += cycles(part);
    return sum;
  }

  double compute_cycles(int rows, int cols, int channels) const {
    if (conv()) return conv_cycles(rows, cols, channels);
    const int words = layer_.pairs_lanes() ? 1 : out_.pixel_words();  // per lane
    const double tiles = parts_of(std::int64_t{rows} * cols * words, lanes());
    if (layer_.kind == LayerKind::kSoftmax && layer_.wide) {
      const bool shares = layer_.over().shares;
      const double word = 1 + word_cycles() + (shares ? 0 : timing::kMinus + timing::kLine);
      return tiles * (timing::kRow + (shares ? timing::kShare : 0) +
                      word * parts_of(channels, out_.per_word));
    }
    if (layer_.kind == LayerKind::kSoftmax)
      return tiles * (timing::softmax(layer_.over().rescale.has_value()) +
                      (0.25 + 2.0 / config_.columns_per_cycle) * channels);
    if (layer_.kind == LayerKind::kSum && window().R * window().S > 1 && rows * cols == 1) {
      const double words = parts_of(channels, out_.per_word);
      return std::ceil(words / lanes()) * (window().R * window().S + timing::kSumWord);
    }
    if (layer_.kind == LayerKind::kNormalize) return tiles * (timing::kNormalize + 3.0 * channels);
    // For few positions the lanes compute channel words instead: Emitter::best_lanes.
    const double of_pixel = parts_of(channels, out_.per_word);
    const double by_words = rows * cols * std::ceil(of_pixel / lanes());
    return (words == 1 ? std::min(tiles * of_pixel, by_words) : tiles * of_pixel) * word_cycles();
  }

  /// Returns the vector unit's cycles for a word of a tile. For int8, some cycles of consecutive
  /// words overlap.
  double word_cycles() const {
    const int window_taps = window().R * window().S;
    if (!layer_.wide) {
      const double taps = layer_.two_operands() ? 4 : window_taps;
      return layer_.kind == LayerKind::kMax ? taps + timing::kMaximum : std::max(taps, 4.0);
    }
    if (words()) return 4 * (1 + timing::kVectorAhead);  // one code each
    const double taps = layer_.two_operands() ? 2 : window_taps;
    return std::max(taps + timing::kVectorAhead, timing::kLeastWord);
  }

  /// Returns the cycles of all sweeps of a rectangle, including the overhead of RUNs after the
  /// first.
  double conv_cycles(int rows, int cols, int channels) const {
    const double groups = parts_of(channels, this->columns());
    const double columns = std::min(channels, this->columns());
    // The number of vectors, including lanes that only lend their words.
    const auto vectors = [&](int height, int width) {
      const int all = width + layer_.former.behind(width, window().Q);
      return parts_of(std::int64_t{height} * all, lanes());
    };
    const bool whole = rows == window().P && cols == window().Q;
    double cycles = 0;
    for (const Sweep& sweep : layer_.sweeps) {
      const bool maximum = &sweep != &layer_.sweeps[0];
      // A second operand uses a second cycle of each requantized code; thresholds need a second
      // cycle anyway.
      const bool second = layer_.fuse_add() || (maximum && layer_.result == Output::kRequantized);
      const int every = second ? timing::residual_issue(config_, layer_.fuse_add()) : 1;
      const bool alone = layer_.passes > 1 || layer_.result == Output::kRaw ||
                         layer_.result == Output::kLookup || layer_.fuse_add();
      const double issues = std::ceil(columns / (alone ? 1 : config_.columns_per_cycle));
      double drain = issues * std::max(every, layer_.passes);
      if (layer_.fuse_add() || maximum)  // it waits for words from DMEM
        drain += timing::residual_cycles(config_, chunk_words(static_cast<int>(columns)), every);
      // The grant for a last step is given together with the results of the step before.
      drain = std::max<double>(
          drain, timing::grant_cycles(config_, static_cast<int>(columns), static_cast<int>(issues),
                                      layer_.former.steps > 0));
      // With factors there is a drain for each group of the reduction, and one for the codes.
      if (const int group = layer_.conv().group_steps; group > 0)
        drain = drain + (layer_.steps() / group) * std::max<double>(columns, group);
      const double tile = groups * std::max<double>(layer_.steps(), drain);
      if (maximum) cycles += timing::kRunOverhead;
      if (!whole) {
        cycles += tile * vectors(rows, cols);
        continue;
      }
      cycles += tile * vectors(sweep.rect.rows(), sweep.rect.cols());
    }
    return cycles;
  }

  /// Considers parts of one size, with one or two buffers of each kind, in both orders.
  void consider_parts(Tiling t) {
    const int input_words = conv()    ? layer_.words_of(std::min(t.chunk, out_.C))
                            : words() ? std::min(t.chunk, out_.C)
                                      : chunk_words(t.chunk);
    t.buffers = 1;
    t.piece_words = relay_words(t);
    t.relay = t.piece_words > 0;
    const double cycles = all_parts_cycles(t, std::min(t.chunk, out_.C));
    if (cannot_win(chunks_of(t.chunk) * cycles) || !fit_buffers(&t, input_words, window().R))
      return;
    // Without another layer next to it, each load and store waits for responses, so more than two
    // must be outstanding.
    const bool waits = begins_ || ends_ || layer_.nest;
    for (t.buffers = waits ? 4 : 2; t.buffers >= 1; t.buffers /= 2) {
      if (t.scratch_words() > room_) continue;
      for (const bool chunk_outer : {true, false}) {
        t.chunk_outer = chunk_outer;
        consider(t, cycles);
        consider_ends(t, cycles);
        if (places_.together <= 1 && in_one_order(t)) break;
      }
      if (!waits) break;  // one buffer is not better than two
    }
  }

  /// Returns true if no tiling that computes for at least so many cycles is better than the best.
  bool cannot_win(double compute) const {
    return best_ && !by_bus() && !layer_.nest && (1 + surcharge()) * compute > best_->cycles;
  }

  /// Returns true if iterating over rectangles first cannot be better than over chunks first.
  bool in_one_order(const Tiling& t) const {
    const bool one_rect = t.rows >= window().P && t.cols >= window().Q;
    return !conv() || one_rect || chunks_of(t.chunk) == 1;
  }

  /// Considers the same tiling with small parts at the network's ends.
  void consider_ends(Tiling t, double cycles) {
    const bool starts = begins_ && waits_for_part(t);
    const bool ends = ends_ && !places_.output->resident;
    if (conv() || t.buffers == 1 || layer_.over_channels()) return;  // weights come first anyway
    for (const bool start : {false, true})
      for (const bool end : {false, true}) {
        if ((start && !starts) || (end && !ends) || !(start || end)) continue;
        t.starts_small = start;
        t.ends_small = end;
        consider(t, cycles);
      }
  }

  /// Returns the words that the bus transfers for a part's input.
  std::int64_t loaded_words(const Tiling& t) const {
    return t.direct ? std::int64_t{t.rows} * t.cols * in_.pixel_words() * chunk_words(t.chunk)
                    : t.input_words;
  }

  /// Returns the cycles of a part's transfer that nothing hides at an end of the network. With a
  /// small part there, the rest of the transfer is hidden as far as the small part computes.
  double unhidden(const Tiling& t, bool small, double cycles, double work) const {
    if (!small) return cycles + timing::kBusLatency;
    const PartSize part{chunk_words(t.chunk), t.rows, t.cols};
    const double share = small_part(layer_, part, config_).share_of(part);
    return std::max(share * cycles, cycles - share * work) + timing::kBusLatency;
  }

  /// Returns the cycles that the network's first layer waits for its first part; last_store()
  /// returns those in which the last layer stores its last part. @param work  cycles of a part
  double first_load(const Tiling& t, double work) const {
    if (!begins_ || !waits_for_part(t)) return 0;
    const std::int64_t words =
        places_.input->resident ? resident_words(t) : loaded_words(t) + t.second_words;
    return unhidden(t, t.starts_small, 4.0 * static_cast<double>(words) / map_bytes_per_cycle_,
                    work);
  }
  double last_store(const Tiling& t, double work) const {
    if (!ends_ || places_.output->resident) return 0;
    return unhidden(t, t.ends_small, store_cycles(t), work);
  }
  double store_cycles(const Tiling& t) const {
    return 4.0 * timing::kStoreBeat * static_cast<double>(t.output_words) / map_bytes_per_cycle_;
  }
  /// Returns true if the input of each part is loaded separately.
  bool waits_for_part(const Tiling& t) const {
    return !places_.input->resident ||
           (places_.input->in_dram && (t.rows < window().P || t.cols < window().Q));
  }
  /// Returns the words of the rows that a part reads.
  std::int64_t resident_words(const Tiling& t) const {
    const int rows = std::min(window().H, (t.rows - 1) * window().stride_y + window().span_y());
    return (layer_.two_operands() ? 2 : 1) * std::int64_t{rows} * places_.input->dmem.pitch *
           in_.channel_words();
  }
  /// Returns the approximate share of a layer's computation and traffic that waits for other
  /// layers. If the layer is the whole network, no other layer shares the bus.
  double surcharge() const { return begins_ && ends_ ? 0.02 : 0.1; }
  /// @param cycles  of the engine, in all parts of one chunk
  void consider(Tiling t, double cycles) {
    const Geometry& g = window();
    const double rects = parts_of(g.P, t.rows) * parts_of(g.Q, t.cols);
    const double chunk_count = chunks_of(t.chunk);
    const bool waits = t.buffers == 1 || !(begins_ || ends_);
    const double run = waits ? timing::kRunOverhead : timing::kRunStart;
    const double overhead = rects * chunk_count > 1 ? rects * run : 0;
    const int more = (t.starts_small ? 1 : 0) + (t.ends_small ? 1 : 0);  // parts
    const double compute = chunk_count * (cycles + overhead) + more * run;
    double bytes = 0, transfers = 0;
    if (!places_.input->resident) {
      const double times =
          conv() && !(t.chunk_outer && rects > 1) ? chunk_count / sharing(t.chunk) : chunk_count;
      bytes += 4.0 * static_cast<double>(loaded_words(t)) * rects * times;
      transfers += rects * times;
    }
    if (layer_.two_operands() || layer_.fuse_add())
      bytes += 4.0 * static_cast<double>(t.second_words) * rects * chunk_count;
    const double copies = bytes_per_cycle_ / map_bytes_per_cycle_;  // by the cores' maps
    bytes *= copies;
    double weights = 0, stored = 0;  // stores overlap with loads
    if (conv()) {
      const bool once = t.chunk_outer || weights_.all_fit;
      weights = weights_.bytes * chunk_count * (once ? 1 : rects);
    }
    if (!places_.output->resident) {
      stored = 4.0 * static_cast<double>(t.output_words) * rects * chunk_count * copies;
      transfers += rects * chunk_count;
    }
    const double traffic =
        std::max(bytes + weights, stored * timing::kStoreBeat) / bytes_per_cycle_;
    // Other images compute meanwhile.
    const bool beside_others = places_.together > 1 && t.chunk_outer;
    const bool overlaps =
        t.buffers > 1 || rects * chunk_count == 1 || transfers == 0 || beside_others;
    t.compute = compute;
    t.traffic = traffic;
    t.weights = weights / bytes_per_cycle_;
    t.bus = (bytes + weights + stored) / bytes_per_cycle_;
    // Weights have a separate memory, so they are loaded while the layer computes in any case.
    const double serial = overlaps ? 0
                                   : (bytes + stored * timing::kStoreBeat) / bytes_per_cycle_ +
                                         transfers * timing::kTransferOverhead;
    t.expected = std::max(compute + serial, traffic);
    if (overlaps) {
      const double part = compute / (rects * chunk_count);
      const double first = first_load(t, std::max(part, store_cycles(t)));
      const double last = last_store(t, part);
      // Each store waits for the responses of the store before.
      const double stores = stored * timing::kStoreBeat / bytes_per_cycle_ +
                            (last > 0 ? (rects * chunk_count + more) * timing::kBusLatency : 0);
      t.expected = std::max(
          {first + compute + last, (bytes + weights) / bytes_per_cycle_ + last, first + stores});
    }
    // The array does not compute meanwhile, so the first part's load and the last part's store are
    // not hidden.
    if (layer_.over_channels() && transfers > 0)
      t.expected +=
          4.0 * static_cast<double>(t.input_words + t.output_words) / map_bytes_per_cycle_;
    if (beside_others) {  // all images share the loads of the weights
      const double shared = weights / places_.together;
      const double own = std::max(bytes + shared, stored * timing::kStoreBeat) / bytes_per_cycle_;
      t.expected = std::max(compute, own);
      t.surcharge = t.reused_surcharge = surcharge() * (compute + own);
      t.cycles = t.expected + t.surcharge;
      t.weights -= shared / bytes_per_cycle_;
      t.bus -= (weights - shared) / bytes_per_cycle_;
      t.reused = t.cycles;
      return keep(t);
    }
    t.surcharge = surcharge() * (compute + traffic);
    t.cycles = t.expected + t.surcharge;
    const double reads = std::max(bytes, stored * timing::kStoreBeat) / bytes_per_cycle_;
    t.reused_surcharge = 0.1 * (compute + reads);
    t.reused = std::max(compute + serial, reads) + t.reused_surcharge;
    if (conv()) {
      const double load = weights_.bytes / bytes_per_cycle_;
      // Only the layer before can hide the load of the first chunk's weights. Nothing hides the
      // load of other chunks if two chunks do not fit into PMEM.
      t.cycles += 0.5 * load;
      if (chunk_count > 1 && !weights_.two_fit && !t.relay) {
        const double waits = (chunk_count - 1) * load * (t.chunk_outer ? 1 : rects);
        t.cycles += waits;
        t.expected = std::max(t.expected, std::max(compute + waits, traffic));
      }
    }
    keep(t);
  }

  /// Returns the channel words of a relay for which two chunks of weights must share PMEM, or 0
  /// without a relay.
  int relay_words(const Tiling& t) const {
    if (!conv()) return 0;
    const std::int64_t rows = weight_rows(t.chunk), pmem = config_.pmem_rows();
    const std::int64_t word_rows = std::int64_t{window().R} * layer_.steps_x();
    if (t.chunk >= out_.C || t.chunk > columns() || one_group() || layer_.former.steps > 0 ||
        layer_.conv().steps_per_row > 1 || layer_.conv().weights_transposed || 2 * rows <= pmem ||
        layer_.sweeps.size() != 1 || std::int64_t{t.rows} * t.cols <= lanes() ||
        word_rows % config_.rows_per_beat() != 0 || pmem % config_.rows_per_beat() != 0)
      return 0;
    const std::int64_t words = divide_up(2 * rows - pmem, word_rows);
    return words <= layer_.words ? static_cast<int>(words) : 0;
  }

  /// Considers one tile and one group at a time, whose reduction is computed in pieces.
  void consider_pieces() {
    const Geometry& g = window();
    Tiling t;
    t.pieces = true;
    t.chunk_outer = false;
    // Parameters are loaded for as many channels as fit, in whole words.
    if (layer_.former.steps > 0 || layer_.conv().group_steps > 0) return;
    t.chunk = static_cast<int>(std::min<std::int64_t>(
        one_group() ? chunk_unit() : round_up(out_.C, chunk_unit()),
        config_.param_channels / config_.data_words() * config_.data_words() / layer_.passes /
            chunk_unit() * chunk_unit()));
    if (t.chunk < 1) return;
    for (; t.chunk >= chunk_unit(); t.chunk = t.chunk / 2 / chunk_unit() * chunk_unit()) {
      if (stored_whole() && t.chunk < out_.C) return;
      for (t.cols = std::min(g.Q, lanes()); t.cols >= 1; t.cols /= 2) {
        for (t.rows = std::max(1, std::min(g.P, lanes() / t.cols)); t.rows >= 1; t.rows /= 2) {
          if (std::int64_t{t.rows} * t.cols > lanes()) continue;
          for (t.buffers = 2; t.buffers >= 1; --t.buffers)
            if (fit_piece(t)) return;
        }
      }
    }
  }

  /// Keeps the largest piece that fits next to the buffers.
  /// @return true if a piece fits, and fewer buffers would not load the input less often
  bool fit_piece(Tiling t) {
    const Geometry& g = window();
    const std::int64_t rows =
        config_.pmem_rows() / t.buffers / config_.rows_per_beat() * config_.rows_per_beat();
    const std::int64_t word_rows = std::int64_t{g.R} * g.S;
    const auto fits = [&](int words, int filter_rows) {
      const std::int64_t steps = words > 1 ? words * word_rows : std::int64_t{filter_rows} * g.S;
      return round_up(layer_.rows_of(steps), config_.rows_per_beat()) <= rows;
    };
    const auto keeps = [&](int words, int filter_rows, bool stream) {
      t.piece_words = words;
      t.piece_rows = filter_rows;
      t.stream_input = stream && !places_.input->resident;
      if (!fit_buffers(&t, t.stream_input ? words : layer_.words, filter_rows)) return false;
      keep_piece(t);
      return true;
    };
    const auto loads_once = [&] { return !t.stream_input || t.buffers == 1; };
    for (int words = layer_.words; words >= 1; --words) {
      // Transposed weights begin with a beat.
      const bool cuts_beat = layer_.conv().weights_transposed && words < layer_.words &&
                             4 * words % config_.data_words() != 0;
      if (cuts_beat || !fits(words, g.R)) continue;
      // The buffer holds the whole input window, or only the window of the piece.
      if (keeps(words, g.R, false) || keeps(words, g.R, true)) return loads_once();
    }
    for (int filter_rows = g.R - 1; filter_rows >= 1; --filter_rows)
      if (fits(1, filter_rows) && keeps(1, filter_rows, true)) return loads_once();
    return false;
  }

  /// Keeps the tiling of a piece. Weights are loaded again for each tile, and a streamed input for
  /// each group.
  void keep_piece(Tiling t) {
    const double tiles = static_cast<double>(layer_.sweeps.size()) * parts_of(window().P, t.rows) *
                         parts_of(window().Q, t.cols);
    const double groups = parts_of(out_.C, config_.cols);
    const double pieces =
        parts_of(layer_.words, t.piece_words) * parts_of(window().R, t.piece_rows);
    t.compute = tiles * groups * (layer_.steps() + pieces * timing::kRunOverhead);
    double bytes = tiles * weight_bytes(out_.C);
    t.weights = bytes / bytes_per_cycle_;
    if (!places_.input->resident) {
      const double copies = bytes_per_cycle_ / map_bytes_per_cycle_;
      bytes += 4.0 * static_cast<double>(t.input_words) * copies * tiles *
               (t.stream_input ? groups * pieces : 1);
    }
    t.traffic = t.bus = bytes / bytes_per_cycle_;
    const double serial = t.buffers == 1 ? t.traffic - t.weights : 0;
    t.cycles = t.expected = t.reused = std::max(t.compute + serial, t.traffic);
    keep(t);
  }

  /// Returns the cycles of the layer if the array never waits.
  double ideal_cycles() const {
    return parts_of(std::int64_t{window().P} * window().Q, lanes()) * parts_of(out_.C, columns()) *
           layer_.steps();
  }

  /// Considers reductions in pieces with sums in DMEM: the weights of a piece serve all tiles of a
  /// rectangle, and with `stream_input` a piece of the input serves all channels of a chunk.
  void consider_sums() {
    const bool cut = !places_.input->resident || !places_.output->resident;
    const int unit = chunk_unit();
    for (const int units :
         by_bus() ? shares(divide_up(out_.C, unit)) : halvings(divide_up(out_.C, unit))) {
      const int chunk = std::min(units * unit, round_up(out_.C, unit));
      if (!parameters_fit(std::min(chunk, out_.C))) continue;
      for (const int cols : cut ? column_choices() : std::vector<int>{window().Q})
        for (const int rows : row_choices())
          for (const bool stream : {false, true})
            if (!stream || !places_.input->resident)
              consider_sum({.rows = rows,
                            .cols = cols,
                            .chunk = chunk,
                            .chunk_outer = rows == window().P && cols == window().Q,
                            .pieces = true,
                            .sums = true,
                            .stream_input = stream,
                            .piece_rows = window().R});
    }
  }

  /// Considers the largest pieces of two that fit into PMEM, and with `stream_input` into DMEM.
  void consider_sum(Tiling t) {
    const double steps = parts_of(std::int64_t{t.rows} * t.cols, lanes()) *
                         parts_of(std::min(t.chunk, out_.C), columns()) * layer_.steps();
    if (cannot_win(parts_of(window().P, t.rows) * parts_of(window().Q, t.cols) *
                   chunks_of(t.chunk) * steps))
      return;
    t.sum_words = words_of_sums(t);
    if (t.sum_words > room_) return;
    const int most = pieces_fit(t.chunk);
    for (t.buffers = 2; t.buffers >= 1; --t.buffers)
      for (int pieces = std::max(2, most == 0 ? 0 : divide_up(layer_.words, most));
           most > 0 && pieces <= layer_.words; pieces = pieces * 5 / 4 + 1) {
        t.piece_words = divide_up(layer_.words, pieces);
        if (!fit_buffers(&t, t.stream_input ? t.piece_words : layer_.words, window().R)) {
          if (!t.stream_input) break;
          continue;
        }
        keep_sum(t);
        break;
      }
  }

  /// Returns the largest number of channel words in a piece of a chunk's weights that is half of
  /// PMEM, or 0.
  int pieces_fit(int chunk) const {
    const std::int64_t groups = divide_up(chunk, columns()), half = config_.pmem_rows() / 2;
    const std::int64_t word_steps = std::int64_t{window().R} * layer_.steps_x();
    const std::int64_t steps = half / groups * layer_.conv().steps_per_row;
    std::int64_t words = std::min<std::int64_t>(steps / word_steps, layer_.words);
    while (words > 0 &&
           round_up(groups * layer_.rows_of(words * word_steps), config_.rows_per_beat()) > half)
      --words;
    return static_cast<int>(words);
  }

  /// Returns the layout of a rectangle's sums: as the output's, but a plane for each channel.
  View view_of_sums(const Tiling& t) const {
    const Rect part = rect_of({0, t.rows, 0, t.cols}, out_map_->part);
    const View out = places_.output->resident ? places_.output->dmem
                                              : buffer_view(places_.output->dram, out_width_,
                                                            part.rows(), part.cols(), config_);
    return out_map_->part.whole >= 0 ? part_of(out, out_map_->part, out_.per_word) : out;
  }

  std::int64_t words_of_sums(const Tiling& t) const {
    const View out = view_of_sums(t);
    return round_up((std::min(t.chunk, out_.C) - 1) * out.plane +
                        std::int64_t{t.rows - 1} * out.pitch + std::int64_t{t.cols} * out.step,
                    config_.data_words());
  }

  /// Keeps a tiling with sums. Each visit loads its weights, and the input if it is streamed.
  void keep_sum(Tiling t) {
    const double rects = parts_of(window().P, t.rows) * parts_of(window().Q, t.cols);
    const double visits = rects * chunks_of(t.chunk);
    const double pieces = parts_of(layer_.words, t.piece_words);
    const int channels = std::min(t.chunk, out_.C);
    const int columns = std::min(channels, this->columns());
    // A column's sums take a gather access to be read. To be written they take another one if all
    // steps read a bank that they need, as with one tap and tiles that span rows with gaps.
    const bool gaps = t.rows > 1 && view_of_sums(t).pitch > t.cols;
    const int accesses = window().R * window().S == 1 && gaps ? 2 : 1;
    const double drain = timing::sum_issue(config_) * columns + timing::first_column(config_);
    const double steps = 1.0 * layer_.steps() / pieces + accesses * columns;
    t.compute = visits * pieces *
                (parts_of(std::int64_t{t.rows} * t.cols, lanes()) * parts_of(channels, columns) *
                     std::max(steps, drain) +
                 timing::kRunOverhead);
    t.steps = ideal_cycles();
    double bytes = rects * weight_bytes(out_.C);
    if (!places_.input->resident) {
      const double copies = bytes_per_cycle_ / map_bytes_per_cycle_;
      bytes += 4.0 * static_cast<double>(t.input_words) * copies *
               (t.stream_input ? visits * pieces : rects);
    }
    const double stored =
        places_.output->resident ? 0 : 4.0 * static_cast<double>(t.output_words) * visits;
    t.weights = rects * weight_bytes(out_.C) / bytes_per_cycle_;
    const double store_cycles = stored * timing::kStoreBeat / bytes_per_cycle_;
    t.traffic = std::max(bytes / bytes_per_cycle_, store_cycles);
    t.bus = (bytes + stored) / bytes_per_cycle_;
    const double serial = t.buffers == 1 ? bytes / bytes_per_cycle_ + store_cycles - t.weights : 0;
    t.expected = std::max(t.compute + serial, t.traffic);
    t.surcharge = t.reused_surcharge = surcharge() * (t.compute + t.traffic);
    t.cycles = t.reused = t.expected + t.surcharge;
    keep(t);
  }

  /// Returns true if a cycle of the bus costs more than another one.
  bool by_bus() const { return cycle_share_ > 0; }

  /// Keeps the tiling if it is the best so far.
  void keep(Tiling t) {
    if (layer_.nest && nest_of(t, layer_, out_.C, in_.per_word) != *layer_.nest) return;
    if (by_bus()) {
      const double cycles = cycle_share_ * t.cycles;
      t.reused = t.bus - t.weights + cycles;
      t.cycles = t.bus + cycles;
    }
    if (!best_ || t.cycles < best_->cycles) best_ = t;
  }

  const Layer& layer_;
  const LayerPlaces& places_;
  const spec::Config& config_;
  Shape in_, out_;
  const Map *in_map_ = nullptr, *out_map_ = nullptr;
  int in_width_ = 1, out_width_ = 1;                      ///< pixels of a row in DRAM
  double bytes_per_cycle_ = 1, map_bytes_per_cycle_ = 1;  ///< for one core's maps
  bool first_ = false;                                    ///< first layer of the network
  bool in_steps_ = false;
  double cycle_share_ = 0;  ///< share_of_cycle()
  /// The layer is the network's first or last, where unhidden transfers count. For int8 this is not
  /// estimated: most of these layers are short compared with the others, and the estimates are too
  /// rough.
  bool begins_ = false, ends_ = false;
  std::optional<std::int64_t> offset_;  ///< copy_offset()
  bool first_rows_ = true;  ///< the input and the output begin with their whole maps' first rows
  std::int64_t room_ = 0;
  Weights weights_;  // of the chunk that is considered
  std::optional<Tiling> best_;
};

}  // namespace

bool may_sum(const Layer& layer, const LayerPlaces& places, const spec::Config& config) {
  if (!can_sum(layer, config)) return false;
  if (layer.nest) return layer.nest->sums;
  if (layer.window.P * layer.window.Q <= layer.lanes(config)) return false;  // one tile
  return !places.input->resident || !places.output->resident ||
         2 * layer.rows_of(layer.steps()) > config.pmem_rows();
}

LoopNest nest_of(const Tiling& tiling, const Layer& layer, const Network& network) {
  return nest_of(tiling, layer, network.maps[at(layer.output)].shape.C,
                 network.maps[at(layer.input)].shape.per_word);
}

std::string broken_rule(const Network& network, const Layer& layer, const LayerPlaces& places,
                        const spec::Config& config, std::int64_t room) {
  return Tiler(layer, places, config, network).broken_rule(room);
}

TileSplit split_tiles(const Rect& r, int lanes) {
  TileSplit split;
  const int rows = std::max(1, lanes / r.cols()), cols = std::min(lanes, r.cols());
  const int top = std::min(rows, r.rows()), bottom = std::min(rows, r.rows() - top);
  split.first = {r.y0, r.y0 + top, r.x0, r.x0 + cols};
  split.last = {r.y1 - bottom, r.y1, r.x1 - cols, r.x1};
  const Rect beside{r.y0, r.y0 + top, r.x0 + cols, r.x1};
  const Rect middle{r.y0 + top, r.y1 - bottom, r.x0, r.x1};
  const Rect before{r.y1 - bottom, r.y1, r.x0, r.x1 - cols};
  for (const Rect& part : {beside, middle, before})
    if (!part.empty()) split.between.push_back(part);
  return split;
}

std::optional<std::int64_t> copy_offset(const Layer& layer, const Network& network) {
  if (layer.by_rows) return std::nullopt;
  const Map &in = network.maps[at(layer.input)], &out = network.maps[at(layer.output)];
  const Geometry& g = layer.window;
  const int least = layer.wide ? -32768 : -128;
  const bool moves = layer.kind == LayerKind::kMax && layer.result == Output::kRequantized &&
                     g.R * g.S == 1 && g.stride_y == 1 && g.stride_x == 1 &&
                     in.shape.per_word == 4 && layer.range.act_min <= least &&
                     layer.range.act_max >= -1 - least;
  for (const Map* map : {&in, &out})
    if (map->part.scattered(map->shape.per_word) || map->part.pixel_words > 0) return std::nullopt;
  if (!moves) return std::nullopt;
  return std::int64_t{out.part.x + g.pad_left - in.part.x} * in.shape.pixel_words();
}

PartSize small_part(const Layer& layer, const PartSize& part, const spec::Config& config) {
  const auto third = [](int n) { return std::max(1, n / 3); };
  PartSize small = part;
  if (part.words > 1)
    small.words = third(part.words);
  else if (part.rows > 1)
    small.rows = third(part.rows);
  else
    small.cols = std::min(part.cols, round_up(third(part.cols), layer.lanes(config)));
  return small;
}

Rect moved_part(const Geometry& g, const Rect& r) {
  return r.within({g.pad_top, g.pad_top + g.H, g.pad_left, g.pad_left + g.W});
}

Rect input_of(const Geometry& g, const Rect& r) {
  return {std::clamp(r.y0 * g.stride_y - g.pad_top, 0, g.H),
          std::clamp((r.y1 - 1) * g.stride_y - g.pad_top + g.span_y(), 0, g.H),
          std::clamp(r.x0 * g.stride_x - g.pad_left, 0, g.W),
          std::clamp((r.x1 - 1) * g.stride_x - g.pad_left + g.span_x(), 0, g.W)};
}

View buffer_view(const View& dram, int W, int rows, int cols, const spec::Config& config) {
  const int unit = config.data_words();
  if (dram.plane % unit != 0) return dram;  // a single pixel's words are one range
  View view;
  // Each row of a part has the same position in a beat as in DRAM. A part never needs more words
  // than a larger one, because the emitter may split a part for which the plan has room.
  view.step = view.width = dram.width;
  const int packed = round_up(cols * dram.width, unit) + unit + dram.pitch % unit;
  view.pitch = cols == W ? dram.pitch : std::min(dram.pitch, packed);
  view.plane = round_up(std::int64_t{rows} * view.pitch, unit);
  return view;
}

std::int64_t buffer_words(const View& dram, int W, int rows, int cols, int words,
                          const spec::Config& config) {
  const View view = buffer_view(dram, W, rows, cols, config);
  return round_up(words * view.plane + config.data_words(), config.data_words());
}

std::optional<Tiling> tile(const Network& network, const Layer& layer, const LayerPlaces& places,
                           const spec::Config& config, std::int64_t room) {
  return Tiler(layer, places, config, network).run(room);
}

}  // namespace trine::compiler
