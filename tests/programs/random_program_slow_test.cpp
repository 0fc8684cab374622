// SPDX-License-Identifier: Apache-2.0
//
// Tests random instructions on the RTL against the architecture simulator: all shapes of array,
// pipeline and bus.

#include "sw/base/catch.h"
#include "tests/programs/random_program.h"

using namespace trine;
using namespace trine::tests;

TEST_CASE("random instructions give the same memory on designs of every shape",
          "[random][rtl][slow]") {
  const auto design = GENERATE(
      RandomDesign{1, 1, 32, 8, 8, true}, RandomDesign{1, 5, 512, 1, 2},
      RandomDesign{2, 2, 64, 1, 1}, RandomDesign{3, 5, 128, 2, 4, true},
      RandomDesign{5, 3, 256, 4, 1}, RandomDesign{4, 4, 64, 4, 2},
      RandomDesign{8, 8, 128, 8, 8, true}, RandomDesign{8, 1, 64, 2, 8},
      RandomDesign{16, 4, 32, 4, 4}, RandomDesign{4, 16, 64, 1, 4}, RandomDesign{16, 16, 512, 8, 8},
      RandomDesign{2, 1, 64, 8, 8, true, 2}, RandomDesign{3, 2, 32, 2, 2, true, 2},
      RandomDesign{5, 3, 256, 4, 2, true, 2}, RandomDesign{4, 4, 64, 4, 2, true, 2},
      RandomDesign{3, 5, 128, 1, 2, true, 2}, RandomDesign{8, 8, 64, 8, 8, true, 2},
      RandomDesign{16, 16, 128, 8, 8, true, 2}, RandomDesign{8, 8, 64, 8, 8, true, 1, true},
      RandomDesign{3, 5, 32, 2, 4, true, 2, true}, RandomDesign{4, 4, 512, 2, 2, true, 2, true},
      RandomDesign{2, 3, 32, 1, 1, false, 1, false, 24, false, 0, 1, true},
      RandomDesign{6, 5, 64, 3, 2, true, 2, true, 32, true, 1, 2, true},
      RandomDesign{8, 8, 128, 8, 8, true, 1, false, 32, false, 0, 2, true},
      RandomDesign{4, 5, 128, 2, 2, true, 2, true, 32, true, 1, 2, true, 2},
      RandomDesign{1, 4, 32, 1, 1, true, 1, false, 32, false, 0, 1, false, 8},
      RandomDesign{8, 8, 256, 8, 8, true, 1, false, 32, false, 0, 2, false, 5});
  check_random_programs(design, 30);
}

TEST_CASE("accesses of a cluster are counted for all of its cores", "[random][rtl][slow]") {
  check_accesses(config_of({2, 4, 64, 2, 2, true, 1, false, 32, false, 0, 2, false, 3}), 20);
}

TEST_CASE("accesses of int16 codes and of eight-bit formats are counted", "[random][rtl][slow]") {
  check_accesses(config_of({4, 8, 128, 2, 4, true, 2, false, 32, false, 0, 2, true}), 40);
}

TEST_CASE("random initial values of all registers change nothing", "[random][rtl][slow]") {
  sim::BuildOptions build;
  build.random_init = true;
  check_random_programs({3, 5, 64, 1, 2, true}, 20, build);
}
