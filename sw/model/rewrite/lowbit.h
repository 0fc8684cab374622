// SPDX-License-Identifier: Apache-2.0
//
// Turns float32 operators into integers: chains of monotone steps, the quantizers that end them,
// and thresholds that give the same codes without floats. Derivation: docs/encodings.md.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Applies the steps in order, in float32, with the constants of `channel` if a step has several.
float apply(const std::vector<FloatStep>& steps, float x, std::size_t channel);

/// Returns the smallest encoding that holds every code: binary, ternary, int2, int4 or int8.
/// @pre codes fit int8
Encoding smallest_encoding(const std::vector<std::int8_t>& codes);

/// The rule by which an operator quantizes an element, in its own float32 operations.
///   kBipolar  x >= 0 ? 1 : -1
///   kQuant    round(clamp(x / scale + zero_point)), QONNX
///   kLinear   clamp(half_even(x / scale) + zero_point), ONNX's QuantizeLinear
struct QuantRule {
  enum class Kind { kBipolar, kQuant, kLinear };
  enum class Round { kHalfEven, kCeil, kFloor, kUp, kDown, kHalfUp, kHalfDown };
  Kind kind = Kind::kLinear;
  Round round = Round::kHalfEven;
  float scale = 1, zero_point = 0;
  int low = -128, high = 127;

  int code(float x) const;  ///< result in low..high (kBipolar: -1 or 1); `low` for NaN
};

/// A quantizer of activations. It maps a float to a level 0..count, whose value is scale * (first +
/// step * level).
struct Quantizer {
  int count = 1;
  std::function<int(float x, std::size_t channel)> level;  ///< never falls as x rises
  float scale = 1;
  int first = 0, step = 1;
  /// True: picks the level of the nearest value, and of two equally near values the even code.
  bool nearest = false;
  /// The format whose values the codes index. The scale is then the scale of a unit.
  spec::Format format = spec::Format::kNone;
};

/// The level as a function of an integer or float in a tensor.
template <typename T>
using LevelOf = std::function<int(T x)>;

/// Returns for each k the smallest x whose level is above k, or high + 1 if there is none. The
/// level is a non-decreasing function from low..high to 0..count.
/// @pre high < INT32_MAX
std::vector<std::int32_t> thresholds(const LevelOf<std::int32_t>& level, int count,
                                     std::int32_t low, std::int32_t high);

/// Does the same as thresholds() over all finite floats: +infinity if there is no such x.
std::vector<float> float_thresholds(const LevelOf<float>& level, int count);

/// A quantizer with equal steps: nearest((x + bias) / width).
struct EvenSteps {
  double width = 1;
  std::int32_t bias = 0;
  /// True: no other width fits. Some x are then halfway between two steps, and round to the even
  /// one.
  bool ties = false;
};

/// The integers that an accumulator reaches. The x of EvenSteps is the accumulator times `unit`.
struct Reached {
  std::int32_t low = 0, high = 0;
  int unit = 1;
};

/// Returns steps that give each accumulator the level that thresholds() gave it, with a margin for
/// scales that are rounded to float32. Returns nothing if no line has all of these thresholds.
/// @param first  value of level 0
std::optional<EvenSteps> even_steps(const std::vector<std::int32_t>& thresholds, int first,
                                    const Reached& x);

}  // namespace trine::model
