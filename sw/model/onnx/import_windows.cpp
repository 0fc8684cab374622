// SPDX-License-Identifier: Apache-2.0
//
// Windows over images, and their borders.

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "sw/model/indices.h"
#include "sw/model/onnx/evaluate.h"
#include "sw/model/onnx/importer.h"

namespace trine::model::onnx_file {
namespace {

/// How far the last window, if it begins in the image or its border before, stands out.
int beyond(int extent, int taps, int stride, int dilation, int before, int after) {
  const int reach = reach_of(taps, dilation);
  const int count = windows_of(extent, before, after, reach, stride, true);
  return std::max((count - 1) * stride + reach - (extent + before + after), 0);
}

}  // namespace

int Importer::bounded(std::int64_t value, std::int64_t least, const char* what) {
  if (value < least || value > kMaxWindow)
    throw_error("{} {}, allowed {}..{}", what, value, least, kMaxWindow);
  return static_cast<int>(value);
}

std::pair<int, int> Importer::pair_of(const char* key, int first, int second) const {
  const std::vector<std::int64_t> given = node_->integers(key);
  if (given.empty()) return {first, second};
  if (given.size() != 2) throw_error("{} of {} axes, allowed 2", key, given.size());
  return {bounded(given[0], 1, key), bounded(given[1], 1, key)};
}

/// Attributes of a window over [N, C, H, W]. @param R, S  filter, 0: from kernel_shape
Importer::Sliding Importer::sliding(OpKind kind, const std::vector<int>& shape, int R,
                                    int S) const {
  Sliding s{op(kind)};
  std::tie(s.op.filter_h, s.op.filter_w) = pair_of("kernel_shape", R, S);
  bounded(s.op.filter_h, 1, "filter");
  bounded(s.op.filter_w, 1, "filter");
  if (R != 0 && (s.op.filter_h != R || s.op.filter_w != S))
    throw_error("kernel_shape differs from the weights");
  std::tie(s.op.stride_h, s.op.stride_w) = pair_of("strides", 1, 1);
  std::tie(s.op.dilation_h, s.op.dilation_w) = pair_of("dilations", 1, 1);
  const std::string automatic = node_->text("auto_pad", "NOTSET");
  std::vector<std::int64_t> pads = node_->integers("pads");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    const Window w = s.over(shape[2], shape[3], Padding::kSame);
    pads = {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right};
    if (automatic == "SAME_LOWER") pads = {w.pad_bottom, w.pad_right, w.pad_top, w.pad_left};
  } else if (automatic != "NOTSET" && automatic != "VALID") {
    throw_error("auto_pad '{}', allowed NOTSET SAME_UPPER SAME_LOWER VALID", automatic);
  } else if (pads.empty() || automatic == "VALID") {
    pads = {0, 0, 0, 0};
  }
  if (pads.size() != 4) throw_error("pads of {} entries, allowed 4", pads.size());
  s.top = bounded(pads[0], 0, "pads");
  s.left = bounded(pads[1], 0, "pads");
  s.bottom = bounded(pads[2], 0, "pads");
  s.right = bounded(pads[3], 0, "pads");
  if (node_->integer("ceil_mode", 0) != 0) {  // a border that the last window needs
    s.bottom += beyond(shape[2], s.op.filter_h, s.op.stride_h, s.op.dilation_h, s.top, s.bottom);
    s.right += beyond(shape[3], s.op.filter_w, s.op.stride_w, s.op.dilation_w, s.left, s.right);
  }
  return s;
}

/// SAME or VALID where that is the border, else the border becomes a PAD before.
/// @param real  value of the border: 0, or -infinity of a maximum
Value Importer::bordered(Value input, double real, Sliding* s) {
  s->op.padding = Padding::kValid;
  if (!s->borders()) return input;
  const Window same = s->over(input.shape[2], input.shape[3], Padding::kSame);
  if (same.pad_top == s->top && same.pad_bottom == s->bottom && same.pad_left == s->left &&
      same.pad_right == s->right) {
    s->op.padding = Padding::kSame;
    return input;
  }
  return padded(std::move(input), {0, 0, s->top, s->left, 0, 0, s->bottom, s->right}, real);
}

