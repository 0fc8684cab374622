// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/import/emit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <tuple>

#include "sw/base/error.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/indices.h"

namespace trine::model::onnx_file {
namespace {

using Kind = FloatStep::Kind;

constexpr int kMostThresholds = 15;          ///< with more, codes are requantized
constexpr int kBytes = 255, kWords = 65535;  ///< levels above the lowest code of int8 and int16

bool gives_int16(const Quantizer& q) { return q.count == kWords; }

struct Range {
  std::int64_t low, high;
};

/// Returns the range of one channel's accumulator over every sum of taps, including a border of 0.
Range reach(const std::int8_t* weights, std::size_t taps, int weight_zero_point, Range x) {
  Range sum{0, 0};
  for (std::size_t i = 0; i < taps; ++i) {
    const std::int64_t w = weights[i] - weight_zero_point;
    sum.low += std::min({w * x.low, w * x.high, std::int64_t{0}});
    sum.high += std::max({w * x.low, w * x.high, std::int64_t{0}});
  }
  return sum;
}

bool is_identity(const FloatStep& step) {
  const bool scales = step.kind == Kind::kMul || step.kind == Kind::kDiv;
  const bool shifts = step.kind == Kind::kAdd || step.kind == Kind::kSub;
  const float neutral = scales ? 1.0f : 0.0f;
  return (scales || shifts) &&
         std::ranges::all_of(step.value, [&](float c) { return c == neutral; });
}

void append(std::vector<FloatStep>* steps, Kind kind, std::vector<float> value) {
  if (std::ranges::all_of(value, [&](float c) { return c == value[0]; })) value.resize(1);
  FloatStep step{kind, std::move(value)};
  if (!is_identity(step)) steps->push_back(std::move(step));
}

/// Returns 1, or the number of channels if a step has a constant for each channel.
std::size_t channels_of(const std::vector<FloatStep>& steps) {
  std::size_t channels = 1;
  for (const FloatStep& step : steps) channels = std::max(channels, step.value.size());
  return channels;
}

/// Returns the factors of a channel's groups.
std::span<std::int16_t> factors_of(std::size_t channel, Product* p) {
  const std::size_t groups = p->factors.size() / p->scales.size();
  return std::span(p->factors).subspan(channel * groups, groups);
}

template <typename T>
std::span<T> of_channel(std::vector<T>& weights, std::size_t channel, std::size_t taps) {
  return weights.empty() ? std::span<T>() : std::span(weights).subspan(channel * taps, taps);
}

void clear(std::size_t channel, Product* p) {
  for (std::int16_t& factor : factors_of(channel, p)) factor = 0;
  const std::size_t taps = p->taps();
  if (!p->wide.empty()) {
    std::fill_n(p->wide.begin() + static_cast<std::ptrdiff_t>(channel * taps), taps,
                std::int32_t{0});
    return;
  }
  std::fill_n(p->weights.begin() + static_cast<std::ptrdiff_t>(channel * taps), taps,
              static_cast<std::int8_t>(p->zero_point));
}

/// Negates a channel's weights.
void negate(std::size_t channel, Product* p) {
  for (std::int16_t& factor : factors_of(channel, p)) factor = static_cast<std::int16_t>(-factor);
  if (!p->factors.empty()) return;
  const std::size_t taps = p->taps();
  for (std::int32_t& w : of_channel(p->wide, channel, taps)) w = -w;
  if (!p->wide.empty()) return;
  for (std::size_t i = channel * taps; i < (channel + 1) * taps; ++i) {
    if (p->zero_point != 0 || p->weights[i] == -128)
      throw_error(
          "channel {} has a negative slope, which allows neither weight -128 nor a zero point",
          channel);
    p->weights[i] = static_cast<std::int8_t>(-p->weights[i]);
  }
}

/// Narrows an operator's codes to the quantizer's range and to the range that a clamp of real
/// values leaves.
void clamp_codes(const Line& line, const Quantizer& q, const Tensor& output, Op* op) {
  const auto code = [&](double x) {
    if (of_format(output))
      return static_cast<int>(spec::as_code(
          output.format,
          spec::nearest_real(output.format, std::clamp(x / double{output.scale()}, -1e9, 1e9))));
    const double steps = std::nearbyint(x / double{output.scale()}) + output.zero_point();
    return static_cast<int>(gives_int16(q) ? std::clamp(steps, -32768.0, 32767.0)
                                           : std::clamp(steps, -128.0, 127.0));
  };
  const int first = q.first + output.zero_point();
  if (gives_int16(q)) op->code_min = INT16_MIN, op->code_max = INT16_MAX;
  op->code_min = std::max({op->code_min, first, code(line.low)});
  op->code_max = std::min({op->code_max, first + q.count, code(line.high)});
  if (op->code_min > op->code_max) throw_error("a clamp excludes all codes");
}

/// Returns true if a step has a constant for each channel.
bool has_channels(const Step& s) { return s.step.value.size() > 1; }
/// Returns true if the step's constant is quantized.
bool of_codes(const Step& s) { return s.origin && !s.origin->codes.empty(); }

/// Returns true if a step has a constant for each channel that is not a quantized constant to be
/// added.
bool differs_by_channel(const Value& value) {
  return std::ranges::any_of(value.steps,
                             [](const Step& s) { return has_channels(s) && !of_codes(s); });
}

/// Returns true if int16 codes, which have no table, are scaled or offset before they are clamped.
bool scales_words(const Value& value, const Quantizer& q) {
  const auto clamps = [](const Step& s) {
    return s.step.kind == Kind::kMax || s.step.kind == Kind::kMin;
  };
  const auto adds_codes = [](const Step& s) { return has_channels(s) && of_codes(s); };
  const auto clamp = std::ranges::find_if(value.steps, clamps);
  return gives_int16(q) && clamp != value.steps.begin() &&
         std::ranges::all_of(clamp, value.steps.end(), clamps) &&
         std::ranges::none_of(value.steps, adds_codes);
}

/// Returns the graph's shape of a value of ONNX's shape. @pre the layout is not kFlat
std::vector<int> lies(const std::vector<int>& shape, Layout layout) {
  if (layout != Layout::kNhwc) return shape;
  return {shape[0], shape.size() == 3 ? 1 : shape[2], shape.back(), shape[1]};
}

/// Returns a constant's elements in the other order: [N, C, H, W] as [N, H, W, C].
Constant as_image(const Constant& c) {
  const std::vector<std::size_t> steps = steps_of(c.shape);
  Constant image = c;
  const bool flat = c.rank() == 3;
  image.shape = lies(c.shape, Layout::kNhwc);
  const Indices order = walk(image.shape, {steps[0], flat ? 0 : steps[2], steps.back(), steps[1]});
  for (std::size_t i = 0; i < order.size(); ++i) image.values[i] = c.values[order[i]];
  return image;
}

/// Returns true if the step is a falling function.
bool turns(const FloatStep& step) {
  return step.kind == Kind::kSubFrom ||
         ((step.kind == Kind::kMul || step.kind == Kind::kDiv) &&
          std::ranges::any_of(step.value, [](float c) { return c < 0; }));
}

}  // namespace

int Emitter::add_tensor(const std::string& name, DataType type, std::vector<int> shape,
                        Quantization quantization, Encoding encoding) {
  Tensor tensor;
  tensor.name = name;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.quantization = std::move(quantization);
  tensor.encoding = encoding;
  return graph_.add(std::move(tensor));
}

int Emitter::add_constant(const std::string& name, const Constant& c) {
  const bool widens = bytes_of(c.type) < 4 && c.type != DataType::kBool;
  return add_constant(name, c, widens ? DataType::kInt32 : c.type);
}

int Emitter::add_constant(const std::string& name, const Constant& c, DataType type) {
  return with_type(type, [&]<typename T>(T) {
    return add_constant(name, type, c.shape, std::vector<T>(c.values.begin(), c.values.end()));
  });
}

int Emitter::add_integers(const std::vector<std::int32_t>& values, std::vector<int> shape) {
  if (shape.empty()) shape = {static_cast<int>(values.size())};
  return add_constant("", DataType::kInt32, std::move(shape), values);
}

int Emitter::add_code_constant(const std::string& name, const Constant& c, std::vector<int> shape,
                               bool wide) {
  const auto is_first = [](const auto& list) { return [&](auto x) { return x == list[0]; }; };
  if (!std::ranges::all_of(c.scales, is_first(c.scales)) ||
      !std::ranges::all_of(c.zero_points, is_first(c.zero_points)))
    throw_error("a constant with several scales, allowed one");
  if (wide) {
    std::vector<std::int16_t> codes;
    for (const std::int32_t code : c.codes) {
      const std::int64_t above = std::int64_t{code} - c.zero_points[0];
      if (above < INT16_MIN || above > INT16_MAX) throw_error("a constant that is not int16");
      codes.push_back(static_cast<std::int16_t>(above));
    }
    return add_constant(name, DataType::kInt16, std::move(shape), codes, {{c.scales[0]}, {0}});
  }
  const auto [least, most] = std::ranges::minmax(c.codes);
  const int shift = most > 127 || c.zero_points[0] > 127 ? 128 : 0;  // for uint8 codes
  if (least - shift < -128 || most - shift > 127) throw_error("a constant that is not int8");
  std::vector<std::int8_t> codes;
  for (const std::int32_t code : c.codes) codes.push_back(static_cast<std::int8_t>(code - shift));
  return add_constant(name, DataType::kInt8, std::move(shape), codes,
                      {{c.scales[0]}, {c.zero_points[0] - shift}});
}

/// Adds an operator. Movement and maxima keep the eight-bit format of their operand.
int Emitter::add_op(Op op, int output) {
  op.outputs = {output};
  const OpClass type = class_of(op.kind);
  if (const bool keeps = type == OpClass::kReshape || type == OpClass::kMovement ||
                         op.kind == OpKind::kMaxPool2D || op.kind == OpKind::kMaximum ||
                         op.kind == OpKind::kMinimum;
      keeps && op.input(0) >= 0 && of_format(tensor(op.input(0))) &&
      tensor(output).type == DataType::kInt8)
    graph_.tensors[static_cast<std::size_t>(output)].format = tensor(op.input(0)).format;
  graph_.ops.push_back(std::move(op));
  return output;
}

/// Adds an operator that moves elements. One RESHAPE replaces two, because the axes between them
/// have no meaning and may look like a batch.
int Emitter::add_move(Op op, const std::string& name, std::vector<int> shape) {
  const auto before = [&] {
    return std::ranges::find_if(graph_.ops, [&](const Op& o) {
      return o.kind == OpKind::kReshape && o.outputs[0] == op.inputs[0];
    });
  };
  if (op.kind == OpKind::kReshape)
    for (auto o = before(); o != graph_.ops.end(); o = before()) op.inputs[0] = o->input(0);
  const Tensor from = tensor(op.inputs[0]);
  const int output =
      add_tensor(name, from.type, std::move(shape), from.quantization, from.encoding);
  graph_.tensors.back().format = from.format;
  return add_op(std::move(op), output);
}

int Emitter::add_real(Op op, const std::string& name) {
  const int output = add_tensor(name, DataType::kFloat32, tensor(op.inputs[0]).shape);
  return add_op(std::move(op), output);
}

/// Adds a constant [N, C, H, W] in the order of an image.
int Emitter::add_image(Tensor constant, const std::string& name) {
  const std::vector<int> from = constant.shape;
  const std::vector<std::size_t> steps = model::steps_of(from);
  std::vector<std::uint8_t> codes;
  const std::size_t bytes = static_cast<std::size_t>(bytes_of(constant.type));
  constant.shape = {from[0], from[2], from[3], from[1]};
  for (const std::size_t i : walk(constant.shape, {steps[0], steps[2], steps[3], steps[1]}))
    for (std::size_t b = 0; b < bytes; ++b) codes.push_back(constant.data[i * bytes + b]);
  constant.data = std::move(codes);
  constant.name = name;
  return graph_.add(std::move(constant));
}

Value Emitter::to_nhwc(Value value, int node) {
  if (!images_ || value.layout != Layout::kPlain || value.shape.size() != 4 || value.tensor < 0)
    return value;
  const int N = value.shape[0], C = value.shape[1], H = value.shape[2], W = value.shape[3];
  // Converted once per tensor, so that all functions of it read the same codes.
  if (const auto found = images_of_.find(value.tensor); found != images_of_.end()) {
    value.tensor = found->second;
  } else {
    const int plain = value.tensor;
    const std::string name = tensor(plain).name + ":nhwc";
    Op op = op_of(OpKind::kReshape, node, {plain});
    if (C != 1 && H * W != 1)
      op = op_of(OpKind::kTranspose, node, {plain, add_integers({0, 2, 3, 1})});
    value.tensor = images_of_[plain] = tensor(plain).is_constant
                                           ? add_image(tensor(plain), name)
                                           : add_move(std::move(op), name, {N, H, W, C});
  }
  value.layout = Layout::kNhwc;
  value.channel_axis = 1;
  return value;
}

Value Emitter::to_plain(Value value, int node) {
  if (value.layout == Layout::kPlain) return value;
  const auto moved = [&](OpKind kind, std::vector<int> shape) {
    Op op = op_of(kind, node, {value.tensor});
    if (kind == OpKind::kTranspose) op.inputs.push_back(add_integers({0, 3, 1, 2}));
    const std::string name = tensor(value.tensor).name;
    value.tensor = add_move(std::move(op), name, std::move(shape));
  };
  const bool flat = value.layout == Layout::kFlat;
  const int N = value.shape[0];
  std::vector<int> image =
      flat ? value.image : std::vector<int>(value.shape.begin() + 1, value.shape.end());
  if (image.size() == 2) image.insert(image.begin() + 1, 1);
  const int C = image[0], H = image[1], W = image[2];
  if (flat && C != 1 && H * W != 1) moved(OpKind::kReshape, {N, H, W, C});
  if (C != 1 && H * W != 1) moved(OpKind::kTranspose, {N, C, H, W});
  if (tensor(value.tensor).shape != value.shape) moved(OpKind::kReshape, value.shape);
  value.layout = Layout::kPlain;
  value.image.clear();
  return value;
}

std::vector<FloatStep> Emitter::steps_of(const Value& value) const {
  std::vector<FloatStep> steps;
  if (value.product) {
    const Product& p = *value.product;
    const float input = tensor(p.op.inputs.back()).scale();
    std::vector<float> scales;
    for (const float scale : p.scales) scales.push_back(input * scale);
    append(&steps, Kind::kMul, scales);
    append(&steps, Kind::kDiv, {p.divisor});
    if (!p.bias.empty()) append(&steps, Kind::kAdd, p.bias);
  } else if (is_codes(value)) {
    const Tensor& t = tensor(value.tensor);
    append(&steps, Kind::kSub, {static_cast<float>(t.zero_point())});
    append(&steps, Kind::kMul, {t.scale()});
  }
  for (const Step& step : value.steps)
    if (!is_identity(step.step)) steps.push_back(step.step);
  return steps;
}

/// Returns the code of level 0 and the narrowest encoding for a quantizer's levels. The zero point
/// is 0 if the encoding contains the levels; otherwise the code is its lowest one.
int Emitter::first_code(const Quantizer& q, Encoding* encoding) const {
  const int last = q.first + q.count * q.step;
  if (q.step == 2) {
    *encoding = Encoding::kBinary;
    return q.first;
  }
  for (const Encoding e : {Encoding::kTernary, Encoding::kInt2, Encoding::kInt4, Encoding::kInt8}) {
    *encoding = e;
    if (holds(e, q.first) && holds(e, last)) return q.first;
    const int lowest = range_of(e).first;
    if (e != Encoding::kTernary && holds(e, lowest + q.count)) return lowest;
  }
  throw_error("{} levels, allowed 2..256", q.count + 1);
}

int Emitter::code_tensor(const Value& value, const Quantizer& q, const std::string& name) {
  Encoding encoding = Encoding::kInt8;
  const int first = gives_int16(q) ? q.first : first_code(q, &encoding);
  std::vector<int> shape = lies(value.shape, value.layout);  // of a sum
  if (value.tensor >= 0) shape = tensor(value.tensor).shape;
  if (value.product) shape = value.product->shape;
  const int zero_point = q.step == 2 ? 0 : first - q.first;
  if (zero_point < -128 || zero_point > 127)
    throw_error("zero point {}, allowed -128..127", zero_point);
  const int codes = add_tensor(name, gives_int16(q) ? DataType::kInt16 : DataType::kInt8, shape,
                               {{q.scale}, {zero_point}}, encoding);
  graph_.tensors.back().format = q.format;
  return codes;
}

void Emitter::require_alike(int input, const Quantizer& q) const {
  if (is_wide(input) != gives_int16(q))
    throw_error("computes {} codes, but its quantizer gives {}, allowed a quantizer in between",
                name_of(tensor(input).type), gives_int16(q) ? "int16" : "int8");
}

/// Returns int8 codes as int16 codes of the same values if the following quantizer produces int16.
int Emitter::alike(int input, const Quantizer& q, int node) {
  Value codes;
  codes.tensor = input;
  if (gives_int16(q)) input = widened(std::move(codes), node).tensor;
  require_alike(input, q);
  return input;
}

/// Returns the moved value, with the float operators that follow the move.
Value Emitter::before_move(const Value& value) {
  Value from = value.moved->from;
  from.steps.insert(from.steps.end(), value.steps.begin(), value.steps.end());
  return from;
}

/// Returns true if no codes of the machine lead to these floats.
bool Emitter::is_of_host(int floats) const {
  std::set<int> reached{floats};
  for (auto op = graph_.ops.rbegin(); op != graph_.ops.rend(); ++op) {
    if (!reached.contains(op->outputs[0])) continue;
    if (op->kind == OpKind::kDequantize || op->kind == OpKind::kFloat) return false;
    reached.insert(op->inputs.begin(), op->inputs.end());
  }
  return true;
}

Value Emitter::quantized(const Value& given, const Quantizer& q, const std::string& name,
                         int node) {
  if (given.moved) {
    const Value codes = quantized(before_move(given), q, given.moved->name, node);
    Value moved = given.moved->move(codes);
    const bool in_onnx_order = moved.layout != Layout::kFlat;
    graph_.tensors[moved.tensor].name = name + (in_onnx_order ? "" : ":nhwc");
    return moved;
  }
  if (given.joined) return joined(given, q, name);
  if (given.sum && has_one_scale(*given.sum) && (is_low_bit(*given.sum) || !q.nearest))
    return quantized(as_product(given), q, name, node);
  const bool few = q.count <= kMostThresholds;
  const bool is_float = given.tensor >= 0 && !is_codes(given);
  // The host's floats get the order of images before the machine needs them.
  const Value value = is_float && is_of_host(given.tensor) ? to_nhwc(given, node) : given;
  if (!few && !q.nearest && !is_float)
    throw_error("{} levels with a rounding other than to the nearest, allowed only to the nearest",
                q.count + 1);
  const int output = code_tensor(value, q, name);
  const Tensor& t = tensor(output);
  const bool whole = q.count == kBytes || gives_int16(q) ||
                     q.format != spec::Format::kNone;  // all codes of the type
  if (is_codes(value) && value.steps.empty() && tensor(value.tensor).has_scale_of(t) &&
      tensor(value.tensor).type == t.type && whole) {
    graph_.tensors.pop_back();  // the codes are already in this form
    return value;
  }
  if (value.product && few)
    threshold_product(value, q, output);
  else if (value.product && value.product->is_mean)
    mean(value, q, output);
  else if (value.product)
    requantize_product(value, q, output);
  else if (value.sum)
    add_exact(value, sum_of(*value.sum), q, output, "Add, Sub, Mul or MatMul");
  else if (value.own && lies_on_line(value.own->op))
    add_line(value, q, output);
  else if (value.own)
    add_exact(value, value.own->op, q, output, "a normalization or reduction");
  else if (few || (is_float && (!q.nearest || !whole)))
    threshold_tensor(value, q, output, node);
  else if (is_float)
    quantize_floats(value, output, node);
  else if (differs_by_channel(value) || (is_wide(value.tensor) && scales_words(value, q)))
    return by_channels(value, q, output, node);
  else
    requantize_codes(value, q, output, node);
  Value made = value.made(output);
  if (images_ && made.shape.size() == 4) made.channel_axis = 1;
  return made;
}

template <typename T>
void Emitter::add_threshold(int input, int output, int low, int step, std::size_t rows,
                            const std::vector<T>& table, int node) {
  const int constant =
      add_constant(tensor(output).name + ":thresholds",
                   tensor(input).type == DataType::kFloat32 ? DataType::kFloat32 : DataType::kInt32,
                   {static_cast<int>(rows), static_cast<int>(table.size() / rows)}, table);
  Op op = op_of(OpKind::kThreshold, node, {input, constant});
  op.low = low;
  op.step = step;
  add_op(std::move(op), output);
}

void Emitter::threshold_product(const Value& value, const Quantizer& q, int output) {
  Product p = *value.product;
  if (p.block != 0) throw_error("{} levels of sums in groups, allowed 256", q.count + 1);
  if (!p.wide.empty())
    throw_error("{} levels of sums with weights of more than 8 bits, allowed 256", q.count + 1);
  if (of_format(tensor(p.op.inputs.back())))
    throw_error("{} levels of sums of e4m3 codes, allowed 256", q.count + 1);
  require_alike(p.op.inputs.back(), q);
  const std::vector<FloatStep> steps = steps_of(value);
  const Tensor& input = tensor(p.op.inputs.back());
  const auto [lowest, highest] = range_of(input.encoding);
  const Range x{lowest - input.zero_point(), highest - input.zero_point()};
  const auto M = static_cast<std::size_t>(p.channels);
  const std::size_t taps = p.weights.size() / M;
  std::vector<std::int32_t> table;
  std::vector<Reached> reached;
  for (std::size_t m = 0; m < M; ++m) {
    Range range = reach(&p.weights[m * taps], taps, p.zero_point, x);
    if (std::max(-range.low, range.high) >= std::numeric_limits<std::int32_t>::max())
      throw_error("the accumulator of channel {} can exceed 32 bits", m);
    int sign = 1;
    const LevelOf<std::int32_t> level = [&](std::int32_t acc) {
      return q.level(apply(steps, static_cast<float>(sign * acc), m), m);
    };
    if (level(static_cast<std::int32_t>(range.low)) >
        level(static_cast<std::int32_t>(range.high))) {
      sign = -1;
      range = {-range.high, -range.low};
      negate(m, &p);
    }
    const auto row = thresholds(level, q.count, static_cast<std::int32_t>(range.low),
                                static_cast<std::int32_t>(range.high));
    table.insert(table.end(), row.begin(), row.end());
    reached.push_back(
        {static_cast<std::int32_t>(range.low), static_cast<std::int32_t>(range.high)});
  }
  if (stepped_product(p, q, table, reached, output)) return;
  const int acc = add_tensor(p.name, DataType::kInt32, p.shape);
  emit_product(p, {}, acc);
  Encoding encoding = Encoding::kInt8;
  add_threshold(acc, output, first_code(q, &encoding), q.step, M, table, p.op.index);
}

/// Replaces thresholds at equal distances by one scale and a bias. The codes are the same, and the
/// machine need not compare each of them. Larger weights allow a finer bias if they are not packed.
bool Emitter::stepped_product(const Product& p, const Quantizer& q,
                              const std::vector<std::int32_t>& table, std::vector<Reached> reached,
                              int output) {
  constexpr int kMost = 127;
  Encoding encoding = Encoding::kInt8;
  const int low = first_code(q, &encoding);
  if (q.step != 1 || encoding == Encoding::kTernary || p.zero_point != 0) return false;
  const Encoding weights = smallest_encoding(p.weights);
  const bool packed = weights == Encoding::kBinary || weights == Encoding::kTernary;
  int largest = 1;
  for (const int w : p.weights) largest = std::max(largest, std::abs(w));
  const float input = tensor(p.op.inputs.back()).scale();
  for (int unit = 1; unit <= (packed ? 1 : kMost / largest); unit *= 2) {
    Product result = p;
    result.op.half_even = true;
    result.op.code_min = low;
    result.op.code_max = low + q.count;
    for (std::int8_t& w : result.weights) w = static_cast<std::int8_t>(w * unit);
    std::vector<std::int64_t> bias;
    for (std::size_t m = 0; m < reached.size(); ++m) {
      const auto row = table.begin() + static_cast<std::ptrdiff_t>(m) * q.count;
      reached[m].unit = unit;
      const auto steps = even_steps({row, row + q.count}, q.first, reached[m]);
      if (!steps) break;
      float& scale = result.scales[m];
      scale = static_cast<float>(double{q.scale} / (steps->width * double{input}));
      if (steps->ties && double{scale} * input / q.scale * steps->width != 1) break;
      bias.push_back(steps->bias);
    }
    if (bias.size() < reached.size()) continue;
    emit_product(result, bias, output);
    return true;
  }
  return false;
}

/// Emits thresholds on codes or floats. A falling function counts down, because there are no
/// weights to negate.
void Emitter::threshold_tensor(const Value& value, const Quantizer& q, int output, int node) {
  if (is_wide(value.tensor))
    throw_error("{} levels of int16 codes, allowed only of int8 codes", q.count + 1);
  if (of_format(tensor(value.tensor)))
    throw_error("{} levels of e4m3 codes, allowed only of int8 codes", q.count + 1);
  const std::vector<FloatStep> steps = steps_of(value);
  const Tensor input = tensor(value.tensor);
  const bool real = input.type == DataType::kFloat32;
  const std::size_t rows = channels_of(steps);
  const auto [lowest, highest] = range_of(input.encoding);
  std::vector<std::int32_t> table;
  std::vector<float> real_table;
  int falling = -1;  // -1: unknown
  for (std::size_t m = 0; m < rows; ++m) {
    const auto raw = [&](float value_) { return q.level(apply(steps, value_, m), m); };
    constexpr float kMax = std::numeric_limits<float>::max();
    const int at_low = raw(real ? -kMax : static_cast<float>(lowest));
    const int at_high = raw(real ? kMax : static_cast<float>(highest));
    if (at_low != at_high) {
      const int falls = at_low > at_high ? 1 : 0;
      if (falling >= 0 && falling != falls)
        throw_error(
            "the functions of the channels before a quantizer rise and fall, allowed one "
            "direction");
      falling = falls;
    }
    const auto level = [&](float value_) {
      return at_low > at_high ? q.count - raw(value_) : raw(value_);
    };
    if (real) {
      const auto row = float_thresholds(level, q.count);
      real_table.insert(real_table.end(), row.begin(), row.end());
    } else {
      const auto row = thresholds([&](std::int32_t c) { return level(static_cast<float>(c)); },
                                  q.count, lowest, highest);
      table.insert(table.end(), row.begin(), row.end());
    }
  }
  Encoding encoding = Encoding::kInt8;
  int low = first_code(q, &encoding), step = q.step;
  if (falling == 1) {
    low += step * q.count;
    step = -step;
  }
  if (real)
    add_threshold(value.tensor, output, low, step, rows, real_table, node);
  else
    add_threshold(value.tensor, output, low, step, rows, table, node);
}

namespace {

/// Returns the encoding of weights. In groups it has at least four bits.
Encoding weights_encoding(const Product& p, const std::vector<std::int8_t>& stored) {
  const Encoding smallest = smallest_encoding(stored);
  return p.block == 0 || smallest == Encoding::kInt8 ? smallest : Encoding::kInt4;
}

}  // namespace

/// Returns rows that contain each row's channels twice.
int Emitter::beside_itself(int rows, int node) {
  std::vector<int> shape = tensor(rows).shape;
  shape.back() *= 2;
  Op op = op_of(OpKind::kConcatenation, node, {rows, rows});
  op.axis = static_cast<int>(shape.size()) - 1;
  return add_move(std::move(op), tensor(rows).name + ":twice", std::move(shape));
}

/// Adds weights of more than 8 bits: int16 with codes of a format, if they fit, otherwise int32.
int Emitter::add_wide(const Product& p, const Quantization& quantization, int output) {
  const auto [low, high] = std::ranges::minmax(p.wide);
  if (formats_ && is_wide(p.op.inputs[0]) && is_wide(output) && low >= INT16_MIN &&
      high <= INT16_MAX)
    return add_constant(p.name_of_weights(), DataType::kInt16, p.filter,
                        std::vector<std::int16_t>(p.wide.begin(), p.wide.end()), quantization);
  return add_constant(p.name_of_weights(), DataType::kInt32, p.filter, p.wide, quantization);
}

int Emitter::emit_product(const Product& p, const std::vector<std::int64_t>& bias, int output) {
  const bool depthwise = p.op.kind == OpKind::kDepthwiseConv2D;
  const auto M = static_cast<std::size_t>(p.channels);
  const std::size_t taps = p.taps();
  std::vector<std::int8_t> stored = p.weights;
  if (!p.wide.empty() && (depthwise || p.op.kind == OpKind::kTransposeConv))
    throw_error("weights of more than 8 bits, allowed in Conv of one group, Gemm and MatMul");
  if (depthwise)  // [M][R, S] -> [R, S, M]
    for (std::size_t m = 0; m < M; ++m)
      for (std::size_t i = 0; i < taps; ++i) stored[i * M + m] = p.weights[m * taps + i];

  Quantization quantization{p.scales, {}, depthwise ? 3 : 0};
  if (std::ranges::all_of(p.scales, [&](float s) { return s == p.scales[0]; }))
    quantization.scale.resize(1);
  quantization.zero_point.assign(quantization.scale.size(), p.zero_point);
  if (p.zero_point != 0 && quantization.per_channel())
    throw_error("weights with a scale for each channel and a zero point, allowed zero point 0");
  Op op = p.op;
  if (p.twice) op.inputs[0] = beside_itself(op.inputs[0], op.index);
  const auto at = op.inputs.begin() + 1;  // after the input, or the shape of a transposed one
  op.inputs.insert(
      at, !p.wide.empty()
              ? add_wide(p, quantization, output)
              : add_constant(p.name_of_weights(), DataType::kInt8, p.filter, stored, quantization,
                             p.zero_point == 0 ? weights_encoding(p, stored) : Encoding::kInt8));
  const bool narrow =
      std::ranges::all_of(bias, [](std::int64_t b) { return b >= INT32_MIN && b <= INT32_MAX; });
  if (!bias.empty())
    op.inputs.push_back(
        narrow ? add_constant(p.name + ":bias", DataType::kInt32, {static_cast<int>(M)},
                              std::vector<std::int32_t>(bias.begin(), bias.end()))
               : add_constant(p.name + ":bias", DataType::kInt64, {static_cast<int>(M)}, bias));
  if (p.block != 0) {
    if (bias.empty()) op.inputs.push_back(-1);
    const auto groups = static_cast<int>(p.factors.size() / M);
    op.inputs.push_back(add_constant(p.name + ":factors", DataType::kInt16,
                                     {static_cast<int>(M), groups}, p.factors));
    op.block = p.block;
  }
  return add_op(std::move(op), output);
}

/// Emits acc * slope + offset in real values, per channel. The scale of the weights is slope /
/// input's scale, the bias is offset / slope.
void Emitter::requantize_product(const Value& value, const Quantizer& q, int output) {
  const Product& p = *value.product;
  const auto M = static_cast<std::size_t>(p.channels);
  Product result = p;
  result.op.inputs.back() = alike(p.op.inputs.back(), q, p.op.index);
  const double input = double{tensor(p.op.inputs.back()).scale()};
  result.op.half_even = true;
  const int bits =
      of_format(tensor(output)) || of_format(tensor(result.op.inputs.back())) ? 48 : 32;
  std::vector<std::int64_t> bias;
  for (std::size_t m = 0; m < M; ++m) {
    Line line;
    line.slope = input * double{p.scales[m]} / double{p.divisor};
    if (!p.bias.empty()) line.offset = double{p.bias[m]};
    for (const Step& step : value.steps) line.add(step.step, m);
    if (line.slope == 0) {  // only the bias is left
      clear(m, &result);
      line.slope = double{q.scale};
    }
    if (line.slope < 0) {
      negate(m, &result);
      line.slope = -line.slope;
    }
    const double offset = std::nearbyint(line.offset / line.slope);
    if (!std::isfinite(line.slope) || line.slope <= 0 ||
        !(std::abs(offset) < std::ldexp(1.0, bits - 1)))
      throw_error("channel {}: slope {} and offset {} do not fit a {}-bit bias", m, line.slope,
                  line.offset, bits);
    result.scales[m] = static_cast<float>(line.slope / input);
    bias.push_back(static_cast<std::int64_t>(offset));
    clamp_codes(line, q, tensor(output), &result.op);
  }
  if (std::ranges::all_of(bias, [](std::int64_t b) { return b == 0; })) bias.clear();
  emit_product(result, bias, output);
}

void Emitter::mean(const Value& value, const Quantizer& q, int output) {
  const Op& product = value.product->op;
  const int input = alike(product.inputs[0], q, product.index);
  Op op = op_of(OpKind::kMean, product.index, {input, add_integers({1, 2})});
  op.keep_dims = true;
  add_exact(value, std::move(op), q, output, "average");
}

/// Returns true for a sum or difference of codes of one scale.
bool Emitter::has_one_scale(const Sum& sum) const {
  const Tensor &a = tensor(sum.a), &b = tensor(sum.b);
  return (sum.kind == OpKind::kAdd || sum.kind == OpKind::kSub) && a.shape == b.shape &&
         (a.rank() == 4 || a.rank() == 2) && a.has_scale_of(b) && a.type == DataType::kInt8 &&
         b.type == DataType::kInt8;
}

/// Returns true if both operands' codes have less than 8 bits.
bool Emitter::is_low_bit(const Sum& sum) const {
  return tensor(sum.a).encoding != Encoding::kInt8 && tensor(sum.b).encoding != Encoding::kInt8;
}

/// Returns the channels of the first operand followed by those of the second.
int Emitter::joined_codes(const Sum& sum) {
  const auto [entry, is_new] = both_.try_emplace({sum.a, sum.b}, -1);
  if (!is_new) return entry->second;
  const Tensor a = tensor(sum.a), b = tensor(sum.b);
  const auto levels = [](const Tensor& t) {
    const auto [low, high] = range_of(t.encoding);
    return high - low;
  };
  std::vector<int> shape = a.shape;
  shape.back() *= 2;
  Op op = op_of(OpKind::kConcatenation, sum.node, {sum.a, sum.b});
  op.axis = a.rank() - 1;
  const Encoding wider = levels(a) < levels(b) ? b.encoding : a.encoding;
  return entry->second = add_op(std::move(op), add_tensor(sum.name + ":both", DataType::kInt8,
                                                          shape, a.quantization, wider));
}

/// Returns the sum as a product of both operands' concatenated channels. Its codes stay packed, and
/// the following operators are folded into thresholds or scales.
Value Emitter::as_product(const Value& given) {
  const Sum& sum = *given.sum;
  const int codes = joined_codes(sum);
  const std::vector<int> shape = tensor(sum.a).shape;
  const bool image = shape.size() == 4;
  const int channels = shape.back();
  const auto C = static_cast<std::size_t>(channels);
  Product p;
  p.name = sum.name;
  p.op = op_of(image ? OpKind::kConv2D : OpKind::kFullyConnected, sum.node, {codes});
  p.op.padding = Padding::kValid;
  p.shape = shape;
  p.channels = channels;
  p.filter = image ? std::vector<int>{channels, 1, 1, 2 * channels}
                   : std::vector<int>{channels, 2 * channels};
  p.weights.resize(2 * C * C);
  for (std::size_t m = 0; m < C; ++m) {
    p.weights[2 * m * C + m] = 1;
    p.weights[(2 * m + 1) * C + m] = sum.kind == OpKind::kAdd ? 1 : -1;
  }
  p.scales.assign(C, 1.0f);
  Value value = given;
  value.sum = nullptr;
  value.product = std::make_shared<const Product>(std::move(p));
  return value;
}

Value Emitter::summed(const Value& given, const std::string& name, int node) {
  if (!given.sum || !given.steps.empty() || !has_one_scale(*given.sum) || !is_low_bit(*given.sum))
    return given;
  const Tensor &a = tensor(given.sum->a), &b = tensor(given.sum->b);
  const int zero = a.zero_point();
  const auto [low_a, high_a] = range_of(a.encoding);
  auto [low_b, high_b] = range_of(b.encoding);
  low_b -= zero, high_b -= zero;
  if (given.sum->kind == OpKind::kSub) std::tie(low_b, high_b) = std::pair(-high_b, -low_b);
  Quantizer q;
  q.first = low_a - zero + low_b;
  q.count = high_a - zero + high_b - q.first;
  q.scale = a.scale();
  q.nearest = true;
  q.level = [=](float x, std::size_t) {
    return std::clamp(static_cast<int>(std::nearbyint(x / q.scale)) - q.first, 0, q.count);
  };
  return quantized(given, q, name, node);
}

Op Emitter::sum_of(const Sum& sum) const {
  Op op = op_of(sum.kind, sum.node, {sum.a, sum.b});
  op.adjoint_b = sum.squares;
  if (sum.squares) op.divisor = static_cast<float>(tensor(sum.b).extent(-1));
  return op;
}

void Emitter::add_exact(const Value& value, Op op, const Quantizer& q, int output,
                        const char* what) {
  Line line;
  for (const Step& step : value.steps) line.add(step.step, 0);
  const bool scales = op.kind == OpKind::kBatchMatMul && line.slope > 0;
  const bool by_channel = std::ranges::any_of(value.steps, [](const Step& s) {
    return std::ranges::count(s.step.value, s.step.value[0]) !=
           static_cast<std::ptrdiff_t>(s.step.value.size());
  });
  if ((line.slope != 1 && !scales) || line.offset != 0 || by_channel)
    throw_error("a float operator between {} and its quantizer is not supported", what);
  if (!q.nearest)
    throw_error("{} levels of {}, allowed only for Add and Sub of one scale", q.count + 1, what);
  for (std::size_t i = 0; i < std::min<std::size_t>(op.inputs.size(), 2); ++i)
    if (int& t = op.inputs[i]; t >= 0 && tensor(t).scale() > 0) t = alike(t, q, op.index);
  if (scales) op.divisor = static_cast<float>(double{op.divisor} / line.slope);
  op.half_even = op.kind != OpKind::kNormalization;  // which has its own rounding
  clamp_codes(line, q, tensor(output), &op);
  add_op(std::move(op), output);
}

/// Returns true for LOGISTIC, TANH or SOFTMAX of int16 codes.
bool Emitter::lies_on_line(const Op& op) const {
  return op.kind == OpKind::kLogistic || op.kind == OpKind::kTanh ||
         (op.kind == OpKind::kSoftmax && is_wide(op.input(0)));
}

/// Emits the interpolated function, whose scale is 1/32768, and requantizes it if another scale is
/// needed.
void Emitter::add_line(const Value& value, const Quantizer& q, int output) {
  constexpr float kFraction = 1.0f / 32768;
  const Op& function = value.own->op;
  if (value.steps.empty() && gives_int16(q) && q.scale == kFraction) {
    add_op(function, output);
    return;
  }
  const int line = add_tensor(tensor(output).name + ":line", DataType::kInt16, tensor(output).shape,
                              {{kFraction}, {0}});
  add_op(function, line);
  Value codes = value.made(line);
  codes.steps = value.steps;
  requantize_codes(codes, q, output, function.index);
}

/// Returns a constant in the codes of a quantizer.
Value Emitter::codes_of(const Constant& c, const std::vector<Step>& steps, const Quantizer& q,
                        const std::string& name) {
  std::vector<FloatStep> all;
  for (const Step& step : steps) all.push_back(step.step);
  if (channels_of(all) > 1)
    throw_error("a constant for each channel of joined tensors, allowed one constant");
  Value value;
  value.shape = c.shape;
  if (gives_int16(q)) {
    std::vector<std::int16_t> codes;
    for (const double x : c.values)
      codes.push_back(
          static_cast<std::int16_t>(q.first + q.level(apply(all, static_cast<float>(x), 0), 0)));
    value.tensor = add_constant(name, DataType::kInt16, c.shape, codes, {{q.scale}, {0}});
    return value;
  }
  Encoding encoding = Encoding::kInt8;
  const int first = first_code(q, &encoding), zero_point = q.step == 2 ? 0 : first - q.first;
  std::vector<std::int8_t> codes;
  for (const double x : c.values)
    codes.push_back(static_cast<std::int8_t>(
        first + q.step * q.level(apply(all, static_cast<float>(x), 0), 0)));
  value.tensor =
      add_constant(name, DataType::kInt8, c.shape, codes, {{q.scale}, {zero_point}}, encoding);
  graph_.tensors.back().format = q.format;
  return value;
}

/// Quantizes each part to the codes of all parts before they are joined.
Value Emitter::joined(const Value& given, const Quantizer& q, const std::string& name) {
  const Joined& j = *given.joined;
  const bool joins = j.kind == OpKind::kConcatenation;
  if (!joins && std::ranges::any_of(given.steps, [](const Step& s) { return turns(s.step); }))
    throw_error("a decreasing function between Max or Min and its quantizer is not supported");
  std::vector<Value> parts;
  bool images = true;
  for (std::size_t i = 0; i < j.parts.size(); ++i) {
    Value part = j.parts[i];
    part.steps.insert(part.steps.end(), given.steps.begin(), given.steps.end());
    if (!part.constant) part = quantized(part, q, j.names[i] + ":scaled", j.node);
    images = images && (part.constant || part.layout == Layout::kNhwc);
    parts.push_back(std::move(part));
  }
  Value result = given;
  result.layout = images ? Layout::kNhwc : Layout::kPlain;
  result.moved = nullptr;
  std::vector<int> inputs;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ConstantPointer& c = parts[i].constant;
    if (c)
      parts[i] = codes_of(images ? as_image(*c) : *c, parts[i].steps, q, j.names[i] + ":codes");
    else if (!images)
      parts[i] = to_plain(parts[i], j.node);
    inputs.push_back(parts[i].tensor);
  }
  if (!joins)
    for (; inputs.size() > 2; inputs.erase(inputs.begin()))
      inputs[1] = add_op(op_of(j.kind, j.node, {inputs[0], inputs[1]}),
                         code_tensor(result, q, name + ":first"));
  Op op = op_of(j.kind, j.node, inputs);
  op.axis = images ? place_of(j.axis, static_cast<int>(given.shape.size())) : j.axis;
  if (!joins) op.axis = 0;
  return result.made(add_op(std::move(op), code_tensor(result, q, name)));
}

