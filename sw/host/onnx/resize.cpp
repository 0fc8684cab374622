// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX's Resize axis by axis: nearest, linear and cubic, with every coordinate
// transformation.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/evaluation.h"
#include "sw/host/onnx/node/windows.h"

namespace trine::host::onnx {
namespace {

/// Returns the weight of a neighbour at this distance in a cubic interpolation (Keys' convolution).
double cubic(double distance, double a) {
  const double x = std::abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

double triangle(double distance) { return std::max(0.0, 1 - std::abs(distance)); }

}  // namespace

template <typename Real>
Real source_of(const std::string& mode, int p, int from, int to, Real scale) {
  const auto at = static_cast<Real>(p), half = static_cast<Real>(0.5);
  const auto extent = static_cast<Real>(from), last = static_cast<Real>(to - 1);
  if (mode == "asymmetric") return at / scale;
  if (mode == "align_corners") return to > 1 ? at * (extent - 1) / last : 0;
  if (mode == "pytorch_half_pixel" && to == 1) return 0;
  if (mode == "tf_half_pixel_for_nn") return (at + half) / scale;
  if (mode == "half_pixel_symmetric")
    return extent / 2 * (1 - (last + 1) / (extent * scale)) + (at + half) / scale - half;
  if (mode != "half_pixel" && mode != "pytorch_half_pixel")
    throw_error("coordinate_transformation_mode '{}'", mode);
  return (at + half) / scale - half;
}
template double source_of(const std::string&, int, int, int, double);
template float source_of(const std::string&, int, int, int, float);

int nearest_of(const std::string& mode, double x, int from) {
  const double whole = mode == "floor"               ? std::floor(x)
                       : mode == "ceil"              ? std::ceil(x)
                       : mode == "round_prefer_ceil" ? std::floor(x + 0.5)
                                                     : std::ceil(x - 0.5);
  return static_cast<int>(std::clamp(whole, 0.0, from - 1.0));
}

/// Returns the inputs and weights of each output along an axis, or nothing for outputs outside of
/// the cropped region.
std::vector<Evaluation::Shares> Evaluation::samples(const Extent& e) const {
  const std::string mode = node_.text("mode", "nearest");
  const bool old = node_.type == "Upsample" || opset_ < 11;
  const std::string how =
      node_.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const std::string nearest = node_.text("nearest_mode", old ? "floor" : "round_prefer_floor");
  if (mode != "nearest" && mode != "linear" && mode != "cubic") throw_error("mode '{}'", mode);
  const double a = double{node_.real("cubic_coeff_a", -0.75f)};
  const bool crops = how == "tf_crop_and_resize", inside = node_.integer("exclude_outside", 0) != 0;
  // If outputs are further apart than inputs, antialiasing widens the filter.
  const double wide =
      node_.integer("antialias", 0) != 0 && mode != "nearest" && e.scale < 1 ? 1 / e.scale : 1;
  const double reach = (mode == "cubic" ? 2 : 1) * wide;
  std::vector<Shares> result;
  for (int p = 0; p < e.to; ++p) {
    double x = crops ? (e.to > 1 ? (e.first + p * (e.last - e.first) / (e.to - 1)) * (e.from - 1)
                                 : (e.first + e.last) / 2 * (e.from - 1))
                     : source_of(how, p, e.from, e.to, e.scale);
    Shares& shares = result.emplace_back();
    if (crops && !(x >= 0 && x <= e.from - 1)) continue;
    if (mode == "nearest") {
      shares = {{nearest_of(nearest, x, e.from), 1.0}};
      continue;
    }
    if (mode == "linear" && wide == 1) x = std::clamp(x, 0.0, e.from - 1.0);
    double sum = 0;
    for (int i = static_cast<int>(std::floor(x - reach)); i <= std::ceil(x + reach); ++i) {
      const double distance = (i - x) / wide;
      const double share = mode == "cubic" ? cubic(distance, a) : triangle(distance);
      if (share == 0 || (inside && (i < 0 || i >= e.from))) continue;
      shares.emplace_back(std::clamp(i, 0, e.from - 1), share);
      sum += share;
    }
    for (auto& [source, share] : shares) share /= sum;
  }
  return result;
}

/// Returns the extent and scale with which the node resizes each axis.
std::vector<Evaluation::Extent> Evaluation::extents() const {
  const auto rank = static_cast<std::size_t>(in(0).rank());
  std::vector<std::int64_t> axes = node_.integers("axes");
  if (axes.empty()) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  const bool upsample = node_.type == "Upsample" || (opset_ < 11 && !has(2));
  const bool sized = !upsample && has(3);
  const Constant& given = in(upsample ? 1 : sized ? 3 : 2);
  const bool crops = node_.text("coordinate_transformation_mode", "") == "tf_crop_and_resize";
  if (given.elements() != axes.size())
    throw_error("{} scales or sizes, allowed {}", given.elements(), axes.size());
  if (crops && in(1).elements() != 2 * axes.size())
    throw_error("roi of {} elements, allowed {}", in(1).elements(), 2 * axes.size());
  std::vector<Extent> result;
  for (const int from : in(0).shape) result.push_back({from, from, 1.0, 0.0, 1.0});
  const std::string policy = node_.text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    throw_error("keep_aspect_ratio_policy '{}'", policy);
  double common = policy == "not_larger" ? HUGE_VAL : 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const double scale =
        given.values[i] / in(0).shape[static_cast<std::size_t>(axis_of(axes[i], in(0).rank()))];
    common = policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Extent& e = result[static_cast<std::size_t>(axis_of(axes[i], in(0).rank()))];
    e.scale = sized ? given.values[i] / e.from : given.values[i];
    double to = sized ? given.values[i] : std::floor(e.from * e.scale);
    if (sized && policy != "stretch") {
      e.scale = common;
      to = std::floor(common * e.from + 0.5);
    }
    if (!(to >= 1 && to <= kMaxWindow))
      throw_error("extent {} of axis {} is empty or too large", to, axes[i]);
    e.to = static_cast<int>(to);
    if (crops) {
      e.first = in(1).values[i];
      e.last = in(1).values[i + axes.size()];
    }
  }
  return result;
}

namespace {

/// The pixels of an axis that an output reads, and their weights in float32, as in ONNX Runtime.
struct Taps {
  std::vector<int> pixels;
  std::vector<float> weights;
};

Taps linear_taps(float x, int from) {
  x = std::max(0.0f, std::min(x, static_cast<float>(from - 1)));
  const int low = std::min(static_cast<int>(x), from - 1), high = std::min(low + 1, from - 1);
  if (low == high) return {{low, high}, {0.5f, 0.5f}};
  return {{low, high},
          {std::abs(x - static_cast<float>(high)), std::abs(x - static_cast<float>(low))}};
}

Taps cubic_taps(float x, int from, float a) {
  const float whole = std::floor(x), s = x - whole;
  const auto far = [a](float t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  const auto near = [a](float t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  Taps taps{{}, {far(s + 1), near(s), near(1 - s), far(2 - s)}};
  for (int i = -1; i < 3; ++i)
    taps.pixels.push_back(std::clamp(static_cast<int>(whole) + i, 0, from - 1));
  return taps;
}

}  // namespace

/// Resizes images in the order of ONNX Runtime's float32 operations: for linear, each product of
/// weights and pixel is rounded; otherwise each row's sum.
Constant Evaluation::resized_images(const std::string& mode, const Extent& height,
                                    const Extent& width) const {
  const bool cubic = node_.text("mode", "nearest") == "cubic";
  const auto taps_of = [&](const Extent& e) {
    std::vector<Taps> result;
    for (int p = 0; p < e.to; ++p) {
      const auto scale = static_cast<float>(e.scale);
      const float x = scale == 1 ? static_cast<float>(p) : source_of(mode, p, e.from, e.to, scale);
      result.push_back(cubic ? cubic_taps(x, e.from, node_.real("cubic_coeff_a", -0.75f))
                             : linear_taps(x, e.from));
    }
    return result;
  };
  const std::vector<Taps> rows = taps_of(height), columns = taps_of(width);
  std::vector<int> shape = in(0).shape;
  shape[2] = height.to, shape[3] = width.to;
  Constant result = empty(in(0).type, shape);
  const auto H = static_cast<std::size_t>(height.from), W = static_cast<std::size_t>(width.from);
  std::size_t next = 0;
  for (std::size_t image = 0; next < result.values.size(); ++image)
    for (const Taps& y : rows)
      for (const Taps& x : columns) {
        float sum = 0;
        for (std::size_t i = 0; i < y.pixels.size(); ++i) {
          float row = 0;
          for (std::size_t k = 0; k < x.pixels.size(); ++k) {
            const std::size_t at = (image * H + static_cast<std::size_t>(y.pixels[i])) * W +
                                   static_cast<std::size_t>(x.pixels[k]);
            const auto pixel = static_cast<float>(in(0).values[at]);
            if (cubic)
              row += x.weights[k] * pixel;
            else
              sum += x.weights[k] * y.weights[i] * pixel;
          }
          if (cubic) sum += row * y.weights[i];
        }
        result.values[next++] = double{sum};
      }
  return result;
}

Constant Evaluation::resize() const {
  const std::vector<Extent> all = extents();
  const std::string how =
      node_.text("coordinate_transformation_mode",
                 node_.type == "Upsample" || opset_ < 11 ? "asymmetric" : "half_pixel");
  const bool known = how == "half_pixel" || how == "pytorch_half_pixel" || how == "align_corners" ||
                     how == "asymmetric";
  const std::string mode = node_.text("mode", "nearest");
  if ((mode == "linear" || mode == "cubic") && known && in(0).rank() == 4 &&
      in(0).type == DataType::kFloat32 && node_.integer("antialias", 0) == 0 &&
      node_.integer("exclude_outside", 0) == 0 && all[0].scale == 1 && all[1].scale == 1)
    return resized_images(how, all[2], all[3]);
  const double outside = double{node_.real("extrapolation_value", 0)};
  Constant result = in(0);
  for (int axis = 0; axis < in(0).rank(); ++axis) {
    const Extent& e = all[static_cast<std::size_t>(axis)];
    if (e.to == e.from && e.scale == 1 && e.first == 0 && e.last == 1) continue;
    const std::vector<Shares> parts = samples(e);
    std::vector<int> shape = result.shape;
    shape[static_cast<std::size_t>(axis)] = e.to;
    Constant turned = empty(result.type, shape);
    const auto to = static_cast<std::size_t>(e.to), from = static_cast<std::size_t>(e.from);
    const std::size_t inner = count_of({shape.begin() + axis + 1, shape.end()});
    for (std::size_t i = 0; i < turned.values.size(); ++i) {
      const Shares& shares = parts[i / inner % to];
      const std::size_t outer = i / inner / to;
      double sum = shares.empty() ? outside : 0;
      for (const auto& [source, share] : shares)
        sum += share *
               result.values[(outer * from + static_cast<std::size_t>(source)) * inner + i % inner];
      turned.values[i] = sum;
    }
    result = std::move(turned);
  }
  for (double& x : result.values) x = double{static_cast<float>(x)};
  return result;
}

}  // namespace trine::host::onnx
