// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/read/nodes.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace trine::model::onnx_file {

std::set<std::string> constants_of(const File& file) {
  std::set<std::string> names{""};
  for (const auto& [name, constant] : file.constants) names.insert(name);
  for (const Node& node : file.nodes)
    if (std::ranges::all_of(node.inputs,
                            [&](const std::string& input) { return names.count(input) != 0; }))
      names.insert(node.outputs.begin(), node.outputs.end());
  return names;
}

namespace {

/// Finds decomposed normalizations by their division, and guards that codes do not need.
class Fuser {
 public:
  explicit Fuser(File* file) : file_(*file), constants_(constants_of(*file)) {
    for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
      for (const std::string& output : file_.nodes[i].outputs) maker_[output] = i;
      for (const std::string& input : file_.nodes[i].inputs) ++readers_[input], reader_[input] = i;
    }
    for (const std::string& output : file_.outputs) ++readers_[output];
  }

  void run() {
    for (std::size_t i = 0; i < file_.nodes.size(); ++i) {
      if (file_.nodes[i].type == "Div" && !fuse(i) && !fuse_length(i))
        fuse_root_mean_square(i, input(i, 0), input(i, 1));
      if (file_.nodes[i].type == "Mul") fuse_reciprocal(i);
      if (file_.nodes[i].type == "Where") drop_guard(i);
    }
    std::vector<Node> kept;
    for (std::size_t i = 0; i < file_.nodes.size(); ++i)
      if (gone_.count(i) == 0) kept.push_back(std::move(file_.nodes[i]));
    file_.nodes = std::move(kept);
  }

 private:
  /// Returns the node of this type that makes a tensor, if `count` inputs read the tensor.
  std::optional<std::size_t> maker(const std::string& tensor, const char* type, int count) {
    const auto found = maker_.find(tensor);
    if (found == maker_.end() || file_.nodes[found->second].type != type ||
        readers_[tensor] != count)
      return std::nullopt;
    return found->second;
  }
  const std::string& input(std::size_t node, std::size_t position) const {
    static const std::string kNone;
    const auto& inputs = file_.nodes[node].inputs;
    return position < inputs.size() ? inputs[position] : kNone;
  }
  const std::string& output(std::size_t node) const { return file_.nodes[node].outputs.at(0); }

  /// Returns the number that a constant consists of.
  std::optional<double> number(const std::string& name) const {
    ConstantPointer constant;
    if (const auto found = file_.constants.find(name); found != file_.constants.end())
      constant = found->second;
    else if (const auto made = maker_.find(name); made != maker_.end())
      if (const Node& node = file_.nodes[made->second]; node.type == "Constant")
        constant = node.tensor("value");
    if (!constant || constant->elements() != 1) return std::nullopt;
    return constant->values[0];
  }

  /// Returns the operands of an operator with one constant: the constant and the other operand.
  std::optional<std::pair<std::string, std::string>> with_constant(std::size_t node) const {
    const std::string &a = input(node, 0), &b = input(node, 1);
    if (constants_.count(b) != 0 && constants_.count(a) == 0) return std::pair{b, a};
    if (constants_.count(a) != 0 && constants_.count(b) == 0) return std::pair{a, b};
    return std::nullopt;
  }

  /// Returns the only reader of a tensor, if it has this type and a constant.
  std::optional<std::size_t> follower(const std::string& tensor, const char* type) {
    const auto found = reader_.find(tensor);
    if (readers_[tensor] != 1 || found == reader_.end()) return std::nullopt;
    if (file_.nodes[found->second].type != type || !with_constant(found->second))
      return std::nullopt;
    return found->second;
  }

  bool is_square(std::size_t node, const std::string& of) const {
    const Node& n = file_.nodes[node];
    if (input(node, 0) != of) return false;
    return (n.type == "Mul" && input(node, 1) == of) ||
           (n.type == "Pow" && number(input(node, 1)) == 2.0);
  }

  /// Returns the axis that a ReduceMean reduces, if it is one axis that is kept.
  std::optional<std::int64_t> axis(std::size_t node) const {
    const Node& n = file_.nodes[node];
    if (n.integer("keepdims", 1) != 1) return std::nullopt;
    if (const auto axes = n.integers("axes"); axes.size() == 1) return axes[0];
    const auto given = number(input(node, 1));
    if (!given) return std::nullopt;
    return static_cast<std::int64_t>(*given);
  }

