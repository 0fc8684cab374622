// SPDX-License-Identifier: Apache-2.0
//
// Imports TFLite files.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Imports a TFLite file.
/// @param host  true: operators of TFLite that only the host supports become ONNX's (OpKind::kOnnx)
/// @throws Error  names file and fault, and all operators at fault; any bytes are handled
Graph import_tflite(const std::filesystem::path& path, bool host = false);
Graph parse_tflite(const std::vector<std::uint8_t>& bytes, const std::string& file,
                   bool host = false);
/// Returns the number of tensors in the file. The graph has the same, and others after them for
/// operators that the import writes as several.
/// @pre parse_tflite() accepts the file
int tensors_of_tflite(const std::vector<std::uint8_t>& bytes);

}  // namespace trine::model
