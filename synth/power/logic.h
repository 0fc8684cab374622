// SPDX-License-Identifier: Apache-2.0
//
// Liberty's Boolean expressions: ! before and ' behind an operand, ^, & or * or a blank, + or |,
// in this order of precedence.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trine::power {

inline constexpr std::size_t kMostInputs = 6;  ///< of a truth table of 64 bits

/// The names in an expression, each once, in order.
std::vector<std::string> names_in(std::string_view expression);

/// Bit i of the table is the value where input k has bit k of i. @pre at most kMostInputs inputs
/// @throws Error  not an expression of these
std::uint64_t truth_table(std::string_view expression, const std::vector<std::string>& inputs);

}  // namespace trine::power
