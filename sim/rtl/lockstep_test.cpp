// SPDX-License-Identifier: Apache-2.0
//
// Checks the comparison of write logs without a design.

#include "sim/rtl/lockstep.h"

#include "sw/base/catch.h"

using namespace trine::sim;

namespace {

constexpr std::uint32_t kAll = 0xffffffff;

Difference compare(const std::vector<ExpectedByte>& expected,
                   const std::vector<ObservedWrite>& writes) {
  return first_difference(expected, writes.data(), writes.size());
}

/// RUN 0 writes the bytes 1 2 3 4 to word 2, then RUN 1 changes byte 1 to 9.
const std::vector<ExpectedByte> kExpected{{8, 1, 0}, {9, 2, 0}, {10, 3, 0}, {11, 4, 0}, {9, 9, 1}};

}  // namespace

TEST_CASE("equal writes in another order of words are not a difference", "[rtl][lockstep]") {
  CHECK_FALSE(compare(kExpected, {{5, 2, 0x04030201, kAll}, {9, 2, 0x00000900, 0xff00}}).found);
  CHECK_FALSE(compare(kExpected, {{5, 2, 0x04030000, 0xffff0000},
                                  {6, 2, 0x00000201, 0xffff},
                                  {7, 2, 0x00000201, 0xffff},  // repeated
                                  {9, 2, 0x04030901, kAll}})
                  .found);
}

TEST_CASE("the first differing cycle is named with its instruction", "[rtl][lockstep]") {
  const Difference d = compare(kExpected, {{5, 2, 0x04030201, kAll}, {9, 2, 0x00000800, 0xff00}});
  REQUIRE(d.found);
  CHECK_FALSE(d.missing);
  CHECK_FALSE(d.unexpected);
  CHECK(d.cycle == 9);
  CHECK(d.word_address == 2);
  CHECK(d.byte == 1);
  CHECK(d.run == 1);
  CHECK(d.expected == 9);
  CHECK(d.actual == 8);
}

TEST_CASE("values of one byte in another order are a difference", "[rtl][lockstep]") {
  const Difference d = compare(kExpected, {{4, 2, 0x00000900, 0xff00}, {5, 2, 0x04030201, kAll}});
  REQUIRE(d.found);
  CHECK(d.cycle == 4);
  CHECK(d.run == 0);
}

TEST_CASE("a missing write names the first instruction in program order", "[rtl][lockstep]") {
  const Difference d = compare(kExpected, {{5, 2, 0x04030001, 0xffff00ff}});
  REQUIRE(d.found);
  CHECK(d.missing);
  CHECK(d.run == 0);
  CHECK(d.byte == 1);
  CHECK(d.expected == 2);
}

TEST_CASE("a write that is not in the program is a difference", "[rtl][lockstep]") {
  const Difference d = compare(kExpected, {{3, 70, 0x00000007, 0xff}});
  REQUIRE(d.found);
  CHECK(d.unexpected);
  CHECK(d.word_address == 70);
  CHECK(d.actual == 7);
}
