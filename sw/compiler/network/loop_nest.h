// SPDX-License-Identifier: Apache-2.0
//
// The loops of a layer around the array, as a user sees and chooses them (mapping/).

#pragma once

namespace trine::compiler {

/// The sizes of a layer's parts. Loops over these parts enclose the array or the vector unit.
struct LoopNest {
  int M = 1;         ///< output channels of a chunk
  int P = 1, Q = 1;  ///< output rows and columns of a rectangle
  /// Input channels and filter rows of a piece of the reduction; 0: the reduction is whole.
  int C = 0, R = 0;
  bool chunk_outer = true;  ///< chunks are the outer loop, rectangles the inner loops
  bool sums = false;        ///< the sums of a piece wait in DMEM, not in the PEs
  int buffers = 1;          ///< buffers of each kind in DMEM; 1 if there are none

  bool operator==(const LoopNest&) const = default;
};

}  // namespace trine::compiler
