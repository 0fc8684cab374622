// SPDX-License-Identifier: Apache-2.0
//
// ONNX operators that choose: boxes, and sums over axes by letters.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "sw/model/onnx/evaluation.h"

namespace trine::model::onnx_file {
namespace {

/// Corners of a box, in order.
struct Box {
  float top, left, bottom, right;
  float area() const { return (bottom - top) * (right - left); }
};

Box box_of(const double* x, bool centered) {
  const auto v = [&](int i) { return static_cast<float>(x[i]); };
  if (centered)  // x, y, width, height
    return {v(1) - v(3) / 2, v(0) - v(2) / 2, v(1) + v(3) / 2, v(0) + v(2) / 2};
  return {std::min(v(0), v(2)), std::min(v(1), v(3)), std::max(v(0), v(2)), std::max(v(1), v(3))};
}

/// Whether the intersection is more than that share of the union.
bool overlaps(const Box& a, const Box& b, float share) {
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0 || a.area() <= 0 || b.area() <= 0) return false;
  const float common = height * width;
  return common / (a.area() + b.area() - common) > share;
}

}  // namespace

/// As many rows [batch, class, box] as there can be; those behind the chosen ones are -1.
Constant Evaluation::non_max_suppression() const {
  const Constant &boxes = in(0), &scores = in(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.shape[2] != 4 ||
      boxes.shape[0] != scores.shape[0] || boxes.shape[1] != scores.shape[2])
    throw_error("boxes and scores do not fit");
  const int batches = boxes.shape[0], count = boxes.shape[1], classes = scores.shape[1];
  const std::int64_t most = has(2) ? std::min<std::int64_t>(one(2), count) : 0;
  if (most < 1) throw_error("max_output_boxes_per_class below 1 chooses nothing");
  const std::int64_t rows = std::int64_t{batches} * classes * most;
  if (rows > limit_ / 3) throw_error("more than {} elements", limit_);
  Constant result = empty(DataType::kInt64, {static_cast<int>(rows), 3});
  std::fill(result.values.begin(), result.values.end(), -1.0);
  if (shape_only_) return result;
  require_time(scores, static_cast<std::size_t>(most));
  const auto share = has(3) ? static_cast<float>(in(3).values[0]) : 0.0f;
  const bool centered = node_.integer("center_point_box", 0) != 0;
  auto next = result.values.begin();
  for (int n = 0; n < batches; ++n)
    for (int c = 0; c < classes; ++c) {
      const double* const score =
          &scores.values[static_cast<std::size_t>((n * classes + c) * count)];
      std::vector<int> order;
      for (int i = 0; i < count; ++i)
        if (!has(4) || score[i] > in(4).values[0]) order.push_back(i);
      std::stable_sort(order.begin(), order.end(),
                       [&](int a, int b) { return score[a] > score[b]; });
      std::vector<Box> chosen;
      for (const int i : order) {
        if (static_cast<std::int64_t>(chosen.size()) == most) break;
        const Box box =
            box_of(&boxes.values[static_cast<std::size_t>((n * count + i) * 4)], centered);
        if (std::any_of(chosen.begin(), chosen.end(),
                        [&](const Box& other) { return overlaps(box, other, share); }))
          continue;
        chosen.push_back(box);
        for (const int index : {n, c, i}) *next++ = index;
      }
    }
  return result;
}

/// Sums of products over axes that the equation names; '...' stands for the axes that it does not.
Constant Evaluation::einsum() const {
  std::string equation = node_.text("equation", "");
  std::erase(equation, ' ');
  const auto arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  std::vector<std::string> terms{""};
  for (const char letter : left)
    if (letter == ',')
      terms.emplace_back();
    else
      terms.back() += letter;
  if (terms.size() != inputs_.size())
    throw_error("equation '{}' of {} inputs", equation, inputs_.size());
  // '...' as letters of its own: the last of its axes is 1, the one before 2, and so on.
  const auto expanded = [&](std::string term, std::size_t rank) {
    const auto dots = term.find("...");
    if (dots == std::string::npos) return term;
    if (term.size() - 3 > rank || rank - (term.size() - 3) > 16)
      throw_error("equation '{}'", equation);
    std::string axes;
    for (std::size_t i = rank - (term.size() - 3); i > 0; --i) axes += static_cast<char>(i);
    return term.replace(dots, 3, axes);
  };
  std::map<char, int> extents;
  std::map<char, int> times;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::vector<int>& shape = in(i).shape;
    terms[i] = expanded(terms[i], shape.size());
    if (terms[i].size() != shape.size()) throw_error("equation '{}': input {}", equation, i);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const char letter = terms[i][axis];
      const bool named = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
      if (!named && letter > 16) throw_error("equation '{}'", equation);
      int& extent = extents.try_emplace(letter, 1).first->second;
      if (extent != 1 && shape[axis] != 1 && shape[axis] != extent)
        throw_error("equation '{}': extents {} and {}", equation, extent, shape[axis]);
      extent = std::max(extent, shape[axis]);
      ++times[letter];
    }
  }
  std::string kept;
  if (arrow != std::string::npos) {
    std::size_t dots = 0;
    for (const auto& [letter, extent] : extents) dots += letter <= 16 ? 1 : 0;
    const std::string right = equation.substr(arrow + 2);
    kept =
        right.find("...") == std::string::npos ? right : expanded(right, right.size() - 3 + dots);
  } else {  // axes of '...', then letters that stand once
    for (auto letter = extents.rbegin(); letter != extents.rend(); ++letter)
      if (letter->first <= 16) kept += letter->first;
    for (const auto& [letter, count] : times)
      if (letter > 16 && count == 1) kept += letter;
  }
  std::vector<int> shape, summed;
  std::string gone;
  for (const char letter : kept) {
    if (extents.count(letter) == 0 || std::count(kept.begin(), kept.end(), letter) != 1)
      throw_error("equation '{}'", equation);
    shape.push_back(extents[letter]);
  }
  for (const auto& [letter, extent] : extents)
    if (kept.find(letter) == std::string::npos) {
      gone += letter;
      summed.push_back(extent);
    }
  Constant result = empty(DataType::kFloat32, shape);
  if (shape_only_) return result;
  if (count_of(summed) > static_cast<std::size_t>(limit_))
    throw_error("sums of {}", count_of(summed));
  require_time(result, count_of(summed) * terms.size());
  std::vector<Indices> outer, inner;  // of each input
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::vector<std::size_t> steps = steps_of(in(i).shape);
    const auto walked = [&](const std::string& letters, const std::vector<int>& over) {
      std::vector<std::size_t> distance(letters.size());
      for (std::size_t axis = 0; axis < terms[i].size(); ++axis)
        if (const auto at = letters.find(terms[i][axis]);
            at != std::string::npos && in(i).shape[axis] != 1)
          distance[at] += steps[axis];
      return walk(over, distance);
    };
    outer.push_back(walked(kept, shape));
    inner.push_back(walked(gone, summed));
  }
  for (std::size_t e = 0; e < result.values.size(); ++e) {
    double sum = 0;
    for (std::size_t k = 0; k < inner[0].size(); ++k) {
      double product = 1;
      for (std::size_t i = 0; i < terms.size(); ++i)
        product *= in(i).values[outer[i][e] + inner[i][k]];
      sum += product;
    }
    result.values[e] = double{static_cast<float>(sum)};
  }
  return result;
}

}  // namespace trine::model::onnx_file
