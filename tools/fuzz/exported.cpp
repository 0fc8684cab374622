// SPDX-License-Identifier: Apache-2.0
//
// Networks as PyTorch's exporters write them in ONNX and its quantizers leave them: windows over
// one axis, reductions over any, unfolded normalizations, constants that are joined or compared.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "sw/model/indices.h"
#include "sw/model/onnx/file.h"
#include "tools/fuzz/networks.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::onnx_file::Attribute;
using model::onnx_file::Constant;
using model::onnx_file::File;
using model::onnx_file::Node;
using Ints = std::vector<std::int64_t>;

/// A chain of nodes: what was computed last, between quantizers.
class Chain {
 public:
  explicit Chain(Builder& b) : b_(b) {
    file_.name = "exported";
    file_.opset = 17;
    const int kind = b.number(0, 3);
    if (kind < 2)
      shape_ = {1, channels(), extent(b_, 12), extent(b_, 12)};
    else if (kind == 2)
      shape_ = {1, channels(), extent(b_, 32)};
    else
      shape_ = {1, extent(b_, 8), channels()};
    file_.inputs.push_back({"in", DataType::kFloat32, shape_, ""});
    last_ = "in";
    quantize();
  }

  File made() {
    for (int n = 0; more(b_, n, 1, 6); ++n) {
      step();
      quantize();
    }
    file_.outputs = {last_};
    return std::move(file_);
  }

 private:
  int rank() const { return static_cast<int>(shape_.size()); }
  int channels() { return extent(b_, 16); }
  std::int64_t elements() const { return model::elements_of(shape_); }

  static Attribute ints(Ints values) {
    Attribute a;
    if (!values.empty()) a.i = values[0];
    a.ints = std::move(values);
    return a;
  }
  static Attribute text(const std::string& s) {
    Attribute a;
    a.s = s;
    return a;
  }

  std::string fresh() { return "t" + std::to_string(++count_); }
  std::string add(const char* type, std::vector<std::string> inputs,
                  std::map<std::string, Attribute> attributes = {}) {
    Node node;
    node.index = static_cast<int>(file_.nodes.size());
    node.type = type;
    node.inputs = std::move(inputs);
    node.outputs = {fresh()};
    node.attributes = std::move(attributes);
    file_.nodes.push_back(std::move(node));
    return file_.nodes.back().outputs[0];
  }
  void then(const char* type, std::vector<std::string> others = {},
            std::map<std::string, Attribute> attributes = {}) {
    others.insert(others.begin(), last_);
    last_ = add(type, std::move(others), std::move(attributes));
  }

  std::string constant(Constant c) {
    const std::string name = "c" + std::to_string(++count_);
    file_.constants[name] = std::make_shared<const Constant>(std::move(c));
    return name;
  }
  std::string numbers(DataType type, std::vector<double> values, bool scalar = false) {
    Constant c;
    c.type = type;
    if (!scalar) c.shape = {static_cast<int>(values.size())};
    c.values = std::move(values);
    return constant(std::move(c));
  }
  std::string list(const Ints& values) {
    return numbers(DataType::kInt64, {values.begin(), values.end()});
  }
  std::string floats(std::vector<int> shape, int low, int high) {
    Constant c;
    c.shape = std::move(shape);
    for (std::int64_t i = model::elements_of(c.shape); i > 0; --i)
      c.values.push_back(double{static_cast<float>(b_.content(low, high)) / 64});
    return constant(std::move(c));
  }
  /// Codes of a quantizer, of one scale.
  std::string codes(std::vector<int> shape) {
    Constant c;
    c.shape = std::move(shape);
    const float scale = static_cast<float>(b_.content(4, 40)) / 1024;
    for (std::int64_t i = model::elements_of(c.shape); i > 0; --i) {
      c.codes.push_back(b_.content(-127, 127));
      c.zero_points.push_back(0);
      c.scales.push_back(scale);
      c.values.push_back(double{static_cast<float>(c.codes.back()) * scale});
    }
    return constant(std::move(c));
  }

  void quantize() {
    const std::string scale =
        numbers(DataType::kFloat32, {double{static_cast<float>(b_.number(3, 60)) / 1024}}, true);
    const std::string zero = numbers(
        DataType::kInt8,
        {static_cast<double>(b_.number(0, 3) == 0 ? b_.number(-128, 127) : b_.number(-4, 4))},
        true);
    then("QuantizeLinear", {scale, zero});
    then("DequantizeLinear", {scale, zero});
  }

