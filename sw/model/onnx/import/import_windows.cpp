// SPDX-License-Identifier: Apache-2.0
//
// Imports windows over images, and their borders.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/model/graph/indices.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {

using host::onnx::bounded;

/// Returns windows over an image. With ceil_mode, pixels of the last window after the image are
/// border.
Windows Importer::windows(const Value& image, const std::vector<int>& filter) const {
  Windows w = windows_over(*node_, {image.shape[2], image.shape[3]}, filter);
  for (std::size_t i = 0; i < 2; ++i)
    if (w.ceils) w.after[i] += w.beyond(i, image.shape[i + 2]);
  return w;
}

/// Returns an operator over the windows of an image. The border is SAME or VALID if possible;
/// otherwise a PAD is added before the operator.
/// @param border  its value: 0, or -infinity for a maximum
Op Importer::windowed(OpKind kind, const Windows& w, double border, Value* image) {
  Op over = op(kind);
  over.filter_h = w.taps[0], over.filter_w = w.taps[1];
  over.stride_h = w.strides[0], over.stride_w = w.strides[1];
  over.dilation_h = w.dilations[0], over.dilation_w = w.dilations[1];
  over.padding = Padding::kSame;
  const Window same = places(over, *image);
  const bool is_same = w.before == std::vector<int>{same.pad_top, same.pad_left} &&
                       w.after == std::vector<int>{same.pad_bottom, same.pad_right};
  if (!w.has_borders() || !is_same) over.padding = Padding::kValid;
  if (w.has_borders() && !is_same)
    *image = padded(std::move(*image),
                    {0, 0, w.before[0], w.before[1], 0, 0, w.after[0], w.after[1]}, border);
  over.inputs = {image->tensor};
  return over;
}

Window Importer::places(const Op& over, const Value& image) {
  const Window w =
      window(image.shape[2], image.shape[3], over.filter_h, over.filter_w, over.stride_h,
             over.stride_w, over.dilation_h, over.dilation_w, over.padding);
  if (w.P < 1 || w.Q < 1) throw_error("the window is larger than the input");
  return w;
}

/// @param pads  as for ONNX's Pad on [N, C, H, W]: before all axes, then after
Value Importer::padded(Value value, const std::vector<std::int64_t>& pads, double real) {
  const Tensor from = emit_.tensor(value.tensor);
  if (value.layout != Layout::kNhwc || pads.size() != 8 || pads[0] != 0 || pads[1] != 0 ||
      pads[4] != 0 || pads[5] != 0)
    throw_error("borders on other axes than height and width of an image");
  const int top = bounded(pads[2], 0, "pads"), left = bounded(pads[3], 0, "pads");
  const int bottom = bounded(pads[6], 0, "pads"), right = bounded(pads[7], 0, "pads");
  const bool wide = from.type == DataType::kInt16;
  const int lowest = wide ? INT16_MIN : range_of(from.encoding).first;
  const double code = std::isinf(real) ? lowest : real / double{from.scale()} + from.zero_point();
  if (code != std::trunc(code) || code < (wide ? INT16_MIN : INT8_MIN) ||
      code > (wide ? INT16_MAX : INT8_MAX))
    throw_error("border {} is not a code of the tensor", real);
  Encoding encoding = from.encoding;
  for (const Encoding wider :
       {Encoding::kTernary, Encoding::kInt2, Encoding::kInt4, Encoding::kInt8})
    if (!wide && !holds(encoding, static_cast<std::int64_t>(code))) encoding = wider;
  const std::vector<int> shape = {from.shape[0], from.shape[1] + top + bottom,
                                  from.shape[2] + left + right, from.shape[3]};
  if (elements_of(shape) < 0) throw_error("more than 2^31 elements");
  const int sides = emit_.add_integers({0, 0, top, bottom, left, right, 0, 0}, {4, 2});
  const bool zero = code == from.zero_point();
  Op pad = op(zero ? OpKind::kPad : OpKind::kPadV2, {value.tensor, sides});
  if (!zero && wide)
    pad.inputs.push_back(emit_.add_constant<std::int16_t>(
        "", from.type, {1}, {static_cast<std::int16_t>(code)}, from.quantization));
  else if (!zero)
    pad.inputs.push_back(emit_.add_constant<std::int8_t>(
        "", from.type, {1}, {static_cast<std::int8_t>(code)}, from.quantization));
  value.shape = {shape[0], shape[3], shape[1], shape[2]};
  value.tensor = emit_.add_op(
      pad, emit_.add_tensor(from.name + ":padded", from.type, shape, from.quantization, encoding));
  return value;
}

Value Importer::pad() {
  if (node_->text("mode", "constant") != "constant")
    throw_error("a mode other than constant, allowed only constant");
  const double border = has(2) ? scalar(2) : double{node_->real("value", 0.0f)};
  if (!std::isfinite(border)) throw_error("border {}", border);
  return padded(image_codes(), integers_of(1, "pads"), border);
}

Value Importer::max_pool() {
  if (reads_output(1)) throw_error("its output of indices is read, allowed only its first output");
  Value input = image_codes();
  const Windows w = windows(input);
  if (w.dilations != std::vector{1, 1}) throw_error("dilations other than 1, allowed only 1");
  Op pool = windowed(OpKind::kMaxPool2D, w, -INFINITY, &input);
  const Window to = places(pool, input);
  const int N = input.shape[0], C = input.shape[1];
  input.shape = {N, C, to.P, to.Q};
  input.tensor = emit_.add_move(std::move(pool), out(), {N, to.P, to.Q, C});
  return input;
}

/// Emits a depthwise convolution with ones, or a mean over the whole image.
Value Importer::average_pool() {
  Value input = image_codes();
  const bool global = node_->type == "GlobalAveragePool" || node_->type == "ReduceMean";
  const std::vector<int> image(input.shape.begin() + 2, input.shape.end());
  const Windows w = windows(input, global ? image : std::vector<int>{});
  if (w.has_borders() && node_->integer("count_include_pad", 0) == 0)
    throw_error("count_include_pad 0 with borders, allowed 1");
  const int C = input.shape[1];
  Product p;
  p.name = out();
  p.channels = C;
  p.filter = {1, w.taps[0], w.taps[1], C};
  const std::int64_t taps = std::int64_t{w.taps[0]} * w.taps[1];
  if (taps * C > kMaxWeights || taps > 65536)
    throw_error("a window of {} elements is too large", taps * C);
  p.weights.assign(taps * C, 1);
  p.scales.assign(C, 1.0f);
  p.divisor = static_cast<float>(taps);
  p.is_mean = w.taps == image && !w.has_borders();
  p.op = windowed(OpKind::kDepthwiseConv2D, w, 0, &input);
  return placed(std::move(p), input);
}

}  // namespace trine::model::onnx_file