/// Returns the product of one channel's codes with one weight that has the float operators' codes.
ChannelProduct Emitter::channel_product(const Value& value, const Quantizer& q,
                                        std::size_t channel) const {
  const Tensor& from = tensor(value.tensor);
  Line line;
  line.slope = double{from.scale()};
  for (const Step& step : value.steps) line.add(step.step, channel);
  const bool of_bytes = from.type == DataType::kInt8 && !of_format(from) && !gives_int16(q) &&
                        q.format == spec::Format::kNone;
  if (line.slope == 0 || !of_bytes) return most_accurate_product(line);
  const std::vector<FloatStep> steps = steps_of(value);
  const auto [lowest, highest] = range_of(from.encoding);
  std::vector<int> levels;
  for (int code = lowest; code <= highest; ++code)
    levels.push_back(q.level(apply(steps, static_cast<float>(code), channel), channel));
  return exact_product(line, from, q, levels);
}

/// Emits codes with a constant for each channel as a product with ones.
Value Emitter::by_channels(const Value& given, const Quantizer& q, int output, int node) {
  const Tensor from = tensor(given.tensor);
  const int C = from.extent(-1);
  const std::vector<int> image = {1, 1, static_cast<int>(from.elements() / C), C};
  const bool flat = from.rank() != 4;
  Value value = given;
  Product p;
  p.name = tensor(output).name;
  p.op = op_of(OpKind::kDepthwiseConv2D, node, {value.tensor});
  if (flat) p.op.inputs[0] = add_move(op_of(OpKind::kReshape, node, {value.tensor}), "", image);
  p.op.padding = Padding::kValid;
  p.op.depth_multiplier = 1;
  p.shape = flat ? image : from.shape;
  p.channels = C;
  p.filter = {1, 1, 1, C};
  for (int c = 0; c < C; ++c) {
    const ChannelProduct product = channel_product(value, q, static_cast<std::size_t>(c));
    p.weights.push_back(product.weight);
    p.scales.push_back(product.scale);
    p.bias.push_back(product.bias);
  }
  if (std::ranges::all_of(p.bias, [](float b) { return b == 0; })) p.bias.clear();
  value.product = std::make_shared<const Product>(p);
  if (!flat) {
    requantize_product(value, q, output);
    return given.made(output);
  }
  const int rows = add_tensor(p.name, tensor(output).type, image, tensor(output).quantization);
  requantize_product(value, q, rows);
  return given.made(add_op(op_of(OpKind::kReshape, node, {rows}), output));
}

