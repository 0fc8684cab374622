// SPDX-License-Identifier: Apache-2.0

#include "sw/host/tosa/evaluate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/refusal.h"

namespace trine::host::tosa {
namespace {

using model::broadcast, model::elements_of, model::Indices, model::Reason, model::steps_of,
    model::Tensor, model::walk;

using Values = std::vector<std::int64_t>;
using Shape = std::vector<int>;

constexpr std::int64_t kMostElements = std::int64_t{1} << 26;
constexpr std::int64_t kMostWork = std::int64_t{1} << 38;  ///< products of one operator
constexpr int kMostRank = 6, kMostStep = 8192;             ///< level 8K

std::int64_t wrapped(std::int64_t x, DataType type) {
  switch (type) {
    case DataType::kInt8:
      return static_cast<std::int8_t>(x & 0xff);
    case DataType::kInt16:
      return static_cast<std::int16_t>(x & 0xffff);
    case DataType::kBool:
      return x & 1;
    default:
      return static_cast<std::int32_t>(static_cast<std::uint32_t>(x & 0xffffffff));
  }
}

std::pair<std::int64_t, std::int64_t> range_of(DataType type, bool is_unsigned) {
  const int bits = 8 * bytes_of(type);
  if (is_unsigned) return {0, (std::int64_t{1} << bits) - 1};
  return {-(std::int64_t{1} << (bits - 1)), (std::int64_t{1} << (bits - 1)) - 1};
}

// ---- checks -------------------------------------------------------------------------------------

template <typename... Args>
[[noreturn]] void fail(Reason reason, fmt::format_string<Args...> text, Args&&... args) {
  refuse(reason, text, std::forward<Args>(args)...);
}

/// Checks one operator.
class Checker {
 public:
  explicit Checker(const Node& node) : n_(node) {}
  void run() const;
  static bool has(std::string_view type) { return row_of(type) != nullptr; }
  static bool is_elementwise(std::string_view type) {
    const Row* row = row_of(type);
    return row != nullptr && row->elementwise;
  }

 private:
  struct Row {
    std::string_view type;
    std::size_t inputs;
    void (Checker::*check)() const;
    bool elementwise = false;
  };
  static const Row kRows[];
  /// Returns the row of an operator, or null.
  static const Row* row_of(std::string_view type);

  const Operand& in(std::size_t i) const { return n_.inputs[i]; }
  const Shape& shape(std::size_t i) const { return n_.inputs[i].shape; }
  int rank(std::size_t i) const { return static_cast<int>(shape(i).size()); }

  void types(std::size_t i, std::initializer_list<DataType> allowed) const {
    type(in(i).type, allowed, "input");
  }
  void output(std::initializer_list<DataType> allowed) const {
    type(n_.out_type, allowed, "output");
  }
  static void type(DataType given, std::initializer_list<DataType> allowed, const char* what) {
    if (std::ranges::find(allowed, given) != allowed.end()) return;
    std::string names;
    for (const DataType t : allowed) names += (names.empty() ? "" : " ") + std::string(name_of(t));
    fail(Reason::kType, "{} {}, allowed {}", what, name_of(given), names);
  }
  void same_type() const { output({in(0).type}); }
  void ranks(std::size_t i, int least, int most) const {
    if (rank(i) < least || rank(i) > most)
      fail(Reason::kShape, "input {} of rank {}, allowed {}..{}", i, rank(i), least, most);
  }
  void gives(const std::vector<std::int64_t>& expected) const {
    if (!std::ranges::equal(expected, n_.out_shape))
      fail(Reason::kShape, "output [{}], expected [{}]", fmt::join(n_.out_shape, ", "),
           fmt::join(expected, ", "));
  }
  void gives(const Shape& expected) const {
    gives(std::vector<std::int64_t>(expected.begin(), expected.end()));
  }
  const Values& constant(std::size_t i, std::int64_t count, const char* what) const {
    if (in(i).values.empty() && elements_of(shape(i)) > 0)
      fail(Reason::kOperands, "the {} must be a constant", what);
    if (count >= 0 && static_cast<std::int64_t>(in(i).values.size()) != count)
      fail(Reason::kShape, "{} of {} elements, allowed {}", what, in(i).values.size(), count);
    return in(i).values;
  }
  const Values& numbers(const char* name, std::size_t count, std::int64_t least) const {
    const Values& list = n_.list(name);
    if (list.size() != count)
      fail(Reason::kAttribute, "{} of {} numbers, allowed {}", name, list.size(), count);
    for (const std::int64_t value : list)
      if (value < least || value > kMostStep)
        fail(Reason::kAttribute, "{} {}, allowed {}..{}", name, value, least, kMostStep);
    return list;
  }
  int axis() const {
    const std::int64_t value = n_.number("axis");
    if (value < 0 || value >= rank(0))
      fail(Reason::kAttribute, "axis {}, allowed 0..{}", value, rank(0) - 1);
    return static_cast<int>(value);
  }
  void zero_point(std::size_t i, DataType of, const char* what) const {
    const std::int64_t value = constant(i, 1, what)[0];
    types(i, {of});
    if (of != DataType::kInt8 && value != 0)
      fail(Reason::kQuantization, "{} {} of {}, allowed 0", what, value, name_of(of));
  }
  void accumulates() const {
    if (n_.attributes.contains("acc_type") && n_.number("acc_type") != 5)
      fail(Reason::kAttribute, "acc_type {}, allowed INT32", n_.number("acc_type"));
  }
  void work(std::int64_t of_each) const {
    if (of_each > kMostWork / std::max<std::int64_t>(elements_of(n_.out_shape), 1))
      fail(Reason::kShape, "more than {} products", kMostWork);
  }
  /// Returns (extent - 1 + pads - reach) / stride + 1. Fails if there is a remainder.
  static std::int64_t windows(std::int64_t extent, std::int64_t pads, std::int64_t kernel,
                              std::int64_t dilation, std::int64_t stride) {
    const std::int64_t span = extent - 1 + pads - (kernel - 1) * dilation;
    if (span < 0 || span % stride != 0)
      fail(Reason::kShape, "windows of {} with stride {} on {} elements leave a remainder",
           (kernel - 1) * dilation + 1, stride, extent + pads);
    return span / stride + 1;
  }

