// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX operators that read or write elements at positions given by another tensor.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluation.h"
#include "sw/model/graph/elements.h"

namespace trine::host::onnx {
namespace {

using model::with_type;

/// Returns the element that ScatterND and ScatterElements write for an element and its update.
double combined(const std::string& how, double before, double update) {
  if (how == "add") return before + update;
  if (how == "mul") return before * update;
  if (how == "max") return std::max(before, update);
  if (how == "min") return std::min(before, update);
  if (how != "none") throw_error("reduction '{}'", how);
  return update;
}

/// Rounds to the type. Whole numbers keep their low bits.
double rounded_as(DataType type, double x) {
  if (type == DataType::kFloat32) return double{static_cast<float>(x)};
  return with_type(type, [&]<typename T>(T) {
    return static_cast<double>(static_cast<T>(static_cast<std::int64_t>(x)));
  });
}

/// Returns the weight of Keys' convolution, as Resize uses it.
double cubic(double distance) {
  const double a = -0.75, x = std::abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Mirrors a coordinate at the borders of low..high until it is between them.
double mirrored(double x, double low, double high) {
  const double span = high - low;
  if (span <= 0) return low;
  const double folds = std::floor(std::abs(x - low) / span),
               rest = std::abs(x - low) - folds * span;
  return std::fmod(folds, 2) == 0 ? low + rest : high - rest;
}

}  // namespace

/// Returns, for each row of indices, the index of the element of `shape` at which it begins, batch
/// by batch.
Indices Evaluation::rows_of(const Constant& indices, const std::vector<int>& shape,
                            std::int64_t batches) const {
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (indices.rank() < 1) throw_error("indices of rank 0, allowed 1 and above");
  const std::int64_t depth = indices.shape.back();
  if (batches < 0 || depth < 1 || batches + depth > rank || batches >= indices.rank())
    throw_error("indices of {} axes after {} batch axes do not fit rank {}", depth, batches, rank);
  if (!std::equal(shape.begin(), shape.begin() + batches, indices.shape.begin()))
    throw_error("the batch axes of data and indices differ");
  const std::vector<std::size_t> steps = steps_of(shape);
  const std::size_t count = indices.elements() / static_cast<std::size_t>(depth);
  const std::size_t blocks = count_of({shape.begin(), shape.begin() + batches});
  Indices rows;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t block = i / (count / blocks);
    std::size_t at = batches > 0 ? block * steps[static_cast<std::size_t>(batches - 1)] : 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      const auto axis = static_cast<std::size_t>(batches + k);
      const double index =
          indices.values[i * static_cast<std::size_t>(depth) + static_cast<std::size_t>(k)];
      if (!(std::abs(index) < 0x1p31)) throw_error("index {}", index);
      at += steps[axis] *
            static_cast<std::size_t>(element_of(static_cast<std::int64_t>(index), shape[axis]));
    }
    rows.push_back(at);
  }
  return rows;
}

