// SPDX-License-Identifier: Apache-2.0
//
// What crosses the edge of the machine: bytes between it and DRAM, and the host's work on tensors.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// Bytes of a layer between DRAM and the machine: constants (weights, biases, scales, tables),
/// maps.
struct Bytes {
  std::int64_t constants = 0, maps_read = 0, maps_written = 0;

  std::int64_t all() const { return constants + maps_read + maps_written; }
  Bytes& operator+=(const Bytes& other);
};

struct Traffic {
  Bytes moved;
  /// The part that no plan saves: constants and the network's inputs the first time that they are
  /// read, what is at last in its outputs.
  Bytes compulsory;
};

/// Traffic of each layer of all stages, in the order of layers_of(), from their instructions.
std::vector<Traffic> traffic_of(const Program& program);
Traffic sum_of(const std::vector<Traffic>& layers);

/// What the host does for a tensor: bytes of its own and of the planes, and the instructions of the
/// C driver's loops (trine_to_planes, trine_from_planes) as gcc 12.2 -O2 makes them for rv32imc.
struct HostWork {
  std::int64_t tensor_bytes = 0, plane_bytes = 0, instructions = 0;
};
HostWork host_work(const TensorLayout& layout);

}  // namespace trine::program
