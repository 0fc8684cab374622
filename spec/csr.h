// SPDX-License-Identifier: Apache-2.0
//
// The control and status registers (AXI4-Lite, 32 bits), described once. The runtime and the runner
// use this description; gen/ prints it as rtl/control/trine_csr_pkg.sv, as a C header and as
// docs/registers.md. Behavior: docs/architecture.md.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace trine::csr {

/// A bit of a register.
struct Bit {
  std::string_view name;
  int bit;
  std::string_view doc;
};

/// A register. With 64 bits its low half is at `offset` and its high half at offset + 4.
struct Register {
  std::string_view name;
  std::uint32_t offset;
  int bits;     ///< 32 or 64
  int entries;  ///< number of consecutive registers with this width
  std::string_view access;
  std::string_view doc;
  std::vector<Bit> fields = {};
  /// Mask of the bits that a write stores. Addresses also lose the bits above the width of the bus
  /// address.
  std::uint64_t kept = 0;
  std::uint64_t reset = 0;  ///< value after reset of the bits in `kept`
  bool aligned = false;     ///< true if values must be multiples of the bus width
};

/// A code of an enumeration, such as an error cause.
struct Code {
  std::string_view name;
  int value;
  std::string_view doc;
};

inline constexpr std::uint32_t kIdValue = 0x5452494E;  ///< "TRIN"

/// The value of REGISTERS_VERSION. Within one version no register, bit or code moves or changes its
/// meaning. New registers use offsets that answered SLVERR before, new bits read 0 before.
/// docs/registers.md states the rule, gen_test.cpp checks the map.
inline constexpr std::uint32_t kRegistersVersionValue = 1;

inline constexpr std::uint32_t kId = 0x00, kVersion = 0x04, kConfigHash = 0x08, kControl = 0x10,
                               kStatus = 0x14, kErrorCause = 0x18, kErrorAddressAlias = 0x1C,
                               kIrqEnable = 0x24, kIrqStatus = 0x28, kRegistersVersion = 0x2C,
                               kProgram = 0x30, kProgramWords = 0x38, kBase = 0x40,
                               kWindowFirst = 0x48, kWindowLast = 0x50, kWatchdog = 0x58,
                               kErrorRun = 0x5C, kEccCorrected = 0x60, kErrorAddress = 0x68,
                               kImemCorrected = 0x70, kProgressLimit = 0x74, kCyclesLimit = 0x78,
                               kCycles = 0x80, kCause = 0x88, kEngineBusy = 0xC8, kBytesRead = 0xE8,
                               kBytesWritten = 0xF0;

/// Returns all registers in the order of their offsets.
const std::vector<Register>& registers();

/// The reset value of WATCHDOG and of PROGRESS_LIMIT, in cycles.
inline constexpr std::uint32_t kWatchdogReset = 1 << 20;
inline constexpr int kWatchdogBits = 24, kErrorRunBits = 24, kErrorCauseBits = 5;

/// The codes of ERROR_CAUSE.
inline constexpr std::array<Code, 19> kErrors{{
    {"none", 0, "no error"},
    {"fetch", 1, "an instruction read answered with an error"},
    {"load", 2, "a read of the load engine answered with an error"},
    {"store", 3, "a write of the store engine answered with an error"},
    {"illegal", 4, "illegal instruction"},
    {"token", 5, "a token counter overflowed"},
    {"fetch_window", 6, "an instruction is outside of the window"},
    {"load_window", 7, "a burst of the load engine would leave the window"},
    {"store_window", 8, "a burst of the store engine would leave the window"},
    {"fetch_timeout", 9, "an instruction read was not answered in time"},
    {"load_timeout", 10, "a read of the load engine was not answered in time"},
    {"store_timeout", 11, "a write of the store engine was not answered in time"},
    {"ecc", 12, "a word of DMEM, PMEM or IMEM with two wrong bits was read"},
    {"configuration", 13,
     "the program was compiled for another configuration, as its first word shows"},
    {"feature", 14, "an instruction needs a feature that this design lacks"},
    {"deadlock", 15, "RUNs wait for tokens that no RUN gives"},
    {"progress", 16, "no progress for longer than PROGRESS_LIMIT"},
    {"cycles", 17, "the program ran for longer than CYCLES_LIMIT"},
    {"stream", 18, "packed weights are invalid or do not end with their rows"},
}};

/// The causes to which cycles are attributed: index of the registers CAUSE and of kCauses.
enum class Cause : int { kCompute, kBank, kDrain, kMemory, kVector, kStore, kControl, kLoad };
inline constexpr std::array<Code, 8> kCauses{{
    {"compute", 0, "the array's input has a step"},
    {"bank", 1, "gather replays, or a bank was taken by a write or the DMA"},
    {"drain", 2, "the drain registers hold the previous tile"},
    {"memory", 3, "compute waits for the load engine"},
    {"vector", 4, "compute waits for the vector engine, or only the vector engine works"},
    {"store", 5, "compute waits for the store engine, or only the store engine works"},
    {"control", 6, "lane set-up, fetch, SETs, pipeline fill, the last results"},
    {"load", 7, "compute has nothing queued while the load engine works"},
}};

}  // namespace trine::csr
