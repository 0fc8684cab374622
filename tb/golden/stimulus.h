// SPDX-License-Identifier: Apache-2.0
//
// Stimulus that all benches share.

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <random>

namespace trine::golden {

/// Returns true in `percent` of 100 draws.
inline bool chance(std::mt19937& random, unsigned percent) { return random() % 100 < percent; }

/// Returns a random word. One word in four is a corner case for some lane width; the others are
/// uniform.
inline std::uint32_t any_word(std::mt19937& random) {
  constexpr std::array<std::uint32_t, 8> kCorners{0x00000000, 0xffffffff, 0x80808080, 0x7f7f7f7f,
                                                  0x80000000, 0x7fffffff, 0x55555555, 0x00000001};
  const std::uint32_t draw = static_cast<std::uint32_t>(random());
  return chance(random, 25) ? kCorners[draw % kCorners.size()] : draw;
}

/// Returns a mask of lanes, banks or columns with independent bits.
template <std::size_t N>
std::bitset<N> any_mask(std::mt19937& random) {
  std::bitset<N> mask;
  for (std::size_t i = 0; i < N; i += 32)
    mask |= std::bitset<N>(static_cast<std::uint32_t>(random())) << i;
  return mask;
}

/// Drives a port of any width up to 64 bits.
template <typename Port>
void drive(Port& port, std::uint64_t value) {
  port = static_cast<Port>(value);
}

}  // namespace trine::golden
