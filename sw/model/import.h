// SPDX-License-Identifier: Apache-2.0
//
// A network from the bytes of its file.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// TFLite or ONNX, told apart by content. @param file  names the bytes in messages; constants of
/// ONNX that lie in files of their own are looked for in its folder
/// @param host  as of import_onnx()
Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  bool host = false);

}  // namespace trine::model
