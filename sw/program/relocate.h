// SPDX-License-Identifier: Apache-2.0
//
// Moves a program's data in DRAM to other addresses. Layers of one shape are compiled once, and
// each has its own constants and caches.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// A move of the bytes begin..end-1 to address `to`. All three count from BASE.
struct Move {
  std::int64_t begin = 0, end = 0, to = 0;
};

/// Returns the program's words with these moves. Data outside of all moves stay in place.
/// @throws Error  if a RUN's rows are only partly inside of a move
std::vector<isa::Word> relocated(const Program& program, std::span<const Move> moves);

}  // namespace trine::program
