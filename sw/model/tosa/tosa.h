// SPDX-License-Identifier: Apache-2.0
//
// Imports TOSA files.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Imports TOSA 1.0, binary or as JSON. Operators that the machine does not support are kept for
/// the host (OpKind::kOnnx with a name such as "TOSA:CONV2D").
/// @throws Error  names file and fault, and all operators that are errors by the specification; any
/// bytes are handled
Graph parse_tosa(const std::vector<std::uint8_t>& bytes, const std::string& file);

}  // namespace trine::model
