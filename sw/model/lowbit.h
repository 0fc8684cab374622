// SPDX-License-Identifier: Apache-2.0
//
// From float32 operators to integers: chains of monotone steps, quantizers that end them, and the
// thresholds that give the same codes without any float. Derivation: docs/encodings.md.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// The steps in order, in float32, with the constants of `channel` where there are several.
float apply(const std::vector<FloatStep>& steps, float x, std::size_t channel);

/// The smallest encoding that holds every code: binary, ternary, int2, int4 or int8.
/// @pre codes fit int8
Encoding smallest_encoding(const std::vector<std::int8_t>& codes);

/// What a quantizer does with a float: the number of a level, 0..count.
struct Quantizer {
  int count = 1;                                           ///< levels but one
  std::function<int(float x, std::size_t channel)> level;  ///< monotone in x, total
  std::vector<float> scale{1.0f};  ///< value of level k: scale * (first + step * k)
  int first = 0, step = 1;
};

/// Level as a function of an integer or a float that stands in a tensor.
template <typename T>
using LevelOf = std::function<int(T x)>;

/// For a function from low..high to 0..count that never falls: for each k the least x whose level
/// is above k, high + 1 where there is none.
/// @pre high < INT32_MAX
std::vector<std::int32_t> thresholds(const LevelOf<std::int32_t>& level, int count,
                                     std::int32_t low, std::int32_t high);

/// The same over all finite floats; +infinity where there is none.
std::vector<float> float_thresholds(const LevelOf<float>& level, int count);

}  // namespace trine::model
