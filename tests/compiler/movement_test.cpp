// SPDX-License-Identifier: Apache-2.0
//
// Checks operators that move, resize, cut and join maps, drawn at random, on random configurations
// against the golden layers.

#include <numeric>

#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::check;
using testing::kSeeds;
using testing::random_config;
using testing::random_map;
using testing::random_shape;
using testing::text_of;

/// Adds a concatenation of random depth; its parts may be used again, nested, pooled, or read by
/// another layer as well.
int random_concatenation(Builder& b, std::vector<int> shape, int depth) {
  const int axis = depth == 0 && b.number(0, 3) == 0 ? b.number(1, 2) : 3;
  const bool whole_words = b.number(0, 2) == 0;
  std::vector<int> parts;
  for (int i = b.number(1, 4); i > 0; --i) {
    const auto at = static_cast<std::size_t>(axis);
    shape[at] = axis == 3 ? b.number(1, 20) : b.number(1, 6);
    if (axis == 3 && whole_words) shape[at] *= 4;
    parts.push_back(axis == 3 && depth == 0 && b.number(0, 5) == 0
                        ? random_concatenation(b, shape, depth + 1)
                        : random_map(b, shape));
  }
  if (b.number(0, 5) == 0) parts.push_back(parts[0]);
  const int joined = b.concatenation(parts, axis);
  if (axis != 3 || b.number(0, 1) == 0) return joined;
  // A part that another layer reads as well.
  const int branch = b.unary(parts[0], OpKind::kRelu6, "RELU6");
  return b.concatenation({joined, branch}, 3);
}

TEST_CASE("concatenations equal the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      std::vector<int> shape = random_shape(b);
      shape[1] = b.number(1, 8);
      b.one_scale = true;
      const int joined = random_concatenation(b, shape, 0);
      switch (b.number(0, 3)) {
        case 0:
          return b.convolution(joined, b.number(1, 20), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
        case 1:
          return b.pool(joined, true, 2, 2, 1, 1, Padding::kSame);
        default:
          return joined;
      }
    });
}

TEST_CASE("pixels that become channels may start within a word", "[arch][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = true;
      const int C = 4 * b.number(1, 4), W = b.number(2, 3);
      std::vector<int> pixels;
      for (int i = 0; i < W; ++i) pixels.push_back(b.input({1, 1, C}));
      int row = b.reshape(b.concatenation(pixels, 1), {1, 1, 1, C * W});
      if (b.number(0, 1) == 1) row = b.unary(row, OpKind::kQuantize, "QUANTIZE");
      std::vector<int> parts{b.input({1, 1, 1, b.number(1, 8)}), row};
      if (b.number(0, 1) == 1) std::swap(parts[0], parts[1]);
      return b.concatenation(parts, 3);
    });
}

TEST_CASE("a pool with one tap left is not treated as a plain convolution", "[arch][pool]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const int x = b.input({1, 1, 1, 4 * b.number(1, 3)});
      const int y = b.convolution(x, b.number(1, 8), 1, 1, 1, 1, 1, 1, Padding::kSame, true);
      const int z = b.pool(y, true, b.number(1, 3), b.number(1, 3), 1, 1, Padding::kSame);
      return b.pool(z, true, 1, 1, 1, 1, Padding::kSame);
    });
}

TEST_CASE("nearest neighbours equal the golden layer", "[arch][random][resize]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const int mode = b.number(0, 2);
      const bool whole = b.number(0, 2) != 0;
      const int H = whole ? s[1] * b.number(1, 4) : b.number(1, 20);
      const int W = whole ? s[2] * b.number(1, 4) : b.number(1, 20);
      const int big = b.resize(random_map(b, s), false, H, W, mode == 1, mode == 2);
      if (b.number(0, 1) == 0) return big;
      return b.convolution(big, b.number(1, 9), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
    });
}

TEST_CASE("bilinear resizes equal the golden layer", "[arch][random][resize]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const int mode = b.number(0, 2);
      const auto size = [&](int in, int factor) {
        return mode == 1 ? (in - 1) * factor + 1 : in * factor;
      };
      const int H = size(s[1], 1 << b.number(0, 2)), W = size(s[2], 1 << b.number(0, 2));
      return b.resize(random_map(b, s), true, H, W, mode == 1, mode == 2);
    });
}

TEST_CASE("a bilinear resize whose weights are too fine is refused", "[arch][resize][error]") {
  Builder b(1);
  b.graph.outputs = {b.resize(b.input({1, 4, 4, 8}), true, 12, 12, false, false)};
  const spec::Config config = testing::small_config(8, 8, 16, 16, 64);
  REQUIRE_THROWS_WITH(
      compiler::compile(b.graph, config),
      Catch::Matchers::ContainsSubstring(
          "random.tflite: op 0 RESIZE_BILINEAR: tensor 2 't2': 4 x 4 to 12 x 12 pixels: "
          "weight 683/1024 does not fit int8"));
}

