// SPDX-License-Identifier: Apache-2.0
//
// Runs programs on the RTL: a Verilated design with its memory, driven by the C99 driver of
// sw/runtime, as a host would do it.

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

struct RtlOptions {
  BuildOptions build = BuildOptions::from_environment();
  int axi_latency = 32;
  int axi_bytes_per_cycle = 0;       ///< of each direction; 0: the bus width
  int stall_percent = 0;             ///< random pauses of the memory's channels, 0..99
  std::size_t axi_slave = 0;         ///< of kAxiSlaves (memory.h): how the memory behaves
  std::uint32_t seed = 1;            ///< of the stalls
  std::uint32_t x_seed = 0;          ///< of initial values, with build.random_init
  std::filesystem::path trace_file;  ///< FST; of X.vcd the ports alone, VCD; sets build.trace or
                                     ///< build.trace_ports
  bool lockstep = false;             ///< compares every DMEM write; sets build.lockstep
  std::uint64_t max_cycles = 0;      ///< of one run; 0: 50 times `predicted_cycles`, else 2^40
  std::uint64_t predicted_cycles = 0;
  std::uint64_t base_address = 0x10000;  ///< BASE; nothing is below it, so a forgotten BASE shows
};

/// One design with one program loaded; runs any number of vectors.
class RtlRunner {
 public:
  /// Builds the design of program.config if it is not in the cache.
  /// @throws Error  the build fails, or the design and the program do not belong together
  RtlRunner(const compiler::Program& program, const RtlOptions& options);
  /// The same on memory of others, which holds the program's DRAM from BASE on and behind it has
  /// room for words. @pre it outlives the runner
  RtlRunner(const compiler::Program& program, std::span<std::uint8_t> memory,
            const RtlOptions& options);
  RtlRunner(const RtlRunner&) = delete;
  RtlRunner& operator=(const RtlRunner&) = delete;
  ~RtlRunner();

  /// Runs from the model's inputs to its outputs, in its order.
  /// @throws Error  the design reports an error, hangs, breaks AXI, miscounts its cycles, or (with
  ///                lockstep) writes something else than the architecture simulator
  RunResult run(const std::vector<Array>& inputs);

  /// The same on DRAM contents: `dram` is what BASE points to, before and after.
  /// @pre dram.size() == program.dram_bytes
  RunResult run_dram(std::vector<std::uint8_t>& dram);

  /// Puts another program in the place of the last one. @pre of the same configuration, fits the
  /// memory, outlives the runner
  void use(const compiler::Program& program);
  /// Runs on what the memory holds. @param go_on  unless empty, asked every so many cycles
  /// @throws Error  as run(), and where go_on() said no
  RunResult run_in_place(const std::function<bool()>& go_on = {});

  /// Makes transfers that touch bytes [first, last] from BASE fail with `response` (2 or 3).
  void inject_error(std::uint64_t first, std::uint64_t last, int response);
  /// What became of a run in which bits of memories were inverted.
  struct Injected {
    bool hung = false;
    std::uint32_t cause = 0;  ///< of the error that it stopped with, 0: none
    std::uint64_t address = 0;
    std::uint64_t cycles = 0;
    std::uint64_t corrected = 0;         ///< words, with memory.ecc
    std::vector<std::uint32_t> written;  ///< words of DMEM, if build.lockstep
  };
  /// The first cycles of a run from a reset on, in which a soft reset may come then.
  void begin_injected(const std::vector<std::uint8_t>& dram, const std::vector<MemoryFlip>& flips,
                      std::uint64_t cycles);
  /// A run from a reset on, or from a soft reset. @pre options.build.inject. @throws Error  no such
  /// memory
  Injected run_injected(std::vector<std::uint8_t>& dram, const std::vector<MemoryFlip>& flips,
                        bool soft_reset = false);

  /// What became of words that may be no program.
  struct Stopped {
    bool hung = false;        ///< it did not end
    std::uint32_t cause = 0;  ///< of the error that it ended with, 0: done
    std::uint64_t address = 0;
    std::uint64_t cycles = 0;
    std::array<int, isa::kEngines> begun{};  ///< RUNs, by engine
    std::string protocol_error;              ///< of AXI, or an access outside of the window
  };
  /// Runs any words in the place of the program's, with these limits, in a window of its memory
  /// alone; load() then brings the program back. The design's assertions are off from then on: they
  /// speak of legal programs, and registers that a legal one does not read keep what these words
  /// left there. @pre words.size() <= those of the program
  Stopped run_any(const std::vector<isa::Word>& words, std::vector<std::uint8_t>& dram,
                  std::uint32_t progress_limit, std::uint32_t cycles_limit);

  /// Loads the program again, as where several take turns.
  void load();
  /// Pulls the reset and loads the program again.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One vector on a new runner.
RunResult run_rtl(const compiler::Program& program, const std::vector<Array>& inputs,
                  const RtlOptions& options = {});

}  // namespace trine::sim
