// SPDX-License-Identifier: Apache-2.0
//
// Converts the QOperator form: operators on codes (QLinearConv, QGemm, ...), with MaxPool or
// Reshape of codes between them. Scales and zero points of operands and results are inputs of an
// operator.

#pragma once

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// Rewrites every operator on codes as DequantizeLinear, the float operator, and QuantizeLinear:
/// QDQ form, which has the same meaning. Operators that only move codes, and maxima of codes, keep
/// the quantization of their input. Constant codes stay constants. An int8 or uint8 input of the
/// model gets the scale and zero point with which the first operator reads it.
/// @throws Error  names file and node
void to_qdq(File* file);

}  // namespace trine::model::onnx_file
