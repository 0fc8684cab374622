// SPDX-License-Identifier: Apache-2.0
//
// Compares golden layers with the layers of another runtime, or of the float model.
//
//   SNR = 10 log10( sum signal^2 / sum (signal - golden)^2 ), of real values

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/reference/golden.h"
#include "sw/reference/vectors/compare.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::reference {

/// The comparison of one layer.
struct LayerRow {
  int op_index = 0;
  std::string op, name;
  std::vector<std::int64_t> shape;  ///< shape as recorded
  Deviation deviation;              ///< in codes; for floats, from the nearest code
  std::int64_t at_ties = 0;         ///< elements that differ by one code at a near tie
  bool of_floats = false;           ///< the recorded values are real values, not codes
  bool is_input = false;            ///< an input of the graph, perhaps as codes
  /// Sums of squares of the recorded values, and of the differences.
  double signal = 0, noise = 0;

  double snr_db() const;  ///< infinite without noise
};

/// Returns a row for each recorded tensor that the graph has, in execution order. It compares codes
/// with codes, or the real values of codes with floats.
/// @param values  golden values of the case whose layers `vectors` contains
std::vector<LayerRow> layer_rows(const model::Graph& graph, const Values& values,
                                 const VectorSet& vectors);

}  // namespace trine::reference
