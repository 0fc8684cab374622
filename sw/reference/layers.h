// SPDX-License-Identifier: Apache-2.0
//
// Golden layers beside what another runtime, or the float model, has in their place.
//
//   SNR = 10 log10( sum signal^2 / sum (signal - golden)^2 ), of real values

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/reference/run.h"
#include "sw/reference/vectors/compare.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::reference {

struct LayerRow {
  int op_index = 0;
  std::string op, name;
  std::vector<std::int64_t> shape;  ///< as recorded
  Deviation deviation;              ///< in codes; of floats: from the nearest code
  std::int64_t at_ties = 0;         ///< of those that differ: by one code, at an edge of two codes
  bool of_floats = false;           ///< recorded were real values, not codes
  double signal = 0, noise = 0;     ///< sums of squares of the other's values, and of differences

  double snr_db() const;  ///< infinite without noise
};

/// A row for each recorded tensor that the graph has, in the order of execution: codes against
/// codes, or the real values of codes against floats.
/// @param values  golden, of the case that `vectors` has layers of
std::vector<LayerRow> layer_rows(const model::Graph& graph, const Values& values,
                                 const VectorSet& vectors);

}  // namespace trine::reference