  void argmax() const {
    types(0, {DataType::kInt8});
    output({DataType::kInt32});
    ranks(0, 1, 4);
    Shape expected = shape(0);
    expected.erase(expected.begin() + axis());
    gives(expected);
  }
  void pool(bool average) const {
    types(0, {DataType::kInt8});
    same_type();
    ranks(0, 4, 4);
    if (average) {
      accumulates();
      zero_point(1, DataType::kInt8, "input zero point");
      zero_point(2, DataType::kInt8, "output zero point");
    }
    const Values &kernel = numbers("kernel", 2, 1), &stride = numbers("stride", 2, 1),
                 &pad = numbers("pad", 4, 0);
    for (std::size_t i = 0; i < 4; ++i)
      if (pad[i] >= kernel[i / 2])
        fail(Reason::kAttribute, "pad {} of a kernel of {}, allowed less", pad[i], kernel[i / 2]);
    gives(std::vector<std::int64_t>{
        shape(0)[0], windows(shape(0)[1], pad[0] + pad[1], kernel[0], 1, stride[0]),
        windows(shape(0)[2], pad[2] + pad[3], kernel[1], 1, stride[1]), shape(0)[3]});
    work(kernel[0] * kernel[1]);
  }
  void average_pool() const { pool(true); }
  void max_pool() const { pool(false); }
  void product(std::int64_t channels) const {
    types(0, {DataType::kInt8});
    types(1, {DataType::kInt8});
    types(2, {DataType::kInt32});
    output({DataType::kInt32});
    accumulates();
    ranks(0, 4, 4);
    ranks(1, 4, 4);
    ranks(2, 1, 1);
    if (shape(2)[0] != 1 && shape(2)[0] != channels)
      fail(Reason::kShape, "bias of {} elements, allowed 1 and {}", shape(2)[0], channels);
    zero_point(3, DataType::kInt8, "input zero point");
    zero_point(4, DataType::kInt8, "weights' zero point");
  }
  void convolution(bool depthwise) const {
    ranks(0, 4, 4);
    ranks(1, 4, 4);
    const Shape& w = shape(1);
    const std::int64_t channels = depthwise ? std::int64_t{w[2]} * w[3] : w[0];
    product(channels);
    if (shape(0)[3] != (depthwise ? w[2] : w[3]))
      fail(Reason::kShape, "weights of {} input channels, the input has {}",
           depthwise ? w[2] : w[3], shape(0)[3]);
    const Values &pad = numbers("pad", 4, 0), &stride = numbers("stride", 2, 1),
                 &dilation = numbers("dilation", 2, 1);
    const int R = w[depthwise ? 0 : 1], S = w[depthwise ? 1 : 2];
    gives(std::vector<std::int64_t>{
        shape(0)[0], windows(shape(0)[1], pad[0] + pad[1], R, dilation[0], stride[0]),
        windows(shape(0)[2], pad[2] + pad[3], S, dilation[1], stride[1]), channels});
    work(std::int64_t{R} * S * (depthwise ? 1 : w[3]));
  }
  void conv() const { convolution(false); }
  void depthwise() const { convolution(true); }
  void transposed() const {
    ranks(0, 4, 4);
    ranks(1, 4, 4);
    const Shape& w = shape(1);
    product(w[0]);
    if (shape(0)[3] != w[3])
      fail(Reason::kShape, "weights of {} input channels, the input has {}", w[3], shape(0)[3]);
    const Values &pad = numbers("out_pad", 4, -kMostStep), &stride = numbers("stride", 2, 1);
    for (std::size_t i = 0; i < 4; ++i)
      if (pad[i] <= -w[1 + i / 2])
        fail(Reason::kAttribute, "out_pad {} removes a whole kernel of {}", pad[i], w[1 + i / 2]);
    gives(std::vector<std::int64_t>{shape(0)[0],
                                    (shape(0)[1] - 1) * stride[0] + pad[0] + pad[1] + w[1],
                                    (shape(0)[2] - 1) * stride[1] + pad[2] + pad[3] + w[2], w[0]});
    work(std::int64_t{w[1]} * w[2] * w[3]);
  }
  void matmul() const {
    types(0, {DataType::kInt8});
    types(1, {DataType::kInt8});
    output({DataType::kInt32});
    ranks(0, 3, 3);
    ranks(1, 3, 3);
    zero_point(2, DataType::kInt8, "zero point of A");
    zero_point(3, DataType::kInt8, "zero point of B");
    if (shape(0)[0] != shape(1)[0] || shape(0)[2] != shape(1)[1])
      fail(Reason::kShape, "[{}] and [{}] do not fit, allowed [N, H, C] and [N, C, W]",
           fmt::join(shape(0), ", "), fmt::join(shape(1), ", "));
    gives(Shape{shape(0)[0], shape(0)[1], shape(1)[2]});
    work(shape(0)[2]);
  }
  void clamp() const {
    types(0, {DataType::kInt8, DataType::kInt16});
    same_type();
    gives(shape(0));
    for (const char* name : {"min_val", "max_val"})
      if (n_.list(name).size() != 2 || n_.list(name)[1] < bytes_of(in(0).type))
        fail(Reason::kAttribute, "{} has too few bytes for its type", name);
    if (low() > high()) fail(Reason::kAttribute, "min_val {} is above max_val {}", low(), high());
  }
  std::int64_t low() const { return wrapped(n_.number("min_val"), in(0).type); }
  std::int64_t high() const { return wrapped(n_.number("max_val"), in(0).type); }
  void broadcast(std::initializer_list<std::size_t> positions) const {
    const std::size_t first = *positions.begin();
    ranks(first, 0, kMostRank);
    Shape expected = shape(first);
    for (const std::size_t i : positions) {
      if (rank(i) != rank(first))
        fail(Reason::kShape, "inputs of rank {} and {}, allowed one rank", rank(first), rank(i));
      for (std::size_t axis = 0; axis < expected.size(); ++axis) {
        if (shape(i)[axis] != expected[axis] && shape(i)[axis] != 1 && expected[axis] != 1)
          fail(Reason::kShape, "axes of {} and {} elements do not broadcast", expected[axis],
               shape(i)[axis]);
        if (expected[axis] == 1) expected[axis] = shape(i)[axis];
      }
    }
    gives(expected);
  }
  void pair_of_int32() const {
    types(0, {DataType::kInt32});
    types(1, {DataType::kInt32});
    same_type();
    broadcast({0, 1});
  }
  void pair_of_any() const {
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    types(1, {in(0).type});
    same_type();
    broadcast({0, 1});
  }
  void pair_of_bool() const {
    types(0, {DataType::kBool});
    types(1, {DataType::kBool});
    same_type();
    broadcast({0, 1});
  }
  void comparison() const {
    types(0, {DataType::kInt32});
    types(1, {DataType::kInt32});
    output({DataType::kBool});
    broadcast({0, 1});
  }
  void mul() const {
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    types(1, {in(0).type});
    output({DataType::kInt32});
    types(2, {DataType::kInt8});
    ranks(2, 1, 1);
    const std::int64_t shift = constant(2, 1, "shift")[0];
    if (shift < 0 || shift > 63 || (shift != 0 && in(0).type != DataType::kInt32))
      fail(Reason::kAttribute, "shift {} of {}, allowed 0..63 for int32, else 0", shift,
           name_of(in(0).type));
    broadcast({0, 1});
  }
  void unary_int32() const {
    types(0, {DataType::kInt32});
    same_type();
    gives(shape(0));
  }
  void unary_bool() const {
    types(0, {DataType::kBool});
    same_type();
    gives(shape(0));
  }
  void bitwise_not() const {
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    same_type();
    gives(shape(0));
  }
  void negate() const {
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    same_type();
    zero_point(1, in(0).type, "input zero point");
    zero_point(2, n_.out_type, "output zero point");
    gives(shape(0));
  }
  void select() const {
    types(0, {DataType::kBool});
    types(1, {DataType::kBool, DataType::kInt8, DataType::kInt16, DataType::kInt32});
    types(2, {in(1).type});
    output({in(1).type});
    broadcast({0, 1, 2});
  }
  void table() const {
    types(0, {DataType::kInt8, DataType::kInt16});
    const bool wide = in(0).type == DataType::kInt16;
    types(1, {in(0).type});
    output({wide ? DataType::kInt32 : DataType::kInt8});
    ranks(0, 0, kMostRank);
    constant(1, wide ? 513 : 256, "table");
    ranks(1, 1, 1);
    gives(shape(0));
  }
  void reduction() const {
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    same_type();
    reduced();
  }
  void sum() const {
    types(0, {DataType::kInt32});
    same_type();
    reduced();
  }
  void logical() const {
    types(0, {DataType::kBool});
    same_type();
    reduced();
  }
  void reduced() const {
    ranks(0, 1, kMostRank);
    Shape expected = shape(0);
    expected[at(axis())] = 1;
    gives(expected);
  }
  void concat() const {
    if (n_.inputs.empty()) fail(Reason::kOperands, "no inputs");
    ranks(0, 1, kMostRank);
    same_type();
    Shape expected = shape(0);
    const std::size_t along = at(axis());
    expected[along] = 0;
    for (std::size_t i = 0; i < n_.inputs.size(); ++i) {
      types(i, {in(0).type});
      if (rank(i) != rank(0)) fail(Reason::kShape, "inputs of rank {} and {}", rank(0), rank(i));
      Shape other = shape(i);
      expected[along] += std::exchange(other[along], expected[along]);
      Shape now = expected;
      now[along] = other[along];
      if (now != other) fail(Reason::kShape, "inputs differ in another axis than {}", along);
    }
    gives(expected);
  }
  void pad() const {
    ranks(0, 1, kMostRank);
    same_type();
    types(2, {in(0).type});
    constant(2, 1, "value");
    ranks(2, 1, 1);
    const Values& sides = constant(1, 2 * rank(0), "padding");
    std::vector<std::int64_t> expected;
    for (int i = 0; i < rank(0); ++i) {
      for (int side = 0; side < 2; ++side)
        if (sides[at(2 * i + side)] < 0 || sides[at(2 * i + side)] > kMostElements)
          fail(Reason::kAttribute, "padding {}", sides[at(2 * i + side)]);
      expected.push_back(shape(0)[at(i)] + sides[at(2 * i)] + sides[at(2 * i + 1)]);
    }
    gives(expected);
  }
  void reshape() const {
    ranks(0, 0, kMostRank);
    same_type();
    if (n_.out_shape.size() > at(kMostRank))
      fail(Reason::kShape, "output of rank {}, which is too large", n_.out_shape.size());
    gives(constant(1, -1, "shape"));
    if (elements_of(shape(0)) != elements_of(n_.out_shape))
      fail(Reason::kShape, "the input has {} elements, but the output has {}",
           elements_of(shape(0)), elements_of(n_.out_shape));
  }
  void reverse() const {
    ranks(0, 1, kMostRank);
    same_type();
    axis();
    gives(shape(0));
  }
  void slice() const {
    ranks(0, 1, kMostRank);
    same_type();
    const Values &start = constant(1, rank(0), "start"), &size = constant(2, rank(0), "size");
    for (std::size_t i = 0; i < start.size(); ++i)
      if (start[i] < 0 || size[i] < 1 || size[i] > shape(0)[i] || start[i] > shape(0)[i] - size[i])
        fail(Reason::kAttribute, "{} elements from element {} on, but the axis has {}", size[i],
             start[i], shape(0)[i]);
    gives(size);
  }
  void tile() const {
    ranks(0, 1, kMostRank);
    same_type();
    const Values& times = constant(1, rank(0), "multiples");
    std::vector<std::int64_t> expected;
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i] < 1 || times[i] > kMostElements) fail(Reason::kAttribute, "{} copies", times[i]);
      expected.push_back(times[i] * shape(0)[i]);
    }
    gives(expected);
  }
  void transpose() const {
    ranks(0, 1, kMostRank);
    same_type();
    const Values& axes = n_.list("perms");
    std::vector<bool> seen(shape(0).size());
    if (axes.size() != seen.size())
      fail(Reason::kAttribute, "{} axes for rank {}, allowed equal numbers", axes.size(),
           seen.size());
    Shape expected;
    for (const std::int64_t axis : axes) {
      if (axis < 0 || axis >= rank(0) || seen[at(axis)])
        fail(Reason::kAttribute, "[{}] is not a permutation", fmt::join(axes, ", "));
      seen[at(axis)] = true;
      expected.push_back(shape(0)[at(axis)]);
    }
    gives(expected);
  }
  void gather() const {
    same_type();
    types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
    types(1, {DataType::kInt32});
    ranks(0, 3, 3);
    ranks(1, 2, 2);
    if (shape(0)[0] != shape(1)[0])
      fail(Reason::kShape, "batches of {} and {}, allowed equal numbers", shape(0)[0], shape(1)[0]);
    gives(Shape{shape(0)[0], shape(1)[1], shape(0)[2]});
  }
  void resize() const;
  void cast() const {
    types(0, {DataType::kBool, DataType::kInt8, DataType::kInt16, DataType::kInt32});
    output({DataType::kBool, DataType::kInt8, DataType::kInt16, DataType::kInt32});
    if (n_.out_type == in(0).type)
      fail(Reason::kType, "converts {} to the same type, allowed another type",
           name_of(n_.out_type));
    gives(shape(0));
  }
  void identity() const {
    same_type();
    gives(shape(0));
  }
  void rescale() const;

  const Node& n_;
};

