// SPDX-License-Identifier: Apache-2.0
//
// The C interface of a compiled model: a shared object made of one design's Verilated code and
// shim.cpp. The runner loads it with dlopen and takes `trine_rtl_api()`.

#pragma once

#include <cstdint>

namespace trine::sim {

inline constexpr std::int32_t kAbiVersion = 6;

/// Settings of one instance of a model and of the memory behind its AXI port.
struct ModelSettings {
  std::uint32_t axi_latency;          ///< cycles from an accepted address to its first beat
  std::uint32_t axi_bytes_per_cycle;  ///< of each direction, 0: the bus width
  std::uint32_t stall_percent;        ///< chance that a channel pauses for a cycle, 0..99
  std::uint32_t slave;                ///< of kAxiSlaves (memory.h): how the memory behaves
  std::uint32_t seed;                 ///< of the stalls
  std::uint32_t x_seed;               ///< of unknown initial values; 0: all zero
  const char* trace_file;             ///< FST or VCD file, or null
};

/// A pulse of trace_start_o or trace_retire_o.
struct TraceEvent {
  std::uint64_t cycle;      ///< running cycles before it: 0 is the first after start
  std::uint64_t causes[8];  ///< cycles by cause up to and including this one
  std::int32_t engine;
  std::int32_t retire;  ///< 0 start, 1 retire
};

/// A DMEM word that the design wrote (models built for lockstep only).
struct ObservedWrite {
  std::uint64_t cycle;
  std::uint32_t address;  ///< in words
  std::uint32_t data;
  std::uint32_t mask;  ///< bits written
};

/// What one run left behind; valid until the next run of the instance.
struct Observed {
  const TraceEvent* events;
  std::uint64_t event_count;
  const ObservedWrite* writes;
  std::uint64_t write_count;
  std::uint64_t dmem_reads;     ///< words that banks read (models built for lockstep only)
  std::uint64_t pmem_reads;     ///< likewise, of all columns
  std::uint64_t causes[8];      ///< cycles by trace_cause_o while running
  std::uint64_t bytes_read;     ///< beats that the memory gave, in bytes
  std::uint64_t bytes_fetched;  ///< of those, the program's
  std::uint64_t bytes_written;  ///< bytes under a strobe
  std::uint64_t total_cycles;   ///< simulated since create()
  const char* protocol_error;   ///< first violation of AXI by the design, or null
};

/// A bit of DMEM or PMEM to be inverted while a program runs.
struct MemoryFlip {
  std::uint64_t cycle;  ///< running cycles before it
  std::int32_t pmem;    ///< 0: DMEM
  std::uint32_t core, bank, row, bit;
};

enum StopReason : std::int32_t {
  kStopInterrupt = 0,
  kStopLimit = 1,  ///< the limit of cycles is reached
  kStopStuck = 2,  ///< no progress for a long time
  kStopProtocol = 3
};

struct ModelApi {
  std::int32_t version;
  std::int32_t axi_data_bits;
  void* (*create)(const ModelSettings*);
  void (*destroy)(void*);
  /// `bytes` is what the design sees from bus address `address` on; the caller keeps it alive.
  void (*attach)(void*, std::uint8_t* bytes, std::uint64_t size, std::uint64_t address);
  /// Transfers that touch [first, last] are answered with `response` (2 SLVERR, 3 DECERR).
  void (*inject_error)(void*, std::uint64_t first, std::uint64_t last, std::int32_t response);
  void (*reset)(void*);  ///< pulls rst_ni for some cycles
  /// One AXI-Lite access; returns its response (0 OKAY), -1 if the design does not answer.
  std::int32_t (*read32)(void*, std::uint32_t offset, std::uint32_t* value);
  std::int32_t (*write32)(void*, std::uint32_t offset, std::uint32_t value);
  void (*clear_observed)(void*);
  /// Clocks until irq_o, at most `limit` cycles, or `idle_limit` of them without progress.
  std::int32_t (*run)(void*, std::uint64_t limit, std::uint64_t idle_limit);
  void (*observe)(void*, Observed*);
  /// Flips a bit in the next run only; models built for it alone. @return 0, or -1: no such memory
  std::int32_t (*flip)(void*, const MemoryFlip*);
  /// Whether the design's assertions are checked, in models that have them; at first they are.
  void (*check)(void*, std::int32_t on);
};

}  // namespace trine::sim

extern "C" const trine::sim::ModelApi* trine_rtl_api();
