// SPDX-License-Identifier: Apache-2.0
//
// The points of a sweep with their figures: chosen, compared, told.

#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/sweep/front.h"

namespace trine::sweep {

using Json = nlohmann::ordered_json;

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
  /// A number of its results, or of the configuration; what is not known is none.
  std::optional<double> figure(const std::string& name) const;
};

/// What is asked of the points.
struct Goal {
  std::vector<Condition> where;
  std::vector<std::string> minimize, maximize;  ///< none: there is no front

  std::vector<std::string> objectives() const;  ///< both
  std::vector<std::string> asked() const;       ///< these, and those of conditions, each once

  /// Fills in `allowed` and `front`; points are compared with those of their model.
  /// @throws Error  a figure that no point has
  void judge(std::vector<Point>& points) const;
  /// The figures that a table shows: those that are asked for, and the usual ones that are there.
  std::vector<std::string> columns(const std::vector<Point>& points) const;
};

/// For people: the front, or all without one; then failures. The usual figures as far as the
/// terminal's `width` goes.
std::string to_text(const std::vector<Point>& points, const Goal& goal, std::size_t width = 100);
std::string to_csv(const std::vector<Point>& points, const Goal& goal);
Json to_json(const std::vector<Point>& points, const Goal& goal);
/// Commands for gnuplot: the points by two figures, and the front. @param terminal  "svg" ...
std::string to_plot(const std::vector<Point>& points, const Goal& goal, const std::string& terminal,
                    const std::string& file);

}  // namespace trine::sweep
