// SPDX-License-Identifier: Apache-2.0
//
// Whether a list of operators can be run, before anything indexes by it.

#pragma once

#include "sw/model/graph.h"

namespace trine::model {

/// Every index exists; every tensor is known before it is read, and written once.
/// @throws Error  names what cannot be run
void check_order(const Graph& graph);

}  // namespace trine::model
