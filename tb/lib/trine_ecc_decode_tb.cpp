// SPDX-License-Identifier: Apache-2.0
//
// Tests words without an error, with each single error, with each pair of errors, and with any
// check bits.

#include <algorithm>
#include <random>

#include "Vtrine_ecc_decode.h"
#include "sw/base/catch.h"
#include "tb/golden/ecc.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_ecc_decode corrects all single errors and reports all double ones", "[tb][ecc]") {
  std::mt19937 random{1};
  Vtrine_ecc_decode dut;
  const std::vector<unsigned> columns = ecc_columns();
  const auto decode = [&](std::uint64_t word) {
    dut.word_i = word;
    dut.eval();
  };
  for (int n = 0; n < 200; ++n) {
    const std::uint32_t data = n == 0 ? 0 : n == 1 ? ~0U : any_word(random);
    const std::uint64_t word = ecc_encode(data);
    CAPTURE(n, data);
    decode(word);
    REQUIRE(dut.data_o == data);
    REQUIRE(!dut.corrected_o);
    REQUIRE(!dut.fatal_o);
    for (unsigned syndrome = 1; syndrome < 1u << (kStoredBits - 32); ++syndrome) {
      CAPTURE(syndrome);
      const bool one = (syndrome & (syndrome - 1)) == 0 ||
                       std::count(columns.begin(), columns.end(), syndrome) != 0;
      decode(word ^ std::uint64_t{syndrome} << 32);
      REQUIRE(dut.corrected_o == one);
      REQUIRE(dut.fatal_o == !one);
    }
    for (int i = 0; i < kStoredBits; ++i) {
      CAPTURE(i);
      decode(word ^ std::uint64_t{1} << i);
      REQUIRE(dut.data_o == data);
      REQUIRE(dut.corrected_o);
      REQUIRE(!dut.fatal_o);
      for (int j = 0; j < i; ++j) {
        CAPTURE(j);
        decode(word ^ std::uint64_t{1} << i ^ std::uint64_t{1} << j);
        REQUIRE(!dut.corrected_o);
        REQUIRE(dut.fatal_o);
      }
    }
  }
}
