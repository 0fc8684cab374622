// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4): which file recorded vectors belong to.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trine {

/// @return 64 hexadecimal digits
std::string sha256(const std::vector<std::uint8_t>& bytes);

}  // namespace trine
