// SPDX-License-Identifier: Apache-2.0
//
// The lanes of a compute or vector RUN: their read and write positions, tile by tile, and other
// facts that follow from the RUN's registers. The verifier (sw/program/verify.h) and the simulator
// (sim/arch) use them.

#pragma once

#include <cstdint>
#include <vector>

#include "spec/isa.h"
#include "spec/precision.h"

namespace trine::isa {

inline constexpr std::int64_t kAddressMask = (std::int64_t{1} << isa::kAddressBits) - 1;

/// Returns a field that is a difference of addresses: 24 bits in two's complement.
template <typename Registers, typename Field>
std::int64_t difference(const Registers& registers, const Field& field) {
  const std::int64_t v = registers.get(field);
  return v > kAddressMask / 2 ? v - kAddressMask - 1 : v;
}

/// Returns a field as an int.
template <typename Registers, typename Field>
int field(const Registers& registers, const Field& f) {
  return static_cast<int>(registers.get(f));
}

/// Returns the output mode of the post unit.
inline isa::post::Output output_of(const isa::LaneRegisters& r) {
  return static_cast<isa::post::Output>(r.get(isa::post::kOutput));
}

/// Returns the precision of the RUN's output codes.
inline const spec::Precision& encoding_of(const isa::LaneRegisters& r) {
  return spec::kPrecisions.at(r.get(isa::post::kEncoding));
}

/// Returns the channels in an output word of a compute RUN. A raw sum fills a word.
inline int codes_per_word(const isa::LaneRegisters& r) {
  return output_of(r) == isa::post::Output::kRaw ? 1 : encoding_of(r).codes_per_word();
}

/// Returns the number of passes of each channel's sum through the post unit.
inline int passes_of(const isa::LaneRegisters& r) {
  return output_of(r) == isa::post::Output::kThresholds ? field(r, isa::post::kPassesLast) + 1 : 1;
}

/// Returns the registers as core `core` of a cluster uses them: y_start and y_end are increased by
/// core_y rows for each core before it.
isa::Registers moved_down(const isa::Registers& registers, int core);

/// Returns the cores that a load or store names, one bit each, or all `cores` if it names none.
unsigned cores_of(const isa::Registers& registers, int cores);
/// Returns the core whose DMEM a load reads; 0 if the named core does not exist.
int core_read(const isa::Registers& registers, int cores);

/// Returns the gather steps of a tile: channel words times taps, at most 2^40.
inline std::int64_t steps_of(const isa::LaneRegisters& r) {
  namespace agu = isa::agu;
  return (r.get(agu::kWordsLast) + 1) * (r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1);
}

/// Returns the address step from the first tap of a channel word to the first tap of the next.
inline std::int64_t window_step(const isa::LaneRegisters& r) {
  namespace agu = isa::agu;
  return difference(r, agu::kCwStep) + r.get(agu::kRLast) * difference(r, agu::kKyStep) +
         (r.get(agu::kRLast) + 1) * r.get(agu::kSLast) * difference(r, agu::kKxStep);
}

/// Returns the output channels of a group: array columns, or bytes of the window former's word.
inline int group_columns(const spec::Config& config, const isa::Run& run) {
  return run.has(isa::compute::kWindow) ? 4 : config.cols;
}

/// Ways in which lanes 2n and 2n + 1 share a position, for the low and the high byte of int16
/// codes. If codes on the input or output side are int8, only the odd lane reads or writes there.
enum class Pairs { kNone, kBoth, kOddReads, kOddWrites };

/// Returns true if the operation turns int16 codes into int8 codes.
inline bool narrows16(isa::vector::Op op) {
  return op == isa::vector::Op::kNarrow16 || op == isa::vector::Op::kMulNarrow16 ||
         op == isa::vector::Op::kTripleNarrow16 || op == isa::vector::Op::kFiveNarrow16;
}
/// Returns true if the operation multiplies int16 codes.
inline bool multiplies16(isa::vector::Op op) {
  return op == isa::vector::Op::kMul16 || op == isa::vector::Op::kMulNarrow16;
}
/// Returns true if each lane of the array computes a sum and writes two words of its own: a compute
/// RUN of int8 values with int16 results.
inline bool is_by_row(const isa::Run& run) {
  return static_cast<isa::compute::Op>(run.op) == isa::compute::Op::kInt8Int16;
}

/// Returns how lanes are paired. @param engine  compute or vector
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
/// Returns true if int16 codes are interpolated on lines between points of the table.
inline bool has_lines(isa::vector::Op op) {
  return op == isa::vector::Op::kLogistic16 || op == isa::vector::Op::kTanh16 ||
         op == isa::vector::Op::kExponential16;
}
/// Returns true if the result is one of the int16 operands: maximum or minimum.
inline bool compares16(isa::vector::Op op) {
  return op == isa::vector::Op::kMax16 || op == isa::vector::Op::kMin16;
}
/// Returns true if the vector engine computes over all channels of a position's int16 codes.
inline bool is_row(const isa::Run& run) {
  const auto op = static_cast<isa::vector::Op>(run.op);
  return op == isa::vector::Op::kExponential16 || op == isa::vector::Op::kShare16 ||
         (compares16(op) && run.has(isa::vector::kReduce));
}
/// Returns true if each code is made of int32 words, one word per operand.
inline bool takes_words(isa::vector::Op op) {
  return op == isa::vector::Op::kJoin16 || op == isa::vector::Op::kTriple16 ||
         op == isa::vector::Op::kTripleNarrow16 || op == isa::vector::Op::kFiveNarrow16 ||
         op == isa::vector::Op::kWord16;
}
/// Returns true if lanes share positions.
inline bool pairs_lanes(isa::Engine engine, const isa::Run& run) {
  return pairs_of(engine, run) != Pairs::kNone;
}

/// The coordinates of all lanes and their advance from tile to tile. The window former adds lanes
/// after the last one, its right-hand neighbours, which gather but have no outputs.
struct Lanes {
  /// Position and addresses of one lane.
  struct Lane {
    std::int64_t x = 0, y = 0, base = 0, out = 0;
  };

  /// Sets the lanes of the first tile. @param pairs  unless kNone: lane 2n + 1 has the position of
  /// lane 2n, and its addresses are one word higher
  Lanes(const isa::LaneRegisters& r, int rows, int neighbours = 0, Pairs pairs = Pairs::kNone);

  /// Moves all lanes to the next tile.
  void next_tile(const isa::LaneRegisters& r);

  /// Returns true if the lane reads words of the current tile.
  bool gathers(std::size_t lane) const {
    const bool wanted =
        lane < rows_ || static_cast<std::int64_t>(lane - rows_ + 1) * stride_x_ <= halo_;
    return wanted && lanes[lane].y < y_end_ && (pairs_ != Pairs::kOddReads || lane % 2 != 0);
  }
  /// Returns true if the lane has an output in the current tile.
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
