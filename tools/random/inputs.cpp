// SPDX-License-Identifier: Apache-2.0
//
// Networks that use inputs in unusual ways: parts of inputs as operands, gates on inputs, rows that
// the cores of a cluster exchange.

#include <algorithm>
#include <cmath>

#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

/// Scales the output of a product of two maps so that its results use the full range of codes.
void scale_product(Builder& b, int out, int x, int y, int summands) {
  b.tensor(out).quantization.scale = {b.tensor(x).scale() * b.tensor(y).scale() * 60 *
                                      std::sqrt(static_cast<float>(summands)) * 1.8f};
}

int multiply(Builder& b, int x, int y) {
  const int out = b.binary(x, y, OpKind::kMul);
  b.tensor(out).quantization.scale = {b.tensor(x).scale() * b.tensor(y).scale() * 60};
  return out;
}

/// Draws slices of inputs (rows of channels) as operands.
class Parts {
 public:
  explicit Parts(Builder& b)
      : b_(b),
        rows_(once_in(b, 2) ? b.number(1, 20) : 1),
        channels_(once_in(b, 2) ? b.number(1, 40) : 4 * b.number(1, 10)),
        heads_(once_in(b, 3)) {
    for (int n = 0; more(b, n, 1, 2); ++n)
      wholes_.push_back(b.input({rows_, channels_ * b.number(2, 4)}));
  }

  void add_operator() {
    using Make = int (Parts::*)();
    static const std::vector<Make> kMakes{&Parts::product, &Parts::product_of_two, &Parts::times,
                                          &Parts::plus,    &Parts::join,           &Parts::dense,
                                          &Parts::product};
    const int made = heads_ ? product_of_two() : (this->*any(b_, kMakes))();
    if (b_.shape(made) == std::vector{rows_, channels_}) computed_.push_back(made);
  }

 private:
  /// Returns channels of an input: one of its equal parts, or the same number from anywhere.
  int part() { return part(any(b_, wholes_)); }
  int part(int whole) {
    const int all = b_.shape(whole)[1], parts = all / channels_;
    const int begin =
        once_in(b_, 3) ? b_.number(0, all - channels_) : channels_ * b_.number(0, parts - 1);
    return b_.strided_slice(whole, {0, begin}, {rows_, begin + channels_}, {1, 1});
  }

  /// Returns a computed map with the shape of a part.
  int computed() {
    if (!computed_.empty() && !once_in(b_, 3)) return recent(b_, computed_);
    const int x = once_in(b_, 2) ? part() : b_.input({rows_, channels_});
    return once_in(b_, 2) ? b_.fully_connected(x, channels_, channels_)
                          : b_.unary(x, OpKind::kRelu);
  }

  int other() { return once_in(b_, 3) ? part() : computed(); }

  /// Adds the product of a part and another map of its shape, transposed: [rows, rows] or
  /// [channels, channels].
  int product() {
    const int x = part(), y = other();
    const bool columns = once_in(b_, 3), swap = once_in(b_, 3);
    const int out =
        swap ? b_.batch_matmul(y, x, columns, !columns) : b_.batch_matmul(x, y, columns, !columns);
    scale_product(b_, out, x, y, columns ? rows_ : channels_);
    return out;
  }

  /// Adds the product of a part and a layer's output computed from another input's channels.
  int product_of_two() {
    const int N = b_.number(1, 24);
    const int x = part(), from = b_.input({channels_, N});
    const int y = once_in(b_, 2) ? b_.unary(from, OpKind::kRelu) : b_.fully_connected(from, N, N);
    const int out = b_.batch_matmul(x, y, false, false);
    scale_product(b_, out, x, y, channels_);
    return out;
  }

  int times() { return multiply(b_, part(), other()); }
  int plus() {
    static const std::vector<OpKind> kKinds{OpKind::kAdd, OpKind::kSub};
    return b_.binary(part(), other(), any(b_, kKinds));
  }
  int dense() { return b_.fully_connected(part(), channels_, channels_); }

  int join() {
    const int whole = any(b_, wholes_), x = part(whole), y = part(whole);
    const int joined = b_.concatenation({x, y}, b_.number(0, 1));
    b_.same_quantization(x, joined);
    return joined;
  }

  Builder& b_;
  const int rows_, channels_;
  const bool heads_;  ///< true: only products of parts read an input
  std::vector<int> wholes_, computed_;
};

/// Draws squeeze and excitation of an input, or of a layer that reads it.
class Gates {
 public:
  explicit Gates(Builder& b) : b_(b) {
    x_ = b.input({1, extent(b, 24), extent(b, 24), extent(b, 48)});
  }

