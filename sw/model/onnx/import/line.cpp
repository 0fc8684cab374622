// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/import/line.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sw/base/error.h"

namespace trine::model::onnx_file {
namespace {

using Kind = FloatStep::Kind;

struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// Returns all weights, in ascending order of the error of the bias.
std::vector<std::int8_t> weights_by_error(const Line& line) {
  const double offset = line.slope == 0 ? 0 : line.offset / line.slope;
  std::vector<std::int8_t> weights(64);
  std::iota(weights.begin(), weights.end(), std::int8_t{64});
  std::ranges::stable_sort(
      weights, {}, [&](std::int8_t w) { return std::abs(std::remainder(offset * w, 1.0)) / w; });
  return weights;
}

ChannelProduct with_weight(std::int8_t weight) {
  return {weight, 1.0f / static_cast<float>(weight), 0};
}

/// Searches the integers of one channel.
class Search {
 public:
  Search(const Line& line, const Tensor& from, const Quantizer& quantizer,
         const std::vector<int>& levels)
      : line_(line),
        q_(quantizer),
        levels_(levels),
        input_(double{from.scale()}),
        first_(range_of(from.encoding).first - from.zero_point()) {}

  ChannelProduct best() {
    for (const std::int8_t weight : weights_by_error(line_)) {
      consider(with_weight(weight));
      for (const double moved : {0.0, 1.0, -1.0})
        if (wrong_ > 0) consider(with_exact_scale(weight, moved));
      if (wrong_ == 0) break;
    }
    return best_;
  }

 private:
  void consider(const ChannelProduct& product) {
    const int wrong = wrong_levels(product);
    if (wrong < wrong_) wrong_ = wrong, best_ = product;
  }

  /// Returns the level of a real value.
  int level(double real) const {
    const double steps = std::nearbyint(std::clamp(real, line_.low, line_.high) / double{q_.scale});
    return static_cast<int>(std::clamp(steps - q_.first, 0.0, double(q_.count)));
  }

  /// Counts the input codes for which the product has another level. Its scale for each unit of the
  /// accumulator is a float32, relative to the input's scale.
  int wrong_levels(const ChannelProduct& p) const {
    const double slope = line_.slope * double{p.scale};
    const double unit = input_ * double{static_cast<float>(slope / input_)};
    const double bias = std::nearbyint((line_.offset + double{p.bias} * gain()) / slope);
    int wrong = 0;
    for (std::size_t i = 0; i < levels_.size(); ++i)
      wrong += level(((first_ + double(i)) * p.weight + bias) * unit) == levels_[i] ? 0 : 1;
    return wrong;
  }

  /// Returns the real values of a level.
  Interval values_of(int level_) const {
    Interval real;
    const double middle = (double(level_) + q_.first) * double{q_.scale};
    if (level_ > level(line_.low)) real.low = middle - double{q_.scale} / 2;
    if (level_ < level(line_.high)) real.high = middle + double{q_.scale} / 2;
    return real;
  }

  /// Returns the factor of the line for real values.
  double gain() const { return line_.slope / input_; }

  /// Returns the weight with the middle of the scales that give all codes their levels.
  /// @param moved  is added to the rounded bias
  ChannelProduct with_exact_scale(std::int8_t weight, double moved) const {
    const double bias = std::nearbyint(line_.offset / line_.slope * weight) + moved;
    Interval unit;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const double sum = (first_ + double(i)) * weight + bias;
      if (sum == 0) continue;
      Interval real = values_of(levels_[i]);
      if (sum < 0) std::swap(real.low, real.high);
      unit.low = std::max(unit.low, real.low / sum);
      unit.high = std::min(unit.high, real.high / sum);
    }
    if (!(unit.low < unit.high) || !std::isfinite(unit.low) || !std::isfinite(unit.high))
      return with_weight(weight);
    ChannelProduct p{weight, static_cast<float>((unit.low + unit.high) / 2 / line_.slope), 0};
    if (moved != 0)
      p.bias = static_cast<float>((bias * line_.slope * double{p.scale} - line_.offset) / gain());
    return p;
  }

  const Line& line_;
  const Quantizer& q_;
  const std::vector<int>& levels_;
  double input_;  ///< scale of the input
  double first_;  ///< lowest code of the input, relative to the zero point
  ChannelProduct best_;
  int wrong_ = std::numeric_limits<int>::max();
};

}  // namespace

void Line::add(const FloatStep& step, std::size_t channel) {
  const double c = double{step.value[step.value.size() == 1 ? 0 : channel]};
  if (step.kind == Kind::kMax || step.kind == Kind::kMin) {
    const bool least = step.kind == Kind::kMax;
    clamped = true;
    for (double* bound : {&low, &high}) *bound = least ? std::max(*bound, c) : std::min(*bound, c);
    return;
  }
  if (clamped)
    throw_error("a float operator between an activation and an 8-bit quantizer is not supported");
  if (step.kind == Kind::kAdd) offset += c;
  if (step.kind == Kind::kSub) offset -= c;
  if (step.kind == Kind::kMul) slope *= c, offset *= c;
  if (step.kind == Kind::kDiv) slope /= c, offset /= c;
  if (step.kind == Kind::kSubFrom) slope = -slope, offset = c - offset;
}

ChannelProduct most_accurate_product(const Line& line) {
  return with_weight(weights_by_error(line).front());
}

ChannelProduct exact_product(const Line& line, const Tensor& from, const Quantizer& quantizer,
                             const std::vector<int>& levels) {
  return Search(line, from, quantizer, levels).best();
}

}  // namespace trine::model::onnx_file
