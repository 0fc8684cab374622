// SPDX-License-Identifier: Apache-2.0
//
// Compares computed tensors with recorded ones, in codes.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/reference/vectors/vectors.h"

namespace trine::reference {

/// Two floats that differ by fewer than this many units in the last place count as equal, because
/// the math libraries of two runtimes differ by that much.
inline constexpr std::int64_t kFewUlps = 4;

/// The difference between two tensors.
struct Deviation {
  std::int64_t elements = 0, differ = 0;
  std::int64_t rounded = 0;  ///< floats that differ by less than kFewUlps; not counted in `differ`
  double ulps = 0;           ///< largest difference of two floats, in units in the last place
  double relative = 0;       ///< largest difference relative to the expected value
  double largest = 0;        ///< largest difference in codes
  std::int64_t first = -1;   ///< first element that differs

  void add(const Deviation& other);
};

/// The way in which the floats of an output are compared.
struct FloatOutput {
  /// The real value of one step of the codes, if values are rounded to codes. 0 if they are not;
  /// the difference in codes is then infinite for an element that differs.
  float scale = 0;
  /// True if the values are sums, because the rounding error of large terms remains when they
  /// cancel. Units in the last place then refer to the tensor's largest value.
  bool of_sums = false;
};

/// Returns the difference between two arrays.
/// @pre both have the same type and size
Deviation deviation(const Array& actual, const Array& expected, const FloatOutput& floats = {});

/// Finds the operator that computed a float output, through operators that only move elements, and
/// returns how to compare it.
FloatOutput float_output(const model::Graph& graph, int tensor);

/// Returns true if the largest element of each row of the output is at its label.
bool is_right(const Array& output, const std::vector<std::int64_t>& labels);

}  // namespace trine::reference
