// SPDX-License-Identifier: Apache-2.0
//
// A RUN with its registers, before it becomes words, and the memory that it touches.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/isa.h"

namespace trine::compiler {

enum class Space { kDmem, kPmem, kParams, kTable, kExponentials, kDram };

/// `count` ranges of `length` units (words; PMEM: rows; params: entries; tables: words), `stride`
/// apart.
struct Region {
  Space space = Space::kDmem;
  std::int64_t start = 0, length = 0, stride = 0, count = 1;

  std::int64_t end() const { return start + (count - 1) * stride + length; }
};

bool overlap(const Region& a, const Region& b);

struct Instruction {
  isa::Engine engine = isa::Engine::kLoad;
  isa::Registers registers;
  isa::Run run;
  int layer = 0;
  std::vector<Region> reads, writes;
};

/// Whether `later` must see what `earlier` did, or must not disturb it: a read after a write, a
/// write after a read or a write. Within an engine only the first matters: the rest is in order.
bool conflicts(const Instruction& earlier, const Instruction& later);
/// Whether they may come in either order.
bool independent(const Instruction& a, const Instruction& b);

/// Two lines or more for each RUN: what it does, and the memory that it reads and writes.
std::string to_text(const std::vector<Instruction>& program);

}  // namespace trine::compiler
