// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/import/qoperator.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sw/model/onnx/read/nodes.h"

namespace trine::model::onnx_file {
namespace {

/// The positions of the inputs of an operator on codes.
struct Places {
  const char* op;       ///< name of the operator on floats
  std::size_t first;    ///< first operand: tensor, scale, zero point
  std::size_t count;    ///< number of operands, 0: all inputs
  std::size_t result;   ///< of scale and zero point of the result
  std::size_t bias{0};  ///< int32, with the scale of the products; 0: none
};

const std::map<std::string, Places>& forms() {
  static const std::map<std::string, Places> kAll = {
      {"QGemm", {"Gemm", 0, 2, 7, 6}},
      {"QLinearAdd", {"Add", 0, 2, 6}},
      {"QLinearAveragePool", {"AveragePool", 0, 1, 3}},
      {"QLinearConcat", {"Concat", 2, 0, 0}},
      {"QLinearConv", {"Conv", 0, 2, 6, 8}},
      {"QLinearGlobalAveragePool", {"GlobalAveragePool", 0, 1, 3}},
      {"QLinearLeakyRelu", {"LeakyRelu", 0, 1, 3}},
      {"QLinearMatMul", {"MatMul", 0, 2, 6}},
      {"QLinearMul", {"Mul", 0, 2, 6}},
      {"QLinearReduceMean", {"ReduceMean", 0, 1, 3}},
      {"QLinearSigmoid", {"Sigmoid", 0, 1, 3}},
      {"QLinearSoftmax", {"Softmax", 0, 1, 3}},
      {"QLinearWhere", {"Where", 1, 2, 7}},
  };
  return kAll;
}

/// Returns true if the operator's result contains only codes of its input, or codes of a border or
/// bound with the same quantization.
bool keeps_codes(const Node& node) {
  static const std::set<std::string> kTypes = {
      "Clip",   "Concat",         "DepthToSpace", "Dropout",      "Expand", "Flatten",
      "Gather", "GatherElements", "Identity",     "MaxPool",      "Pad",    "Relu",
      "Resize", "Reshape",        "Slice",        "SpaceToDepth", "Split",  "Squeeze",
      "Tile",   "Transpose",      "Unsqueeze",    "Upsample"};
  if (node.type == "Resize" || node.type == "Upsample")
    return node.text("mode", "nearest") == "nearest";
  return kTypes.count(node.type) != 0;
}

class Rewriter {
 public:
  explicit Rewriter(File* file) : file_(*file), constants_(constants_of(*file)) {}

  void run() {
    for (Input& in : file_.inputs)
      if (in.holds_bytes()) set_quantization(in);
    for (Node& node : std::exchange(file_.nodes, {})) rewrite(std::move(node));
  }

 private:
  struct Parameters {
    std::string scale, zero_point;
  };

  void set_quantization(Input& in) {
    const Parameters p = read_by(in.name);
    const auto scale = file_.constants.find(p.scale), zero = file_.constants.find(p.zero_point);
    const auto is_one = [&](auto c) {
      return c != file_.constants.end() && c->second->elements() == 1;
    };
    if (!is_one(scale) || (!p.zero_point.empty() && !is_one(zero))) return;
    in.scale = static_cast<float>(scale->second->values[0]);
    in.zero_point = is_one(zero) ? static_cast<int>(zero->second->values[0]) : 0;
    made_[in.name] = p;
  }

  /// Returns the parameters with which the first reader interprets a tensor of codes, after
  /// movement.
  Parameters read_by(std::string codes) const {
    for (const Node& node : file_.nodes) {
      const auto found = std::ranges::find(node.inputs, codes);
      if (found == node.inputs.end() || node.outputs.empty()) continue;
      const auto position = static_cast<std::size_t>(found - node.inputs.begin());
      if (node.type == "DequantizeLinear" || forms().contains(node.type))
        return parameters(node, position + 1);
      if (keeps_codes(node)) codes = node.outputs[0];
    }
    return {};
  }

  static std::string input(const Node& node, std::size_t position) {
    return position < node.inputs.size() ? node.inputs[position] : "";
  }
  static Parameters parameters(const Node& node, std::size_t position) {
    return {input(node, position), input(node, position + 1)};
  }

  void rewrite(Node node) {
    if (node.type == "QuantizeLinear" && constants_.count(input(node, 0)) == 0 &&
        !node.outputs.empty())
      made_[node.outputs[0]] = parameters(node, 1);
    if (const auto form = forms().find(node.type); form != forms().end())
      of_floats(std::move(node), form->second);
    else if (made_.count(input(node, 0)) != 0 && keeps_codes(node))
      of_the_same(std::move(node));
    else if (made_.count(input(node, 0)) != 0 && (node.type == "ArgMax" || node.type == "ArgMin"))
      of_positions(std::move(node));
    else
      file_.nodes.push_back(std::move(node));
  }

  [[noreturn]] void fail(const Node& node, const std::string& text) const {
    throw_error("{}: node {} {}: {}", file_.name, node.index, node.type, text);
  }

  /// Adds a node at the position of `like`. @return its output
  std::string add(const Node& like, const char* type, std::vector<std::string> inputs,
                  std::int64_t axis = 1) {
    Node node;
    node.index = like.index;
    node.type = type;
    node.inputs = std::move(inputs);
    node.outputs = {fmt::format("{}:qdq{}", like.outputs[0], fresh_++)};
    if (node.type == "DequantizeLinear") node.attributes["axis"].i = axis;
    file_.nodes.push_back(std::move(node));
    return file_.nodes.back().outputs[0];
  }

