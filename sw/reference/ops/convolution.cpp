// SPDX-License-Identifier: Apache-2.0
//
// Computes acc[m] = bias[m] + sum (x - zero_point_x) * (w - zero_point_w), modulo 2^32 as in a
// register, then requantizes it by channel, unless the output is int32. Taps in the border
// contribute nothing, because they hold the input's zero point. Sums are modulo 2^64 for int16
// codes without int32 biases or with halves to even, and for weights of more bits.

#include <fmt/ranges.h>

#include <cmath>
#include <cstddef>
#include <span>

#include "sw/base/error.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/shapes.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

/// An NHWC tensor's extents, and the index of a pixel's first channel.
struct Image {
  explicit Image(const std::vector<int>& s) : N(s[0]), H(s[1]), W(s[2]), C(s[3]) {}
  bool holds(int y, int x) const { return y >= 0 && y < H && x >= 0 && x < W; }
  std::int64_t at(int n, int y, int x) const { return ((std::int64_t{n} * H + y) * W + x) * C; }
  int N, H, W, C;
};

/// Returns a sum of products, modulo 2^32 or 2^64.
template <typename Sum>
Sum dot(const std::int32_t* a, const std::int32_t* b, int count) {
  Sum sum = 0;
  if constexpr (sizeof(Sum) == sizeof(std::int64_t))
    for (int i = 0; i < count; ++i) sum += static_cast<Sum>(std::int64_t{a[i]} * b[i]);
  else
    for (int i = 0; i < count; ++i) sum += static_cast<Sum>(a[i] * b[i]);
  return sum;
}

std::int32_t real_code(std::int64_t sum, double scale, const OutputRange& output) {
  constexpr double kMost = 1e9;  // beyond all codes
  const double value = std::round(static_cast<double>(sum) * scale);
  return to_code(static_cast<std::int32_t>(std::clamp(value, -kMost, kMost)), output);
}

/// The input, weights and bias of a convolution; zero points are already subtracted.
template <typename Sum>
struct Layer {
  Layer(const Call& c, int input, int bias_position)
      : call(c),
        p(conv_params(c.graph, c.op)),
        x(of_format(c.in(input)) ? c.units(input) : c.codes(input, p.input_zero_point)),
        w(c.codes(1, p.weight_zero_point)) {
    if (c.op.input(bias_position) >= 0)
      bias = model::elements_as<Sum>(c.in(bias_position).type, c.bytes(bias_position));
    if (c.op.kind == model::OpKind::kFullyConnected && c.rounding == Rounding::kSingle &&
        c.out().type == model::DataType::kInt16)
      real = real_scales(c.graph, c.op);
  }

  Sum start(int m) const { return bias.empty() ? 0 : bias[m]; }
  std::int32_t finish(Sum acc, int m) const {
    if (call.out().type == model::DataType::kInt32) return wrap(static_cast<std::int64_t>(acc));
    const auto sum = static_cast<std::make_signed_t<Sum>>(acc);
    if (!real.empty()) return real_code(sum, real[static_cast<std::size_t>(m)], p.output);
    if (p.output.format != spec::Format::kNone)
      return to_format(sum, p.scales[m].multiplier, 31 - p.scales[m].shift, p.output);
    if constexpr (sizeof(Sum) == sizeof(std::int64_t))
      return to_code(whole ? scaled_half_even(sum, p.scales[m]) : scaled_wide(sum, p.scales[m]),
                     p.output);
    else
      return requantize(sum, p.scales[m], p.output, call.rounding);
  }

  const Call& call;
  ConvParams p;
  Codes x, w;
  std::vector<Sum> bias;
  /// Uses all bits of the multiplier. Products of two int16 maps exceed its 32-bit input.
  const bool whole =
      call.rounding == Rounding::kHalfEven && call.op.kind != model::OpKind::kBatchMatMul;
  std::vector<double> real;  ///< scales of LiteRT >= 1.3
};

