// SPDX-License-Identifier: Apache-2.0
//
// A RUN with its registers, before it is encoded as words, and the memory that it accesses.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/isa.h"

namespace trine::compiler {

/// The memories that instructions access.
enum class Space { kDmem, kPmem, kParams, kTable, kExponentials, kDram };

/// `count` ranges of `length` units, `stride` apart. A unit is a row of PMEM, an entry of a
/// parameter memory, or otherwise a word.
struct Region {
  Space space = Space::kDmem;
  std::int64_t start = 0, length = 0, stride = 0, count = 1;

  std::int64_t end() const { return start + (count - 1) * stride + length; }
};

/// Returns true if the two regions share a unit.
bool overlap(const Region& a, const Region& b);

/// A RUN, its registers, and the regions that it reads and writes.
struct Instruction {
  isa::Engine engine = isa::Engine::kLoad;
  isa::Registers registers;
  isa::Run run;
  int layer = 0;
  std::vector<Region> reads, writes;
};

/// Returns true if `later` must see what `earlier` wrote, or must not disturb it: a read after a
/// write, or a write after a read or a write. Within one engine only the read after a write counts,
/// because an engine executes in order.
bool conflicts(const Instruction& earlier, const Instruction& later);
/// Returns true if the two instructions may be executed in either order.
bool independent(const Instruction& a, const Instruction& b);

/// Returns the program as text: two or more lines for each RUN, with its operation and the memory
/// that it reads and writes.
std::string to_text(const std::vector<Instruction>& program);

}  // namespace trine::compiler
