// SPDX-License-Identifier: Apache-2.0
//
// Files, read whole and written whole: a reader of the path sees the old bytes or the new ones.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine {

/// @throws Error  names the path and the reason
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

/// Writes to a temporary beside `path`, then renames it. Makes no folders.
/// @throws Error  names the path and the reason; nothing is left behind
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace trine
