// SPDX-License-Identifier: Apache-2.0
//
// Runs golden inference: computes every tensor of a quantized network, bit-exact to the model's own
// runtime.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/model/graph/tosa_attributes.h"
#include "sw/reference/ops/ops.h"

namespace trine::reference {

/// The rounding of each operator. FULLY_CONNECTED has its own rounding, because LiteRT changed only
/// this operator. LiteRT's LSTM differs from tflite-micro's.
struct RoundingPolicy {
  Rounding fully_connected = Rounding::kDouble;
  Rounding others = Rounding::kDouble;
  LstmKernel lstm = LstmKernel::kMicro;

  Rounding of(const model::Op& op) const {
    if (op.of_tosa != 0)
      return op.of_tosa == model::tosa::kDouble ? Rounding::kDouble : Rounding::kSingle;
    if (op.half_even) return Rounding::kHalfEven;  // the model specifies it
    return op.kind == model::OpKind::kFullyConnected ? fully_connected : others;
  }
};

constexpr RoundingPolicy kDoublePolicy{Rounding::kDouble, Rounding::kDouble};  ///< LiteRT <= 1.2
constexpr RoundingPolicy kMixedPolicy{Rounding::kSingle, Rounding::kDouble};   ///< LiteRT >= 1.3
constexpr RoundingPolicy kSinglePolicy{Rounding::kSingle, Rounding::kSingle};

/// Checks that the policy can run the graph.
/// @throws Refusal  names the first LSTM that the policy's kernel cannot run
void check_policy(const model::Graph& graph, const RoundingPolicy& policy);

/// A function that is called after each operator with its output, which it may replace.
using Progress = std::function<void(const model::Op& op, Array& output)>;

/// Runs one operator.
/// @pre model::check() accepts it and `values` holds its inputs that are not constant
Array run_op(const model::Graph& graph, const model::Op& op, const Values& values,
             Rounding rounding = Rounding::kDouble, LstmKernel lstm = LstmKernel::kMicro);

/// Runs a graph.
/// @return every input and every operator's output by tensor index (constants stay in the graph)
/// @throws Error  for inputs whose count, type or shape differs from the graph's, or for a graph
/// that is not legal
Values run_graph(const model::Graph& graph, const std::vector<Array>& inputs,
                 RoundingPolicy policy = {}, const Progress& progress = {});

/// Returns the arrays of graph.outputs, in the model's order.
std::vector<Array> outputs_of(const model::Graph& graph, const Values& values);

/// Returns how an array differs from a value of `tensor`: "" or "is int8 [1, 3], the model's tensor
/// ...".
std::string mismatch(const Array& array, const model::Tensor& tensor);

}  // namespace trine::reference
