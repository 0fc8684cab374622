// SPDX-License-Identifier: Apache-2.0
//
// Checks that graphs are legal. Reference and compiler index tensors and quantize scales without
// further checks.

#include "sw/model/check/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/groups.h"
#include "sw/model/graph/norm.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/graph/svdf.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::model {
namespace {

constexpr int kMaxPad = 8192;                ///< the limit of TOSA
constexpr int kMaxStep = 65535;              ///< strides, dilations and filter extents
constexpr std::int64_t kMaxReach = 1 << 24;  ///< extent of a dilated filter
constexpr int kMaxRank = 16;                 ///< masks of axes are ints
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
constexpr std::int64_t kMaxMacs = std::int64_t{1} << 48;
constexpr std::int64_t kMaxBias = std::int64_t{1} << 39;  ///< 16x8: sums have 40 bits

bool is_code(DataType type) { return type == DataType::kInt8 || type == DataType::kUInt8; }

/// Returns true if the tensor holds codes: int16 without a scale are numbers.
bool holds_codes(const Tensor& t) {
  return is_code(t.type) || (t.type == DataType::kInt16 && t.scale() > 0);
}

/// Returns true if the operator can round int16 codes' halves to even, as ONNX's quantizers do.
bool rounds_wide(OpKind kind) {
  constexpr OpKind kKindsOf16[] = {
      OpKind::kAdd,  OpKind::kBatchMatMul, OpKind::kConv2D,       OpKind::kDepthwiseConv2D,
      OpKind::kMean, OpKind::kLeakyRelu,   OpKind::kMul,          OpKind::kFullyConnected,
      OpKind::kSub,  OpKind::kQuantize,    OpKind::kTransposeConv};
  return std::ranges::find(kKindsOf16, kind) != std::end(kKindsOf16);
}

/// Checks one operator up to its first fault.
class Checker {
 public:
  Checker(const Graph& graph, const Op& op) : graph_(graph), op_(op) {}

