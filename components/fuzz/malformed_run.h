// SPDX-License-Identifier: Apache-2.0
//
// Programs without a compiler, after a correct BEGIN: half of them are legal programs with one to
// three changed fields or words, half random words. Each must end with a cause, on the architecture
// simulator and on the RTL, touch nothing outside of its window, and leave a machine on which a
// good program is exact.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "spec/config.h"
#include "tools/random/malformed_words.h"

namespace trine::fuzz {

/// Coverage of malformed programs.
struct Reached {
  int programs = 0, past_1 = 0, past_10 = 0, past_100 = 0;  ///< instructions: words after BEGIN
  std::map<std::string, int> causes;  ///< of the end: names of ERROR_CAUSE, "done", "refused"
  std::set<std::string> operations;   ///< "compute int8", "vector: single"
  int good = 0;                       ///< number of good programs that followed

  void count(const std::string& cause, std::size_t words);
  /// Records a RUN that began.
  void run(isa::Word word);
  std::string text() const;
};

/// Returns all operations of the instruction set, which a set of designs with all features must
/// reach.
std::set<std::string> all_operations();

/// Runs programs first .. first + count - 1 on the architecture simulator or on the RTL.
/// @throws Error  names the program whose end is wrong
void malformed_on_arch(const spec::Config& config, unsigned first, unsigned count,
                       Reached& reached);
void malformed_on_rtl(const spec::Config& config, unsigned first, unsigned count, Reached& reached);

/// Runs random programs whose packed weights (memory.packed_weights) contain wrong bits: both
/// simulators must end with the same cause, and a good program must be exact afterwards.
/// @throws Error  as above
void wrong_streams(const spec::Config& config, unsigned count, Reached& reached);

}  // namespace trine::fuzz
