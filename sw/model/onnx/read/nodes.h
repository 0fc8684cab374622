// SPDX-License-Identifier: Apache-2.0
//
// Finds patterns of an ONNX file's nodes that become one node, and answers questions about the
// whole file.

#pragma once

#include <set>
#include <string>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// Replaces a layer normalization that an exporter wrote in float32 operators by the node
/// LayerNormalization:
///   d = x - ReduceMean(x), d / Sqrt(ReduceMean(d^2) + epsilon) * gamma + beta
/// and, if d is x itself and x is codes, by RMSNormalization. The division may be a product with a
/// Reciprocal, d^2 may be Pow or Mul, beta may be absent, and in RMSNormalization gamma too. No
/// other node may read the tensors in between.
void fuse(File* file);

/// Returns the names of all constants: initializers, and tensors computed only from these.
std::set<std::string> constants_of(const File& file);
/// Returns true if an operator reads its input as an image, [N, C, H, W].
bool has_images(const File& file);
/// Returns true if a MatMul has no constant operand. Four axes may then be heads.
bool multiplies_maps(const File& file);
/// Returns true if some node quantizes values that depend on the network's inputs.
bool quantizes_activations(const File& file);
/// Returns true if a node reads the tensor or it is an output.
bool is_read(const File& file, const std::string& tensor);
/// Returns true if only quantizers read the tensor.
bool is_quantized(const File& file, const std::string& tensor);

}  // namespace trine::model::onnx_file
