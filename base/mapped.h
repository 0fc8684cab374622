// SPDX-License-Identifier: Apache-2.0
//
// Memory that is a file without a name: larger than what a process should hold, and only what is in
// use is in memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trine {

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

/// Most bytes that the process has held in memory so far, those of mapped files among them.
std::int64_t peak_bytes();

}  // namespace trine
