// SPDX-License-Identifier: Apache-2.0
//
// The report of `run` and `estimate` on a spiking network: spikes, operations, and the same network
// in int8 for comparison, with one pass and rectifiers in place of neurons (docs/spikes.md).

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sw/reference/golden.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

/// The figures of a spiking network.
struct SpikeReport {
  int steps = 0, layers = 0;
  std::int64_t neurons = 0;
  /// Spikes, and products of nonzero codes (approximate, because borders count). Only known for a
  /// run.
  std::optional<std::int64_t> spikes, operations;
  std::int64_t macs = 0;
  /// Values of the same network in int8; 0: operators between neurons do not permit it.
  std::int64_t dense_macs = 0;
  double dense_cycles = 0, dense_pj = 0;
  double cycles = 0, pj = 0;

  /// Returns the fraction of nonzero codes below which a machine that skips zeros has fewer
  /// products than the int8 network. This machine skips none.
  double pays_below() const {
    return macs > 0 ? static_cast<double>(dense_macs) / static_cast<double>(macs) : 0;
  }
};

/// Returns the report, or nothing for a network without neurons.
/// @param values  tensors of the golden layers; null: none
std::optional<SpikeReport> spike_report(const Network& network, const reference::Values* values,
                                        double cycles, const EnergyReport& energy,
                                        const EnergyOptions& options, const sim::BusOptions& bus);

std::string to_text(const SpikeReport& report);
Json to_json(const SpikeReport& report);

}  // namespace trine::cli