void Checker::resize() const {
  types(0, {DataType::kInt8, DataType::kInt16});
  ranks(0, 4, 4);
  const std::int64_t mode = n_.number("mode");
  if (mode != kNearest && mode != kBilinear) fail(Reason::kAttribute, "mode {}", mode);
  if (mode == kBilinear && in(0).type != DataType::kInt8)
    fail(Reason::kType, "mode BILINEAR with {}, allowed int8", name_of(in(0).type));
  output({mode == kBilinear ? DataType::kInt32 : in(0).type});
  const Values &scale = constant(1, 4, "scale"), &offset = constant(2, 2, "offset"),
               &border = constant(3, 2, "border");
  constexpr std::int64_t kMostScale = 1 << 11, kMostExtent = 16384;
  std::vector<std::int64_t> expected{shape(0)[0]};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t n = scale[2 * i], d = scale[2 * i + 1];
    if (n <= 0 || d <= 0 || n > kMostScale || d >= 16 * n)
      fail(Reason::kAttribute, "scale {} / {}", n, d);
    if (offset[i] < -n || offset[i] >= 16 * n) fail(Reason::kAttribute, "offset {}", offset[i]);
    if (border[i] < -16 * n || border[i] >= n) fail(Reason::kAttribute, "border {}", border[i]);
    const std::int64_t span = (shape(0)[1 + i] - 1) * n - offset[i] + border[i];
    if (span < 0 || span % d != 0)
      fail(Reason::kShape, "{} elements scaled by {} / {} are not a whole number", shape(0)[1 + i],
           n, d);
    expected.push_back(span / d + 1);
    if (shape(0)[1 + i] >= kMostExtent || expected.back() >= kMostExtent)
      fail(Reason::kShape, "an extent of {} or more, allowed below", kMostExtent);
  }
  expected.push_back(shape(0)[3]);
  gives(expected);
}

