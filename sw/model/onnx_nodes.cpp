// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx_nodes.h"

#include <algorithm>
#include <set>

namespace trine::model::onnx_file {
namespace {

/// Names that stand for constants: initializers, and what is computed of them alone.
std::set<std::string> constants_of(const File& file) {
  std::set<std::string> names{""};
  for (const auto& [name, constant] : file.constants) names.insert(name);
  for (const Node& node : file.nodes)
    if (std::all_of(node.inputs.begin(), node.inputs.end(),
                    [&](const std::string& input) { return names.count(input) != 0; }))
      names.insert(node.outputs.begin(), node.outputs.end());
  return names;
}

}  // namespace

bool has_images(const File& file) {
  static const std::set<std::string> kTypes = {"AveragePool",   "BatchNormalization",
                                               "Conv",          "GlobalAveragePool",
                                               "GlobalMaxPool", "MaxPool",
                                               "Pad",           "Resize",
                                               "ReduceMean",    "Upsample"};
  return std::any_of(file.nodes.begin(), file.nodes.end(),
                     [&](const Node& node) { return kTypes.count(node.type) != 0; });
}

bool multiplies_maps(const File& file) {
  const std::set<std::string> constants = constants_of(file);
  return std::any_of(file.nodes.begin(), file.nodes.end(), [&](const Node& node) {
    return node.type == "MatMul" &&
           std::none_of(node.inputs.begin(), node.inputs.end(),
                        [&](const std::string& input) { return constants.count(input) != 0; });
  });
}

bool is_quantized(const File& file, const std::string& tensor) {
  bool any = std::count(file.outputs.begin(), file.outputs.end(), tensor) == 0;
  int readers = 0;
  for (const Node& node : file.nodes)
    if (std::count(node.inputs.begin(), node.inputs.end(), tensor) != 0) {
      any = any && (node.type == "QuantizeLinear" || node.type == "Quant");
      ++readers;
    }
  return any && readers > 0;
}

}  // namespace trine::model::onnx_file
