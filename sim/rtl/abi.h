// SPDX-License-Identifier: Apache-2.0
//
// The C interface of a compiled model, a shared object made of one design's Verilated code and
// shim.cpp. The runner loads it with dlopen and calls `trine_rtl_api()`.

#pragma once

#include <cstdint>

namespace trine::sim {

inline constexpr std::int32_t kAbiVersion = 6;

/// Settings of one instance of a model and of the memory at its AXI port.
struct ModelSettings {
  std::uint32_t axi_latency;          ///< cycles from an accepted address to its first beat
  std::uint32_t axi_bytes_per_cycle;  ///< rate of each direction; 0: the bus width
  std::uint32_t stall_percent;        ///< probability that a channel pauses for a cycle, 0..99
  std::uint32_t slave;                ///< index of kAxiSlaves (memory.h): the memory's behavior
  std::uint32_t seed;                 ///< seed of the stalls
  std::uint32_t x_seed;               ///< seed of unknown initial values; 0: all zero
  const char* trace_file;             ///< path of an FST or VCD file, or null
};

/// A pulse of trace_start_o or trace_retire_o.
struct TraceEvent {
  std::uint64_t cycle;      ///< running cycles before it; 0 is the first cycle after the start
  std::uint64_t causes[8];  ///< cycles by cause so far; for a retire, including this cycle
  std::int32_t engine;
  std::int32_t retire;  ///< 0 start, 1 retire
};

/// A DMEM word that the design wrote (only in models built for lockstep).
struct ObservedWrite {
  std::uint64_t cycle;
  std::uint32_t address;  ///< word address
  std::uint32_t data;
  std::uint32_t mask;  ///< bits written
};

/// Observations of one run; valid until the next run of the instance.
struct Observed {
  const TraceEvent* events;
  std::uint64_t event_count;
  const ObservedWrite* writes;
  std::uint64_t write_count;
  std::uint64_t dmem_reads;     ///< words read from banks (only in models built for lockstep)
  std::uint64_t pmem_reads;     ///< words read from all columns (only in models built for lockstep)
  std::uint64_t causes[8];      ///< cycles by trace_cause_o while running
  std::uint64_t bytes_read;     ///< bytes of the beats that the memory sent
  std::uint64_t bytes_fetched;  ///< bytes of the program among them
  std::uint64_t bytes_written;  ///< bytes under a strobe
  std::uint64_t total_cycles;   ///< cycles simulated since create()
  const char* protocol_error;   ///< the design's first violation of AXI, or null
};

/// A bit of DMEM or PMEM to invert while a program runs.
struct MemoryFlip {
  std::uint64_t cycle;  ///< running cycles before it
  std::int32_t pmem;    ///< 0: DMEM
  std::uint32_t core, bank, row, bit;
};

/// Reasons to stop clocking.
enum StopReason : std::int32_t {
  kStopInterrupt = 0,
  kStopLimit = 1,  ///< the limit of cycles was reached
  kStopStuck = 2,  ///< no progress for a long time
  kStopProtocol = 3
};

/// The functions of a model. Their first argument is the instance that create() returned.
struct ModelApi {
  std::int32_t version;
  std::int32_t axi_data_bits;
  void* (*create)(const ModelSettings*);
  void (*destroy)(void*);
  /// Sets the memory that the design sees from bus address `address` on; the caller keeps it alive.
  void (*attach)(void*, std::uint8_t* bytes, std::uint64_t size, std::uint64_t address);
  /// Answers transfers that touch [first, last] with `response` (2 SLVERR, 3 DECERR).
  void (*inject_error)(void*, std::uint64_t first, std::uint64_t last, std::int32_t response);
  void (*reset)(void*);  ///< asserts rst_ni for some cycles
  /// Makes one AXI-Lite access; returns its response (0 OKAY), or -1 if the design does not answer.
  std::int32_t (*read32)(void*, std::uint32_t offset, std::uint32_t* value);
  std::int32_t (*write32)(void*, std::uint32_t offset, std::uint32_t value);
  void (*clear_observed)(void*);
  /// Clocks until irq_o, for at most `limit` cycles, or `idle_limit` cycles without progress.
  std::int32_t (*run)(void*, std::uint64_t limit, std::uint64_t idle_limit);
  void (*observe)(void*, Observed*);
  /// Inverts a bit in the next run only; for models built with `inject`.
  /// @return 0, or -1 if the memory does not exist
  std::int32_t (*flip)(void*, const MemoryFlip*);
  /// Enables or disables the design's assertions in models that contain them; initially enabled.
  void (*check)(void*, std::int32_t on);
};

}  // namespace trine::sim

extern "C" const trine::sim::ModelApi* trine_rtl_api();