/// Calls f(Sum()) with the type of the operator's sums.
template <typename F>
Codes with_sums(const Call& call, int bias_position, const F& f) {
  const int bias = call.op.input(bias_position);
  const bool of_int32 = bias >= 0 && call.graph.tensor(bias).type == model::DataType::kInt32;
  const bool narrow = !model::has_fixed_weights(call.graph, call.op) && !call.of_format() &&
                      (call.out().type != model::DataType::kInt16 ||
                       (of_int32 && call.rounding != Rounding::kHalfEven));
  return narrow ? f(std::uint32_t()) : f(std::uint64_t());
}

/// Computes the outputs pixel by pixel, channel by channel; acc(n, p, q, m) adds the taps.
template <typename Sum, typename Accumulate>
Codes each_output(const Layer<Sum>& layer, const Accumulate& acc) {
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

template <typename Sum>
Codes convolution(const Call& call) {
  const model::Op& op = call.op;
  const Layer<Sum> layer(call, 0, 2);
  const Image in(call.in(0).shape), filter(call.in(1).shape);  // N of the filter: M
  const int per_group = filter.N / model::groups(call.graph, op);
  const model::Window border = model::window(call.graph, op);
  return each_output(layer, [&](int n, int p, int q, int m) {
    Sum acc = 0;
    const int first = m / per_group * filter.C;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p * op.stride_h - border.pad_top + r * op.dilation_h;
        const int x = q * op.stride_w - border.pad_left + s * op.dilation_w;
        if (in.holds(y, x))
          acc += dot<Sum>(&layer.x[in.at(n, y, x) + first], &layer.w[filter.at(m, r, s)], filter.C);
      }
    return acc;
  });
}

template <typename Sum>
Codes depthwise_convolution(const Call& call) {
  const model::Op& op = call.op;
  const Layer<Sum> layer(call, 0, 2);
  const Image in(call.in(0).shape), filter(call.in(1).shape);
  const int multiplier = filter.C / in.C;
  const model::Window border = model::window(call.graph, op);
  return each_output(layer, [&](int n, int p, int q, int m) {
    Sum acc = 0;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p * op.stride_h - border.pad_top + r * op.dilation_h;
        const int x = q * op.stride_w - border.pad_left + s * op.dilation_w;
        if (in.holds(y, x))
          acc += dot<Sum>(&layer.x[in.at(n, y, x) + m / multiplier],
                          &layer.w[filter.at(0, r, s) + m], 1);
      }
    return acc;
  });
}

/// @throws Error  if a computed shape differs from the file's
void require_shape(const Call& call) {
  if (call.in(0).is_constant) return;
  const std::vector<int>& shape = call.out().shape;
  if (call.codes(0) != Codes(shape.begin(), shape.end()))
    throw_error("{}: its computed shape differs from the file's, allowed [{}]",
                label(call.graph, call.op), fmt::join(shape, ", "));
}

template <typename Sum>
Codes transpose_convolution(const Call& call) {
  require_shape(call);
  const model::Op& op = call.op;
  const Layer<Sum> layer(call, 2, 3);
  const Image in(call.in(2).shape), filter(call.in(1).shape);
  const model::Window border = model::window(call.graph, op);  // over the output
  return each_output(layer, [&](int n, int p, int q, int m) {
    Sum acc = 0;
    for (int r = 0; r < filter.H; ++r)
      for (int s = 0; s < filter.W; ++s) {
        const int y = p + border.pad_top - r, x = q + border.pad_left - s;
        if (y % op.stride_h != 0 || x % op.stride_w != 0) continue;
        if (in.holds(y / op.stride_h, x / op.stride_w))
          acc += dot<Sum>(&layer.x[in.at(n, y / op.stride_h, x / op.stride_w)],
                          &layer.w[filter.at(m, r, s)], filter.C);
      }
    return acc;
  });
}

