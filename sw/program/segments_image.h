// SPDX-License-Identifier: Apache-2.0
//
// Writes a whole program for drivers: the machine images of its segments, and the host operators
// before, between and after them, with their tensors (docs/program-file.md).
// sw/runtime/trine_stages.c reads it; the driver and the option --stages call segments stages.
//
//   header | tensors | steps | lists | attributes | numbers, scales, constants | texts | images

#pragma once

#include <string>

#include "sw/program/program.h"

namespace trine::program {

/// The sizes of the header, a tensor, a step and an attribute, in 32-bit numbers.
constexpr std::size_t kSegmentsHeader = 32, kSegmentsTensor = 20, kSegmentsStep = 8,
                      kSegmentsAttribute = 4;

/// Returns the program's bytes.
/// @throws Error  if it exceeds 4 GiB, or has tensors of more than 8 axes
std::string write_segments(const Program& program);

}  // namespace trine::program
