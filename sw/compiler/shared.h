// SPDX-License-Identifier: Apache-2.0
//
// One program for networks of one shape, as a model's layers are: planned and emitted for the first
// of them; of each other one only the constants are made.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "machine/config.h"
#include "sw/model/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

class SharedProgram {
 public:
  /// @throws Error  as compile(); a network that takes more than one stage
  SharedProgram(const model::Graph& first, const machine::Config& config);
  SharedProgram(SharedProgram&&) noexcept;
  SharedProgram& operator=(SharedProgram&&) noexcept;
  ~SharedProgram();

  /// The first graph's, with its image.
  const Program& program() const;

  /// Program::image of a graph that has other weights, biases and scales of its products, and is
  /// else the same. Its channels all stay, whatever their weights.
  /// @throws Error  it is not, or its constants would lie elsewhere
  std::vector<std::uint8_t> image_of(model::Graph other);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trine::compiler
