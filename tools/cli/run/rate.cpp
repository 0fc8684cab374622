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
  return {area.clock_ns, area.clock_placed_ns};
}

std::string clock_text(const spec::Config& config) {
  const estimate::Area area = estimate::area_of(config);
  return wrapped(
      fmt::format(
          "The clock is predicted for {}: {:.2f} ns without wires, at which energies are stated, "
          "and {:.2f} ns placed, at which rates are stated. For {} placed designs the error of the "
          "placed clock is at most {:.1f} %.",
          area.library.substr(0, area.library.find("_stdcell")), area.clock_ns,
          area.clock_placed_ns, area.placed_designs, 100 * area.placed_error),
      "", static_cast<std::size_t>(columns()));
}

std::string short_number(double value) {
  if (value < 100) return fmt::format("{:.3g}", value);
  const double step = std::pow(10, std::floor(std::log10(value)) - 2);
  return grouped(std::round(value / step) * step);
}

std::string time_text(double ns) { return in_units(ns, {"ns", "us", "ms", "s"}); }

std::string energy_text(double pj) { return in_units(pj, {"pJ", "nJ", "uJ", "mJ"}); }

std::string rate_text(double cycles, int images, const Clock& clock) {
  const bool is_placed = clock.placed_ns > 0;
  const double period = is_placed ? clock.placed_ns : clock.ns, ns = cycles * period;
  std::string text = fmt::format("= {} at {:.0f} MHz", time_text(ns), 1000 / period);
  if (is_placed) text += fmt::format(" placed, {} without wires", time_text(cycles * clock.ns));
  if (ns > 0) text += fmt::format(": {} inferences/s", short_number(1e9 * images / ns));
  return text;
}

void add_rate(Json& json, double cycles, int images, const Clock& clock) {
  const auto add = [&](const std::string& suffix, const std::string& rate, double period) {
    const double ns = cycles * period;
    json["clock" + suffix + "_ns"] = period;
    json["latency" + suffix + "_ms"] = ns * 1e-6;
    json[rate] = ns > 0 ? Json(1e9 * images / ns) : Json(nullptr);
  };
  add("", "inferences_per_second", clock.ns);
  if (clock.placed_ns > 0) add("_placed", "inferences_per_second_placed", clock.placed_ns);
}

}  // namespace trine::cli
