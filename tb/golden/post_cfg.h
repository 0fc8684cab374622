// SPDX-License-Identifier: Apache-2.0
//
// Fields of trine_post_pkg's structs in a port: packed, the first member in the highest bits.

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
  kSums,
  kLookup,
  kSquare,
  kInt16,
  kByRow,
  kLeaky,
  kSubtract,
  kLine,
  kTanh,
  kGroups,
  kExponential,
  kShares,
  kWords,
  kThird,
  kFifth,
  kEncoding,
  kFormat,
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
inline constexpr std::array<unsigned, kFields> kWidths{
    3, 1, 1, 1, 1, 1,  1,  1, 1,  1, 1, 1, 1, 1,  1, 1, 1, 1, 2,  2,  4,  8,  1, 1,
    1, 1, 8, 8, 8, 32, 31, 6, 31, 6, 1, 8, 8, 31, 6, 8, 8, 8, 24, 24, 16, 16, 5};
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

/// job_t: flags above a cfg_t.
namespace job {
enum Flag { kDrain, kLast, kFirst, kTileLast, kTileFirst };
}
template <typename Port>
bool get_job(const Port& port, job::Flag flag) {
  return get_bits(port, cfg::lsb(cfg::kKind) + cfg::kWidths[cfg::kKind] + flag, 1) != 0;
}
template <typename Port>
void set_job(Port& port, job::Flag flag, bool value) {
  set_bits(port, cfg::lsb(cfg::kKind) + cfg::kWidths[cfg::kKind] + flag, 1, value ? 1 : 0);
}

/// Bits of compute_status_t, vector_status_t, softmax_status_t and of softmax_t, whose slot has two
/// bits.
namespace status {
enum Compute { kRetire = 1, kFetchBusy = 2, kDrainSoon = 4, kDrainOk = 8, kOdd = 16, kPairs = 32 };
enum Vector { kVectorRetire = 1, kDone = 2, kSoon = 4 };
enum Softmax { kProduct = 1, kLeft = 2, kIssue = 4 };
}  // namespace status
namespace softmax {
enum Bit {
  kRunEnd,
  kTileEnd,
  kWordEnd,
  kWordFirst,
  kPair,
  kSlot,
  kReciprocal = kSlot + 2,
  kNormalize
};
}
template <typename Port>
bool get_softmax(const Port& port, softmax::Bit bit) {
  return (port >> bit & 1) != 0;
}
template <typename Port>
void set_softmax(Port& port, softmax::Bit bit, unsigned value) {
  set_bits(port, bit, bit == softmax::kSlot ? 2 : 1, value);
}

}  // namespace trine::golden
