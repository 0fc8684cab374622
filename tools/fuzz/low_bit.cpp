// SPDX-License-Identifier: Apache-2.0

#include "tools/fuzz/low_bit.h"

#include "tools/fuzz/networks.h"

namespace trine::fuzz {

void random_low_bit(LowBitNet& net) {
  const auto padding = [&] { return net.number(0, 1) == 0 ? Padding::kSame : Padding::kValid; };
  const std::vector<Encoding> kWeights{Encoding::kBinary, Encoding::kTernary, Encoding::kInt4,
                                       Encoding::kInt8};
  const std::vector<Encoding> kCodes{Encoding::kBinary, Encoding::kTernary, Encoding::kInt2,
                                     Encoding::kInt4};
  const int size = net.number(5, 14);
  const auto channels = [&] { return net.number(1, net.number(0, 5) == 0 ? 300 : 70); };
  int x = net.input({1, size, size, channels()},
                    any_encoding(net, {Encoding::kInt8, Encoding::kBinary, Encoding::kTernary}));
  for (int layers = net.number(1, 3); layers > 0; --layers) {
    // Often of one kind, so that packed operations follow each other.
    const Encoding same = net.encoding(x) == Encoding::kInt8 ? Encoding::kBinary : net.encoding(x);
    const Encoding weights = net.number(0, 2) > 0 ? same : any_encoding(net, kWeights);
    if (net.number(0, 3) == 0) x = net.pad(x, net.number(0, 1) == 0 ? -1 : 1);
    x = net.convolution(x, channels(), net.number(1, 3), net.number(1, 2), padding(), weights);
    x = net.threshold(x, net.number(0, 2) > 0 ? same : any_encoding(net, kCodes));
    if (net.number(0, 2) == 0 && net.tensor(x).extent(1) > 2)
      x = net.max_pool(x, net.number(2, 3), net.number(1, 2), padding());
    if (net.tensor(x).extent(1) < 4) break;
  }
  if (net.number(0, 2) > 0) net.fully_connected(net.flat(x), net.number(1, 20), net.encoding(x));
}

void make_low_bit(Builder& b) {
  LowBitNet net(std::move(b));
  random_low_bit(net);
  b = std::move(net);
}

}  // namespace trine::fuzz
