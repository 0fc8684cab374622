// SPDX-License-Identifier: Apache-2.0
//
// What `run` and `estimate` say of a spiking network: its spikes and their operations, and the same
// network in int8 beside it: one pass, rectifiers in place of neurons (docs/spikes.md).

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sw/reference/run.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

struct SpikeReport {
  int steps = 0, layers = 0;
  std::int64_t neurons = 0;
  /// Spikes, and products of codes that are not 0 (about, as borders count). Of a run alone.
  std::optional<std::int64_t> spikes, operations;
  std::int64_t macs = 0;
  /// The same network in int8. 0: it has other operators between neurons than can be.
  std::int64_t dense_macs = 0;
  double dense_cycles = 0, dense_pj = 0;
  double cycles = 0, pj = 0;

  /// The share of codes other than 0 below which a machine that skips zeros has fewer products than
  /// the int8 network. This one skips none.
  double pays_below() const {
    return macs > 0 ? static_cast<double>(dense_macs) / static_cast<double>(macs) : 0;
  }
};

/// @return nothing: it has no neurons
/// @param values  of the golden layers, null: none
std::optional<SpikeReport> spike_report(const Network& network, const reference::Values* values,
                                        double cycles, const EnergyReport& energy,
                                        const EnergyOptions& options, const sim::BusOptions& bus);

std::string to_text(const SpikeReport& report);
Json to_json(const SpikeReport& report);

}  // namespace trine::cli