void Checker::rescale() const {
  types(0, {DataType::kInt8, DataType::kInt16, DataType::kInt32});
  output({DataType::kInt8, DataType::kInt16, DataType::kInt32});
  gives(shape(0));
  const bool wide = n_.number("scale32") != 0, channels = n_.number("per_channel") != 0;
  const bool from = n_.number("input_unsigned") != 0, to = n_.number("output_unsigned") != 0;
  const std::int64_t rounding = n_.number("rounding_mode");
  if (rounding < kSingleRound || rounding > kDoubleRound)
    fail(Reason::kAttribute, "rounding_mode {}", rounding);
  if (rounding == kDoubleRound && !wide) fail(Reason::kAttribute, "DOUBLE_ROUND without scale32");
  if ((from && to) || (from && in(0).type == DataType::kInt32) ||
      (to && n_.out_type == DataType::kInt32) || (to && in(0).type == DataType::kInt32) ||
      (from && n_.out_type == DataType::kInt32))
    fail(Reason::kAttribute, "does not support unsigned numbers from {} to {}", name_of(in(0).type),
         name_of(n_.out_type));
  if (channels && rank(0) == 0) fail(Reason::kShape, "per_channel of rank 0");
  const std::int64_t count = channels ? shape(0).back() : 1;
  types(1, {wide ? DataType::kInt32 : DataType::kInt16});
  types(2, {DataType::kInt8});
  for (const std::int64_t m : constant(1, count, "multiplier"))
    if (m < 0) fail(Reason::kRange, "multiplier {}, allowed 0 and above", m);
  for (const std::int64_t s : constant(2, count, "shift"))
    if (s < 2 || s > 62) fail(Reason::kRange, "shift {}, allowed 2..62", s);
  const auto zero = [&](std::size_t i, DataType type, bool is_unsigned, const char* what) {
    types(i, {type});
    const std::int64_t value = constant(i, 1, what)[0];
    const bool middle = is_unsigned && type == DataType::kInt16 && (value & 0xffff) == 32768;
    if (type != DataType::kInt8 && value != 0 && !middle)
      fail(Reason::kQuantization, "{} {} of {}, allowed 0", what, value, name_of(type));
  };
  zero(3, in(0).type, from, "input zero point");
  zero(4, n_.out_type, to, "output zero point");
}

