// SPDX-License-Identifier: Apache-2.0

#include "spec/csr.h"

namespace trine::csr {

const std::vector<Register>& registers() {
  constexpr std::uint64_t kAllBits = ~std::uint64_t{0},
                          kWatchdogMask = (std::uint64_t{1} << kWatchdogBits) - 1;
  static const std::vector<Bit> commands{
      {"start", 0,
       "starts the program; must be the only command of the write; not allowed while busy or "
       "reset"},
      {"soft_reset", 1,
       "cancels the program; outstanding bus transfers complete first, or the watchdog gives "
       "them up"},
      {"scrub", 2,
       "a soft reset that writes zeros to DMEM, PMEM, parameters and tables, so that no later "
       "program reads data of an earlier one; while busy or reset, allowed only with soft_reset"},
      {"bus_was_reset", 3,
       "ends the wait for outstanding bus responses, which will never come; write it while the "
       "interconnect is held in reset, not while a program runs"}};
  static const std::vector<Bit> state{
      {"busy", 0, "a program runs"},
      {"done", 1, "the last program has ended"},
      {"error", 2, "the last program stopped with an error"},
      {"reset", 3, "soft reset in progress, or zeros being written to the memories"},
      {"bus_dirty", 4,
       "the watchdog gave up on outstanding bus transfers: no start until their responses have "
       "come or bus_was_reset is written"}};
  static const std::vector<Bit> events{{"done", 0, "end of a program"}, {"error", 1, "error"}};
  static const std::vector<Register> all{
      {"id", kId, 32, 1, "R", "0x5452494E (\"TRIN\")"},
      {"version", kVersion, 32, 1, "R", "version of the instruction set"},
      {"config_hash", kConfigHash, 64, 1, "R",
       "hash of the configuration keys that programs depend on; the first word of a program"},
      {"control", kControl, 32, 1, "W", "commands", commands},
      {"status", kStatus, 32, 1, "R", "state", state},
      {"error_cause", kErrorCause, 32, 1, "R", "see the codes below"},
      {"error_address_alias", kErrorAddressAlias, 32, 2, "R",
       "alias of ERROR_ADDRESS: low half, high half"},
      {"irq_enable", kIrqEnable, 32, 1, "RW", "which events raise the interrupt", events, 3},
      {"irq_status", kIrqStatus, 32, 1, "R, W1C", "events; writing ones clears them", events},
      {"registers_version", kRegistersVersion, 32, 1, "R",
       "version of this map: 1; a driver must refuse a version that it does not know"},
      {"program",
       kProgram,
       64,
       1,
       "RW",
       "byte address of the first instruction word, a multiple of the bus width (and of 8); a "
       "write discards the words in IMEM (`memory.imem_kib`); locked",
       {},
       kAllBits,
       0,
       true},
      {"program_words",
       kProgramWords,
       32,
       1,
       "RW",
       "number of 64-bit words, at least 1; a write discards the words in IMEM "
       "(`memory.imem_kib`); locked",
       {},
       0xFFFFFFFF},
      {"base",
       kBase,
       64,
       1,
       "RW",
       "added to every `dram` field; a multiple of the bus width (and of 8); locked",
       {},
       kAllBits,
       0,
       true},
      {"window_first",
       kWindowFirst,
       64,
       1,
       "RW",
       "first byte that bursts may touch; after reset 0; locked",
       {},
       kAllBits},
      {"window_last",
       kWindowLast,
       64,
       1,
       "RW",
       "last byte that bursts may touch; after reset all ones; locked",
       {},
       kAllBits,
       kAllBits},
      {"watchdog",
       kWatchdog,
       32,
       1,
       "RW",
       "stops the program if an expected bus handshake does not come for this number of cycles; "
       "24 bits, 0: never; after reset 1048576",
       {},
       kWatchdogMask,
       kWatchdogReset},
      {"error_run", kErrorRun, 32, 1, "R",
       "load and store errors: number of RUNs of that engine before the failing RUN, modulo 2^24; "
       "if a load is not answered in time while the copy out of DMEM before it still runs, the "
       "number of RUNs before the copy"},
      {"ecc_corrected", kEccCorrected, 32, 2, "R",
       "corrected words that were read since the start, [0] from DMEM, [1] from PMEM (only with "
       "`memory.ecc`)"},
      {"error_address", kErrorAddress, 64, 1, "R",
       "bus errors: the failing address; configuration, illegal, feature, token, deadlock, "
       "progress, cycles: byte offset of the word at which the program stopped; ecc: a word's "
       "address in DMEM, 2^32 + 256 * row + column in PMEM, 2^33 + word in IMEM; core n of a "
       "cluster adds 2^34 * n"},
      {"imem_corrected", kImemCorrected, 32, 1, "R",
       "corrected words that were read from IMEM since the start (only with `memory.ecc` and "
       "`memory.imem_kib`)"},
      {"progress_limit",
       kProgressLimit,
       32,
       1,
       "RW",
       "stops the program if nothing progresses for this number of cycles: no step of the array, "
       "no word "
       "of results, no beat on the bus or at DMEM's DMA port, no RUN begun or ended; cycles in "
       "which a bus handshake is expected count for WATCHDOG instead; 24 bits, 0: never; after "
       "reset 1048576",
       {},
       kWatchdogMask,
       kWatchdogReset},
      {"cycles_limit",
       kCyclesLimit,
       32,
       1,
       "RW",
       "stops the program within 20 cycles after CYCLES reaches this value; 0: never; after reset "
       "0",
       {},
       0xFFFFFFFF},
      {"cycles", kCycles, 64, 1, "R", "cycles from start to done"},
      {"cause", kCause, 64, 8, "R", "cycles by cause; they add up to CYCLES"},
      {"engine_busy", kEngineBusy, 64, 4, "R",
       "cycles in which the engine executed a RUN: load, compute, vector, store"},
      {"bytes_read", kBytesRead, 64, 1, "R", "payload read by the AXI master"},
      {"bytes_written", kBytesWritten, 64, 1, "R", "payload written by the AXI master"},
  };
  return all;
}

}  // namespace trine::csr
