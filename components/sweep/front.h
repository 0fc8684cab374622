// SPDX-License-Identifier: Apache-2.0
//
// Finds the points that satisfy conditions, and the best ones among them.

#pragma once

#include <string>
#include <vector>

namespace trine::sweep {

/// A condition: "area_um2<2e6".
struct Condition {
  std::string figure, relation;  ///< < <= > >= = !=
  double bound = 0;

  /// Returns true if the value satisfies the condition.
  bool holds(double value) const;
};

/// Parses a condition. @throws Error
Condition parse_condition(const std::string& text);

/// Returns the Pareto front of rows of costs of equal length. A row belongs to it if no other row
/// is at most as high everywhere and lower somewhere. Equal rows both belong to it.
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& costs);

}  // namespace trine::sweep
