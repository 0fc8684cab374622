// SPDX-License-Identifier: Apache-2.0
//
// Prints a graph: a line for each input, output and operator, followed by a line for each tensor
// that appears for the first time. Attributes with default values are left out.

#pragma once

#include <string>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Returns the graph as text.
std::string to_text(const Graph& graph);

}  // namespace trine::model
