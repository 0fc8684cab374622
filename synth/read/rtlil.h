// SPDX-License-Identifier: Apache-2.0
//
// Parses the hierarchy of Yosys' RTLIL text: modules, their instances and memory bits. Modules can
// be separated, so that each is synthesized with its children as black boxes.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

/// A module after elaboration. Names have no backslash. Variants of a module by its parameters are
/// named `trine_queue`, or `trine_queue__1`, `trine_queue__2` if there are several.
struct Module {
  std::string name;
  std::string base;                     ///< the module's name in the source
  std::string text;                     ///< "module ... end" with the attributes before it
  std::string stub;                     ///< the module with its ports only, as a black box
  std::map<std::string, int> children;  ///< number of instances of each module
  std::int64_t memory_width = 0, memory_depth = 0;  ///< size of its largest memory
  bool blackbox = false;                            ///< true for a cell of the library
  int cells = 0;                                    ///< number before mapping, a measure of size

  /// Returns the bits of its largest memory.
  std::int64_t memory_bits() const { return memory_width * memory_depth; }
};

using Design = std::map<std::string, Module>;

/// Parses RTLIL.
/// @param rtlil  output of write_rtlil after hierarchy and proc
/// @throws Error  not such a text
Design parse_rtlil(std::string_view rtlil);

/// Returns the number of instances of each module below one `top`, which counts 1.
std::map<std::string, std::int64_t> count_instances(const Design& design, const std::string& top);

}  // namespace trine::synth
