// SPDX-License-Identifier: Apache-2.0
//
// Latencies and rates of the RTL in cycles, of which the architecture simulator's timeline makes
// its predictions, and the rough sums of them by which the compiler and `trine estimate` compare
// candidates. Measured on single-layer programs and ResNet-8 (8x8, 64-bit bus) on the Verilated
// design; tests/cycles/cycles_test.cpp holds the predictions against the RTL. Sizes of queues and
// bursts, which cost cycles as well, are in machine/memories.h.

#pragma once

#include <algorithm>

#include "machine/config.h"

namespace trine::timing {

inline constexpr int kFetchRequest = 3;   ///< start to the first fetch address on the bus
inline constexpr int kFetchResponse = 4;  ///< last beat of a burst to its first word dispatched
inline constexpr int kFetchAgain = 2;  ///< a burst's last word dispatched to a request in its place
inline constexpr int kFetchKept = 6;   ///< request of a burst in IMEM to its first word there
inline constexpr int kKeptBeat = 2;    ///< of such a burst
inline constexpr int kQueue = 3;       ///< dispatcher to the issue unit
inline constexpr int kToken = 0;       ///< retirement to a RUN that waited for it
inline constexpr int kLoadRequest = 3;   ///< RUN to address on the bus
inline constexpr int kLoadResponse = 3;  ///< last beat on the bus to retirement
inline constexpr int kCopyRead = 7;      ///< RUN that reads DMEM to its first beat
inline constexpr int kUnpack = 3;        ///< the same of a packed stream, besides
inline constexpr int kLoadAgain = 1;     ///< last beat of a burst to a request in its place
inline constexpr int kLoadGap = 2;       ///< last beat of a load to the next one's first
inline constexpr int kRowsWritten = 3;   ///< of PMEM, which the next load waits for in a cluster
inline constexpr int kJoined = 1;        ///< retirement of the last core's RUN to that of all
inline constexpr int kLoadNext = 3;   ///< last beat of a load to the registers of the next but one
inline constexpr int kStoreRead = 4;  ///< RUN to first data on the bus
inline constexpr int kStoreResponse = 3;  ///< last response on the bus to retirement
inline constexpr int kStart = 3;          ///< RUN to first step, lanes filled before
inline constexpr int kRunEnd = 2;         ///< last step of a RUN to the next one's start
inline constexpr int kLaneSetup = 5;      ///< filling the lanes, besides a cycle for each two
inline constexpr int kCompute =
    10;  ///< last step to retirement, besides columns and stages of a PE
inline constexpr int kFusedAdd = 6;  ///< the second pass of a fused addition
inline constexpr int kLeaves = 6;    ///< a tile's last column to the next but one's first
inline constexpr int kResidual = 6;  ///< of a residual's word: from the column that frees its place
inline constexpr int kMerge = 2;     ///< of a bank with codes: a part of a word, read before
inline constexpr int kVector = 10;   ///< of a RUN, besides its windows
inline constexpr int kVectorWord = 5;  ///< of a window, besides taps and codes
/// The same where the next window's taps are asked for while codes are read: int16 designs.
inline constexpr int kVectorAhead = 4;
/// What a turn of the vector unit between two groups of columns takes besides its words: codes of
/// both are in the lanes at once, and leave in order.
inline constexpr int kTurn = 8;
inline constexpr int kOneWord = 3;  ///< that a RUN of one copied word a lane takes less
inline constexpr int kLine = 3;     ///< of a word whose codes lie on lines, besides
/// Last code of an int16 RUN to its end, besides: lines, additions and products.
inline constexpr int kLineEnd = 7, kPairEnd = 3;
inline constexpr int kRow = 8;         ///< of a tile's int16 channels: their extremum, or sum
inline constexpr int kShare = 15;      ///< the sum's reciprocal
inline constexpr int kMinus = 3;       ///< of a word of which the largest code is taken off
inline constexpr int kNormalize = 71;  ///< of a tile of a normalization, besides its two passes
inline constexpr int kSoftmax = 57;    ///< of a tile of a softmax, besides its three passes
inline constexpr int kProduct = 5;     ///< of a softmax: the one that rescales
inline constexpr int kDone = 1;        ///< last retirement to done

/// Cycles of a tile of a softmax, besides its passes.
inline int softmax(bool rescales) { return kSoftmax + (rescales ? kProduct : 0); }

/// Cycles of a column that is added to a residual, or whose maximum with one is taken; both lanes
/// of a row share an addition.
inline int residual_issue(const machine::Config& c, bool add) {
  return add && c.columns_per_cycle == 2 ? 1 : 2;
}

/// Cycles from a RUN's last SET to its first step: the lanes fill, two a cycle if their number is
/// even.
inline int fill_cycles(const machine::Config& c) {
  return (c.rows % 2 == 0 ? c.rows / 2 : c.rows) + kLaneSetup;
}

/// What a group of columns waits for `words` of a residual where it is drained behind another: the
/// first word is asked for when the columns before have been read, the next when all codes of a
/// word but the last have gone, one in `every` cycles. With two columns a cycle it has a place of
/// its own.
inline int residual_cycles(const machine::Config& c, int words, int every) {
  const int next = c.columns_per_cycle == 2 ? 0 : kResidual - 2 * every;
  return kResidual - 2 + (words - 1) * next;
}

/// Broadcast registers that the array's first row and column are ahead of the last ones.
inline int row_registers(const machine::Config& c) { return (c.rows - 1) / c.pipeline_rows; }
inline int column_registers(const machine::Config& c, int columns) {
  return (columns - 1) / c.pipeline_cols;
}

/// A group's last step to the cycle behind its first column's reading in the array's first rows.
inline int first_column(const machine::Config& c) { return 2 + c.pipeline_pe; }

/// From a group's last step to the next one's, at the earliest: the grant comes with the results,
/// later by what a promise does not reach of `issues` (only requantized columns are promised); a
/// promise reaches further where the last of `columns` is as late as the last row; a cycle sooner
/// where groups of a window are read in two.
inline int grant_cycles(const machine::Config& c, int columns, int issues, bool window,
                        bool promised = true) {
  const int reach = 1 + c.pipeline_pe + std::min(row_registers(c), column_registers(c, columns));
  const int late = promised ? std::max(0, issues - reach) : issues;
  const bool early = window && c.columns_per_cycle == 2 && c.pipeline_pe > 1 && issues <= 2;
  return first_column(c) - 1 + row_registers(c) + late - (early ? 1 : 0);
}

/// Part of the beats in places that the gather reads that cost it a cycle.
inline constexpr double kDmaMeets = 0.7;
/// Speed of a gather among beats, in steps a cycle.
inline constexpr double kLeastSpeed = 0.25;
/// Beats of a store in bursts.
inline constexpr double kStoreBeat = 1.25;

// ---- sums of the above, about -------------------------------------------------------------------

inline constexpr double kLayerOverhead = 30;     ///< a layer's last result to the next one's start
inline constexpr double kRunOverhead = 60;       ///< of a RUN that waits for the one before
inline constexpr double kRunStart = 20;          ///< of a RUN that does not
inline constexpr double kTransferOverhead = 50;  ///< of a transfer that nothing hides
inline constexpr double kMaximum = kVectorWord;  ///< of a maximum, besides its taps
inline constexpr double kSumWord = kVectorWord + 4 - 1;  ///< of a sum, besides its taps
inline constexpr double kAnyWord = 6;      ///< of a word of the vector unit, besides its taps
inline constexpr double kLeastWord = 5.5;  ///< of a word of int16 codes, taps and all
inline constexpr double kBusLatency = 40;  ///< a load's beats to their use, memory included

}  // namespace trine::timing