const Checker::Row Checker::kRows[] = {
    {"ARGMAX", 1, &Checker::argmax},
    {"AVG_POOL2D", 3, &Checker::average_pool},
    {"CONV2D", 5, &Checker::conv},
    {"DEPTHWISE_CONV2D", 5, &Checker::depthwise},
    {"MATMUL", 4, &Checker::matmul},
    {"MAX_POOL2D", 1, &Checker::max_pool},
    {"TRANSPOSE_CONV2D", 5, &Checker::transposed},
    {"CLAMP", 1, &Checker::clamp, true},
    {"ADD", 2, &Checker::pair_of_int32, true},
    {"ARITHMETIC_RIGHT_SHIFT", 2, &Checker::pair_of_any, true},
    {"BITWISE_AND", 2, &Checker::pair_of_any, true},
    {"BITWISE_OR", 2, &Checker::pair_of_any, true},
    {"BITWISE_XOR", 2, &Checker::pair_of_any, true},
    {"INTDIV", 2, &Checker::pair_of_int32, true},
    {"LOGICAL_AND", 2, &Checker::pair_of_bool, true},
    {"LOGICAL_LEFT_SHIFT", 2, &Checker::pair_of_any, true},
    {"LOGICAL_RIGHT_SHIFT", 2, &Checker::pair_of_any, true},
    {"LOGICAL_OR", 2, &Checker::pair_of_bool, true},
    {"LOGICAL_XOR", 2, &Checker::pair_of_bool, true},
    {"MAXIMUM", 2, &Checker::pair_of_int32, true},
    {"MINIMUM", 2, &Checker::pair_of_int32, true},
    {"MUL", 3, &Checker::mul, true},
    {"SUB", 2, &Checker::pair_of_int32, true},
    {"TABLE", 2, &Checker::table, true},
    {"ABS", 1, &Checker::unary_int32, true},
    {"BITWISE_NOT", 1, &Checker::bitwise_not, true},
    {"CLZ", 1, &Checker::unary_int32, true},
    {"LOGICAL_NOT", 1, &Checker::unary_bool, true},
    {"NEGATE", 3, &Checker::negate, true},
    {"SELECT", 3, &Checker::select, true},
    {"EQUAL", 2, &Checker::comparison, true},
    {"GREATER", 2, &Checker::comparison, true},
    {"GREATER_EQUAL", 2, &Checker::comparison, true},
    {"REDUCE_ALL", 1, &Checker::logical},
    {"REDUCE_ANY", 1, &Checker::logical},
    {"REDUCE_MAX", 1, &Checker::reduction},
    {"REDUCE_MIN", 1, &Checker::reduction},
    {"REDUCE_SUM", 1, &Checker::sum},
    {"CONCAT", 0, &Checker::concat},
    {"PAD", 3, &Checker::pad},
    {"RESHAPE", 2, &Checker::reshape},
    {"REVERSE", 1, &Checker::reverse},
    {"SLICE", 3, &Checker::slice},
    {"TILE", 2, &Checker::tile},
    {"TRANSPOSE", 1, &Checker::transpose},
    {"GATHER", 2, &Checker::gather},
    {"RESIZE", 4, &Checker::resize},
    {"CAST", 1, &Checker::cast, true},
    {"RESCALE", 5, &Checker::rescale, true},
    {"IDENTITY", 1, &Checker::identity, true},
};

const Checker::Row* Checker::row_of(std::string_view type) {
  const Row* row = std::ranges::find(kRows, type, &Row::type);
  return row == std::end(kRows) ? nullptr : row;
}

void Checker::run() const {
  const Row* row = row_of(n_.type);
  if (row == nullptr) fail(Reason::kOperator, "operator is not supported");
  if (row->inputs != 0 && n_.inputs.size() != row->inputs)
    fail(Reason::kOperands, "{} inputs, allowed {}", n_.inputs.size(), row->inputs);
  const auto bounded = [](const Shape& shape) {
    std::int64_t count = 1;
    for (const int extent : shape) {
      if (extent < 1) fail(Reason::kShape, "an empty axis");
      count *= extent;
      if (count > kMostElements) fail(Reason::kShape, "more than {} elements", kMostElements);
    }
  };
  for (const Operand& operand : n_.inputs)
    if (operand.values.empty() && operand.type != DataType::kInt64) bounded(operand.shape);
  bounded(n_.out_shape);
  (this->*row->check)();
}

// ---- arithmetic ---------------------------------------------------------------------------------

/// Calls f(coordinates) for each element, in C order.
template <typename F>
void each(const Shape& shape, const F& f) {
  std::vector<std::int64_t> place(shape.size(), 0);
  for (std::int64_t i = 0, count = elements_of(shape); i < count; ++i) {
    f(place);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++place[axis] < shape[axis]) break;
      place[axis] = 0;
    }
  }
}

class Runner {
 public:
  explicit Runner(const Node& node) : n_(node) {}
  Values run();

 private:
  const Values& in(std::size_t i) const { return n_.inputs[i].values; }
  const Shape& shape(std::size_t i) const { return n_.inputs[i].shape; }
  std::int64_t only(std::size_t i) const { return in(i)[0]; }
  bool is(std::string_view type) const { return n_.type == type; }

