// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX operators over windows, matrices and neighbouring channels, in float32. Products
// have exact sums. Averages add float32 in ONNX Runtime's order, because their exact results are
// often halfway between two codes.

#include "sw/host/onnx/node/windows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/host/onnx/evaluation.h"
#include "sw/model/graph/shapes.h"

namespace trine::host::onnx {
namespace {

using model::broadcast_shape;

/// Calls f(coordinates) for each element of a shape, in C order.
template <typename F>
void each(const std::vector<int>& shape, const F& f) {
  std::vector<int> where(shape.size());
  for (std::size_t left = count_of(shape); left-- > 0;) {
    f(where);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++where[axis] < shape[axis]) break;
      where[axis] = 0;
    }
  }
}

/// Returns the index of an element, or -1 if it is outside.
std::int64_t element(const std::vector<int>& where, const std::vector<int>& shape) {
  std::int64_t index = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (where[i] < 0 || where[i] >= shape[i]) return -1;
    index = index * shape[i] + where[i];
  }
  return index;
}

/// Returns the spatial extents of [N, C, ...].
std::vector<int> space(const Constant& x) {
  if (x.rank() < 3) throw_error("rank {}, allowed 3 and above", x.rank());
  return {x.shape.begin() + 2, x.shape.end()};
}

/// Returns the number of windows along each axis.
std::vector<int> positions(const std::vector<int>& image, const Windows& s) {
  std::vector<int> result;
  for (std::size_t i = 0; i < image.size(); ++i) result.push_back(s.count(i, image[i]));
  return result;
}

std::vector<int> with_channels(int N, int C, const std::vector<int>& positions) {
  std::vector<int> shape{N, C};
  shape.insert(shape.end(), positions.begin(), positions.end());
  return shape;
}

/// The order in which ONNX Runtime adds the float32 values of a window (core/mlas/lib/pooling.cpp).
enum class SumOrder {
  kRows,     ///< row by row
  kColumns,  ///< all values of a column, then the columns
  kLanes,    ///< every fourth value, then the four sums: images that are one window
};

SumOrder sum_order(const Windows& s, const std::vector<int>& image) {
  constexpr int kSmall = 32;       // taps of an axis
  constexpr int kBuffered = 2045;  // columns of an image with its border
  const bool ones = std::ranges::all_of(s.strides, [](int stride) { return stride == 1; });
  if (s.taps == image && ones && !s.has_borders()) return SumOrder::kLanes;
  const bool small = std::ranges::all_of(s.taps, [](int taps) { return taps <= kSmall; });
  const bool fits = s.before.back() + image.back() + s.after.back() <= kBuffered;
  return image.size() > 1 && s.strides.back() <= 2 && small && fits ? SumOrder::kColumns
                                                                    : SumOrder::kRows;
}

/// The float32 sum of the values of a window, which are added row by row.
class WindowSum {
 public:
  WindowSum(SumOrder order, std::size_t columns, std::size_t values)
      : order_(order), values_(values), parts_(order == SumOrder::kColumns ? columns : 4) {}

  /// @param column  of the value, in the window
  void add(float value, std::size_t column) {
    const bool in_lanes = order_ == SumOrder::kLanes && count_ < values_ / 4 * 4;
    if (in_lanes) parts_[count_ % 4] += value;
    if (order_ == SumOrder::kColumns) parts_[column] += value;
    if (order_ == SumOrder::kRows || (order_ == SumOrder::kLanes && !in_lanes))
      rest_.push_back(value);
    ++count_;
  }

  float sum() const {
    float sum = 0;
    if (order_ == SumOrder::kLanes) sum = (parts_[0] + parts_[2]) + (parts_[1] + parts_[3]);
    if (order_ == SumOrder::kColumns)
      for (const float part : parts_) sum += part;
    for (const float value : rest_) sum += value;
    return sum;
  }

 private:
  SumOrder order_;
  std::size_t values_, count_ = 0;
  std::vector<float> parts_, rest_;
};

}  // namespace

