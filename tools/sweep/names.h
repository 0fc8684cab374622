// SPDX-License-Identifier: Apache-2.0
//
// Names of a sweep's points, by what differs between them.

#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/sweep/table.h"

namespace trine::sweep {

/// "edge64" of "presets/edge64.toml".
std::string base_of(const std::string& path);

/// Whether a setting is the model itself: --option table=NAME.
bool is_model(const std::string& setting);

/// How points are named in tables and pictures: by what differs between them.
class Names {
 public:
  /// @param joint  models are no part of a name: a point stands for all of its design
  Names(const std::vector<Point>& points, bool joint);

  std::vector<std::string> heads() const;
  std::vector<std::string> cells(const Point& p) const;
  /// Whether a key of the configuration has a column.
  bool has_column(const std::string& key) const {
    return std::ranges::any_of(keys_, [&](const auto& known) { return known.first == key; });
  }
  /// What all points have.
  const std::vector<std::string>& common() const { return common_; }
  std::string model(const Point& p) const { return model_.at(p.model); }
  /// "rows=4", or the values of label_key(), without its model.
  std::string label(const Point& p) const;
  /// What the parts of a label are; "": they say so.
  std::string label_key() const;

 private:
  static std::pair<std::string, std::string> split(const std::string& setting);
  /// "rows" of "array.rows", "batch" of "--batch".
  static std::string tail_of(const std::string& key);
  static std::string value_of(const Point& p, const std::string& key);
  /// Base names, where each is of one path only.
  static std::map<std::string, std::string> short_names(const std::set<std::string>& paths);

  std::map<std::string, std::string> config_, model_;
  bool has_config_ = false, has_model_ = false;
  std::vector<std::pair<std::string, std::string>> keys_;  ///< with their short names
  std::vector<std::string> common_;
};

}  // namespace trine::sweep