Constant Evaluation::gather_nd() const {
  const Constant &x = in(0), &indices = in(1);
  const std::int64_t batches = node_.integer("batch_dims", 0);
  const Indices rows = rows_of(indices, x.shape, batches);
  std::vector<int> shape(indices.shape.begin(), indices.shape.end() - 1);
  const auto inside = x.shape.begin() + batches + indices.shape.back();
  shape.insert(shape.end(), inside, x.shape.end());
  const std::size_t inner = count_of({inside, x.shape.end()});
  Constant result = empty(x.type, shape);
  for (std::size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = x.values[rows[i / inner] + i % inner];
  return result;
}

Constant Evaluation::scatter_nd() const {
  const Constant &indices = in(1), &updates = in(2);
  const Indices rows = rows_of(indices, in(0).shape, 0);
  const std::size_t inner =
      count_of({in(0).shape.begin() + indices.shape.back(), in(0).shape.end()});
  if (updates.elements() != rows.size() * inner) throw_error("{} updates", updates.elements());
  const std::string how = node_.text("reduction", "none");
  Constant result = in(0);
  for (std::size_t i = 0; i < updates.elements(); ++i) {
    double& x = result.values[rows[i / inner] + i % inner];
    x = combined(how, x, updates.values[i]);
  }
  for (double& x : result.values) x = rounded_as(result.type, x);
  return result;
}

Constant Evaluation::scatter_elements() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  const Constant &indices = in(1), &updates = in(2);
  if (indices.shape != updates.shape || indices.rank() != in(0).rank())
    throw_error("indices and updates have different shapes, or another rank than the data");
  std::vector<std::size_t> steps = steps_of(in(0).shape);
  const std::size_t step = steps[static_cast<std::size_t>(axis)];
  for (std::size_t i = 0; i < indices.shape.size(); ++i)
    if (static_cast<int>(i) != axis && indices.shape[i] > in(0).shape[i])
      throw_error("extent {} of axis {} of the indices exceeds the data's", indices.shape[i], i);
  steps[static_cast<std::size_t>(axis)] = 0;
  const Indices base = walk(indices.shape, steps);
  const std::vector<std::int64_t> list = integers(1, "");
  const std::string how = node_.text("reduction", "none");
  Constant result = in(0);
  for (std::size_t i = 0; i < base.size(); ++i) {
    const std::int64_t k = element_of(list[i], in(0).shape[static_cast<std::size_t>(axis)]);
    double& x = result.values[base[i] + step * static_cast<std::size_t>(k)];
    x = combined(how, x, updates.values[i]);
  }
  for (double& x : result.values) x = rounded_as(result.type, x);
  return result;
}

/// Returns values[1] where the new axis is the index, and values[0] elsewhere.
Constant Evaluation::one_hot() const {
  const int axis = axis_of(node_.integer("axis", -1), in(0).rank() + 1);
  const std::int64_t depth = one(1);
  if (depth < 1 || depth > limit_ || in(2).elements() != 2) throw_error("depth {}", depth);
  std::vector<int> shape = in(0).shape;
  shape.insert(shape.begin() + axis, static_cast<int>(depth));
  Constant result = empty(in(2).type, shape);
  std::fill(result.values.begin(), result.values.end(), in(2).values[0]);
  const std::size_t inner = count_of({shape.begin() + axis + 1, shape.end()});
  for (std::size_t i = 0; i < in(0).elements(); ++i) {
    const double whole = std::trunc(in(0).values[i]);
    const double index = whole < 0 ? whole + static_cast<double>(depth) : whole;
    if (!(index >= 0 && index < static_cast<double>(depth))) continue;
    const std::size_t outer = i / inner;
    result.values[(outer * static_cast<std::size_t>(depth) + static_cast<std::size_t>(index)) *
                      inner +
                  i % inner] = in(2).values[1];
  }
  return result;
}

/// Returns the triangle of each matrix above or below its k-th diagonal.
Constant Evaluation::trilu() const {
  if (in(0).rank() < 2) throw_error("rank {}, allowed 2 and above", in(0).rank());
  const std::int64_t k = has(1) ? one(1) : 0;
  const bool upper = node_.integer("upper", 1) != 0;
  const auto columns = static_cast<std::size_t>(in(0).shape.back());
  const auto rows = static_cast<std::size_t>(in(0).shape[in(0).shape.size() - 2]);
  Constant result = in(0);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const std::int64_t diagonal =
        static_cast<std::int64_t>(i % columns) - static_cast<std::int64_t>(i / columns % rows);
    if (upper ? diagonal < k : diagonal > k) result.values[i] = 0;
  }
  return result;
}

