// SPDX-License-Identifier: Apache-2.0
//
// A unit with a clock, out of reset.

#pragma once

namespace trine::golden {

template <typename Dut>
struct Clocked {
  Dut dut;

  Clocked() {
    dut.rst_ni = 0;
    dut.clk_i = 0;
    dut.eval();  // Verilator needs an evaluation before the first edge
    tick();
    dut.rst_ni = 1;
    tick();
  }
  /// Applies a rising edge; inputs may change after it.
  void tick() {
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  }
};

}  // namespace trine::golden
