// SPDX-License-Identifier: Apache-2.0
//
// Numbers of files, their lowest byte first.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trine {

/// @pre at most 8 bytes
constexpr std::uint64_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
  return value;
}

}  // namespace trine
