// SPDX-License-Identifier: Apache-2.0
//
// Converts cycles to time. All figures of one printout use the same clock, which tools/estimate
// predicts: once as synthesis reports it, without the delays of wires, and once as placed.
//
//   latency = cycles * clock          inferences/s = images / latency

#pragma once

#include <cstdint>
#include <string>

#include "tools/cli/common.h"

namespace trine::cli {

/// The clock of a design. @see estimate::Area
struct Clock {
  double ns = 0;         ///< without wires, or given by the user
  double placed_ns = 0;  ///< with the wires of a placed design; 0: the user gave the clock
};

/// Returns the predicted clock.
Clock clock_of(const spec::Config& config);

/// Returns a sentence that describes the clock.
std::string clock_text(const spec::Config& config);

/// Returns a text with three significant digits: "60.5 us", "20.6 uJ", "16,500".
std::string time_text(double ns);
std::string energy_text(double pj);
std::string short_number(double value);

/// Returns "= 80.7 us at 172 MHz placed, 60.5 us without wires: 12,400 inferences/s", or with the
/// user's clock "= 60.5 us at 229 MHz: 16,500 inferences/s".
/// @param images  images of a run of `cycles`
std::string rate_text(double cycles, int images, const Clock& clock);

/// Adds `clock_ns`, `latency_ms`, `inferences_per_second`, and with a predicted clock the same
/// figures of the placed design (`clock_placed_ns`, ..).
void add_rate(Json& json, double cycles, int images, const Clock& clock);

}  // namespace trine::cli
