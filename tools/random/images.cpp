// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <numeric>

#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

std::vector<OpKind> kinds_that(bool (*are_wanted)(OpKind)) {
  std::vector<OpKind> kinds;
  for (std::size_t i = 0; i < model::kKinds; ++i)
    if (are_wanted(static_cast<OpKind>(i))) kinds.push_back(static_cast<OpKind>(i));
  return kinds;
}

/// Operators on one code, one float, or two codes: all operators of the table except for tables,
/// which are combinations of them.
const std::vector<OpKind> kUnary = kinds_that([](OpKind kind) {
  return model::is_unary(kind) && model::computes_codes(kind) && kind != OpKind::kTable;
});
const std::vector<OpKind> kFloats =
    kinds_that([](OpKind kind) { return model::is_unary(kind) && model::computes_floats(kind); });
const std::vector<OpKind> kBinary =
    kinds_that([](OpKind kind) { return model::is_binary(kind) && model::computes_codes(kind); });
/// The operators that the machine supports on int16 codes.
const std::vector<OpKind> kWideUnary{OpKind::kRelu, OpKind::kRelu6, OpKind::kLeakyRelu,
                                     OpKind::kQuantize};
const std::vector<OpKind> kWideBinary{OpKind::kAdd, OpKind::kSub, OpKind::kMul, OpKind::kMaximum,
                                      OpKind::kMinimum};

template <typename T>
std::vector<T> without(std::vector<T> list, const std::vector<T>& some) {
  std::erase_if(list, [&](const T& one) { return std::ranges::count(some, one) > 0; });
  return list;
}

/// A network that grows by one operator at a time; each operator reads any existing map.
/// @param wide  uses only operators that the machine supports on int16 codes
class Images {
 public:
  explicit Images(Builder& b, bool wide = false) : b_(b), wide_(wide) {
    maps_.push_back(b.input({1, extent(b, 16), extent(b, 16), extent(b, 48)}));
  }

  void add_operator() {
    using Make = int (Images::*)(int);
    static const std::vector<Make> kMakes{&Images::unary,         &Images::convolution,
                                          &Images::depthwise,     &Images::grouped,
                                          &Images::pool,          &Images::binary,
                                          &Images::binary,        &Images::gate,
                                          &Images::concatenation, &Images::pad,
                                          &Images::slice,         &Images::reduction,
                                          &Images::resize,        &Images::transposed,
                                          &Images::softmax,       &Images::norm,
                                          &Images::mirror_pad,    &Images::space_to_depth,
                                          &Images::gather,        &Images::reverse,
                                          &Images::tile,          &Images::split,
                                          &Images::pack,          &Images::prelu,
                                          &Images::exchange,      &Images::between_batches,
                                          &Images::floats,        &Images::depth_to_space,
                                          &Images::convolution,   &Images::convolution};
    static const std::vector<Make> kWide =
        without(kMakes, {&Images::softmax, &Images::norm, &Images::prelu, &Images::floats,
                         &Images::gate, &Images::space_to_depth, &Images::depth_to_space});
    const int x = recent(b_, maps_);
    const int made = (this->*any(b_, wide_ ? kWide : kMakes))(x);
    if (made >= 0) maps_.push_back(made);
  }

  /// Classifies: the last map's codes become one row.
  void classify() {
    const int x = maps_.back();
    const auto elements = static_cast<int>(b_.graph.tensor(x).elements());
    if (elements > 2000) return;
    b_.fully_connected(b_.reshape(x, {1, elements}), elements, extent(b_, 40));
  }

  bool has_operators() const { return maps_.size() > 1; }

 private:
  const std::vector<int>& shape(int t) const { return b_.shape(t); }
  model::Tensor& tensor(int t) { return b_.tensor(t); }

  /// Rescales a map to the other map's scale.
  int conform(int t, int like) {
    const model::Quantization &a = tensor(t).quantization, &b = tensor(like).quantization;
    if (a.scale == b.scale && a.zero_point == b.zero_point) return t;
    const int result = b_.unary(t, OpKind::kQuantize);
    b_.same_quantization(like, result);
    return result;
  }

  struct Filter {
    int R, S, stride_h, stride_w, dilation_h, dilation_w;
    Padding padding;
  };