Constant Evaluation::pool() const {
  const std::vector<int> image = space(in(0));
  const Windows s = windows_over(node_, image);
  const std::vector<int> places = positions(image, s);
  const bool maximum = node_.type == "MaxPool";
  const bool all_count = node_.integer("count_include_pad", 0) != 0;
  const bool indices = output_ == 1;  // of the maxima in the whole tensor
  Constant result = empty(indices ? DataType::kInt64 : in(0).type,
                          with_channels(in(0).shape[0], in(0).shape[1], places));
  const bool by_columns = node_.integer("storage_order", 0) != 0;
  if (shape_only_) return result;
  require_time(result, count_of(s.taps));
  const std::size_t pixels = count_of(image);
  std::vector<std::size_t> steps = steps_of(image);
  if (by_columns)  // the first axis varies fastest
    for (std::size_t i = 0, step = 1; i < image.size(); step *= at(image[i++])) steps[i] = step;
  std::size_t next = 0;
  const SumOrder order = opset_ < 19 ? sum_order(s, image) : SumOrder::kRows;
  for (std::size_t plane = 0; plane < in(0).values.size() / pixels; ++plane)
    each(places, [&](const std::vector<int>& place) {
      double most = -std::numeric_limits<double>::infinity(), count = 0;
      WindowSum sum(order, at(s.taps.back()), count_of(s.taps));
      std::size_t index = plane * pixels;
      each(s.taps, [&](const std::vector<int>& tap) {
        std::vector<int> where(tap.size());
        bool bordered = true;
        for (std::size_t i = 0; i < tap.size(); ++i) {
          where[i] = place[i] * s.strides[i] - s.before[i] + tap[i] * s.dilations[i];
          bordered = bordered && where[i] < image[i] + s.after[i];
        }
        const std::int64_t e = element(where, image);
        if (e < 0) {
          count += all_count && bordered ? 1 : 0;
          return;
        }
        const double x = in(0).values[plane * pixels + static_cast<std::size_t>(e)];
        if (x > most) {
          most = x;
          index = plane * pixels;
          for (std::size_t i = 0; i < where.size(); ++i) index += at(where[i]) * steps[i];
        }
        sum.add(static_cast<float>(x), at(tap.back()));
        count += 1;
      });
      result.values[next++] = indices ? static_cast<double>(index)
                              : maximum
                                  ? most
                                  : double{sum.sum() / std::max(static_cast<float>(count), 1.0f)};
    });
  return result;
}

Constant Evaluation::global_pool() const {
  const std::vector<int> image = space(in(0));
  const std::size_t pixels = count_of(image);
  Constant result = empty(
      in(0).type, with_channels(in(0).shape[0], in(0).shape[1], std::vector<int>(image.size(), 1)));
  for (std::size_t plane = 0; plane < result.values.size(); ++plane) {
    const auto first = in(0).values.begin() + plane * pixels;
    const auto last = first + pixels;
    WindowSum sum(SumOrder::kLanes, 0, pixels);
    for (auto x = first; x != last; ++x) sum.add(static_cast<float>(*x), 0);
    result.values[plane] = node_.type == "GlobalMaxPool"
                               ? *std::max_element(first, last)
                               : double{sum.sum() / static_cast<float>(pixels)};
  }
  return result;
}

