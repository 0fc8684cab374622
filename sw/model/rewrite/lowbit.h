// SPDX-License-Identifier: Apache-2.0
//
// From float32 operators to integers: chains of monotone steps, quantizers that end them, and the
// thresholds that give the same codes without any float. Derivation: docs/encodings.md.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// The steps in order, in float32, with the constants of `channel` where there are several.
float apply(const std::vector<FloatStep>& steps, float x, std::size_t channel);

/// The smallest encoding that holds every code: binary, ternary, int2, int4 or int8.
/// @pre codes fit int8
Encoding smallest_encoding(const std::vector<std::int8_t>& codes);

/// One element of a quantizing operator, in its own float32 operations.
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

  int code(float x) const;  ///< low..high (kBipolar: -1 or 1); of no number: low
};

/// A quantizer of activations: the level 0..count of a float, whose value is
/// scale * (first + step * level).
struct Quantizer {
  int count = 1;
  std::function<int(float x, std::size_t channel)> level;  ///< never falls with x, total
  float scale = 1;
  int first = 0, step = 1;
  bool nearest = false;  ///< the level is that of the nearest value, of two the even code's
  /// Whose values' places the codes are; then the scale is that of a unit.
  machine::Format format = machine::Format::kNone;
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

/// nearest((x + bias) / width)
struct EvenSteps {
  double width = 1;
  std::int32_t bias = 0;
  bool ties = false;  ///< x lie between two steps, of which the even one is meant: no other width
};

/// Integers of an accumulator, and what one more of them adds to the steps' x.
struct Reached {
  std::int32_t low = 0, high = 0;
  int unit = 1;
};

/// Steps that give each accumulator the level that thresholds() gave it, with room for scales that
/// are rounded to float32; nothing where no line has all of these thresholds.
/// @param first  what level 0 stands for
std::optional<EvenSteps> even_steps(const std::vector<std::int32_t>& thresholds, int first,
                                    const Reached& x);

}  // namespace trine::model
