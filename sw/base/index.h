// SPDX-License-Identifier: Apache-2.0
//
// Converts signed numbers to indices of containers.

#pragma once

#include <cstddef>
#include <cstdint>

namespace trine {

/// Returns `i` as an index. @pre i >= 0
constexpr std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace trine
