// SPDX-License-Identifier: Apache-2.0
//
// Imports a network from a file of any format.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/model/onnx/onnx.h"
#include "sw/model/tflite/tflite.h"
#include "sw/model/tosa/tosa.h"

namespace trine::model {

/// Parses "NAME=N" and "INPUT=N,C,H,W".
/// @throws Error
GivenShapes parse_shapes(const std::vector<std::string>& texts);

/// Imports a file of any format of sw/model/import/formats.h, which is recognized by its content.
Graph import_model(const std::filesystem::path& path, bool host = false);

/// Reads a model in any format of sw/model/import/formats.h, which is recognized by its content.
/// @param file  name of the model in messages; constants of ONNX in separate files are read from
/// its folder
/// @param host  as in import_onnx()
/// @param shapes  extents that an ONNX file leaves open; without them, only the first axis of an
/// input may be open, and is 1
/// @throws Error  as the format's reader, or if the format is known but not supported, with its
/// name
Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  const HostUse& host = {}, const GivenShapes& shapes = {});

/// Returns the identity of a model: a SHA-256 over the model's bytes and, for ONNX, over the
/// external files with its constants. Without external files, it is the SHA-256 of the model's
/// file.
std::string digest_of_model(const std::vector<std::uint8_t>& bytes, const std::string& file);

/// Returns the names of the dimensions that an ONNX file leaves open after the first axis of its
/// inputs. Returns none for other formats.
/// @throws Error  as parse_model()
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& file);

}  // namespace trine::model
