// SPDX-License-Identifier: Apache-2.0

#include "sw/program/layout.h"

#include <algorithm>
#include <cstring>

#include "sw/model/refusal.h"

namespace trine::program {
namespace {

/// The distance of a word's pixel from the first one.
std::int64_t pixel(const TensorLayout& layout, int y, int x) {
  return layout.transposed ? std::int64_t{x} * layout.pitch + y
                           : std::int64_t{y} * layout.pitch + x;
}

/// Rows and columns as the tensor has them.
int rows(const TensorLayout& l) { return l.transposed ? l.shape.W : l.shape.H; }
int cols(const TensorLayout& l) { return l.transposed ? l.shape.H : l.shape.W; }

/// Calls visit(y, x, channel, byte offset of the word in DRAM, place in the word) for every value,
/// in the order of the dense tensor.
template <typename Visit>
void for_each_value(const TensorLayout& layout, Visit visit) {
  const Shape& s = layout.shape;
  for (int y = 0; y < rows(layout); ++y)
    for (int x = 0; x < cols(layout); ++x)
      for (int c = 0; c < s.C; ++c)
        visit(y, x, c, layout.offset + 4 * (c / s.per_word * layout.plane + pixel(layout, y, x)),
              c % s.per_word);
}

/// A pixel holds a block of the tensor's.
void to_folded(const std::uint8_t* dense, const TensorLayout& layout, std::uint8_t* dram) {
  const Fold& fold = layout.fold;
  const int C = layout.shape.C / fold.size();
  const auto code = [&](int y, int x, int c) {
    const bool inside = y >= 0 && y < fold.height && x >= 0 && x < fold.width;
    return inside ? dense[(std::int64_t{y} * fold.width + x) * C + c]
                  : static_cast<std::uint8_t>(layout.zero_point);
  };
  for_each_value(layout, [&](int y, int x, int channel, std::int64_t word, int place) {
    const int tap = channel / C;
    dram[word + place] = code(y * fold.stride_y - fold.top + tap / fold.pixels,
                              x * fold.stride_x - fold.left + tap % fold.pixels, channel % C);
  });
}

std::uint32_t mask_of(int bits) { return bits == 32 ? ~0U : (1U << bits) - 1; }

}  // namespace

Shape shape_of(const std::vector<int>& extents, const std::string& what) {
  Shape shape;
  const std::size_t rank = extents.size();
  if (rank > 0) shape.C = extents[rank - 1];
  std::int64_t width = 1, height = 1;
  if (rank == 4) {
    if (extents[0] != 1)
      model::refuse(model::Reason::kShape, "{}: batch {}, allowed 1", what, extents[0]);
    height = extents[1];
    width = extents[2];
  } else {
    for (std::size_t i = 0; i + 1 < rank; ++i) width *= extents[i];
  }
  if (shape.C < 1 || shape.C > 65535 || width < 1 || width > 32767 || height < 1 || height > 32767)
    model::refuse(model::Reason::kRange,
                  "{}: {} x {} pixels of {} channels, allowed 1..32767 each and 1..65535 channels",
                  what, height, width, shape.C);
  shape.H = static_cast<int>(height);
  shape.W = static_cast<int>(width);
  return shape;
}

std::uint32_t pack_code(std::int32_t code, int per_word, int place) {
  const int bits = 32 / per_word;
  if (bits == 1) code = code > 0 ? 1 : 0;
  return (static_cast<std::uint32_t>(code) & mask_of(bits)) << bits * place;
}

std::int32_t unpack_code(std::uint32_t word, int per_word, int place) {
  const int bits = 32 / per_word;
  const std::uint32_t code = word >> bits * place & mask_of(bits);
  if (bits == 1) return code != 0 ? 1 : -1;
  // Two's complement: the highest bit counts negative.
  const std::int64_t sign = std::int64_t{1} << (bits - 1);
  return static_cast<std::int32_t>((static_cast<std::int64_t>(code) ^ sign) - sign);
}

void to_planar(const std::uint8_t* dense, const TensorLayout& layout, std::uint8_t* dram) {
  std::fill_n(dram + layout.offset, layout.bytes(), std::uint8_t{0});
  if (layout.fold.folded()) return to_folded(dense, layout, dram);
  for_each_value(layout, [&](int, int, int, std::int64_t to, int place) {
    std::int32_t value = static_cast<std::int8_t>(*dense);
    if (layout.element_bytes() == 4) std::memcpy(&value, dense, 4);
    dense += layout.element_bytes();
    std::uint32_t word;
    std::memcpy(&word, dram + to, 4);
    word |= pack_code(value, layout.shape.per_word, place);
    std::memcpy(dram + to, &word, 4);
  });
}

void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::uint8_t* dense) {
  for_each_value(layout, [&](int, int, int, std::int64_t from, int place) {
    std::uint32_t word;
    std::memcpy(&word, dram + from, 4);
    const std::int32_t value = unpack_code(word, layout.shape.per_word, place);
    if (layout.element_bytes() == 4)
      std::memcpy(dense, &value, 4);
    else
      *dense = static_cast<std::uint8_t>(value);
    dense += layout.element_bytes();
  });
}

}  // namespace trine::program
