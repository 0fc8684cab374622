// SPDX-License-Identifier: Apache-2.0
//
// acc[m] = bias[m] + sum (x - zero_point_x) * (w - zero_point_w), modulo 2^32 as in a register,
// then requantized by channel, unless the output is int32. Taps in the border contribute nothing:
// they hold the input's zero point.

#include <cstddef>

#include "sw/model/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

/// NHWC extents and the position of a pixel's first channel.
struct Image {
  explicit Image(const std::vector<int>& s) : N(s[0]), H(s[1]), W(s[2]), C(s[3]) {}
  bool holds(int y, int x) const { return y >= 0 && y < H && x >= 0 && x < W; }
  std::int64_t at(int n, int y, int x) const { return ((std::int64_t{n} * H + y) * W + x) * C; }
  int N, H, W, C;
};

/// Sum of products, modulo 2^32.
std::uint32_t dot(const std::int32_t* a, const std::int32_t* b, int count) {
  std::uint32_t sum = 0;
  for (int i = 0; i < count; ++i) sum += static_cast<std::uint32_t>(a[i] * b[i]);
  return sum;
}

/// Input, weights and bias of a convolution, zero points already subtracted.
struct Layer {
  Layer(const Call& c, int input, int bias_position)
      : call(c),
        p(conv_params(c.graph, c.op)),
        x(c.codes(input, p.input_zero_point)),
        w(c.codes(1, p.weight_zero_point)),
        bias(c.codes(bias_position)) {}

  std::uint32_t start(int m) const {
    return bias.empty() ? 0 : static_cast<std::uint32_t>(bias[m]);
  }
  std::int32_t finish(std::uint32_t acc, int m) const {
    if (call.out().type == model::DataType::kInt32) return wrap(acc);
    return requantize(wrap(acc), p.scales[m], p.output, call.rounding);
  }

  const Call& call;
  ConvParams p;
  Codes x, w, bias;
};

/// Output pixel by pixel, channel by channel: acc(n, p, q, m) does the taps.
template <typename Accumulate>
Codes each_output(const Layer& layer, const Accumulate& acc) {
  const Image out(layer.call.out().shape);
  Codes result;
  result.reserve(layer.call.out().elements());
  for (int n = 0; n < out.N; ++n)
    for (int p = 0; p < out.H; ++p)
      for (int q = 0; q < out.W; ++q)
        for (int m = 0; m < out.C; ++m)
          result.push_back(layer.finish(layer.start(m) + acc(n, p, q, m), m));
  return result;
}

}  // namespace

Codes convolution(const Call& call) {
  const model::Op& op = call.op;
  const Layer layer(call, 0, 2);
  const Image in(call.in(0).shape), filter(call.in(1).shape);  // N of the filter: M
  const int per_group = filter.N / model::groups(call.graph, op);
  const model::Window border = model::window(call.graph, op);
  return each_output(layer, [&](int n, int p, int q, int m) {
    std::uint32_t acc = 0;
    const int first = m / per_group * filter.C;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p * op.stride_h - border.pad_top + r * op.dilation_h;
        const int x = q * op.stride_w - border.pad_left + s * op.dilation_w;
        if (in.holds(y, x))
          acc += dot(&layer.x[in.at(n, y, x) + first], &layer.w[filter.at(m, r, s)], filter.C);
      }
    return acc;
  });
}

Codes depthwise_convolution(const Call& call) {
  const model::Op& op = call.op;
  const Layer layer(call, 0, 2);
  const Image in(call.in(0).shape), filter(call.in(1).shape);
  const int multiplier = filter.C / in.C;
  const model::Window border = model::window(call.graph, op);
  return each_output(layer, [&](int n, int p, int q, int m) {
    std::uint32_t acc = 0;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p * op.stride_h - border.pad_top + r * op.dilation_h;
        const int x = q * op.stride_w - border.pad_left + s * op.dilation_w;
        if (in.holds(y, x))
          acc +=
              dot(&layer.x[in.at(n, y, x) + m / multiplier], &layer.w[filter.at(0, r, s) + m], 1);
      }
    return acc;
  });
}

Codes transpose_convolution(const Call& call) {
  const model::Op& op = call.op;
  const Layer layer(call, 2, 3);
  const Image in(call.in(2).shape), filter(call.in(1).shape);
  const model::Window border = model::window(call.graph, op);  // over the output
  return each_output(layer, [&](int n, int p, int q, int m) {
    std::uint32_t acc = 0;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p + border.pad_top - r, x = q + border.pad_left - s;
        if (y % op.stride_h != 0 || x % op.stride_w != 0) continue;
        if (in.holds(y / op.stride_h, x / op.stride_w))
          acc += dot(&layer.x[in.at(n, y / op.stride_h, x / op.stride_w)],
                     &layer.w[filter.at(m, r, s)], filter.C);
      }
    return acc;
  });
}

Codes fully_connected(const Call& call) {
  const Layer layer(call, 0, 2);
  const int M = call.in(1).extent(0), K = call.in(1).extent(1);
  Codes result;
  for (std::size_t row = 0; row < layer.x.size(); row += static_cast<std::size_t>(K))
    for (int m = 0; m < M; ++m)
      result.push_back(layer.finish(
          layer.start(m) + dot(&layer.x[row],
                               &layer.w[static_cast<std::size_t>(m) * static_cast<std::size_t>(K)],
                               K),
          m));
  return result;
}

Codes batch_matmul(const Call& call) {
  const model::Op& op = call.op;
  const Layer layer(call, 0, 2);
  const model::Tensor &a = call.in(0), &b = call.in(1), &out = call.out();
  const std::int64_t rows = out.extent(-2), columns = out.extent(-1);
  const std::int64_t K = a.extent(op.adjoint_a ? -2 : -1);
  const auto batch = [](const model::Tensor& t) {
    return std::vector<int>(t.shape.begin(), t.shape.end() - 2);
  };
  const auto a_of = broadcast(batch(a), batch(out)), b_of = broadcast(batch(b), batch(out));
  Codes result;
  for (std::size_t n = 0; n < a_of.size(); ++n)
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) {
        std::uint32_t acc = 0;
        for (std::int64_t k = 0; k < K; ++k) {
          const std::int64_t x = a_of[n] * rows * K + (op.adjoint_a ? k * rows + i : i * K + k);
          const std::int64_t y =
              b_of[n] * columns * K + (op.adjoint_b ? j * K + k : k * columns + j);
          acc += static_cast<std::uint32_t>(layer.x[x] * layer.w[y]);
        }
        result.push_back(layer.finish(acc, static_cast<int>(j)));
      }
  return result;
}

}  // namespace trine::reference
