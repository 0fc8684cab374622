// SPDX-License-Identifier: Apache-2.0
//
// TOSA files in the form of exporters: int8 operators, products and sums of int32 with their
// RESCALE, one CLAMP or several. The text passes through the importer, which joins operators. The
// expected outputs come from the operators one by one (sw/host/tosa/evaluate.h).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "sw/base/index.h"
#include "sw/base/json.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/import/import.h"
#include "sw/model/tosa/file.h"
#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

using host::tosa::Attributes;
using host::tosa::Node;
using model::DataType;
using Shape = std::vector<int>;
using Values = std::vector<std::int64_t>;

std::int64_t elements_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

const char* type_name(DataType type) {
  return type == DataType::kInt8 ? "INT8" : type == DataType::kInt16 ? "INT16" : "INT32";
}

/// Converts numbers to bytes, the low byte first.
std::vector<std::uint8_t> to_bytes(const Values& values, DataType type) {
  std::vector<std::uint8_t> bytes;
  for (const std::int64_t value : values)
    for (int i = 0; i < model::bytes_of(type); ++i)
      bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  return bytes;
}

/// A file that grows operator by operator. Shapes are int64 constants.
class TosaFile {
 public:
  int input(const Shape& shape) {
    inputs_.push_back(add(DataType::kInt8, shape, {}));
    return inputs_.back();
  }

  int constant(DataType type, const Shape& shape, const Values& values) {
    return add(type, shape, values);
  }
  int number(DataType type, std::int64_t value) { return add(type, {1}, {value}); }
  int list(const Values& values) {
    return add(DataType::kInt64, {static_cast<int>(values.size())}, values);
  }

  int op(const std::string& type, const std::vector<int>& operands, const Attributes& attributes,
         DataType out, const Shape& shape) {
    const int made = add(out, shape, {});
    ops_.push_back({type, attributes, operands, made});
    return made;
  }

  /// Returns a copy, because tensors move as the file grows.
  Shape shape(int t) const { return tensors_[at(t)].shape; }
  bool has_operators() const { return !ops_.empty(); }

  std::string to_text() const {
    Json tensors = Json::array(), shapes = Json::array(), ops = Json::array();
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      const Tensor& from = tensors_[t];
      const std::string name = name_of(static_cast<int>(t));
      const auto data = to_bytes(from.values, from.type);
      if (from.type == DataType::kInt64)
        shapes.push_back({{"name", name}, {"rank", from.shape[0]}, {"data", data}});
      else
        tensors.push_back({{"name", name},
                           {"shape", from.shape},
                           {"type", type_name(from.type)},
                           {"data", data}});
      if (from.values.empty()) continue;
      ops.push_back({{"op", from.type == DataType::kInt64 ? "CONST_SHAPE" : "CONST"},
                     {"inputs", Json::array()},
                     {"outputs", {name}}});
    }
    for (const Made& op : ops_)
      ops.push_back({{"op", op.type},
                     {"attribute", attributes_of(op)},
                     {"inputs", names_of(op.inputs)},
                     {"outputs", names_of({op.output})}});
    const Json block{{"name", "main"},
                     {"operators", ops},
                     {"tensors", tensors},
                     {"shapes", shapes},
                     {"inputs", names_of(inputs_)},
                     {"outputs", names_of(outputs())}};
    const Json region{{"name", "main"}, {"blocks", Json::array({block})}};
    return exact_json_text(
        Json{{"version", {{"_major", 1}, {"_minor", 0}, {"_patch", 0}, {"_draft", false}}},
             {"regions", Json::array({region})}});
  }

  /// Runs each operator separately.
  std::vector<Array> run(const std::vector<Array>& inputs) const {
    std::vector<Values> values;
    for (const Tensor& t : tensors_) values.push_back(t.values);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (const std::uint8_t byte : inputs.at(i).bytes)
        values[at(inputs_[i])].push_back(static_cast<std::int8_t>(byte));
    for (const Made& op : ops_) {
      const Tensor& out = tensors_[at(op.output)];
      Node node{op.type, op.attributes, {}, out.type, out.shape};
      for (const int t : op.inputs)
        node.inputs.push_back({tensors_[at(t)].type, tensors_[at(t)].shape, values[at(t)]});
      values[at(op.output)] = host::tosa::run(node);
    }
    std::vector<Array> result;
    for (const int t : outputs()) {
      const Tensor& from = tensors_[at(t)];
      result.push_back({from.type == DataType::kInt8 ? "i1" : "i4",
                        {from.shape.begin(), from.shape.end()},
                        to_bytes(values[at(t)], from.type)});
    }
    return result;
  }

 private:
  struct Tensor {
    DataType type;
    Shape shape;
    Values values;  ///< of a constant
  };
  struct Made {
    std::string type;
    Attributes attributes;  ///< in the reader's form
    std::vector<int> inputs;
    int output;
  };

  int add(DataType type, const Shape& shape, const Values& values) {
    tensors_.push_back({type, shape, values});
    return static_cast<int>(tensors_.size()) - 1;
  }

  /// Returns the results that no operator reads.
  std::vector<int> outputs() const {
    std::vector<bool> read(tensors_.size());
    for (const Made& op : ops_)
      for (const int t : op.inputs) read[at(t)] = true;
    std::vector<int> unread;
    for (const Made& op : ops_)
      if (!read[at(op.output)]) unread.push_back(op.output);
    return unread;
  }

  static std::string name_of(int t) { return fmt::format("t{}", t); }
  static Json names_of(const std::vector<int>& tensors) {
    Json names = Json::array();
    for (const int t : tensors) names.push_back(name_of(t));
    return names;
  }

  /// Formats attributes: bounds of CLAMP are bytes, flags are true or false.
  static Json attributes_of(const Made& op) {
    Json json = Json::object();
    for (const auto& [name, values] : op.attributes) {
      if (name == "min_val" || name == "max_val")
        json[name] = Json::array({values[0] & 0xff});
      else if (name == "axis" || name == "rounding_mode" || name == "mode" || name == "acc_type")
        json[name] = values[0];
      else if (op.type == "RESCALE")
        json[name] = values[0] != 0;
      else
        json[name] = values;
    }
    return json;
  }

  std::vector<Tensor> tensors_;
  std::vector<Made> ops_;
  std::vector<int> inputs_;
};

