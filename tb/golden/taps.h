// SPDX-License-Identifier: Apache-2.0
//
// Golden model of a vector lane: reduces the taps of a window to four slots, one for each byte of
// the lane's word.
//
//   max, min     of each byte, of its four 2-bit or of its eight 1-bit values
//   sum          of each byte
//   add, mul     {second byte, first byte}; five_narrow16 {third byte, second, first}
//   sum16, leaky16   of each byte, of low ones less 128; add16, mul16, triple16 as add, mul
//   inverted taps: all after the first, bit by bit
//
// The RTL twin is rtl/results/trine_vector_lane.sv.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "spec/isa.h"
#include "tb/golden/dot.h"

namespace trine::golden {

inline bool is_pair(isa::vector::Op op) {
  using Op = isa::vector::Op;
  return op == Op::kAdd || op == Op::kMul || op == Op::kSquaredDifference || op == Op::kAdd16 ||
         op == Op::kMul16 || op == Op::kMulNarrow16 || op == Op::kTriple16 ||
         op == Op::kTripleNarrow16 || op == Op::kFiveNarrow16;
}
inline bool is_sum(isa::vector::Op op) {
  using Op = isa::vector::Op;
  return op == Op::kSum || op == Op::kSum16 || op == Op::kLeaky16 || op == Op::kNarrow16 ||
         op == Op::kWiden16 || op == Op::kLogistic16 || op == Op::kTanh16 ||
         op == Op::kExponential16 || op == Op::kShare16;
}

/// Returns the number of significant bits of a slot.
inline unsigned slot_bits(isa::vector::Op op) {
  const bool three = op == isa::vector::Op::kFiveNarrow16;
  return is_sum(op) || three ? 24 : is_pair(op) ? 16 : 8;
}

inline int byte_of(std::uint32_t word, unsigned b) {
  return static_cast<std::int8_t>(word >> 8 * b);
}

/// Returns the maximum of two's complement values of `bits` bits (one bit: 1 is larger than 0).
inline std::uint32_t max_of(std::uint32_t a, std::uint32_t b, int bits) {
  const std::uint32_t mask = (1u << bits) - 1, half = bits == 1 ? 0 : 1u << (bits - 1);
  std::uint32_t result = 0;
  for (int at = 0; at < 32; at += bits) {
    const std::uint32_t x = a >> at & mask, y = b >> at & mask;
    result |= ((x ^ half) > (y ^ half) ? x : y) << at;
  }
  return result;
}

/// @param low  the bytes are low bytes of int16 codes, from each of which a sum subtracts 128
inline std::array<int, 4> slots_of(isa::vector::Op op, std::vector<std::uint32_t> taps, bool invert,
                                   bool low = false) {
  using Op = isa::vector::Op;
  for (std::size_t k = 1; invert && k < taps.size(); ++k) taps[k] = ~taps[k];
  std::array<int, 4> slots{};
  if (is_sum(op) || is_pair(op)) {
    for (unsigned b = 0; b < 4; ++b) {
      for (const std::uint32_t tap : taps)
        slots[b] += low ? (byte_of(tap, b) & 0xff) - 128 : byte_of(tap, b);
      if (!is_pair(op)) continue;
      slots[b] = 0;
      for (std::size_t k = 0; k < taps.size(); ++k)
        slots[b] |= (byte_of(taps[k], b) & 0xff) << 8 * k;
    }
    return slots;
  }
  std::uint32_t word = taps[0];
  for (const std::uint32_t tap : taps) switch (op) {
      case Op::kMin:
        word = ~max_of(~word, ~tap, 8);
        break;
      case Op::kMax:
        word = max_of(word, tap, 8);
        break;
      case Op::kMaxTernary:
        word = max_of(word, tap, 2);
        break;
      case Op::kMaxBinary:
        word = max_of(word, tap, 1);
        break;
      case Op::kSum:
      case Op::kAdd:
      case Op::kMul:
      case Op::kSquaredDifference:
      case Op::kSoftmax:
      case Op::kNormalize:
      case Op::kSum16:
      case Op::kAdd16:
      case Op::kMul16:
      case Op::kMulNarrow16:
      case Op::kLeaky16:
      case Op::kNarrow16:
      case Op::kWiden16:
      case Op::kLogistic16:
      case Op::kTanh16:
      case Op::kMax16:
      case Op::kMin16:
      case Op::kJoin16:
      case Op::kTriple16:
      case Op::kTripleNarrow16:
      case Op::kFiveNarrow16:
      case Op::kWord16:
      case Op::kExponential16:
      case Op::kShare16:
        break;  // handled above, of two lanes, or not of a lane
    }
  for (unsigned b = 0; b < 4; ++b) slots[b] = static_cast<int>(word >> 8 * b & 0xff);
  return slots;
}

/// Returns the maximum or minimum of the int16 codes whose high and low bytes are in a pair of
/// lanes.
inline std::array<std::array<int, 4>, 2> extrema_of(const std::vector<std::uint32_t>& high,
                                                    const std::vector<std::uint32_t>& low,
                                                    bool smallest, bool invert) {
  std::array<std::array<int, 4>, 2> slots{};
  for (unsigned b = 0; b < 4; ++b) {
    int best = 0;
    for (std::size_t k = 0; k < high.size(); ++k) {
      const int code = byte_of(high[k], b) * 256 + (byte_of(low[k], b) & 0xff);
      const int tap = invert && k > 0 ? -1 - code : code;
      if (k == 0 || (smallest ? tap < best : tap > best)) best = tap;
    }
    slots[0][b] = best >> 8 & 0xff;
    slots[1][b] = best & 0xff;
  }
  return slots;
}

}  // namespace trine::golden
