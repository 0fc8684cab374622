// SPDX-License-Identifier: Apache-2.0
//
// How a feature map lies in memory: planar words [channel word][y][x].
//
//   byte address = 4 * ((c div 4) * plane + y * pitch + x) + c mod 4
//
// A tensor of the model becomes an image: [N, H, W, C] with N = 1 is H x W pixels of C channels;
// anything of lower rank has its last axis as channels and the others, multiplied, as width.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trine::compiler {

/// Extents of an image.
struct Shape {
  int C = 1, H = 1, W = 1;

  int channel_words() const { return (C + 3) / 4; }
  std::int64_t pixels() const { return std::int64_t{H} * W; }
  bool operator==(const Shape& o) const { return C == o.C && H == o.H && W == o.W; }
};

/// The image of a tensor of that shape. @throws Error  `what` names the tensor
Shape shape_of(const std::vector<int>& extents, const std::string& what);

/// A tensor at the program's edge, in DRAM.
struct TensorLayout {
  std::string name;
  std::vector<int> extents;  ///< as in the model
  Shape shape;
  std::int64_t offset = 0;  ///< bytes from BASE
  int pitch = 1;            ///< words from row to row
  std::int64_t plane = 1;   ///< words from channel word to channel word
  double scale = 0;
  int zero_point = 0;

  std::int64_t bytes() const { return 4 * plane * shape.channel_words(); }
};

/// Writes a dense HWC tensor into `dram` (the memory from BASE on); bytes beyond C become zero.
/// @pre dense holds C*H*W codes, dram reaches offset + bytes()
void to_planar(const std::int8_t* dense, const TensorLayout& layout, std::uint8_t* dram);
void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::int8_t* dense);

}  // namespace trine::compiler
