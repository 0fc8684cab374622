// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/cluster.h"

#include "spec/lanes.h"

namespace trine::sim {
Cluster::Cluster(const spec::Config& config, std::span<std::uint8_t> dram)
    : config_(config), verify_run_(config, std::ssize(dram)) {
  for (int core = 0; core < config.cores; ++core) cores_.emplace_back(config, dram);
}

void Cluster::on_dmem_write(const std::function<void(const DmemWrite&)>& write) {
  if (!write) return;
  for (std::size_t core = 0; core < cores_.size(); ++core)
    cores_[core].on_dmem_write = [this, write, core](DmemWrite w) {
      w.address +=
          static_cast<std::uint32_t>(core) * static_cast<std::uint32_t>(config_.dmem_words());
      write(w);
    };
}

void Cluster::execute(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
                      int run_index) {
  require(verify_run_(engine, registers, run), run_index);
  const bool load = engine == isa::Engine::kLoad;
  if (load || engine == isa::Engine::kStore) {
    // Biases, scales and tables are loaded into all cores.
    const unsigned named = isa::is_of_core(run) ? cores_of(registers, config_.cores) : ~0U;
    Executor& from = cores_[static_cast<std::size_t>(core_read(registers, config_.cores))];
    if (!load) return from.execute_verified(engine, registers, run, run_index, from);
    for (std::size_t core = 0; core < cores_.size(); ++core)
      if ((named >> core & 1) != 0)
        cores_[core].execute_verified(engine, registers, run, run_index, from);
    return;
  }
  for (int core = 0; core < config_.cores; ++core) {
    Executor& own = cores_[static_cast<std::size_t>(core)];
    own.execute_verified(engine, moved_down(registers, core), run, run_index, own);
  }
}

}  // namespace trine::sim
