// SPDX-License-Identifier: Apache-2.0
//
// Reads a TOSA file, binary or as JSON, without interpreting its operators.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/host/tosa/evaluate.h"
#include "sw/model/graph/graph.h"

namespace trine::model::tosa {

using host::tosa::Attributes;

/// An operator of the file.
struct FileOp {
  std::string type;  ///< "CONV2D"
  Attributes attributes;
  std::vector<int> inputs, outputs;  ///< indices in File::tensors
};

/// The only block of the file's only region. Shapes are also constant int64 tensors.
struct File {
  std::vector<Tensor> tensors;
  std::vector<FileOp> ops;
  std::vector<int> inputs, outputs;
};

/// Return true if the content is the binary form (its identifier) or the beginning of a JSON
/// object.
bool is_binary(const std::uint8_t* bytes, std::size_t count);
bool is_text(const std::uint8_t* bytes, std::size_t count);

/// Reads a file.
/// @throws Error  for bytes that are not TOSA, another version, or types that are not supported
File read_file(const std::vector<std::uint8_t>& bytes, const std::string& file);

}  // namespace trine::model::tosa