  void add_gate() {
    const int read = once_in(b_, 3) ? reader(x_) : x_;
    const int gated = once_in(b_, 4) ? reader(x_) : x_;
    int g = any_gate(read);
    if (b_.shape(g).back() != b_.shape(gated).back())
      g = b_.convolution(g, b_.shape(gated).back(), 1, 1, 1, 1, 1, 1, Padding::kValid, true);
    const int made = once_in(b_, 4) ? multiply(b_, g, gated) : multiply(b_, gated, g);
    if (once_in(b_, 3)) x_ = made;
  }

  /// Adds another layer that reads the same map.
  void add_reader() { reader(x_); }

 private:
  int any_gate(int from) {
    static const std::vector<OpKind> kKinds{OpKind::kLogistic, OpKind::kRelu, OpKind::kHardSwish};
    int g = once_in(b_, 3) ? b_.reduce_max(from, {1, 2}) : b_.mean(from, {1, 2});
    if (once_in(b_, 2)) {
      g = b_.convolution(g, extent(b_, 24), 1, 1, 1, 1, 1, 1, Padding::kValid, true);
      g = b_.convolution(g, b_.shape(from).back(), 1, 1, 1, 1, 1, 1, Padding::kValid, true);
    }
    return once_in(b_, 2) ? b_.unary(g, any(b_, kKinds)) : g;
  }

  int reader(int x) {
    const int K = b_.number(1, 3);
    switch (b_.number(0, 3)) {
      case 0:
        return b_.convolution(x, extent(b_, 32), K, K, 1, 1, 1, 1, Padding::kSame, true);
      case 1:
        return b_.depthwise(x, 1, K, K, 1, 1, 1, 1, Padding::kSame, true);
      case 2: {
        std::vector<int> out = b_.shape(x);
        out[2] *= 2;
        return b_.expandable("TILE", {x, b_.integers({1, 1, 2, 1})}, x, {out})[0];
      }
      default:
        return b_.unary(x, OpKind::kRelu);
    }
  }

  Builder& b_;
  int x_ = -1;
};

/// Draws rows of tokens that the cores of a cluster share.
class Exchange {
 public:
  explicit Exchange(Builder& b)
      : b_(b), rows_(b.number(1, 160)), heads_(b.number(1, 4)), depth_(extent(b, 40)) {
    x_ = b.input({rows_, once_in(b, 2) ? heads_ * depth_ : extent(b, 96)});
  }

  void add_operator() {
    using Make = void (Exchange::*)(int);
    static const std::vector<Make> kMakes{&Exchange::mean, &Exchange::turn,   &Exchange::maximum,
                                          &Exchange::turn, &Exchange::attend, &Exchange::softmax,
                                          &Exchange::sum,  &Exchange::end};
    const int made = dense(x_);
    (this->*any(b_, kMakes))(made);
    if (once_in(b_, 3)) x_ = made;
  }

 private:
  void mean(int x) { b_.mean(x, {0}); }
  void maximum(int x) { b_.reduce_max(x, {0}); }
  void turn(int x) { of_heads(x); }
  void softmax(int x) { b_.softmax(x); }
  void sum(int x) { b_.addition(x, dense(x_)); }
  void end(int) {}

  int dense(int x) { return b_.fully_connected(x, b_.shape(x).back(), heads_ * depth_); }

  /// Reshapes [R, H * D] to [H, R, D].
  int of_heads(int x) { return b_.transpose(b_.reshape(x, {rows_, heads_, depth_}), {1, 0, 2}); }

  /// Adds queries times keys, and the result times values.
  void attend(int made) {
    const int q = of_heads(made), k = of_heads(dense(x_));
    const int scores = b_.batch_matmul(q, k, false, true);
    scale_product(b_, scores, q, k, depth_);
    if (once_in(b_, 2)) return;
    const int weights = b_.softmax(scores), v = of_heads(dense(x_));
    const int out = b_.batch_matmul(weights, v, false, false);
    scale_product(b_, out, weights, v, rows_);
  }

  Builder& b_;
  const int rows_, heads_, depth_;
  int x_ = -1;
};

}  // namespace

void make_parts(Builder& b) {
  Parts net(b);
  for (int n = 0; more(b, n, 1, 4); ++n) net.add_operator();
}

void make_gates(Builder& b) {
  Gates net(b);
  for (int n = 0; more(b, n, 0, 2); ++n) net.add_reader();
  for (int n = 0; more(b, n, 1, 2); ++n) net.add_gate();
}

void make_exchange(Builder& b) {
  Exchange net(b);
  for (int n = 0; more(b, n, 1, 4); ++n) net.add_operator();
}

}  // namespace trine::fuzz
