// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/former.h"

#include <algorithm>
#include <vector>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

constexpr int kNeighbours = 3;
constexpr int kMostHalo = 255;  ///< of the field, in columns
constexpr int kChannels = 4;    ///< of a word: columns to drain
constexpr int kWorth = 40;      ///< other rows are in other banks: only for at least a 40th

bool covers(const Former& former, const Geometry& g) {
  for (int kx = 0; kx < g.S; ++kx)
    if (!place_of(former, g, kx)) return false;
  return true;
}

/// Returns true if the next row's first lanes can replace all but `idle` of a row's lending lanes.
bool stands_in(const Former& former, const Geometry& g, int idle) {
  for (int q = std::max(0, g.Q - kNeighbours); q < g.Q; ++q)
    for (int kx = 0; kx < g.S; ++kx) {
      const TapPlace place = *place_of(former, g, kx);
      const int next = q + place.lane - (g.Q + idle);  // position in the next row
      if (next < 0) continue;
      const int wanted = q * g.stride_x - g.pad_left + kx * g.dil_x;
      const int found = next * g.stride_x - g.pad_left + place.step * former.dil;
      if (wanted < g.W || found >= 0 || next >= g.Q + idle) return false;
    }
  return true;
}

/// Returns the largest number of neighbouring lanes in one bank.
int accesses(const Geometry& g, int lanes, const spec::Config& config) {
  const spec::BankOf bank_of = config.bank_of();
  std::vector<int> count(at(config.banks()));
  int most = 1;
  for (int l = 0; l < lanes; ++l) most = std::max(most, ++count[at(bank_of(l * g.stride_x))]);
  return most;
}

}  // namespace

std::optional<TapPlace> place_of(const Former& former, const Geometry& g, int kx) {
  for (int step = 0; step < former.steps; ++step)
    for (int lane = 0; lane <= former.halo; ++lane)
      if (step * former.dil + lane * g.stride_x == kx * g.dil_x) return TapPlace{step, lane};
  return std::nullopt;
}

Former best_former(const Geometry& g, const spec::Config& config) {
  // One step for each tap is always possible.
  Former best{g.S, g.dil_x, 0, 0};
  const int rows = config.rows;
  const auto tiles = [&](const Former& f) {
    return divide_up(std::int64_t{g.P} * (g.Q + f.idle), rows);
  };
  const auto cycles = [&](const Former& f) {
    const int step = accesses(g, rows + f.halo, config);
    return tiles(f) * std::max(g.R * f.steps * step, kChannels);
  };
  for (int halo = 1; halo <= kNeighbours && halo * g.stride_x <= kMostHalo; ++halo)
    for (int steps = 1; steps <= g.S; ++steps)
      for (int dil = 1; dil <= (kNeighbours + 1) * g.stride_x; ++dil) {
        Former former{steps, dil, halo, halo};
        if (!covers(former, g)) continue;
        Former shorter = former;
        while (shorter.idle > 0 && stands_in(shorter, g, shorter.idle - 1)) --shorter.idle;
        if (kWorth * (tiles(former) - tiles(shorter)) >= tiles(former)) former = shorter;
        if (cycles(former) < cycles(best)) best = former;
      }
  return best;
}

}  // namespace trine::compiler
