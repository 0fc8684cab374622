// SPDX-License-Identifier: Apache-2.0
//
// How many weights, activations and products of a run are not zero: what a machine that skips
// zeros would have to do. This one skips none.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/reference/run.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// A convolution or a fully connected layer with constant int8 weights.
struct NonzeroRow {
  std::string op, name;
  std::int64_t weights = 0, weights_all = 0;
  std::int64_t activations = 0, activations_all = 0;  ///< of its input
  std::int64_t macs = 0, macs_all = 0;                ///< both factors are not zero; all: `macs`
};

/// @param values  of the golden layers, which computed one run
std::vector<NonzeroRow> nonzero_rows(const model::Graph& graph, const reference::Values& values);

/// A line each, and their sum; empty without rows.
std::string to_text(const std::vector<NonzeroRow>& rows);
Json to_json(const std::vector<NonzeroRow>& rows);

}  // namespace trine::cli
