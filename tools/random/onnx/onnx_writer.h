// SPDX-License-Identifier: Apache-2.0
//
// Writes the nodes of a random ONNX file: constants, quantizers, QDQ or QOperator form.

#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sw/model/graph/indices.h"
#include "sw/model/onnx/read/file.h"
#include "tools/random/builder.h"

namespace trine::fuzz {

/// A chain of nodes with the last result and its shape.
class OnnxWriter {
 public:
  using Attribute = model::onnx_file::Attribute;
  using Constant = model::onnx_file::Constant;
  using DataType = model::DataType;
  using Ints = std::vector<std::int64_t>;
  using Node = model::onnx_file::Node;

  explicit OnnxWriter(Builder& b) : b_(b) {
    static const std::vector<int> kOpsets{17, 11, 13, 18, 21};
    file_.name = "exported";
    file_.opset = any(b, kOpsets);
    unsigned_ = once_in(b, 4);
    on_codes_ = once_in(b, 6);
  }

 protected:
  int rank() const { return static_cast<int>(shape_.size()); }
  std::int64_t elements() const { return model::elements_of(shape_); }
  bool since(int opset) const { return file_.opset >= opset; }

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
  std::string add(const std::string& type, std::vector<std::string> inputs,
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
  /// Appends an operator on the last result.
  void then(const std::string& type, std::vector<std::string> others = {},
            std::map<std::string, Attribute> attributes = {}) {
    others.insert(others.begin(), last_);
    last_ = add(type, std::move(others), std::move(attributes));
  }
  /// Appends an operator whose axes are an input from `opset` on, and an attribute in earlier
  /// opsets.
  void along(const char* type, const Ints& axes, int opset,
             std::map<std::string, Attribute> attributes = {}) {
    if (!since(opset)) attributes["axes"] = ints(axes);
    then(type, since(opset) ? std::vector{list(axes)} : std::vector<std::string>{}, attributes);
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
  std::string number(double value) {
    return numbers(DataType::kFloat32, {double{static_cast<float>(value)}}, true);
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
  /// Adds codes with a quantizer's scales. @param channels  axis with scales of its own; -1: none
  std::string codes(std::vector<int> shape, int channels = -1) {
    Constant c;
    c.shape = std::move(shape);
    const auto axis = static_cast<std::size_t>(std::max(channels, 0));
    const bool several = channels >= 0 && b_.number(0, 1) == 1;
    const auto extent = static_cast<std::size_t>(several ? c.shape[axis] : 1);
    const auto step = static_cast<std::size_t>(
        model::elements_of({c.shape.begin() + channels + 1, c.shape.end()}));
    std::vector<float> scales(extent);
    for (float& scale : scales) scale = static_cast<float>(b_.content(4, 40)) / 1024;
    const auto count = static_cast<std::size_t>(model::elements_of(c.shape));
    for (std::size_t i = 0; i < count; ++i) {
      c.codes.push_back(b_.content(-127, 127));
      c.zero_points.push_back(0);
      c.scales.push_back(scales[several ? i / step % extent : 0]);
      c.values.push_back(double{static_cast<float>(c.codes.back()) * c.scales.back()});
    }
    return constant(std::move(c));
  }

  /// Appends QuantizeLinear and DequantizeLinear to the last result.
  void quantize() {
    const std::string scale = number(b_.number(3, 60) / 1024.0);
    const int zero = b_.number(0, 3) == 0 ? b_.number(-128, 127) : b_.number(-4, 4);
    const std::string zero_point =
        numbers(unsigned_ ? DataType::kUInt8 : DataType::kInt8,
                {static_cast<double>(zero + (unsigned_ ? 128 : 0))}, true);
    if (!on_codes_ || !join(scale, zero_point)) then("QuantizeLinear", {scale, zero_point});
    then("DequantizeLinear", {scale, zero_point});
    maps_.emplace_back(last_, shape_);
  }

  Builder& b_;
  model::onnx_file::File file_;
  std::vector<int> shape_;
  std::string last_;
  std::vector<std::pair<std::string, std::vector<int>>> maps_;  ///< outputs of all quantizers

 private:
  /// Replaces the last operator and the quantizer after it by one operator on codes. @return false
  /// if there is none
  bool join(const std::string& scale, const std::string& zero_point) {
    static const std::map<std::string, std::size_t> kOperands{
        {"Add", 2}, {"Mul", 2}, {"Sigmoid", 1}, {"LeakyRelu", 1}, {"GlobalAveragePool", 1}};
    if (file_.nodes.empty()) return false;
    Node& node = file_.nodes.back();
    const auto found = kOperands.find(node.type);
    if (found == kOperands.end() || node.inputs.size() != found->second) return false;
    std::vector<std::string> inputs;
    for (const std::string& input : node.inputs) {
      const auto maker =
          std::ranges::find_if(file_.nodes, [&](const Node& n) { return n.outputs[0] == input; });
      if (maker == file_.nodes.end() || maker->type != "DequantizeLinear") return false;
      inputs.insert(inputs.end(), maker->inputs.begin(), maker->inputs.end());
    }
    inputs.insert(inputs.end(), {scale, zero_point});
    node.type = "QLinear" + node.type;
    node.domain = "com.microsoft";
    node.inputs = std::move(inputs);
    return true;
  }

  int count_ = 0;
  bool unsigned_ = false, on_codes_ = false;
};

}  // namespace trine::fuzz
