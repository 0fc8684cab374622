// SPDX-License-Identifier: Apache-2.0
//
// Memory that is a file: larger than what a process should hold, and only what is in use is in
// memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trine {

/// Without a name.
class MappedMemory {
 public:
  /// Zeros, which take no room on the disk until they are written.
  /// @param folder  for the file, which is gone with this
  /// @throws Error  names the folder: no room there, or no file
  MappedMemory(const std::filesystem::path& folder, std::size_t bytes);
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;
  ~MappedMemory();

  std::span<std::uint8_t> bytes() const { return bytes_; }
  /// The process no longer holds any of it; the file does.
  void let_go() const;

 private:
  std::span<std::uint8_t> bytes_;
};

/// The bytes of a file, to read. Whoever shortens it meanwhile ends the process.
class MappedFile {
 public:
  /// @throws Error  names the path and the reason
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::uint8_t> bytes() const { return bytes_; }
  /// The process no longer holds any of it; reading it again does.
  void let_go() const;

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Most bytes that the process has held in memory so far, those of mapped files among them.
std::int64_t peak_bytes();

}  // namespace trine