class Tosa {
 public:
  explicit Tosa(Builder& b) : b_(b) {
    for (int n = 0; more(b, n, 1, 2); ++n)
      maps_.push_back(file_->input({1, extent(b, 14), extent(b, 14), extent(b, 24)}));
  }

  void add_operator() {
    using Make = int (Tosa::*)(int);
    static const std::vector<Make> kMakes{
        &Tosa::convolution, &Tosa::sum,       &Tosa::times,   &Tosa::depthwise, &Tosa::pool,
        &Tosa::clamps,      &Tosa::table,     &Tosa::pad,     &Tosa::slice,     &Tosa::concat,
        &Tosa::reverse,     &Tosa::transpose, &Tosa::matmul,  &Tosa::tile,      &Tosa::reduce,
        &Tosa::convolution, &Tosa::nearest,   &Tosa::reshape, &Tosa::transposed};
    const int x = recent(b_, maps_);
    const int made = (this->*any(b_, kMakes))(x);
    if (made >= 0) maps_.push_back(made);
  }

  const std::shared_ptr<TosaFile>& file() const { return file_; }

 private:
  Shape shape(int t) const { return file_->shape(t); }
  int zero() { return once_in(b_, 2) ? b_.number(-128, 127) : 0; }
  int zero_point(int value) { return file_->number(DataType::kInt8, value); }
  int codes(const Shape& shape) {
    Values values;
    for (std::int64_t i = elements_of(shape); i > 0; --i) values.push_back(b_.content(-127, 127));
    return file_->constant(DataType::kInt8, shape, values);
  }

  /// Rescales sums with this deviation to an eight-bit code.
  int rescaled(int sums, double deviation, int channels = 1) {
    Values multipliers, shifts;
    const int shift = std::clamp(
        30 + static_cast<int>(std::lround(std::log2(deviation / 40))) + b_.number(0, 2) - 1, 2, 62);
    for (int c = 0; c < channels; ++c) {
      multipliers.push_back((std::int64_t{1} << 30) + b_.content(0, (1 << 30) - 1));
      shifts.push_back(shift);
    }
    return clamped(rescale(sums, multipliers, shifts, 0, zero(), DataType::kInt8));
  }

