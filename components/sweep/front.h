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

/// Returns for each row of costs whether it is on the Pareto front: true if no other row has a
/// lower cost without having a higher cost. Equal rows do not exclude each other.
/// @pre all rows have the same length
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& costs);

}  // namespace trine::sweep
