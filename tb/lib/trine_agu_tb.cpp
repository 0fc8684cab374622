// SPDX-License-Identifier: Apache-2.0
//
// Tests address generation against the plain loop nest: random geometry, stalls, clears.

#include <algorithm>
#include <initializer_list>
#include <random>

#include "Vtrine_agu.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/lanes.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"

using namespace trine;
using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kAddrBits = TB_AddrBits, kLanes = kRows + (kWindow ? 3 : 0);
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;

struct Bench : Clocked<Vtrine_agu> {
  void set(const isa::LaneRegisters& r) {
    dut.cfg_we_i = 1;
    for (unsigned reg = 0; reg < 10; ++reg) {
      drive(dut.cfg_reg_i, reg);
      dut.cfg_payload_i = r.value[reg];
      tick();
    }
    dut.cfg_we_i = 0;
  }
  /// @return cycles until the lanes are filled
  unsigned fill() {
    dut.fill_i = 1;
    tick();
    dut.fill_i = 0;
    unsigned cycles = 1;
    while (dut.filled_o == 0 && cycles < 1'000) {
      tick();
      ++cycles;
    }
    return cycles;
  }
};

void check(Bench& bench, const Step& step) {
  auto& dut = bench.dut;
  REQUIRE(dut.step_valid_o);
  REQUIRE(dut.first_o == step.first);
  REQUIRE(dut.word_first_o == step.word_first);
  REQUIRE(dut.window_last_o == step.window_last);
  REQUIRE(dut.last_o == step.last);
  REQUIRE(dut.tile_first_o == step.tile_first);
  REQUIRE(dut.group_last_o == step.group_last);
  REQUIRE(dut.tile_last_o == step.tile_last);
  for (unsigned l = 0; l < kLanes; ++l) {
    CAPTURE(l);
    const bool neighbour = l >= kRows;  // only gathers, for the window former; never has an output
    const bool inside = step.inside.size() > l && step.inside[l];
    const bool active = !neighbour && step.active[l];
    REQUIRE(get_bits(dut.inside_o, l, 1) == inside);
    if (!neighbour) REQUIRE(get_bits(dut.active_o, l, 1) == active);
    if (inside)
      REQUIRE(get_bits(dut.addr_o, l * kAddrBits, kAddrBits) == (step.address[l] & kMask));
    if (active) REQUIRE(get_bits(dut.out_o, l * kAddrBits, kAddrBits) == (step.out[l] & kMask));
  }
}