  int rescale(int from, const Values& multipliers, const Values& shifts, int before, int after,
              DataType to) {
    const int count = static_cast<int>(multipliers.size());
    const DataType in = to == DataType::kInt8 ? DataType::kInt32 : DataType::kInt8;
    return file_->op(
        "RESCALE",
        {from, file_->constant(DataType::kInt32, {count}, multipliers),
         file_->constant(DataType::kInt8, {count}, shifts), file_->number(in, before),
         file_->number(to, after)},
        {{"scale32", {1}},
         {"rounding_mode", {double_ ? host::tosa::kDoubleRound : host::tosa::kSingleRound}},
         {"per_channel", {count > 1 ? 1 : 0}},
         {"input_unsigned", {0}},
         {"output_unsigned", {0}}},
        to, shape(from));
  }

  /// Adds no CLAMP, one, or several in a row, whose bounds need not overlap.
  int clamped(int x) {
    for (int n = b_.number(0, 3); n > 0; --n) {
      int low = b_.number(0, 255) - 128, high = b_.number(0, 255) - 128;
      if (low > high) std::swap(low, high);
      if (once_in(b_, 2)) low = -128;
      x = file_->op("CLAMP", {x}, {{"min_val", {low, 1}}, {"max_val", {high, 1}}}, DataType::kInt8,
                    shape(x));
    }
    return x;
  }

  int clamps(int x) { return clamped(x); }

  /// Draws padding such that the windows cover the whole input.
  Values sides(const Shape& in, int R, int S, int stride_h, int stride_w) {
    const auto of = [&](int extent, int taps, int stride, std::int64_t& before,
                        std::int64_t& behind) {
      before = b_.number(0, taps - 1);
      behind = b_.number(0, taps - 1);
      while (extent + before + behind < taps || (extent + before + behind - taps) % stride != 0)
        ++behind;
    };
    Values pad(4);
    of(in[1], R, stride_h, pad[0], pad[1]);
    of(in[2], S, stride_w, pad[2], pad[3]);
    return pad;
  }

  static int windows(int extent, std::int64_t pads, int taps, int stride) {
    return (extent + static_cast<int>(pads) - taps) / stride + 1;
  }

  int window(int x, bool depthwise) {
    const Shape in = shape(x);
    const int R = b_.number(1, 3), S = b_.number(1, 3), stride_h = b_.number(1, 2),
              stride_w = b_.number(1, 2);
    const int M = depthwise ? in[3] : extent(b_, 24);
    const Values pad = sides(in, R, S, stride_h, stride_w);
    const int w = depthwise ? codes({R, S, in[3], 1}) : codes({M, R, S, in[3]});
    const int sums = file_->op(
        depthwise ? "DEPTHWISE_CONV2D" : "CONV2D",
        {x, w, bias(M), zero_point(zero()), zero_point(0)},
        {{"pad", pad}, {"stride", {stride_h, stride_w}}, {"dilation", {1, 1}}, {"acc_type", {5}}},
        DataType::kInt32,
        {1, windows(in[1], pad[0] + pad[1], R, stride_h),
         windows(in[2], pad[2] + pad[3], S, stride_w), M});
    return rescaled(sums, 5400 * std::sqrt(R * S * (depthwise ? 1 : in[3])),
                    once_in(b_, 2) ? M : 1);
  }
  int convolution(int x) { return window(x, false); }
  int depthwise(int x) { return window(x, true); }

  int transposed(int x) {
    const Shape in = shape(x);
    const int R = b_.number(1, 3), S = b_.number(1, 3), stride_h = b_.number(1, 2),
              stride_w = b_.number(1, 2), M = extent(b_, 12);
    const int sums =
        file_->op("TRANSPOSE_CONV2D",
                  {x, codes({M, R, S, in[3]}), bias(M), zero_point(zero()), zero_point(0)},
                  {{"out_pad", {0, 0, 0, 0}}, {"stride", {stride_h, stride_w}}, {"acc_type", {5}}},
                  DataType::kInt32, {1, (in[1] - 1) * stride_h + R, (in[2] - 1) * stride_w + S, M});
    return rescaled(sums, 5400 * std::sqrt(R * S * in[3]));
  }

