// SPDX-License-Identifier: Apache-2.0
//
// Address generation against the plain loop nest: random geometry, stalls, clears.

#include <catch2/catch.hpp>
#include <random>

#include "Vtrine_agu.h"
#include "tb/golden/clocked.h"
#include "tb/golden/lanes.h"
#include "tb/golden/ports.h"

using namespace trine;
using namespace trine::golden;

namespace {

#ifdef TB_Window
constexpr bool kWindow = true;
#else
constexpr bool kWindow = false;
#endif
constexpr unsigned kRows = TB_Rows, kAddrBits = TB_AddrBits, kLanes = kRows + (kWindow ? 3 : 0);
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;

struct Bench : Clocked<Vtrine_agu> {
  void set(const isa::Registers& r) {
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
    const bool neighbour = l >= kRows;  // gathers with the window former only, never has an output
    const bool inside = step.inside.size() > l && step.inside[l];
    const bool active = !neighbour && step.active[l];
    REQUIRE(get_bits(dut.inside_o, l, 1) == inside);
    if (!neighbour) REQUIRE(get_bits(dut.active_o, l, 1) == active);
    if (inside)
      REQUIRE(get_bits(dut.addr_o, l * kAddrBits, kAddrBits) == (step.address[l] & kMask));
    if (active) REQUIRE(get_bits(dut.out_o, l * kAddrBits, kAddrBits) == (step.out[l] & kMask));
  }
}

}  // namespace

TEST_CASE("trine_agu walks the loop nest", "[tb][agu]") {
  const auto seed = GENERATE(1u, 2u);
  const auto ready_percent = GENERATE(100u, 60u);
  std::mt19937 random{seed};
  Bench bench;
  auto& dut = bench.dut;
  for (int nest = 0; nest < 60; ++nest) {
    const isa::Registers r = random_geometry(random, kRows, 3);
    const bool window = kWindow && chance(random, 50);
    const auto steps = loop_nest(r, kRows, window);
    dut.window_i = window;
    bench.set(r);
    REQUIRE(bench.fill() == kRows + 1);
    for (auto waits = random() % 3; waits > 0; --waits) bench.tick();
    dut.start_i = 1;
    dut.step_ready_i = 0;
    bench.tick();
    dut.start_i = 0;
    REQUIRE(dut.filled_o == 0);
    // Sometimes the program is dropped in the middle.
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
