// SPDX-License-Identifier: Apache-2.0
//
// Where a label stands among the classes of an output.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/npy.h"

namespace trine::reference {

/// Classes before the label in a row of the output, largest value first and of equals the first: 0
/// is top-1, below 5 top-5. Of several rows, one for each label, the worst. Of a network that ends
/// in ARG_MAX, and of a label that is no class: 0 or the largest number.
std::size_t rank_of(const Array& output, const std::vector<std::int64_t>& labels);

}  // namespace trine::reference
