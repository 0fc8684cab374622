// SPDX-License-Identifier: Apache-2.0
//
// Replaces TFLite operators that other operators can express. The result contains none of the
// replaced operators, and no operator with several outputs. New operators keep the index and the
// name of the operator that they replace:
//
//   SLICE, SPLIT, SPLIT_V, UNPACK     a STRIDED_SLICE for each output that is read
//   PACK                              RESHAPE of each input, CONCATENATION
//   PRELU                             RELU, MINIMUM, MUL, ADD: one of the two terms is 0
//   REVERSE_V2                        GATHER for each axis
//   GATHER of a list of several axes  GATHER of a list of one axis, RESHAPE
//   TILE                              BROADCAST_TO, CONCATENATION for each axis
//   SPACE_TO_BATCH_ND, CONV_2D or     PAD, the convolution with the block as dilation
//   DEPTHWISE_CONV_2D, BATCH_TO_SPACE_ND
//
// After these replacements, operators that check() refuses become ONNX operators on the host, if
// sw/host/tflite/host_form.h can express them.
//
// Shapes that the file computes (RESHAPE, TRANSPOSE_CONV, resizes, TILE, BROADCAST_TO) are taken
// from the outputs, and the operators that compute them are removed.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Expands a graph.
/// @pre the operators' order is executable
/// @param host  true if the host may run operators in ONNX's form
/// @throws Refusal  names all operators that Trine does not define, or that need the host
Graph expanded(Graph graph, bool host = false);

}  // namespace trine::model
