// SPDX-License-Identifier: Apache-2.0
//
// Fields of trine_post_pkg::cfg_t in a port: a packed struct, the first member in the highest bits.

#pragma once

#include <array>
#include <cstdint>

#include "tb/golden/ports.h"
#include "tb/golden/post.h"

namespace trine::golden {

namespace cfg {
enum Field {
  kKind,
  kWindow,
  kMax,
  kLookup,
  kSquare,
  kEncoding,
  kPassesLast,
  kLow,
  kSingle,
  kHalfEven,
  kStaticScale,
  kStaticBias,
  kZeroPoint,
  kActMin,
  kActMax,
  kBias,
  kMultiplier,
  kShift,
  kAddOperandMultiplier,
  kAddOperandShift,
  kAddAIsHalf,
  kAddZeroA,
  kAddZeroB,
  kAddMultiplier,
  kAddShift,
  kAddZeroPoint,
  kAddActMin,
  kAddActMax,
  kResidualDelta,
  kOutPlane,
  kParam,
  kChannels,
  kPosition,
  kFields
};
inline constexpr std::array<unsigned, kFields> kWidths{3, 1,  1, 1, 1,  2,  4,  8,  1,  1,  1,
                                                       1, 8,  8, 8, 32, 31, 6,  31, 6,  1,  8,
                                                       8, 31, 6, 8, 8,  8,  24, 24, 16, 16, 5};
inline unsigned lsb(Field field) {
  unsigned bits = 0;
  for (unsigned f = field + 1; f < kFields; ++f) bits += kWidths[f];
  return bits;
}

enum Kind { kRequant = 0, kAdd = 1, kFused = 2, kMul = 3, kThreshold = 4, kRaw = 5, kDirect = 6 };
}  // namespace cfg

template <typename Port>
std::uint64_t get_cfg(const Port& port, cfg::Field field) {
  return get_bits(port, cfg::lsb(field), cfg::kWidths[field]);
}
template <typename Port>
void set_cfg(Port& port, cfg::Field field, std::int64_t value) {
  set_bits(port, cfg::lsb(field), cfg::kWidths[field], static_cast<std::uint64_t>(value));
}

}  // namespace trine::golden
