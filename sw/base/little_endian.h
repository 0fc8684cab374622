// SPDX-License-Identifier: Apache-2.0
//
// Reads little-endian numbers of files.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trine {

/// Returns the number whose lowest byte comes first. @pre at most 8 bytes
constexpr std::uint64_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
  return value;
}

}  // namespace trine
