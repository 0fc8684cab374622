// SPDX-License-Identifier: Apache-2.0

#include "sw/program/layout.h"

#include <algorithm>
#include <cstring>

namespace trine::program {
namespace {

/// Returns the distance of a pixel from the first one, in words.
std::int64_t pixel(const TensorLayout& layout, int y, int x) {
  const int words = layout.shape.pixel_words();
  return layout.transposed ? std::int64_t{x} * layout.pitch + words * std::int64_t{y}
                           : std::int64_t{y} * layout.pitch + words * std::int64_t{x};
}

/// Calls visit(element of the host's tensor, byte offset of the word in DRAM, position in the word)
/// for each value of a map without blocks.
template <typename Visit>
void for_each_value(const TensorLayout& l, Visit visit) {
  for (int y = 0; y < l.rows(); ++y)
    for (int x = 0; x < l.columns(); ++x)
      for (int c = 0; c < l.shape.C; ++c)
        visit(y * l.steps.y + x * l.steps.x + c * l.steps.channel,
              l.offset + 4 * (c / l.shape.per_word * l.plane + pixel(l, y, x)),
              c % l.shape.per_word);
}

std::uint8_t code_of(const TensorLayout& layout, std::uint8_t byte) {
  return layout.codes.empty() ? byte : layout.codes[byte];
}

/// Writes a map whose pixels hold a block of the tensor's pixels.
void to_folded(const std::uint8_t* tensor, const TensorLayout& layout, std::uint8_t* dram) {
  const Fold& fold = layout.fold;
  const Steps& steps = layout.steps;
  const int C = layout.channels();
  const auto code = [&](int y, int x, int c) {
    const bool inside = y >= 0 && y < fold.height && x >= 0 && x < fold.width;
    return inside ? code_of(layout, tensor[y * steps.y + x * steps.x + c * steps.channel])
                  : static_cast<std::uint8_t>(layout.zero_point);
  };
  const int H = layout.transposed ? layout.shape.W : layout.shape.H;
  const int W = layout.transposed ? layout.shape.H : layout.shape.W;
  for (int y = 0; y < H; ++y)
    for (int x = 0; x < W; ++x)
      for (int channel = 0; channel < layout.shape.C; ++channel) {
        const int tap = channel / C;
        const std::int64_t word = channel / 4 * layout.plane + pixel(layout, y, x);
        dram[layout.offset + 4 * word + channel % 4] =
            code(y * fold.stride_y - fold.top + tap / fold.pixels,
                 x * fold.stride_x - fold.left + tap % fold.pixels, channel % C);
      }
}

/// Extents of an image, which may exceed a Shape.
struct Extents {
  int channels = 1;
  std::int64_t height = 1, width = 1;
};

Extents extents_of(const std::vector<int>& extents) {
  Extents e;
  const std::size_t rank = extents.size();
  if (rank > 0) e.channels = extents[rank - 1];
  if (rank == 4) {
    e.height = extents[1];
    e.width = extents[2];
  } else {
    for (std::size_t i = 0; i + 1 < rank; ++i) e.width *= extents[i];
  }
  return e;
}

std::uint32_t mask_of(int bits) { return bits == 32 ? ~0U : (1U << bits) - 1; }

}  // namespace

std::optional<model::Refusal> shape_problem(const std::vector<int>& extents,
                                            const std::string& what) {
  if (extents.size() == 4 && extents[0] != 1)
    return model::refusal(model::Reason::kShape, "{}: batch {}, allowed 1", what, extents[0]);
  const Extents e = extents_of(extents);
  if (e.channels < 1 || e.channels > 65535 || e.width < 1 || e.width > 32767 || e.height < 1 ||
      e.height > 32767)
    return model::refusal(
        model::Reason::kRange,
        "{}: {} x {} pixels of {} channels, allowed 1..32767 each and 1..65535 channels", what,
        e.height, e.width, e.channels);
  return std::nullopt;
}

Shape shape_of(const std::vector<int>& extents, const std::string& what) {
  if (const auto problem = shape_problem(extents, what)) throw model::Refusal(*problem);
  const Extents e = extents_of(extents);
  return {e.channels, static_cast<int>(e.height), static_cast<int>(e.width)};
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
  // Two's complement: the highest bit is negative.
  const std::int64_t sign = std::int64_t{1} << (bits - 1);
  return static_cast<std::int32_t>((static_cast<std::int64_t>(code) ^ sign) - sign);
}

void to_planar(const std::uint8_t* tensor, const TensorLayout& layout, std::uint8_t* dram) {
  std::fill_n(dram + layout.offset, layout.bytes(), std::uint8_t{0});
  if (layout.fold.folded()) return to_folded(tensor, layout, dram);
  if (layout.shape.wide)
    return for_each_value(layout, [&](std::int64_t element, std::int64_t to, int place) {
      std::memcpy(dram + to + 2 * place, tensor + 2 * element, 2);
    });
  for_each_value(layout, [&](std::int64_t element, std::int64_t to, int place) {
    std::int32_t value;
    if (layout.element_bytes() == 4)
      std::memcpy(&value, tensor + 4 * element, 4);
    else
      value = static_cast<std::int8_t>(code_of(layout, tensor[element]));
    std::uint32_t word;
    std::memcpy(&word, dram + to, 4);
    word |= pack_code(value, layout.shape.per_word, place);
    std::memcpy(dram + to, &word, 4);
  });
}

void from_planar(const std::uint8_t* dram, const TensorLayout& layout, std::uint8_t* tensor) {
  if (layout.shape.wide)
    return for_each_value(layout, [&](std::int64_t element, std::int64_t from, int place) {
      std::memcpy(tensor + 2 * element, dram + from + 2 * place, 2);
    });
  for_each_value(layout, [&](std::int64_t element, std::int64_t from, int place) {
    std::uint32_t word;
    std::memcpy(&word, dram + from, 4);
    const std::int32_t value = unpack_code(word, layout.shape.per_word, place);
    if (layout.element_bytes() == 4)
      std::memcpy(tensor + 4 * element, &value, 4);
    else
      tensor[element] = code_of(layout, static_cast<std::uint8_t>(value));
  });
}

}  // namespace trine::program
