// SPDX-License-Identifier: Apache-2.0
//
// Tests random instructions on the RTL against the architecture simulator, on small designs.
// random_program_slow_test.cpp is the extended run.

#include "tests/programs/random_program.h"

#include <iterator>
#include <vector>

#include "sw/base/catch.h"

using namespace trine::tests;

TEST_CASE("random instructions give the same memory on RTL and architecture simulator",
          "[random][rtl]") {
  static constexpr unsigned kSeeds[] = {6, 6, 140, 24};
  const std::vector<RandomDesign> small = small_designs();
  REQUIRE(small.size() == std::size(kSeeds));
  for (std::size_t i = 0; i < small.size(); ++i) check_random_programs(small[i], kSeeds[i]);
  // Three blocks in each direction, all features enabled.
  check_random_programs({18, 20, 32, 8, 8, true, 2, false, 32, false, 0, 2, true}, 10);
  check_random_programs({3, 5, 64, 2, 4, true, 1, true, 20, true, 1, 2, false, 1, 64}, 6);
}
