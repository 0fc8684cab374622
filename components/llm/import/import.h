// SPDX-License-Identifier: Apache-2.0
//
// Imports language models as float32 checkpoints: Hugging Face folders (config.json, safetensors)
// and GGUF files. Every key that would change a result is read, or refused by its name.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "components/llm/checkpoint.h"

namespace trine::llm {

/// An imported model.
struct ImportedModel {
  Checkpoint checkpoint;
  std::string family;    ///< "llama"; "": llama2.c's
  bool ternary = false;  ///< all products of blocks have rows of -1, 0 and 1 times a scale
  std::vector<std::string> notes;  ///< messages for the user
};

/// Reads a checkpoint of llama2.c, a GGUF file, or a folder of Hugging Face.
/// @throws Error  names the file, the key or tensor, and the allowed values
ImportedModel read_model(const std::filesystem::path& path);

ImportedModel read_gguf_model(const std::filesystem::path& path);
ImportedModel read_hugging_face_model(const std::filesystem::path& folder);

}  // namespace trine::llm
