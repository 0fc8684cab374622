// SPDX-License-Identifier: Apache-2.0
//
// The cores of a cluster. Each core is a machine with memories of its own and executes every
// compute and vector RUN. A copy is executed by the cores that it names (docs/architecture.md).

#pragma once

#include <functional>
#include <span>
#include <vector>

#include "sim/arch/executor.h"

namespace trine::sim {

/// Executes the RUNs of a program on all cores.
class Cluster {
 public:
  /// Creates the cores with zeros in their memories.
  /// @param dram  the memory at BASE; must outlive the cluster
  Cluster(const spec::Config& config, std::span<std::uint8_t> dram);

  /// Sets the function to call for every DMEM word written, in order. Addresses of core n are
  /// increased by n times the words of a DMEM.
  void on_dmem_write(const std::function<void(const DmemWrite&)>& write);

  /// Executes a RUN, as Executor::execute() does.
  void execute(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
               int run_index);

 private:
  spec::Config config_;
  program::RunVerifier verify_run_;
  std::vector<Executor> cores_;
};

}  // namespace trine::sim
