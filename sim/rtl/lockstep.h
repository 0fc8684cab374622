// SPDX-License-Identifier: Apache-2.0
//
// Compares the DMEM writes of the RTL with those of the architecture simulator.
//
// The two order writes of different addresses differently (engines overlap in hardware), so each
// byte is compared by the sequence of values it takes. A repeated write of the value that the byte
// already has does not count.

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
  std::int32_t run;  ///< n-th RUN of the program
};

/// Executes the program on the architecture simulator. @param dram  what BASE points to; changed
std::vector<ExpectedByte> expected_writes(const compiler::Program& program,
                                          std::vector<std::uint8_t> dram);

struct Difference {
  bool found = false;
  bool missing = false;     ///< the RTL never wrote it; there is no cycle and no actual value
  bool unexpected = false;  ///< the program has no (further) write there; no run, no expected value
  std::uint64_t cycle = 0;
  std::uint32_t word_address = 0;
  int byte = 0;
  int run = -1;
  int expected = 0, actual = 0;
};

/// The difference in the earliest cycle; without one, the first write in program order that is
/// missing. @param expected  in program order
Difference first_difference(std::vector<ExpectedByte> expected, const ObservedWrite* writes,
                            std::uint64_t count);

/// One line: cycle, instruction, address, expected, actual.
std::string describe(const Difference& difference, const compiler::Program& program);

}  // namespace trine::sim
