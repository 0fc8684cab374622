// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares a watchdog of few bits with a count of the cycles in which nothing moved,
// for every limit.

#include <random>

#include "Vtrine_watchdog.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

namespace {

constexpr unsigned kLimits = 1u << TB_Bits;

struct Bench : trine::golden::Clocked<Vtrine_watchdog> {
  std::mt19937 random;
  unsigned waited = 0;

  explicit Bench(unsigned seed) : random(seed) {}

  /// Runs a cycle. The pulse comes after `limit` consecutive waiting cycles; its own cycle does not
  /// wait.
  void cycle(bool owed, bool moved) {
    dut.outstanding_i = owed;
    dut.progress_i = moved;
    dut.eval();
    const bool waits = owed && !moved && dut.limit_i != 0 && !dut.expired_o;
    waited = waits ? waited + 1 : 0;
    const bool expires = waits && waited >= dut.limit_i;
    if (expires) waited = 0;
    tick();
    CAPTURE(static_cast<int>(dut.limit_i));
    REQUIRE(dut.expired_o == expires);
  }

  void reset() {
    dut.rst_ni = 0;
    tick();
    dut.rst_ni = 1;
    dut.eval();
    waited = 0;
    REQUIRE(!dut.expired_o);
  }
};

}  // namespace

TEST_CASE("trine_watchdog expires after every limit of silence", "[tb][watchdog]") {
  Bench bench(1);
  for (unsigned limit = 0; limit < kLimits; ++limit) {
    bench.dut.limit_i = static_cast<std::uint8_t>(limit);
    for (unsigned n = 0; n < 3 * kLimits; ++n) bench.cycle(true, false);
    bench.cycle(false, false);
  }
}

TEST_CASE("trine_watchdog begins again after progress, a pause or a reset", "[tb][watchdog]") {
  Bench bench(2);
  for (int n = 0; n < 60'000; ++n) {
    // Short limits are as frequent as long ones, which few silent periods reach.
    if (n % 100 == 0)
      bench.dut.limit_i = static_cast<std::uint8_t>(bench.random() % (n / 100 % 2 ? kLimits : 6));
    const unsigned rare = n / 1'000 % 2 ? 30 : 4;
    bench.cycle(bench.random() % rare != 0, bench.random() % rare == 0);
    if (bench.random() % 50 == 0) bench.reset();
  }
}