TEST_CASE("transposed convolutions equal the golden layer", "[arch][random][transposed]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const int R = b.number(1, 5), S = b.number(1, 5), U = b.number(1, 4), V = b.number(1, 4);
      const Padding padding = testing::random_padding(b);
      // Any size from which the window produces the input's size.
      const auto size = [&](int in, int filter, int stride) {
        const int more = b.number(0, stride - 1);
        return padding == Padding::kSame ? in * stride - more : (in - 1) * stride + filter + more;
      };
      return b.transpose_convolution(random_map(b, s), b.number(1, 20), R, S, V, U,
                                     size(s[1], R, V), size(s[2], S, U), padding,
                                     b.number(0, 2) != 0);
    });
}

TEST_CASE("slices equal the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      std::vector<int> s = random_shape(b);
      if (b.number(0, 1) == 0) s[3] *= 4;
      std::vector<int> begin{0}, end{1}, stride{1};
      for (std::size_t axis = 1; axis < 4; ++axis) {
        const bool all = b.number(0, 1) == 0;
        begin.push_back(all ? 0 : b.number(0, s[axis] - 1));
        if (axis == 3 && b.number(0, 1) == 0) begin[3] = begin[3] / 4 * 4;
        end.push_back(all ? s[axis] : b.number(begin[axis] + 1, s[axis]));
        stride.push_back(all || axis == 3 ? b.number(0, 4) / 4 + 1 : b.number(1, 3));
      }
      const int from = random_map(b, s);
      int t = b.strided_slice(from, begin, end, stride);
      switch (b.number(0, 3)) {
        case 0:
          t = b.convolution(t, b.number(1, 20), 2, 2, 1, 1, 1, 1, Padding::kSame, true);
          break;
        case 1:
          t = b.mean(t, {1, 2});
          break;
        case 2:
          t = b.addition(t, t);
          break;
        default:
          break;
      }
      if (b.number(0, 1) != 0) return t;
      // Both the map and a part of it are read.
      return b.addition(b.mean(from, {1, 2, 3}), t);
    });
}

TEST_CASE("paddings of any axes equal the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      std::vector<int> sides{0, 0};
      for (int i = 0; i < 6; ++i) sides.push_back(b.number(0, 1) * b.number(0, 5));
      const int padded =
          b.pad(random_map(b, random_shape(b)), sides, b.number(0, 1) == 0 ? b.constant({1}) : -1);
      if (b.number(0, 1) == 0) return padded;
      return b.convolution(padded, b.number(1, 9), 2, 2, 1, 1, 1, 1, Padding::kSame, true);
    });
}

/// A GATHER of all columns moves nothing: its output is the slice, which is a part of a map.
TEST_CASE("a part of a map that becomes an output is copied", "[arch][movement]") {
  const bool both = GENERATE(false, true);  // the whole map is an output, too
  Builder b(1);
  const int x = b.unary(b.input({1, 2, 3, 9}), OpKind::kRelu, "RELU");
  const int part = b.strided_slice(x, {0, 0, 0, 4}, {1, 2, 3, 9}, {1, 1, 1, 1});
  const int all = b.integers({0, 1, 2});
  b.graph.outputs = {b.expandable("GATHER", {part, all}, x, {{1, 2, 3, 5}}, 2)[0]};
  if (both) b.graph.outputs.push_back(x);
  b.graph = model::expanded(std::move(b.graph));
  testing::require_exact(b.graph, testing::small_config(4, 4, 16, 8, 64), {b.random_array(0)});
}

TEST_CASE("without a vector unit convolutions move the codes", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = random_config(b);
    config.vector = config.table = false;
    b.one_scale = true;
    const std::vector<int> s = random_shape(b);
    const int x = b.input(s);
    const int wide = b.pad(x, {0, 0, 1, 0, 0, 2, b.number(0, 3), b.number(0, 2)});
    const int cut = b.strided_slice(wide, {0, 1, 0, 0}, {1, s[1] + 1, s[2], s[3]}, {1, 1, 1, 1});
    const int joined = b.concatenation({cut, x}, b.number(1, 3));
    const std::vector<int> big = b.shape(joined);
    b.graph.outputs = {b.resize(joined, false, 2 * big[1], 3 * big[2], false, false)};
    CAPTURE(config.to_toml(), text_of(b.graph));
    testing::require_exact(b.graph, config, {b.random_array(x)});
  }
}