  Filter filter(int x, bool dilates) {
    const std::vector<int>& s = shape(x);
    Filter f{};
    f.R = extent(b_, 5);
    f.S = extent(b_, 5);
    f.stride_h = extent(b_, 3);
    f.stride_w = once_in(b_, 3) ? extent(b_, 3) : f.stride_h;
    f.dilation_h = dilates && once_in(b_, 4) ? b_.number(2, 3) : 1;
    f.dilation_w = dilates && once_in(b_, 4) ? b_.number(2, 3) : 1;
    const bool fits = (f.R - 1) * f.dilation_h < s[1] && (f.S - 1) * f.dilation_w < s[2];
    f.padding = fits && once_in(b_, 2) ? Padding::kValid : Padding::kSame;
    return f;
  }

  int unary(int x) {
    const int out = b_.unary(x, any(b_, wide_ ? kWideUnary : kUnary));
    b_.graph.ops.back().alpha = static_cast<float>(b_.number(-100, 200)) / 100.0f;
    b_.graph.ops.back().approximate = once_in(b_, 2);
    return out;
  }

  /// Dequantizes, applies a function of floats, and quantizes again.
  int floats(int x) {
    const OpKind kind = any(b_, kFloats);
    const int real = b_.unary(x, OpKind::kDequantize), y = b_.unary(real, kind);
    for (const int t : {real, y}) tensor(t).type = model::DataType::kFloat32;
    return b_.unary(y, OpKind::kQuantize);
  }

  int convolution(int x) {
    const Filter f = filter(x, true);
    return b_.convolution(x, extent(b_, 48), f.R, f.S, f.stride_h, f.stride_w, f.dilation_h,
                          f.dilation_w, f.padding, b_.number(0, 3) != 0);
  }

  int grouped(int x) {
    const int C = shape(x)[3];
    std::vector<int> divisors;
    for (int d = 2; d <= C; ++d)
      if (C % d == 0) divisors.push_back(d);
    if (divisors.empty()) return -1;
    const int groups = any(b_, divisors);
    const Filter f = filter(x, true);
    return b_.convolution(x, groups * b_.number(1, std::max(1, 40 / groups)), f.R, f.S, f.stride_h,
                          f.stride_w, f.dilation_h, f.dilation_w, f.padding, b_.number(0, 3) != 0,
                          groups);
  }

  int depthwise(int x) {
    const Filter f = filter(x, true);
    const int multiplier = once_in(b_, 4) && shape(x)[3] < 30 ? b_.number(2, 3) : 1;
    return b_.depthwise(x, multiplier, f.R, f.S, f.stride_h, f.stride_w, f.dilation_h, f.dilation_w,
                        f.padding, b_.number(0, 3) != 0);
  }

  int transposed(int x) {
    const std::vector<int> s = shape(x);
    const int R = extent(b_, 4), S = extent(b_, 4), U = extent(b_, 3), V = extent(b_, 3);
    const Padding padding = once_in(b_, 2) ? Padding::kValid : Padding::kSame;
    const auto size = [&](int in, int taps, int stride) {
      const int more = b_.number(0, stride - 1);
      return padding == Padding::kSame ? in * stride - more : (in - 1) * stride + taps + more;
    };
    const int H = size(s[1], R, V), W = size(s[2], S, U);
    if (H * W > 1500) return -1;
    return b_.transpose_convolution(x, extent(b_, 8), R, S, V, U, H, W, padding, once_in(b_, 2));
  }

  int pool(int x) {
    const Filter f = filter(x, false);
    const bool whole = once_in(b_, 4);
    const bool max = once_in(b_, 2);
    return b_.pool(x, max, whole ? shape(x)[1] : f.R, whole ? shape(x)[2] : f.S, f.stride_h,
                   f.stride_w, f.padding);
  }

  /// Returns a second operand: the map itself, another map that fits, a constant, or a map to be
  /// repeated.
  int operand(int x) {
    const std::vector<int> s = shape(x);
    switch (b_.number(0, 4)) {
      case 0:
        return x;
      case 1: {
        for (std::size_t i = maps_.size(); i-- > 0;)
          if (maps_[i] != x && shape(maps_[i]) == s) return maps_[i];
        return b_.input(s);
      }
      case 2:
        return b_.mean(x, once_in(b_, 2) ? std::vector<int>{1, 2} : std::vector<int>{3});
      case 3: {
        std::vector<int> part = s;
        for (std::size_t axis = 1; axis < 4; ++axis)
          if (once_in(b_, 2)) part[axis] = 1;
        return b_.constant(part);
      }
      default:
        return once_in(b_, 2) ? b_.constant({}) : b_.constant({s[3]});
    }
  }

