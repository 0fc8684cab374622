// SPDX-License-Identifier: Apache-2.0
//
// The line that float operators compute from a tensor, and the integers of a product that computes
// the same line.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/model/rewrite/lowbit.h"

namespace trine::model::onnx_file {

/// The line and clamp that a sequence of steps equals: slope * x + offset, within low..high.
struct Line {
  double slope = 1, offset = 0;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool clamped = false;

  /// @throws Error  a line after a clamp
  void add(const FloatStep& step, std::size_t channel);
};

/// A product of a channel's codes with one weight. Before the line, its accumulator is multiplied
/// by `scale` and the input's scale, and `bias` is added.
struct ChannelProduct {
  std::int8_t weight = 64;  ///< 64..127
  float scale = 1.0f / 64;
  float bias = 0;  ///< moves the rounded bias by a unit
};

/// Returns the product whose bias, offset / slope rounded to an integer, is the most accurate.
ChannelProduct most_accurate_product(const Line& line);

/// Returns the product that gives the expected levels for all input codes or, if there is none, for
/// the most codes.
/// @param line  of real values of `from`, whose slope is not 0
/// @param levels  the expected level for each code of `from`, in ascending order
ChannelProduct exact_product(const Line& line, const Tensor& from, const Quantizer& quantizer,
                             const std::vector<int>& levels);

}  // namespace trine::model::onnx_file
