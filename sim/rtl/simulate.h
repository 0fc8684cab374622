// SPDX-License-Identifier: Apache-2.0
//
// Runs programs on the RTL: a Verilated design with its memory. The C99 driver of sw/runtime
// controls it, as on a host.

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sim/rtl/abi.h"
#include "sim/rtl/build.h"
#include "sw/program/program.h"

namespace trine::sim {

/// Options of the RTL and its memory.
struct RtlOptions {
  BuildOptions build = BuildOptions::from_environment();
  int axi_latency = 32;
  int axi_bytes_per_cycle = 0;  ///< rate of each direction; 0: the bus width
  int stall_percent = 0;        ///< random pauses of the memory's channels, 0..99
  std::size_t axi_slave = 0;    ///< index of kAxiSlaves (memory.h): the memory's behavior
  std::uint32_t seed = 1;       ///< seed of the stalls
  std::uint32_t x_seed = 0;     ///< seed of initial values, with build.random_init
  /// FST file of all signals (sets build.trace); X.vcd is a VCD file of the ports only (sets
  /// build.trace_ports).
  std::filesystem::path trace_file;
  bool lockstep = false;  ///< compares every DMEM write; sets build.lockstep
  /// Limit of one run; 0: 50 times `predicted_cycles`, or 2^40 if that is 0.
  std::uint64_t max_cycles = 0;
  std::uint64_t predicted_cycles = 0;
  std::uint64_t base_address = 0x10000;  ///< BASE; below it, accesses fail
};

/// One design with one program loaded; runs any number of input vectors.
class RtlRunner {
 public:
  /// Builds the design of program.config if it is not in the cache.
  /// @throws Error  the build fails, or the design and the program do not belong together
  RtlRunner(const compiler::Program& program, const RtlOptions& options);
  /// Uses the caller's memory. It contains the program's DRAM from BASE on, followed by room for
  /// the program's words. @pre it outlives the runner
  RtlRunner(const compiler::Program& program, std::span<std::uint8_t> memory,
            const RtlOptions& options);
  RtlRunner(const RtlRunner&) = delete;
  RtlRunner& operator=(const RtlRunner&) = delete;
  ~RtlRunner();

  /// Runs from the model's inputs to its outputs, in the model's order.
  /// @throws Error  the design reports an error, hangs, breaks AXI, miscounts its cycles, or (with
  /// lockstep) writes something else than the architecture simulator
  RunResult run(const std::vector<Array>& inputs);

  /// Runs on DRAM contents: `dram` is the memory at BASE before and after the run.
  /// @pre dram.size() == program.dram_bytes
  RunResult run_dram(std::vector<std::uint8_t>& dram);

  /// Replaces the program. @pre it has the same configuration, fits the memory and outlives the
  /// runner
  void use(const compiler::Program& program);
  /// Runs on the present contents of the memory.
  /// @param go_on  called at intervals, if not empty; the run ends when it returns false
  /// @throws Error  as run(), and if go_on() returned false
  RunResult run_in_place(const std::function<bool()>& go_on = {});

  /// Makes transfers that touch bytes [first, last] from BASE on fail with `response` (2 or 3).
  void inject_error(std::uint64_t first, std::uint64_t last, int response);
  /// The end of a run in which bits of memories were inverted.
  struct Injected {
    bool hung = false;
    std::uint32_t cause = 0;  ///< cause of the error that stopped it; 0: none
    std::uint64_t address = 0;
    std::uint64_t cycles = 0;
    std::uint64_t corrected = 0;         ///< number of corrected words, with memory.ecc
    std::vector<std::uint32_t> written;  ///< DMEM words that were written, if build.lockstep
  };
  /// Runs only the first `cycles` cycles of the program after a reset. Afterwards, run_injected()
  /// can start from a soft reset.
  void begin_injected(const std::vector<std::uint8_t>& dram, const std::vector<MemoryFlip>& flips,
                      std::uint64_t cycles);
  /// Runs the whole program after a reset or a soft reset. @pre options.build.inject
  /// @throws Error  a memory of `flips` does not exist
  Injected run_injected(std::vector<std::uint8_t>& dram, const std::vector<MemoryFlip>& flips,
                        bool soft_reset = false);

  /// The end of a run of arbitrary words.
  struct Stopped {
    bool hung = false;        ///< true if it did not end
    std::uint32_t cause = 0;  ///< cause of the error that ended it; 0: done
    std::uint64_t address = 0;
    std::uint64_t cycles = 0;
    std::array<int, isa::kEngines> begun{};  ///< RUNs begun by each engine
    std::string protocol_error;  ///< violation of AXI, or an access outside of the window
  };
  /// Runs arbitrary words instead of the program, with these limits, in a window of the program's
  /// memory. load() restores the program. The design's assertions are off from then on: they
  /// describe legal programs, and registers that a legal program does not read keep the values of
  /// these words.
  /// @pre words.size() is at most the program's
  Stopped run_any(const std::vector<isa::Word>& words, std::vector<std::uint8_t>& dram,
                  std::uint32_t progress_limit, std::uint32_t cycles_limit);

  /// Loads the program again, for example if several runners take turns.
  void load();
  /// Asserts the reset and loads the program again.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs one vector on a new runner.
RunResult run_rtl(const compiler::Program& program, const std::vector<Array>& inputs,
                  const RtlOptions& options = {});

}  // namespace trine::sim
