// SPDX-License-Identifier: Apache-2.0
//
// Cycles as time. All figures of one output are of one clock: the one that tools/estimate predicts
// for the design, without wires.
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
  std::string library;  ///< that it is predicted for

  double mhz() const { return 1000 / ns; }
};

Clock clock_of(const machine::Config& config);

/// A sentence that says which clock it is.
std::string clock_text(const machine::Config& config);

/// "60.5 us", "20.6 uJ", "16,500": three digits that count.
std::string time_text(double ns);
std::string energy_text(double pj);
std::string short_number(double value);

/// "= 60.5 us at 229 MHz: 16,500 inferences/s". @param images  of a run of so many cycles
std::string rate_text(double cycles, int images, double clock_ns);

/// Adds `clock_ns`, `latency_ms`, `inferences_per_second`.
void add_rate(Json& json, double cycles, int images, double clock_ns);

}  // namespace trine::cli
