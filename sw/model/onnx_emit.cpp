// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx_emit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace trine::model::onnx_file {
namespace {

using Kind = FloatStep::Kind;

constexpr int kMostThresholds = 15;  ///< above, codes are requantized

struct Range {
  std::int64_t low = 0, high = 0;
};

Range codes_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kBinary:
    case Encoding::kTernary:
      return {-1, 1};
    case Encoding::kInt2:
      return {-2, 1};
    case Encoding::kInt4:
      return {-8, 7};
    case Encoding::kInt8:
      break;
  }
  return {-128, 127};
}

/// What an accumulator of one channel can be: every sum of taps, border (0) included.
Range reach(const std::int8_t* weights, std::size_t taps, int weight_zero_point, Range x) {
  Range sum;
  for (std::size_t i = 0; i < taps; ++i) {
    const std::int64_t w = weights[i] - weight_zero_point;
    sum.low += std::min({w * x.low, w * x.high, std::int64_t{0}});
    sum.high += std::max({w * x.low, w * x.high, std::int64_t{0}});
  }
  return sum;
}

bool is_identity(const FloatStep& step) {
  const float neutral = step.kind == Kind::kMul || step.kind == Kind::kDiv ? 1.0f : 0.0f;
  const bool has_neutral = step.kind == Kind::kMul || step.kind == Kind::kDiv ||
                           step.kind == Kind::kAdd || step.kind == Kind::kSub;
  return has_neutral &&
         std::all_of(step.value.begin(), step.value.end(), [&](float c) { return c == neutral; });
}

void append(std::vector<FloatStep>* steps, Kind kind, std::vector<float> value) {
  if (std::all_of(value.begin(), value.end(), [&](float c) { return c == value[0]; }))
    value.resize(1);
  FloatStep step{kind, std::move(value)};
  if (!is_identity(step)) steps->push_back(std::move(step));
}

/// Where a sequence of steps is a line and then a clamp: slope * x + offset, within low..high.
struct Line {
  double slope = 1, offset = 0;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool clamped = false;

  void add(const FloatStep& step, std::size_t channel) {
    const double c = double{step.value[step.value.size() == 1 ? 0 : channel]};
    if (step.kind == Kind::kMax || step.kind == Kind::kMin) {
      clamped = true;
      (step.kind == Kind::kMax ? low : high) = c;
      return;
    }
    if (clamped) throw_error("a float operator after an activation, before an 8-bit quantizer");
    if (step.kind == Kind::kAdd) offset += c;
    if (step.kind == Kind::kSub) offset -= c;
    if (step.kind == Kind::kMul) slope *= c, offset *= c;
    if (step.kind == Kind::kDiv) slope /= c, offset /= c;
    if (step.kind == Kind::kSubFrom) slope = -slope, offset = c - offset;
  }
};

/// Narrows an operator's codes to the quantizer's and to what a clamp of real values leaves.
void clamp_codes(const Line& line, const Quantizer& q, const Tensor& output, Op* op) {
  const auto code = [&](double x) {
    const double steps = std::nearbyint(x / double{output.scale()}) + output.zero_point();
    return static_cast<int>(std::clamp(steps, -128.0, 127.0));
  };
  const int first = q.first + output.zero_point();
  op->code_min = std::max({op->code_min, first, code(line.low)});
  op->code_max = std::min({op->code_max, first + q.count, code(line.high)});
  if (op->code_min > op->code_max) throw_error("a clamp leaves no code");
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
  graph_.tensors.push_back(std::move(tensor));
  return static_cast<int>(graph_.tensors.size()) - 1;
}

template <typename T>
int Emitter::add_constant(const std::string& name, DataType type, std::vector<int> shape,
                          const std::vector<T>& values, Quantization quantization,
                          Encoding encoding) {
  const int index = add_tensor(name, type, std::move(shape), std::move(quantization), encoding);
  Tensor& tensor = graph_.tensors.back();
  tensor.is_constant = true;
  tensor.data.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return index;
}

template int Emitter::add_constant(const std::string&, DataType, std::vector<int>,
                                   const std::vector<std::int8_t>&, Quantization, Encoding);
