// SPDX-License-Identifier: Apache-2.0
//
// A file of TOSA, binary or as JSON, before anybody asks what its operators mean.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model::tosa {

/// Attributes by the format's names: flags and enumerations are one number, lists several.
using Attributes = std::map<std::string, std::vector<std::int64_t>>;

/// RESCALE's rounding_mode and RESIZE's mode, as numbers of the format.
enum RoundingMode : std::int64_t { kSingleRound = 1, kInexactRound = 2, kDoubleRound = 3 };
enum ResizeMode : std::int64_t { kNearest = 1, kBilinear = 2 };

struct FileOp {
  std::string type;  ///< "CONV2D"
  Attributes attributes;
  std::vector<int> inputs, outputs;  ///< places in File::tensors
};

/// The one block of the file's one region. Shapes are constant tensors of int64, too.
struct File {
  std::vector<Tensor> tensors;
  std::vector<FileOp> ops;
  std::vector<int> inputs, outputs;
};

/// By content: the identifier of the binary form, or what a JSON object begins with.
bool is_binary(const std::uint8_t* bytes, std::size_t count);
bool is_text(const std::uint8_t* bytes, std::size_t count);

/// @throws Error  for any bytes that are none, another version, types that nobody computes
File read_file(const std::vector<std::uint8_t>& bytes, const std::string& file);

}  // namespace trine::model::tosa
