// SPDX-License-Identifier: Apache-2.0
//
// Which modules are synthesized on their own. A module with many instances (a PE) is synthesized
// once, however large the array. What is small, or is the only child of its only parent, is
// synthesized together with that parent, so that logic is shared across the border. Memories of
// kMacroBits and more stay black boxes: a memory macro takes their place.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "synth/read/rtlil.h"

namespace trine::synth {

inline constexpr std::int64_t kMacroBits = 2048;  ///< a smaller memory becomes flip-flops

struct Partition {
  std::string name;  ///< of its top module
  std::int64_t instances = 0;
  std::string rtlil;  ///< its modules, its children as black boxes
  int size = 0;       ///< cells before mapping, for scheduling
};

struct Memory {
  std::string name;
  std::int64_t instances = 0, width = 0, depth = 0;
  std::int64_t dmem_pmem = 0;  ///< instances below trine_dmem or trine_pmem
  std::string rtlil;

  std::int64_t bits() const { return instances * width * depth; }
};

struct Plan {
  std::vector<Partition> partitions;  ///< every module that is synthesized alone, top first
  std::vector<Memory> memories;
};

/// @param flat  all of it is synthesized together, besides memories
Plan make_plan(const Design& design, const std::string& top, bool flat = false);

}  // namespace trine::synth
