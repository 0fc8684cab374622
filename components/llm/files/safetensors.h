// SPDX-License-Identifier: Apache-2.0
//
// Reads safetensors, the files of Hugging Face: uint64 size of the header in bytes; the header,
// JSON:
//
//   {"NAME": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, .., "__metadata__": {..}}
//
// The data follow, without holes. A model of several files has an index,
// model.safetensors.index.json: {"weight_map": {"NAME": "FILE", ..}}. Source:
// github.com/huggingface/safetensors.

#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "components/llm/files/tensors.h"

namespace trine::llm {

/// Reads a file. @throws Error  names the file, byte, and tensor
StoredTensors read_safetensors(const std::filesystem::path& path);
/// Parses bytes, which must outlive the result. @param file  for messages
StoredTensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& file);

/// Reads model.safetensors of a folder, or the files of its index.
StoredTensors read_safetensors_folder(const std::filesystem::path& folder);

}  // namespace trine::llm
