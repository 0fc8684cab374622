// SPDX-License-Identifier: Apache-2.0
//
// Which points hold conditions, and which of them no other beats.

#pragma once

#include <string>
#include <vector>

namespace trine::sweep {

/// "area_um2<2e6"
struct Condition {
  std::string figure, relation;  ///< < <= > >= = !=
  double bound = 0;

  bool holds(double value) const;
};

/// @throws Error
Condition parse_condition(const std::string& text);

/// The Pareto front of rows of costs of equal length: those than which no other is at most as high
/// everywhere and lower somewhere. Equal ones are both in it.
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& costs);

}  // namespace trine::sweep
