// SPDX-License-Identifier: Apache-2.0
//
// Reads GGUF, the files of llama.cpp: keys with values, then tensors. Versions 2 and 3, little
// endian.
//
//   "GGUF", uint32 version, uint64 tensors, uint64 keys
//   for each key:     its name, uint32 type, the value; an array: uint32 type, uint64 count, values
//   for each tensor:  its name, uint32 axes, uint64 extents (the innermost first), uint32 type,
//                     uint64 position, from the beginning of the data
//   the data, from the next multiple of general.alignment (32) on, each tensor at a multiple
//
// Names and texts: uint64 number of bytes, the bytes. Source: docs/gguf.md of
// github.com/ggml-org/ggml.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "components/llm/files/tensors.h"

namespace trine::llm {

/// A value in the mapped file.
struct GgufValue {
  std::uint32_t type = 0;  ///< type of the value, or of an array's elements
  bool is_array = false;
  std::uint64_t count = 1;
  std::span<const std::uint8_t> bytes;
};

/// A GGUF file: its keys and tensors.
class GgufFile {
 public:
  /// Reads a file. @throws Error  names the file, byte, and key or tensor
  static GgufFile read(const std::filesystem::path& path);
  /// Parses bytes, which must outlive the result. @param file  for messages
  static GgufFile parse(std::span<const std::uint8_t> bytes, const std::string& file);

  const StoredTensors& tensors() const { return tensors_; }
  const std::string& file() const { return file_; }
  std::vector<std::string> keys() const;
  bool has(const std::string& key) const { return values_.contains(key); }

  /// Return the value of a key, or `otherwise` if the key is absent. @throws Error  the value has
  /// another type, or the key is absent and there is no `otherwise`
  std::string text(const std::string& key, std::optional<std::string> otherwise = {}) const;
  std::int64_t integer(const std::string& key, std::optional<std::int64_t> otherwise = {}) const;
  double number(const std::string& key, std::optional<double> otherwise = {}) const;
  bool flag(const std::string& key, std::optional<bool> otherwise = {}) const;
  std::vector<std::string> texts(const std::string& key) const;
  std::vector<std::int64_t> integers(const std::string& key) const;
  std::vector<float> numbers(const std::string& key) const;

 private:
  class Parser;

  const GgufValue* find(const std::string& key, bool is_array, const char* wanted) const;
  const GgufValue& require(const std::string& key, bool is_array, const char* wanted) const;
  [[noreturn]] void refuse(const std::string& key, const char* wanted) const;

  std::string file_;
  std::map<std::string, GgufValue> values_;
  StoredTensors tensors_;
};

}  // namespace trine::llm
