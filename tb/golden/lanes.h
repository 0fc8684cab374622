// SPDX-License-Identifier: Apache-2.0
//
// Golden model of the lanes and the loop nest of docs/architecture.md, as plain loops:
//
//   for tile, group, channel word, ky, kx:  one step of all lanes
//
// The RTL twin is rtl/lib/trine_agu.sv.

#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "spec/isa.h"
#include "tb/golden/stimulus.h"

namespace trine::golden {

/// The actions of all lanes in one step. Addresses are modulo 2^24.
struct Step {
  std::vector<std::uint32_t> address, out;
  std::vector<bool> inside, active;
  bool first = false, word_first = false, window_last = false, last = false;
  bool tile_first = false, group_last = false, tile_last = false;
};

struct Lane {
  std::int64_t x, y, base, out;
};

/// @param window  for the window former: three neighbours of the last lane gather as well
/// @param pairs  lane 2n + 1 has the position of lane 2n, one word further; `rows` is even
inline std::vector<Step> loop_nest(const isa::LaneRegisters& r, unsigned rows, bool window = false,
                                   bool pairs = false) {
  namespace agu = isa::agu;
  const auto get = [&r](const isa::LaneField& field) { return r.get(field); };
  const auto advance = [&](Lane& lane, std::int64_t x, std::int64_t y, std::int64_t base,
                           std::int64_t out) {
    lane = {lane.x + x, lane.y + y, lane.base + base, lane.out + out};
    if (lane.x < get(agu::kXEnd)) return;
    lane.x -= get(agu::kXEnd) - get(agu::kXStart);
    lane.y += get(agu::kStrideY);
    lane.base += get(agu::kRowWrap);
    lane.out += get(agu::kOutWrap);
  };
  std::vector<Lane> lanes;
  Lane next{get(agu::kXStart), get(agu::kYStart), get(agu::kBase), get(agu::kOut)};
  while (lanes.size() < rows) {
    lanes.push_back(next);
    if (pairs) lanes.push_back({next.x, next.y, next.base + 1, next.out + 1});
    advance(next, get(agu::kStrideX), 0, get(agu::kStrideX), 1 + get(agu::kOutSkip));
  }
  const auto word = [](std::int64_t address) {
    return static_cast<std::uint32_t>(address & 0xffffff);
  };
  const std::int64_t tiles = get(agu::kTilesLast), groups = get(agu::kGroupsLast),
                     words = get(agu::kWordsLast), R = get(agu::kRLast), S = get(agu::kSLast);
  std::vector<Step> steps;
  for (std::int64_t tile = 0; tile <= tiles; ++tile) {
    std::int64_t offset = 0;
    for (std::int64_t group = 0; group <= groups; ++group) {
      if (!window) offset = 0;
      for (std::int64_t cw = 0; cw <= words; ++cw)
        for (std::int64_t ky = 0; ky <= R; ++ky)
          for (std::int64_t kx = 0; kx <= S; ++kx) {
            Step step;
            std::vector<Lane> all = lanes;
            for (int k = 0; window && k < 3; ++k) {
              all.push_back(all.back());
              all.back().x += get(agu::kStrideX);
              all.back().base += get(agu::kStrideX);
            }
            for (std::size_t l = 0; l < all.size(); ++l) {
              const Lane& lane = all[l];
              const std::int64_t y = lane.y + ky * get(agu::kDilY);
              const std::int64_t x = lane.x + kx * get(agu::kDilX);
              const std::int64_t beyond = static_cast<std::int64_t>(l) + 1 - rows;
              const bool gathers = lane.y < get(agu::kYEnd) &&
                                   (beyond <= 0 || beyond * get(agu::kStrideX) <= get(agu::kHalo));
              step.active.push_back(gathers &&
                                    (!window || lane.x < get(agu::kXEnd) - get(agu::kIdle)));
              step.inside.push_back(gathers && 0 <= y && y < get(agu::kHeight) && 0 <= x &&
                                    x < get(agu::kWidth));
              step.address.push_back(word(lane.base + offset));
              step.out.push_back(word(lane.out));
            }
            step.word_first = ky == 0 && kx == 0;
            step.first = step.word_first && cw == 0;
            step.window_last = ky == R && kx == S;
            step.last = step.window_last && cw == words;
            step.tile_first = group == 0;
            step.group_last = group == groups;
            step.tile_last = tile == tiles;
            steps.push_back(step);
            offset += kx < S ? get(agu::kKxStep) : ky < R ? get(agu::kKyStep) : get(agu::kCwStep);
          }
    }
    for (Lane& lane : lanes)
      advance(lane, get(agu::kTileX), get(agu::kTileY), get(agu::kTileBase), get(agu::kTileOut));
  }
  return steps;
}

/// Draws lane registers: any address, coordinates like the compiler's. @param groups  maximum
inline isa::LaneRegisters random_geometry(std::mt19937& random, unsigned rows, unsigned groups) {
  namespace agu = isa::agu;
  isa::LaneRegisters r;
  const auto draw = [&random](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  for (const auto* field :
       {&agu::kBase, &agu::kRowWrap, &agu::kTileBase, &agu::kKxStep, &agu::kKyStep, &agu::kCwStep,
        &agu::kOut, &agu::kOutWrap, &agu::kTileOut, &agu::kOutPlane})
    r.set(*field, draw(1 << 24));
  const std::int64_t U = 1 + draw(3), V = 1 + draw(3);
  // Rarely as large as the coordinates permit.
  const std::int64_t Q = chance(random, 5) ? 2'000 + draw(600) : 1 + draw(11);
  const std::int64_t P = chance(random, 5) ? 2'000 + draw(600) : 1 + draw(6);
  const std::int64_t x = -draw(5), y = -draw(5);
  const std::int64_t Rows = rows;
  r.set(agu::kXStart, x);
  r.set(agu::kXEnd, x + Q * U);
  r.set(agu::kYStart, y);
  r.set(agu::kYEnd, y + P * V);
  r.set(agu::kHeight, chance(random, 50) ? P * V : 1 + draw(12));
  r.set(agu::kWidth, chance(random, 50) ? Q * U : 1 + draw(12));
  for (const isa::LaneField& columns : {agu::kHalo, agu::kIdle})
    r.set(columns, draw(static_cast<unsigned>(std::min<std::int64_t>(Q, 4))) * U);
  r.set(agu::kTileX, Rows % Q * U);
  r.set(agu::kTileY, Rows / Q * V);
  r.set(agu::kStrideX, U);
  r.set(agu::kStrideY, V);
  r.set(agu::kOutSkip, chance(random, 50) ? 0 : draw(200));
  r.set(agu::kSLast, draw(4));
  r.set(agu::kRLast, draw(4));
  r.set(agu::kDilX, draw(4));
  r.set(agu::kDilY, draw(4));
  r.set(agu::kWordsLast, draw(4));
  r.set(agu::kGroupsLast, draw(groups));
  r.set(agu::kTilesLast, std::min<std::int64_t>((P * Q + Rows - 1) / Rows - 1, draw(8)));
  return r;
}

}  // namespace trine::golden
