// SPDX-License-Identifier: Apache-2.0
//
// Tests that no program hangs the machine or leaves its window, whatever its words: a share of the
// programs of malformed_slow_test. TRINE_MALFORMED_ARCH and TRINE_MALFORMED_RTL set other numbers
// of programs, TRINE_MALFORMED_FIRST the first one.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "components/fuzz/malformed_run.h"
#include "sw/base/catch.h"
#include "tests/programs/random_program.h"

using namespace trine;
using namespace trine::fuzz;
using tests::config_of, tests::RandomDesign, tests::small_designs;

namespace {

#ifdef TRINE_SLOW_TESTS
constexpr unsigned kArch = 100'000, kRtl = 2'000;
#else
constexpr unsigned kArch = 6'000, kRtl = 60;
#endif

/// The small designs of random_program_test: both tests use the same models.
const std::vector<RandomDesign> kDesigns = small_designs();

/// Returns the number of programs of each design.
unsigned share(unsigned count) {
  const auto designs = static_cast<unsigned>(kDesigns.size());
  return (count + designs - 1) / designs;
}

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

}  // namespace

TEST_CASE("any words end on the architecture simulator, each with a cause", "[malformed][arch]") {
  Reached reached;
  const unsigned count = from_environment("TRINE_MALFORMED_ARCH", kArch);
  const unsigned first = from_environment("TRINE_MALFORMED_FIRST", 0);
  for (const RandomDesign& design : kDesigns)
    malformed_on_arch(config_of(design), first, share(count), reached);
  std::fputs(reached.text().c_str(), stdout);
  CHECK(2 * reached.past_10 >= reached.programs);
  if (count < kArch) return;
  CHECK(reached.operations == all_operations());
  for (const char* cause : {"done", "refused", "illegal", "feature", "token", "deadlock",
                            "load_window", "store_window", "progress", "cycles", "stream"}) {
    CAPTURE(cause);
    CHECK(reached.causes[cause] > 0);
  }
}

TEST_CASE("any words end on the RTL inside of their window and a good program after is exact",
          "[malformed][rtl]") {
  Reached reached;
  const unsigned count = from_environment("TRINE_MALFORMED_RTL", kRtl);
  const unsigned first = from_environment("TRINE_MALFORMED_FIRST", 0);
  for (const RandomDesign& design : kDesigns)
    malformed_on_rtl(config_of(design), first, share(count), reached);
  std::fputs(reached.text().c_str(), stdout);
  CHECK(reached.good == reached.programs);
  CHECK(2 * reached.past_10 >= reached.programs);
  if (count < 2'000) return;
  CHECK(reached.operations == all_operations());
  for (const char* cause : {"done", "illegal", "feature", "token", "deadlock", "load_window",
                            "store_window", "progress", "cycles"}) {
    CAPTURE(cause);
    CHECK(reached.causes[cause] > 0);
  }
}

TEST_CASE("invalid packed weights end with their error and not with a hang",
          "[malformed][rtl][packed]") {
  Reached reached;
  wrong_streams(config_of(kDesigns[2]), share(kRtl), reached);
  std::fputs(reached.text().substr(0, reached.text().find("\n  not")).c_str(), stdout);
  CHECK(reached.causes["stream"] > 0);
}
