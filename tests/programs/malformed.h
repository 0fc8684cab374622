// SPDX-License-Identifier: Apache-2.0
//
// Programs that nobody compiled, behind a right BEGIN: half of them legal programs of which one to
// three fields or words are changed, half random words. Each must end with a cause, on the
// architecture simulator and on the RTL, touch nothing outside of its window, and leave a machine
// on which a good program is exact.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/programs/random_program.h"
#include "tools/fuzz/malformed_words.h"

namespace trine::tests {

using fuzz::malformed_words;

/// What malformed programs reached.
struct Reached {
  int programs = 0, past_1 = 0, past_10 = 0, past_100 = 0;  ///< instructions: words behind BEGIN
  std::map<std::string, int> causes;  ///< of an end: names of ERROR_CAUSE, "done", "refused"
  std::set<std::string> operations;   ///< "compute int8", "vector: single"
  int good = 0;                       ///< programs behind them

  void count(const std::string& cause, std::size_t words);
  /// A RUN that began.
  void run(isa::Word word);
  std::string text() const;
};

/// All that the instruction set has: what a set of designs with all features must reach.
std::set<std::string> all_operations();

/// On the architecture simulator and on the RTL: programs first .. first + count - 1. Catch2
/// assertions.
void malformed_on_arch(const RandomDesign& design, unsigned first, unsigned count,
                       Reached& reached);
void malformed_on_rtl(const RandomDesign& design, unsigned first, unsigned count, Reached& reached);

/// Random programs whose packed weights (memory.packed_weights) have wrong bits: both end with the
/// same cause, and a good program behind is exact. Catch2 assertions.
void wrong_streams(const RandomDesign& design, unsigned count, Reached& reached);

}  // namespace trine::tests
