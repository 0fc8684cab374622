// SPDX-License-Identifier: Apache-2.0
//
// How files hold the values of a tensor: blocks of some elements in some bytes, and what they stand
// for in float32, each operation rounded as the formats' reference libraries round it.
//
// Source: ggml's quantized types (github.com/ggml-org/ggml); OCP Microscaling Formats 1.0 (MXFP4).

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace trine::llm {

struct Encoding {
  std::string_view name;  ///< as the file's format has it: "Q4_K", "BF16"
  int elements, bytes;    ///< of a block
  /// Values of one block; null: it is known by name and size alone.
  void (*decode)(const std::uint8_t* block, float* values);
  bool ternary = false;  ///< codes -1, 0 and 1, a scale for each block
};

/// GGUF's. @return null for a number that no type has
const Encoding* gguf_encoding(std::uint32_t type);
/// safetensors'. @return null for a name that no type has
const Encoding* safetensors_encoding(std::string_view name);
/// "F32, F16": those that are read.
std::string gguf_encodings();
std::string safetensors_encodings();

/// @pre bytes are whole blocks of values
void decode(const Encoding& encoding, std::span<const std::uint8_t> bytes, std::span<float> values);

}  // namespace trine::llm
