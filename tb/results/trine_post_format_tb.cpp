// SPDX-License-Identifier: Apache-2.0
//
// Compares every input with the rule, which is a proof: a module without a register has no other
// state. The rule: codes have the values of E3M4 and of posits; the border between two neighbours
// is the middle, for posits the posit with one more bit between them; a number rounds to the value
// on its side of the border, on a border to the even code, beyond the largest value to that value;
// no nonzero number becomes the posit 0.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "Vtrine_post_format.h"
#include "sw/base/catch.h"
#include "tb/golden/nearest.h"

namespace golden = trine::golden;

namespace {

constexpr int kBits = 20;       ///< trine_post_pkg::FormatBits
constexpr double kUnit = 64.0;  ///< units per 1, for both formats

double e3m4(int code) {
  const int exponent = code / 16, mantissa = code % 16;
  return exponent == 0 ? mantissa / 64.0 : std::ldexp(16 + mantissa, exponent - 7);
}

/// Returns the value of a positive posit without exponent bits: a run of equal bits, the opposite
/// bit, a fraction.
double posit(int code, int bits) {
  const auto bit = [&](int at) { return at >= 0 && (code >> at & 1) != 0; };
  int run = 1, at = bits - 2;
  while (at - run >= 0 && bit(at - run) == bit(at)) ++run;
  double value = bit(at) ? std::ldexp(1, run - 1) : std::ldexp(1, -run), part = value;
  for (at -= run + 1; at >= 0; --at)
    if (part /= 2; bit(at)) value += part;
  return value;
}

struct Rule {
  std::vector<double> values, borders;  ///< in units

  explicit Rule(bool is_posit) {
    for (int code = 0; code < (is_posit ? 128 : 112); ++code)
      values.push_back(kUnit * (!is_posit ? e3m4(code) : code == 0 ? 0 : posit(code, 8)));
    for (std::size_t c = 0; c + 1 < values.size(); ++c)
      borders.push_back(!is_posit ? (values[c] + values[c + 1]) / 2
                        : c == 0  ? 0
                                  : kUnit * posit(2 * static_cast<int>(c) + 1, 9));
  }

  double nearest(double number) const {
    return std::copysign(values[golden::nearest_code(borders, std::abs(number))], number);
  }
};

}  // namespace

TEST_CASE("trine_post_format gives the nearest value for all inputs", "[tb][format]") {
  const bool is_posit = GENERATE(false, true);
  const Rule rule(is_posit);
  CHECK(rule.values.back() == (is_posit ? 4096 : 992));
  Vtrine_post_format dut;
  dut.posit_i = is_posit;
  int seen = 0;
  const double most = rule.values.back();
  golden::for_every_number(dut, kBits, [&](double number) {
    const int value = static_cast<std::int32_t>(dut.value_o << (32 - kBits)) >> (32 - kBits);
    const double wanted = rule.nearest(number);
    ++seen;
    if (std::clamp<double>(value, -most, most) == wanted) return;
    CAPTURE(is_posit, number, value, wanted);
    FAIL("another value");
  });
  CHECK(seen == 1 << (kBits + 1));
}
