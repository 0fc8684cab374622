// SPDX-License-Identifier: Apache-2.0
//
// Compares the DMEM writes of the RTL with the DMEM writes of the architecture simulator.
//
// Engines overlap in hardware, so the two may write different addresses in a different order. Each
// byte is therefore compared by the sequence of its values. A write that does not change the byte's
// value does not count.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/rtl/abi.h"
#include "sw/program/program.h"

namespace trine::sim {

/// A byte that the program writes, in program order.
struct ExpectedByte {
  std::uint32_t byte_address;  ///< 4 * word + byte
  std::uint8_t value;
  std::int32_t run;  ///< index of the RUN in the program
};

/// Executes the program on the architecture simulator and returns the bytes that it writes.
/// @param dram  the memory at BASE; changed
std::vector<ExpectedByte> expected_writes(const compiler::Program& program,
                                          std::vector<std::uint8_t> dram);

/// A difference between the two sequences of a byte.
struct Difference {
  bool found = false;
  /// True if the RTL never wrote it; then there is neither a cycle nor an actual value.
  bool missing = false;
  /// True if the program does not write the byte (again); then there is neither a run nor an
  /// expected value.
  bool unexpected = false;
  std::uint64_t cycle = 0;
  std::uint32_t word_address = 0;
  int byte = 0;
  int run = -1;
  int expected = 0, actual = 0;
};

/// Returns the difference in the earliest cycle. Without one, returns the first missing write in
/// program order.
/// @param expected  in program order
Difference first_difference(std::vector<ExpectedByte> expected, const ObservedWrite* writes,
                            std::uint64_t count);

/// Returns one line: cycle, instruction, address, expected, actual.
std::string describe(const Difference& difference, const compiler::Program& program);

}  // namespace trine::sim
