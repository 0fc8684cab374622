// SPDX-License-Identifier: Apache-2.0
//
// Hash functions: XXH64 (xxHash) identifies configurations and detects damaged program files; it is
// not a signature. SHA-256 (FIPS 180-4) identifies the model file of recorded vectors.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine {

/// Returns the XXH64 hash with seed 0.
std::uint64_t hash64(std::string_view bytes);

/// Returns the SHA-256 hash as 64 hexadecimal digits.
std::string sha256(const std::vector<std::uint8_t>& bytes);
/// Returns the SHA-256 hash of a file, which may be larger than memory.
/// @throws Error  the file cannot be read
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace trine
