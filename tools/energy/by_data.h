// SPDX-License-Identifier: Apache-2.0
//
// Divides the energy of a run by what it is spent on: weights, inputs, outputs, sums, computation,
// control (as in the analyses of Eyeriss, Chen et al., ISCA 2016, figures 11 and 12).

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sim/arch/actions.h"
#include "tools/energy/table.h"

namespace trine::energy {

/// The rows of the table. Sums are int32 words of DMEM; the sums in the PEs' registers belong to
/// the computation, from which their energy cannot be separated.
enum Use : int { kWeightUse, kInputUse, kOutputUse, kSumUse, kComputation, kControlUse, kUses };
inline constexpr std::array<std::string_view, kUses> kUseNames{"weights", "inputs",      "outputs",
                                                               "sums",    "computation", "control"};

/// The columns: where the energy is spent. Other: addresses, DMA, control, clock, leakage.
enum Level : int { kDram, kDmemLevel, kPmemLevel, kPeLevel, kLanesLevel, kOther, kLevels };
inline constexpr std::array<std::string_view, kLevels> kLevelNames{"dram", "dmem",  "pmem",
                                                                   "pe",   "lanes", "other"};

/// Energies in pJ, [use][level].
using ByData = std::array<std::array<double, kLevels>, kUses>;

/// The bytes between DRAM and the machine.
struct DramBytes {
  std::int64_t weights = 0, inputs = 0, outputs = 0, program = 0;
};

/// Returns the energy by use and level. Its sum without DRAM is `energy.total()`.
/// @param dmem  the words of DMEM that the run reads and writes
/// @param dram_pj  energy of a byte of DRAM
ByData by_data(const LayerEnergy& energy, const sim::DataWords& dmem, const Table& table,
               const DramBytes& dram, double dram_pj);

}  // namespace trine::energy
