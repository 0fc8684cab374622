// SPDX-License-Identifier: Apache-2.0
//
// Tests the interpolation of LOGISTIC, TANH and the exponential. Every argument is compared with
// the golden layers for the sigmoid's points, or with a plain loop for the exponential's; random
// arguments with plain loops for any points. Values come in order, every second cycle or less
// often, six or seven cycles after their arguments.

#include <algorithm>
#include <array>
#include <deque>
#include <random>

#include "Vtrine_interpolate.h"
#include "sw/base/catch.h"
#include "sw/reference/ops/ops.h"
#include "tb/golden/clocked.h"
#include "tb/golden/stimulus.h"

using namespace trine;
using namespace trine::golden;

namespace {

constexpr int kFirst = -(1 << 18), kLast = 1 << 18;

/// The unit with its tables, which answer a cycle later.
struct Bench : Clocked<Vtrine_interpolate> {
  std::array<std::uint16_t, 256> points{};
  std::array<std::uint16_t, 512> exponentials{};  // two per entry
  std::uint32_t pair = 0;                         // arrives a cycle later
  struct Awaited {
    int code, cycle;
  };
  std::deque<Awaited> awaited;
  int cycle = 0, seen = 0;

  void step() {
    dut.eval();
    const bool reads = dut.reads_o != 0;
    const unsigned at = dut.index_o;
    tick();
    ++cycle;
    if (reads) dut.entry_i = points[at];
    dut.pair_i = pair;
    if (reads) pair = exponentials[2 * at] | std::uint32_t{exponentials[2 * at + 1]} << 16;
    dut.eval();
    if (dut.valid_o == 0) return;
    REQUIRE(!awaited.empty());
    REQUIRE(cycle == awaited.front().cycle);
    REQUIRE(static_cast<std::int16_t>(dut.code_o) == awaited.front().code);
    awaited.pop_front();
    ++seen;
  }
  void put(int x, bool tanh, int expected) {
    dut.start_i = 1;
    dut.tanh_i = tanh;
    drive(dut.x_i, static_cast<std::uint64_t>(x) & 0x7ffff);
    awaited.push_back({expected, cycle + (dut.exponential_i != 0 ? 7 : 6)});
    step();
    dut.start_i = 0;
    drive(dut.x_i, static_cast<std::uint64_t>(~x) & 0x7ffff);
    step();
  }
  void rest() {
    while (!awaited.empty()) step();
  }
};

}  // namespace

TEST_CASE("trine_interpolate computes LOGISTIC and TANH of every argument", "[tb][line]") {
  const bool tanh = GENERATE(false, true);
  Bench b;
  std::ranges::copy(reference::sigmoid_points(), b.points.begin());
  for (int x = kFirst; x <= kLast - 1; ++x)
    b.put(x, tanh, tanh ? reference::interpolated_tanh(x) : reference::interpolated_logistic(x));
  b.rest();
  CHECK(b.seen == kLast - kFirst);
}

TEST_CASE("trine_interpolate follows any points at any pace", "[tb][line]") {
  Bench b;
  std::mt19937 random{1};
  for (int k = 0; k < 20'000; ++k) {
    if (k % 100 == 0) {
      b.rest();
      for (auto& point : b.points) point = static_cast<std::uint16_t>(random());
      b.dut.tanh_i = chance(random, 50);
    }
    const bool tanh = b.dut.tanh_i != 0;
    const int range = chance(random, 80) ? 1 << 17 : 1 << 18;
    const int x = static_cast<int>(random() % (2u * static_cast<unsigned>(range))) - range;
    const int size = tanh ? 2 * std::abs(x) : std::abs(x), n = size / 512;
    std::int64_t line = (tanh ? 0xffff : 0xfffe) * 512;
    if (n < 255) {
      const auto from = static_cast<std::size_t>(n);
      const int rise = (b.points[from + 1] - b.points[from]) & 0x3ff;
      line = std::int64_t{b.points[from]} * 512 + std::int64_t{size % 512} * rise;
    }
    if (x < 0) line = -line - 1;
    const std::int64_t value =
        tanh ? line + (x < 0 ? 1 << 24 : -(1 << 24)) + 256 : line + (x < 0 ? 1 << 25 : 0) + 512;
    b.put(x, tanh, static_cast<std::int16_t>(value >> (tanh ? 9 : 10)));
    for (int idle = chance(random, 50) ? 0 : static_cast<int>(random() % 5); idle > 0; --idle)
      b.step();
  }
  b.rest();
  CHECK(b.seen == 20'000);
}

TEST_CASE("trine_interpolate computes the exponential of every argument", "[tb][line]") {
  Bench b;
  b.dut.exponential_i = 1;
  std::mt19937 random{1};
  const auto fill = [&](bool any) {
    b.rest();
    b.step();
    for (std::size_t n = 0; n < 512; ++n)
      b.exponentials[n] =
          static_cast<std::uint16_t>(any ? random() : reference::exponential_points()[n]);
  };
  const auto expected = [&](int x) {
    const int place = std::max(65535 + x, 0), n = place / 128;
    const int here = b.exponentials[static_cast<std::size_t>(n)];
    const int next = n == 511 ? 32767 : b.exponentials[static_cast<std::size_t>(n) + 1];
    const int rise = (next - here) & 0x3ff;
    return static_cast<int>(static_cast<std::int16_t>((here * 128 + place % 128 * rise + 64) >> 7));
  };
  fill(false);
  for (int x = -70'000; x <= 0; ++x) b.put(x, false, expected(x));
  for (int k = 0; k < 10'000; ++k) {
    if (k % 1000 == 0) fill(true);
    const int x = -static_cast<int>(random() % (k % 10 == 0 ? 1u << 18 : 1u << 16));
    b.put(x, false, expected(x));
    for (int idle = chance(random, 50) ? 0 : static_cast<int>(random() % 5); idle > 0; --idle)
      b.step();
  }
  b.rest();
  CHECK(b.seen == 80'001);
}
