// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares counters of few bits, which all wrap, with sums.

#include <array>
#include <cstdint>
#include <random>

#include "Vtrine_counters.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

namespace {

constexpr int kCounters = 15;
constexpr std::uint64_t kMask = (std::uint64_t{1} << TB_Bits) - 1;

/// Returns what the events of a cycle add to each counter.
std::array<std::uint64_t, kCounters> events_of(const Vtrine_counters& dut) {
  std::array<std::uint64_t, kCounters> events{};
  if (dut.running_i) {
    events[0] = 1;
    events[1 + dut.cause_i] = 1;
    for (std::size_t e = 0; e < 4; ++e) events[9 + e] = dut.busy_i >> e & 1;
  }
  events[13] = dut.read_beat_i;
  events[14] = dut.write_words_i;
  return events;
}

struct Bench : trine::golden::Clocked<Vtrine_counters> {
  std::mt19937 random;
  std::array<std::uint64_t, kCounters> totals{}, pending{};
  int index = 0;

  explicit Bench(unsigned seed) : random(seed) {}

  /// Runs a cycle, and checks the counter that is shown after it.
  void cycle() {
    const auto shown = totals;
    for (std::size_t i = 0; i < kCounters; ++i)
      totals[i] = dut.clear_i ? 0 : totals[i] + pending[i];
    pending = events_of(dut);
    const int before = dut.index_o;
    tick();
    REQUIRE(dut.index_o == (before + 1) % kCounters);
    const int i = dut.index_o;
    const std::uint64_t unit = i == 13 ? TB_AxiDataBits / 8 : i == 14 ? 4 : 1;
    CAPTURE(i);
    REQUIRE(dut.value_o == (shown[static_cast<std::size_t>(i)] & kMask) * unit);
  }

  /// @param percent  of running cycles, read beats and written words
  void drive(unsigned percent) {
    const auto chance = [&] { return random() % 100 < percent; };
    dut.running_i = chance();
    dut.cause_i = random() & 7;
    dut.busy_i = (chance() ? 15 : random()) & 15;
    dut.read_beat_i = chance();
    dut.write_words_i = static_cast<std::uint8_t>(chance() ? TB_AxiDataBits / 32
                                                           : random() % (TB_AxiDataBits / 32 + 1));
  }
};

}  // namespace

TEST_CASE("trine_counters counts to the last bit and begins again", "[tb][counters]") {
  const auto seed = GENERATE(1u, 2u);
  Bench bench(seed);
  bench.dut.clear_i = 1;
  bench.cycle();
  bench.dut.clear_i = 0;
  for (unsigned n = 0; n < 17u << TB_Bits; ++n) {
    bench.drive(n < 1u << TB_Bits ? 50 : 99);
    // One cause for a long time each, so that its counter wraps, too.
    bench.dut.cause_i = static_cast<std::uint8_t>(n >> TB_Bits & 7);
    bench.cycle();
  }
}

TEST_CASE("trine_counters is cleared at any time", "[tb][counters]") {
  Bench bench(3);
  for (int n = 0; n < 40'000; ++n) {
    bench.drive(60);
    bench.dut.clear_i = n < 20 || bench.random() % 200 == 0;
    bench.cycle();
  }
}
