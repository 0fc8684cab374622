// SPDX-License-Identifier: Apache-2.0
//
// Compares every input with the rule, which is a proof: a module without a register has no other
// state. The rule: codes 0 to 126 have the values of E4M3; the border between two neighbours is the
// middle; a number rounds to the value on its side of the border, on a border to the even code,
// beyond the largest value to that value.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "Vtrine_post_e4m3.h"
#include "sw/base/catch.h"
#include "tb/golden/nearest.h"

namespace golden = trine::golden;

namespace {

constexpr int kBits = 20;  ///< trine_post_pkg::FormatBits
constexpr int kLast = 126;

/// Returns the value of a code in units of 2^-9.
double e4m3(int code) {
  const int exponent = code / 8, mantissa = code % 8;
  return exponent == 0 ? mantissa : std::ldexp(8 + mantissa, exponent - 1);
}

}  // namespace

TEST_CASE("trine_post_e4m3 gives the place of the nearest value for all inputs", "[tb][format]") {
  std::vector<double> borders;  // after each code but the last
  for (int code = 0; code < kLast; ++code) borders.push_back((e4m3(code) + e4m3(code + 1)) / 2);
  CHECK(e4m3(kLast) == 448 * 512);
  Vtrine_post_e4m3 dut;
  int seen = 0;
  golden::for_every_number(dut, kBits, [&](double number) {
    const int place = static_cast<std::int32_t>(std::uint32_t{dut.place_o} << 23) >> 23;
    const auto code = static_cast<int>(golden::nearest_code(borders, std::abs(number)));
    const int wanted = number < 0 ? -code : code;
    ++seen;
    if (std::clamp(place, -kLast, kLast) == wanted) return;
    CAPTURE(number, place, wanted);
    FAIL("another place");
  });
  CHECK(seen == 1 << (kBits + 1));
}