  // --- Operators -------------------------------------------------------------------------------

  void step() {
    using Step = void (Chain::*)();
    std::vector<Step> steps = {&Chain::function,  &Chain::arithmetic, &Chain::constants,
                               &Chain::reduction, &Chain::gather,     &Chain::slice,
                               &Chain::transpose, &Chain::joined,     &Chain::padded,
                               &Chain::repeated,  &Chain::softmax,    &Chain::normalization};
    if (rank() == 3 || rank() == 4)
      for (int i = 0; i < 2; ++i)
        steps.insert(steps.begin(), {&Chain::convolution, &Chain::pool, &Chain::transposed,
                                     &Chain::by_channels, &Chain::of_groups});
    if (rank() == 4) steps.insert(steps.begin(), {&Chain::resized, &Chain::blocks});
    (this->*any(b_, steps))();
  }

  Ints spatial(const std::function<int()>& value) {
    Ints values;
    for (int i = 2; i < rank(); ++i) values.push_back(value());
    return values;
  }

  void convolution() {
    const Ints k = spatial([&] { return b_.number(1, 3); });
    const Ints stride = spatial([&] { return b_.number(1, 2); });
    const Ints apart = spatial([&] { return b_.number(1, 2); });
    Ints pads(2 * k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const int reach = static_cast<int>((k[i] - 1) * apart[i] + 1);
      pads[i] = b_.number(0, 1) * (reach / 2);
      pads[i + k.size()] =
          std::max<std::int64_t>(reach - shape_[i + 2] - pads[i], b_.number(0, 1) * (reach / 2));
      to[i + 2] =
          static_cast<int>((shape_[i + 2] + pads[i] + pads[i + k.size()] - reach) / stride[i] + 1);
    }
    const int C = shape_[1];
    const bool depthwise = once_in(b_, 3);
    const int M = depthwise ? C * b_.number(1, 2) : channels();
    std::vector<int> w = {M, depthwise ? 1 : C};
    w.insert(w.end(), k.begin(), k.end());
    then("Conv", {codes(w), floats({M}, -64, 64)},
         {{"strides", ints(stride)},
          {"dilations", ints(apart)},
          {"pads", ints(pads)},
          {"group", ints({depthwise ? C : 1})}});
    to[1] = M;
    shape_ = to;
  }

  void transposed() {
    const Ints k = spatial([&] { return b_.number(1, 4); });
    const Ints stride = spatial([&] { return b_.number(1, 3); });
    const int C = shape_[1], M = channels();
    Ints pads(2 * k.size()), more_out(k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const auto whole = (shape_[i + 2] - 1) * stride[i] + k[i];
      pads[i] = std::min<std::int64_t>(b_.number(0, 1), whole - 1);
      pads[i + k.size()] = std::min<std::int64_t>(b_.number(0, 1), whole - 1 - pads[i]);
      more_out[i] = b_.number(0, static_cast<int>(stride[i]) - 1);
      to[i + 2] = static_cast<int>(whole - pads[i] - pads[i + k.size()] + more_out[i]);
    }
    if (std::any_of(to.begin() + 2, to.end(), [](int e) { return e > 64; })) return function();
    std::vector<int> w = {C, M};
    w.insert(w.end(), k.begin(), k.end());
    then("ConvTranspose", {codes(w), floats({M}, -64, 64)},
         {{"strides", ints(stride)}, {"pads", ints(pads)}, {"output_padding", ints(more_out)}});
    to[1] = M;
    shape_ = to;
  }

  void pool() {
    const bool most = b_.number(0, 1) == 0;
    const Ints k = spatial([&] { return b_.number(1, 3); });
    const Ints stride = spatial([&] { return b_.number(1, 2); });
    const bool ceils = b_.number(0, 1) == 1;
    Ints pads(2 * k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const int extent = shape_[i + 2];
      pads[i] = b_.number(0, 1) * (k[i] / 2);
      pads[i + k.size()] =
          std::max<std::int64_t>(k[i] - extent - pads[i], b_.number(0, 1) * (k[i] / 2));
      if (pads[i + k.size()] >= k[i]) return function();
      const auto room = extent + pads[i] + pads[i + k.size()] - k[i];
      auto count = (ceils ? (room + stride[i] - 1) / stride[i] : room / stride[i]) + 1;
      if (ceils && (count - 1) * stride[i] >= extent + pads[i]) --count;
      to[i + 2] = static_cast<int>(count);
    }
    std::map<std::string, Attribute> attributes{{"kernel_shape", ints(k)},
                                                {"strides", ints(stride)},
                                                {"pads", ints(pads)},
                                                {"ceil_mode", ints({ceils})}};
    if (!most) attributes["count_include_pad"] = ints({b_.number(0, 1)});
    then(most ? "MaxPool" : "AveragePool", {}, attributes);
    shape_ = to;
  }

