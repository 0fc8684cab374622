// SPDX-License-Identifier: Apache-2.0
//
// Nodes of LiteRT's interpreter as a TFLite file of their own, so that they are read as any file
// is (sw/model/tflite).

#pragma once

#include <cstdint>
#include <vector>

#include "sw/abi/partition.h"
#include "sw/abi/tflite.h"

namespace trine::abi::tflite {

/// What the interpreter has, by positions in its plan.
struct Planned {
  int index;  ///< the interpreter's
  const tflite::Node* node;
  const Registration* registration;
};

/// The whole plan. @throws Error  the interpreter does not answer
std::vector<Planned> plan_of(Context& context);

/// Whether the tensor's values are in the model.
inline bool is_constant(const Tensor& tensor) { return tensor.memory == kConstant; }

/// Why the node cannot be written; empty: it can.
std::string fault_of(const Context& context, const Planned& planned);

/// Tensors that the nodes read and do not make, constants not among them.
std::vector<int> inputs_of(const Context& context, const std::vector<Planned>& nodes);

/// @param outputs  tensors
std::vector<std::uint8_t> file_of(const Context& context, const std::vector<Planned>& nodes,
                                  const std::vector<int>& outputs);

/// MACs of convolutions and products of any type.
std::int64_t macs_of(const Context& context, const Planned& planned);

}  // namespace trine::abi::tflite