  /// Sqrt(ReduceMean(d^2) + epsilon), which is the denominator of a normalization.
  struct Deviation {
    double epsilon = 0;
    std::string of;  ///< d
    std::int64_t axis = 0;
    std::vector<std::size_t> nodes;  ///< nodes that nothing else reads
    bool multiplied = false;         ///< d^2 is written as d * d, which reads d twice
  };

  std::optional<Deviation> deviation(const std::string& tensor) {
    const auto root = maker(tensor, "Sqrt", 1);
    const auto sum = root ? maker(input(*root, 0), "Add", 1) : std::nullopt;
    const auto parts = sum ? with_constant(*sum) : std::nullopt;
    const auto epsilon = parts ? number(parts->first) : std::nullopt;
    const auto variance = epsilon ? maker(parts->second, "ReduceMean", 1) : std::nullopt;
    if (!variance || !axis(*variance)) return std::nullopt;
    auto square = maker(input(*variance, 0), "Pow", 1);
    if (!square) square = maker(input(*variance, 0), "Mul", 1);
    if (!square || !is_square(*square, input(*square, 0))) return std::nullopt;
    return Deviation{*epsilon,
                     input(*square, 0),
                     *axis(*variance),
                     {*square, *variance, *sum, *root},
                     file_.nodes[*square].type == "Mul"};
  }

  /// Replaces `last`, and `nodes` that lead to it, by a normalization.
  void replace(std::size_t last, const std::vector<std::size_t>& nodes, Node norm,
               const Deviation& d) {
    norm.index = file_.nodes[nodes.back()].index;
    norm.outputs = {output(last)};
    norm.attributes["axis"].i = d.axis;
    norm.attributes[kOneAxis].i = 1;
    norm.attributes["epsilon"].f = static_cast<float>(d.epsilon);
    gone_.insert(d.nodes.begin(), d.nodes.end());
    gone_.insert(nodes.begin(), nodes.end());
    gone_.erase(last);
    file_.nodes[last] = std::move(norm);
  }

  bool fuse(std::size_t division) {
    const auto found = deviation(input(division, 1));
    if (!found || found->of != input(division, 0)) return false;
    const auto difference = maker(found->of, "Sub", found->multiplied ? 3 : 2);
    const auto mean = difference ? maker(input(*difference, 1), "ReduceMean", 1) : std::nullopt;
    if (!mean || input(*mean, 0) != input(*difference, 0) || axis(*mean) != found->axis)
      return false;
    const auto scaled = follower(output(division), "Mul");
    if (!scaled) return false;
    const auto shifted = follower(output(*scaled), "Add");

    Node norm;
    norm.type = "LayerNormalization";
    norm.inputs = {input(*difference, 0), with_constant(*scaled)->first};
    if (shifted) norm.inputs.push_back(with_constant(*shifted)->first);
    replace(shifted.value_or(*scaled), {*mean, *difference, *scaled, division}, std::move(norm),
            *found);
    return true;
  }

  void fuse_root_mean_square(std::size_t last, const std::string& x, const std::string& root,
                             std::vector<std::size_t> between = {}) {
    const auto found = deviation(root);
    if (!found || found->of != x || !scale_of(x)) return;
    Node norm;
    norm.type = "RMSNormalization";
    norm.inputs = {x};
    between.push_back(last);
    const auto scaled = follower(output(last), "Mul");
    if (scaled) norm.inputs.push_back(with_constant(*scaled)->first);
    if (scaled) between.insert(between.begin(), *scaled);
    replace(scaled.value_or(last), between, std::move(norm), *found);
  }

  void fuse_reciprocal(std::size_t product) {
    for (const std::size_t at : {0, 1})
      if (const auto reciprocal = maker(input(product, at), "Reciprocal", 1))
        return fuse_root_mean_square(product, input(product, 1 - at), input(*reciprocal, 0),
                                     {*reciprocal});
  }

  /// Returns the scale of a quantizer's codes, if it is one scale for all.
  std::optional<double> scale_of(const std::string& name) const {
    const auto made = maker_.find(name);
    if (made == maker_.end()) return {};
    const std::string& type = file_.nodes[made->second].type;
    if (type != "DequantizeLinear" && type != "Quant") return {};
    return number(input(made->second, 1));
  }