  int binary(int x) {
    const OpKind kind = any(b_, wide_ ? kWideBinary : kBinary);
    int y = operand(x);
    const bool extreme = kind == OpKind::kMaximum || kind == OpKind::kMinimum;
    if (extreme && tensor(y).is_constant)
      b_.same_quantization(x, y);
    else if (extreme)
      y = conform(y, x);
    const bool swap = once_in(b_, 2);
    const int out = b_.binary(swap ? y : x, swap ? x : y, kind);
    if (extreme) b_.same_quantization(x, out);
    if (kind == OpKind::kSquaredDifference) {
      const float most = std::max(tensor(x).scale(), tensor(y).scale());
      tensor(out).quantization.scale = {most * most * static_cast<float>(b_.number(1, 999)) / 9};
    }
    if (kind == OpKind::kMul && once_in(b_, 2))
      tensor(out).quantization.scale = {tensor(x).scale() * tensor(y).scale() * 60};
    if (!extreme && kind != OpKind::kSquaredDifference && once_in(b_, 4))
      b_.graph.ops.back().activation = model::Activation::kRelu;
    return out;
  }

  /// Multiplies a map by a code for each of its channels, as in squeeze and excitation.
  int gate(int x) {
    const int C = shape(x)[3], squeezed = extent(b_, 16);
    int g = b_.mean(x, {1, 2});
    const auto dense = [&](int from, int channels) {
      return b_.convolution(from, channels, 1, 1, 1, 1, 1, 1, Padding::kSame, once_in(b_, 2));
    };
    if (once_in(b_, 2)) g = dense(dense(g, squeezed), C);
    if (once_in(b_, 2)) {
      g = b_.unary(g, OpKind::kLogistic);
      tensor(g).quantization.scale = {1.0f / 256};
      tensor(g).quantization.zero_point = {-128};
    }
    const bool swap = once_in(b_, 4);
    const int out = b_.binary(swap ? g : x, swap ? x : g, OpKind::kMul);
    tensor(out).quantization.scale = {tensor(x).scale() * tensor(g).scale() *
                                      static_cast<float>(b_.number(1, 255))};
    if (once_in(b_, 4)) b_.graph.ops.back().activation = model::Activation::kRelu;
    return out;
  }

  int concatenation(int x) {
    const int axis = once_in(b_, 4) ? b_.number(1, 2) : 3;
    std::vector<int> parts{x};
    for (int n = 0; more(b_, n, 0, 3); ++n) {
      int part = b_.number(0, 2) == 0 ? unary(x) : recent(b_, maps_);
      for (std::size_t a = 1; a < 4; ++a)
        if (static_cast<int>(a) != axis && shape(part)[a] != shape(x)[a]) part = x;
      parts.push_back(conform(part, x));
    }
    if (tensor(x).elements() * static_cast<std::int64_t>(parts.size()) > kMostElements) return -1;
    const int joined = b_.concatenation(parts, axis);
    b_.same_quantization(x, joined);
    return joined;
  }

  int pad(int x) {
    std::vector<int> sides{0, 0};
    for (int i = 0; i < 6; ++i) sides.push_back(once_in(b_, 3) ? b_.number(1, 5) : 0);
    return b_.pad(x, sides, once_in(b_, 3) ? b_.constant({1}) : -1);
  }

  int mirror_pad(int x) {
    const std::vector<int> s = shape(x);
    const bool symmetric = once_in(b_, 2);
    std::vector<int> sides{0, 0};
    for (std::size_t axis = 1; axis < 4; ++axis)
      for (int side = 0; side < 2; ++side)
        sides.push_back(once_in(b_, 3) ? std::min(b_.number(1, 3), s[axis] - (symmetric ? 0 : 1))
                                       : 0);
    return b_.mirror_pad(x, sides, symmetric);
  }

  int slice(int x) {
    const std::vector<int> s = shape(x);
    std::vector<int> begin{0}, end{1}, stride{1};
    for (std::size_t axis = 1; axis < 4; ++axis) {
      const bool all = !once_in(b_, 2);
      begin.push_back(all ? 0 : b_.number(0, s[axis] - 1));
      if (axis == 3 && once_in(b_, 2)) begin[3] = begin[3] / 4 * 4;
      end.push_back(all ? s[axis] : b_.number(begin[axis] + 1, s[axis]));
      stride.push_back(all ? 1 : extent(b_, 3));
    }
    return b_.strided_slice(x, begin, end, stride);
  }