  /// Returns the indices of an operand's elements, which broadcast.
  Indices spread(std::size_t i) const { return broadcast(shape(i), n_.out_shape); }
  template <typename F>
  void pairs(const F& f) {
    const Indices a = spread(0), b = spread(1);
    for (std::size_t i = 0; i < a.size(); ++i) put(f(in(0)[a[i]], in(1)[b[i]]));
  }
  template <typename F>
  void all(const F& f) {
    for (const std::int64_t x : in(0)) put(f(x));
  }
  /// Copies elements; f(coordinates) returns a coordinate of the input.
  template <typename F>
  void moved(const F& f) {
    const auto steps = steps_of(shape(0));
    each(n_.out_shape, [&](const std::vector<std::int64_t>& p) {
      const std::vector<std::int64_t> from = f(p);
      std::size_t i = 0;
      for (std::size_t axis = 0; axis < from.size(); ++axis) i += at(from[axis]) * steps[axis];
      result_.push_back(in(0)[i]);
    });
  }
  void put(std::int64_t x) { result_.push_back(wrapped(x, n_.out_type)); }

  bool functions();
  bool pairs_of();
  bool moves();
  void products();
  void pools();
  void resizes();
  void rescales();
  void reductions();
  void argmax();
  void concat();
  void pads();
  std::int64_t pixel(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) const {
    return in(0)[at(((n * shape(0)[1] + y) * shape(0)[2] + x) * shape(0)[3] + c)];
  }

  const Node& n_;
  Values result_;
};

bool Runner::functions() {
  const DataType type = n_.inputs[0].type;
  if (is("ABS")) {
    all([](std::int64_t x) { return std::abs(x); });
  } else if (is("BITWISE_NOT") || is("LOGICAL_NOT")) {
    all([](std::int64_t x) { return ~x; });
  } else if (is("CLZ")) {
    all([](std::int64_t x) {
      return std::countl_zero(static_cast<std::uint32_t>(x & 0xffffffff));
    });
  } else if (is("IDENTITY") || is("RESHAPE")) {
    result_ = in(0);
  } else if (is("CAST")) {
    const bool to_bool = n_.out_type == DataType::kBool;
    all([&](std::int64_t x) { return to_bool ? (x != 0 ? 1 : 0) : x; });
  } else if (is("CLAMP")) {
    const std::int64_t low = wrapped(n_.number("min_val"), type),
                       high = wrapped(n_.number("max_val"), type);
    all([&](std::int64_t x) { return std::clamp(x, low, high); });
  } else if (is("NEGATE")) {
    const auto [low, high] = range_of(n_.out_type, false);
    all([&, low = low, high = high](std::int64_t x) {
      return std::clamp(-(x - only(1)) + only(2), low, high);
    });
  } else if (is("TABLE") && type == DataType::kInt8) {
    all([&](std::int64_t x) { return in(1)[at(x + 128)]; });
  } else if (is("TABLE")) {
    all([&](std::int64_t x) {
      const std::int64_t base = in(1)[at((x + 32768) >> 7)],
                         next = in(1)[at(((x + 32768) >> 7) + 1)];
      return base * 128 + (next - base) * (x & 0x7f);
    });
  } else {
    return false;
  }
  return true;
}

