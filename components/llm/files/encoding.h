// SPDX-License-Identifier: Apache-2.0
//
// The encodings of tensors in files. A block of several elements occupies a fixed number of bytes.
// Decoding gives float32 values, and rounds each operation like the formats' reference libraries.
//
// Source: ggml's quantized types (github.com/ggml-org/ggml); OCP Microscaling Formats 1.0 (MXFP4).

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace trine::llm {

/// An encoding.
struct Encoding {
  std::string_view name;  ///< name in the file's format: "Q4_K", "BF16"
  int elements, bytes;    ///< size of a block
  /// Decodes one block; null if only name and size are known.
  void (*decode)(const std::uint8_t* block, float* values);
  bool ternary = false;  ///< codes -1, 0 and 1 with a scale for each block
};

/// Returns the encoding of a GGUF type, or null for an unknown number.
const Encoding* gguf_encoding(std::uint32_t type);
/// Returns the encoding of a safetensors type, or null for an unknown name.
const Encoding* safetensors_encoding(std::string_view name);
/// Returns the readable encodings: "F32, F16".
std::string gguf_encodings();
std::string safetensors_encodings();

/// Decodes values. @pre whole blocks
void decode(const Encoding& encoding, std::span<const std::uint8_t> bytes, std::span<float> values);

}  // namespace trine::llm
