// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/layout.h"

#include <algorithm>

#include "sw/base/error.h"

namespace trine::compiler {
namespace {

/// Calls visit(index in the dense tensor, byte offset in DRAM) for every value.
template <typename Visit>
void for_each_value(const TensorLayout& layout, Visit visit) {
  const Shape& s = layout.shape;
  std::int64_t dense = 0;
  for (int y = 0; y < s.H; ++y)
    for (int x = 0; x < s.W; ++x)
      for (int c = 0; c < s.C; ++c)
        visit(dense++, layout.offset +
                           4 * (c / 4 * layout.plane + std::int64_t{y} * layout.pitch + x) + c % 4);
}

}  // namespace

Shape shape_of(const std::vector<int>& extents, const std::string& what) {
  Shape shape;
  const std::size_t rank = extents.size();
  if (rank > 0) shape.C = extents[rank - 1];
  std::int64_t width = 1, height = 1;
  if (rank == 4) {
    if (extents[0] != 1) throw_error("{}: batch {}, allowed 1", what, extents[0]);
    height = extents[1];
    width = extents[2];
  } else {
    for (std::size_t i = 0; i + 1 < rank; ++i) width *= extents[i];
  }
  if (shape.C < 1 || shape.C > 65535 || width < 1 || width > 32767 || height < 1 || height > 32767)
    throw_error("{}: {} x {} pixels of {} channels, allowed 1..32767 each and 1..65535 channels",
                what, height, width, shape.C);
  shape.H = static_cast<int>(height);
  shape.W = static_cast<int>(width);
  return shape;
}

void to_planar(const std::int8_t* dense, const TensorLayout& layout, std::uint8_t* dram) {
  std::fill_n(dram + layout.offset, layout.bytes(), std::uint8_t{0});
  for_each_value(layout, [&](std::int64_t from, std::int64_t to) {
    dram[to] = static_cast<std::uint8_t>(dense[from]);
  });
}

void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::int8_t* dense) {
  for_each_value(layout, [&](std::int64_t to, std::int64_t from) {
    dense[to] = static_cast<std::int8_t>(dram[from]);
  });
}

}  // namespace trine::compiler
