// SPDX-License-Identifier: Apache-2.0
//
// Writes nodes of LiteRT's interpreter as a TFLite file, so that they are imported like any file
// (sw/model/tflite).

#pragma once

#include <cstdint>
#include <vector>

#include "components/plugins/partition.h"
#include "components/plugins/tflite.h"

namespace trine::abi::tflite {

/// A node of the interpreter's plan.
struct Planned {
  int index;  ///< the interpreter's number
  const tflite::Node* node;
  const Registration* registration;
};

/// Returns the whole plan. @throws Error  the interpreter does not answer
std::vector<Planned> plan_of(Context& context);

/// Returns true if the tensor's values are part of the model.
inline bool is_constant(const Tensor& tensor) { return tensor.memory == kConstant; }

/// Returns why the node cannot be written, or an empty string.
std::string fault_of(const Context& context, const Planned& planned);

/// Returns the tensors that the nodes read but do not write, without constants.
std::vector<int> inputs_of(const Context& context, const std::vector<Planned>& nodes);

/// Returns the file of these nodes. @param outputs  the file's output tensors
std::vector<std::uint8_t> file_of(const Context& context, const std::vector<Planned>& nodes,
                                  const std::vector<int>& outputs);

/// Returns the MACs of a convolution or product of any type.
std::int64_t macs_of(const Context& context, const Planned& planned);

}  // namespace trine::abi::tflite
