// SPDX-License-Identifier: Apache-2.0
//
// Module bench: bursts at, inside of and around windows whose limits differ from them in any bit.

#include <cstdint>
#include <random>

#include "Vtrine_window.h"
#include "sw/base/catch.h"

namespace {

constexpr std::uint64_t kPage = 4096;

/// Returns a value, or one that differs in one bit.
std::uint32_t near(std::mt19937& random, std::uint32_t value) {
  return random() % 4 == 0 ? value : value ^ 1u << random() % 32;
}

}  // namespace

TEST_CASE("trine_window passes only bursts inside of the window", "[tb][window]") {
  std::mt19937 random{1};
  Vtrine_window dut;
  int inside = 0, outside = 0;
  for (int n = 0; n < 200'000; ++n) {
    const auto addr = static_cast<std::uint32_t>(random()) / TB_BeatBytes * TB_BeatBytes;
    const std::uint64_t beats = (kPage - addr % kPage) / TB_BeatBytes;  // up to the page's end
    const auto len = static_cast<std::uint32_t>(random() % std::min<std::uint64_t>(beats, 256));
    const std::uint32_t end = addr + (len + 1) * TB_BeatBytes - 1;
    const std::uint32_t first = near(random, addr), last = near(random, end);
    dut.first_i = first;
    dut.last_i = last;
    dut.addr_i = addr;
    dut.len_i = static_cast<std::uint8_t>(len);
    dut.eval();
    CAPTURE(addr, len, first, last);
    const bool expected = addr >= first && end <= last;
    REQUIRE((dut.inside_o != 0) == expected);
    ++(expected ? inside : outside);
  }
  CHECK(inside > 10'000);
  CHECK(outside > 10'000);
}
