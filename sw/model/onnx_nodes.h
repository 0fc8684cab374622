// SPDX-License-Identifier: Apache-2.0
//
// What an ONNX file's nodes say together.

#pragma once

#include <string>

#include "sw/model/onnx_file.h"

namespace trine::model::onnx_file {

/// Whether an operator takes its input as an image, [N, C, H, W].
bool has_images(const File& file);
/// Whether a MatMul has no constant operand: four axes may be heads.
bool multiplies_maps(const File& file);
/// Whether quantizers alone read a tensor.
bool is_quantized(const File& file, const std::string& tensor);

}  // namespace trine::model::onnx_file