  int split(int x) {
    const std::vector<int> s = shape(x);
    const int axis = b_.number(1, 3);
    const int all = s[static_cast<std::size_t>(axis)];
    std::vector<int> sizes;
    for (int left = all; left > 0; left -= sizes.back())
      sizes.push_back(sizes.size() == 3 ? left : b_.number(1, left));
    std::vector<std::vector<int>> shapes(sizes.size(), s);
    for (std::size_t i = 0; i < sizes.size(); ++i)
      shapes[i][static_cast<std::size_t>(axis)] = sizes[i];
    const std::vector<int> parts =
        b_.expandable("SPLIT_V", {x, b_.integers(sizes), b_.integers({axis})}, x, shapes);
    for (const int part : parts) maps_.push_back(part);
    return -1;
  }

  /// Packs rows of an image in reverse order.
  int pack(int x) {
    const std::vector<int> s = shape(x);
    if (s[1] > 6) return -1;
    auto rows = b_.expandable(
        "UNPACK", {x}, x,
        std::vector<std::vector<int>>(static_cast<std::size_t>(s[1]), {1, s[2], s[3]}), 1);
    std::reverse(rows.begin(), rows.end());
    return b_.expandable("PACK", rows, x, {s}, -3)[0];
  }

  int reduction(int x) {
    std::vector<int> axes;
    for (int axis = 1; axis < 4; ++axis)
      if (once_in(b_, 2)) axes.push_back(axis);
    if (axes.empty()) axes = {1, 2};
    static const std::vector<OpKind> kKinds{OpKind::kMean, OpKind::kSum, OpKind::kReduceMax,
                                            OpKind::kReduceMin};
    static const std::vector<OpKind> kWideKinds{OpKind::kMean, OpKind::kReduceMax,
                                                OpKind::kReduceMin};
    return b_.reduction(x, axes, any(b_, wide_ ? kWideKinds : kKinds));
  }

  int resize(int x) {
    const std::vector<int> s = shape(x);
    const int mode = b_.number(0, 2);
    const bool bilinear = !wide_ && once_in(b_, 2);
    const auto size = [&](int in) {
      if (!bilinear) return b_.number(1, 2 * in);
      const int factor = 1 << b_.number(0, 2);
      return mode == 1 ? (in - 1) * factor + 1 : in * factor;
    };
    const int H = size(s[1]), W = size(s[2]);
    if (H * W * s[3] > kMostElements) return -1;
    return b_.resize(x, bilinear, H, W, mode == 1, mode == 2);
  }

  int softmax(int x) {
    const int out = b_.softmax(x);
    b_.graph.ops.back().beta = once_in(b_, 3) ? static_cast<float>(b_.number(1, 300)) / 100 : 1;
    return out;
  }

  int norm(int x) { return b_.normalization(x, !once_in(b_, 2)); }

  /// Draws a block of 1 x 1 to 4 x 4.
  template <typename Fits>
  int any_block(Fits fits) {
    std::vector<int> blocks;
    for (int size = 1; size <= 4; ++size)
      if (fits(size)) blocks.push_back(size);
    return any(b_, blocks);
  }

  int space_to_depth(int x) {
    const std::vector<int>& s = shape(x);
    return b_.space_to_depth(x, any_block([&](int n) { return s[1] % n == 0 && s[2] % n == 0; }));
  }

  int depth_to_space(int x) {
    return b_.depth_to_space(x, any_block([&](int n) { return shape(x)[3] % (n * n) == 0; }));
  }

  int gather(int x) {
    const int axis = b_.number(1, 3);
    std::vector<int> out = shape(x), list;
    int& all = out[static_cast<std::size_t>(axis)];
    for (int n = 0; more(b_, n, 1, 9); ++n) list.push_back(b_.number(0, all - 1));
    all = static_cast<int>(list.size());
    return b_.expandable("GATHER", {x, b_.integers(list)}, x, {out}, axis)[0];
  }

  int reverse(int x) {
    return b_.expandable("REVERSE_V2", {x, b_.integers({b_.number(1, 3)})}, x, {shape(x)})[0];
  }

