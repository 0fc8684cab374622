// SPDX-License-Identifier: Apache-2.0
//
// Pruned chains of narrow convolutions as in mobile networks.

#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

class Chain {
 public:
  explicit Chain(Builder& b) : b_(b) {
    x_ = b.input({1, b.number(1, 20), b.number(1, 20), b.number(1, 8)});
  }

  void add() {
    switch (b_.number(0, 7)) {
      case 1:
        x_ = depthwise(x_, b_.number(1, 2));
        break;
      case 2:
        x_ = inverted_residual();
        break;
      case 3:
        x_ = b_.pool(x_, once_in(b_, 2), 2, 2, 1, 1, Padding::kSame);
        break;
      case 4:
        x_ = b_.unary(x_, OpKind::kHardSwish, "HARD_SWISH");
        break;
      case 5:
        x_ = beside();
        break;
      case 6:
        x_ = convolution(x_, b_.number(1, 24), 3, b_.number(1, 2));
        break;
      default:
        x_ = convolution(x_, b_.number(1, 24), 1, 1);
    }
  }

  void classify() {
    if (once_in(b_, 2)) x_ = b_.mean(x_, {1, 2});
    const auto elements = static_cast<int>(b_.graph.tensor(x_).elements());
    if (elements <= 2000)
      b_.fully_connected(b_.reshape(x_, {1, elements}), elements, b_.number(2, 12));
  }

 private:
  int convolution(int from, int channels, int size, int stride) {
    const Padding padding = once_in(b_, 3) && b_.shape(from)[1] >= size && b_.shape(from)[2] >= size
                                ? Padding::kValid
                                : Padding::kSame;
    return b_.convolution(from, channels, size, size, stride, stride, 1, 1, padding,
                          once_in(b_, 2));
  }

  int depthwise(int from, int stride) {
    return b_.depthwise(from, 1, 3, 3, stride, stride, 1, 1, Padding::kSame, once_in(b_, 2));
  }

  /// Adds expand, depthwise, project, and the sum with the input.
  int inverted_residual() {
    const int channels = b_.shape(x_)[3];
    const int wide = convolution(x_, channels * b_.number(1, 3), 1, 1);
    const int narrow =
        b_.convolution(depthwise(wide, 1), channels, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
    return once_in(b_, 3) ? narrow : b_.addition(x_, narrow);
  }

  /// Adds two convolutions of the same map and concatenates them.
  int beside() {
    const int a = convolution(x_, b_.number(1, 12), 1, 1);
    const int c = b_.convolution(x_, b_.number(1, 12), 3, 3, 1, 1, 1, 1, Padding::kSame, false);
    const int both = b_.concatenation({a, c}, 3);
    b_.tensor(c).quantization = b_.tensor(both).quantization = b_.tensor(a).quantization;
    return both;
  }

  Builder& b_;
  int x_ = -1;
};

}  // namespace

void make_chains(Builder& b) {
  Chain net(b);
  for (int n = 0; more(b, n, 2, 12); ++n) net.add();
  if (once_in(b, 3)) net.classify();
  make_variant(b);
  prune(b);
}

}  // namespace trine::fuzz
