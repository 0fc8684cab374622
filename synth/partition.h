// SPDX-License-Identifier: Apache-2.0
//
// Decides which modules are synthesized separately. A module with many instances (a PE) is
// synthesized once, however large the array is. A module that is small, or is the only child of its
// only parent, is synthesized together with that parent, so that both share logic. Memories of at
// least kMacroBits remain black boxes, which memory macros replace.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "synth/read/rtlil.h"

namespace trine::synth {

inline constexpr std::int64_t kMacroBits = 2048;  ///< a memory with fewer bits becomes flip-flops

/// A module that is synthesized separately, with the modules that are synthesized with it.
struct Partition {
  std::string name;  ///< name of its top module
  std::int64_t instances = 0;
  std::string rtlil;  ///< text of its modules; its children are black boxes
  int size = 0;       ///< cells before mapping, for scheduling
};

/// A memory of the design.
struct Memory {
  std::string name;
  std::int64_t instances = 0, width = 0, depth = 0;
  std::int64_t dmem_pmem = 0;  ///< instances below trine_dmem or trine_pmem
  std::string rtlil;

  /// Returns the bits of all instances.
  std::int64_t bits() const { return instances * width * depth; }
};

/// The division of a design.
struct Plan {
  /// All modules that are synthesized separately, the top module first.
  std::vector<Partition> partitions;
  std::vector<Memory> memories;
};

/// Divides a design. @param flat  synthesizes everything except memories together
Plan make_plan(const Design& design, const std::string& top, bool flat = false);

}  // namespace trine::synth