  void run() const {
    if (op_.kind == OpKind::kUnknown) unknown();
    if (op_.outputs.size() != 1)
      fail(Reason::kOperands, "{} outputs, allowed 1", op_.outputs.size());
    for (const int t : op_.inputs)
      if (t >= 0) extents(graph_.tensor(t), false);
    extents(out(), true);
    attributes();
    dispatch();
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(Reason reason, fmt::format_string<Args...> text, Args&&... args) const {
    throw Refusal(reason,
                  label(graph_, op_) + ": " + fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    fail(Reason::kAttribute, text, std::forward<Args>(args)...);
  }

  template <typename... Args>
  [[noreturn]] void fail(Reason reason, const Tensor& tensor, fmt::format_string<Args...> text,
                         Args&&... args) const {
    fail(reason, "tensor {} '{}': {}", &tensor - graph_.tensors.data(), tensor.name,
         fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  [[noreturn]] void fail(const Tensor& tensor, fmt::format_string<Args...> text,
                         Args&&... args) const {
    fail(Reason::kShape, tensor, text, std::forward<Args>(args)...);
  }

  const Tensor& in(int position) const { return graph_.in(op_, position); }
  const Tensor& out() const { return graph_.out(op_); }
  bool has(int position) const { return op_.input(position) >= 0; }

  void attributes() const {
    for (const float value :
         {op_.beta, op_.alpha, op_.epsilon, op_.divisor, op_.cell_clip, op_.hidden_scale})
      if (!std::isfinite(value)) fail("attribute {}, allowed finite numbers", value);
    const bool wide = op_.half_even && out().type == DataType::kInt16;
    const int most = op_.of_cell || wide ? INT16_MAX : INT8_MAX;
    if (op_.code_min < -most - 1 || op_.code_min > op_.code_max || op_.code_max > most)
      fail("codes {}..{}, allowed {}..{}", op_.code_min, op_.code_max, -most - 1, most);
    if (op_.of_tosa < 0 || op_.of_tosa > tosa::kDouble) fail("of_tosa {}", op_.of_tosa);
    if (op_.of_tosa != 0 && op_.kind != OpKind::kOnnx) tosa_scales();
    if (!(op_.divisor > 0)) fail("divisor {}, allowed above 0", op_.divisor);
    if (op_.counted_macs > kMaxMacs) fail("{} MACs", op_.counted_macs);
  }

  void operands(std::size_t least, std::size_t most) const {
    if (op_.inputs.size() < least || op_.inputs.size() > most)
      fail(Reason::kOperands, "{} inputs, allowed {}..{}", op_.inputs.size(), least, most);
    for (std::size_t i = 0; i < least; ++i)
      if (op_.inputs[i] < 0) fail(Reason::kOperands, "input {} is absent", i);
  }

  void extents(const Tensor& tensor, bool is_output) const {
    for (const int extent : tensor.shape)
      if (extent < 1 && (is_output || !tensor.is_constant || is_code(tensor.type)))
        fail(tensor, "shape [{}] contains an axis of extent 0", fmt::join(tensor.shape, ", "));
  }

  void rank(const Tensor& tensor, int expected) const {
    if (tensor.rank() != expected) fail(tensor, "rank {}, allowed {}", tensor.rank(), expected);
  }

  void shape(const Tensor& tensor, const std::vector<int>& expected) const {
    if (tensor.shape != expected)
      fail(tensor, "shape [{}], expected [{}]", fmt::join(tensor.shape, ", "),
           fmt::join(expected, ", "));
  }

  void type(const Tensor& tensor, DataType expected) const {
    if (tensor.type != expected)
      fail(Reason::kType, tensor, "type {}, expected {}", name_of(tensor.type), name_of(expected));
  }

  void positive_scales(const Tensor& tensor) const {
    for (const float scale : tensor.quantization.scale)
      if (!std::isfinite(scale) || scale <= 0)
        fail(Reason::kQuantization, tensor, "scale {}, allowed above 0", scale);
  }

  void scales(const Tensor& tensor) const {
    positive_scales(tensor);
    const int low = tensor.type == DataType::kInt8 ? -128 : 0;
    const int high = tensor.type == DataType::kInt8    ? 127
                     : tensor.type == DataType::kUInt8 ? 255
                                                       : 0;
    for (const std::int64_t zero_point : tensor.quantization.zero_point)
      if (zero_point < low || zero_point > high)
        fail(Reason::kQuantization, tensor, "zero point {}, allowed {}..{}", zero_point, low, high);
  }

  /// Checks an activation: int8 or uint8 with one scale, or int16 if the operator supports it.
  void codes(const Tensor& tensor) const {
    const bool wide = tensor.type == DataType::kInt16;
    if (wide && (!computes_wide(op_.kind) || (op_.half_even && !rounds_wide(op_.kind))))
      fail(Reason::kType, tensor, "type int16, allowed int8 uint8: quantize 16x8 networks to int8");
    if (!wide && !is_code(tensor.type))
      fail(Reason::kType, tensor, "type {}, allowed int8 uint8", name_of(tensor.type));
    one_scale(tensor);
  }

  void one_scale(const Tensor& tensor) const {
    if (tensor.quantization.scale.size() != 1)
      fail(Reason::kQuantization, tensor, "{} scales, allowed 1", tensor.quantization.scale.size());
    scales(tensor);
  }

  /// Checks the output, and that inputs have the same type.
  void codes_alike(std::initializer_list<int> inputs) const {
    codes(out());
    for (const int position : inputs) {
      codes(in(position));
      type(in(position), out().type);
    }
  }

  /// Checks that codes are moved without rescaling.
  void same_quantization(const Tensor& tensor) const {
    if (op_.of_tosa != 0 && op_.kind == OpKind::kAveragePool2D) return;  // it has both zero points
    if ((holds_codes(out()) || holds_codes(tensor)) &&
        (tensor.scale() != out().scale() || tensor.zero_point() != out().zero_point()))
      fail(Reason::kQuantization, tensor,
           "scale {} and zero point {} differ from the output's {} and {}", tensor.scale(),
           tensor.zero_point(), out().scale(), out().zero_point());
  }

  /// Checks an operand whose elements move unchanged.
  void moved(int position) const {
    type(in(position), out().type);
    if (holds_codes(out())) codes_alike({position});
    same_quantization(in(position));
  }

  /// Checks an int32 or int64 constant of `count` elements (-1: any number).
  void constant(int position, std::int64_t count) const {
    const Tensor& tensor = in(position);
    if (!tensor.is_constant) fail(Reason::kOperands, tensor, "must be a constant");
    if (tensor.type != DataType::kInt32 && tensor.type != DataType::kInt64)
      fail(Reason::kType, tensor, "type {}, allowed int32 int64", name_of(tensor.type));
    if (count >= 0 && tensor.elements() != count)
      fail(tensor, "{} elements, allowed {}", tensor.elements(), count);
  }

  void step(const char* what, int value) const {
    if (value < 1 || value > kMaxStep) fail("{} {}, allowed 1..{}", what, value, kMaxStep);
  }

  void steps() const {
    step("stride_h", op_.stride_h);
    step("stride_w", op_.stride_w);
    step("dilation_h", op_.dilation_h);
    step("dilation_w", op_.dilation_w);
    step("filter_h", op_.filter_h);
    step("filter_w", op_.filter_w);
  }

  /// Returns true if the operator converts codes of one type to codes of the other type, as a
  /// compiled LSTM's does.
  bool changes_type(DataType from, DataType to) const {
    if (in(0).type != from || out().type != to) return false;
    codes(in(0));
    codes(out());
    return true;
  }

  /// Checks the output of a matrix product: codes of the input's type, or accumulators.
  /// @param input  position of the activations
  void product_output(int input = 0) const {
    codes(in(input));
    if (out().type != DataType::kInt32) return codes_alike({input});
    type(in(input), DataType::kInt8);
    if (op_.activation != Activation::kNone) fail("fused activation of int32, allowed NONE");
  }

  /// Checks that the constant's codes fit its encoding.
  void encoded(const Tensor& tensor) const {
    if (tensor.encoding == Encoding::kInt8 || !tensor.is_constant) return;
    type(tensor, DataType::kInt8);
    const auto codes = tensor.values<std::int8_t>();
    const auto [low, high] = std::ranges::minmax(codes.empty() ? decltype(codes){0} : codes);
    if (tensor.encoding != Encoding::kBinary && holds(tensor.encoding, low) &&
        holds(tensor.encoding, high))
      return;
    for (const std::int8_t code : codes)
      if (!holds(tensor.encoding, code))
        fail(Reason::kAttribute, tensor, "code {} is not {}", code, name_of(tensor.encoding));
  }

  /// Checks fixed-point weights of up to 19 bits, which E4M3 needs.
  void fixed(const Tensor& tensor, DataType activations) const {
    constexpr std::int64_t kMost = (1 << 18) - 1;
    if (activations != DataType::kInt8 && activations != DataType::kInt16)
      fail(Reason::kType, tensor, "int32 with {}, allowed int8 and int16", name_of(activations));
    if (!tensor.is_constant) fail(Reason::kOperands, tensor, "must be a constant");
    for (const std::int64_t w : tensor.integers())
      if (w < -kMost || w > kMost)
        fail(Reason::kRange, tensor, "weight {}, allowed -{}..{}", w, kMost, kMost);
  }

  /// Checks weights: a constant or computed; with one scale, or one per output channel along
  /// `axis`.
  void weights(const Tensor& tensor, int axis) const {
    const Quantization& q = tensor.quantization;
    const DataType activations = in(op_.kind == OpKind::kTransposeConv ? 2 : 0).type;
    const bool narrow = activations == DataType::kInt16 && !svdf::has_wide_weights(op_) &&
                        !has_format_weights(graph_, op_);
    if (has_fixed_weights(graph_, op_))
      fixed(tensor, activations);
    else
      type(tensor, narrow ? DataType::kInt8 : activations);
    encoded(tensor);
    if (q.scale.empty()) fail(Reason::kQuantization, tensor, "weights have no scale");
    scales(tensor);
    if (!q.per_channel()) return;
    if (tensor.type == DataType::kUInt8)
      fail(Reason::kQuantization, tensor, "uint8 weights per channel, allowed 1 scale");
    if (q.axis != axis)
      fail(Reason::kQuantization, tensor, "scales along axis {}, allowed {}", q.axis, axis);
    if (static_cast<int>(q.scale.size()) != tensor.extent(axis))
      fail(Reason::kQuantization, tensor, "{} scales for {} channels", q.scale.size(),
           tensor.extent(axis));
    for (const std::int64_t zero_point : q.zero_point)
      if (zero_point != 0)
        fail(Reason::kQuantization, tensor, "zero point {} per channel, allowed 0", zero_point);
  }

  void bias(int position, int channels) const {
    if (!has(position)) return;
    if (out().type == DataType::kInt16)
      wide_bias(in(position));
    else if (of_format(graph_, op_) && in(position).type == DataType::kInt64)
      long_bias(in(position));
    else
      type(in(position), DataType::kInt32);
    if (in(position).elements() != channels)
      fail(in(position), "{} elements, allowed {}", in(position).elements(), channels);
    positive_scales(in(position));
    for (const std::int64_t zero_point : in(position).quantization.zero_point)
      if (zero_point != 0)
        fail(Reason::kQuantization, in(position), "zero point {}, allowed 0", zero_point);
  }

  /// Checks the bias of a product of values of a format.
  void long_bias(const Tensor& tensor) const {
    constexpr std::int64_t kMost = std::int64_t{1} << 47;
    if (!tensor.is_constant) fail(Reason::kOperands, tensor, "must be a constant");
    for (const std::int64_t value : tensor.integers())
      if (value < -kMost || value >= kMost)
        fail(Reason::kRange, tensor, "bias {}, allowed 48 bits", value);
  }

  /// Checks the bias of a 16x8 operator: int64 (40-bit sums) or int32, which is an option of
  /// converters and ONNX's type.
  void wide_bias(const Tensor& tensor) const {
    if (op_.half_even) return type(tensor, DataType::kInt32);
    if (tensor.type == DataType::kInt32 && op_.kind != OpKind::kDepthwiseConv2D) return;
    type(tensor, DataType::kInt64);
    if (!tensor.is_constant) fail(Reason::kOperands, tensor, "must be a constant");
    for (const std::int64_t value : tensor.integers())
      if (value < -kMaxBias || value >= kMaxBias)
        fail(Reason::kRange, tensor, "bias {}, allowed 40 bits", value);
  }

  void symmetric_if_int8(const Tensor& tensor) const {
    if (tensor.type == DataType::kInt8 && tensor.zero_point() != 0 && !op_.half_even &&
        op_.of_tosa == 0)
      fail(Reason::kQuantization, tensor, "zero point {} of int8 weights, allowed 0",
           tensor.zero_point());
  }

  void reach() const {
    const bool pooling = op_.kind == OpKind::kMaxPool2D || op_.kind == OpKind::kAveragePool2D;
    const std::int64_t R = pooling ? op_.filter_h : in(1).extent(1);
    const std::int64_t S = pooling ? op_.filter_w : in(1).extent(2);
    if (R * op_.dilation_h > kMaxReach || S * op_.dilation_w > kMaxReach)
      fail("the dilated filter spans more than {}", kMaxReach);
  }

  void image_output(int channels) const {
    steps();
    reach();
    const Window w = window(graph_, op_);
    if (w.P < 1 || w.Q < 1) fail(Reason::kShape, "the window is larger than the input");
    shape(out(), {in(0).shape[0], w.P, w.Q, channels});
  }

  void convolution(bool depthwise) const {
    operands(2, 3);
    const bool widens = !depthwise && op_.half_even;
    if (!widens || !changes_type(DataType::kInt8, DataType::kInt16)) product_output();
    rank(in(0), 4);
    rank(in(1), 4);
    extents(in(1), true);
    const int M = in(1).extent(depthwise ? 3 : 0);
    weights(in(1), depthwise ? 3 : 0);
    symmetric_if_int8(in(1));
    bias(2, M);
    const int C = in(0).extent(3), filter_c = in(1).extent(3);
    if (depthwise) {
      if (in(1).extent(0) != 1) fail(in(1), "first extent {}, allowed 1", in(1).extent(0));
      if (M % C != 0) fail(in(1), "{} channels are not a multiple of the input's {}", M, C);
    } else if (C % filter_c != 0 || M % (C / filter_c) != 0) {
      fail(in(1), "{} filter channels and {} outputs do not divide {} input channels into groups",
           filter_c, M, C);
    }
    image_output(M);
  }

  void transpose_conv() const {
    operands(3, 4);
    product_output(2);
    const bool computed = out().type == DataType::kInt16 && !in(0).is_constant;
    if (computed) {
      type(in(0), DataType::kInt32);
      shape(in(0), {4});
    } else {
      constant(0, 4);
    }
    rank(in(1), 4);
    rank(in(2), 4);
    rank(out(), 4);
    extents(in(1), true);
    weights(in(1), 0);
    symmetric_if_int8(in(1));
    bias(3, in(1).extent(0));
    steps();
    reach();
    const auto wanted = computed ? std::vector<std::int64_t>(out().shape.begin(), out().shape.end())
                                 : in(0).integers();
    if (!std::equal(wanted.begin(), wanted.end(), out().shape.begin()))
      fail(in(0), "contains [{}], but the output's shape is [{}]", fmt::join(wanted, ", "),
           fmt::join(out().shape, ", "));
    if (out().extent(3) != in(1).extent(0) || out().extent(0) != in(2).extent(0))
      fail(out(), "shape [{}] does not fit weights and input", fmt::join(out().shape, ", "));
    const Window w = window(graph_, op_);
    shape(in(2), {out().extent(0), w.P, w.Q, in(1).extent(3)});
  }

  void fully_connected() const {
    operands(2, 4);
    if (!changes_type(DataType::kInt8, DataType::kInt16)) product_output();
    rank(in(1), 2);
    extents(in(1), true);
    weights(in(1), 0);
    if (out().type == DataType::kInt16) symmetric_if_int8(in(1));
    const int M = in(1).extent(0), K = in(1).extent(1);
    bias(2, M);
    if (has(3)) factors(in(3), M, K);
    if (in(0).elements() % K != 0)
      fail(in(0), "{} elements are not a multiple of the weights' {} columns", in(0).elements(), K);
    if (out().rank() < 1 || out().extent(-1) != M || out().elements() != in(0).elements() / K * M)
      fail(out(), "shape [{}] does not fit {} rows of {} outputs", fmt::join(out().shape, ", "),
           in(0).elements() / K, M);
  }

  /// Checks the factors of groups of input channels.
  void factors(const Tensor& tensor, int M, int K) const {
    type(in(0), DataType::kInt8);
    type(tensor, DataType::kInt16);
    if (!tensor.is_constant) fail(Reason::kOperands, tensor, "must be a constant");
    if (op_.block < 1) fail("groups of {} input channels, allowed 1 and above", op_.block);
    if (in(1).zero_point() != 0)
      fail(Reason::kQuantization, in(1), "zero point {} of weights in groups, allowed 0",
           in(1).zero_point());
    shape(tensor, {M, divide_up(K, op_.block)});
    for (const std::int64_t factor : tensor.integers())
      if (std::abs(factor) > kMostFactor)
        fail(Reason::kQuantization, tensor, "factor {}, allowed -{}..{}", factor, kMostFactor,
             kMostFactor);
    const auto weights = in(1).values<std::int8_t>();
    const auto all = tensor.values<std::int16_t>();
    const auto rows = static_cast<std::size_t>(K),
               groups = all.size() / static_cast<std::size_t>(M);
    for (std::size_t m = 0; m < static_cast<std::size_t>(M); ++m)
      if (!fits_group_sum(std::span(weights).subspan(m * rows, rows),
                          std::span(all).subspan(m * groups, groups), op_.block))
        fail(Reason::kRange, tensor, "the sums of channel {} may need more than {} bits", m,
             kGroupSumBits);
  }

  void batch_matmul() const {
    operands(2, 2);
    codes_alike({0, 1});
    for (int i = 0; i < 2; ++i)
      if (in(i).rank() < 2) fail(in(i), "rank {}, allowed 2 and above", in(i).rank());
    const auto batch = [](const Tensor& t) {
      return std::vector<int>(t.shape.begin(), t.shape.end() - 2);
    };
    std::optional<std::vector<int>> expected = broadcast_shape(batch(in(0)), batch(in(1)));
    if (!expected) fail(Reason::kShape, "the batch axes of the inputs do not fit");
    const int K = in(0).extent(op_.adjoint_a ? -2 : -1);
    if (K != in(1).extent(op_.adjoint_b ? -1 : -2))
      fail(Reason::kShape, "the inner extents of the inputs differ");
    expected->push_back(in(0).extent(op_.adjoint_a ? -1 : -2));
    expected->push_back(in(1).extent(op_.adjoint_b ? -2 : -1));
    shape(out(), *expected);
  }

  void pool() const {
    operands(1, 1);
    codes_alike({0});
    same_quantization(in(0));
    rank(in(0), 4);
    image_output(in(0).extent(3));
  }

  void reduction(bool rescales) const {
    operands(2, 2);
    codes_alike({0});
    if (!rescales) same_quantization(in(0));
    constant(1, -1);
    const auto reduced = reduced_axes(graph_, op_);
    if (!reduced) fail(in(1), "an axis is out of range for rank {}", in(0).rank());
    std::vector<int> expected;
    for (std::size_t i = 0; i < reduced->size(); ++i)
      if (!(*reduced)[i] || op_.keep_dims) expected.push_back((*reduced)[i] ? 1 : in(0).shape[i]);
    shape(out(), expected);
  }

  /// Checks RESHAPE and similar operators, which only the output's shape determines.
  void reshape() const {
    operands(1, 2);
    type(in(0), out().type);
    if (in(0).elements() != out().elements())
      fail(out(), "{} elements, but the input has {}", out().elements(), in(0).elements());
    same_quantization(in(0));
  }

  void pad() const {
    const bool valued = op_.kind == OpKind::kPadV2;
    operands(valued ? 3 : 2, valued ? 3 : 2);
    moved(0);
    constant(1, 2 * std::int64_t{in(0).rank()});
    if (valued) {
      moved(2);
      if (in(2).elements() != 1) fail(in(2), "{} elements, allowed 1", in(2).elements());
    }
    padded([&](std::size_t) { return out().elements(); });
  }

  void mirror_pad() const {
    operands(2, 2);
    moved(0);
    constant(1, 2 * std::int64_t{in(0).rank()});
    padded([&](std::size_t axis) { return in(0).shape[axis] - (op_.symmetric ? 0 : 1); });
  }

  /// Checks the output's shape. @param most_of  elements that may be added at either side of an
  /// axis
  template <typename F>
  void padded(const F& most_of) const {
    std::vector<int> expected;
    const auto sides = paddings(graph_, op_);
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const auto [before, after] = sides[i];
      const std::int64_t most = most_of(i);
      if (before < 0 || after < 0 || before > most || after > most)
        fail(in(1), "padding {} and {} of axis {}, allowed 0..{}", before, after, i, most);
      expected.push_back(static_cast<int>(in(0).shape[i] + before + after));
    }
    shape(out(), expected);
  }

  /// Checks both directions: the shape with larger pixels has block x block times the channels.
  void blocks(const Tensor& fine, const Tensor& coarse) const {
    operands(1, 1);
    moved(0);
    rank(fine, 4);
    rank(coarse, 4);
    step("block size", op_.block);
    const std::int64_t b = op_.block;
    if (fine.extent(0) != coarse.extent(0) || fine.extent(1) != coarse.extent(1) * b ||
        fine.extent(2) != coarse.extent(2) * b || fine.extent(3) * b * b != coarse.extent(3))
      fail(out(), "shape [{}] does not fit the input's [{}] and block size {}",
           fmt::join(out().shape, ", "), fmt::join(in(0).shape, ", "), b);
  }

  void transpose() const {
    operands(2, 2);
    type(in(0), out().type);
    same_quantization(in(0));
    constant(1, in(0).rank());
    const auto axes = permutation(graph_, op_);
    if (!axes) fail(in(1), "is not a permutation of the input's {} axes", in(0).rank());
    std::vector<int> expected;
    for (const int axis : *axes) expected.push_back(in(0).extent(axis));
    shape(out(), expected);
  }

  void strided_slice() const {
    operands(4, 4);
    type(in(0), out().type);
    same_quantization(in(0));
    for (int i = 1; i < 4; ++i) constant(i, in(0).rank());
    if (op_.ellipsis_mask != 0 || op_.new_axis_mask != 0)
      fail("ellipsis_mask {} and new_axis_mask {}, allowed 0", op_.ellipsis_mask,
           op_.new_axis_mask);
    for (const std::int64_t stride : in(3).integers())
      if (stride == 0 || stride < -kMaxStep || stride > kMaxStep)
        fail(Reason::kAttribute, in(3), "stride {}, allowed -{}..{} except 0", stride, kMaxStep,
             kMaxStep);
    std::vector<int> expected;
    for (const Slice& slice : slices(graph_, op_)) {
      if (slice.size < 1) fail(Reason::kShape, "selects no element of an axis");
      if (!slice.dropped) expected.push_back(static_cast<int>(slice.size));
    }
    shape(out(), expected);
  }

  /// Returns the index of the operator's axis in a tensor, counted from the first axis.
  int axis_of(const Tensor& tensor) const {
    const int axis = op_.axis < 0 ? op_.axis + tensor.rank() : op_.axis;
    if (axis < 0 || axis >= tensor.rank())
      fail("axis {}, allowed {}..{}", op_.axis, -tensor.rank(), tensor.rank() - 1);
    return axis;
  }

  void concatenation() const {
    operands(1, op_.inputs.size());
    const int axis = axis_of(out());
    if (op_.activation != Activation::kNone) fail("fused activation, allowed NONE");
    std::int64_t sum = 0;
    for (int i = 0; i < static_cast<int>(op_.inputs.size()); ++i) {
      if (!has(i)) fail(Reason::kOperands, "input {} is absent", i);
      type(in(i), out().type);
      if (holds_codes(out())) codes_alike({i});
      if (out().type != DataType::kUInt8) same_quantization(in(i));  // uint8 codes are rescaled
      rank(in(i), out().rank());
      std::vector<int> expected = out().shape;
      expected[axis] = in(i).extent(axis);
      shape(in(i), expected);
      sum += in(i).extent(axis);
    }
    if (sum != out().extent(axis))
      fail(out(), "extent {} of axis {}, but the inputs have {}", out().extent(axis), axis, sum);
  }

  void resize() const {
    operands(2, 2);
    codes_alike({0});
    same_quantization(in(0));
    rank(in(0), 4);
    rank(out(), 4);
    constant(1, 2);
    if (op_.align_corners && op_.half_pixel_centers)
      fail("align_corners and half_pixel_centers exclude each other");
    const auto size = in(1).integers();
    if (size[0] != out().extent(1) || size[1] != out().extent(2))
      fail(in(1), "contains [{}], but the output's shape is [{}]", fmt::join(size, ", "),
           fmt::join(out().shape, ", "));
    shape(out(), {in(0).extent(0), out().extent(1), out().extent(2), in(0).extent(3)});
  }

  /// Returns true for float32 inputs and output, if the operator supports them.
  bool of_floats() const {
    if (!computes_floats(op_.kind) || out().type != DataType::kFloat32) return false;
    for (int i = 0; i < static_cast<int>(op_.inputs.size()); ++i) type(in(i), DataType::kFloat32);
    if (op_.activation != Activation::kNone) fail("fused activation of float32, allowed NONE");
    return true;
  }

  void binary(bool rescales) const {
    operands(2, 2);
    const bool narrows =
        op_.kind == OpKind::kMul && changes_type(DataType::kInt16, DataType::kInt8);
    if (narrows)
      type(in(1), in(0).type);
    else if (!of_floats())
      codes_alike({0, 1});
    for (int i = 0; i < 2; ++i)
      if (!rescales) same_quantization(in(i));
    const auto expected = broadcast_shape(in(0).shape, in(1).shape);
    if (!expected) fail(Reason::kShape, "the shapes of the inputs do not broadcast");
    shape(out(), *expected);
  }

  void unary() const {
    operands(1, 1);
    shape(out(), in(0).shape);
    if (of_floats()) return;
    codes_alike({0});
    const bool interpolated = op_.kind == OpKind::kLogistic || op_.kind == OpKind::kTanh;
    if (interpolated && out().type == DataType::kInt16) fraction_of_one();
    if (op_.kind == OpKind::kLeakyRelu && !(std::isfinite(op_.alpha)))
      fail("alpha {} is not finite", op_.alpha);
  }

  /// Checks the output's scale, which the int16 tables determine.
  void fraction_of_one() const {
    if (out().scale() != 1.0f / 32768)
      fail(Reason::kQuantization, out(), "scale {}, allowed 1/32768", out().scale());
  }

  void convert() const {
    operands(1, 1);
    shape(out(), in(0).shape);
    if (op_.kind == OpKind::kDequantize) {
      codes(in(0));
      return type(out(), DataType::kFloat32);
    }
    requantized(out(), in(0));
    if (in(0).type != DataType::kFloat32) requantized(in(0), out());
  }

  /// Checks one side of QUANTIZE: codes. If the other side is int16, uint8 is not allowed, but
  /// int32 is.
  void requantized(const Tensor& tensor, const Tensor& other) const {
    const bool beside_wide = other.type == DataType::kInt16;
    if (beside_wide && tensor.type == DataType::kUInt8)
      fail(Reason::kType, tensor, "type uint8 together with int16, allowed int8 int16 int32");
    if (beside_wide && tensor.type == DataType::kInt32)
      one_scale(tensor);
    else
      codes(tensor);
  }

  /// Checks operators that TFLite defines only for float32.
  void floats_only() const {
    type(out(), DataType::kFloat32);
    is_binary(op_.kind) ? binary(true) : unary();
  }

  /// Checks an LSTM without peepholes, projection and layer normalization, but with an input gate.
  void lstm() const {
    if (op_.inputs.size() != 20 && op_.inputs.size() != 24)
      fail(Reason::kOperands, "{} inputs, allowed 20 and 24", op_.inputs.size());
    for (const int i : {0, 2, 18, 19})
      if (!has(i)) fail(Reason::kOperands, "input {} is absent", i);
    if (!has(1) || !has(5) || !has(12))
      fail(Reason::kOperands, "a coupled input gate (CIFG) is not supported");
    codes(in(18));
    const bool wide = in(18).type == DataType::kInt16;
    if (!wide) type(in(18), DataType::kInt8);
    rank(in(0), 3);
    codes(in(0));
    rank(in(2), 2);
    const int n = in(0).extent(2), cells = in(2).extent(0);
    const int batch = in(0).extent(op_.time_major ? 1 : 0);
    for (int i = 1; i < 24; ++i) {
      const bool matrix = i <= 8, gate_bias = i >= 12 && i <= 15, state = i == 18 || i == 19;
      if (!matrix && !gate_bias && !state) {
        if (has(i))
          fail(Reason::kOperands, in(i), "{} are not supported",
               i <= 11   ? "peepholes"
               : i <= 17 ? "projections"
                         : "layer norms");
        continue;
      }
      if (!has(i)) fail(Reason::kOperands, "input {} is absent", i);
      if (!state && !in(i).is_constant) fail(Reason::kOperands, in(i), "must be a constant");
      if (in(i).quantization.scale.size() != (gate_bias ? in(i).quantization.scale.size() : 1))
        fail(Reason::kQuantization, in(i), "{} scales, allowed 1", in(i).quantization.scale.size());
      if (gate_bias) {
        type(in(i), wide ? DataType::kInt64 : DataType::kInt32);
        shape(in(i), {cells});
        continue;
      }
      if (i != 19) scales(in(i));
      type(in(i), i == 19 ? DataType::kInt16 : i == 18 ? in(0).type : DataType::kInt8);
      if (state)
        shape(in(i), {batch, cells});
      else
        shape(in(i), {cells, i <= 4 ? n : cells});
      if (matrix && in(i).zero_point() != 0)
        fail(Reason::kQuantization, in(i), "zero point {}, allowed 0", in(i).zero_point());
    }
    const float cell = in(19).scale();
    const int log2 = cell > 0 && std::isfinite(cell) ? std::ilogb(cell) : 0;
    if (cell != std::ldexp(1.0f, log2) || log2 < -20 || log2 > 0 || in(19).zero_point() != 0)
      fail(Reason::kQuantization, in(19),
           "scale {} and zero point {}, allowed powers of two in 2^-20..1, and 0", cell,
           in(19).zero_point());
    if (!(op_.cell_clip >= 0)) fail("cell clip {}, allowed 0 and above", op_.cell_clip);
    if (op_.of_state) return yields(in(19));
    type(out(), in(18).type);
    same_quantization(in(18));
    std::vector<int> expected = in(0).shape;
    expected[2] = cells;
    shape(out(), expected);
  }

  /// Checks the output that is the state after the last step.
  void yields(const Tensor& state) const {
    type(out(), state.type);
    same_quantization(state);
    shape(out(), state.shape);
  }

  void gather() const {
    operands(2, 2);
    type(in(0), out().type);
    same_quantization(in(0));
    constant(1, -1);
    rank(in(1), 1);
    const int axis = axis_of(in(0));
    for (const std::int64_t i : in(1).integers())
      if (i < 0 || i >= in(0).extent(axis))
        fail(Reason::kAttribute, in(1), "element {}, allowed 0..{}", i, in(0).extent(axis) - 1);
    std::vector<int> expected = in(0).shape;
    expected[axis] = static_cast<int>(in(1).elements());
    shape(out(), expected);
  }

  void broadcast_to() const {
    operands(1, 2);
    type(in(0), out().type);
    same_quantization(in(0));
    if (broadcast_shape(in(0).shape, out().shape) != out().shape)
      fail(out(), "shape [{}] does not fit the input's [{}]", fmt::join(out().shape, ", "),
           fmt::join(in(0).shape, ", "));
  }

  /// Checks that each code of the thresholds is in the range of the output's encoding.
  void threshold() const {
    operands(2, 2);
    const Tensor& table = in(1);
    shape(out(), in(0).shape);
    if (out().rank() < 1) fail(out(), "rank 0, allowed 1 and above");
    codes(out());
    type(out(), DataType::kInt8);
    if (in(0).type != DataType::kInt8 && in(0).type != DataType::kInt32 &&
        in(0).type != DataType::kFloat32)
      fail(Reason::kType, in(0), "type {}, allowed int8 int32 float32", name_of(in(0).type));
    if (!table.is_constant) fail(Reason::kOperands, table, "must be a constant");
    const bool real = in(0).type == DataType::kFloat32;
    type(table, real ? DataType::kFloat32 : DataType::kInt32);
    rank(table, 2);
    extents(table, true);
    if (table.extent(0) != 1 && table.extent(0) != out().extent(-1))
      fail(table, "{} rows of thresholds, allowed 1 or {}", table.extent(0), out().extent(-1));
    if (table.extent(1) > 255) fail(table, "{} thresholds, allowed 1..255", table.extent(1));
    if (!(real ? ascending(table.values<float>()) : ascending(table.values<std::int32_t>())))
      fail(Reason::kAttribute, table, "thresholds are not ascending");
    if (op_.step < -255 || op_.step > 255 || op_.low < -128 || op_.low > 127)
      fail("low {} and step {}, allowed -128..127 and -255..255", op_.low, op_.step);
    for (int k = 0; k <= table.extent(1); ++k)
      if (!holds(out().encoding, op_.low + op_.step * k))
        fail(Reason::kAttribute, out(), "code {} is not {}", op_.low + op_.step * k,
             name_of(out().encoding));
  }

  template <typename T>
  bool ascending(const std::vector<T>& values) const {
    const auto K = static_cast<std::size_t>(in(1).extent(1));
    for (std::size_t i = 0; i < values.size(); ++i)
      if (i % K != 0 && !(values[i - 1] <= values[i])) return false;
    return true;
  }

  void float_steps() const {
    operands(1, 1);
    shape(out(), in(0).shape);
    type(out(), DataType::kFloat32);
    if (out().rank() < 1) fail(out(), "rank 0, allowed 1 and above");
    if (in(0).type != DataType::kFloat32 && in(0).type != DataType::kInt32) codes(in(0));
    for (const FloatStep& step : op_.steps) {
      for (const float value : step.value)
        if (!std::isfinite(value))
          fail("a step with the constant {}, allowed finite numbers", value);
      if (step.value.size() != 1 && static_cast<int>(step.value.size()) != out().extent(-1))
        fail("a step has {} values, allowed 1 or {}", step.value.size(), out().extent(-1));
    }
  }

  void comparison() const {
    operands(2, 2);
    type(out(), DataType::kBool);
    for (int i = 0; i < 2; ++i) {
      codes(in(i));
      type(in(i), in(0).type);
      if (in(i).scale() >= 1)
        fail(Reason::kQuantization, in(i), "scale {}, allowed below 1", in(i).scale());
    }
    const auto expected = broadcast_shape(in(0).shape, in(1).shape);
    if (!expected) fail(Reason::kShape, "the shapes of the inputs do not broadcast");
    shape(out(), *expected);
  }

  void l2_normalization() const {
    unary();
    if (op_.activation != Activation::kNone) fail("fused activation, allowed NONE");
    const int middle = out().type == DataType::kUInt8 ? 128 : 0;
    if (out().rank() < 1 || out().extent(-1) > 1 << 15)
      fail(out(), "rows of more than {} elements, or of rank 0",
           1 << 15);  // sums of 2^16 squares fit 32 bits
    if (out().scale() != 1.0f / 128 || out().zero_point() != middle)
      fail(Reason::kQuantization, out(), "scale {} and zero point {}, allowed 1/128 and {}",
           out().scale(), out().zero_point(), middle);
  }

  /// Checks input, features [filters, elements], time weights [filters, memory], bias and state.
  void svdf() const {
    operands(5, 5);
    codes(in(0));
    type(in(0), DataType::kInt8);
    if (!op_.of_state) codes_alike({0});
    for (const int i : {0, 1, 2, 4}) rank(in(i), 2);
    for (const int i : {1, 2, 4})
      if ((i != 4 && !in(i).is_constant) || in(i).scale() <= 0 || in(i).zero_point() != 0)
        fail(Reason::kQuantization, in(i), "must be a constant with a scale and zero point 0");
    type(in(1), DataType::kInt8);
    type(in(2), DataType::kInt16);
    type(in(4), DataType::kInt16);
    const int filters = in(1).extent(0), batch = in(0).extent(0);
    const auto ranks = op_.numbers.find("rank");
    const double rank =
        ranks != op_.numbers.end() && !ranks->second.empty() ? ranks->second.front() : 0;
    if (!(rank >= 1) || filters % static_cast<int>(std::min(rank, 1e6)) != 0)
      fail("attribute rank {}, allowed divisors of the {} filters", rank, filters);
    if (!has(3) || !in(3).is_constant) fail(Reason::kOperands, "the bias must be a constant");
    bias(3, filters / static_cast<int>(rank));
    if (in(2).extent(1) < 1) fail(in(2), "has no memory steps, allowed 1 and above");
    shape(in(1), {filters, in(0).extent(1)});
    shape(in(2), {filters, in(2).extent(1)});
    shape(in(4), {batch, filters * in(2).extent(1)});
    if (op_.of_state) return yields(in(4));
    shape(out(), {batch, filters / static_cast<int>(rank)});
  }

  /// Checks currents and the optional weights that feed spikes back: see spiking.h.
  void spiking() const {
    using namespace spiking;
    operands(1, 2);
    codes(in(0));
    type(in(0), DataType::kInt16);
    if (in(0).rank() < 2) fail(in(0), "rank {}, allowed 2 and above", in(0).rank());
    shape(out(), in(0).shape);
    const auto number = [&](const char* name, int least, int most) {
      const auto found = op_.numbers.find(name);
      const double value = found != op_.numbers.end() && found->second.size() == 1
                               ? found->second[0]
                               : std::numeric_limits<double>::quiet_NaN();
      if (!(value >= least && value <= most && value == std::trunc(value)))
        fail("{} {}, allowed {}..{}", name, value, least, most);
      return static_cast<int>(value);
    };
    number(kLeak, 0, 1 << kLeakBits);
    if (op_.numbers.contains(kSynapse)) number(kSynapse, 0, 1 << kLeakBits);
    number(kLevel, -INT16_MAX, INT16_MAX);
    number(kDrop, 1, kMostDrop);
    const auto reset = static_cast<Reset>(number(kReset, 0, 2));
    if (number(kDelay, 0, 1) == 1 && reset != Reset::kSubtract)
      fail("a delay is supported only with a reset that subtracts");
    codes(out());
    type(out(), reset == Reset::kNone ? DataType::kInt16 : DataType::kInt8);
    if (out().scale() != (reset == Reset::kNone ? in(0).scale() : 1.0f) || out().zero_point() != 0)
      fail(Reason::kQuantization, out(), "scale {}, zero point {}", out().scale(),
           out().zero_point());
    if (!has(1)) return;
    if (reset == Reset::kNone)
      fail("recurrent weights require spikes, but without a reset the output is the membrane");
    const std::int64_t n = in(0).elements() / in(0).extent(0);
    if (n > INT16_MAX || !in(1).is_constant)
      fail(in(1), "must be a constant of shape [{}, {}]", n, n);
    shape(in(1), {static_cast<int>(n), static_cast<int>(n)});
    type(in(1), DataType::kInt8);
    scales(in(1));
    const Quantization& q = in(1).quantization;
    if ((q.scale.size() != 1 && (std::int64_t{q.axis} != 0 || std::ssize(q.scale) != n)) ||
        std::ranges::any_of(q.zero_point, [](std::int64_t z) { return z != 0; }))
      fail(Reason::kQuantization, in(1), "allowed one scale, or one per row, and zero points 0");
  }

  /// Checks ARG_MAX. ONNX keeps the last axis; TFLite's operand names the axis that is removed.
  void arg_max() const {
    operands(1, 2);
    if (in(0).type != DataType::kFloat32) codes(in(0));
    if (out().type != DataType::kInt32) type(out(), DataType::kInt64);
    if (has(1)) constant(1, 1);
    const auto axis = searched_axis(graph_, op_);
    if (!axis) fail("the axis is out of range for rank {}", in(0).rank());
    std::vector<int> expected = in(0).shape;
    if (has(1))
      expected.erase(expected.begin() + *axis);
    else
      expected.back() = 1;
    shape(out(), expected);
  }

  void softmax() const {
    const bool logarithm = op_.kind == OpKind::kLogSoftmax;
    if (!logarithm && out().type == DataType::kFloat32) {
      operands(1, 1);
      if (op_.beta != 1) fail("beta {} of float32, allowed 1", op_.beta);
      type(in(0), DataType::kFloat32);
      shape(out(), in(0).shape);
      if (out().rank() < 1) fail(out(), "rank 0, allowed 1 and above");
      return;
    }
    unary();
    if (out().rank() < 1) fail(out(), "rank 0, allowed 1 and above");
    const int depth = out().extent(-1);
    if (depth > 4095) fail(out(), "{} classes, allowed 1..4095", depth);  // sum is Q12.19
    const int lowest = out().type == DataType::kInt8 ? -128 : 0;
    if (out().type == DataType::kInt16) {
      fraction_of_one();
    } else if (logarithm) {
      type(out(), DataType::kInt8);
      if (out().scale() != 1.0f / 16 || out().zero_point() != 127)
        fail(Reason::kQuantization, out(), "scale {} and zero point {}, allowed 1/16 and 127",
             out().scale(), out().zero_point());
    } else if (op_.half_even) {  // ONNX's quantizer
      if (!(out().scale() > 0x1p-30f) || !std::isfinite(out().scale()))
        fail(Reason::kQuantization, out(), "scale {}, allowed above 2^-30", out().scale());
    } else if (out().scale() != 1.0f / 256 || out().zero_point() != lowest)
      fail(Reason::kQuantization, out(), "scale {} and zero point {}, allowed 1/256 and {}",
           out().scale(), out().zero_point(), lowest);
    const double gain = double{op_.beta} * double{in(0).scale()} * 0x1p26;
    if (!std::isfinite(gain) || gain <= 1)
      fail("beta {} times scale {}, allowed above 2^-26", op_.beta, in(0).scale());
  }

  /// Checks the limits of the integer form: see docs/numerics.md.
  void normalization() const {
    operands(2, 3);
    for (const Tensor* t : {&in(0), &out()}) {
      codes(*t);
      type(*t, DataType::kInt8);
    }
    shape(out(), in(0).shape);
    if (out().rank() < 1) fail(out(), "rank 0, allowed 1 and above");
    const int channels = out().extent(-1);
    if (channels > 4096) fail(out(), "{} channels, allowed 1..4096", channels);
    const double unit = double{in(0).scale()} / channels;
    const int bits = 31 - norm_fraction_bits(channels);
    if (!(op_.epsilon >= 0) || double{op_.epsilon} / (unit * unit) >= std::ldexp(1.0, bits) - 1)
      fail(Reason::kRange,
           "epsilon {} with {} channels of scale {}, allowed 0 to 2^{} (scale / channels)^2",
           op_.epsilon, channels, in(0).scale(), bits);
    for (int i = 1; i < 3 && has(i); ++i) {
      if (!in(i).is_constant) fail(Reason::kOperands, in(i), "not a constant");
      type(in(i), DataType::kFloat32);
      shape(in(i), {channels});
      for (const float value : in(i).values<float>())
        if (!(std::abs(value) < 0x1p13f * out().scale()))
          fail(Reason::kQuantization, in(i),
               "value {}, allowed below 2^13 times the output's scale {}", value, out().scale());
    }
  }

  /// Checks an ONNX operator. Its shapes are compared when it is evaluated.
  void onnx() const {
    if (op_.name.starts_with(host::tosa::kPrefix)) return tosa_node();
    if (!host::onnx::evaluates(op_.name)) fail(Reason::kOperator, "operator is not supported");
  }

  void tosa_node() const {
    try {
      host::tosa::check_node(host::tosa::node_of(graph_, op_));
    } catch (const Refusal& refusal) {
      throw Refusal(refusal.reasons(), label(graph_, op_) + ": " + refusal.what());
    }
  }

  /// Checks a list of TOSA's whole numbers.
  void tosa_list(const char* name, std::size_t count, double least, double most) const {
    const auto found = op_.numbers.find(name);
    if (found == op_.numbers.end() || found->second.size() != count)
      fail("{} of {} numbers, allowed {}", name,
           found == op_.numbers.end() ? 0 : found->second.size(), count);
    for (const double value : found->second)
      if (!(value >= least && value <= most && value == std::floor(value)))
        fail("{} {}, allowed whole numbers of {}..{}", name, value, least, most);
  }

  void tosa_scales() const {
    const bool sums = op_.kind == OpKind::kAdd || op_.kind == OpKind::kSub;
    const bool one = op_.kind == OpKind::kMul || op_.kind == OpKind::kSum;
    const bool products = is_product(op_.kind) || op_.kind == OpKind::kTransposeConv;
    const bool matmul = op_.kind == OpKind::kBatchMatMul;
    const bool average = op_.kind == OpKind::kAveragePool2D;
    if (op_.numbers.contains(tosa::kPad)) tosa_list(tosa::kPad, 4, -kMaxPad, kMaxPad);
    if (average) tosa_list(tosa::kZeroPoints, 1, INT8_MIN, INT8_MAX);
    if (average) tosa_list(tosa::kZeroPoint, 1, INT8_MIN, INT8_MAX);
    if (!sums && !one && !((products || matmul) && out().type == DataType::kInt8)) return;
    const auto found = op_.numbers.find(tosa::kMultiplier);
    const bool several = products && found != op_.numbers.end() && found->second.size() > 1;
    const std::size_t count = sums ? 3 : several ? static_cast<std::size_t>(out().extent(-1)) : 1;
    tosa_list(tosa::kMultiplier, count, 0, INT32_MAX);
    tosa_list(tosa::kShift, count, -31, 30);
    tosa_list(tosa::kZeroPoint, 1, INT8_MIN, INT8_MAX);
    if (sums || one)
      tosa_list(tosa::kZeroPoints, op_.kind == OpKind::kSum ? 1 : 2, INT8_MIN, INT8_MAX);
    if (!sums) return;
    const auto& scale = op_.numbers.at(tosa::kMultiplier);
    const auto& shift = op_.numbers.at(tosa::kShift);
    const auto halves = [&](std::size_t i) { return scale[i] == 1 << 30 && shift[i] == 0; };
    if ((!halves(0) && !halves(1)) || shift[0] > 0 || shift[1] > 0)
      fail("neither operand has the factor 1/2, or one has a larger factor");
  }

  void table() const {
    unary();
    tosa_list(tosa::kTable, 256, INT8_MIN, INT8_MAX);
  }

  [[noreturn]] void unknown() const { fail(Reason::kOperator, "operator is not supported"); }

  void dispatch() const {
    switch (op_.kind) {
#define OPERATOR(kind, name, code, onnx, type, numbers, rule) \
  case OpKind::k##kind:                                       \
    return rule;
#define NAME_ONLY(...)
#include "sw/model/graph/operators.def"
    }
  }

  const Graph& graph_;
  const Op& op_;
};

/// Checks a tensor's size, constant and quantization.
void check_tensor(const Graph& graph, std::size_t t) {
  const Tensor& tensor = graph.tensors[t];
  const auto fail = [&]<typename... Args>(Reason reason, fmt::format_string<Args...> text,
                                          Args&&... args) {
    refuse(reason, "{}: tensor {} '{}': {}", graph.file, t, tensor.name,
           fmt::format(text, std::forward<Args>(args)...));
  };
  const Quantization& q = tensor.quantization;
  if (tensor.rank() > kMaxRank)
    fail(Reason::kShape, "rank {}, allowed 0..{}", tensor.rank(), kMaxRank);
  std::int64_t elements = 1;
  for (const int extent : tensor.shape) {
    if (extent < 0) fail(Reason::kShape, "extent {}, allowed 0 and above", extent);
    elements *= extent;  // both factors are at most 2^31
    if (elements > kMaxElements) fail(Reason::kShape, "more than {} elements", kMaxElements);
  }
  const std::int64_t bytes = elements * bytes_of(tensor.type);
  if (tensor.is_constant && static_cast<std::int64_t>(tensor.data.size()) != bytes)
    fail(Reason::kShape, "a constant of {} bytes, but shape [{}] needs {}", tensor.data.size(),
         fmt::join(tensor.shape, ", "), bytes);
  if (!q.zero_point.empty() && q.zero_point.size() != q.scale.size())
    fail(Reason::kQuantization, "{} zero points for {} scales", q.zero_point.size(),
         q.scale.size());
  for (const float scale : q.scale)
    if (!std::isfinite(scale))
      fail(Reason::kQuantization, "scale {}, allowed finite numbers", scale);
}

}  // namespace

void check_order(const Graph& graph) {
  const int count = static_cast<int>(graph.tensors.size());
  const auto exists = [&](int t, const char* what) {
    if (t < 0 || t >= count)
      throw_error("{}: graph {} {} does not exist, allowed 0..{}", graph.file, what, t, count - 1);
  };
  std::vector<bool> known(graph.tensors.size());
  for (std::size_t t = 0; t < known.size(); ++t) known[t] = graph.tensors[t].is_constant;
  for (const int t : graph.inputs) {
    exists(t, "input");
    known[t] = true;
  }
  for (const Op& op : graph.ops) {
    for (const int t : op.inputs) {
      if (t < -1 || t >= count)
        throw_error("{}: input tensor {} does not exist, allowed -1..{}", label(graph, op), t,
                    count - 1);
      if (t >= 0 && !known[t])
        throw_error("{}: reads tensor {} '{}' before any operator writes it", label(graph, op), t,
                    graph.tensor(t).name);
    }
    for (const int t : op.outputs) {
      if (t < 0 || t >= count)
        throw_error("{}: output tensor {} does not exist, allowed 0..{}", label(graph, op), t,
                    count - 1);
      if (known[t] && graph.tensor(t).elements() > 0)
        throw_error("{}: writes tensor {} '{}', which already has a value", label(graph, op), t,
                    graph.tensor(t).name);
      known[t] = true;
    }
  }
  for (const int t : graph.outputs) {
    exists(t, "output");
    if (!known[t])
      throw_error("{}: graph output {} '{}' is never written", graph.file, t, graph.tensor(t).name);
  }
}

void check_op(const Graph& graph, const Op& op) { Checker(graph, op).run(); }

void check(const Graph& graph) {
  for (std::size_t t = 0; t < graph.tensors.size(); ++t) check_tensor(graph, t);
  Faults faults;
  for (const Op& op : graph.ops) {
    try {
      check_op(graph, op);
    } catch (const Refusal& refusal) {
      faults.add(refusal);
    }
  }
  if (!faults.empty()) throw faults.joined();
}

}  // namespace trine::model
