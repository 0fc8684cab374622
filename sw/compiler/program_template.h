// SPDX-License-Identifier: Apache-2.0
//
// Compiles one program for several networks of one shape, such as the layers of a model. The first
// network is planned and emitted. For each further network, only the constants are made.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "spec/config.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// A program that several networks of one shape share.
class ProgramTemplate {
 public:
  /// Compiles the program for the first graph.
  /// @throws Error  as compile(), or if the network needs more than one segment
  ProgramTemplate(const model::Graph& first, const spec::Config& config);
  ProgramTemplate(ProgramTemplate&&) noexcept;
  ProgramTemplate& operator=(ProgramTemplate&&) noexcept;
  ~ProgramTemplate();

  /// Returns the first graph's program, with its image.
  const Program& program() const;

  /// Returns the Program::image of a graph that differs from the first one only in the weights,
  /// biases and scales of its products. No channel is removed, whatever its weights are.
  /// @throws Error  if the graph differs in more, or if its constants would have other addresses
  std::vector<std::uint8_t> image_of(model::Graph other);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trine::compiler
