// SPDX-License-Identifier: Apache-2.0

#include "tools/random/low_bit.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "sw/model/graph/groups.h"
#include "tools/random/networks.h"

namespace trine::fuzz {

namespace {

/// Adds a layer whose result is added to its input, or joined with it.
int add_residual(LowBitNet& net, int x) {
  const Encoding codes = net.encoding(x);
  int y =
      net.convolution(x, net.shape(x)[3], net.number(0, 1) == 0 ? 1 : 3, 1, Padding::kSame, codes);
  y = net.threshold(y, codes);
  const int both = net.number(0, 1) == 0 ? net.join(x, y) : net.join(y, x);
  const int sums = net.number(0, 3) > 0 ? net.sum_of_halves(both, net.number(0, 3) == 0)
                                        : net.convolution(both, net.number(1, 40), net.number(1, 2),
                                                          1, Padding::kSame, codes);
  return net.threshold(sums, codes);
}

}  // namespace

void random_low_bit(LowBitNet& net) {
  const auto padding = [&] { return net.number(0, 1) == 0 ? Padding::kSame : Padding::kValid; };
  const std::vector<Encoding> kWeights{Encoding::kBinary, Encoding::kTernary, Encoding::kInt4,
                                       Encoding::kInt8};
  const std::vector<Encoding> kCodes{Encoding::kBinary, Encoding::kTernary, Encoding::kInt2,
                                     Encoding::kInt4};
  const int size = net.number(5, 14);
  const bool whole = net.number(0, 3) == 0;  // whole words, as joins of packed maps require
  const auto channels = [&] {
    const int any = net.number(1, net.number(0, 5) == 0 ? 300 : 70);
    return whole ? (any + 15) / 16 * 16 : any;
  };
  int x = net.input({1, size, size, channels()},
                    any_encoding(net, {Encoding::kInt8, Encoding::kBinary, Encoding::kTernary}));
  for (int layers = net.number(1, 3); layers > 0; --layers) {
    // Often the same codes, so that packed operations follow each other.
    const Encoding same = net.encoding(x) == Encoding::kInt8 ? Encoding::kBinary : net.encoding(x);
    const Encoding weights = net.number(0, 2) > 0 ? same : any_encoding(net, kWeights);
    if (net.number(0, 3) == 0) x = net.pad(x, net.number(0, 1) == 0 ? -1 : 1);
    const int made = channels();
    const int groups = net.number(0, 5) == 0 ? std::gcd(made, net.shape(x)[3]) : 1;
    x = net.convolution(x, made, net.number(1, 3), net.number(1, 2), padding(), weights, groups);
    x = net.threshold(x, net.number(0, 2) > 0 ? same : any_encoding(net, kCodes));
    if (net.number(0, 2) == 0 && net.tensor(x).extent(1) > 2)
      x = net.max_pool(x, net.number(2, 3), net.number(1, 2), padding());
    const bool packed =
        net.encoding(x) == Encoding::kBinary || net.encoding(x) == Encoding::kTernary;
    if (packed && net.number(0, 2) == 0) x = add_residual(net, x);
    if (net.tensor(x).extent(1) < 4) break;
  }
  if (net.number(0, 2) > 0) net.fully_connected(net.flat(x), net.number(1, 20), net.encoding(x));
}

void set_groups(Builder& b, int block) {
  model::Op& op = b.graph.ops.back();
  model::Tensor& weights = b.tensor(op.input(1));
  for (std::uint8_t& code : weights.data.edit())
    code = static_cast<std::uint8_t>(((code & 15) ^ 8) - 8);
  weights.encoding = Encoding::kInt4;
  weights.quantization.zero_point.assign(weights.quantization.scale.size(), 0);
  // Sums are twice as large: codes of a sixteenth, times 32.
  for (float& scale : weights.quantization.scale) scale /= 2;
  const int M = weights.shape[0], groups = weights.shape[1] / block;
  const bool powers = once_in(b, 4);
  model::Tensor factors;
  factors.name = "factors";
  factors.type = model::DataType::kInt16;
  factors.shape = {M, groups};
  factors.is_constant = true;
  for (int i = 0; i < M * groups; ++i) {
    const int size = powers ? 1 << b.content(0, 14) : b.content(0, model::kMostFactor);
    const auto factor = static_cast<std::int16_t>(b.content(0, 3) == 0 ? -size : size);
    factors.data.edit().push_back(static_cast<std::uint8_t>(factor & 255));
    factors.data.edit().push_back(static_cast<std::uint8_t>(factor >> 8 & 255));
  }
  op.block = block;
  op.inputs.push_back(b.graph.add(std::move(factors)));
}

namespace {

/// Draws products over the last axis, with groups of the machine's sizes.
void make_groups(Builder& b) {
  constexpr int kBlocks[] = {32, 64, 128};
  int x = b.input({b.number(1, 20), 32 * b.number(1, 6)});
  for (int layers = b.number(1, 3); layers > 0; --layers) {
    const int K = b.shape(x).back();
    int block = kBlocks[b.number(0, 2)];
    while (K % block != 0) block /= 2;
    x = b.fully_connected(x, K, layers > 1 ? 32 * b.number(1, 4) : b.number(1, 70));
    set_groups(b, block);
  }
}

}  // namespace

void keep_two_of_four(Builder& b, model::Tensor& weights) {
  const int depth = weights.shape.back();
  for (int i = 0; i < static_cast<int>(weights.data.size()); i += depth)
    for (int first = 0; first < depth; first += 4) {
      const int one = first + b.content(0, 3), other = first + b.content(0, 3);
      for (int c = first; c < std::min(first + 4, depth); ++c)
        if (c != one && c != other) weights.data.edit()[static_cast<std::size_t>(i + c)] = 0;
    }
}

void use_table(Builder& b, model::Tensor& weights) {
  std::array<std::uint8_t, 16> table{};
  for (std::size_t i = 1; i < table.size(); ++i)
    table.at(i) = static_cast<std::uint8_t>(b.content(-127, 127));
  for (std::uint8_t& weight : weights.data.edit()) weight = table.at(weight % table.size());
}

namespace {

/// Draws int8 convolutions and products whose weights can be packed.
void make_packed(Builder& b) {
  const int size = b.number(4, 12), channels = b.number(1, 16) * b.number(1, 4);
  int x = b.input({1, size, size, channels});
  for (int layers = b.number(0, 2); layers > 0; --layers) {
    const int window = b.number(1, 3);
    x = b.convolution(x, b.number(1, 70), window, window, 1, 1, 1, 1, Padding::kSame,
                      once_in(b, 2));
  }
  const auto inputs = static_cast<int>(b.tensor(x).elements());
  if (inputs <= 8000 && !once_in(b, 4)) b.fully_connected(x, inputs, b.number(1, 70));
  for (model::Tensor& t : b.graph.tensors) {
    if (t.name != "weights") continue;
    const int kind = b.number(0, 4);
    if (kind < 2) keep_two_of_four(b, t);
    if (kind == 2 || kind == 3) use_table(b, t);
  }
}

}  // namespace

void make_low_bit(Builder& b) {
  if (b.groups && once_in(b, 2)) return make_groups(b);
  if (b.packed && once_in(b, 2)) return make_packed(b);
  LowBitNet net(std::move(b));
  random_low_bit(net);
  b = std::move(net);
}

}  // namespace trine::fuzz
