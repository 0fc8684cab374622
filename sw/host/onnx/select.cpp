// SPDX-License-Identifier: Apache-2.0
//
// Evaluates operators that select boxes (ONNX's and TFLite's), and Einsum.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluation.h"

namespace trine::host::onnx {
namespace {

/// The corners of a box, in order.
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

/// Returns true if the intersection is more than that share of the union.
bool overlaps(const Box& a, const Box& b, float share) {
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0 || a.area() <= 0 || b.area() <= 0) return false;
  const float common = height * width;
  return common / (a.area() + b.area() - common) > share;
}

/// Returns boxes by descending score that no chosen box overlaps. @param most  maximum number of
/// boxes
template <typename Score>
std::vector<int> suppressed(std::vector<int> candidates, const Score& score,
                            const std::vector<Box>& boxes, std::int64_t most, float share) {
  std::ranges::stable_sort(candidates, [&](int a, int b) { return score(a) > score(b); });
  std::vector<int> chosen;
  for (const int i : candidates) {
    if (static_cast<std::int64_t>(chosen.size()) == most) break;
    const auto covers = [&](int other) {
      return overlaps(boxes[static_cast<std::size_t>(i)], boxes[static_cast<std::size_t>(other)],
                      share);
    };
    if (std::ranges::none_of(chosen, covers)) chosen.push_back(i);
  }
  return chosen;
}

struct Detection {
  int box = -1, type = 0;  ///< -1: no box
  double score = 0;
};

/// The candidates of TFLite_Detection_PostProcess.
struct Candidates {
  const Constant& scores;  ///< [1, boxes, classes, optionally with a background first]
  std::vector<Box> boxes;
  int classes;
  float least, share;

  double score(int box, int type) const {
    return scores.values[static_cast<std::size_t>((box + 1) * scores.shape[2] - classes + type)];
  }
  template <typename Score>
  std::vector<int> chosen(const Score& score_of, int most) const {
    std::vector<int> candidates;
    for (int i = 0; i < static_cast<int>(boxes.size()); ++i)
      if (score_of(i) >= double{least}) candidates.push_back(i);
    return suppressed(std::move(candidates), score_of, boxes, most, share);
  }

  /// Returns the best boxes of all classes, chosen for each class ("regular").
  std::vector<Detection> of_classes(int of_class, int most) const {
    std::vector<Detection> found;
    for (int c = 0; c < classes; ++c)
      for (const int i : chosen([&](int box) { return score(box, c); }, of_class))
        found.push_back({i, c, score(i, c)});
    std::ranges::stable_sort(found, std::greater{}, &Detection::score);
    found.resize(std::min(found.size(), static_cast<std::size_t>(most)));
    return found;
  }

  /// Returns the best `alike` classes of a box. Equal ones are in the order of libstdc++'s
  /// partial_sort, as in LiteRT; a single class is the first of the best.
  std::vector<int> best_of(int box, int alike) const {
    std::vector<int> order(static_cast<std::size_t>(classes));
    std::iota(order.begin(), order.end(), 0);
    const auto above = [&](int a, int b) { return score(box, a) > score(box, b); };
    const auto end = order.begin() + std::min(classes, alike);
    if (end - order.begin() == 1)
      std::iter_swap(order.begin(), std::ranges::min_element(order, above));
    else
      std::partial_sort(order.begin(), end, order.end(), above);
    return {order.begin(), end};
  }

  /// Returns boxes by their best class ("fast"), each with `alike` classes.
  std::vector<Detection> of_boxes(int most, int alike) const {
    std::vector<double> highest;
    for (int i = 0; i < static_cast<int>(boxes.size()); ++i)
      highest.push_back(score(i, best_of(i, alike)[0]));
    std::vector<Detection> found;
    for (const int i :
         chosen([&](int box) { return highest[static_cast<std::size_t>(box)]; }, most)) {
      for (const int c : best_of(i, alike)) found.push_back({i, c, score(i, c)});
      while (found.size() % static_cast<std::size_t>(alike) != 0) found.emplace_back();
    }
    return found;
  }
};

/// Returns a box from its offsets. @param box  centre, then logarithms of sides
/// @param anchor  centre and sides
Box decoded_box(const double* box, const double* anchor, const Node& node) {
  const auto centre = [&](int axis, const char* scale) {
    return static_cast<float>(box[axis] / double{node.real(scale, 0)} * anchor[axis + 2] +
                              anchor[axis]);
  };
  const auto half = [&](int axis, const char* scale) {
    return static_cast<float>(0.5 * std::exp(box[axis] / double{node.real(scale, 0)}) *
                              anchor[axis]);
  };
  const float y = centre(0, "y_scale"), x = centre(1, "x_scale");
  const float h = half(2, "h_scale"), w = half(3, "w_scale");
  return {y - h, x - w, y + h, x + w};
}

}  // namespace

