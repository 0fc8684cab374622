// SPDX-License-Identifier: Apache-2.0
//
// Counts the nonzero weights, activations and products of a run: the work of a machine that skips
// zeros. This machine skips none.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/reference/golden.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// A convolution or a fully connected layer with constant int8 weights.
struct NonzeroRow {
  std::string op, name;
  std::int64_t weights = 0, weights_all = 0;
  std::int64_t activations = 0, activations_all = 0;  ///< values of its input
  std::int64_t macs = 0, macs_all = 0;  ///< products whose factors are both nonzero, and all
};

/// Returns the counts of each layer. @param values  tensors of one run of the golden layers
std::vector<NonzeroRow> nonzero_rows(const model::Graph& graph, const reference::Values& values);

/// Returns a line for each layer and their sum; empty without rows.
std::string to_text(const std::vector<NonzeroRow>& rows);
Json to_json(const std::vector<NonzeroRow>& rows);

}  // namespace trine::cli