  int tile(int x) {
    std::vector<int> out = shape(x), copies{1};
    for (std::size_t axis = 1; axis < 4; ++axis) {
      copies.push_back(once_in(b_, 2) ? b_.number(1, 3) : 1);
      out[axis] *= copies.back();
    }
    if (std::accumulate(out.begin(), out.end(), 1, std::multiplies<>()) > kMostElements) return -1;
    return b_.expandable("TILE", {x, b_.integers(copies)}, x, {out})[0];
  }

  int prelu(int x) {
    const std::vector<int> s = shape(x);
    const int slopes = b_.constant(once_in(b_, 3)   ? std::vector<int>{1}
                                   : once_in(b_, 3) ? std::vector<int>{s[1], s[2], 1}
                                                    : std::vector<int>{1, 1, s[3]});
    return b_.expandable("PRELU", {x, slopes}, b_.activation("out", s), {s})[0];
  }

  int exchange(int x) {
    std::vector<int> order = shuffled(b_, std::vector<int>{1, 2, 3});
    order.insert(order.begin(), 0);
    return b_.transpose(x, order);
  }

  /// Adds SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND.
  int between_batches(int x) {
    const std::vector<int> s = shape(x);
    const int R = b_.number(1, 3), S = b_.number(1, 3), block_h = b_.number(1, 3),
              block_w = b_.number(1, 3);
    const auto sides = [&](int in, int block, int taps) {
      const int before = b_.number(0, 3);
      const int total = std::max((in + before + block - 1) / block, taps) * block;
      return std::pair{before, total - in - before};
    };
    const auto [top, bottom] = sides(s[1], block_h, R);
    const auto [left, right] = sides(s[2], block_w, S);
    const int block = b_.integers({block_h, block_w});
    const int batched = b_.expandable(
        "SPACE_TO_BATCH_ND", {x, block, b_.integers({top, bottom, left, right}, {2, 2})}, x,
        {{block_h * block_w, (s[1] + top + bottom) / block_h, (s[2] + left + right) / block_w,
          s[3]}})[0];
    const int sums = b_.convolution(batched, extent(b_, 9), R, S, 1, 1, 1, 1,
                                    once_in(b_, 2) ? Padding::kValid : Padding::kSame, true);
    std::vector<int> out = shape(sums);
    out[1] *= block_h;
    out[2] *= block_w;
    return b_.expandable("BATCH_TO_SPACE_ND", {sums, block, b_.integers({0, 0, 0, 0}, {2, 2})},
                         sums, {out})[0];
  }

  Builder& b_;
  const bool wide_;
  std::vector<int> maps_;
};

void add_operators(Builder& b, bool wide) {
  Images net(b, wide);
  for (int n = 0; more(b, n, 1, 7); ++n) net.add_operator();
  if (!net.has_operators()) b.unary(b.graph.inputs[0], OpKind::kRelu);
  if (once_in(b, 6)) net.classify();
}

bool has(const model::Graph& graph, std::initializer_list<OpKind> kinds) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [&](const model::Op& op) {
    return std::find(kinds.begin(), kinds.end(), op.kind) != kinds.end();
  });
}

/// Switches to ONNX's rounding; half of the operators also get zero points of weights.
void make_half_even(Builder& b) {
  for (model::Op& op : b.graph.ops)
    op.half_even = op.kind == OpKind::kConv2D || op.kind == OpKind::kDepthwiseConv2D ||
                   op.kind == OpKind::kFullyConnected || op.kind == OpKind::kMul;
  if (!once_in(b, 2) || has(b.graph, {OpKind::kTransposeConv})) return;
  use_one_scale(b.graph);
  shift_weights(b);
}

}  // namespace

void make_variant(Builder& b) {
  switch (b.number(0, 9)) {
    case 7:
      return make_half_even(b);
    case 8:
      if (has(b.graph, {OpKind::kNormalization, OpKind::kResizeBilinear})) return;
      use_one_scale(b.graph);
      shift_weights(b);
      return make_unsigned(b.graph);
    case 9:
      if (!has(b.graph, {OpKind::kUnknown})) make_batch(b, b.number(1, 9));
      return;
    default:
      return;
  }
}

void make_wide_images(Builder& b) { add_operators(b, true); }

void make_images(Builder& b) {
  add_operators(b, false);
  make_variant(b);
  if (once_in(b, 3)) prune(b);
}

}  // namespace trine::fuzz
