// SPDX-License-Identifier: Apache-2.0
//
// The lanes of a compute or vector RUN: where each one reads and writes, tile by tile, and the
// other facts of their registers. The verifier (sw/program/verify.h) and the simulator (sim/arch)
// use them.

#pragma once

#include <cstdint>
#include <vector>

#include "machine/isa.h"
#include "machine/precision.h"

namespace trine::isa {

inline constexpr std::int64_t kAddressMask = (std::int64_t{1} << isa::kAddressBits) - 1;

/// A field that is a difference of addresses: two's complement of 24 bits.
template <typename Registers, typename Field>
std::int64_t difference(const Registers& registers, const Field& field) {
  const std::int64_t v = registers.get(field);
  return v > kAddressMask / 2 ? v - kAddressMask - 1 : v;
}

template <typename Registers, typename Field>
int field(const Registers& registers, const Field& f) {
  return static_cast<int>(registers.get(f));
}

inline isa::post::Output output_of(const isa::LaneRegisters& r) {
  return static_cast<isa::post::Output>(r.get(isa::post::kOutput));
}

inline const machine::Precision& encoding_of(const isa::LaneRegisters& r) {
  return machine::kPrecisions.at(r.get(isa::post::kEncoding));
}

/// Channels in an output word of a compute RUN; raw sums have words of their own.
inline int codes_per_word(const isa::LaneRegisters& r) {
  return output_of(r) == isa::post::Output::kRaw ? 1 : encoding_of(r).codes_per_word();
}

/// Passes of a channel's sum through the post unit.
inline int passes_of(const isa::LaneRegisters& r) {
  return output_of(r) == isa::post::Output::kThresholds ? field(r, isa::post::kPassesLast) + 1 : 1;
}

/// The registers as core `core` of a cluster has them: its lanes lie lower by core_y rows each.
isa::Registers moved_down(const isa::Registers& registers, int core);

/// The cores of so many that a load or store names, a bit each: all where none is.
unsigned cores_of(const isa::Registers& registers, int cores);
/// The core whose DMEM it reads.
int core_read(const isa::Registers& registers, int cores);

/// Gather steps of a tile: channel words times taps, at most 2^40.
inline std::int64_t steps_of(const isa::LaneRegisters& r) {
  namespace agu = isa::agu;
  return (r.get(agu::kWordsLast) + 1) * (r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1);
}

/// The step from the first tap of a channel word to that of the next.
inline std::int64_t window_step(const isa::LaneRegisters& r) {
  namespace agu = isa::agu;
  return difference(r, agu::kCwStep) + r.get(agu::kRLast) * difference(r, agu::kKyStep) +
         (r.get(agu::kRLast) + 1) * r.get(agu::kSLast) * difference(r, agu::kKxStep);
}

/// Output channels of a group: columns of the array, or bytes of the window former's word.
inline int group_columns(const machine::Config& config, const isa::Run& run) {
  return run.has(isa::compute::kWindow) ? 4 : config.cols;
}

/// Whether two lanes share a position: an int16 code's high byte and its low byte. Where codes are
/// int8 on one side, the even lane has none of its own there.
enum class Pairs { kNone, kBoth, kOddReads, kOddWrites };

/// Whether int8 codes are made of int16 ones.
inline bool narrows16(isa::vector::Op op) {
  return op == isa::vector::Op::kNarrow16 || op == isa::vector::Op::kMulNarrow16 ||
         op == isa::vector::Op::kTripleNarrow16 || op == isa::vector::Op::kFiveNarrow16;
}
/// Whether it is a product of int16 codes.
inline bool multiplies16(isa::vector::Op op) {
  return op == isa::vector::Op::kMul16 || op == isa::vector::Op::kMulNarrow16;
}
/// Whether each lane of the array has a sum, and two words, of its own: a compute RUN of int8 whose
/// results are int16.
inline bool is_by_row(const isa::Run& run) {
  return static_cast<isa::compute::Op>(run.op) == isa::compute::Op::kInt8Int16;
}

/// @param engine  compute or vector
inline Pairs pairs_of(isa::Engine engine, const isa::Run& run) {
  const isa::Code* operation = isa::operations_of(engine).find(engine, run.op);
  const bool vector = engine == isa::Engine::kVector;
  if (operation == nullptr || (operation->needs & isa::feature::kInt16) == 0 ||
      (!vector && is_by_row(run)))
    return Pairs::kNone;
  const auto op = static_cast<isa::vector::Op>(run.op);
  const bool odd_reads = op == isa::vector::Op::kWiden16 || op == isa::vector::Op::kWord16;
  return vector && odd_reads       ? Pairs::kOddReads
         : vector && narrows16(op) ? Pairs::kOddWrites
                                   : Pairs::kBoth;
}
/// Whether int16 codes go on to a line between two points of the table.
inline bool has_lines(isa::vector::Op op) {
  return op == isa::vector::Op::kLogistic16 || op == isa::vector::Op::kTanh16 ||
         op == isa::vector::Op::kExponential16;
}
/// Whether the result is one of the int16 codes.
inline bool compares16(isa::vector::Op op) {
  return op == isa::vector::Op::kMax16 || op == isa::vector::Op::kMin16;
}
/// Whether it is an operation of the vector engine over the channels of int16 codes.
inline bool is_row(const isa::Run& run) {
  const auto op = static_cast<isa::vector::Op>(run.op);
  return op == isa::vector::Op::kExponential16 || op == isa::vector::Op::kShare16 ||
         (compares16(op) && run.has(isa::vector::kReduce));
}
/// Whether codes are made of int32 words, one in each.
inline bool takes_words(isa::vector::Op op) {
  return op == isa::vector::Op::kJoin16 || op == isa::vector::Op::kTriple16 ||
         op == isa::vector::Op::kTripleNarrow16 || op == isa::vector::Op::kFiveNarrow16 ||
         op == isa::vector::Op::kWord16;
}
inline bool pairs_lanes(isa::Engine engine, const isa::Run& run) {
  return pairs_of(engine, run) != Pairs::kNone;
}

/// Coordinates of the lanes, and how they advance. With the window former, the last lane's
/// right-hand neighbours are further lanes, which only gather.
struct Lanes {
  struct Lane {
    std::int64_t x = 0, y = 0, base = 0, out = 0;
  };

  /// @param pairs  lane 2n + 1 has lane 2n's position, one word further on
  Lanes(const isa::LaneRegisters& r, int rows, int neighbours = 0, Pairs pairs = Pairs::kNone);

  void next_tile(const isa::LaneRegisters& r);

  bool gathers(std::size_t lane) const {
    const bool wanted =
        lane < rows_ || static_cast<std::int64_t>(lane - rows_ + 1) * stride_x_ <= halo_;
    return wanted && lanes[lane].y < y_end_ && (pairs_ != Pairs::kOddReads || lane % 2 != 0);
  }
  /// Has an output.
  bool active(std::size_t lane) const {
    return lane < rows_ && lanes[lane].y < y_end_ && lanes[lane].x < x_end_ - idle_ &&
           (pairs_ != Pairs::kOddWrites || lane % 2 != 0);
  }

  std::vector<Lane> lanes;

 private:
  void advance(Lane& lane, std::int64_t x, std::int64_t y, std::int64_t base,
               std::int64_t out) const;
  void set_neighbours();

  std::size_t rows_;
  Pairs pairs_;
  std::int64_t x_end_, x_span_, y_end_, stride_x_, stride_y_, halo_, idle_, row_wrap_, out_wrap_;
};

}  // namespace trine::isa