int Emitter::add_floats(int input, const std::string& name, const std::vector<FloatStep>& steps,
                        int node) {
  Op op = op_of(OpKind::kFloat, node, {input});
  op.steps = steps;
  return add_real(std::move(op), name);
}

Value Emitter::widened(Value value, int node) {
  if (!is_codes(value) || is_wide(value.tensor) || !value.steps.empty()) return value;
  const Tensor from = tensor(value.tensor);
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  op.half_even = true;
  op.code_min = INT16_MIN, op.code_max = INT16_MAX;
  value.tensor = add_op(std::move(op), add_tensor(from.name + ":int16", DataType::kInt16,
                                                  from.shape, {{from.scale()}, {0}}));
  return value;
}

/// Dequantizes int16 codes and values of a format before functions of them.
Value Emitter::dequantized(Value value, int node) {
  if (value.tensor >= 0 && !value.steps.empty() &&
      (is_wide(value.tensor) || of_format(tensor(value.tensor))))
    value.tensor = add_real(op_of(OpKind::kDequantize, node, {value.tensor}),
                            tensor(value.tensor).name + ":real");
  return value;
}

Value Emitter::reals(Value value, int node) {
  if (value.tensor < 0 || value.raw_codes)
    throw_error("its input is not the output of a quantizer and DequantizeLinear");
  value = dequantized(std::move(value), node);
  const std::vector<FloatStep> steps = steps_of(value);
  if (channels_of(steps) > 1 && !host_)
    for (const Step& step : value.steps)
      if (step.step.value.size() > 1)
        throw_error(
            "{}: a constant for each channel, allowed only on inputs of Conv, MatMul or "
            "Gemm",
            step.node);
  const std::string name = tensor(value.tensor).name;
  if (is_codes(value) && value.steps.empty())
    value.tensor = add_real(op_of(OpKind::kDequantize, node, {value.tensor}), name + ":real");
  else if (!steps.empty())
    value.tensor = add_floats(value.tensor, name + ":steps", steps, node);
  value.steps.clear();
  return value;
}