/// @param pads  as ONNX's Pad on [N, C, H, W]: before all axes, then after
Value Importer::padded(Value value, const std::vector<std::int64_t>& pads, double real) {
  const Tensor from = emit_.tensor(value.tensor);
  if (value.layout != Layout::kNhwc || pads.size() != 8 || pads[0] != 0 || pads[1] != 0 ||
      pads[4] != 0 || pads[5] != 0)
    throw_error("borders on other axes than height and width of an image");
  const int top = bounded(pads[2], 0, "pads"), left = bounded(pads[3], 0, "pads");
  const int bottom = bounded(pads[6], 0, "pads"), right = bounded(pads[7], 0, "pads");
  const double code = std::isinf(real) ? range_of(from.encoding).first
                                       : real / double{from.scale()} + from.zero_point();
  if (code != std::trunc(code) || code < -128 || code > 127)
    throw_error("border {} is no code of the tensor", real);
  Encoding encoding = from.encoding;
  for (const Encoding wider :
       {Encoding::kTernary, Encoding::kInt2, Encoding::kInt4, Encoding::kInt8})
    if (!holds(encoding, static_cast<std::int64_t>(code))) encoding = wider;
  const std::vector<int> shape = {from.shape[0], from.shape[1] + top + bottom,
                                  from.shape[2] + left + right, from.shape[3]};
  if (elements_of(shape) < 0) throw_error("more than 2^31 elements");
  const int sides = emit_.add_integers({0, 0, top, bottom, left, right, 0, 0}, {4, 2});
  const bool zero = code == from.zero_point();
  Op pad = op(zero ? OpKind::kPad : OpKind::kPadV2, {value.tensor, sides});
  if (!zero)
    pad.inputs.push_back(emit_.add_constant<std::int8_t>(
        "", DataType::kInt8, {1}, {static_cast<std::int8_t>(code)}, from.quantization));
  value.shape = {shape[0], shape[3], shape[1], shape[2]};
  value.tensor = emit_.add_op(pad, emit_.add_tensor(from.name + ":padded", DataType::kInt8, shape,
                                                    from.quantization, encoding));
  return value;
}

Value Importer::pad() {
  if (node_->text("mode", "constant") != "constant") throw_error("mode other than constant");
  const double border = has(2) ? scalar(2) : double{node_->real("value", 0.0f)};
  if (!std::isfinite(border)) throw_error("border {}", border);
  return padded(image_codes(), integers_of(1, "pads"), border);
}

Value Importer::max_pool() {
  if (reads_output(1)) throw_error("of which the indices are read");
  Value input = image_codes();
  Sliding s = sliding(OpKind::kMaxPool2D, input.shape, 0, 0);
  if (s.op.dilation_h != 1 || s.op.dilation_w != 1) throw_error("dilations other than 1");
  input = bordered(std::move(input), -INFINITY, &s);
  const int N = input.shape[0], C = input.shape[1];
  const Window w = s.over(input.shape[2], input.shape[3], s.op.padding);
  if (w.P < 1 || w.Q < 1) throw_error("the window is larger than the input");
  s.op.inputs = {input.tensor};
  input.shape = {N, C, w.P, w.Q};
  input.tensor = emit_.add_move(std::move(s.op), out(), {N, w.P, w.Q, C});
  return input;
}

/// A depthwise convolution with ones; over all of an image a mean.
Value Importer::average_pool() {
  Value input = image_codes();
  const bool global = node_->type == "GlobalAveragePool" || node_->type == "ReduceMean";
  Sliding s{op(OpKind::kDepthwiseConv2D)};
  if (global)
    s.op.filter_h = input.shape[2], s.op.filter_w = input.shape[3];
  else
    s = sliding(OpKind::kDepthwiseConv2D, input.shape, 0, 0);
  if (s.borders() && node_->integer("count_include_pad", 0) == 0)
    throw_error("borders that do not count");
  const int C = input.shape[1], R = s.op.filter_h, S = s.op.filter_w;
  Product p;
  p.name = out();
  p.channels = C;
  p.filter = {1, R, S, C};
  const std::int64_t taps = std::int64_t{R} * S;
  if (taps * C > kMaxWeights || taps > 65536) throw_error("a window of {} elements", taps * C);
  p.weights.assign(taps * C, 1);
  p.scales.assign(C, 1.0f);
  p.divisor = static_cast<float>(taps);
  p.is_mean = R == input.shape[2] && S == input.shape[3] && !s.borders();
  return placed(std::move(p), bordered(std::move(input), 0, &s), s);
}

}  // namespace trine::model::onnx_file
