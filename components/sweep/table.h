// SPDX-License-Identifier: Apache-2.0
//
// The points of a sweep with their figures: selection, comparison, output.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "components/sweep/front.h"
#include "sw/base/json.h"

namespace trine::sweep {

/// A point of a sweep.
struct Point {
  std::string config;                 ///< preset or file
  std::vector<std::string> settings;  ///< "array.rows=4"
  std::string model;                  ///< empty: none, for synth only
  Json keys = Json::object();         ///< keys of the configuration
  std::string design;                 ///< identity of the design, "0x..."; empty: none
  std::vector<Json> results;    ///< JSON of its commands; figures of later commands take precedence
  std::vector<std::string> by;  ///< methods of these results
  std::string failed;           ///< reason why there is no result

  bool chosen = true;    ///< not excluded
  bool allowed = false;  ///< chosen, has all figures and satisfies all conditions
  bool front = false;
  bool stands = true;  ///< false: with sums, another point represents all models of the design
  Json joint = Json::object();  ///< figures of its design over all models: Goal::judge()
  /// Returns a number of its results, a derived figure (kDerived), or a number of the
  /// configuration; nothing if it is not known.
  std::optional<double> figure(const std::string& name) const;
};

/// Figures that no command reports: derived from other figures, or from all models of a design.
///
///   area         total_um2: cells and memories
///   dram_bytes   read and written
///   microseconds, inferences_per_second   cycles at clock_placed_ns
///   sum_F        F, summed over the models (--sum F)
///   slowest_rate the least inferences_per_second of the models (--reach)
inline constexpr const char* kDerived[] = {"area", "dram_bytes", "microseconds",
                                           "inferences_per_second"};

/// The goal of a sweep.
struct Goal {
  std::vector<Condition> where;
  std::vector<std::string> minimize, maximize;  ///< empty: there is no front
  /// Figures to add up over the models of a design, for a joint front.
  std::vector<std::string> sum{};
  double reach = 0;  ///< inferences/s that all models of a design must reach

  std::vector<std::string> objectives() const;  ///< of both lists; "sum_F" for summed figures
  std::vector<std::string> asked() const;       ///< all figures that the goal uses, each once
  std::string name_of(const std::string& figure) const;  ///< "sum_F" for summed figures

  /// Sets `joint`, `allowed` and `front`. Points are compared with points of the same model; with
  /// `sum`, all models of a design are one point.
  /// @throws Error  a figure that no point has, or one that differs between models that are one
  /// point
  void judge(std::vector<Point>& points) const;
  /// Returns the figures for CSV and JSON: the requested ones and the usual ones that are known.
  std::vector<std::string> columns(const std::vector<Point>& points) const;
};

/// Parses "30/s" or "30". @throws Error
double parse_reach(const std::string& text);

/// Returns a table for people: the front (all points if there is no front), then failures. Its
/// columns are the differences between the points, which are never cut, and as many of the usual
/// figures as fit the terminal's `width`.
std::string to_text(const std::vector<Point>& points, const Goal& goal, std::size_t width = 100);
std::string to_csv(const std::vector<Point>& points, const Goal& goal);
Json to_json(const std::vector<Point>& points, const Goal& goal);
/// Returns commands for gnuplot: the points by two figures, the front as a staircase with named
/// points.
/// @param terminal  "svg" ...
std::string to_plot(const std::vector<Point>& points, const Goal& goal, const std::string& terminal,
                    const std::string& file);

}  // namespace trine::sweep
