// SPDX-License-Identifier: Apache-2.0
//
// Clock gates for registers with an enable, as synthesis tools put them in: flip-flops of a module
// that share clock and enable get one gate instead of a multiplexer each. Both hold what they hold
// in the same cycles (the gate takes its enable as a register would, trine_clock_gate.sv).
// Source: Benini, De Micheli, "Transformation and synthesis of FSMs for low-power gated-clock
// implementation", ISLPED 1995.

#pragma once

#include <string>

#include "synth/read/liberty.h"

namespace trine::synth {

inline constexpr int kLeastGated = 4;  ///< flip-flops: fewer keep their multiplexers
inline constexpr int kMostGated = 32;  ///< behind one gate, which drives their clock pins

/// @param rtlil  a module of Yosys' simple cells, flat, as write_rtlil prints it
/// @return the same with gates; a test pin is tied low: the scan chain's tool connects it
std::string with_gated_enables(const std::string& rtlil, const ClockGate& gate);

}  // namespace trine::synth