  /// Fuses x / max(length of x, bound), as PyTorch's normalize() does. This requires that no line
  /// of codes except zeros is shorter than the bound; zeros divided by the bound are 0.
  /// @return true if it was found
  bool fuse_length(std::size_t division) {
    const auto shortest = scale_of(input(division, 0));
    if (!shortest) return false;
    std::vector<std::size_t> passed;
    std::string length = input(division, 1);
    for (const char* type : {"Expand", "Clip", "Max"}) {
      const auto found = maker(length, type, 1);
      if (!found) continue;
      const auto least = number(input(*found, 1));
      if (type != std::string("Expand") &&
          (!least || !(*least <= *shortest) || !input(*found, 2).empty()))
        return false;
      length = input(*found, 0);
      passed.push_back(*found);
    }
    const auto reduction = maker(length, "ReduceL2", 1);
    if (!reduction || input(*reduction, 0) != input(division, 0) || !axis(*reduction)) return false;
    Node norm;
    norm.type = "LpNormalization";
    norm.index = file_.nodes[division].index;
    norm.inputs = {input(division, 0)};
    norm.outputs = file_.nodes[division].outputs;
    norm.attributes["axis"].i = *axis(*reduction);
    gone_.insert(passed.begin(), passed.end());
    gone_.insert(*reduction);
    file_.nodes[division] = std::move(norm);
    return true;
  }

  /// Replaces Where(IsNaN(Softmax(x)), 0, Softmax(x)) by Softmax(x), because codes are finite.
  void drop_guard(std::size_t where) {
    const std::string& shares = input(where, 2);
    const auto guard = maker(input(where, 0), "IsNaN", 1);
    const auto softmax = guard ? maker(shares, "Softmax", 2) : std::nullopt;
    if (!softmax || input(*guard, 0) != shares) return;
    const auto scale = scale_of(input(*softmax, 0));
    if (!scale || *scale * 255 > std::numeric_limits<float>::max()) return;
    file_.nodes[*softmax].outputs = file_.nodes[where].outputs;
    gone_.insert({*guard, where});
  }

  File& file_;
  std::set<std::string> constants_;
  std::map<std::string, std::size_t> maker_, reader_;
  std::map<std::string, int> readers_;
  std::set<std::size_t> gone_;
};

}  // namespace

void fuse(File* file) { Fuser(file).run(); }

namespace {

/// Returns true if a constant has a value for each channel of an image.
bool is_by_channel(const File& file, const Node& node) {
  static const std::set<std::string> kTypes = {"Add", "Div", "Mul", "PRelu", "Sub"};
  if (kTypes.count(node.type) == 0) return false;
  return std::ranges::any_of(node.inputs, [&](const std::string& input) {
    const auto found = file.constants.find(input);
    if (found == file.constants.end() || found->second->rank() < 2) return false;
    return found->second->shape.back() == 1 && found->second->elements() > 1;
  });
}

}  // namespace

bool has_images(const File& file) {
  static const std::set<std::string> kTypes = {
      "AveragePool",  "BatchNormalization", "Conv",          "ConvTranspose",
      "DepthToSpace", "GlobalAveragePool",  "GlobalMaxPool", "MaxPool",
      "Pad",          "ReduceMean",         "Resize",        "SpaceToDepth",
      "Upsample"};
  return std::ranges::any_of(file.nodes, [&](const Node& node) {
    return kTypes.count(node.type) != 0 || is_by_channel(file, node);
  });
}

bool multiplies_maps(const File& file) {
  const std::set<std::string> constants = constants_of(file);
  return std::ranges::any_of(file.nodes, [&](const Node& node) {
    return node.type == "MatMul" &&
           std::ranges::none_of(
               node.inputs, [&](const std::string& input) { return constants.count(input) != 0; });
  });
}

bool quantizes_activations(const File& file) {
  static const std::set<std::string> kTypes = {"BipolarQuant", "MultiThreshold", "Quant",
                                               "QuantizeLinear"};
  return std::ranges::any_of(file.inputs, [](const Input& in) { return in.scale > 0; }) ||
         std::ranges::any_of(file.nodes,
                             [&](const Node& node) { return kTypes.count(node.type) != 0; });
}

bool is_read(const File& file, const std::string& tensor) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::ranges::find(names, tensor) != names.end();
  };
  return !tensor.empty() &&
         (has(file.outputs) ||
          std::ranges::any_of(file.nodes, [&](const Node& node) { return has(node.inputs); }));
}

bool is_quantized(const File& file, const std::string& tensor) {
  bool any = std::ranges::count(file.outputs, tensor) == 0;
  int readers = 0;
  for (const Node& node : file.nodes)
    if (std::ranges::count(node.inputs, tensor) != 0) {
      any = any && (node.type == "QuantizeLinear" || node.type == "Quant");
      ++readers;
    }
  return any && readers > 0;
}

}  // namespace trine::model::onnx_file