/// Returns the maximum number of rows [batch, class, box]. Rows after the chosen boxes are -1.
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
  const bool centered = node_.integer("center_point_box", 0) != 0;
  if (shape_only_) return result;
  require_time(scores, static_cast<std::size_t>(most));
  const auto share = has(3) ? static_cast<float>(in(3).values[0]) : 0.0f;
  auto next = result.values.begin();
  for (int n = 0; n < batches; ++n)
    for (int c = 0; c < classes; ++c) {
      const double* const score =
          scores.values.data() + static_cast<std::size_t>((n * classes + c) * count);
      std::vector<Box> all;
      std::vector<int> candidates;
      for (int i = 0; i < count; ++i) {
        all.push_back(
            box_of(boxes.values.data() + static_cast<std::size_t>((n * count + i) * 4), centered));
        if (!has(4) || score[i] > in(4).values[0]) candidates.push_back(i);
      }
      const auto scored = [&](int i) { return score[i]; };
      for (const int i : suppressed(std::move(candidates), scored, all, most, share))
        for (const int index : {n, c, i}) *next++ = index;
    }
  return result;
}

/// Computes TFLite_Detection_PostProcess: boxes that anchors scale, and the classes of the chosen
/// boxes. LiteRT does not write entries after the chosen ones; here they are 0.
Constant Evaluation::detections() const {
  const Constant &boxes = in(0), &scores = in(1), &anchors = in(2);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.shape[0] != 1 || scores.shape[0] != 1 ||
      boxes.shape[1] != scores.shape[1] || boxes.shape[2] < 4 ||
      anchors.shape != std::vector{boxes.shape[1], 4})
    throw_error("boxes, scores and anchors do not fit");
  constexpr int kMost = 1 << 15;
  const int count = boxes.shape[1], width = scores.shape[2];
  const auto option = [&](const char* key, std::int64_t low, std::int64_t high, int otherwise = 0) {
    const std::int64_t value = node_.integer(key, otherwise);
    if (value < low || value > high)
      throw_error("option {} {}, allowed {}..{}", key, value, low, high);
    return static_cast<int>(value);
  };
  const int classes = option("num_classes", std::max(width - 1, 1), width);
  const int most = option("max_detections", 1, kMost);
  const int alike = option("max_classes_per_detection", 1, kMost);
  const int of_class = option("detections_per_class", 1, std::numeric_limits<int>::max(), 100);
  const bool regular = node_.integer("use_regular_nms", 0) != 0;
  Candidates all{scores,
                 {},
                 classes,
                 node_.real("nms_score_threshold", 0),
                 node_.real("nms_iou_threshold", 0)};
  for (const char* key : {"y_scale", "x_scale", "h_scale", "w_scale"})
    if (!(node_.real(key, 0) > 0))
      throw_error("option {} {}, allowed above 0", key, node_.real(key, 0));
  if (!(all.share > 0 && all.share <= 1))
    throw_error("option nms_iou_threshold {}, allowed above 0 to 1", all.share);
  const std::vector<int> shapes[] = {
      {1, most * alike, 4}, {1, most * alike}, {1, most * alike}, {1}};
  Constant result = empty(DataType::kFloat32, shapes[std::min<std::size_t>(output_, 3)]);
  if (shape_only_) return result;
  require_time(scores, static_cast<std::size_t>(std::max(most, std::min(of_class, count))));
  for (int i = 0; i < count; ++i) {
    const double* const box = boxes.values.data() + static_cast<std::size_t>(i * boxes.shape[2]);
    const double* const anchor = anchors.values.data() + static_cast<std::size_t>(4 * i);
    const Box& b = all.boxes.emplace_back(decoded_box(box, anchor, node_));
    if (b.top > b.bottom || b.left > b.right) throw_error("box {} has negative sides", i);
  }
  const auto found = regular ? all.of_classes(of_class, most) : all.of_boxes(most, alike);
  for (std::size_t k = 0; k < found.size() && output_ < 3; ++k) {
    if (found[k].box < 0) continue;
    const Box& b = all.boxes[static_cast<std::size_t>(found[k].box)];
    const std::vector<double> box{b.top, b.left, b.bottom, b.right};
    if (output_ == 0)
      std::ranges::copy(box, &result.values[4 * k]);
    else
      result.values[k] = output_ == 1 ? found[k].type : found[k].score;
  }
  if (output_ == 3) result.values[0] = static_cast<double>(found.size()) / (regular ? 1 : alike);
  return result;
}

/// Computes sums of products over axes that the equation names; '...' stands for all other axes.
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
    throw_error("equation '{}' does not fit {} inputs", equation, inputs_.size());
  // '...' becomes letters: the last of its axes is 1, the axis before it 2, and so on.
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
    if (terms[i].size() != shape.size())
      throw_error("equation '{}' does not fit the rank of input {}", equation, i);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const char letter = terms[i][axis];
      const bool named = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
      if (!named && letter > 16) throw_error("equation '{}'", equation);
      int& extent = extents.try_emplace(letter, 1).first->second;
      if (extent != 1 && shape[axis] != 1 && shape[axis] != extent)
        throw_error("equation '{}': extents {} and {} of one letter differ", equation, extent,
                    shape[axis]);
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
  } else {  // axes of '...', then letters that occur once
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
    throw_error("sums of {} products are too large", count_of(summed));
  require_time(result, count_of(summed) * terms.size());
  std::vector<Indices> outer, inner;  // by input
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

}  // namespace trine::host::onnx