/// Emits a requantization, a function of one code in float32, or the addition of a constant of
/// codes for each channel.
void Emitter::requantize_codes(const Value& value, const Quantizer& q, int output, int node) {
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  Line line;
  const std::string name = tensor(output).name + ":addend";
  for (const Step& step : value.steps) {
    const ConstantPointer& c = step.origin;
    const bool scalar = tensor(value.tensor).rank() == 0;  // which has no functions of codes
    if (!c || c->codes.empty() || (step.step.value.size() == 1 && !scalar) ||
        op.kind != OpKind::kQuantize || line.clamped) {
      line.add(step.step, 0);
      continue;
    }
    std::vector<int> shape(tensor(value.tensor).shape.size(), 1);
    if (!shape.empty()) shape.back() = static_cast<int>(c->elements());
    require_alike(value.tensor, q);
    op = op_of(OpKind::kAdd, node,
               {value.tensor, add_code_constant(name, *c, shape, gives_int16(q))});
  }
  if (line.slope != 1 || line.offset != 0)  // a function of one code
    op = op_of(OpKind::kQuantize, node, {reals(value, node).tensor});
  else
    clamp_codes(line, q, tensor(output), &op);
  op.half_even = true;
  add_op(std::move(op), output);
}

void Emitter::quantize_floats(const Value& value, int output, int node) {
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  const std::vector<FloatStep> steps = steps_of(value);
  if (!steps.empty())
    op.inputs[0] = add_floats(value.tensor, tensor(value.tensor).name + ":steps", steps, node);
  op.half_even = true;
  add_op(std::move(op), output);
}

