// SPDX-License-Identifier: Apache-2.0
//
// Reads a TOSA file, binary or as JSON, without interpreting its operators.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model::tosa {

/// The attributes by the format's names. Flags and enumerations are one number, lists are several.
using Attributes = std::map<std::string, std::vector<std::int64_t>>;

/// The format's numbers for RESCALE's rounding_mode and RESIZE's mode.
enum RoundingMode : std::int64_t { kSingleRound = 1, kInexactRound = 2, kDoubleRound = 3 };
enum ResizeMode : std::int64_t { kNearest = 1, kBilinear = 2 };

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
