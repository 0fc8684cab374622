// SPDX-License-Identifier: Apache-2.0
//
// Compares golden layers with the layers of another runtime, or of the float model.
//
//   SNR = 10 log10( sum signal^2 / sum (signal - golden)^2 ), of real values

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/reference/golden.h"
#include "sw/reference/vectors/compare.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::reference {

/// Codes that differ from the runtime's, by the result of exact arithmetic.
struct Agreement {
  std::int64_t ours = 0;     ///< exact arithmetic gives our code
  std::int64_t runtime = 0;  ///< exact arithmetic gives the runtime's code
  std::int64_t ties = 0;  ///< the exact value is halfway between both, as far as scales are exact
  std::int64_t neither = 0;  ///< exact arithmetic gives another code
  std::int64_t unknown = 0;  ///< the vectors do not have the exact values

  void add(const Agreement& other);
  /// Returns true if no difference is an error of ours: float32 rounded the runtime's codes.
  bool is_float32() const { return runtime + neither + unknown == 0; }
};

/// The comparison of one layer.
struct LayerRow {
  int op_index = 0;
  std::string op, name;
  std::vector<std::int64_t> shape;  ///< shape as recorded
  Deviation deviation;              ///< in codes; for floats, from the nearest code
  std::int64_t at_ties = 0;         ///< elements that differ by one code at a near tie
  Agreement exact;                  ///< elements of codes that differ
  bool of_floats = false;           ///< the recorded values are real values, not codes
  bool is_input = false;            ///< an input of the graph, perhaps as codes
  /// Sums of squares of the recorded values, and of the differences.
  double signal = 0, noise = 0;

  double snr_db() const;  ///< infinite without noise
};

/// Returns a row for each recorded tensor that the graph has, in execution order. It compares codes
/// with codes, or the real values of codes with floats.
/// @param values  golden values of the case of these layers
std::vector<LayerRow> layer_rows(const model::Graph& graph, const Values& values,
                                 const std::vector<LayerVector>& layers);

/// The layers of a case, if each operator has the recorded values as inputs instead of those that
/// the golden layers compute. Differences then do not spread.
struct SeparateLayers {
  std::vector<LayerRow> rows;
  std::vector<Array> outputs;  ///< of the graph
};

SeparateLayers separate_layers(const model::Graph& graph, const std::vector<Array>& inputs,
                               const std::vector<LayerVector>& layers,
                               const RoundingPolicy& policy);

/// Compares all layers of cases. Each operator has the recorded values as inputs, so that
/// differences do not spread.
struct LayerComparison {
  int compared = 0;              ///< recorded tensors of a case that the graph has
  int cases = 0, operators = 0;  ///< operators: those that differ in any case
  std::int64_t codes = 0, differ = 0;
  Agreement exact;                  ///< of the codes that differ
  std::optional<LayerRow> first;    ///< the first layer that differs, in the first such case
  std::size_t first_case = 0;       ///< number of this case
  std::int64_t outputs_differ = 0;  ///< elements of the graph's outputs that differ
};

/// @param cases  numbers of cases; those without recorded layers are left out
LayerComparison compare_layers(const model::Graph& graph, const VectorSet& vectors,
                               const std::vector<std::size_t>& cases, const RoundingPolicy& policy);

}  // namespace trine::reference
