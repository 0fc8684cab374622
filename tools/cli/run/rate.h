// SPDX-License-Identifier: Apache-2.0
//
// Converts cycles to time. All figures of one printout use the same clock. tools/estimate predicts
// it, without the delays of wires.
//
//   latency = cycles * clock          inferences/s = images / latency

#pragma once

#include <cstdint>
#include <string>

#include "tools/cli/common.h"

namespace trine::cli {

/// The predicted clock of a design. @see estimate::Area
struct Clock {
  double ns = 0;
  std::string library;  ///< cell library of the prediction

  double mhz() const { return 1000 / ns; }
};

/// Returns the predicted clock.
Clock clock_of(const spec::Config& config);

/// Returns a sentence that describes the clock.
std::string clock_text(const spec::Config& config);

/// Returns a text with three significant digits: "60.5 us", "20.6 uJ", "16,500".
std::string time_text(double ns);
std::string energy_text(double pj);
std::string short_number(double value);

/// Returns "= 60.5 us at 229 MHz: 16,500 inferences/s". @param images  images of a run of `cycles`
std::string rate_text(double cycles, int images, double clock_ns);

/// Adds `clock_ns`, `latency_ms`, `inferences_per_second`.
void add_rate(Json& json, double cycles, int images, double clock_ns);

}  // namespace trine::cli
