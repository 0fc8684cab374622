// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/rate.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/estimate/area_model.h"

namespace trine::cli {
namespace {

/// Formats a value with the largest unit that does not exceed it.
std::string in_units(double value, const char* const (&names)[4]) {
  std::size_t unit = 0;
  while (unit + 1 < std::size(names) && value >= 999.5) {
    value /= 1000;
    ++unit;
  }
  return short_number(value) + " " + names[unit];
}

}  // namespace

Clock clock_of(const spec::Config& config) {
  const estimate::Area area = estimate::area_of(config);
  return {area.clock_ns, area.library};
}

std::string clock_text(const spec::Config& config) {
  const Clock clock = clock_of(config);
  return fmt::format(
      "Times, rates and energies are at the predicted clock of {}, without wires: {:.2f} ns.\n",
      clock.library.substr(0, clock.library.find("_stdcell")), clock.ns);
}

std::string short_number(double value) {
  if (value < 100) return fmt::format("{:.3g}", value);
  const double step = std::pow(10, std::floor(std::log10(value)) - 2);
  return grouped(std::round(value / step) * step);
}

std::string time_text(double ns) { return in_units(ns, {"ns", "us", "ms", "s"}); }

std::string energy_text(double pj) { return in_units(pj, {"pJ", "nJ", "uJ", "mJ"}); }

std::string rate_text(double cycles, int images, double clock_ns) {
  const double ns = cycles * clock_ns;
  const std::string rate =
      ns > 0 ? fmt::format(": {} inferences/s", short_number(1e9 * images / ns)) : "";
  return fmt::format("= {} at {:.0f} MHz{}", time_text(ns), 1000 / clock_ns, rate);
}

void add_rate(Json& json, double cycles, int images, double clock_ns) {
  const double ns = cycles * clock_ns;
  json["clock_ns"] = clock_ns;
  json["latency_ms"] = ns * 1e-6;
  json["inferences_per_second"] = ns > 0 ? Json(1e9 * images / ns) : Json(nullptr);
}

}  // namespace trine::cli
