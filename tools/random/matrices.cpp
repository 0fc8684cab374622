// SPDX-License-Identifier: Apache-2.0

#include <numeric>

#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

/// Draws operators on tensors of two, three or five axes; four would be images.
class Matrices {
 public:
  explicit Matrices(Builder& b) : b_(b) {
    std::vector<int> shape;
    for (int n = 0; more(b, n, 1, 2); ++n) shape.push_back(extent(b, 24));
    shape.push_back(extent(b, 64));
    tensors_.push_back(b.input(shape));
  }

  void add_operator() {
    using Make = int (Matrices::*)(int);
    static const std::vector<Make> kMakes{
        &Matrices::unary,   &Matrices::dense,   &Matrices::product, &Matrices::exchange,
        &Matrices::reshape, &Matrices::binary,  &Matrices::softmax, &Matrices::norm,
        &Matrices::reduce,  &Matrices::join,    &Matrices::cut,     &Matrices::dense,
        &Matrices::product, &Matrices::exchange};
    const int x = recent(b_, tensors_);
    const int made = (this->*any(b_, kMakes))(x);
    if (made >= 0) tensors_.push_back(made);
  }

  bool has_operators() const { return tensors_.size() > 1; }

 private:
  const std::vector<int>& shape(int t) const { return b_.shape(t); }
  model::Tensor& tensor(int t) { return b_.tensor(t); }
  std::int64_t elements(int t) const { return b_.graph.tensor(t).elements(); }

  int unary(int x) {
    static const std::vector<OpKind> kKinds{OpKind::kRelu, OpKind::kGelu, OpKind::kLogistic,
                                            OpKind::kQuantize};
    return b_.unary(x, any(b_, kKinds));
  }

  /// Adds FULLY_CONNECTED over the last axis, or over all axes.
  int dense(int x) {
    const bool all = elements(x) < 1000 && once_in(b_, 6);
    const int K = all ? static_cast<int>(elements(x)) : shape(x).back();
    return b_.fully_connected(x, K, extent(b_, 64));
  }

  /// Adds a product with a constant, an input, or its own transpose.
  int product(int x) {
    const std::vector<int> s = shape(x);
    if (s.size() < 2 || s.size() > 3) return -1;
    const int kind = b_.number(0, 3);
    const bool adjoint_a = once_in(b_, 4), adjoint_b = once_in(b_, 2);
    const int K = s[s.size() - (adjoint_a ? 2 : 1)], N = extent(b_, 48);
    int y = x;
    bool adjoint = !adjoint_a;  // x times its transpose
    if (kind != 0) {
      std::vector<int> other(s.begin(), s.end() - 2);
      if (!other.empty() && once_in(b_, 3)) other[0] = 1;
      other.push_back(adjoint_b ? N : K);
      other.push_back(adjoint_b ? K : N);
      y = kind == 1 ? b_.constant(other) : b_.input(other);
      if (kind == 3) y = b_.unary(y, OpKind::kRelu);
      adjoint = adjoint_b;
    }
    const bool swap = kind != 0 && s.size() == 2 && once_in(b_, 4);
    const int out = swap ? b_.batch_matmul(y, x, !adjoint, !adjoint_a)
                         : b_.batch_matmul(x, y, adjoint_a, adjoint);
    tensor(out).quantization.scale = {tensor(x).scale() * tensor(y).scale() * 60 *
                                      std::sqrt(static_cast<float>(K)) * 1.8f};
    return out;
  }

  int exchange(int x) {
    std::vector<int> order(shape(x).size());
    std::iota(order.begin(), order.end(), 0);
    return b_.transpose(x, shuffled(b_, order));
  }

  /// Joins two axes, splits one, or adds an axis of one element.
  int reshape(int x) {
    std::vector<int> to = shape(x);
    const int last = static_cast<int>(to.size()) - 1;
    const int at = b_.number(0, last);
    const auto place = to.begin() + at;
    switch (b_.number(0, 2)) {
      case 0:
        if (at == last) return -1;
        *place *= *(place + 1);
        to.erase(place + 1);
        break;
      case 1: {
        std::vector<int> divisors;
        for (int d = 1; d <= *place; ++d)
          if (*place % d == 0) divisors.push_back(d);
        const int first = any(b_, divisors);
        *place /= first;
        to.insert(place, first);
        break;
      }
      default:
        to.insert(place, 1);
    }
    if (to.size() == 4) to.insert(to.begin(), 1);  // four would be images
    if (to.size() < 2 || to.size() > 5) return -1;
    return b_.reshape(x, to);
  }

  int binary(int x) {
    static const std::vector<OpKind> kKinds{OpKind::kAdd, OpKind::kMul, OpKind::kSub};
    const OpKind kind = any(b_, kKinds);
    int y = x;
    switch (b_.number(0, 3)) {
      case 0:
        y = b_.constant({shape(x).back()});
        break;
      case 1:
        y = b_.input(shape(x));
        break;
      case 2:
        for (const int t : tensors_)
          if (t != x && elements(t) == elements(x)) y = t;
        if (shape(y) != shape(x)) y = b_.reshape(y, shape(x));
        break;
      default:
        break;
    }
    const int out = b_.binary(x, y, kind);
    if (kind == OpKind::kMul)
      tensor(out).quantization.scale = {tensor(x).scale() * tensor(y).scale() * 60};
    return out;
  }

  int softmax(int x) { return b_.softmax(x); }
  int norm(int x) { return b_.normalization(x, !once_in(b_, 2)); }

  /// Reduces the channels, or the axes before them.
  int reduce(int x) {
    const int last = static_cast<int>(shape(x).size()) - 1;
    const std::vector<int> axes{once_in(b_, 2) ? b_.number(0, last) : last};
    static const std::vector<OpKind> kKinds{OpKind::kMean, OpKind::kSum, OpKind::kReduceMax};
    return b_.reduction(x, axes, any(b_, kKinds));
  }

  int join(int x) {
    const int axis = b_.number(0, static_cast<int>(shape(x).size()) - 1);
    int other = x;
    if (once_in(b_, 2)) {
      other = unary(x);
      b_.same_quantization(x, other);
    }
    const int joined = b_.concatenation({x, other}, axis);
    b_.same_quantization(x, joined);
    return elements(joined) > kMostElements ? -1 : joined;
  }

  int cut(int x) {
    std::vector<int> begin, end, stride;
    for (const int all : shape(x)) {
      const bool whole = !once_in(b_, 2);
      begin.push_back(whole ? 0 : b_.number(0, all - 1));
      end.push_back(whole ? all : b_.number(begin.back() + 1, all));
      stride.push_back(1);
    }
    return b_.strided_slice(x, begin, end, stride);
  }

  Builder& b_;
  std::vector<int> tensors_;
};

}  // namespace

void make_matrices(Builder& b) {
  Matrices net(b);
  for (int n = 0; more(b, n, 1, 8); ++n) net.add_operator();
  if (!net.has_operators()) b.unary(b.graph.inputs[0], OpKind::kRelu);
}

}  // namespace trine::fuzz