  int bias(int channels) {
    Values values;
    for (int c = 0; c < channels; ++c) values.push_back(b_.content(-20000, 20000));
    return file_->constant(DataType::kInt32, {channels}, values);
  }

  /// Returns another map of the same shape, or one code for each channel.
  int other(int x) {
    for (const int t : maps_)
      if (t != x && shape(t) == shape(x) && !once_in(b_, 3)) return t;
    if (!once_in(b_, 3)) return file_->input(shape(x));
    Shape channels(shape(x).size(), 1);
    channels.back() = shape(x).back();
    return codes(channels);
  }

  int to_int32(int x, std::int64_t multiplier, std::int64_t shift) {
    return rescale(x, {multiplier}, {shift}, zero(), 0, DataType::kInt32);
  }

  /// Adds a sum: one operand is halved and scaled by 2^20, the other's scale is at most as large.
  int sum(int x) {
    constexpr std::int64_t kHalf = std::int64_t{1} << 30;
    const int a = to_int32(x, kHalf, 11),
              c = to_int32(other(x), kHalf + b_.content(0, (1 << 30) - 1), b_.number(12, 16));
    const bool swap = once_in(b_, 3);
    const int sums = file_->op(once_in(b_, 2) ? "SUB" : "ADD", {swap ? c : a, swap ? a : c}, {},
                               DataType::kInt32, shape(x));
    return rescaled(sums, std::ldexp(80, 19));
  }

  int times(int x) {
    constexpr std::int64_t kOne = std::int64_t{1} << 30;
    const int a = to_int32(x, kOne, 30), c = to_int32(other(x), kOne, 30);
    const int products = file_->op("MUL", {a, c, zero_point(0)}, {}, DataType::kInt32, shape(x));
    return rescaled(products, 5400);
  }

  int pool(int x) {
    const Shape in = shape(x);
    const bool average = once_in(b_, 2);
    const int R = std::min(in[1], b_.number(1, 4)), S = std::min(in[2], b_.number(1, 4)),
              stride_h = b_.number(1, 2), stride_w = b_.number(1, 2);
    const Values pad = sides(in, R, S, stride_h, stride_w);
    if (pad[1] >= R || pad[3] >= S) return -1;
    Attributes attributes{{"kernel", {R, S}}, {"stride", {stride_h, stride_w}}, {"pad", pad}};
    std::vector<int> operands{x};
    if (average) {
      attributes["acc_type"] = {5};
      const int code = zero();
      operands.insert(operands.end(),
                      {zero_point(code), zero_point(once_in(b_, 3) ? zero() : code)});
    }
    const int made =
        file_->op(average ? "AVG_POOL2D" : "MAX_POOL2D", operands, attributes, DataType::kInt8,
                  {1, windows(in[1], pad[0] + pad[1], R, stride_h),
                   windows(in[2], pad[2] + pad[3], S, stride_w), in[3]});
    return clamped(made);
  }

  int table(int x) { return file_->op("TABLE", {x, codes({256})}, {}, DataType::kInt8, shape(x)); }

  int moved(const char* type, const std::vector<int>& operands, const Attributes& attributes,
            const Shape& out) {
    if (elements_of(out) > kMostElements) return -1;
    return file_->op(type, operands, attributes, DataType::kInt8, out);
  }

  int pad(int x) {
    Shape out = shape(x);
    Values sides;
    for (std::size_t axis = 0; axis < out.size(); ++axis)
      for (int side = 0; side < 2; ++side) {
        sides.push_back(axis == 0 ? 0 : b_.number(0, 2));
        out[axis] += static_cast<int>(sides.back());
      }
    return moved("PAD", {x, file_->list(sides), zero_point(zero())}, {}, out);
  }

  int slice(int x) {
    Values start, size;
    Shape out;
    for (const int all : shape(x)) {
      const bool whole = !once_in(b_, 2);
      start.push_back(whole ? 0 : b_.number(0, all - 1));
      out.push_back(whole ? all : b_.number(1, all - static_cast<int>(start.back())));
      size.push_back(out.back());
    }
    return moved("SLICE", {x, file_->list(start), file_->list(size)}, {}, out);
  }