template int Emitter::add_constant(const std::string&, DataType, std::vector<int>,
                                   const std::vector<std::int32_t>&, Quantization, Encoding);
template int Emitter::add_constant(const std::string&, DataType, std::vector<int>,
                                   const std::vector<float>&, Quantization, Encoding);

namespace {

template <typename T>
std::vector<T> as(const std::vector<double>& values) {
  std::vector<T> result;
  for (const double value : values) result.push_back(static_cast<T>(value));
  return result;
}

}  // namespace

int Emitter::add_constant(const std::string& name, const Constant& c) {
  switch (c.type) {
    case DataType::kFloat32:
      return add_constant(name, DataType::kFloat32, c.shape, as<float>(c.values));
    case DataType::kInt64:
      return add_constant(name, DataType::kInt64, c.shape, as<std::int64_t>(c.values));
    case DataType::kBool:
      return add_constant(name, DataType::kBool, c.shape, as<std::uint8_t>(c.values));
    default:  // of at most 32 bits
      return add_constant(name, DataType::kInt32, c.shape, as<std::int32_t>(c.values));
  }
}

int Emitter::add_op(Op op, int output) {
  op.outputs = {output};
  graph_.ops.push_back(std::move(op));
  return output;
}

Value Emitter::to_nhwc(Value value, int node) {
  if (!images_ || value.layout != Layout::kPlain || value.shape.size() != 4 || value.tensor < 0)
    return value;
  const Tensor& from = tensor(value.tensor);
  const int N = value.shape[0], C = value.shape[1], H = value.shape[2], W = value.shape[3];
  const int output =
      add_tensor(from.name + ":nhwc", from.type, {N, H, W, C}, from.quantization, from.encoding);
  if (C == 1 || H * W == 1) {
    add_op(op_of(OpKind::kReshape, node, {value.tensor}), output);
  } else {
    const int order = add_constant<std::int32_t>("", DataType::kInt32, {4}, {0, 2, 3, 1});
    add_op(op_of(OpKind::kTranspose, node, {value.tensor, order}), output);
  }
  value.tensor = output;
  value.layout = Layout::kNhwc;
  value.channel_axis = 1;
  return value;
}

Value Emitter::to_plain(Value value, int node) {
  if (value.layout == Layout::kPlain) return value;
  const auto moved = [&](OpKind kind, std::vector<int> shape, std::vector<int> order) {
    const Tensor from = tensor(value.tensor);
    std::vector<int> inputs = {value.tensor};
    if (!order.empty()) inputs.push_back(add_constant("", DataType::kInt32, {4}, order));
    value.tensor = add_op(
        op_of(kind, node, inputs),
        add_tensor(from.name, from.type, std::move(shape), from.quantization, from.encoding));
  };
  const bool flat = value.layout == Layout::kFlat;
  const int N = value.shape[0];
  const std::vector<int> image =
      flat ? value.image : std::vector<int>(value.shape.begin() + 1, value.shape.end());
  const int C = image[0], H = image[1], W = image[2];
  if (flat && C != 1 && H * W != 1) moved(OpKind::kReshape, {N, H, W, C}, {});
  if (C != 1 && H * W != 1) moved(OpKind::kTranspose, {N, C, H, W}, {0, 3, 1, 2});
  if (tensor(value.tensor).shape != value.shape) moved(OpKind::kReshape, value.shape, {});
  value.layout = Layout::kPlain;
  return value;
}

