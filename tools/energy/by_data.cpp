// SPDX-License-Identifier: Apache-2.0

#include "tools/energy/by_data.h"

namespace trine::energy {
namespace {

/// Returns the energy of an access to DMEM.
double access_pj(const Table& table, sim::Action action) {
  const auto a = static_cast<std::size_t>(action);
  return table.logic_pj[a] + table.memory_pj[a];
}

}  // namespace

ByData by_data(const LayerEnergy& energy, const sim::DataWords& dmem, const Table& table,
               const DramBytes& dram, double dram_pj) {
  ByData of{};
  of[kWeightUse][kDram] = dram_pj * static_cast<double>(dram.weights);
  of[kInputUse][kDram] = dram_pj * static_cast<double>(dram.inputs);
  of[kOutputUse][kDram] = dram_pj * static_cast<double>(dram.outputs);
  of[kControlUse][kDram] = dram_pj * static_cast<double>(dram.program);

  // The energy of DMEM, also of cycles without accesses, in proportion to the accesses.
  const double read = access_pj(table, sim::kDmemRead), write = access_pj(table, sim::kDmemWrite);
  std::array<double, sim::kDataKinds> accesses{};
  double all = 0;
  for (std::size_t d = 0; d < accesses.size(); ++d)
    all += accesses[d] =
        read * static_cast<double>(dmem.read[d]) + write * static_cast<double>(dmem.written[d]);
  static_assert(static_cast<int>(sim::kWeights) == kWeightUse &&
                static_cast<int>(sim::kSums) == kSumUse);
  for (std::size_t d = 0; d < accesses.size() && all > 0; ++d)
    of[d][kDmemLevel] = energy.component[kDmem] * accesses[d] / all;
  if (all == 0) of[kControlUse][kDmemLevel] = energy.component[kDmem];

  of[kWeightUse][kPmemLevel] = energy.component[kPmem];
  of[kComputation][kPeLevel] = energy.component[kPe];
  of[kComputation][kLanesLevel] = energy.component[kLanes];
  of[kControlUse][kOther] = energy.component[kAgu] + energy.component[kDma] +
                            energy.component[kControl] + energy.clock + energy.leakage;
  return of;
}

}  // namespace trine::energy