  int concat(int x) {
    const int axis = b_.number(1, 3);
    Shape out = shape(x);
    const int y = other(x);
    if (shape(y) != out) return -1;
    out[at(axis)] *= 2;
    return moved("CONCAT", {x, y}, {{"axis", {axis}}}, out);
  }

  int reverse(int x) { return moved("REVERSE", {x}, {{"axis", {b_.number(0, 3)}}}, shape(x)); }

  int transpose(int x) {
    Values order{0};
    Shape out{1};
    for (const int axis : shuffled(b_, Shape{1, 2, 3})) {
      order.push_back(axis);
      out.push_back(shape(x)[at(axis)]);
    }
    return moved("TRANSPOSE", {x}, {{"perms", order}}, out);
  }

  int tile(int x) {
    Shape out = shape(x);
    Values times;
    for (std::size_t axis = 0; axis < out.size(); ++axis) {
      times.push_back(axis == 0 || once_in(b_, 2) ? 1 : b_.number(1, 3));
      out[axis] *= static_cast<int>(times.back());
    }
    return moved("TILE", {x, file_->list(times)}, {}, out);
  }

  int reshaped(int x, const Shape& to) {
    return moved("RESHAPE", {x, file_->list({to.begin(), to.end()})}, {}, to);
  }
  int reshape(int x) {
    const Shape from = shape(x);
    return reshaped(x, once_in(b_, 2) ? Shape{1, 1, from[1] * from[2], from[3]}
                                      : Shape{1, from[1], 1, from[2] * from[3]});
  }

  /// Multiplies pixels by a constant, or by their own transpose.
  int matmul(int x) {
    const Shape from = shape(x);
    const int pixels = from[1] * from[2], K = from[3];
    const int rows = reshaped(x, {1, pixels, K});
    int N = extent(b_, 24), y = -1;
    if (pixels < 60 && once_in(b_, 2)) {
      y = moved("TRANSPOSE", {rows}, {{"perms", {0, 2, 1}}}, {1, K, pixels});
      N = pixels;
    } else {
      y = once_in(b_, 2) ? file_->input({1, K, N}) : codes({1, K, N});
    }
    const int sums = file_->op("MATMUL", {rows, y, zero_point(zero()), zero_point(zero())}, {},
                               DataType::kInt32, {1, pixels, N});
    return reshaped(rescaled(sums, 5400 * std::sqrt(K)), {1, from[1], from[2], N});
  }

  int reduce(int x) {
    constexpr std::int64_t kOne = std::int64_t{1} << 30;
    int sums = to_int32(x, kOne, 30), taps = 1;
    for (const int axis : {1, 2}) {
      if (once_in(b_, 3)) continue;
      Shape out = shape(sums);
      taps *= out[at(axis)];
      out[at(axis)] = 1;
      sums = file_->op("REDUCE_SUM", {sums}, {{"axis", {axis}}}, DataType::kInt32, out);
    }
    return rescaled(sums, 74 * std::sqrt(taps));
  }

  int nearest(int x) {
    const Shape in = shape(x);
    const int h = b_.number(1, 3), w = b_.number(1, 3);
    return moved("RESIZE",
                 {x, file_->list({h, 1, w, 1}), file_->list({0, 0}), file_->list({h - 1, w - 1})},
                 {{"mode", {host::tosa::kNearest}}}, {1, in[1] * h, in[2] * w, in[3]});
  }

  Builder& b_;
  const std::shared_ptr<TosaFile> file_ = std::make_shared<TosaFile>();
  const bool double_ = once_in(b_, 3);
  std::vector<int> maps_;
};

}  // namespace

void make_tosa(Builder& b) {
  Tosa net(b);
  for (int n = 0; more(b, n, 1, 6); ++n) net.add_operator();
  while (!net.file()->has_operators()) net.add_operator();
  const std::string text = net.file()->to_text();
  b.graph = model::parse_tosa({text.begin(), text.end()}, "random.tosa");
  b.host_at_end = std::ranges::any_of(b.graph.ops,
                                      [](const model::Op& op) { return op.kind == OpKind::kOnnx; });
  b.imported = std::make_shared<const ImportedFile>(ImportedFile{
      text, [file = net.file()](const std::vector<Array>& inputs) { return file->run(inputs); }});
}

}  // namespace trine::fuzz
