// SPDX-License-Identifier: Apache-2.0
//
// Enumerates the attributes of an operator by name, for code that writes and reads them.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Calls visit(name, member) for each attribute that is a number or a flag.
template <typename Visit>
void for_each_field(Visit visit) {
#define ATTRIBUTE(name) visit(#name, &Op::name);
#include "sw/model/graph/attributes.def"
}

}  // namespace trine::model
