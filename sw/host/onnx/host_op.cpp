// SPDX-License-Identifier: Apache-2.0

#include "sw/host/onnx/host_op.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"

namespace trine::host::onnx {
namespace {

using model::OpKind;

/// Returns a whole number of a program's file, where it may have any value.
std::int64_t whole(double value) {
  return std::isnan(value) ? 0 : static_cast<std::int64_t>(std::clamp(value, -0x1p53, 0x1p53));
}

Attribute attribute_of(const std::vector<double>& numbers) {
  Attribute a;
  for (const double number : numbers) {
    a.ints.push_back(whole(number));
    a.floats.push_back(static_cast<float>(number));
  }
  if (numbers.empty()) return a;
  a.i = a.ints[0];
  a.f = static_cast<float>(numbers[0]);
  return a;
}

}  // namespace

Op host_op(const Node& node, std::int64_t opset, std::size_t output) {
  Op op;
  op.kind = OpKind::kOnnx;
  op.name = node.type;
  op.index = node.index;
  op.numbers["opset"] = {static_cast<double>(opset)};
  op.numbers["output"] = {static_cast<double>(output)};
  op.numbers["outputs"] = {static_cast<double>(node.outputs.size())};
  for (const auto& [key, a] : node.attributes) {
    *a.read = true;  // run_host_op() refuses attributes that the evaluation does not read
    if (a.tensor) throw_error("attribute '{}' is a tensor", key);
    if (!std::isfinite(a.f)) throw_error("attribute '{}' is {}", key, a.f);
    if (!a.s.empty())
      op.words[key] = a.s;
    else if (!a.ints.empty())
      op.numbers[key].assign(a.ints.begin(), a.ints.end());
    else if (std::ranges::any_of(a.floats, [](float x) { return !std::isfinite(x); }))
      throw_error("attribute '{}' is not finite", key);
    else if (!a.floats.empty())
      op.numbers[key].assign(a.floats.begin(), a.floats.end());
    else
      op.numbers[key] = {a.i != 0 ? static_cast<double>(a.i) : double{a.f}};
  }
  return op;
}

bool decides_shape(const std::string& type, std::size_t input) {
  static const std::map<std::string, std::set<std::size_t>> kAll = {
      {"Expand", {1}}, {"NonMaxSuppression", {2}},
      {"OneHot", {1}}, {"Upsample", {1}},
      {"Pad", {1, 3}}, {"Resize", {1, 2, 3}},
      {"Split", {1}},  {"Slice", {1, 2, 3, 4}},
      {"Tile", {1}},   {"TopK", {1}}};
  if (type.starts_with("Reduce")) return input == 1;
  const auto found = kAll.find(type);
  return found != kAll.end() && found->second.count(input) != 0;
}

Constant run_host_op(const Op& op, const std::vector<ConstantPointer>& inputs, bool shape_only) {
  Node node;
  node.type = op.name;
  for (const auto& [key, numbers] : op.numbers) node.attributes[key] = attribute_of(numbers);
  for (const auto& [key, text] : op.words) node.attributes[key].s = text;
  const std::int64_t output = node.integer("output", 0), outputs = node.integer("outputs", 1);
  if (output < 0 || outputs < 1 || outputs > 1024 || output >= outputs)
    throw_error("output {} does not exist, the number of outputs is {}", output, outputs);
  node.outputs.resize(outputs);
  return evaluate(node, node.integer("opset", 0), inputs, static_cast<std::size_t>(output),
                  kMaxHostElements, shape_only);
}

}  // namespace trine::host::onnx