  void by_channels() {
    const int C = shape_[1];
    const auto one = [&](int low, int high) { return floats({C}, low, high); };
    const std::string scale = one(16, 128), bias = one(-64, 64), mean = one(-64, 64);
    then("BatchNormalization", {scale, bias, mean, one(32, 128)});
    if (b_.number(0, 1) == 0) then("Relu");
  }

  void of_groups() {
    const int C = shape_[1];
    if (elements() > 2048) return by_channels();
    const std::string scale = floats({C}, 32, 128), bias = floats({C}, -64, 64);
    if (once_in(b_, 2)) return then("InstanceNormalization", {scale, bias});
    file_.opset = 21;  // a scale for each channel
    then("GroupNormalization", {scale, bias}, {{"num_groups", ints({C % 2 == 0 ? 2 : 1})}});
  }

  void resized() {
    if (shape_[2] > 16 || shape_[3] > 16) return function();
    const int f = b_.number(2, 4);
    const bool even = once_in(b_, 2);
    Constant scales;
    scales.shape = {4};
    scales.values = {1, 1, double(f), double(f)};
    then("Resize", {"", constant(std::move(scales))},
         {{"mode", text("linear")},
          {"coordinate_transformation_mode", text(even ? "asymmetric" : "half_pixel")}});
    shape_ = {1, shape_[1], f * shape_[2], f * shape_[3]};
  }

  void blocks() {
    const bool depth = shape_[1] % 4 == 0;
    if (!depth && (shape_[2] % 2 != 0 || shape_[3] % 2 != 0)) return function();
    if (depth)
      then("DepthToSpace", {},
           {{"blocksize", ints({2})}, {"mode", text(b_.number(0, 1) == 0 ? "DCR" : "CRD")}});
    else
      then("SpaceToDepth", {}, {{"blocksize", ints({2})}});
    if (depth)
      shape_ = {1, shape_[1] / 4, 2 * shape_[2], 2 * shape_[3]};
    else
      shape_ = {1, 4 * shape_[1], shape_[2] / 2, shape_[3] / 2};
  }

  void function() {
    then(any(b_, std::vector<const char*>{"Relu", "Sigmoid", "Tanh", "Elu", "Softplus", "Mish",
                                          "Selu", "Celu", "HardSwish", "Gelu", "Erf", "Abs", "Neg",
                                          "Softsign", "Exp", "LeakyRelu", "Sign"}));
  }

  void arithmetic() {
    const char* type = any(b_, std::vector<const char*>{"Add", "Mul", "Sub", "Max", "Min"});
    const std::string before = last_;
    function();
    quantize();
    last_ = add(type, {before, last_});
  }

  void constants() {
    const bool most = b_.number(0, 1) == 0;
    if (once_in(b_, 2)) return then(most ? "Max" : "Min", {floats(shape_, -128, 128)});
    Constant mask;
    mask.type = DataType::kBool;
    mask.shape = shape_;
    for (std::int64_t i = elements(); i > 0; --i) mask.values.push_back(b_.content(0, 1));
    const std::string which = constant(std::move(mask)), other = floats({1}, -128, 128);
    last_ =
        add("Where", most ? std::vector{which, last_, other} : std::vector{which, other, last_});
  }

  void reduction() {
    Ints axes;
    for (int i = 1; i < rank(); ++i)
      if (b_.number(0, 1) == 1) axes.push_back(i);
    if (axes.empty()) axes = {rank() - 1};
    const bool keeps = rank() - static_cast<int>(axes.size()) < 3 || b_.number(0, 1) == 0;
    const bool given = b_.number(0, 1) == 0;
    std::map<std::string, Attribute> attributes{{"keepdims", ints({keeps})}};
    const char* type =
        any(b_, std::vector<const char*>{"ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"});
    if (given)
      then(type, {list(axes)}, attributes);
    else
      attributes["axes"] = ints(axes), then(type, {}, attributes);
    for (std::size_t i = axes.size(); i-- > 0;)
      if (keeps)
        shape_[static_cast<std::size_t>(axes[i])] = 1;
      else
        shape_.erase(shape_.begin() + axes[i]);
  }

