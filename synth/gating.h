// SPDX-License-Identifier: Apache-2.0
//
// Inserts clock gates for registers with an enable, as synthesis tools do. The flip-flops of a
// module that share clock and enable get one gate instead of a multiplexer each. The registers have
// the same values in the same cycles (the gate samples its enable like a register,
// trine_clock_gate.sv). Source: Benini, De Micheli, "Transformation and synthesis of FSMs for
// low-power gated-clock implementation", ISLPED 1995.

#pragma once

#include <string>

#include "synth/read/liberty.h"

namespace trine::synth {

inline constexpr int kLeastGated = 4;  ///< flip-flops per gate; fewer keep their multiplexers
inline constexpr int kMostGated = 32;  ///< flip-flops per gate, which drives their clock pins

/// Returns the module with clock gates. A test pin is tied low; the tool for scan chains connects
/// it.
/// @param rtlil  a flat module of Yosys' simple cells, as write_rtlil prints it
std::string with_gated_enables(const std::string& rtlil, const ClockGate& gate);

}  // namespace trine::synth
