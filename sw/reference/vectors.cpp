// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/vectors.h"

#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "sw/base/error.h"
#include "sw/base/file.h"

namespace trine::reference {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A value in the manifest that knows where it stands, so that each message can say so.
class Node {
 public:
  Node(const json& value, std::string where) : value_(&value), where_(std::move(where)) {}

  bool has(const char* key) const { return value_->is_object() && value_->contains(key); }

  Node operator[](const char* key) const {
    if (!value_->is_object()) fail("is no object");
    const auto found = value_->find(key);
    if (found == value_->end()) throw_error("{}: {} is missing", where_, key);
    return {*found, fmt::format("{}: {}", where_, key)};
  }

  std::vector<Node> items() const {
    if (!value_->is_array()) fail("is no list");
    std::vector<Node> result;
    for (std::size_t i = 0; i < value_->size(); ++i)
      result.emplace_back((*value_)[i], fmt::format("{}[{}]", where_, i));
    return result;
  }

  std::string text() const {
    if (!value_->is_string()) fail("is no string");
    return value_->get<std::string>();
  }

  std::int64_t number() const {
    if (!value_->is_number_integer()) fail("is no whole number");
    return value_->get<std::int64_t>();
  }

  int small_number() const {
    const std::int64_t value = number();
    if (value < -1 || value > std::numeric_limits<int>::max()) fail("is out of range");
    return static_cast<int>(value);
  }

  bool is_text() const { return value_->is_string(); }
  bool is_null() const { return value_->is_null(); }

  [[noreturn]] void fail(const std::string& what) const { throw_error("{} {}", where_, what); }

 private:
  const json* value_;
  std::string where_;
};

/// NumPy's name of a type, as manifests write it, to its code.
std::string code_of(const Node& dtype) {
  const std::string name = dtype.text();
  for (const auto& [long_name, code] : {std::pair{"int8", "i1"},
                                        {"uint8", "u1"},
                                        {"int16", "i2"},
                                        {"int32", "i4"},
                                        {"int64", "i8"},
                                        {"float32", "f4"},
                                        {"float64", "f8"},
                                        {"bool", "b1"}})
    if (name == long_name) return code;
  dtype.fail("is '" + name + "', allowed int8 uint8 int16 int32 int64 float32 float64 bool");
}

/// Raw bytes of the type and shape that `description` (an entry of inputs or outputs) states.
Array read_raw(const fs::path& path, const Node& file, const Node& description) {
  Array array{code_of(description["dtype"]), {}, read_file(path)};
  std::size_t expected = array.element_bytes();
  for (const Node& item : description["shape"].items()) {
    const std::int64_t extent = item.number();
    if (extent < 0 || extent > (1 << 28)) item.fail("is no extent");
    array.shape.push_back(extent);
    expected *= static_cast<std::size_t>(extent);
    if (expected > (std::size_t{1} << 31)) item.fail("makes the tensor too large");
  }
  if (array.bytes.size() != expected)
    file.fail(fmt::format("has {} bytes, its shape needs {}", array.bytes.size(), expected));
  return array;
}

Array read_tensor(const fs::path& folder, const Node& file, const Node& description) {
  const std::string name = file.text();
  fs::path path = folder / name;
  if (!fs::exists(path) && fs::exists(folder.parent_path() / name))
    path = folder.parent_path() / name;
  try {
    return path.extension() == ".npy" ? read_npy(path) : read_raw(path, file, description);
  } catch (const Error& error) {
    if (std::string(error.what()).find("manifest.json") != std::string::npos) throw;
    file.fail(fmt::format("names a bad file: {}", error.what()));
  }
}

std::vector<Array> read_tensors(const fs::path& folder, const Node& files,
                                const std::vector<Node>& descriptions) {
  std::vector<Array> result;
  const std::vector<Node> items = files.items();
  if (items.size() != descriptions.size())
    files.fail(fmt::format("has {} files, the model {}", items.size(), descriptions.size()));
  for (std::size_t i = 0; i < items.size(); ++i)
    result.push_back(read_tensor(folder, items[i], descriptions[i]));
  return result;
}

/// LiteRT's manifests have lists where ONNX's have one input.
std::vector<Node> one_or_more(const Node& parent, const char* many, const char* one) {
  if (parent.has(many) || !parent.has(one)) return parent[many].items();
  return {parent[one]};
}

VectorCase read_case(const fs::path& folder, const Node& node, const std::vector<Node>& inputs,
                     const std::vector<Node>& outputs) {
  VectorCase result;
  result.id = node["id"].text();
  if (node.has("inputs") || !node.has("input"))
    result.inputs = read_tensors(folder, node["inputs"], inputs);
  else
    result.inputs = {read_tensor(folder, node["input"], inputs.at(0))};
  result.outputs = read_tensors(folder, node["outputs"], outputs);
  return result;
}

LayerVector read_layer(const fs::path& folder, const Node& node) {
  LayerVector layer;
  layer.op = node["op"].text();
  layer.op_index = node[node.has("op_index") ? "op_index" : "node"].small_number();
  if (node["tensor"].is_text()) {
    layer.name = node["tensor"].text();
  } else {
    layer.tensor = node["tensor"].small_number();
    layer.name = node["name"].text();
  }
  layer.value = read_tensor(folder, node["file"], node);
  return layer;
}

void read_reference(const Node& reference, VectorSet* set) {
  if (reference.is_text()) {  // "onnxruntime 1.31.1"
    const std::string text = reference.text();
    const std::size_t blank = text.find(' ');
    set->package = text.substr(0, blank);
    set->version = blank == std::string::npos ? "" : text.substr(blank + 1);
  } else {
    set->package = reference["package"].text();
    set->version = reference["version"].text();
  }
  set->policy = policy_of(set->package, set->version);
}

json parse(const fs::path& path) {
  json manifest = json::parse(read_text(path), nullptr, false);
  if (manifest.is_discarded()) throw_error("{}: is no valid JSON", path.string());
  return manifest;
}

}  // namespace

