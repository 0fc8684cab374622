// SPDX-License-Identifier: Apache-2.0
//
// A graph as text: a line for each end and operator, below it one for each tensor that it is the
// first to name. Attributes that are as usual are left out.

#pragma once

#include <string>

#include "sw/model/graph.h"

namespace trine::model {

std::string to_text(const Graph& graph);

}  // namespace trine::model
