// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX's normalizations in float32. Their sums lose nothing.

#include <algorithm>
#include <cmath>
#include <functional>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluation.h"

namespace trine::host::onnx {
namespace {

/// The mean and variance of `count` values.
struct Moments {
  double mean = 0, variance = 0;
};

Moments moments_of(std::size_t count, const std::function<double(std::size_t)>& x) {
  Moments m;
  for (std::size_t i = 0; i < count; ++i) m.mean += x(i) / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i)
    m.variance += (x(i) - m.mean) * (x(i) - m.mean) / static_cast<double>(count);
  return m;
}

}  // namespace

/// Computes as ONNX Runtime does: x * s + b with s = scale / sqrt(var + epsilon), b = bias - mean *
/// s. In training mode, mean and variance are the batch's, and the running ones approach them.
Constant Evaluation::batch_normalization() const {
  const bool training = node_.integer("training_mode", 0) != 0;
  const float epsilon = node_.real("epsilon", 1e-5f);
  if (in(0).rank() < 2 || output_ > (training ? 2u : 0u))
    throw_error("rank {}, output {}", in(0).rank(), output_);
  const auto C = static_cast<std::size_t>(in(0).shape[1]);
  for (std::size_t i = 1; i < 5; ++i)
    if (in(i).elements() != C) throw_error("{} values for {} channels", in(i).elements(), C);
  const auto N = static_cast<std::size_t>(in(0).shape[0]);
  const std::size_t pixels = in(0).values.size() / C / N;
  std::vector<Moments> given(C);
  for (std::size_t c = 0; c < C; ++c) {
    given[c] = {in(3).values[c], in(4).values[c]};
    if (!training) continue;
    const Moments batch = moments_of(N * pixels, [&](std::size_t i) {
      return in(0).values[(i / pixels * C + c) * pixels + i % pixels];
    });
    const double keep = double{node_.real("momentum", 0.9f)};
    const auto running = [&](double before, double now) {
      return before * keep + now * (1 - keep);
    };
    given[c] = output_ == 0 ? batch
                            : Moments{running(given[c].mean, batch.mean),
                                      running(given[c].variance, batch.variance)};
  }
  Constant result =
      empty(DataType::kFloat32, output_ == 0 ? in(0).shape : std::vector{static_cast<int>(C)});
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const std::size_t c = output_ == 0 ? i / pixels % C : i;
    if (output_ != 0) {
      result.values[i] = rounded(output_ == 1 ? given[c].mean : given[c].variance);
      continue;
    }
    const auto p = [&](std::size_t input) { return static_cast<float>(in(input).values[c]); };
    const auto mean = static_cast<float>(given[c].mean),
               variance = static_cast<float>(given[c].variance);
    const float scale = 1.0f / std::sqrt(variance + epsilon) * p(1);
    const float offset = p(2) - mean * scale;
    result.values[i] = double{static_cast<float>(in(0).values[i]) * scale + offset};
  }
  return result;
}

/// Normalizes each channel of an image (InstanceNormalization) or groups of channels
/// (GroupNormalization). Parameters are per channel; the parameters of GroupNormalization are per
/// group before opset 21.
Constant Evaluation::group_normalization() const {
  if (in(0).rank() < 3) throw_error("rank {}, allowed 3 and above", in(0).rank());
  const auto C = static_cast<std::size_t>(in(0).shape[1]),
             N = static_cast<std::size_t>(in(0).shape[0]);
  const bool grouped = node_.type == "GroupNormalization";
  const std::int64_t asked =
      grouped ? node_.integer("num_groups", 0) : static_cast<std::int64_t>(C);
  if (asked < 1 || asked > static_cast<std::int64_t>(C) ||
      static_cast<std::int64_t>(C) % asked != 0)
    throw_error("{} channels cannot be divided into {} groups", C, asked);
  const auto groups = static_cast<std::size_t>(asked);
  const std::size_t parameters = grouped && opset_ < 21 ? groups : C;
  for (std::size_t i = 1; i < 3; ++i)
    if (in(i).elements() != parameters)
      throw_error("{} values for {} channels in {} groups", in(i).elements(), C, groups);
  const std::size_t count = in(0).values.size() / N / groups, pixels = in(0).values.size() / N / C;
  Constant result = empty(DataType::kFloat32, in(0).shape);
  for (std::size_t group = 0; group < N * groups; ++group) {
    const auto x = [&](std::size_t i) { return in(0).values[group * count + i]; };
    const Moments m = moments_of(count, x);
    const double root = std::sqrt(m.variance + double{node_.real("epsilon", 1e-5f)});
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t c = (group * count + i) / pixels % C * parameters / C;
      result.values[group * count + i] =
          rounded((x(i) - m.mean) / root * in(1).values[c] + in(2).values[c]);
    }
  }
  return result;
}

/// Normalizes over all axes from one on. The other outputs are mean and 1 / sqrt(variance +
/// epsilon).
Constant Evaluation::layer_normalization() const {
  const bool center = node_.type == "LayerNormalization";
  if (output_ > (center ? 2u : 0u) || in(0).rank() < 1)
    throw_error("rank {}, output {}", in(0).rank(), output_);
  const int axis = axis_of(node_.integer("axis", -1), in(0).rank());
  if (node_.integer(kOneAxis, 0) != 0 && axis != in(0).rank() - 1)
    throw_error("works over another axis than the last, allowed only the last");
  const std::vector<int> row(in(0).shape.begin() + axis, in(0).shape.end());
  const std::size_t count = count_of(row);
  const auto parameter = [&](std::size_t i) {
    return has(i) ? broadcast(in(i).shape, row) : Indices{};
  };
  const Indices scale = parameter(1), bias = parameter(2);
  std::vector<int> shape = in(0).shape;
  if (output_ != 0) std::fill(shape.begin() + axis, shape.end(), 1);
  Constant result = empty(DataType::kFloat32, shape);
  for (std::size_t first = 0; first < in(0).values.size(); first += count) {
    const auto x = [&](std::size_t i) { return in(0).values[first + i]; };
    Moments m = moments_of(count, x);
    if (!center) m = {0, m.variance + m.mean * m.mean};
    const double root = std::sqrt(m.variance + double{node_.real("epsilon", 1e-5f)});
    if (output_ != 0) {
      result.values[first / count] = rounded(output_ == 1 ? m.mean : 1 / root);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i)
      result.values[first + i] =
          rounded((x(i) - m.mean) / root * (scale.empty() ? 1.0 : in(1).values[scale[i]]) +
                  (bias.empty() ? 0.0 : in(2).values[bias[i]]));
  }
  return result;
}

}  // namespace trine::host::onnx
