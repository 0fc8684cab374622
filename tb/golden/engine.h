// SPDX-License-Identifier: Apache-2.0
//
// The common part of the benches of compute and vector engine: offers the words of a program.

#pragma once

#include <cstdint>
#include <random>

#include "spec/isa.h"
#include "tb/golden/stimulus.h"

namespace trine::golden {

/// Offers SETs and RUNs one after the other; a RUN may first wait for its tokens.
class Issue {
 public:
  void start(const isa::Registers& registers, const isa::Run& run, std::mt19937& random) {
    registers_ = registers;
    run_ = run;
    reg_ = 0;
    wait_ = chance(random, 50) ? 0 : static_cast<int>(random() % 40);
  }
  bool done() const { return reg_ > isa::kRegisters; }

  /// Offers the next word.
  template <typename Dut>
  void drive_word(Dut& dut) const {
    const bool run = reg_ == isa::kRegisters;
    dut.cfg_valid_i = reg_ < isa::kRegisters;
    dut.wait_i = run && wait_ > 0;
    dut.run_valid_i = run && wait_ == 0;
    if (reg_ < isa::kRegisters) {
      drive(dut.cfg_reg_i, static_cast<std::uint64_t>(reg_));
      dut.cfg_payload_i = registers_.value[static_cast<std::size_t>(reg_)];
    }
    drive(dut.run_i, static_cast<std::uint64_t>(run_.flags << 8 | run_.op));
  }
  /// Applies the rising edge. @return true if the RUN was taken
  template <typename Dut>
  bool clock(const Dut& dut) {
    if (dut.wait_i != 0) --wait_;
    const bool run = dut.run_valid_i != 0 && dut.run_ready_o != 0;
    if (run || (dut.cfg_valid_i != 0 && dut.cfg_ready_o != 0)) ++reg_;
    return run;
  }

 private:
  isa::Registers registers_;
  isa::Run run_;
  int reg_ = isa::kRegisters + 1, wait_ = 0;
};

/// Fills registers 10 to 14 with random bits in every field.
inline void random_post(isa::Registers& r, std::mt19937& random) {
  for (const isa::ListedField& listed : isa::kFields) {
    const isa::Field& field = *listed.field;
    if (listed.group != "post") continue;
    const std::int64_t bits = static_cast<std::int64_t>(random()) & (field.high() - field.low());
    auto& payload = r.value[static_cast<std::size_t>(field.reg)];
    payload = isa::with_field(payload, field, field.low() + bits);
  }
}

}  // namespace trine::golden