Constant Evaluation::convolution() const {
  const Constant &x = in(0), &w = in(1);
  const std::vector<int> image = space(x);
  if (w.rank() != x.rank()) throw_error("weights of rank {}, allowed {}", w.rank(), x.rank());
  const Windows s = windows_over(node_, image, space(w));
  const std::vector<int> places = positions(image, s);
  const std::int64_t group = node_.integer("group", 1);
  const int M = w.shape[0], depth = w.shape[1];
  if (group < 1 || group > x.shape[1] || depth * group != x.shape[1] || M % group != 0)
    throw_error("{} channels, {} filters and group {} do not fit", x.shape[1], M, group);
  if (has(2) && in(2).elements() != at(M)) throw_error("bias of {} elements", in(2).elements());
  Constant result = empty(DataType::kFloat32, with_channels(x.shape[0], M, places));
  if (shape_only_) return result;
  require_time(result, count_of(s.taps) * at(depth));
  const std::size_t pixels = count_of(image), taps = count_of(s.taps);
  std::size_t next = 0;
  for (int n = 0; n < x.shape[0]; ++n)
    for (int m = 0; m < M; ++m)
      each(places, [&](const std::vector<int>& place) {
        double sum = 0;
        std::size_t tap_index = 0;
        const int first = m / (M / static_cast<int>(group)) * depth;
        each(s.taps, [&](const std::vector<int>& tap) {
          std::vector<int> where(tap.size());
          for (std::size_t i = 0; i < tap.size(); ++i)
            where[i] = place[i] * s.strides[i] - s.before[i] + tap[i] * s.dilations[i];
          if (const std::int64_t e = element(where, image); e >= 0)
            for (int c = 0; c < depth; ++c)
              sum +=
                  x.values[at(n * x.shape[1] + first + c) * pixels + static_cast<std::size_t>(e)] *
                  w.values[at(m * depth + c) * taps + tap_index];
          ++tap_index;
        });
        result.values[next++] = rounded(rounded(sum) + (has(2) ? in(2).values[m] : 0.0));
      });
  return result;
}

/// Adds the window of every pixel to the result; `pads` of the result are removed.
Constant Evaluation::transposed_convolution() const {
  const Constant &x = in(0), &w = in(1);
  const std::vector<int> image = space(x);
  if (w.rank() != x.rank()) throw_error("weights of rank {}, allowed {}", w.rank(), x.rank());
  const Windows s = windows_over(node_, image, space(w));
  const std::int64_t group = node_.integer("group", 1);
  const int C = x.shape[1], depth = w.shape[1];
  if (group < 1 || w.shape[0] != C || C % group != 0)
    throw_error("{} channels, weights of {} and group {} do not fit", C, w.shape[0], group);
  const std::int64_t M = depth * group;
  if (M > limit_) throw_error("{} channels", M);
  if (has(2) && in(2).elements() != static_cast<std::size_t>(M))
    throw_error("bias of {} elements", in(2).elements());
  const std::vector<Span> spans = transposed_over(node_, image, s);
  std::vector<int> places;
  for (const Span& span : spans) places.push_back(span.size);
  Constant result =
      empty(DataType::kFloat32, with_channels(x.shape[0], static_cast<int>(M), places));
  if (shape_only_) return result;
  require_time(x, count_of(s.taps) * at(depth));
  const std::size_t pixels = count_of(image), taps = count_of(s.taps), area = count_of(places);
  for (int n = 0; n < x.shape[0]; ++n)
    for (int c = 0; c < C; ++c) {
      const auto first = static_cast<std::size_t>(n * M + c / (C / group) * depth);
      std::size_t pixel = at(n * C + c) * pixels;
      each(image, [&](const std::vector<int>& place) {
        const double value = x.values[pixel++];
        std::size_t tap_index = 0;
        each(s.taps, [&](const std::vector<int>& tap) {
          std::vector<int> where(tap.size());
          for (std::size_t i = 0; i < tap.size(); ++i)
            where[i] = place[i] * s.strides[i] - spans[i].first + tap[i] * s.dilations[i];
          if (const std::int64_t e = element(where, places); e >= 0)
            for (int m = 0; m < depth; ++m)
              result.values[(first + at(m)) * area + static_cast<std::size_t>(e)] +=
                  value * w.values[at(c * depth + m) * taps + tap_index];
          ++tap_index;
        });
      });
    }
  for (std::size_t i = 0; i < result.values.size(); ++i)
    result.values[i] =
        rounded(rounded(result.values[i]) +
                (has(2) ? in(2).values[i / area % static_cast<std::size_t>(M)] : 0.0));
  return result;
}

