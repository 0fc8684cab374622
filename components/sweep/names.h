// SPDX-License-Identifier: Apache-2.0
//
// Names the points of a sweep by their differences.

#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "components/sweep/table.h"

namespace trine::sweep {

/// Returns "edge64" for "spec/presets/edge64.toml".
std::string base_of(const std::string& path);

/// Returns true if a setting is the model itself: --option table=NAME.
bool is_model(const std::string& setting);

/// The names of points in tables and pictures, made from their differences.
class Names {
 public:
  /// @param joint  names omit the model, because a point represents all models of its design
  Names(const std::vector<Point>& points, bool joint);

  /// Returns the heads of the columns.
  std::vector<std::string> heads() const;
  /// Returns a point's cells of these columns.
  std::vector<std::string> cells(const Point& p) const;
  /// Returns true if a key of the configuration has a column.
  bool has_column(const std::string& key) const {
    return std::ranges::any_of(keys_, [&](const auto& known) { return known.first == key; });
  }
  /// Returns the settings that all points share.
  const std::vector<std::string>& common() const { return common_; }
  /// Returns the name of a point's model.
  std::string model(const Point& p) const { return model_.at(p.model); }
  /// Returns "rows=4", or the values of label_key(), without the model.
  std::string label(const Point& p) const;
  /// Returns the meanings of a label's parts; "" if the label names them.
  std::string label_key() const;

 private:
  static std::pair<std::string, std::string> split(const std::string& setting);
  /// Returns "rows" for "array.rows", "batch" for "--batch".
  static std::string tail_of(const std::string& key);
  static std::string value_of(const Point& p, const std::string& key);
  /// Returns the base names of the paths if all are unique, else the paths.
  static std::map<std::string, std::string> short_names(const std::set<std::string>& paths);

  std::map<std::string, std::string> config_, model_;
  bool has_config_ = false, has_model_ = false;
  std::vector<std::pair<std::string, std::string>> keys_;  ///< keys with their short names
  std::vector<std::string> common_;
};

}  // namespace trine::sweep
