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

/// Writes a file. A regular one is written to a temporary beside it, which is then renamed and has
/// the old one's permissions; what a link points to is written, the link stays; a device, a FIFO or
/// what stdout goes to is written through. Makes no folders.
/// @throws Error  names the path and the reason; nothing is left behind
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Whether write_file could write there now; changes nothing.
/// @throws Error  as write_file would, before long work is done in vain
void check_writable(const std::filesystem::path& path);

/// The same for a folder that may have to be made, its parents too.
void check_writable_folder(const std::filesystem::path& path);

/// Where a path leads when all links at its end are followed; it need not exist.
/// @throws Error  links that lead in a circle
std::filesystem::path followed(const std::filesystem::path& path);

/// Whether both lead to one place, which need not exist; a device is none that two would fight for.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace trine