/// Reverses the first elements of each sequence.
Constant Evaluation::reverse_sequence() const {
  const int time = axis_of(node_.integer("time_axis", 0), in(0).rank());
  const int batch = axis_of(node_.integer("batch_axis", 1), in(0).rank());
  const std::vector<std::int64_t> lengths = integers(1, "");
  const std::vector<int>& shape = in(0).shape;
  if (time == batch || static_cast<int>(lengths.size()) != shape[static_cast<std::size_t>(batch)])
    throw_error("{} lengths", lengths.size());
  const std::vector<std::size_t> steps = steps_of(shape);
  const auto place = [&](std::size_t i, int axis) {
    const auto a = static_cast<std::size_t>(axis);
    return static_cast<std::int64_t>(i / steps[a]) % shape[a];
  };
  Constant result = in(0);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const std::int64_t t = place(i, time);
    const std::int64_t length = lengths[static_cast<std::size_t>(place(i, batch))];
    if (length < 0 || length > shape[static_cast<std::size_t>(time)])
      throw_error("a sequence length of {} is outside of the time axis", length);
    if (t >= length) continue;
    const std::int64_t moved = length - 1 - 2 * t;  // from t to length - 1 - t
    result.values[i] = in(0).values[static_cast<std::size_t>(
        static_cast<std::int64_t>(i) +
        moved * static_cast<std::int64_t>(steps[static_cast<std::size_t>(time)]))];
  }
  return result;
}

/// Samples pixels of an image at points from -1 to 1.
Constant Evaluation::grid_sample() const {
  const Constant &x = in(0), &grid = in(1);
  if (x.rank() != 4 || grid.rank() != 4 || grid.shape[3] != 2 || grid.shape[0] != x.shape[0])
    throw_error(
        "an image of rank {} and a grid of rank {} do not fit, allowed rank 4 and a grid [N, H, W, "
        "2]",
        x.rank(), grid.rank());
  const std::string mode = node_.text("mode", "linear");
  const std::string border = node_.text("padding_mode", "zeros");
  const bool corners = node_.integer("align_corners", 0) != 0;
  const bool bicubic = mode == "cubic" || mode == "bicubic", near = mode == "nearest";
  if (!bicubic && !near && mode != "linear" && mode != "bilinear") throw_error("mode '{}'", mode);
  if (border != "zeros" && border != "border" && border != "reflection")
    throw_error("padding_mode '{}'", border);
  const int C = x.shape[1], H = x.shape[2], W = x.shape[3];
  Constant result = empty(DataType::kFloat32, {x.shape[0], C, grid.shape[1], grid.shape[2]});
  if (shape_only_) return result;
  const auto points =
      static_cast<std::size_t>(grid.shape[1]) * static_cast<std::size_t>(grid.shape[2]);
  const auto planes = static_cast<std::size_t>(C);
  /// Returns the pixel that is read at a whole coordinate. @return -1: none
  const auto inside = [&](double i, int extent) {
    if (border == "border") i = std::clamp(i, 0.0, extent - 1.0);
    if (border == "reflection")
      i = corners ? mirrored(i, 0, extent - 1) : mirrored(i, -0.5, extent - 0.5);
    return i >= 0 && i < extent ? static_cast<int>(i) : -1;
  };
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const std::size_t n = i / points / planes, p = (n * points + i % points) * 2;
    const double* const plane = x.values.data() + i / points * static_cast<std::size_t>(H * W);
    const auto place = [&](double v, int extent) {
      return corners ? (v + 1) / 2 * (extent - 1) : ((v + 1) * extent - 1) / 2;
    };
    double across = place(grid.values[p], W), down = place(grid.values[p + 1], H);
    if (!(std::abs(across) < 1e6 && std::abs(down) < 1e6))
      throw_error("a point of the grid is too far outside of the image");
    if (near) across = std::nearbyint(across), down = std::nearbyint(down);
    const int reach = bicubic ? 2 : 1;
    double sum = 0;
    for (double r = std::floor(down) - reach + 1; r <= std::floor(down) + reach; ++r)
      for (double c = std::floor(across) - reach + 1; c <= std::floor(across) + reach; ++c) {
        const double dy = std::abs(r - down), dx = std::abs(c - across);
        const double share =
            bicubic ? cubic(dy) * cubic(dx) : std::max(0.0, 1 - dy) * std::max(0.0, 1 - dx);
        const int row = inside(r, H), column = inside(c, W);
        if (share != 0 && row >= 0 && column >= 0) sum += share * plane[row * W + column];
      }
    result.values[i] = double{static_cast<float>(sum)};
  }
  return result;
}

}  // namespace trine::host::onnx
