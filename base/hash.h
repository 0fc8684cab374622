// SPDX-License-Identifier: Apache-2.0
//
// XXH64 (xxHash): identifies configurations and guards program files against damage. Not a
// signature. SHA-256 (FIPS 180-4): which file recorded vectors belong to.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine {

std::uint64_t hash64(std::string_view bytes);

/// @return 64 hexadecimal digits
std::string sha256(const std::vector<std::uint8_t>& bytes);
/// Returns the hash of a file, which need not fit memory. @throws Error  it cannot be read
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace trine