/// Emits a sum or a joined tensor in float32 on the host, because no quantizer follows.
Value Emitter::of_floats(const Value& given) {
  Value value = given;
  Op op;
  if (given.sum) {
    const int node = given.sum->node;
    const auto real = [&](int codes) {
      const std::string name = tensor(codes).name + ":real";
      return add_real(op_of(OpKind::kDequantize, node, {codes}), name);
    };
    op = op_of(given.sum->kind, node, {real(given.sum->a), real(given.sum->b)});
  } else {
    const Joined& j = *given.joined;
    op = op_of(j.kind, j.node);
    op.axis = j.kind == OpKind::kConcatenation ? j.axis : 0;
    for (std::size_t i = 0; i < j.parts.size(); ++i)
      op.inputs.push_back(j.parts[i].constant ? add_constant(j.names[i], *j.parts[i].constant)
                                              : floats(j.parts[i], j.names[i], j.node).tensor);
    value.layout = Layout::kPlain;
    for (; op.inputs.size() > 2 && op.axis == 0 && j.kind != OpKind::kConcatenation;
         op.inputs.erase(op.inputs.begin()))
      op.inputs[1] = add_op(op_of(j.kind, j.node, {op.inputs[0], op.inputs[1]}),
                            add_tensor("", DataType::kFloat32, given.shape));
  }
  std::vector<int> shape = lies(value.shape, value.layout);
  value = value.made(add_op(std::move(op), add_tensor("", DataType::kFloat32, shape)));
  value.steps = given.steps;
  return value;
}

