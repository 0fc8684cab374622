// SPDX-License-Identifier: Apache-2.0
//
// Counts the traffic at the machine's edge: bytes between machine and DRAM, and the host's work on
// tensors.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// The bytes of a layer between DRAM and the machine: constants (weights, biases, scales, tables)
/// and maps.
struct Bytes {
  std::int64_t constants = 0, maps_read = 0, maps_written = 0;

  std::int64_t all() const { return constants + maps_read + maps_written; }
  Bytes& operator+=(const Bytes& other);
};

/// The traffic of a layer.
struct Traffic {
  Bytes moved;
  /// The part of the traffic that no plan can avoid: the first read of constants and of the
  /// network's inputs, and the last write of its outputs.
  Bytes compulsory;
};

/// Returns the traffic of each layer of all segments, in the order of layers_of(), computed from
/// their instructions.
std::vector<Traffic> traffic_of(const Program& program);
/// Returns the sum over the layers.
Traffic sum_of(const std::vector<Traffic>& layers);

/// The host's work for a tensor: bytes of the tensor and of its planes, and instructions of the C
/// driver's loops (trine_to_planes, trine_from_planes) as gcc 12.2 -O2 compiles them for rv32imc.
struct HostWork {
  std::int64_t tensor_bytes = 0, plane_bytes = 0, instructions = 0;
};
/// Returns the host's work for a tensor.
HostWork host_work(const TensorLayout& layout);

}  // namespace trine::program