/// Writing directly into the concatenation saves copies: there are as many layers as convolutions.
TEST_CASE("whole words of a concatenation are not copied", "[arch][movement]") {
  Builder b(1);
  b.one_scale = true;
  const int x = b.input({1, 9, 9, 8});
  std::vector<int> branches;
  for (const int channels : {8, 12, 16, 5})
    branches.push_back(b.convolution(x, channels, 1, 1, 1, 1, 1, 1, Padding::kSame, true));
  b.graph.outputs = {b.concatenation(branches, 3)};
  const spec::Config config = testing::small_config(8, 8, 64, 64, 64);
  const compiler::Program program = compiler::compile(b.graph, config);
  REQUIRE(program.layers.size() == 4);
  testing::require_exact(b.graph, config, {b.random_array(x)});
}

TEST_CASE("rows of matrices are cut, padded and joined", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = true;
      const int rows = b.number(2, 12), C = b.number(1, 20);
      const int t = b.unary(b.input({1, rows, C}), OpKind::kRelu, "RELU");
      const int first = b.number(0, rows - 1);
      const int part = b.strided_slice(t, {0, first, 0}, {1, rows, C}, {1, b.number(1, 3), 1});
      const int padded = b.pad(part, {0, 0, b.number(0, 2), 1, b.number(0, 3), 0});
      const int wide = b.pad(t, {0, 0, 0, 0, b.shape(padded)[2] - C, 0});
      return b.concatenation({padded, wide, padded}, 1);
    });
}

TEST_CASE("SLICE, SPLIT and SPLIT_V equal the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = true;
      std::vector<int> shape = random_shape(b);
      const int axis = b.number(1, 3), parts = b.number(2, 4);
      const auto at = static_cast<std::size_t>(axis);
      std::vector<int> sizes;
      const bool equal = b.number(0, 1) == 0;
      for (int i = 0; i < parts; ++i) sizes.push_back(equal && i > 0 ? sizes[0] : b.number(1, 6));
      shape[at] = std::accumulate(sizes.begin(), sizes.end(), 0);
      const int x = random_map(b, shape);
      std::vector<std::vector<int>> shapes(sizes.size(), shape);
      for (std::size_t i = 0; i < sizes.size(); ++i) shapes[i][at] = sizes[i];
      if (b.number(0, 2) == 0) {
        std::vector<int> begin{0}, size{1};
        for (std::size_t i = 1; i < 4; ++i) {
          begin.push_back(b.number(0, shape[i] - 1));
          size.push_back(b.number(1, shape[i] - begin[i]));
        }
        return b.expandable("SLICE", {x, b.integers(begin), b.integers(size)}, x, {size})[0];
      }
      auto pieces =
          equal ? b.expandable("SPLIT", {b.integers({axis - 4}), x}, x, shapes)
                : b.expandable("SPLIT_V", {x, b.integers(sizes), b.integers({axis})}, x, shapes);
      if (b.number(0, 1) == 0) pieces.pop_back();  // not read by any layer
      std::reverse(pieces.begin(), pieces.end());
      return b.concatenation(pieces, axis);
    });
}

TEST_CASE("mirrored paddings equal the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const bool symmetric = b.number(0, 1) == 0;
      std::vector<int> sides{0, 0};
      for (std::size_t axis = 1; axis < 4; ++axis) {
        const int most = std::min(s[axis] - (symmetric ? 0 : 1), axis == 3 ? 9 : 3);
        const int some = b.number(0, axis == 3 ? 3 : 1) == 0 ? most : 0;
        for (int side = 0; side < 2; ++side) sides.push_back(b.number(0, some));
      }
      const int padded = b.mirror_pad(random_map(b, s), sides, symmetric);
      if (b.number(0, 1) == 0) return padded;
      return b.convolution(padded, b.number(1, 9), 2, 2, 1, 1, 1, 1, Padding::kSame, true);
    });
}

TEST_CASE("SPACE_TO_DEPTH and DEPTH_TO_SPACE equal the golden layers", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = true;
      const int block = b.number(1, 3);
      std::vector<int> s = random_shape(b);
      for (const std::size_t axis : {1U, 2U}) s[axis] = block * b.number(1, 5);
      const std::vector<int> coarse{1, s[1] / block, s[2] / block, s[3] * block * block};
      const int x = b.number(0, 1) == 0 ? b.space_to_depth(random_map(b, s), block)
                                        : b.depth_to_space(random_map(b, coarse), block);
      switch (b.number(0, 2)) {
        case 0:
          return b.convolution(x, b.number(1, 9), 2, 2, 1, 1, 1, 1, Padding::kSame, true);
        case 1:
          return b.concatenation({x, random_map(b, b.shape(x)), x}, 3);
        default:
          return x;
      }
    });
}

