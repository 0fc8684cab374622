// SPDX-License-Identifier: Apache-2.0
//
// Numbers that may be negative as positions in a container.

#pragma once

#include <cstddef>
#include <cstdint>

namespace trine {

/// @pre i >= 0
constexpr std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace trine
