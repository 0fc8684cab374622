// SPDX-License-Identifier: Apache-2.0
//
// A network from the bytes of its file.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// Extents that an ONNX file leaves open: of a dimension by its name (one extent), or of an input
/// by its name (those of all axes).
using GivenShapes = std::map<std::string, std::vector<int>>;

/// From "NAME=N" and "INPUT=N,C,H,W". @throws Error
GivenShapes parse_shapes(const std::vector<std::string>& texts);

/// Any format of sw/model/formats.h, told apart by content. @param file  names the bytes in
/// messages; constants of ONNX that lie in files of their own are looked for in its folder
/// @param host  as of import_onnx()
/// @param shapes  what an ONNX file leaves open; without them the first axis of an input alone may
/// be open, and is 1
/// @throws Error  as the format's reader; or a known format that is not supported, by its name
Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  bool host = false, const GivenShapes& shapes = {});
Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host,
                 const GivenShapes& shapes);

/// The identity of a model: SHA-256 of its bytes, and of the external files that hold constants of
/// an ONNX model. Without such files it is the file's own SHA-256.
std::string digest_of_model(const std::vector<std::uint8_t>& bytes, const std::string& file);

/// Names of the dimensions behind the first axis of inputs that an ONNX file leaves open; none of
/// other formats. @throws Error  as parse_model()
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& file);

/// What a model without codes of activations is.
inline constexpr std::string_view kFloat32 = "float32", kFloat16 = "float16",
                                  kWeightsAlone = "quantized in its weights alone",
                                  kDynamic = "quantized dynamically, without scales of activations";

/// @param what  one of these  @throws Refusal  that, and how the user gets codes
[[noreturn]] void refuse_float(const std::string& file, std::string_view what);

}  // namespace trine::model
