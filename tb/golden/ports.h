// SPDX-License-Identifier: Apache-2.0
//
// Fields of a port: Verilator uses plain integers up to 64 bits, arrays of 32-bit words above.

#pragma once

#include <bitset>
#include <cstdint>
#include <type_traits>

namespace trine::golden {

/// Returns bits [lsb + width - 1 : lsb]. @param width  1..64
template <typename Port>
std::uint64_t get_bits(const Port& port, unsigned lsb, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const unsigned bit = lsb + i;
    std::uint64_t word;
    if constexpr (std::is_integral_v<Port>)
      word = static_cast<std::uint64_t>(port) >> bit;
    else
      word = port[bit / 32] >> (bit % 32);
    value |= (word & 1) << i;
  }
  return value;
}

template <typename Port>
void set_bits(Port& port, unsigned lsb, unsigned width, std::uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const unsigned bit = lsb + i;
    if constexpr (std::is_integral_v<Port>) {
      const std::uint64_t one = std::uint64_t{1} << bit;
      const std::uint64_t word = static_cast<std::uint64_t>(port);
      port = static_cast<Port>((value >> i & 1) != 0 ? word | one : word & ~one);
    } else {
      const std::uint32_t one = std::uint32_t{1} << (bit % 32);
      if ((value >> i & 1) != 0)
        port[bit / 32] |= one;
      else
        port[bit / 32] &= ~one;
    }
  }
}

/// Returns 32-bit word `i` of a port.
template <typename Port>
std::uint32_t get_word(const Port& port, unsigned i) {
  if constexpr (std::is_integral_v<Port>)
    return static_cast<std::uint32_t>(port >> (32 * i));
  else
    return port[i];
}

template <typename Port>
void set_word(Port& port, unsigned i, std::uint32_t word) {
  if constexpr (std::is_integral_v<Port>) {
    const Port mask = static_cast<Port>(Port{0xffffffffu} << (32 * i));
    port = static_cast<Port>((port & ~mask) | (Port{word} << (32 * i)));
  } else {
    port[i] = word;
  }
}

/// Returns a mask with a bit for each lane, bank or column, of any number.
template <std::size_t N, typename Port>
std::bitset<N> get_mask(const Port& port) {
  std::bitset<N> mask;
  for (unsigned i = 0; i < N; ++i) mask[i] = get_bits(port, i, 1) != 0;
  return mask;
}

template <std::size_t N, typename Port>
void set_mask(Port& port, const std::bitset<N>& mask) {
  for (unsigned i = 0; i < N; ++i) set_bits(port, i, 1, mask[i] ? 1 : 0);
}

/// Returns bit `i` of a port of at most 64 bits: of a strobe or a mask.
template <typename Port>
bool get_bit(const Port& port, unsigned i) {
  return static_cast<std::uint64_t>(port) >> i & 1;
}

}  // namespace trine::golden
