// SPDX-License-Identifier: Apache-2.0
//
// The points of a sweep with their figures: chosen, compared, told.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tools/sweep/front.h"

namespace trine::sweep {

struct Point {
  std::string config;                 ///< preset or file
  std::vector<std::string> settings;  ///< "array.rows=4"
  std::string model;                  ///< empty: none, of synth alone
  Json keys = Json::object();         ///< of the configuration
  std::string design;                 ///< its identity, "0x..."; empty: none
  std::vector<Json> results;          ///< JSON of its commands; a later one's figures hold
  std::vector<std::string> by;        ///< the methods that these are of
  std::string failed;                 ///< why there is none

  bool chosen = true;    ///< not left out
  bool allowed = false;  ///< chosen, it has all figures and holds all conditions
  bool front = false;
  bool stands = true;           ///< with sums: for all models of its design, in tables and pictures
  Json joint = Json::object();  ///< figures of its design over all models: Goal::judge()
  /// A number of its results, derived (kDerived), or of the configuration; what is not known is
  /// none.
  std::optional<double> figure(const std::string& name) const;
};

/// Figures that are no command's own: derived from others, or over the models of a design.
///
///   area         total_um2: cells and memories
///   dram_bytes   read and written
///   microseconds, inferences_per_second   cycles at clock_ns
///   sum_F        F, summed over the models (--sum F)
///   slowest_rate the least inferences_per_second of the models (--reach)
inline constexpr const char* kDerived[] = {"area", "dram_bytes", "microseconds",
                                           "inferences_per_second"};

/// What is asked of the points.
struct Goal {
  std::vector<Condition> where;
  std::vector<std::string> minimize, maximize;  ///< none: there is no front
  std::vector<std::string> sum{};  ///< of these the models of a design are added up: a joint front
  double reach = 0;                ///< inferences/s that all models of a design must reach

  std::vector<std::string> objectives() const;  ///< both, "sum_F" where F is summed
  std::vector<std::string> asked() const;       ///< these, and those of conditions, each once
  std::string name_of(const std::string& figure) const;  ///< "sum_F" where F is summed

  /// Fills in `joint`, `allowed` and `front`. Points are compared with those of their model; with
  /// `sum` all models of a design are one point.
  /// @throws Error  a figure that no point has, or one that differs between models that are one
  void judge(std::vector<Point>& points) const;
  /// The figures of CSV and JSON: those that are asked for, and the usual ones that are there.
  std::vector<std::string> columns(const std::vector<Point>& points) const;
};

/// "30/s" or "30". @throws Error
double parse_reach(const std::string& text);

/// For people: the front, or all without one; then failures. Columns of what differs; the usual
/// figures as far as the terminal's `width` goes. What differs is never cut.
std::string to_text(const std::vector<Point>& points, const Goal& goal, std::size_t width = 100);
std::string to_csv(const std::vector<Point>& points, const Goal& goal);
Json to_json(const std::vector<Point>& points, const Goal& goal);
/// Commands for gnuplot: the points by two figures, the front as a staircase, its points named.
/// @param terminal  "svg" ...
std::string to_plot(const std::vector<Point>& points, const Goal& goal, const std::string& terminal,
                    const std::string& file);

}  // namespace trine::sweep
