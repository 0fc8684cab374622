// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX operators on constants at import, in their own float32 arithmetic: quantized
// weights, shapes, folded batch-norm parameters.

#pragma once

#include <vector>

#include "sw/model/onnx/read/file.h"
#include "sw/model/rewrite/lowbit.h"

namespace trine::model::onnx_file {

using host::onnx::real;

/// Checks that int16 codes have no zero point.
/// @param node  has the zero point as its third input
/// @throws Error
void require_symmetric(const Node& node, double zero_point);

/// Returns the type of the codes that QuantizeLinear produces.
/// @param zero_point  or null
DataType codes_type(const Node& node, const Constant* zero_point);

/// Returns the rule of a Quant, BipolarQuant or QuantizeLinear node for one scale and zero point.
/// @param bits  of Quant
/// @throws Error  text only; the caller names the node
QuantRule quant_rule(const Node& node, double scale, double zero_point, double bits,
                     DataType zero_point_type);

/// Evaluates the output `output` of a node whose inputs are all constant (null for absent inputs).
/// @param limit  largest number of elements of the result
/// @return null if the operator is not folded
/// @throws Error  text only, without the node's name
ConstantPointer fold(const Node& node, std::int64_t opset,
                     const std::vector<ConstantPointer>& inputs, std::size_t output,
                     std::int64_t limit);

/// Evaluates a file without inputs, node by node.
/// @return its outputs
/// @throws Error  names the node and what evaluate() does not support
std::vector<ConstantPointer> evaluate_file(const File& file);

/// Returns the shape after Reshape to `wanted` (0: as the input, -1: the rest).
std::vector<int> reshaped(const std::vector<int>& from, const NumberList<double>& wanted);
/// Returns the shape after Flatten, Squeeze or Unsqueeze.
/// @param axes_input  the second input if the opset has the axes there, else null
std::vector<int> shape_after(const Node& node, const std::vector<int>& from,
                             const ConstantPointer& axes_input);

}  // namespace trine::model::onnx_file
