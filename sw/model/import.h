// SPDX-License-Identifier: Apache-2.0
//
// Imports a network from the bytes of its file.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// The extents that an ONNX file leaves open: one extent for the name of a dimension, or the
/// extents of all axes for the name of an input.
using GivenShapes = std::map<std::string, std::vector<int>>;

/// Parses "NAME=N" and "INPUT=N,C,H,W".
/// @throws Error
GivenShapes parse_shapes(const std::vector<std::string>& texts);

/// Reads a model in any format of sw/model/formats.h, which is recognized by its content.
/// @param file  name of the model in messages; constants of ONNX in separate files are read from
/// its folder
/// @param host  as in import_onnx()
/// @param shapes  extents that an ONNX file leaves open; without them, only the first axis of an
/// input may be open, and is 1
/// @throws Error  as the format's reader, or if the format is known but not supported, with its
/// name
Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  bool host = false, const GivenShapes& shapes = {});
Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host,
                 const GivenShapes& shapes);

/// Returns the identity of a model: the SHA-256 of its bytes and of the external files with
/// constants of an ONNX model. Without such files, it is the file's own SHA-256.
std::string digest_of_model(const std::vector<std::uint8_t>& bytes, const std::string& file);

/// Returns the names of the dimensions after the first axis of inputs that an ONNX file leaves
/// open. Returns none for other formats.
/// @throws Error  as parse_model()
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& file);

/// The kinds of models without quantized activations.
inline constexpr std::string_view kFloat32 = "float32", kFloat16 = "float16",
                                  kWeightsAlone = "quantized only in its weights",
                                  kDynamic =
                                      "quantized dynamically, without scales for activations";

/// Refuses such a model.
/// @param what  one of the kinds above
/// @throws Refusal  names the kind, and how to get a quantized model
[[noreturn]] void refuse_float(const std::string& file, std::string_view what);

}  // namespace trine::model