bool Runner::pairs_of() {
  const int bits = 8 * bytes_of(n_.out_type);
  const auto by = [](std::int64_t amount) { return std::clamp<std::int64_t>(amount, 0, 63); };
  if (is("ADD")) {
    pairs([](std::int64_t a, std::int64_t b) { return a + b; });
  } else if (is("SUB")) {
    pairs([](std::int64_t a, std::int64_t b) { return a - b; });
  } else if (is("MAXIMUM")) {
    pairs([](std::int64_t a, std::int64_t b) { return std::max(a, b); });
  } else if (is("MINIMUM")) {
    pairs([](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  } else if (is("MUL")) {
    const std::int64_t shift = only(2), half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
    pairs([&](std::int64_t a, std::int64_t b) {
      __extension__ using Wide = __int128;
      return static_cast<std::int64_t>((Wide{a} * b + half) >> shift);
    });
  } else if (is("INTDIV")) {
    pairs([](std::int64_t a, std::int64_t b) { return b == 0 ? 0 : a / b; });
  } else if (is("ARITHMETIC_RIGHT_SHIFT")) {
    const bool rounds = n_.number("round") != 0;
    pairs([&](std::int64_t a, std::int64_t b) {
      const std::int64_t up = rounds && b > 0 ? a >> by(b - 1) & 1 : 0;
      return (a >> by(b)) + up;
    });
  } else if (is("LOGICAL_LEFT_SHIFT")) {
    pairs([&](std::int64_t a, std::int64_t b) {
      return b >= bits ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << by(b));
    });
  } else if (is("LOGICAL_RIGHT_SHIFT")) {
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    pairs([&](std::int64_t a, std::int64_t b) {
      return b >= bits ? 0
                       : static_cast<std::int64_t>((static_cast<std::uint64_t>(a) & mask) >> by(b));
    });
  } else if (is("BITWISE_AND") || is("LOGICAL_AND")) {
    pairs([](std::int64_t a, std::int64_t b) { return a & b; });
  } else if (is("BITWISE_OR") || is("LOGICAL_OR")) {
    pairs([](std::int64_t a, std::int64_t b) { return a | b; });
  } else if (is("BITWISE_XOR") || is("LOGICAL_XOR")) {
    pairs([](std::int64_t a, std::int64_t b) { return a ^ b; });
  } else if (is("EQUAL")) {
    pairs([](std::int64_t a, std::int64_t b) { return a == b ? 1 : 0; });
  } else if (is("GREATER")) {
    pairs([](std::int64_t a, std::int64_t b) { return a > b ? 1 : 0; });
  } else if (is("GREATER_EQUAL")) {
    pairs([](std::int64_t a, std::int64_t b) { return a >= b ? 1 : 0; });
  } else if (is("SELECT")) {
    const Indices chosen = spread(0), a = spread(1), b = spread(2);
    for (std::size_t i = 0; i < chosen.size(); ++i)
      put(in(0)[chosen[i]] != 0 ? in(1)[a[i]] : in(2)[b[i]]);
  } else {
    return false;
  }
  return true;
}

bool Runner::moves() {
  using Place = std::vector<std::int64_t>;
  if (is("REVERSE")) {
    const std::size_t axis = at(n_.number("axis"));
    moved([&](Place p) {
      p[axis] = shape(0)[axis] - 1 - p[axis];
      return p;
    });
  } else if (is("SLICE")) {
    moved([&](Place p) {
      for (std::size_t i = 0; i < p.size(); ++i) p[i] += in(1)[i];
      return p;
    });
  } else if (is("TILE")) {
    moved([&](Place p) {
      for (std::size_t i = 0; i < p.size(); ++i) p[i] %= shape(0)[i];
      return p;
    });
  } else if (is("TRANSPOSE")) {
    const Values& axes = n_.list("perms");
    moved([&](const Place& p) {
      Place from(p.size());
      for (std::size_t i = 0; i < p.size(); ++i) from[at(axes[i])] = p[i];
      return from;
    });
  } else if (is("GATHER")) {
    moved([&](const Place& p) {
      const std::int64_t k = in(1)[at(p[0] * shape(1)[1] + p[1])];
      if (k < 0 || k >= shape(0)[1]) throw_error("index {}, allowed 0..{}", k, shape(0)[1] - 1);
      return Place{p[0], k, p[2]};
    });
  } else {
    return false;
  }
  return true;
}

void Runner::products() {
  if (is("MATMUL")) {
    const int K = shape(0)[2], W = shape(1)[2], H = shape(0)[1];
    each(n_.out_shape, [&](const auto& p) {
      std::int64_t sum = 0;
      for (int k = 0; k < K; ++k)
        sum += (in(0)[at((p[0] * H + p[1]) * K + k)] - only(2)) *
               (in(1)[at((p[0] * K + k) * W + p[2])] - only(3));
      put(sum);
    });
    return;
  }
  const bool depthwise = is("DEPTHWISE_CONV2D"), transposed = is("TRANSPOSE_CONV2D");
  const Shape& w = shape(1);
  const int R = w[depthwise ? 0 : 1], S = w[depthwise ? 1 : 2], C = shape(0)[3];
  const Values &stride = n_.list("stride"), &pad = n_.list(transposed ? "out_pad" : "pad"),
               &dilation = n_.list("dilation");
  const auto source = [&](std::int64_t p, std::int64_t tap, std::size_t axis) -> std::int64_t {
    if (!transposed) return p * stride[axis] - pad[2 * axis] + tap * dilation[axis];
    const std::int64_t from = p - pad[2 * axis] - tap;
    return from >= 0 && from % stride[axis] == 0 ? from / stride[axis] : -1;
  };
  each(n_.out_shape, [&](const auto& p) {
    std::int64_t sum = in(2)[in(2).size() == 1 ? 0 : at(p[3])];
    for (int r = 0; r < R; ++r)
      for (int s = 0; s < S; ++s) {
        const std::int64_t y = source(p[1], r, 0), x = source(p[2], s, 1);
        if (y < 0 || y >= shape(0)[1] || x < 0 || x >= shape(0)[2]) continue;
        if (depthwise) {
          sum += (pixel(p[0], y, x, p[3] / w[3]) - only(3)) *
                 (in(1)[at((std::int64_t{r} * S + s) * w[2] * w[3] + p[3])] - only(4));
          continue;
        }
        for (int c = 0; c < C; ++c)
          sum += (pixel(p[0], y, x, c) - only(3)) *
                 (in(1)[at(((p[3] * R + r) * S + s) * C + c)] - only(4));
      }
    put(sum);
  });
}

/// Returns multiplier and shift of 1 / n.
std::pair<std::int64_t, std::int64_t> reciprocal(std::int64_t n) {
  const int k = n == 1 ? 0 : 64 - std::countl_zero(static_cast<std::uint64_t>(n - 1));
  return {(((std::int64_t{1} << 30) + 1) << k) / n, 30 + k};
}

void Runner::pools() {
  const Values &kernel = n_.list("kernel"), &stride = n_.list("stride"), &pad = n_.list("pad");
  const bool average = is("AVG_POOL2D");
  each(n_.out_shape, [&](const auto& p) {
    std::int64_t sum = 0, most = -128, count = 0;
    const std::int64_t top = p[1] * stride[0] - pad[0], left = p[2] * stride[1] - pad[2];
    for (std::int64_t y = std::max<std::int64_t>(top, 0);
         y < std::min<std::int64_t>(top + kernel[0], shape(0)[1]); ++y)
      for (std::int64_t x = std::max<std::int64_t>(left, 0);
           x < std::min<std::int64_t>(left + kernel[1], shape(0)[2]); ++x) {
        const std::int64_t code = pixel(p[0], y, x, p[3]);
        most = std::max(most, code);
        if (average) sum += code - only(1);
        ++count;
      }
    if (!average) return put(most);
    const auto [multiplier, shift] = reciprocal(std::max<std::int64_t>(count, 1));
    put(std::clamp<std::int64_t>(scaled(sum, multiplier, shift, false) + only(2), -128, 127));
  });
}

void Runner::resizes() {
  const bool nearest = n_.number("mode") == kNearest;
  const auto source = [&](std::int64_t p, std::size_t axis) {
    return source_of(p, in(1)[2 * axis], in(1)[2 * axis + 1], in(2)[axis], shape(0)[1 + axis]);
  };
  each(n_.out_shape, [&](const auto& p) {
    const Source y = source(p[1], 0), x = source(p[2], 1);
    const auto tap = [&](std::int64_t row, std::int64_t column) {
      return pixel(p[0], row, column, p[3]);
    };
    if (nearest)
      put(tap(y.nearest(), x.nearest()));
    else
      put((y.n - y.weight) *
              ((x.n - x.weight) * tap(y.low, x.low) + x.weight * tap(y.low, x.high)) +
          y.weight * ((x.n - x.weight) * tap(y.high, x.low) + x.weight * tap(y.high, x.high)));
  });
}

void Runner::rescales() {
  const bool from = n_.number("input_unsigned") != 0, to = n_.number("output_unsigned") != 0;
  const bool twice = n_.number("rounding_mode") == kDoubleRound;
  const auto number = [](std::int64_t x, DataType type, bool is_unsigned) {
    return is_unsigned ? x & ((std::int64_t{1} << 8 * bytes_of(type)) - 1) : x;
  };
  const DataType type = n_.inputs[0].type;
  const std::int64_t before = number(only(3), type, from), after = number(only(4), n_.out_type, to);
  const auto [low, high] = range_of(n_.out_type, to);
  for (std::size_t i = 0; i < in(0).size(); ++i) {
    const std::size_t channel = i % in(1).size();
    const std::int64_t x = number(in(0)[i], type, from) - before;
    put(std::clamp(scaled(x, in(1)[channel], in(2)[channel], twice) + after, low, high));
  }
}

void Runner::reductions() {
  const std::size_t axis = at(n_.number("axis"));
  const auto steps = steps_of(shape(0));
  for (const std::size_t first : walk(n_.out_shape, steps)) {
    std::int64_t value = in(0)[first];
    for (int i = 1; i < shape(0)[axis]; ++i) {
      const std::int64_t x = in(0)[first + at(i) * steps[axis]];
      if (is("REDUCE_SUM"))
        value = wrapped(value + x, n_.out_type);
      else if (is("REDUCE_MAX") || is("REDUCE_ANY"))
        value = std::max(value, x);
      else
        value = std::min(value, x);
    }
    put(value);
  }
}

void Runner::argmax() {
  const std::size_t axis = at(n_.number("axis"));
  Shape kept = shape(0);
  kept[axis] = 1;
  const auto steps = steps_of(shape(0));
  for (const std::size_t first : walk(kept, steps)) {
    int best = 0;
    for (int i = 1; i < shape(0)[axis]; ++i)
      if (in(0)[first + at(i) * steps[axis]] > in(0)[first + at(best) * steps[axis]]) best = i;
    put(best);
  }
}

void Runner::concat() {
  const std::size_t axis = at(n_.number("axis"));
  std::vector<std::size_t> next(n_.inputs.size(), 0);
  each(n_.out_shape, [&](const auto& p) {  // each input's elements keep their order
    std::size_t i = 0;
    for (std::int64_t place = p[axis]; place >= shape(i)[axis];) place -= shape(i++)[axis];
    put(in(i)[next[i]++]);
  });
}

void Runner::pads() {
  const auto steps = steps_of(shape(0));
  each(n_.out_shape, [&](const auto& p) {
    std::size_t from = 0;
    for (std::size_t a = 0; a < p.size(); ++a) {
      const std::int64_t i = p[a] - in(1)[2 * a];
      if (i < 0 || i >= shape(0)[a]) return put(only(2));
      from += at(i) * steps[a];
    }
    put(in(0)[from]);
  });
}

Values Runner::run() {
  result_.reserve(at(elements_of(n_.out_shape)));
  if (is("CONCAT"))
    concat();
  else if (is("PAD"))
    pads();
  else if (is("ARGMAX"))
    argmax();
  else if (is("RESCALE"))
    rescales();
  else if (is("RESIZE"))
    resizes();
  else if (is("AVG_POOL2D") || is("MAX_POOL2D"))
    pools();
  else if (n_.type.starts_with("REDUCE_"))
    reductions();
  else if (!functions() && !pairs_of() && !moves())
    products();
  return std::move(result_);
}

}  // namespace

