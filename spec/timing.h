// SPDX-License-Identifier: Apache-2.0
//
// Latencies and rates of the RTL in cycles. The architecture simulator's timeline predicts cycles
// with them; the compiler and `trine estimate` compare candidates with the rough sums at the end.
// They were measured on single-layer programs and ResNet-8 (8x8, 64-bit bus) on the Verilated
// design; tests/cycles/cycles_test.cpp checks the predictions against the RTL. Sizes of queues and
// bursts, which cost cycles as well, are in spec/memories.h.

#pragma once

#include <algorithm>

#include "spec/config.h"

namespace trine::timing {

inline constexpr int kFetchRequest = 3;  ///< from start to the first fetch address on the bus
/// From a burst's last beat to the dispatch of its first word.
inline constexpr int kFetchResponse = 4;
/// From the dispatch of a burst's last word to the request that takes its buffer.
inline constexpr int kFetchAgain = 2;
inline constexpr int kFetchKept = 6;     ///< from the request of a burst in IMEM to its first word
inline constexpr int kKeptBeat = 2;      ///< cycles of each beat of such a burst
inline constexpr int kQueue = 3;         ///< from the dispatcher to the issue unit
inline constexpr int kToken = 0;         ///< from retirement to a RUN that waited for its token
inline constexpr int kLoadRequest = 3;   ///< from RUN to the address on the bus
inline constexpr int kLoadResponse = 3;  ///< from the last beat on the bus to retirement
inline constexpr int kCopyRead = 7;      ///< from a RUN that reads DMEM to its first beat
inline constexpr int kUnpack = 3;        ///< additional latency of a packed stream
/// From the last beat of a burst to the request that takes its slot.
inline constexpr int kLoadAgain = 1;
/// From the last beat of a load to the first beat of the next one.
inline constexpr int kLoadGap = 2;
inline constexpr int kRowsWritten = 3;  ///< wait of the next load for PMEM rows, in a cluster
/// From the last core's retirement to the RUN's retirement, in a cluster.
inline constexpr int kJoined = 1;
/// From the last beat of a load until the registers of the load after next can be set.
inline constexpr int kLoadNext = 3;
inline constexpr int kStoreRead = 4;      ///< from RUN to the first data on the bus
inline constexpr int kStoreResponse = 3;  ///< from the last response on the bus to retirement
inline constexpr int kStart = 3;          ///< from RUN to the first step, if the lanes are filled
inline constexpr int kRunEnd = 2;     ///< from the last step of a RUN to the start of the next one
inline constexpr int kLaneSetup = 5;  ///< lane set-up, in addition to a cycle for each two lanes
/// From the last step to retirement, in addition to columns and stages of a PE.
inline constexpr int kCompute = 10;
inline constexpr int kFusedAdd = 6;  ///< second pass of a fused addition
/// From a tile's last column to the first column of the tile after next.
inline constexpr int kLeaves = 6;
/// Latency of a residual word, from the column that frees its buffer.
inline constexpr int kResidual = 6;
/// Read of a word before a part of it is written, in a bank with ecc.
inline constexpr int kMerge = 2;
inline constexpr int kVector = 10;     ///< overhead of a RUN
inline constexpr int kVectorWord = 5;  ///< overhead of a window, in addition to taps and codes
/// Overhead of a window in int16 designs, which request the next window while codes are read.
inline constexpr int kVectorAhead = 4;
/// Overhead when the vector unit writes words between two groups of columns. The lanes then contain
/// codes of both groups, which leave in order.
inline constexpr int kTurn = 8;
inline constexpr int kOneWord = 3;  ///< cycles that a RUN with one copied word per lane saves
inline constexpr int kLine = 3;     ///< additional cycles of a word whose codes are interpolated
/// Additional cycles from the last code of an int16 RUN to its end: kLineEnd for interpolation,
/// kPairEnd for additions and products.
inline constexpr int kLineEnd = 7, kPairEnd = 3;
inline constexpr int kRow = 8;  ///< reduction of a tile's int16 channels to their extremum or sum
inline constexpr int kShare = 15;      ///< reciprocal of that sum
inline constexpr int kMinus = 3;       ///< subtraction of the largest code from a word
inline constexpr int kNormalize = 67;  ///< overhead of a normalization's tile, besides two passes
inline constexpr int kLanes = 8;       ///< a code passes the lanes of the post unit
inline constexpr int kSoftmax = 57;    ///< overhead of a softmax's tile, besides three passes
inline constexpr int kProduct = 5;     ///< additional product of a softmax that rescales
inline constexpr int kDone = 1;        ///< from the last retirement to done

/// Returns the cycles of a tile of a softmax in addition to its passes.
inline int softmax(bool rescales) { return kSoftmax + (rescales ? kProduct : 0); }

/// Returns the cycles of a column that is added to a residual, or whose maximum with a residual is
/// taken. With two columns per cycle, both lanes of a row share an addition.
inline int residual_issue(const spec::Config& c, bool add) {
  return add && c.columns_per_cycle == 2 ? 1 : 2;
}

/// Returns the cycles of a column that is added to a sum, which has a word of its own in DMEM. With
/// two columns per cycle, a lane stores two words, so two reads overlap.
inline int sum_issue(const spec::Config& c) { return kResidual / c.columns_per_cycle; }

/// Returns the cycles from a RUN's last SET to its first step. The lanes are filled, two per cycle
/// if their number is even.
inline int fill_cycles(const spec::Config& c) {
  return (c.rows % 2 == 0 ? c.rows / 2 : c.rows) + kLaneSetup;
}

/// Returns the cycles that a group of columns waits for `words` residual words when it drains
/// directly after another group. The first word is requested when the previous columns have been
/// read. The next word is requested when all codes of a word except the last have left; one code
/// leaves in `every` cycles. With two columns per cycle, the next word has a separate buffer.
inline int residual_cycles(const spec::Config& c, int words, int every) {
  const int next = c.columns_per_cycle == 2 ? 0 : kResidual - 2 * every;
  return kResidual - 2 + (words - 1) * next;
}

/// Returns the number of broadcast registers between the array's first and last row.
inline int row_registers(const spec::Config& c) { return (c.rows - 1) / c.pipeline_rows; }
/// Returns the number of broadcast registers between the array's first and last column.
inline int column_registers(const spec::Config& c, int columns) {
  return (columns - 1) / c.pipeline_cols;
}

/// Returns the cycles from a group's last step to the cycle after its first column is read in the
/// array's first rows.
inline int first_column(const spec::Config& c) { return 2 + c.pipeline_pe; }

/// Returns the minimum number of cycles from a group's last step to the last step of the next
/// group. A last step overwrites the drain registers, so it needs a grant of the post unit, which
/// reads them in `issues` cycles. For requantized columns the grant is a forecast, which precedes
/// the last reads (docs/decisions/065-drain-grant.md). The reads that the forecast does not cover
/// delay the grant. The forecast covers one more read for each broadcast register that both the
/// rows and the `columns` columns have. The grant is one cycle earlier if a window's groups are
/// read in two issues.
inline int grant_cycles(const spec::Config& c, int columns, int issues, bool window,
                        bool promised = true) {
  const int reach = 1 + c.pipeline_pe + std::min(row_registers(c), column_registers(c, columns));
  const int late = promised ? std::max(0, issues - reach) : issues;
  const bool early = window && c.columns_per_cycle == 2 && c.pipeline_pe > 1 && issues <= 2;
  return first_column(c) - 1 + row_registers(c) + late - (early ? 1 : 0);
}

/// A DMA beat to a bank that the gather reads costs the gather a cycle with this probability.
inline constexpr double kDmaMeets = 0.7;
/// Minimum speed of a gather during a transfer, in steps per cycle.
inline constexpr double kLeastSpeed = 0.25;
/// Cycles of a store beat in bursts.
inline constexpr double kStoreBeat = 1.25;

// ---- sums of the above, about -------------------------------------------------------------------

/// From a layer's last result to the start of the next layer.
inline constexpr double kLayerOverhead = 30;
inline constexpr double kRunOverhead = 60;  ///< overhead of a RUN that waits for the previous one
inline constexpr double kRunStart = 20;     ///< overhead of a RUN that does not wait
inline constexpr double kTransferOverhead = 50;  ///< overhead of a transfer that nothing overlaps
inline constexpr double kMaximum = kVectorWord;  ///< overhead of a maximum, besides its taps
inline constexpr double kSumWord = kVectorWord + 4 - 1;  ///< overhead of a sum, besides its taps
inline constexpr double kAnyWord = 6;      ///< overhead of a vector unit's word, besides its taps
inline constexpr double kLeastWord = 5.5;  ///< minimum of a word of int16 codes, taps included
inline constexpr double kBusLatency = 40;  ///< from a load's beats to their use, memory included

}  // namespace trine::timing
