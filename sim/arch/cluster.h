// SPDX-License-Identifier: Apache-2.0
//
// The cores of a cluster: a machine each, with memories of its own, which execute every RUN of
// compute and vector alike, and take of the copies those that name them (docs/architecture.md).

#pragma once

#include <functional>
#include <span>
#include <vector>

#include "sim/arch/machine.h"

namespace trine::sim {

class Cluster {
 public:
  /// Memories start at zero. @param dram  what BASE points to; outlives the cluster
  Cluster(const machine::Config& config, std::span<std::uint8_t> dram);

  /// Called for every DMEM word written, in order; those of core n lie n times the words of a DMEM
  /// further.
  void on_dmem_write(const std::function<void(const DmemWrite&)>& write);

  /// As Machine::execute().
  void execute(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
               int run_index);

 private:
  machine::Config config_;
  program::RunVerifier verify_run_;
  std::vector<Machine> cores_;
};

}  // namespace trine::sim
