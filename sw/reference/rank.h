// SPDX-License-Identifier: Apache-2.0
//
// Ranks a label among the classes of an output.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/base/npy.h"

namespace trine::reference {

/// Returns the rank of the label in a row of the output: the number of classes with a larger value,
/// or with an equal value and a smaller index. Rank 0 is a top-1 answer, a rank below 5 a top-5
/// answer. With several rows, each has a label, and the worst result counts. For a network that
/// ends in ARG_MAX, the result is 0 or the largest number. It is also the largest number if the
/// label is not a class.
std::size_t rank_of(const Array& output, const std::vector<std::int64_t>& labels);

}  // namespace trine::reference