/// Makes one loop long and the others short, to use the high bits of its counter.
void stretch_loop(isa::LaneRegisters& r, std::mt19937& random) {
  namespace agu = isa::agu;
  const auto draw = [&random](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  const std::int64_t Q = (r.get(agu::kXEnd) - r.get(agu::kXStart)) / r.get(agu::kStrideX);
  const std::int64_t P = (r.get(agu::kYEnd) - r.get(agu::kYStart)) / r.get(agu::kStrideY);
  const std::int64_t tiles = (P * Q + kRows - 1) / kRows;
  for (const auto* field : {&agu::kSLast, &agu::kRLast, &agu::kWordsLast, &agu::kGroupsLast})
    r.set(*field, 0);
  r.set(agu::kTilesLast, draw(2) == 0 ? 0 : std::min<std::int64_t>(tiles - 1, 1));
  switch (random() % 6) {
    case 0:
      r.set(agu::kTilesLast, std::min<std::int64_t>(tiles - 1, draw(3'000)));
      break;
    case 1:
      r.set(agu::kGroupsLast, draw(4'096));
      break;
    case 2:
      r.set(agu::kWordsLast, draw(3'000));
      break;
    case 5:
      r.set(agu::kWordsLast, 3'000 + draw(5'000));
      r.set(agu::kTilesLast, 0);
      break;
    case 3:
      r.set(agu::kRLast, draw(2'000));
      r.set(agu::kDilY, 1);
      break;
    default:
      r.set(agu::kSLast, draw(2'000));
      r.set(agu::kDilX, 1);
  }
}

/// Draws any geometry, rarely with large coordinates, distances or loops.
isa::LaneRegisters any_geometry(std::mt19937& random) {
  namespace agu = isa::agu;
  isa::LaneRegisters r = random_geometry(random, kRows, 3);
  const auto draw = [&random](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  const auto move = [&](const isa::LaneField& start, const isa::LaneField& end,
                        const isa::LaneField& size) {
    if (r.get(end) > 2'000) return;
    const std::int64_t far = draw(4'000);
    r.set(start, r.get(start) + far);
    r.set(end, r.get(end) + far);
    r.set(size, r.get(size) + far);
  };
  // Strides, halo and idle columns of up to 8 bits.
  const auto spread = [&](const isa::LaneField& start, const isa::LaneField& end,
                          const isa::LaneField& size, const isa::LaneField& step,
                          std::initializer_list<isa::LaneField> scaled) {
    const std::int64_t stride = r.get(step), span = r.get(end) - r.get(start);
    const std::int64_t factor =
        2 + draw(static_cast<unsigned>(
                chance(random, 50) ? 27 : std::max<std::int64_t>(255 / stride - 1, 1)));
    // Coordinates have 14 bits, including the coordinates of lanes after the last row.
    if (span * factor > 3'000 || kLanes * stride * factor > 8'000) return;
    r.set(end, r.get(start) + span * factor);
    r.set(size, r.get(size) * factor + draw(3));
    r.set(step, stride * factor);
    for (const isa::LaneField& field : scaled) r.set_address(field, r.get(field) * factor);
  };
  if (chance(random, 25))
    spread(agu::kXStart, agu::kXEnd, agu::kWidth, agu::kStrideX,
           {agu::kTileX, agu::kHalo, agu::kIdle});
  if (chance(random, 25))
    spread(agu::kYStart, agu::kYEnd, agu::kHeight, agu::kStrideY, {agu::kTileY});
  if (chance(random, 20)) move(agu::kXStart, agu::kXEnd, agu::kWidth);
  if (chance(random, 20)) move(agu::kYStart, agu::kYEnd, agu::kHeight);
  // Taps far from each other, in a map that is as large or ends earlier; no address wraps to 0.
  constexpr std::int64_t kFarthest = 16'000, kCoordinate = 8'191, kDilation = 4'095;
  const auto dilate = [&](const isa::LaneField& dilation, const isa::LaneField& last,
                          const isa::LaneField& end, const isa::LaneField& size) {
    const std::int64_t room = (kFarthest - r.get(end)) / (r.get(last) + 1);
    r.set(dilation, draw(static_cast<unsigned>(std::min(room, kDilation)) + 1));
    if (chance(random, 70))  // the map ends soon after one of the taps
      r.set(size, std::min(kCoordinate, r.get(dilation) * draw(4) + 1 + draw(12)));
  };
  if (chance(random, 25)) dilate(agu::kDilX, agu::kSLast, agu::kXEnd, agu::kWidth);
  if (chance(random, 25)) dilate(agu::kDilY, agu::kRLast, agu::kYEnd, agu::kHeight);
  if (chance(random, 15)) stretch_loop(r, random);
  return r;
}

}  // namespace

TEST_CASE("trine_agu walks the loop nest", "[tb][agu]") {
  const auto seed = GENERATE(1u, 2u);
  const auto ready_percent = GENERATE(100u, 60u);
  std::mt19937 random{seed};
  Bench bench;
  auto& dut = bench.dut;
  for (int nest = 0; nest < 150; ++nest) {
    const isa::LaneRegisters r = any_geometry(random);
    const bool window = kWindow && chance(random, 50);
    const bool pairs = kPairs && !window && chance(random, 50);
    const auto steps = loop_nest(r, kRows, window, pairs);
    dut.window_i = window;
    dut.pairs_i = pairs;
    bench.set(r);
    REQUIRE(bench.fill() == kRows / (kRows % 2 == 0 ? 2 : 1) + 1);
    for (auto waits = random() % 3; waits > 0; --waits) bench.tick();
    dut.start_i = 1;
    dut.step_ready_i = 0;
    bench.tick();
    dut.start_i = 0;
    REQUIRE(dut.filled_o == 0);
    // Sometimes drops the program in the middle.
    const std::size_t end = chance(random, 10) ? random() % steps.size() : steps.size();
    for (std::size_t n = 0; n < end;) {
      CAPTURE(seed, ready_percent, nest, n, steps.size());
      check(bench, steps[n]);
      dut.step_ready_i = chance(random, ready_percent);
      n += dut.step_ready_i;
      bench.tick();
    }
    if (end < steps.size()) {
      dut.clear_i = 1;
      bench.tick();
      dut.clear_i = 0;
    }
    CAPTURE(seed, nest);
    REQUIRE(dut.step_valid_o == 0);
    REQUIRE(dut.running_o == 0);
    REQUIRE(dut.out_plane_o == (static_cast<unsigned>(r.get(isa::agu::kOutPlane)) & kMask));
  }
}
