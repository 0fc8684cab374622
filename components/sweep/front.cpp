// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/front.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sw/base/error.h"

namespace trine::sweep {
namespace {

/// Returns true if `a` is at most as high everywhere, and lower somewhere.
bool beats(const std::vector<double>& a, const std::vector<double>& b) {
  return a != b && std::ranges::equal(a, b, std::ranges::less_equal{});
}

}  // namespace

bool Condition::holds(double value) const {
  if (relation == "<") return value < bound;
  if (relation == "<=") return value <= bound;
  if (relation == ">") return value > bound;
  if (relation == ">=") return value >= bound;
  return (value == bound) == (relation == "=");
}

Condition parse_condition(const std::string& text) {
  const std::size_t first = text.find_first_of("<>=!");
  const std::size_t last = std::min(text.find_first_not_of("<>=!", first), text.size());
  if (first == std::string::npos) throw_error("--where {}: expected figure<number", text);
  Condition c{text.substr(0, first), text.substr(first, last - first)};
  const std::string number = text.substr(last);
  char* end = nullptr;
  c.bound = std::strtod(number.c_str(), &end);
  constexpr std::string_view kRelations[] = {"<", "<=", ">", ">=", "=", "!="};
  const bool known = std::ranges::find(kRelations, c.relation) != std::end(kRelations);
  if (c.figure.empty() || !known || number.empty() || *end != '\0' || !std::isfinite(c.bound))
    throw_error("--where {}: expected figure, one of < <= > >= = !=, number", text);
  return c;
}

std::vector<bool> pareto_front(const std::vector<std::vector<double>>& costs) {
  std::vector<bool> front;
  front.reserve(costs.size());
  for (const std::vector<double>& a : costs)
    front.push_back(
        std::ranges::none_of(costs, [&](const std::vector<double>& b) { return beats(b, a); }));
  return front;
}

}  // namespace trine::sweep