const std::vector<std::int64_t>& Node::list(const char* name) const {
  static const Values kNone;
  const auto found = attributes.find(name);
  return found == attributes.end() ? kNone : found->second;
}

std::int64_t Node::number(const char* name) const {
  const Values& values = list(name);
  return values.empty() ? 0 : values[0];
}

std::int64_t scaled(std::int64_t value, std::int64_t multiplier, std::int64_t shift,
                    bool double_round) {
  std::int64_t half = std::int64_t{1} << (shift - 1);
  if (double_round && shift > 31) half += value >= 0 ? 1 << 30 : -(1 << 30);
  return (value * multiplier + half) >> shift;
}

Source source_of(std::int64_t p, std::int64_t n, std::int64_t d, std::int64_t offset, int extent) {
  const std::int64_t place = p * d + offset, rest = (place % n + n) % n;
  const std::int64_t low = (place - rest) / n, last = extent - 1;
  return {std::clamp<std::int64_t>(low, 0, last), std::clamp<std::int64_t>(low + 1, 0, last), rest,
          n};
}

bool is_elementwise(std::string_view type) { return Checker::is_elementwise(type); }

bool evaluates(std::string_view type) { return Checker::has(type); }

void check_node(const Node& node) { Checker(node).run(); }

std::vector<std::int64_t> run(const Node& node) { return Runner(node).run(); }

Node node_of(const Graph& graph, const Op& op) {
  Node node;
  node.type = op.name.substr(kPrefix.size());
  for (const auto& [name, values] : op.numbers)
    for (const double value : values)
      node.attributes[name].push_back(
          std::isnan(value) ? 0 : static_cast<std::int64_t>(std::clamp(value, -0x1p53, 0x1p53)));
  for (const int t : op.inputs) {
    if (t < 0) throw_error("an operand is absent");
    const Tensor& from = graph.tensor(t);
    node.inputs.push_back({from.type, from.shape, from.is_constant ? from.integers() : Values{}});
  }
  node.out_type = graph.out(op).type;
  node.out_shape = graph.out(op).shape;
  return node;
}

}  // namespace trine::host::tosa
