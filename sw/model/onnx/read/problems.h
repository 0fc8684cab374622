// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a network's nodes, all of it: one line for each type and reason, with what the
// user can do.

#pragma once

#include <string>
#include <vector>

#include "sw/model/onnx/read/file.h"

namespace trine::model::onnx_file {

class Problems {
 public:
  /// @param hosted  whether the host could run the node
  void add(const Node& node, const std::string& what, bool hosted);
  bool empty() const { return lines_.empty(); }
  /// @throws Error  if there are any
  void raise(const std::string& file) const;

 private:
  struct Line {
    std::string type, what;
    bool hosted = false;
    std::vector<int> nodes;
  };
  std::vector<Line> lines_;
};

/// @throws Error  a file that holds no QDQ network at all, and how to get one
void require_qdq(const File& file);

}  // namespace trine::model::onnx_file
