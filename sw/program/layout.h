// SPDX-License-Identifier: Apache-2.0
//
// Describes the layout of a feature map in memory: planar words [channel word][y][x].
//
//   word address = (c div n) * plane + y * pitch + x, place c mod n of its n = Shape::per_word
//   codes
//
// A word holds 4 int8, 16 ternary (two's complement in 2 bits) or 32 binary codes (1: +1, 0: -1),
// or one int32 sum. Place 0 is in the lowest bits. A pixel of int16 codes has two words for four
// codes, so that x counts double. In DRAM, its eight bytes hold the codes one after the other,
// little endian.
//
// A tensor of the model becomes an image: [N, H, W, C] with N = 1 is H x W pixels of C channels. In
// a tensor of lower rank, the last extent is the number of channels, and the product of the other
// extents is the width.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/base/division.h"
#include "sw/model/graph/refusal.h"

namespace trine::program {

/// The extents of an image.
struct Shape {
  int C = 1, H = 1, W = 1;
  int per_word = 4;  ///< codes in a word: 4 int8, 16 ternary, 32 binary, 1 int32
  /// True: int16 codes. The `per_word` = 4 codes are in two words, in DMEM first the high bytes,
  /// then the low bytes.
  bool wide = false;

  int channel_words() const { return divide_up(C, per_word); }
  int pixel_words() const { return wide ? 2 : 1; }
  std::int64_t pixels() const { return std::int64_t{H} * W; }
  bool operator==(const Shape& o) const { return C == o.C && H == o.H && W == o.W; }
};

/// Returns why a tensor of this shape is not an image, or nothing if it is one.
/// @param what  names the tensor
std::optional<model::Refusal> shape_problem(const std::vector<int>& extents,
                                            const std::string& what);

/// Returns the image of a tensor of this shape.
/// @throws Refusal  its shape_problem()
Shape shape_of(const std::vector<int>& extents, const std::string& what);

/// A block of the tensor's pixels that forms one pixel of the map, so that a step covers several
/// taps of a filter. Channel (i*pixels + j)*C + c of pixel (y, x) is channel c of the tensor's
/// pixel (y*stride_y - top + i, x*stride_x - left + j), or the zero point outside of the tensor.
struct Fold {
  int rows = 1, pixels = 1;  ///< size of a block
  int stride_y = 1, stride_x = 1, top = 0, left = 0;
  int height = 0, width = 0;  ///< size of the tensor, if folded

  int size() const { return rows * pixels; }
  bool folded() const { return size() > 1; }
};

/// The distances of neighbours in the host's tensor, in elements. [N, C, H, W] is an image whose
/// channels have a distance of H * W.
struct Steps {
  std::int64_t y = 0, x = 0, channel = 1;

  bool operator==(const Steps&) const = default;
};

/// A tensor at the program's edge and its layout in DRAM.
struct TensorLayout {
  std::string name;
  std::vector<int> extents;  ///< extents of the host's tensor
  Shape shape;
  bool transposed = false;  ///< true: rows of the tensor are columns of the shape
  Fold fold;                ///< inputs only
  Steps steps;              ///< distances in the host's tensor between pixels before folding
  /// Maps each byte of the host's tensor to the machine's byte or, for an output, each byte of the
  /// machine to the host's byte. Empty: bytes are not changed.
  std::vector<std::uint8_t> codes;
  std::int64_t offset = 0;  ///< in bytes from BASE
  int pitch = 1;            ///< words from one row to the next
  std::int64_t plane = 1;   ///< words from one channel word to the next
  double scale = 0;
  int zero_point = 0;

  std::int64_t bytes() const { return 4 * plane * shape.channel_words(); }
  /// Returns the bytes of an element of the host's tensor.
  int element_bytes() const { return shape.wide ? 2 : shape.per_word == 1 ? 4 : 1; }
  /// Return the extents of the tensor's image, before folding and transposing.
  int rows() const { return fold.folded() ? fold.height : transposed ? shape.W : shape.H; }
  int columns() const { return fold.folded() ? fold.width : transposed ? shape.H : shape.W; }
  int channels() const { return shape.C / fold.size(); }
  std::int64_t elements() const { return std::int64_t{rows()} * columns() * channels(); }
  /// Returns the steps of a host tensor that is the image itself, [rows, columns, channels].
  Steps dense_steps() const { return {std::int64_t{columns()} * channels(), channels(), 1}; }
};

/// Return a word with the bits of a code, and the code of a word.
/// @pre 0 <= place < per_word
std::uint32_t pack_code(std::int32_t code, int per_word, int place);
std::int32_t unpack_code(std::uint32_t word, int per_word, int place);

/// Writes the host's tensor into `dram` (the memory from BASE on). Bits beyond channel C become
/// zero.
/// @pre tensor holds elements() of element_bytes(), dram reaches offset + bytes()
void to_planar(const std::uint8_t* tensor, const TensorLayout& layout, std::uint8_t* dram);
/// Reads the host's tensor from `dram`.
void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::uint8_t* tensor);

}  // namespace trine::program

namespace trine::compiler {
using namespace program;
}
