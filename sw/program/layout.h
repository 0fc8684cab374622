// SPDX-License-Identifier: Apache-2.0
//
// How a feature map lies in memory: planar words [channel word][y][x].
//
//   word address = (c div n) * plane + y * pitch + x, place c mod n of its n = Shape::per_word
//   codes
//
// A word holds 4 int8, 16 ternary (two's complement in 2 bits) or 32 binary codes (1: +1, 0: -1),
// or one int32 sum; place 0 is in the lowest bits. A pixel of int16 codes has two words for four
// codes: x counts double, and in DRAM the eight bytes hold them one after the other, little endian.
//
// A tensor of the model becomes an image: [N, H, W, C] with N = 1 is H x W pixels of C channels;
// anything of lower rank has its last axis as channels and the others, multiplied, as width.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rounding.h"
#include "sw/model/refusal.h"

namespace trine::program {

/// Extents of an image.
struct Shape {
  int C = 1, H = 1, W = 1;
  int per_word = 4;  ///< codes of a word: 4 int8, 16 ternary, 32 binary, 1 int32
  /// int16 codes: `per_word` 4 codes are in two words; in DMEM high bytes, then low bytes.
  bool wide = false;

  int channel_words() const { return divide_up(C, per_word); }
  int pixel_words() const { return wide ? 2 : 1; }
  std::int64_t pixels() const { return std::int64_t{H} * W; }
  bool operator==(const Shape& o) const { return C == o.C && H == o.H && W == o.W; }
};

/// Why a tensor of that shape is no image; nothing if it is. @param what  names the tensor
std::optional<model::Refusal> shape_problem(const std::vector<int>& extents,
                                            const std::string& what);

/// The image of a tensor of that shape. @throws Refusal  its shape_problem()
Shape shape_of(const std::vector<int>& extents, const std::string& what);

/// A block of the tensor's pixels as the channels of one pixel of the map, for several taps of a
/// filter in a step: channel (i*pixels + j)*C + c of pixel (y, x) is channel c of the tensor's
/// pixel (y*stride_y - top + i, x*stride_x - left + j), or the zero point outside of it.
struct Fold {
  int rows = 1, pixels = 1;  ///< of a block
  int stride_y = 1, stride_x = 1, top = 0, left = 0;
  int height = 0, width = 0;  ///< of the tensor, if folded

  int size() const { return rows * pixels; }
  bool folded() const { return size() > 1; }
};

/// How far apart neighbours lie in the tensor as the host has it, in elements: [N, C, H, W] is an
/// image whose channels are H * W apart.
struct Steps {
  std::int64_t y = 0, x = 0, channel = 1;

  bool operator==(const Steps&) const = default;
};

/// A tensor at the program's edge, in DRAM.
struct TensorLayout {
  std::string name;
  std::vector<int> extents;  ///< of the host's tensor
  Shape shape;
  bool transposed = false;  ///< rows of the tensor are columns of the shape
  Fold fold;                ///< inputs only
  Steps steps;              ///< in the host's tensor, from pixel to pixel before folding
  /// What each byte of the host's tensor becomes in the machine, of an output the other way round;
  /// empty: itself.
  std::vector<std::uint8_t> codes;
  std::int64_t offset = 0;  ///< bytes from BASE
  int pitch = 1;            ///< words from row to row
  std::int64_t plane = 1;   ///< words from channel word to channel word
  double scale = 0;
  int zero_point = 0;

  std::int64_t bytes() const { return 4 * plane * shape.channel_words(); }
  /// Bytes of an element of the host's tensor.
  int element_bytes() const { return shape.wide ? 2 : shape.per_word == 1 ? 4 : 1; }
  /// The tensor's image, neither folded nor transposed.
  int rows() const { return fold.folded() ? fold.height : transposed ? shape.W : shape.H; }
  int columns() const { return fold.folded() ? fold.width : transposed ? shape.H : shape.W; }
  int channels() const { return shape.C / fold.size(); }
  std::int64_t elements() const { return std::int64_t{rows()} * columns() * channels(); }
  /// Steps of a host's tensor that is the image itself, [rows, columns, channels].
  Steps dense_steps() const { return {std::int64_t{columns()} * channels(), channels(), 1}; }
};

/// The word's bits of a code, and back. @pre 0 <= place < per_word
std::uint32_t pack_code(std::int32_t code, int per_word, int place);
std::int32_t unpack_code(std::uint32_t word, int per_word, int place);

/// Writes the host's tensor into `dram` (the memory from BASE on); bits beyond C become zero.
/// @pre tensor holds elements() of element_bytes(), dram reaches offset + bytes()
void to_planar(const std::uint8_t* tensor, const TensorLayout& layout, std::uint8_t* dram);
void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::uint8_t* tensor);

}  // namespace trine::program

namespace trine::compiler {
using namespace program;
}