Value Emitter::floats(const Value& given, const std::string& name, int node) {
  if (given.moved && !given.moved->hosted)
    return to_plain(given.moved->move(floats(before_move(given), given.moved->name, node)), node);
  Value value = given;
  if (host_ && (given.joined || (given.sum && given.sum->kind != OpKind::kBatchMatMul)))
    value = of_floats(given);
  const auto& hosted = given.moved ? given.moved->hosted
                       : given.own ? given.own->hosted
                       : given.sum ? given.sum->hosted
                                   : std::function<Value()>();
  if (host_ && hosted) {
    Value made = hosted();
    made.shape = value.shape;  // a line may have become an image, or the other way round
    made.steps = value.steps;
    value = std::move(made);
  }
  if (value.sum || value.joined || value.own || value.moved)
    throw_error(
        "Add, Sub, Mul, Concat, a reduction or a normalization of codes has no quantizer after it");
  if (value.product) {
    const Product& p = *value.product;
    if (is_wide(p.op.inputs.back()))
      throw_error("a product of int16 codes has no quantizer after it");
    value.tensor = emit_product(p, {}, add_tensor(p.name, DataType::kInt32, p.shape));
  }
  value = dequantized(std::move(value), node);
  const std::vector<FloatStep> steps = steps_of(value);
  const std::vector<int> shape = tensor(value.tensor).shape;
  const DataType type = tensor(value.tensor).type;
  const bool real =
      value.product || type == DataType::kFloat32 || is_codes(value) || type == DataType::kUInt8;
  if (!real && steps.empty()) return to_plain(value, node);  // whole numbers, truth values
  if (is_codes(value) && value.steps.empty())
    value.tensor = add_real(op_of(OpKind::kDequantize, node, {value.tensor}), name);
  else if (!steps.empty() || tensor(value.tensor).type != DataType::kFloat32)
    value.tensor = add_floats(value.tensor, name, steps, node);
  value = value.made(value.tensor);
  if (value.layout == Layout::kPlain && shape != value.shape) {  // trailing extents of 1
    value.tensor = add_op(op_of(OpKind::kReshape, node, {value.tensor}),
                          add_tensor(name, DataType::kFloat32, value.shape));
  }
  return to_plain(value, node);
}

Value Emitter::whole_numbers(Value value, const std::string& data_type, int node) {
  if (is_codes(value) && value.steps.empty()) return value;
  if (value.tensor < 0 || is_codes(value) || !value.steps.empty())
    throw_error("a matrix product reads a float operator, allowed a quantizer in between");
  value = to_nhwc(value, node);
  const Tensor from = tensor(value.tensor);
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  op.half_even = op.of_whole = true;
  value.tensor = add_op(std::move(op), add_tensor(from.name + ":codes", DataType::kInt8, from.shape,
                                                  {{1.0f}, {data_type == "UINT8" ? -128 : 0}}));
  return value;
}

}  // namespace trine::model::onnx_file
