// SPDX-License-Identifier: Apache-2.0
//
// A network from the bytes of its file.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// TFLite or ONNX, told apart by content. @param file  names the bytes in messages; constants of
/// ONNX that lie in files of their own are looked for in its folder
/// @param host  as of import_onnx()
Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  bool host = false);

/// What a model without codes of activations is.
inline constexpr std::string_view kFloat32 = "float32", kFloat16 = "float16",
                                  kWeightsAlone = "quantized in its weights alone",
                                  kDynamic = "quantized dynamically, without scales of activations";

/// @param what  one of these  @throws Refusal  that, and how the user gets codes
[[noreturn]] void refuse_float(const std::string& file, std::string_view what);

}  // namespace trine::model
