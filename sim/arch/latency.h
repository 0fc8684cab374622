// SPDX-License-Identifier: Apache-2.0
//
// Latencies of the RTL's pipelines in cycles, as the timeline uses them. The only place to
// calibrate.

#pragma once

namespace trine::sim::latency {

inline constexpr int kFetchRequest = 6;    ///< start to the first fetch address on the bus
inline constexpr int kFetchResponse = 4;   ///< beat on the bus to word at the dispatcher
inline constexpr int kFetchAhead = 64;     ///< words requested ahead of the dispatcher
inline constexpr int kQueueWords = 64;     ///< of each engine
inline constexpr int kQueue = 3;           ///< dispatcher to the issue unit
inline constexpr int kToken = 2;           ///< retirement to a RUN that waited for it
inline constexpr int kLoadRequest = 4;     ///< RUN to address on the bus
inline constexpr int kLoadResponse = 4;    ///< last beat on the bus to retirement
inline constexpr int kStoreRead = 6;       ///< RUN to first data on the bus
inline constexpr int kStoreResponse = 4;   ///< last response on the bus to retirement
inline constexpr int kLaneSetup = 2;       ///< besides one cycle for each lane
inline constexpr int kGather = 4;          ///< address to word at the array
inline constexpr int kArray = 3;           ///< word at the array to drain register, first PE
inline constexpr int kPost = 8;            ///< column to code
inline constexpr int kPostAdd = 8;         ///< the second pass of a fused addition
inline constexpr int kScatter = 3;         ///< code to DMEM
inline constexpr int kVectorCodes = 4;     ///< cycles of the post lanes for a word of sums
inline constexpr int kVectorAddCodes = 4;  ///< for a word of additions
inline constexpr int kDone = 4;            ///< last retirement to done

}  // namespace trine::sim::latency