std::vector<FloatStep> Emitter::steps_of(const Value& value) const {
  std::vector<FloatStep> steps;
  if (value.product) {
    const Product& p = *value.product;
    const float input = tensor(p.op.inputs[0]).scale();
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

/// 1, or the number of channels where a step has a constant for each.
std::size_t Emitter::step_channels(const std::vector<FloatStep>& steps) const {
  std::size_t channels = 1;
  for (const FloatStep& step : steps) channels = std::max(channels, step.value.size());
  return channels;
}

/// The narrowest encoding for a quantizer's levels, and the code of level 0: without a zero point
/// where the encoding has the levels as they are, else its lowest code.
int Emitter::first_code(const Quantizer& q, Encoding* encoding) const {
  const int last = q.first + q.count * q.step;
  if (q.step == 2) {
    *encoding = Encoding::kBinary;
    return q.first;
  }
  for (const Encoding e : {Encoding::kTernary, Encoding::kInt2, Encoding::kInt4, Encoding::kInt8}) {
    *encoding = e;
    if (holds(e, q.first) && holds(e, last)) return q.first;
    const int lowest = static_cast<int>(codes_of(e).low);
    if (e != Encoding::kTernary && holds(e, lowest + q.count)) return lowest;
  }
  throw_error("{} levels, allowed 2..256", q.count + 1);
}

int Emitter::code_tensor(const Value& value, const Quantizer& q, const std::string& name) {
  Encoding encoding = Encoding::kInt8;
  const int first = first_code(q, &encoding);
  std::vector<int> shape = value.shape;  // of a sum
  if (value.layout == Layout::kNhwc) shape = {shape[0], shape[2], shape[3], shape[1]};
  if (value.tensor >= 0) shape = tensor(value.tensor).shape;
  if (value.product) shape = value.product->shape;
  Quantization quantization;
  quantization.scale = {q.scale};
  quantization.zero_point = {q.step == 2 ? 0 : first - q.first};
  if (quantization.zero_point[0] < -128 || quantization.zero_point[0] > 127)
    throw_error("zero point {}, allowed -128..127", quantization.zero_point[0]);
  return add_tensor(name, DataType::kInt8, shape, quantization, encoding);
}

/// What is moved, with the float operators that follow the move.
Value Emitter::before_move(const Value& value) {
  Value from = value.moved->from;
  from.steps.insert(from.steps.end(), value.steps.begin(), value.steps.end());
  return from;
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
  const bool few = q.count <= kMostThresholds;
  const Value value = given.tensor >= 0 ? to_nhwc(given, node) : given;
  Value result = value;
  result.product = nullptr;
  result.sum = nullptr;
  result.joined = nullptr;
  result.norm = nullptr;
  result.steps.clear();
  const bool is_float = value.tensor >= 0 && !is_codes(value);
  if (!few && !q.nearest && !is_float)
    throw_error("{} levels and rounding other than to the nearest", q.count + 1);
  const int output = code_tensor(value, q, name);
  result.tensor = output;
  const Tensor& t = tensor(output);
  if (is_codes(value) && value.steps.empty() && tensor(value.tensor).scale() == t.scale() &&
      tensor(value.tensor).zero_point() == t.zero_point() && q.count == 255) {
    graph_.tensors.pop_back();  // the codes come back as they are
    return value;
  }
  if (value.product && few)
    threshold_product(value, q, output);
  else if (value.product && value.product->is_mean)
    mean(value, q, output);
  else if (value.product)
    requantize_product(value, q, output);
  else if (value.sum)
    add_codes(value, q, output);
  else if (value.joined)
    join_codes(value, q, output);
  else if (value.norm)
    normalize_codes(value, q, output);
  else if (few || (is_float && (!q.nearest || q.count != 255)))
    threshold_tensor(value, q, output, node);
  else
    requantize_codes(value, q, output, node);
  return result;
}

void Emitter::add_threshold(int input, int output, int low, int step, std::size_t rows,
                            const std::vector<std::int32_t>& table, int node) {
  const int K = static_cast<int>(table.size() / rows);
  const int constant = add_constant(tensor(output).name + ":thresholds", DataType::kInt32,
                                    {static_cast<int>(rows), K}, table);
  Op op = op_of(OpKind::kThreshold, node, {input, constant});
  op.low = low;
  op.step = step;
  add_op(std::move(op), output);
}

int Emitter::threshold_product(const Value& value, const Quantizer& q, int output) {
  const Product& p = *value.product;
  const std::vector<FloatStep> steps = steps_of(value);
  const Tensor& input = tensor(p.op.inputs[0]);
  Range x = codes_of(input.encoding);
  x.low -= input.zero_point();
  x.high -= input.zero_point();

  const auto M = static_cast<std::size_t>(p.channels);
  const std::size_t taps = p.weights.size() / M;
  std::vector<std::int8_t> weights = p.weights;
  std::vector<std::int32_t> table;
  for (std::size_t m = 0; m < M; ++m) {
    Range range = reach(&weights[m * taps], taps, p.zero_point, x);
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
      for (std::size_t i = m * taps; i < (m + 1) * taps; ++i) {
        if (p.zero_point != 0 || weights[i] == -128)
          throw_error("weight -128 or a zero point in channel {}, whose slope is negative", m);
        weights[i] = static_cast<std::int8_t>(-weights[i]);
      }
    }
    const auto row = thresholds(level, q.count, static_cast<std::int32_t>(range.low),
                                static_cast<std::int32_t>(range.high));
    table.insert(table.end(), row.begin(), row.end());
  }
  const int acc = add_tensor(p.name, DataType::kInt32, p.shape);
  emit_product(p, weights, p.scales, {}, acc);
  Encoding encoding = Encoding::kInt8;
  add_threshold(acc, output, first_code(q, &encoding), q.step, M, table, p.op.index);
  return output;
}

/// Thresholds on codes or floats. A falling function counts down: there are no weights to negate.
int Emitter::threshold_tensor(const Value& value, const Quantizer& q, int output, int node) {
  const std::vector<FloatStep> steps = steps_of(value);
  const Tensor input = tensor(value.tensor);
  const bool real = input.type == DataType::kFloat32;
  const std::size_t rows =
      step_channels(steps) > 1 || !value.steps.empty() ? step_channels(steps) : 1;
  const Range x = codes_of(input.encoding);
  std::vector<std::int32_t> table;
  std::vector<float> real_table;
  int falling = -1;  // not known yet
  for (std::size_t m = 0; m < rows; ++m) {
    const auto raw = [&](float value_) { return q.level(apply(steps, value_, m), m); };
    constexpr float kMax = std::numeric_limits<float>::max();
    const int at_low = real ? raw(-kMax) : raw(static_cast<float>(x.low));
    const int at_high = real ? raw(kMax) : raw(static_cast<float>(x.high));
    if (at_low != at_high) {
      const int falls = at_low > at_high ? 1 : 0;
      if (falling >= 0 && falling != falls) throw_error("slopes of both signs before a quantizer");
      falling = falls;
    }
    const auto level = [&](float value_) {
      return at_low > at_high ? q.count - raw(value_) : raw(value_);
    };
    if (real) {
      const auto row = float_thresholds(level, q.count);
      real_table.insert(real_table.end(), row.begin(), row.end());
    } else {
      const auto row =
          thresholds([&](std::int32_t c) { return level(static_cast<float>(c)); }, q.count,
                     static_cast<std::int32_t>(x.low), static_cast<std::int32_t>(x.high));
      table.insert(table.end(), row.begin(), row.end());
    }
  }
  Encoding encoding = Encoding::kInt8;
  int low = first_code(q, &encoding), step = q.step;
  if (falling == 1) {
    low += step * q.count;
    step = -step;
  }
  if (!real) {
    add_threshold(value.tensor, output, low, step, rows, table, node);
    return output;
  }
  const int constant = add_tensor(tensor(output).name + ":thresholds", DataType::kFloat32,
                                  {static_cast<int>(rows), q.count});
  Tensor& t = graph_.tensors.back();
  t.is_constant = true;
  t.data.resize(real_table.size() * sizeof(float));
  std::memcpy(t.data.data(), real_table.data(), t.data.size());
  Op op = op_of(OpKind::kThreshold, node, {value.tensor, constant});
  op.low = low;
  op.step = step;
  add_op(std::move(op), output);
  return output;
}

int Emitter::emit_product(const Product& p, const std::vector<std::int8_t>& weights,
                          std::vector<float> scales, const std::vector<std::int32_t>& bias,
                          int output) {
  const bool depthwise = p.op.kind == OpKind::kDepthwiseConv2D;
  const auto M = static_cast<std::size_t>(p.channels);
  const std::size_t taps = weights.size() / M;
  std::vector<std::int8_t> stored = weights;
  if (depthwise)  // [M][R, S] -> [R, S, M]
    for (std::size_t m = 0; m < M; ++m)
      for (std::size_t i = 0; i < taps; ++i) stored[i * M + m] = weights[m * taps + i];

  if (std::all_of(scales.begin(), scales.end(), [&](float s) { return s == scales[0]; }))
    scales.resize(1);
  Quantization quantization;
  quantization.scale = std::move(scales);
  quantization.zero_point.assign(quantization.scale.size(), p.zero_point);
  quantization.axis = depthwise ? 3 : 0;
  if (p.zero_point != 0 && quantization.per_channel())
    throw_error("weights with a zero point and a scale for each channel");
  Op op = p.op;
  op.inputs.push_back(
      add_constant(p.name + ":weights", DataType::kInt8, p.filter, stored, quantization,
                   p.zero_point == 0 ? smallest_encoding(stored) : Encoding::kInt8));
  if (!bias.empty())
    op.inputs.push_back(
        add_constant(p.name + ":bias", DataType::kInt32, {static_cast<int>(M)}, bias));
  return add_op(std::move(op), output);
}

/// acc * slope + offset in real values, per channel: the weights' scale is slope / input's scale,
/// the bias offset / slope.
void Emitter::requantize_product(const Value& value, const Quantizer& q, int output) {
  const Product& p = *value.product;
  const double input = double{tensor(p.op.inputs[0]).scale()};
  const auto M = static_cast<std::size_t>(p.channels);
  const std::size_t taps = p.weights.size() / M;
  Product result = p;
  result.op.half_even = true;
  std::vector<std::int32_t> bias;
  bool any_bias = false;
  for (std::size_t m = 0; m < M; ++m) {
    Line line;
    line.slope = input * double{p.scales[m]} / double{p.divisor};
    if (!p.bias.empty()) line.offset = double{p.bias[m]};
    for (const Step& step : value.steps) line.add(step.step, m);
    if (line.slope < 0) {
      for (std::size_t i = m * taps; i < (m + 1) * taps; ++i) {
        if (p.zero_point != 0 || result.weights[i] == -128)
          throw_error("weight -128 or a zero point in channel {}, whose slope is negative", m);
        result.weights[i] = static_cast<std::int8_t>(-result.weights[i]);
      }
      line.slope = -line.slope;
    }
    const double offset = std::nearbyint(line.offset / line.slope);
    if (!std::isfinite(line.slope) || line.slope <= 0 || !(std::abs(offset) < 0x1p31))
      throw_error("channel {}: slope {} and offset {} do not fit a 32-bit bias", m, line.slope,
                  line.offset);
    result.scales[m] = static_cast<float>(line.slope / input);
    bias.push_back(static_cast<std::int32_t>(offset));
    any_bias = any_bias || offset != 0;
    clamp_codes(line, q, tensor(output), &result.op);
  }
  if (!any_bias) bias.clear();
  const std::vector<float> scales = result.scales;
  emit_product(result, result.weights, scales, bias, output);
}

void Emitter::mean(const Value& value, const Quantizer& q, int output) {
  const Product& p = *value.product;
  Line line;
  for (const Step& step : value.steps) line.add(step.step, 0);
  if (line.slope != 1 || line.offset != 0)
    throw_error("a float operator between average and quantizer");
  const int axes = add_constant<std::int32_t>("", DataType::kInt32, {2}, {1, 2});
  Op op = op_of(OpKind::kMean, p.op.index, {p.op.inputs[0], axes});
  op.keep_dims = true;
  op.half_even = true;
  clamp_codes(line, q, tensor(output), &op);
  add_op(std::move(op), output);
}

void Emitter::add_codes(const Value& value, const Quantizer& q, int output) {
  Line line;
  for (const Step& step : value.steps) line.add(step.step, 0);
  if (line.slope != 1 || line.offset != 0)
    throw_error("a float operator between Add, Sub, Mul or MatMul and quantizer");
  Op op = op_of(value.sum->kind, value.sum->node, {value.sum->a, value.sum->b});
  op.half_even = true;
  clamp_codes(line, q, tensor(output), &op);
  add_op(std::move(op), output);
}

void Emitter::normalize_codes(const Value& value, const Quantizer& q, int output) {
  Line line;
  for (const Step& step : value.steps) line.add(step.step, 0);
  if (line.slope != 1 || line.offset != 0)
    throw_error("a float operator between a normalization and quantizer");
  Op op = *value.norm;
  clamp_codes(line, q, tensor(output), &op);
  add_op(std::move(op), output);
}

/// Each part has the scale of all before they are joined.
void Emitter::join_codes(const Value& value, const Quantizer& q, int output) {
  if (!value.steps.empty() || q.count != 255)
    throw_error("a float operator or a low-bit quantizer behind Concat");
  Op op = op_of(OpKind::kConcatenation, value.joined->node);
  op.axis = value.joined->axis;
  for (const int part : value.joined->parts)
    op.inputs.push_back(requantized(part, output, value.joined->node));
  add_op(std::move(op), output);
}

int Emitter::requantized(int codes, int like, int node) {
  const Tensor from = tensor(codes), to = tensor(like);
  if (from.scale() == to.scale() && from.zero_point() == to.zero_point()) return codes;
  Op op = op_of(OpKind::kQuantize, node, {codes});
  op.half_even = true;
  return add_op(std::move(op),
                add_tensor(from.name + ":scaled", DataType::kInt8, from.shape, to.quantization));
}

int Emitter::add_floats(int input, const std::vector<FloatStep>& steps, int node) {
  Op op = op_of(OpKind::kFloat, node, {input});
  op.steps = steps;
  return add_op(std::move(op),
                add_tensor(tensor(input).name + ":steps", DataType::kFloat32, tensor(input).shape));
}

Value Emitter::reals(Value value, int node) {
  if (value.tensor < 0 || value.raw_codes)
    throw_error("of what no quantizer and DequantizeLinear made");
  value = to_nhwc(std::move(value), node);
  const std::vector<FloatStep> steps = steps_of(value);
  if (step_channels(steps) > 1 && !host_)
    for (const Step& step : value.steps)
      if (step.step.value.size() > 1)
        throw_error(
            "{}: a constant for each channel of codes that no Conv, MatMul or Gemm takes in",
            step.node);
  if (is_codes(value) && value.steps.empty())
    value.tensor = add_op(op_of(OpKind::kDequantize, node, {value.tensor}),
                          add_tensor(tensor(value.tensor).name + ":real", DataType::kFloat32,
                                     tensor(value.tensor).shape));
  else if (!steps.empty())
    value.tensor = add_floats(value.tensor, steps, node);
  value.steps.clear();
  return value;
}

/// Floats to codes, codes to codes of another scale, or codes plus a constant of codes.
void Emitter::requantize_codes(const Value& value, const Quantizer& q, int output, int node) {
  if (!is_codes(value)) {
    int input = value.tensor;
    const std::vector<FloatStep> steps = steps_of(value);
    if (!steps.empty()) input = add_floats(input, steps, node);
    Op op = op_of(OpKind::kQuantize, node, {input});
    op.half_even = true;
    add_op(std::move(op), output);
    return;
  }
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  Line line;
  for (const Step& step : value.steps) {
    const ConstantPointer& c = step.origin;
    const bool plain_add = c && !c->codes.empty() && op.kind == OpKind::kQuantize && !line.clamped;
    if (!plain_add) {
      line.add(step.step, 0);
      continue;
    }
    std::vector<std::int8_t> codes;
    for (const std::int32_t code : c->codes) {
      if (code < -128 || code > 127 || c->scales[0] != c->scales[codes.size()] ||
          c->zero_points[0] != c->zero_points[codes.size()])
        throw_error("a constant that is not int8 with one scale is added to codes");
      codes.push_back(static_cast<std::int8_t>(code));
    }
    std::vector<int> shape(tensor(value.tensor).shape.size(), 1);
    shape.back() = static_cast<int>(codes.size());
    Quantization quantization;
    quantization.scale = {c->scales[0]};
    quantization.zero_point = {c->zero_points[0]};
    const int constant =
        add_constant(tensor(output).name + ":addend", DataType::kInt8, shape, codes, quantization);
    op = op_of(OpKind::kAdd, node, {value.tensor, constant});
  }
  if (line.slope != 1 || line.offset != 0) {
    const Value real = reals(value, node);  // a function of one code
    op = op_of(OpKind::kQuantize, node, {real.tensor});
    op.half_even = true;
    add_op(std::move(op), output);
    return;
  }
  op.half_even = true;
  clamp_codes(line, q, tensor(output), &op);
  add_op(std::move(op), output);
}

/// A sum or what is joined, in float32 on the host: no quantizer follows.
Value Emitter::of_floats(const Value& given) {
  const int node = given.sum ? given.sum->node : given.joined->node;
  const auto real = [&](int codes) {
    return add_op(
        op_of(OpKind::kDequantize, node, {codes}),
        add_tensor(tensor(codes).name + ":real", DataType::kFloat32, tensor(codes).shape));
  };
  Op op;
  if (given.sum) {
    op = op_of(given.sum->kind, node, {real(given.sum->a), real(given.sum->b)});
  } else {
    op = op_of(OpKind::kConcatenation, node);
    op.axis = given.joined->axis;
    for (const int part : given.joined->parts) op.inputs.push_back(real(part));
  }
  std::vector<int> shape = given.shape;
  if (given.layout == Layout::kNhwc) shape = {shape[0], shape[2], shape[3], shape[1]};
  Value value = given;
  value.sum = nullptr;
  value.joined = nullptr;
  value.tensor = add_op(std::move(op), add_tensor("", DataType::kFloat32, shape));
  return value;
}

Value Emitter::floats(const Value& given, const std::string& name, int node) {
  if (given.moved)
    return to_plain(given.moved->move(floats(before_move(given), given.moved->name, node)), node);
  Value value = given;
  if (host_ && (given.joined || (given.sum && given.sum->kind != OpKind::kBatchMatMul)))
    value = of_floats(given);
  if (value.sum || value.joined || value.norm)
    throw_error("Add, Sub, Mul, Concat or a normalization of codes meets no quantizer");
  if (value.product) {
    const Product& p = *value.product;
    value.tensor =
        emit_product(p, p.weights, p.scales, {}, add_tensor(p.name, DataType::kInt32, p.shape));
  }
  std::vector<FloatStep> steps = steps_of(value);
  const std::vector<int> shape = tensor(value.tensor).shape;
  if (is_codes(value) && value.steps.empty()) {
    steps.clear();
    value.tensor = add_op(op_of(OpKind::kDequantize, node, {value.tensor}),
                          add_tensor(name, DataType::kFloat32, shape));
  }
  if (!steps.empty() || tensor(value.tensor).type != DataType::kFloat32) {
    Op op = op_of(OpKind::kFloat, node, {value.tensor});
    op.steps = steps;
    value.tensor = add_op(std::move(op), add_tensor(name, DataType::kFloat32, shape));
  }
  value.product = nullptr;
  value.steps.clear();
  if (value.layout == Layout::kPlain && shape != value.shape) {  // trailing extents of 1
    value.tensor = add_op(op_of(OpKind::kReshape, node, {value.tensor}),
                          add_tensor(name, DataType::kFloat32, value.shape));
  }
  return to_plain(value, node);
}

Value Emitter::whole_numbers(Value value, const std::string& data_type, int node) {
  if (is_codes(value) && value.steps.empty()) return value;
  if (value.tensor < 0 || is_codes(value) || !value.steps.empty())
    throw_error("float operators without a quantizer before a matrix product");
  value = to_nhwc(value, node);
  const Tensor from = tensor(value.tensor);
  Quantization quantization;
  quantization.scale = {1.0f};
  quantization.zero_point = {data_type == "UINT8" ? -128 : 0};
  Op op = op_of(OpKind::kQuantize, node, {value.tensor});
  op.half_even = true;
  value.tensor = add_op(
      std::move(op), add_tensor(from.name + ":codes", DataType::kInt8, from.shape, quantization));
  return value;
}

}  // namespace trine::model::onnx_file
