// SPDX-License-Identifier: Apache-2.0
//
// Yosys' RTLIL text, as far as hierarchy goes: which modules there are, what they instantiate, how
// many memory bits they hold. A file can be taken apart, so that each module is synthesized alone
// with its children as black boxes.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

/// A module after elaboration. Names have no backslash; variants of one module by parameters are
/// `trine_queue`, or `trine_queue__1`, `trine_queue__2` where there are several.
struct Module {
  std::string name;
  std::string base;                     ///< the module's name in the source
  std::string text;                     ///< "module ... end" and the attributes before it
  std::string stub;                     ///< the same with ports only, as a black box
  std::map<std::string, int> children;  ///< instances by module
  std::int64_t memory_width = 0, memory_depth = 0;  ///< of its largest memory
  bool blackbox = false;                            ///< a cell of the library
  int cells = 0;                                    ///< before mapping; a measure of size

  std::int64_t memory_bits() const { return memory_width * memory_depth; }
};

using Design = std::map<std::string, Module>;

/// @param rtlil  output of write_rtlil after hierarchy and proc
/// @throws Error  when it is not that
Design parse_rtlil(std::string_view rtlil);

/// Number of instances of each module below one `top` (itself 1).
std::map<std::string, std::int64_t> count_instances(const Design& design, const std::string& top);

}  // namespace trine::synth