Constant Evaluation::matmul() const {
  const Constant &a = in(0), &b = in(1);
  if (a.rank() < 1 || b.rank() < 1) throw_error("operands of rank {} and {}", a.rank(), b.rank());
  // A vector is a row on the left and a column on the right. The result does not have that axis.
  std::vector<int> a_shape = a.shape, b_shape = b.shape;
  if (a.rank() == 1) a_shape.insert(a_shape.begin(), 1);
  if (b.rank() == 1) b_shape.push_back(1);
  const int rows = a_shape.end()[-2], K = a_shape.back(), cols = b_shape.back();
  if (K != b_shape.end()[-2])
    throw_error("{} columns times {} rows, allowed equal numbers", K, b_shape.end()[-2]);
  const std::vector<int> a_batch{a_shape.begin(), a_shape.end() - 2};
  const std::vector<int> b_batch{b_shape.begin(), b_shape.end() - 2};
  const auto batch = broadcast_shape(a_batch, b_batch);
  if (!batch) throw_error("the batch axes of the inputs do not fit");
  std::vector<int> shape = *batch;
  if (a.rank() > 1) shape.push_back(rows);
  if (b.rank() > 1) shape.push_back(cols);
  Constant result = empty(DataType::kFloat32, shape);
  if (shape_only_) return result;
  require_time(result, at(K));
  const Indices a_of = broadcast(a_batch, *batch), b_of = broadcast(b_batch, *batch);
  std::size_t next = 0;
  for (std::size_t n = 0; n < a_of.size(); ++n)
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) {
        double sum = 0;
        for (int k = 0; k < K; ++k)
          sum += a.values[(a_of[n] * at(rows) + at(i)) * at(K) + at(k)] *
                 b.values[(b_of[n] * at(K) + at(k)) * at(cols) + at(j)];
        result.values[next++] = rounded(sum);
      }
  return result;
}

Constant Evaluation::gemm() const {
  const Constant &a = in(0), &b = in(1);
  if (a.rank() != 2 || b.rank() != 2) throw_error("operands of rank {} and {}", a.rank(), b.rank());
  const bool ta = node_.integer("transA", 0) != 0, tb = node_.integer("transB", 0) != 0;
  const int rows = a.shape[ta ? 1 : 0], K = a.shape[ta ? 0 : 1], cols = b.shape[tb ? 0 : 1];
  if (K != b.shape[tb ? 1 : 0])
    throw_error("{} columns times {} rows, allowed equal numbers", K, b.shape[tb ? 1 : 0]);
  const double alpha = double{node_.real("alpha", 1)}, beta = double{node_.real("beta", 1)};
  Constant result = empty(DataType::kFloat32, {rows, cols});
  if (shape_only_) return result;
  require_time(result, at(K));
  const Indices c_of = has(2) ? broadcast(in(2).shape, result.shape) : Indices{};
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < cols; ++j) {
      double sum = 0;
      for (int k = 0; k < K; ++k)
        sum += a.values[ta ? at(k) * at(rows) + at(i) : at(i) * at(K) + at(k)] *
               b.values[tb ? at(j) * at(K) + at(k) : at(k) * at(cols) + at(j)];
      const std::size_t e = at(i) * at(cols) + at(j);
      result.values[e] = rounded(alpha * sum + (has(2) ? beta * in(2).values[c_of[e]] : 0.0));
    }
  return result;
}

/// Computes x / (bias + alpha / size * sum of squares of neighbouring channels) ^ beta.
Constant Evaluation::local_response() const {
  const std::int64_t size = node_.integer("size", 0);
  if (in(0).rank() < 3 || size < 1 || size > kMaxWindow) throw_error("size {}", size);
  const std::size_t pixels = count_of(space(in(0)));
  const std::int64_t C = in(0).shape[1];
  const double alpha = double{node_.real("alpha", 1e-4f)}, beta = double{node_.real("beta", 0.75f)},
               bias = double{node_.real("bias", 1)};
  Constant result = empty(DataType::kFloat32, in(0).shape);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const auto c = static_cast<std::int64_t>(i / pixels) % C;
    double sum = 0;
    for (std::int64_t k = std::max<std::int64_t>(0, c - (size - 1) / 2);
         k <= std::min(C - 1, c + size / 2); ++k) {
      const double x = in(0).values[i + static_cast<std::size_t>(k - c) * pixels];
      sum += x * x;
    }
    result.values[i] =
        rounded(in(0).values[i] / std::pow(bias + alpha / static_cast<double>(size) * sum, beta));
  }
  return result;
}

}  // namespace trine::host::onnx
