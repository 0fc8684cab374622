// SPDX-License-Identifier: Apache-2.0
//
// Collects all faults of a network's nodes: one line for each type and reason, with what the user
// can do.

#pragma once

#include <string>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

/// The faults of a network's nodes.
class Problems {
 public:
  /// Adds a fault.
  /// @param hosted  true if the host could run the node
  void add(const Node& node, const std::string& what, bool hosted);
  bool empty() const { return lines_.empty(); }
  /// Throws if there are faults.
  /// @throws Error  with all of them
  void raise(const std::string& file) const;

 private:
  struct Line {
    std::string type, what;
    bool hosted = false;
    std::vector<int> nodes;
  };
  std::vector<Line> lines_;
};

/// Checks that the file quantizes activations, and not dynamically.
/// @throws Error  if it does not, with how to get a quantized model
void require_qdq(const File& file);

}  // namespace trine::model::onnx_file