  std::string dequantized(const Node& like, const std::string& codes, const Parameters& p,
                          std::int64_t axis = 1) {
    return add(like, "DequantizeLinear", {codes, p.scale, p.zero_point}, axis);
  }

  /// Appends the operator, and a quantizer after each of its outputs.
  void append(Node node, const Parameters& p) {
    std::vector<Node> quantizers;
    for (std::string& output : node.outputs) {
      if (output.empty()) continue;
      Node quantizer;
      quantizer.index = node.index;
      quantizer.type = "QuantizeLinear";
      quantizer.inputs = {output + ":real", p.scale, p.zero_point};
      quantizer.outputs = {output};
      made_[output] = p;
      output += ":real";
      quantizers.push_back(std::move(quantizer));
    }
    file_.nodes.push_back(std::move(node));
    file_.nodes.insert(file_.nodes.end(), quantizers.begin(), quantizers.end());
  }

  /// Returns the axis of the weights' scales, which are per channel of the result: Conv's first
  /// axis, or the columns of a matrix.
  static std::int64_t axis_of_weights(const Node& node) {
    const bool rows = node.type == "QLinearConv" || node.integer("transB", 0) != 0;
    return rows ? 0 : -1;
  }

  void of_floats(Node node, const Places& form) {
    if (node.outputs.empty()) fail(node, "has no output");
    if (node.integer("channels_last", 0) != 0) fail(node, "channels_last 1, allowed 0");
    const std::size_t operands =
        form.count != 0 ? form.count : (std::max(node.inputs.size(), form.first) - form.first) / 3;
    if (node.inputs.size() < form.first + 3 * operands - 1 || operands == 0)
      fail(node, fmt::format("{} inputs", node.inputs.size()));
    std::vector<std::string> inputs(
        node.inputs.begin(),
        node.inputs.begin() + static_cast<std::ptrdiff_t>(form.op == std::string("Where")));
    std::vector<Parameters> given;
    for (std::size_t i = 0; i < operands; ++i) {
      const std::size_t at = form.first + 3 * i;
      given.push_back(parameters(node, at + 1));
      const bool weights = form.bias != 0 && i == 1;
      inputs.push_back(
          dequantized(node, node.inputs[at], given.back(),
                      weights || node.type == "QLinearMatMul" ? axis_of_weights(node) : 1));
    }
    if (const std::string bias = input(node, form.bias); form.bias != 0 && !bias.empty()) {
      const std::string scale = add(node, "Mul", {given[0].scale, given[1].scale});
      inputs.push_back(dequantized(node, bias, {scale, ""}, -1));
    }
    if (node.type == "QLinearSoftmax") node.attributes["axis"].i = node.integer("axis", -1);
    const Parameters result = parameters(node, form.result);
    node.type = form.op;
    node.domain.clear();
    node.inputs = std::move(inputs);
    if (result.scale.empty())
      file_.nodes.push_back(std::move(node));  // the result of QGemm may be float32
    else
      append(std::move(node), result);
  }

  bool is_same(const Parameters& a, const Parameters& b) const {
    const auto equal = [&](const std::string& x, const std::string& y) {
      const auto p = file_.constants.find(x), q = file_.constants.find(y);
      return x == y ||
             (p != file_.constants.end() && q != file_.constants.end() &&
              p->second->type == q->second->type && p->second->values == q->second->values);
    };
    return equal(a.scale, b.scale) && equal(a.zero_point, b.zero_point);
  }

  /// Returns the code 0 as a constant of floats.
  std::string zero(const Node& node, const Parameters& p) {
    auto code = std::make_shared<Constant>();
    code->type = DataType::kInt32;
    code->values = {0};
    const std::string name = fmt::format("{}:qdq{}", node.outputs[0], fresh_++);
    file_.constants[name] = std::move(code);
    return dequantized(node, name, p);
  }

  void of_the_same(Node node) {
    if (node.outputs.empty() || node.outputs[0].empty()) fail(node, "has no output");
    const Parameters p = made_.at(node.inputs[0]);
    const bool bounds = node.type == "Clip" || node.type == "Pad";
    const std::size_t first_bound = node.type == "Clip" ? 1 : 2;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool codes = i == 0 || node.type == "Concat" || (bounds && i >= first_bound && i < 3);
      if (!codes || node.inputs[i].empty()) continue;
      const auto made = made_.find(node.inputs[i]);
      if (made != made_.end() && !is_same(made->second, p))
        fail(node, "its codes have different scales");
      node.inputs[i] = dequantized(node, node.inputs[i], p);
    }
    if (node.type == "Pad" && input(node, 2).empty() &&
        node.text("mode", "constant") == "constant") {
      node.inputs.resize(std::max<std::size_t>(node.inputs.size(), 3));
      node.inputs[2] = zero(node, p);
    }
    if (node.type == "Relu") {
      node.type = "Clip";
      node.inputs.push_back(zero(node, p));
    }
    append(std::move(node), p);
  }

  void of_positions(Node node) {
    node.inputs[0] = dequantized(node, node.inputs[0], made_.at(node.inputs[0]));
    file_.nodes.push_back(std::move(node));
  }

  File& file_;
  std::set<std::string> constants_;
  std::map<std::string, Parameters> made_;  ///< codes, and their parameters
  int fresh_ = 0;                           ///< counts names
};

}  // namespace

void to_qdq(File* file) { Rewriter(file).run(); }

}  // namespace trine::model::onnx_file
