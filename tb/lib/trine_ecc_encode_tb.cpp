// SPDX-License-Identifier: Apache-2.0
//
// Tests check bits against the rule of the columns: each single bit, then any words.

#include <random>

#include "Vtrine_ecc_encode.h"
#include "sw/base/catch.h"
#include "tb/golden/ecc.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_ecc_encode appends the sum of the columns", "[tb][ecc]") {
  REQUIRE(ecc_columns().size() == 32);
  std::mt19937 random{1};
  Vtrine_ecc_encode dut;
  for (unsigned n = 0; n < 20'000; ++n) {
    const std::uint32_t data = n == 0 ? 0 : n <= 32 ? 1U << (n - 1) : any_word(random);
    dut.data_i = data;
    dut.eval();
    CAPTURE(n, data);
    REQUIRE(dut.word_o == ecc_encode(data));
  }
}