template <typename Sum>
Codes fully_connected(const Call& call) {
  const Layer<Sum> layer(call, 0, 2);
  const int M = call.in(1).extent(0), K = call.in(1).extent(1);
  Codes result;
  for (std::size_t row = 0; row < layer.x.size(); row += static_cast<std::size_t>(K))
    for (int m = 0; m < M; ++m)
      result.push_back(layer.finish(
          layer.start(m) +
              dot<Sum>(&layer.x[row],
                       &layer.w[static_cast<std::size_t>(m) * static_cast<std::size_t>(K)], K),
          m));
  return result;
}

/// Computes sums of groups of unchanged codes, each multiplied by its factor.
Codes in_groups(const Call& call) {
  const Layer<std::uint32_t> layer(call, 0, 2);
  const auto M = static_cast<std::size_t>(call.in(1).extent(0));
  const auto K = static_cast<std::size_t>(call.in(1).extent(1));
  const auto groups = static_cast<std::size_t>(call.in(3).extent(1));
  const int block = call.op.block, zero_point = call.in(0).zero_point();
  const Codes x = call.codes(0, 0);
  const auto weights = call.in(1).values<std::int8_t>();
  const auto factors = call.in(3).values<std::int16_t>();
  std::vector<std::uint32_t> starts;
  for (std::size_t m = 0; m < M; ++m) {
    const std::int32_t offset =
        group_offset(std::span(weights).subspan(m * K, K),
                     std::span(factors).subspan(m * groups, groups), block, zero_point);
    starts.push_back(layer.start(static_cast<int>(m)) + static_cast<std::uint32_t>(offset));
  }
  Codes result;
  for (std::size_t row = 0; row < x.size(); row += K)
    for (std::size_t m = 0; m < M; ++m) {
      std::uint32_t acc = starts[m];
      for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t first = g * static_cast<std::size_t>(block);
        const int count = static_cast<int>(std::min(static_cast<std::size_t>(block), K - first));
        const auto sum = dot<std::uint32_t>(&x[row + first], &layer.w[m * K + first], count);
        acc += static_cast<std::uint32_t>(
            of_group(static_cast<std::int32_t>(sum), factors[m * groups + g]));
      }
      result.push_back(layer.finish(acc, static_cast<int>(m)));
    }
  return result;
}

template <typename Sum>
Codes batch_matmul(const Call& call) {
  const model::Op& op = call.op;
  const Layer<Sum> layer(call, 0, 2);
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
        Sum acc = 0;
        for (std::int64_t k = 0; k < K; ++k) {
          const std::int64_t x = a_of[n] * rows * K + (op.adjoint_a ? k * rows + i : i * K + k);
          const std::int64_t y =
              b_of[n] * columns * K + (op.adjoint_b ? j * K + k : k * columns + j);
          acc += static_cast<Sum>(layer.x[x] * layer.w[y]);
        }
        result.push_back(layer.finish(acc, static_cast<int>(j)));
      }
  return result;
}

}  // namespace

Codes convolution(const Call& call) {
  return with_sums(call, 2, [&]<typename Sum>(Sum) { return convolution<Sum>(call); });
}

Codes depthwise_convolution(const Call& call) {
  return with_sums(call, 2, [&]<typename Sum>(Sum) { return depthwise_convolution<Sum>(call); });
}

Codes transpose_convolution(const Call& call) {
  return with_sums(call, 3, [&]<typename Sum>(Sum) { return transpose_convolution<Sum>(call); });
}

Codes fully_connected(const Call& call) {
  if (call.op.input(3) >= 0) return in_groups(call);
  return with_sums(call, 2, [&]<typename Sum>(Sum) { return fully_connected<Sum>(call); });
}

Codes batch_matmul(const Call& call) {
  return with_sums(call, 2, [&]<typename Sum>(Sum) { return batch_matmul<Sum>(call); });
}

}  // namespace trine::reference
