// SPDX-License-Identifier: Apache-2.0
//
// The instances of trine_sram in a design: what a memory compiler is to be asked for.

#pragma once

#include <string_view>
#include <vector>

#include "machine/config.h"

namespace trine::machine {

inline constexpr int kQueueWords = 64;      ///< instructions of an engine's queue: trine_control
inline constexpr int kStoreBursts = 4;      ///< without a response: trine_axi_write
inline constexpr int kLoadBursts = 16;      ///< without their last beat: trine_axi_read
inline constexpr int kFetchBurst = 32;      ///< instructions of a burst: trine_fetch
inline constexpr int kFetchBursts = 2;      ///< that the fetch buffer holds
inline constexpr int kBiasBytes = 4;        ///< of a channel in DRAM
inline constexpr int kParameterBytes = 12;  ///< of a channel in DRAM: bias and scale

/// Beats of a transfer, at most: MaxBeats of trine_dma.
inline int burst_beats(const Config& config) {
  return config.axi_data_bits < 64 || config.axi_data_bits > 512 ? 32 : 64;
}

struct Memory {
  std::string_view name;
  int instances;
  int width;  ///< bits
  int depth;
  int mask;  ///< bits that are written together or not at all: 1, 8, or `width`, mostly
};

std::vector<Memory> memories(const Config& config);

}  // namespace trine::machine