TEST_CASE("UNPACK and PACK equal the golden layers", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = true;
      std::vector<int> shape = random_shape(b);
      shape[1] = b.number(2, 5);
      const int x = random_map(b, shape);
      const std::vector<int> row{1, shape[2], shape[3]};
      auto rows =
          b.expandable("UNPACK", {x}, x,
                       std::vector<std::vector<int>>(static_cast<std::size_t>(shape[1]), row), 1);
      std::reverse(rows.begin(), rows.end());
      return b.expandable("PACK", rows, x, {shape}, -3)[0];
    });
}

TEST_CASE("GATHER, REVERSE_V2, TILE and backward slices equal the golden layers",
          "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      std::vector<int> s{1, b.number(1, 6), b.number(1, 7), b.number(1, 14)};
      const bool is_image = b.number(0, 2) != 0;
      if (!is_image) s = {b.number(1, 3), s[1], s[2], b.number(1, 3), s[3]};
      int x = b.unary(b.input(s), OpKind::kRelu, "RELU");
      const int last = static_cast<int>(s.size()) - 1, axis = b.number(is_image ? 1 : 0, last);
      std::vector<int> out = s;
      int& extent = out[static_cast<std::size_t>(axis)];
      switch (b.number(0, 3)) {
        case 0: {
          std::vector<int> list;
          for (int i = b.number(1, 9); i > 0; --i) list.push_back(b.number(0, extent - 1));
          extent = static_cast<int>(list.size());
          return b.expandable("GATHER", {x, b.integers(list)}, x, {out}, axis)[0];
        }
        case 1:
          return b.expandable("REVERSE_V2", {x, b.integers({axis, last})}, x, {s})[0];
        case 2: {
          std::vector<int> copies(s.size(), 1);
          copies[static_cast<std::size_t>(axis)] = b.number(1, 3);
          extent *= copies[static_cast<std::size_t>(axis)];
          return b.expandable("TILE", {x, b.integers(copies)}, x, {out})[0];
        }
        default: {
          std::vector<int> begin(s.size(), 0), stride(s.size(), 1);
          begin[static_cast<std::size_t>(axis)] = -1;
          stride[static_cast<std::size_t>(axis)] = -1;
          std::vector<int> end = s;
          end[static_cast<std::size_t>(axis)] = -1 - s[static_cast<std::size_t>(axis)];
          const int y = b.strided_slice(x, begin, end, stride);
          b.graph.tensors[static_cast<std::size_t>(y)].shape = s;
          return y;
        }
      }
    });
}

TEST_CASE("BROADCAST_TO equals the golden layer", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      std::vector<int> part = s;
      for (std::size_t axis = 1; axis < 4; ++axis)
        if (b.number(0, 1) == 0) part[axis] = 1;
      const int x = random_map(b, part);
      return b.expandable("TILE", {x, b.integers({1, 1, 1, 1})}, x, {s})[0];
    });
}

TEST_CASE("convolutions between batches are dilated ones", "[arch][random][movement]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const int x = random_map(b, s), R = b.number(1, 3), S = b.number(1, 3);
      const int block_h = b.number(1, 3), block_w = b.number(1, 3);
      // Batches that are at least as long as the filter.
      const auto sides = [&](int extent, int block, int filter) {
        const int before = b.number(0, 3);
        const int total = std::max((extent + before + block - 1) / block, filter) * block;
        return std::pair{before, total - extent - before};
      };
      const auto [top, bottom] = sides(s[1], block_h, R);
      const auto [left, right] = sides(s[2], block_w, S);
      const int block = b.integers({block_h, block_w});
      const int batches = b.expandable(
          "SPACE_TO_BATCH_ND", {x, block, b.integers({top, bottom, left, right}, {2, 2})}, x,
          {{block_h * block_w, (s[1] + top + bottom) / block_h, (s[2] + left + right) / block_w,
            s[3]}})[0];
      const int sums =
          b.number(0, 1) == 0
              ? b.convolution(batches, b.number(1, 9), R, S, 1, 1, 1, 1, Padding::kValid, true)
              : b.depthwise(batches, 1, R, S, 1, 1, 1, 1, Padding::kSame, true);
      std::vector<int> out = b.shape(sums);
      out[1] *= block_h;
      out[2] *= block_w;
      const int crop = b.number(0, std::min(bottom, out[1] - 1));
      out[1] -= crop;
      return b.expandable("BATCH_TO_SPACE_ND", {sums, block, b.integers({0, crop, 0, 0}, {2, 2})},
                          sums, {out})[0];
    });
}

}  // namespace
}  // namespace trine::sim
