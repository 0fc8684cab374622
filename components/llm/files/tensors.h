// SPDX-License-Identifier: Apache-2.0
//
// Tensors in mapped files: only data that are read are in memory.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "components/llm/files/encoding.h"
#include "sw/base/mapped.h"

namespace trine::llm {

/// A tensor in a file.
struct StoredTensor {
  const Encoding* encoding = nullptr;
  std::vector<std::int64_t> shape;  ///< the last axis is contiguous and consists of whole blocks
  std::span<const std::uint8_t> bytes;
  std::uint64_t place = 0;  ///< position of its first byte in the file
  std::string file;

  std::int64_t elements() const;
};

/// Named tensors of one or more files.
class StoredTensors {
 public:
  using Map = std::map<std::string, StoredTensor>;

  /// Adds a tensor. @throws Error  the name exists already
  void add(const std::string& name, StoredTensor tensor);
  /// Keeps a file of tensors mapped.
  void keep(std::shared_ptr<const MappedFile> file) { files_.push_back(std::move(file)); }
  void keep(const StoredTensors& other) {
    files_.insert(files_.end(), other.files_.begin(), other.files_.end());
  }

  /// Releases the physical memory of all files; later reads load the bytes again.
  void let_go() const {
    for (const auto& file : files_) file->let_go();
  }

  const Map& all() const { return tensors_; }
  /// Returns a tensor, or null.
  const StoredTensor* find(const std::string& name) const;

 private:
  Map tensors_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
};

/// Checks that the tensor's encoding can be decoded.
/// @throws Error  names file, tensor, byte, encoding and the readable encodings
void require_readable(const std::string& name, const StoredTensor& tensor);

/// Returns all values. @throws Error  as require_readable(), or a value is not finite
std::vector<float> values_of(const std::string& name, const StoredTensor& tensor);

/// Returns "[2, 3]".
std::string shape_text(const std::vector<std::int64_t>& shape);

/// Returns the product of the extents; -1 if an extent is negative or the product exceeds 2^62.
std::int64_t elements_of(const std::vector<std::int64_t>& shape);

}  // namespace trine::llm