RoundingPolicy policy_of(const std::string& package, const std::string& version) {
  int major = 0, minor = 0;
  if (package != "ai-edge-litert" || std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2)
    return kDoublePolicy;
  return major > 1 || (major == 1 && minor >= 3) ? kMixedPolicy : kDoublePolicy;
}

VectorSet read_vectors(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  const json manifest = parse(path);
  const Node root(manifest, path.string());

  VectorSet set;
  set.file = path.string();
  set.model = root["model"].text();
  if (root.has("sha256")) set.sha256 = root["sha256"].text();
  read_reference(root["reference"], &set);
  const std::vector<Node> inputs = one_or_more(root, "inputs", "input");
  const std::vector<Node> outputs = root["outputs"].items();
  for (const Node& node : root["cases"].items())
    set.cases.push_back(read_case(folder, node, inputs, outputs));
  if (set.cases.empty()) root["cases"].fail("is empty");
  if (root.has("layers")) {
    set.layers_case = root["layers"]["case"].text();
    for (const Node& node : root["layers"]["tensors"].items())
      if (!node["file"].is_null()) set.layers.push_back(read_layer(folder, node));
  }
  return set;
}

void check_vectors(const VectorSet& vectors, const model::Graph& graph) {
  const auto fit = [&](const std::vector<Array>& arrays, const std::vector<int>& tensors,
                       const std::string& what) {
    if (arrays.size() != tensors.size())
      throw_error("{}: {}: {} tensors, the model {} has {}", vectors.file, what, arrays.size(),
                  graph.file, tensors.size());
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const std::string fault = mismatch(arrays[i], graph.tensor(tensors[i]));
      if (!fault.empty()) throw_error("{}: {} {} {}", vectors.file, what, i, fault);
    }
  };
  for (const VectorCase& c : vectors.cases) {
    fit(c.inputs, graph.inputs, fmt::format("case {} input", c.id));
    fit(c.outputs, graph.outputs, fmt::format("case {} output", c.id));
  }
  for (const LayerVector& layer : vectors.layers) {
    if (layer.tensor == -1) continue;  // ONNX has names, of which the importer keeps some
    if (layer.tensor < 0 || layer.tensor >= static_cast<int>(graph.tensors.size()))
      throw_error("{}: layer {}: tensor {} does not exist in {}", vectors.file, layer.op_index,
                  layer.tensor, graph.file);
    fit({layer.value}, {layer.tensor}, fmt::format("layer {}", layer.op_index));
  }
}

}  // namespace trine::reference
