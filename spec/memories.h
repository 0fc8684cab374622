// SPDX-License-Identifier: Apache-2.0
//
// The instances of trine_sram in a design, to be requested from a memory compiler.

#pragma once

#include <string_view>
#include <vector>

#include "spec/config.h"

namespace trine::spec {

inline constexpr int kQueueWords = 64;  ///< instructions in an engine's queue: trine_control
/// Store bursts that may await their response: trine_axi_write.
inline constexpr int kStoreBursts = 4;
/// Load bursts that may await their last beat: trine_axi_read.
inline constexpr int kLoadBursts = 16;
inline constexpr int kFetchBurst = 32;      ///< instructions in a burst: trine_fetch
inline constexpr int kFetchBursts = 2;      ///< bursts in the fetch buffer
inline constexpr int kBiasBytes = 4;        ///< bytes of a channel's bias in DRAM
inline constexpr int kParameterBytes = 12;  ///< bytes of a channel's bias and scale in DRAM

/// Returns the maximum number of beats in a burst: MaxBeats of trine_dma.
inline int burst_beats(const Config& config) {
  return config.axi_data_bits < 64 || config.axi_data_bits > 512 ? 32 : 64;
}

/// Identical instances of a memory.
struct Memory {
  std::string_view name;
  int instances;
  int width;  ///< bits
  int depth;
  int mask;  ///< bits that are written together: mostly 1, 8, or `width`
};

/// Returns the memories of a design.
std::vector<Memory> memories(const Config& config);

}  // namespace trine::spec
