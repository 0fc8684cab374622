// SPDX-License-Identifier: Apache-2.0
//
// Simulates an accelerator for the C99 driver: its registers, and memory from bus address 0 on. The
// processor accesses the memory through a cache that is not coherent with the device. When the
// driver starts a program, the architecture simulator or the RTL runs it to its end.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/rtl/simulate.h"
#include "spec/config.h"
#include "sw/runtime/trine_vmm.h"

namespace trine::tests {

/// Returns the value that the design's trine_design.h defines. @throws std::exception  the header
/// does not have the expected form
trine_design design_of(const spec::Config& config);

class SimulatedDevice {
 public:
  /// @param rtl  if given, programs run on the RTL
  SimulatedDevice(const spec::Config& config, std::size_t memory_bytes,
                  const std::optional<sim::RtlOptions>& rtl = std::nullopt);
  SimulatedDevice(const SimulatedDevice&) = delete;
  SimulatedDevice& operator=(const SimulatedDevice&) = delete;

  trine_device* handle() { return device_; }

  /// Makes the current memory visible to the processor, after a change of `memory`.
  void share() { cache_ = clean_ = memory; }

  std::vector<std::uint8_t> memory;        ///< memory as the device sees it
  sim::RunResult last;                     ///< result of the last program
  std::uint64_t programs = 0, cycles = 0;  ///< number of programs, and their cycles
  /// The simulator's message about a program that it stopped.
  std::string error;

 private:
  int read(std::uint32_t offset, std::uint32_t* value);
  int write(std::uint32_t offset, std::uint32_t value);
  void* map(std::uint64_t address, std::size_t bytes);
  void clean(std::size_t at, std::size_t bytes);
  void invalidate(std::size_t at, std::size_t bytes);
  void start();

  spec::Config config_;
  std::optional<sim::RtlOptions> rtl_;
  std::map<std::uint32_t, std::uint32_t> registers_;
  /// The processor's view; the same when it was last clean.
  std::vector<std::uint8_t> cache_, clean_;
  trine_storage storage_{};
  trine_device* device_ = nullptr;
};

}  // namespace trine::tests
