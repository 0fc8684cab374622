// SPDX-License-Identifier: Apache-2.0
//
// Estimates the cost of bank conflicts: among the lanes of a gather, and of results with reads.

#include <algorithm>
#include <numeric>
#include <vector>

#include "sw/base/division.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {
namespace {

/// Returns the replays due to bank conflicts in the gather steps of a filter row over `rect`. The
/// lanes of an int16 code read neighbouring words. Moved bytes are the columns of a map that is
/// twice as wide. A tap outside of the image reads no word.
std::int64_t replays(const Layer& layer, const Geometry& g, const Rect& rect, int pitch,
                     const spec::Config& config) {
  const int cols = rect.cols() + layer.former.behind(rect.cols(), g.Q);
  const std::int64_t positions = std::int64_t{rect.rows()} * cols, lanes = layer.lanes(config);
  const spec::BankOf bank_of = config.bank_of();
  std::vector<int> count(at(config.banks()));
  std::int64_t sum = 0;
  const std::int64_t row_step = std::int64_t{g.stride_y} * pitch;
  const int step = layer.wide ? 2 : 1;
  const int dil = layer.former.steps > 0 ? layer.former.dil : g.dil_x;
  const auto of_tile = [&](std::int64_t tile, std::int64_t first_x) {
    std::ranges::fill(count, 0);
    int most = 1;
    const std::int64_t end = std::min(positions, tile + lanes + layer.former.halo);
    std::int64_t row = tile / cols * row_step, col = tile % cols;
    for (std::int64_t p = tile; p < end; ++p) {
      const std::int64_t x = first_x + col * g.stride_x;
      for (int word = 0; word < step && x >= 0 && x < g.W; ++word)
        most = std::max(most, ++count[at(bank_of(row + (x - first_x) * step + word))]);
      if (++col < cols) continue;
      col = 0;
      row += row_step;
    }
    return most - 1;
  };
  // BankOf at most swaps neighbours, so words that are moved by an even number conflict as before.
  // Rows at a distance of two are therefore alike, except for tiles whose lanes end with the map.
  const std::int64_t rows = row_step % 2 == 0 ? 1 : 2;
  const std::int64_t period = std::lcm(rows * cols, lanes);
  const std::int64_t alike = positions - lanes - layer.former.halo;
  for (int tap = 0; tap < layer.steps_x(); ++tap) {
    const std::int64_t first_x = rect.x0 * g.stride_x - g.pad_left + tap * dil;
    for (std::int64_t tile = 0; tile < positions; tile += lanes) {
      if (tile > alike)
        sum += of_tile(tile, first_x);
      else if (tile < period)
        sum += of_tile(tile, first_x) * ((alike - tile) / period + 1);
    }
  }
  return sum;
}

}  // namespace

std::int64_t replay_cycles(const Layer& layer, int pitch, const spec::Config& config) {
  const int columns = layer.columns(config);
  const std::int64_t groups =
      layer.kind == LayerKind::kConv ? divide_up(layer.channels, columns) : 1;
  std::int64_t sum = 0;
  for (const Sweep& sweep : layer.sweeps)
    sum += replays(layer, layer.window_of(sweep), sweep.rect, pitch, config);
  if (layer.sweeps.empty())
    sum = replays(layer, layer.window, {0, layer.window.P, 0, layer.window.Q}, pitch, config);
  return sum * layer.words * layer.window.R * groups;
}

namespace {

/// Counts, for each bank, in how many steps of a tile it is read, for up to 64 steps of a channel
/// word.
class Taken {
 public:
  Taken(const Layer& layer, const View& in, const spec::Config& config)
      : g_(layer.window_of(layer.sweeps[0])),  // the others are alike
        former_(layer.former),
        in_(in),
        cols_(g_.Q + former_.idle),
        steps_x_(layer.steps_x()),
        dil_x_(former_.steps > 0 ? former_.dil : g_.dil_x),
        config_(config) {}

  int steps() const { return std::min(g_.R * steps_x_, 64); }
  int cols() const { return cols_; }
  const Geometry& window() const { return g_; }
  std::int64_t positions() const { return std::int64_t{g_.P} * cols_; }

  /// @param word  channel word of the input
  std::vector<int> of(std::int64_t tile, int word) const {
    const spec::BankOf bank_of = config_.bank_of();
    const std::int64_t origin = in_.origin + word * in_.plane;
    const std::int64_t end = std::min(positions(), tile + config_.rows + former_.halo);
    std::vector<int> count(at(config_.banks()));
    for (int step = 0; step < steps(); ++step)
      for (std::int64_t p = tile; p < end; ++p) {
        const std::int64_t y = p / cols_ * g_.stride_y + step / steps_x_ * g_.dil_y - g_.pad_top;
        const std::int64_t x = p % cols_ * g_.stride_x + step % steps_x_ * dil_x_ - g_.pad_left;
        if (y >= 0 && y < g_.H && x >= 0 && x < g_.W)
          ++count[at(bank_of(origin + y * in_.pitch + x))];
      }
    return count;
  }

 private:
  Geometry g_;
  Former former_;
  View in_;
  int cols_, steps_x_, dil_x_;
  const spec::Config& config_;
};

}  // namespace

int best_shift(const Layer& layer, const View& in, const View& out, const spec::Config& config) {
  constexpr int kTiles = 16;  // the pattern repeats
  const Taken taken(layer, in, config);
  const spec::BankOf bank_of = config.bank_of();
  const bool window = layer.former.steps > 0;
  const int groups = divide_up(layer.channels, layer.columns(config));
  // Results of all groups except the last are written while the same tile is read, by the window
  // former for the next word. Results of the last group are written while the next tile is read.
  struct Meeting {
    std::int64_t tile = 0, word = 0;  ///< of the output
    int times = 0;
    std::vector<int> taken;
  };
  std::vector<Meeting> meetings;
  for (std::int64_t tile = 0;
       tile < std::min<std::int64_t>(kTiles * config.rows, taken.positions());
       tile += config.rows) {
    if (groups > 1) meetings.push_back({tile, 0, groups - 1, taken.of(tile, window ? 1 : 0)});
    if (tile + config.rows < taken.positions())
      meetings.push_back({tile, window ? groups - 1 : 0, 1, taken.of(tile + config.rows, 0)});
  }
  const auto waits = [&](const Meeting& m, int shift) {
    const int cols = taken.cols();
    const std::int64_t origin = out.origin + shift + m.word * out.plane;
    for (std::int64_t p = m.tile; p < std::min(taken.positions(), m.tile + config.rows); ++p) {
      if (p % cols >= taken.window().Q) continue;  // the lane only lends its word
      if (m.taken[at(bank_of(origin + p / cols * out.pitch + p % cols))] >= taken.steps())
        return true;
    }
    return false;
  };
  int best = 0, least = -1;
  for (int shift = 0; shift < config.banks(); shift += config.data_words()) {
    int cycles = 0;
    for (const Meeting& m : meetings) cycles += waits(m, shift) ? m.times : 0;
    if (least >= 0 && cycles >= least) continue;
    best = shift;
    least = cycles;
  }
  return best;
}

}  // namespace trine::compiler
