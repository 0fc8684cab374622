// SPDX-License-Identifier: Apache-2.0
//
// QOperator form: operators on codes, each with the scales and zero points of its operands and its
// result as inputs (QLinearConv, QGemm, ...; MaxPool or Reshape of codes between them).

#pragma once

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// Writes every operator on codes as DequantizeLinear, the operator of floats, QuantizeLinear: QDQ
/// form, which says the same. Operators that only move codes, and maxima of them, keep the
/// quantization of what comes in. Codes that are constants stay constants. Inputs of int8 and uint8
/// get the quantization by which they are read.
/// @throws Error  names file and node
void to_qdq(File* file);

}  // namespace trine::model::onnx_file
