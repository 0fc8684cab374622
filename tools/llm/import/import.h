// SPDX-License-Identifier: Apache-2.0
//
// Language models of other makers' files as a checkpoint in float32: folders of Hugging Face
// (config.json, safetensors) and GGUF. What would change a result is read or refused by its name.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/llm/checkpoint.h"

namespace trine::llm {

struct ImportedModel {
  Checkpoint checkpoint;
  std::string family;    ///< "llama"; "": llama2.c's
  bool ternary = false;  ///< all products of blocks have rows of -1, 0 and 1 times a scale
  std::vector<std::string> notes;  ///< lines for the user
};

/// A checkpoint of llama2.c, a GGUF file, or a folder of Hugging Face.
/// @throws Error  names the file, the key or tensor, and what is allowed
ImportedModel read_model(const std::filesystem::path& path);

ImportedModel read_gguf_model(const std::filesystem::path& path);
ImportedModel read_hugging_face_model(const std::filesystem::path& folder);

}  // namespace trine::llm
