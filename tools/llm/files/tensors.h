// SPDX-License-Identifier: Apache-2.0
//
// Tensors as they lie in files, mapped: only what is read is in memory.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped.h"
#include "tools/llm/files/encoding.h"

namespace trine::llm {

struct StoredTensor {
  const Encoding* encoding = nullptr;
  std::vector<std::int64_t> shape;  ///< the last axis lies in a row; whole blocks of it
  std::span<const std::uint8_t> bytes;
  std::uint64_t place = 0;  ///< of its first byte in the file
  std::string file;

  std::int64_t elements() const;
};

class StoredTensors {
 public:
  using Map = std::map<std::string, StoredTensor>;

  /// @throws Error  there is one of that name
  void add(const std::string& name, StoredTensor tensor);
  /// The files that tensors lie in, kept open.
  void keep(std::shared_ptr<const MappedFile> file) { files_.push_back(std::move(file)); }
  void keep(const StoredTensors& other) {
    files_.insert(files_.end(), other.files_.begin(), other.files_.end());
  }

  /// The process holds none of their bytes until they are read again.
  void let_go() const {
    for (const auto& file : files_) file->let_go();
  }

  const Map& all() const { return tensors_; }
  const StoredTensor* find(const std::string& name) const;

 private:
  Map tensors_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
};

/// Whether the file's encoding is read at all.
/// @throws Error  names file, tensor, byte, encoding and those that are
void require_readable(const std::string& name, const StoredTensor& tensor);

/// All values. @throws Error  as above, or one is not finite
std::vector<float> values_of(const std::string& name, const StoredTensor& tensor);

/// "[2, 3]"
std::string shape_text(const std::vector<std::int64_t>& shape);

/// Product of the extents. @return -1 where an extent is negative or the product beyond 2^62
std::int64_t elements_of(const std::vector<std::int64_t>& shape);

}  // namespace trine::llm
