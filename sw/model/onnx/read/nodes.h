// SPDX-License-Identifier: Apache-2.0
//
// What an ONNX file's nodes say together: patterns that become one node, and questions about the
// whole file.

#pragma once

#include <set>
#include <string>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// Replaces a layer normalization that an exporter wrote in float32 operators by the node
/// LayerNormalization:
///   d = x - ReduceMean(x), d / Sqrt(ReduceMean(d^2) + epsilon) * gamma + beta
/// and RMSNormalization, where d is x itself, codes; its division may be a product with a
/// Reciprocal. d^2 is Pow or Mul, beta may be absent, and gamma in RMSNormalization. Nothing else
/// may read what lies between.
void fuse(File* file);

/// Names that stand for constants: initializers, and what is computed of them alone.
std::set<std::string> constants_of(const File& file);
/// Whether an operator takes its input as an image, [N, C, H, W].
bool has_images(const File& file);
/// Whether a MatMul has no constant operand: four axes may be heads.
bool multiplies_maps(const File& file);
/// Whether any node makes codes of what the data gives.
bool quantizes_activations(const File& file);
/// Whether a node reads a tensor, or it is an output.
bool is_read(const File& file, const std::string& tensor);
/// Whether quantizers alone read a tensor.
bool is_quantized(const File& file, const std::string& tensor);

}  // namespace trine::model::onnx_file
