// SPDX-License-Identifier: Apache-2.0
//
// Evaluates Liberty's Boolean expressions. The operators in their order of precedence: ! before and
// ' after an operand; ^; &, * or a blank; + or |.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trine::power {

inline constexpr std::size_t kMostInputs = 6;  ///< inputs of a truth table with 64 bits

/// Returns the names in an expression in their order, without repetitions.
std::vector<std::string> names_in(std::string_view expression);

/// Returns a table. Its bit i is the value of the expression if each input k equals bit k of i.
/// @pre at most kMostInputs inputs
/// @throws Error  not a valid expression
std::uint64_t truth_table(std::string_view expression, const std::vector<std::string>& inputs);

}  // namespace trine::power
