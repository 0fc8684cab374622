// SPDX-License-Identifier: Apache-2.0
//
// Every input against the rule, which is a proof: a module without a register has no other state.
// The rule: values of the codes 0 to 126 by the definition of E4M3; of each two neighbours a
// border, the middle; a number goes to the value on its side, on a border to the even code, beyond
// the largest value to that.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "Vtrine_post_e4m3.h"
#include "base/catch.h"
#include "tb/golden/nearest.h"

namespace golden = trine::golden;

namespace {

constexpr int kBits = 20;  ///< trine_post_pkg::FormatBits
constexpr int kLast = 126;

/// In units, which are 2^-9.
double e4m3(int code) {
  const int exponent = code / 8, mantissa = code % 8;
  return exponent == 0 ? mantissa : std::ldexp(8 + mantissa, exponent - 1);
}

}  // namespace

TEST_CASE("trine_post_e4m3 gives the nearest value's place of all inputs", "[tb][format]") {
  std::vector<double> borders;  // behind each code but the last
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
