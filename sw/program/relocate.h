// SPDX-License-Identifier: Apache-2.0
//
// A program's words for other places of what it has in DRAM: layers of one shape are compiled once,
// and each has constants and caches of its own.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// Bytes [begin, end) from BASE on that lie at `to` instead.
struct Move {
  std::int64_t begin = 0, end = 0, to = 0;
};

/// The program's words with these moves; what is in none of them stays where it is.
/// @throws Error  a RUN's rows begin in two of them, or in one and outside
std::vector<isa::Word> relocated(const Program& program, std::span<const Move> moves);

}  // namespace trine::program
