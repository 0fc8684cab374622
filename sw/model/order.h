// SPDX-License-Identifier: Apache-2.0
//
// Whether a list of operators can be run, before anything indexes by it; and whether one of them is
// an operator that Trine defines.

#pragma once

#include "sw/model/graph.h"

namespace trine::model {

/// Every index exists; every tensor is known before it is read, and written once.
/// @throws Error  names what cannot be run
void check_order(const Graph& graph);

/// What check() asks of one operator. @throws Refusal  its first fault
void check_op(const Graph& graph, const Op& op);

}  // namespace trine::model