  int any_axis() { return b_.number(1, rank() - 1); }

  void gather() {
    const int axis = any_axis(), of = shape_[static_cast<std::size_t>(axis)];
    if (rank() == 4 && once_in(b_, 3)) {  // one of them
      const std::string index =
          numbers(DataType::kInt64, {static_cast<double>(b_.number(-of, of - 1))}, true);
      then("Gather", {index}, {{"axis", ints({axis})}});
      shape_.erase(shape_.begin() + axis);
      return;
    }
    Ints indices;
    for (int n = extent(b_, 8); n > 0; --n) indices.push_back(b_.number(0, of - 1));
    then("Gather", {list(indices)}, {{"axis", ints({axis})}});
    shape_[static_cast<std::size_t>(axis)] = static_cast<int>(indices.size());
  }

  void slice() {
    const int axis = any_axis(), of = shape_[static_cast<std::size_t>(axis)];
    const int begin = b_.number(0, of - 1), step = b_.number(1, 3);
    then("Slice", {list({begin}), list({Ints::value_type{1} << 62}), list({axis}), list({step})});
    shape_[static_cast<std::size_t>(axis)] = (of - begin - 1) / step + 1;
  }

  void transpose() {
    Ints order(shape_.size());
    std::iota(order.begin(), order.end(), 0);
    std::vector<std::int64_t> rest(order.begin() + 1, order.end());
    rest = shuffled(b_, rest);
    std::copy(rest.begin(), rest.end(), order.begin() + 1);
    then("Transpose", {}, {{"perm", ints(order)}});
    const std::vector<int> from = shape_;
    for (std::size_t i = 0; i < order.size(); ++i)
      shape_[i] = from[static_cast<std::size_t>(order[i])];
  }

  void joined() {
    const int axis = any_axis();
    std::vector<int> part = shape_;
    part[static_cast<std::size_t>(axis)] = b_.number(1, 4);
    const std::string other = b_.number(0, 1) == 0 ? codes(part) : floats(part, -128, 128);
    const bool first = b_.number(0, 1) == 0;
    last_ = add("Concat", first ? std::vector{other, last_} : std::vector{last_, other},
                {{"axis", ints({axis})}});
    shape_[static_cast<std::size_t>(axis)] += part[static_cast<std::size_t>(axis)];
  }

  void padded() {
    const char* mode = any(b_, std::vector<const char*>{"constant", "edge", "reflect", "wrap"});
    Ints pads(2 * shape_.size());
    for (int i = 1; i < rank(); ++i)
      for (const std::size_t side : {std::size_t{0}, shape_.size()}) {
        const auto at = static_cast<std::size_t>(i);
        pads[at + side] = b_.number(0, 1) * b_.number(0, std::min(2, shape_[at] - 1));
      }
    const std::string border = numbers(DataType::kFloat32, {double(b_.number(0, 2)) / 8}, true);
    then("Pad", {list(pads), border}, {{"mode", text(mode)}});
    for (std::size_t i = 0; i < shape_.size(); ++i)
      shape_[i] += static_cast<int>(pads[i] + pads[i + shape_.size()]);
  }

  void repeated() {
    if (elements() > 2048) return function();
    Ints times(shape_.size(), 1);
    times[static_cast<std::size_t>(any_axis())] = b_.number(1, 3);
    then("Tile", {list(times)});
    for (std::size_t i = 0; i < shape_.size(); ++i) shape_[i] *= static_cast<int>(times[i]);
  }

  void softmax() { then("Softmax", {}, {{"axis", ints({any_axis()})}}); }

  void normalization() {
    const int axis = any_axis();
    const std::vector<int> of(shape_.begin() + axis, shape_.end());
    if (model::elements_of(of) > 2048) return function();
    then("LayerNormalization", {floats(of, 32, 128), floats(of, -64, 64)},
         {{"axis", ints({axis})}});
  }

  Builder& b_;
  File file_;
  std::vector<int> shape_;
  std::string last_;
  int count_ = 0;
};

}  // namespace

void make_exported(Builder& b) {
  b.graph = model::onnx_file::graph_of(Chain(b).made(), false);
  // The codes are the network's input: what the host makes of floats is no matter here.
  std::vector<model::Op>& ops = b.graph.ops;
  const auto first = std::ranges::find(ops, OpKind::kQuantize, &model::Op::kind);
  b.graph.inputs = {first->outputs[0]};
  ops.erase(ops.begin(), first + 1);
}

}  // namespace trine::fuzz
