// SPDX-License-Identifier: Apache-2.0
//
// Verifies a program before anything runs it, with every rule that needs only the words. The RTL
// executes whatever the words contain, so a program that breaks a rule here gives wrong results
// silently. The compiler, the readers and writers of program files and images, and the architecture
// simulator all use this verifier. Only rules about data in memory (exponentials, scales, packed
// streams) are left to the simulator.
//
// The rules: every word is an instruction of the design (isa::fault_of); a RUN reads only registers
// that were set; strides and addresses are whole beats; every address is in its memory; coordinates
// fit the lanes' counters (isa::limit); combinations of flags are defined; each token that is given
// is taken, and no RUN waits forever.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "spec/config.h"
#include "spec/isa.h"

namespace trine::program {

/// A rule that a RUN breaks.
struct Objection {
  std::string_view cause;  ///< ERROR_CAUSE with which the hardware would stop; empty: it continues
  std::string text;        ///< what is wrong, and what is allowed
};

/// A verifier of single RUNs.
class RunVerifier {
 public:
  /// Creates a verifier.
  /// @param dram_bytes  size of the window at BASE
  RunVerifier(const spec::Config& config, std::int64_t dram_bytes)
      : config_(config), dram_bytes_(dram_bytes) {}

  /// Returns the first rule that the RUN breaks.
  std::optional<Objection> operator()(isa::Engine engine, const isa::Registers& registers,
                                      const isa::Run& run);

 private:
  spec::Config config_;
  std::int64_t dram_bytes_;
  /// Number of lanes that the verifier may still visit one by one. It visits lanes only if their
  /// positions are irregular, because no formula gives the addresses then. The compiler's programs
  /// are always regular.
  std::int64_t visits_ = std::int64_t{1} << 26;
};

/// The registers that a program has set so far.
class SetRegisters {
 public:
  void set(isa::Engine engine, int reg) { set_[static_cast<std::size_t>(engine)] |= 1U << reg; }
  /// Returns an objection if the RUN reads a register that was never set, because its value is left
  /// over from another program.
  std::optional<Objection> operator()(isa::Engine engine, const isa::Registers& registers,
                                      const isa::Run& run) const;

 private:
  std::array<unsigned, isa::kEngines> set_{};  ///< one bit for each register
};

/// A rule that a program breaks.
struct Fault {
  std::size_t word = 0;  ///< index in the program
  std::string_view cause;
  std::string
      text;  ///< "word 17, compute RUN int8 clear drain: DMEM words 8180..8195, allowed ..."
};

/// Verifies the words of one segment, from BEGIN to END. Returns the first fault.
std::optional<Fault> verify(std::span<const isa::Word> words, const spec::Config& config,
                            std::int64_t dram_bytes);

}  // namespace trine::program
