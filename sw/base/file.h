// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes whole files. A reader of the path sees either the old or the new bytes.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine {

/// Returns all bytes of a file. @throws Error  names the path and the reason
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);
/// Returns all bytes of a file as text. @throws Error  names the path and the reason
std::string read_text(const std::filesystem::path& path);

/// Writes a file. A regular file is first written to a temporary file in the same folder, which
/// then replaces it and keeps its permissions. A link remains, and its target is written. Devices,
/// FIFOs and the file of stdout or stderr are written in place. Creates no folders.
/// @throws Error  names the path and the reason; no temporary file remains
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Checks that write_file() could write this file, before long work is done in vain. Changes
/// nothing.
/// @throws Error  as write_file() would
void check_writable(const std::filesystem::path& path);

/// Checks that a folder can be written or created together with its parents. @throws Error
void check_writable_folder(const std::filesystem::path& path);

/// Returns the target of all links at the end of a path. The target need not exist.
/// @throws Error  the links form a circle
std::filesystem::path followed(const std::filesystem::path& path);

/// Returns true if both paths lead to the same regular file, or to the same place for a new one.
/// Devices never count as the same file, because two writers of a device do not conflict.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace trine
