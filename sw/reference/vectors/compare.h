// SPDX-License-Identifier: Apache-2.0
//
// How far computed tensors are from recorded ones, in codes.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/reference/vectors/vectors.h"

namespace trine::reference {

/// Floats that differ by fewer units in the last place are equal: what the libraries of two
/// runtimes make of one function.
inline constexpr std::int64_t kFewUlps = 4;

struct Deviation {
  std::int64_t elements = 0, differ = 0;
  std::int64_t rounded = 0;  ///< floats, not among `differ`, that differ by less than kFewUlps
  double ulps = 0;           ///< largest distance of two floats, in units in the last place
  double relative = 0;       ///< the largest, of their difference to the expected value
  double largest = 0;        ///< in codes
  std::int64_t first = -1;   ///< element that differs first

  void add(const Deviation& other);
};

/// How the floats of an output are compared.
struct FloatOutput {
  float scale = 0;  ///< what a code stands for (values are rounded to codes); 0 where they stand
                    ///< for none: then an element that differs is infinitely many codes away
  bool of_sums = false;  ///< terms that cancel leave the error of the large ones: units in the last
                         ///< place are those of the tensor's largest value
};

/// @pre both have the same type and size
Deviation deviation(const Array& actual, const Array& expected, const FloatOutput& floats = {});

/// What made a float output, through operators that only move elements.
FloatOutput float_output(const model::Graph& graph, int tensor);

struct LayerDeviation {
  int op_index = 0;
  std::string op, name;
  Deviation deviation;
  std::int64_t at_ties = 0;  ///< of those that differ: by one code, at an edge of two codes
};

struct LayerComparison {
  int compared = 0;  ///< recorded tensors that the graph has in the same type
  std::optional<LayerDeviation> first;
};

/// The golden layers on the case that `vectors` has layers of.
LayerComparison compare_layers(const model::Graph& graph, const VectorSet& vectors,
                               const RoundingPolicy& policy);

/// Whether the largest element of each row of the output is where its label says.
bool is_right(const Array& output, const std::vector<std::int64_t>& labels);

}  // namespace trine::reference
