// SPDX-License-Identifier: Apache-2.0
//
// Memory mapped from files. It may be larger than physical memory: only pages in use are resident.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trine {

/// Writable memory that is stored in an unnamed temporary file.
class MappedMemory {
 public:
  /// Creates zeros, which use no disk space until they are written.
  /// @param folder  the folder in which the file is created; the file disappears with this object
  /// @throws Error  names the folder: not enough space, or no file can be created
  MappedMemory(const std::filesystem::path& folder, std::size_t bytes);
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;
  ~MappedMemory();

  /// Returns the memory.
  std::span<std::uint8_t> bytes() const { return bytes_; }
  /// Releases the physical memory; the file keeps the bytes.
  void let_go() const;

 private:
  std::span<std::uint8_t> bytes_;
};

/// The bytes of a file, read-only. If another program truncates the file, the process is killed.
class MappedFile {
 public:
  /// Maps a regular file. @throws Error  names the path and the reason
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// Returns the bytes of the file.
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  /// Releases the physical memory; later reads load the bytes from the file again.
  void let_go() const;

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Returns the peak resident memory of the process in bytes, mapped files included.
std::int64_t peak_bytes();

}  // namespace trine
