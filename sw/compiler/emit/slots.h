// SPDX-License-Identifier: Apache-2.0
//
// Manages PMEM and the bias and scale memories as caches that the compiler fills. A block stays
// until its place is needed. A new block takes the place whose last use is oldest, so that its load
// can start early.

#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <vector>

#include "sw/base/division.h"

namespace trine::compiler {

/// The blocks that one memory holds.
class Slots {
 public:
  Slots(std::int64_t capacity, std::int64_t unit) : capacity_(capacity), unit_(unit) {}

  std::int64_t rounded(std::int64_t size) const { return round_up(size, unit_); }
  std::int64_t capacity() const { return capacity_; }

  /// Returns the address of the block, or nothing if it is not in the memory.
  std::optional<std::int64_t> find(std::int64_t block) const {
    for (const Slot& s : slots_)
      if (s.block == block) return s.start;
    return std::nullopt;
  }

  /// Places the block and returns its address. Blocks that it overlaps are forgotten.
  /// @pre rounded(size) <= capacity
  std::int64_t place(std::int64_t block, std::int64_t size) {
    const std::int64_t start = oldest(size);
    place_at(block, start, size);
    return start;
  }

  /// Returns the address of `size` units whose last use is oldest.
  /// @pre rounded(size) <= capacity
  std::int64_t oldest(std::int64_t size) const {
    size = rounded(size);
    assert(size <= capacity_);
    std::vector<std::int64_t> starts{0};
    for (const Slot& s : slots_) {
      starts.push_back(s.start);
      starts.push_back(s.start + s.size);
    }
    std::int64_t best = 0, best_use = kNever;
    std::ranges::sort(starts);
    for (const std::int64_t start : starts) {
      if (start + size > capacity_) continue;
      std::int64_t use = -1;
      for (const Slot& s : slots_)
        if (s.meets(start, size)) use = std::max(use, s.last_use);
      if (use < best_use) {
        best = start;
        best_use = use;
      }
    }
    return best;
  }

  /// Places the block at address `start`.
  /// @pre start + rounded(size) <= capacity
  void place_at(std::int64_t block, std::int64_t start, std::int64_t size) {
    size = rounded(size);
    assert(start % unit_ == 0 && start + size <= capacity_);
    std::erase_if(slots_, [&](const Slot& s) { return s.meets(start, size); });
    slots_.push_back({block, start, size, -1});
  }

  void use(std::int64_t block, std::int64_t now) {
    for (Slot& s : slots_)
      if (s.block == block) s.last_use = now;
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
  /// A block, its address, its size, and the time of its last use.
  struct Slot {
    std::int64_t block, start, size, last_use;

    bool meets(std::int64_t first, std::int64_t count) const {
      return start < first + count && first < start + size;
    }
  };
  std::int64_t capacity_, unit_;
  std::vector<Slot> slots_;
};

}  // namespace trine::compiler
