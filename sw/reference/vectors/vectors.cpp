// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/vectors/vectors.h"

#include <fmt/ranges.h>

#include <cstdio>
#include <limits>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

namespace trine::reference {
namespace {

namespace fs = std::filesystem;

/// A value in the manifest with its location, so that each message can name it.
class Node {
 public:
  Node(const SortedJson& value, std::string where) : value_(&value), where_(std::move(where)) {}

  bool has(const char* key) const { return value_->is_object() && value_->contains(key); }

  Node operator[](const char* key) const {
    if (!value_->is_object()) fail("is not an object");
    const auto found = value_->find(key);
    if (found == value_->end()) throw_error("{}: {} is missing", where_, key);
    return {*found, fmt::format("{}: {}", where_, key)};
  }

  std::vector<Node> items() const {
    if (!value_->is_array()) fail("is not a list");
    std::vector<Node> result;
    for (std::size_t i = 0; i < value_->size(); ++i)
      result.emplace_back((*value_)[i], fmt::format("{}[{}]", where_, i));
    return result;
  }

  std::string text() const {
    if (!value_->is_string()) fail("is not a string");
    return value_->get<std::string>();
  }

  std::int64_t number() const {
    if (!value_->is_number_integer()) fail("is not a whole number");
    return value_->get<std::int64_t>();
  }

  double real() const {
    if (!value_->is_number()) fail("is not a number");
    return value_->get<double>();
  }

  int small_number() const {
    const std::int64_t value = number();
    if (value < -1 || value > std::numeric_limits<int>::max()) fail("is out of range");
    return static_cast<int>(value);
  }

  bool truth() const {
    if (!value_->is_boolean()) fail("is not true or false");
    return value_->get<bool>();
  }

  /// Returns the items of a list; of another value, the value.
  std::vector<Node> one_or_more() const { return is_list() ? items() : std::vector{*this}; }

  bool is_text() const { return value_->is_string(); }
  bool is_list() const { return value_->is_array(); }
  bool is_null() const { return value_->is_null(); }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw_error("{} {}", where_, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  const SortedJson* value_;
  std::string where_;
};

/// Returns the code of a type for NumPy's name in manifests.
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
  dtype.fail("is '{}', allowed int8 uint8 int16 int32 int64 float32 float64 bool", name);
}

/// Returns an array of the type and shape that `description` declares, without its bytes.
Array shaped(const Node& description) {
  Array array{code_of(description["dtype"]), {}, {}};
  for (const Node& item : description["shape"].items()) {
    const std::int64_t extent = item.number();
    if (extent < 0 || extent > (1 << 28)) item.fail("is not an extent");
    array.shape.push_back(extent);
  }
  return array;
}

std::size_t bytes_of(const Array& array, const Node& description) {
  std::size_t bytes = array.element_bytes();
  for (const std::int64_t extent : array.shape) {
    bytes *= static_cast<std::size_t>(extent);
    if (bytes > (std::size_t{1} << 31)) description["shape"].fail("makes the tensor too large");
  }
  return bytes;
}

/// Reads raw bytes of the type and shape that `description` (an entry of inputs or outputs)
/// declares.
Array read_raw(const fs::path& path, const Node& file, const Node& description) {
  Array array = shaped(description);
  const std::size_t expected = bytes_of(array, description);
  array.bytes = read_file(path);
  if (array.bytes.size() != expected)
    file.fail("has {} bytes, but its shape needs {}", array.bytes.size(), expected);
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
    file.fail("names a file that cannot be read: {}", error.what());
  }
}

/// Reads a file whose leading axis is the case.
Array read_stack(const fs::path& folder, const Node& description, std::size_t cases) {
  const Node file = description["file"];
  Array stack = read_tensor(folder, file, description);
  if (stack.shape.empty() || stack.shape[0] != static_cast<std::int64_t>(cases))
    file.fail("has the shape [{}], but its leading axis must have an element for each of {} cases",
              fmt::join(stack.shape, ", "), cases);
  return stack;
}

/// Returns the tensor of one case.
Array row_of(const Array& stack, std::size_t index) {
  Array row{stack.dtype, {stack.shape.begin() + 1, stack.shape.end()}, {}};
  const auto bytes = static_cast<std::ptrdiff_t>(row.elements()) *
                     static_cast<std::ptrdiff_t>(row.element_bytes());
  const auto begin = stack.bytes.begin() + static_cast<std::ptrdiff_t>(index) * bytes;
  row.bytes.assign(begin, begin + bytes);
  return row;
}

/// The model's inputs or outputs: their descriptions in the manifest, and the files that contain
/// all cases.
struct Ends {
  std::vector<Node> descriptions;
  std::vector<Array> stacks;  ///< empty if each case names separate files
};

Ends read_ends(const fs::path& folder, std::vector<Node> descriptions, std::size_t cases) {
  Ends ends{std::move(descriptions), {}};
  if (ends.descriptions.empty() || !ends.descriptions[0].has("file")) return ends;
  for (const Node& node : ends.descriptions) ends.stacks.push_back(read_stack(folder, node, cases));
  return ends;
}

std::vector<Array> rows_of(const Ends& ends, std::size_t index) {
  std::vector<Array> rows;
  for (const Array& stack : ends.stacks) rows.push_back(row_of(stack, index));
  return rows;
}

std::vector<Array> read_tensors(const fs::path& folder, const Node& files,
                                const std::vector<Node>& descriptions) {
  std::vector<Array> result;
  const std::vector<Node> items = files.items();
  if (items.size() != descriptions.size())
    files.fail("has {} files, but the model has {}", items.size(), descriptions.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    result.push_back(read_tensor(folder, items[i], descriptions[i]));
  return result;
}

/// Returns a list. LiteRT's manifests have lists where ONNX's have one input.
std::vector<Node> one_or_more(const Node& parent, const char* many, const char* one) {
  if (parent.has(many) || !parent.has(one)) return parent[many].items();
  return {parent[one]};
}

std::vector<std::int64_t> read_labels(const Node& node) {
  std::vector<std::int64_t> labels;
  for (const char* key : {"label", "labels"}) {
    if (!node.has(key)) continue;
    if (!node[key].is_list()) return {node[key].number()};
    for (const Node& label : node[key].items()) labels.push_back(label.number());
  }
  return labels;
}

VectorCase read_case(const fs::path& folder, const Node& node, std::size_t index,
                     const Ends& inputs, const Ends& outputs) {
  VectorCase result;
  result.id = node["id"].text();
  result.labels = read_labels(node);
  if (node.has("input") && !node.has("inputs"))
    result.inputs = {read_tensor(folder, node["input"], inputs.descriptions.at(0))};
  else if (node.has("inputs") || inputs.stacks.empty())
    result.inputs = read_tensors(folder, node["inputs"], inputs.descriptions);
  else
    result.inputs = rows_of(inputs, index);
  result.outputs = node.has("outputs") || outputs.stacks.empty()
                       ? read_tensors(folder, node["outputs"], outputs.descriptions)
                       : rows_of(outputs, index);
  return result;
}

/// Returns a layer's tensor from the file of all layers' bytes, beginning at `offset`.
Array read_part(const Array& bytes, const Node& node) {
  Array array = shaped(node);
  const std::int64_t offset = node["offset"].number();
  const std::size_t size = bytes_of(array, node);
  if (offset < 0 || static_cast<std::uint64_t>(offset) > bytes.bytes.size() ||
      bytes.bytes.size() - static_cast<std::size_t>(offset) < size)
    node["offset"].fail("is {}, but the file does not contain {} bytes from there on", offset,
                        size);
  const auto begin = bytes.bytes.begin() + offset;
  array.bytes.assign(begin, begin + size);
  return array;
}

std::vector<std::int64_t> read_ties(const Node& node, std::int64_t elements) {
  std::vector<std::int64_t> ties;
  for (const Node& item : node.items()) {
    const std::int64_t tie = item.number();
    if (tie < (ties.empty() ? 0 : ties.back() + 1) || tie >= elements)
      item.fail("is {}, allowed ascending elements below {}", tie, elements);
    ties.push_back(tie);
  }
  return ties;
}

std::vector<double> read_exact(const Node& node, std::size_t ties) {
  std::vector<double> exact;
  for (const Node& item : node.items()) exact.push_back(item.real());
  if (exact.size() != ties) node.fail("has {} values, but ties has {}", exact.size(), ties);
  return exact;
}

LayerVector read_layer(const fs::path& folder, const Node& node, const Array* bytes) {
  LayerVector layer;
  layer.op = node[node.has("of") ? "of" : "op"].text();
  layer.op_index = node[node.has("op_index") ? "op_index" : "node"].small_number();
  if (node["tensor"].is_text()) {
    layer.name = node["tensor"].text();
  } else {
    layer.tensor = node["tensor"].small_number();
    layer.name = node["name"].text();
  }
  layer.value =
      bytes != nullptr ? read_part(*bytes, node) : read_tensor(folder, node["file"], node);
  if (node.has("ties")) layer.ties = read_ties(node["ties"], layer.value.elements());
  if (node.has("exact")) layer.exact = read_exact(node["exact"], layer.ties.size());
  return layer;
}

CaseLayers read_layers(const fs::path& folder, const Node& layers, const VectorSet& set) {
  const std::string id = layers["case"].text();
  const auto one = std::ranges::find(set.cases, id, &VectorCase::id);
  if (one == set.cases.end()) layers["case"].fail("is {}, which is not the id of a case", id);
  CaseLayers result{static_cast<std::size_t>(one - set.cases.begin()), {}};
  std::optional<Array> bytes;
  if (layers.has("file")) bytes = read_tensor(folder, layers["file"], layers);
  for (const Node& node : layers["tensors"].items()) {
    if (!bytes && node["file"].is_null()) continue;
    result.tensors.push_back(read_layer(folder, node, bytes ? &*bytes : nullptr));
  }
  return result;
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
    if (reference.has("resolver")) set->resolver = reference["resolver"].text();
  }
  set->policy = policy_of(set->package, set->version);
}

}  // namespace

RoundingPolicy policy_of(const std::string& package, const std::string& version) {
  if (package != "ai-edge-litert") return kDoublePolicy;
  int major = 0, minor = 0;
  const bool known = std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2;
  const bool once = known && (major > 1 || (major == 1 && minor >= 3));
  RoundingPolicy policy = once ? kMixedPolicy : kDoublePolicy;
  policy.lstm = LstmKernel::kLiteRt;
  return policy;
}

VectorSet read_vectors(const fs::path& folder, bool streams) {
  const fs::path path = folder / "manifest.json";
  const SortedJson manifest = parse_sorted_json(read_text(path), path.string());
  const Node root(manifest, path.string());

  VectorSet set;
  set.file = path.string();
  if (root.has("model")) set.model = root["model"].text();
  if (root.has("sha256")) set.sha256 = root["sha256"].text();
  if (root.has("reference")) read_reference(root["reference"], &set);
  const std::vector<Node> cases = root["cases"].items();
  if (cases.empty()) root["cases"].fail("is empty");
  const Ends inputs = read_ends(folder, one_or_more(root, "inputs", "input"), cases.size());
  const Ends outputs = read_ends(folder, root["outputs"].items(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i)
    set.cases.push_back(read_case(folder, cases[i], i, inputs, outputs));
  if (root.has("layers"))
    for (const Node& layers : root["layers"].one_or_more())
      set.layers.push_back(read_layers(folder, layers, set));
  if (root.has("stream")) set.stream = root["stream"].truth();
  if (set.stream && !streams)
    throw_error("{}: stream: its cases share states, allowed only in trine verify and trine soc",
                set.file);
  return set;
}

VectorSet batched(VectorSet vectors, int n) {
  if (n == 1) return vectors;
  const std::vector<VectorCase> cases = std::exchange(vectors.cases, {});
  vectors.layers.clear();
  const auto join = [&](Array& to, const Array& next, const std::string& id) {
    const bool fits = to.dtype == next.dtype && !to.shape.empty() &&
                      to.shape.size() == next.shape.size() &&
                      std::equal(to.shape.begin() + 1, to.shape.end(), next.shape.begin() + 1);
    if (!fits)
      throw_error("{}: case {} has another type or shape than the others of its batch",
                  vectors.file, id);
    to.shape[0] += next.shape[0];
    to.bytes.insert(to.bytes.end(), next.bytes.begin(), next.bytes.end());
  };
  const auto count = static_cast<std::size_t>(n);
  for (std::size_t first = 0; first < cases.size(); first += count) {
    VectorCase& all = vectors.cases.emplace_back(cases[first]);
    all.labels.clear();
    for (std::size_t i = 1; i < count; ++i) {
      const VectorCase& next = cases[(first + i) % cases.size()];
      if (next.inputs.size() != all.inputs.size() || next.outputs.size() != all.outputs.size())
        throw_error("{}: case {} has other numbers of tensors than the cases before it",
                    vectors.file, next.id);
      for (std::size_t t = 0; t < all.inputs.size(); ++t)
        join(all.inputs[t], next.inputs[t], next.id);
      for (std::size_t t = 0; t < all.outputs.size(); ++t)
        join(all.outputs[t], next.outputs[t], next.id);
    }
  }
  return vectors;
}

namespace {

void check_fit(const VectorSet& vectors, const std::vector<Array>& arrays,
               const model::Graph& graph, const std::vector<int>& tensors,
               const std::string& what) {
  if (arrays.size() != tensors.size())
    throw_error("{}: {}: {} tensors, but the model {} has {}", vectors.file, what, arrays.size(),
                graph.file, tensors.size());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::string fault = mismatch(arrays[i], graph.tensor(tensors[i]));
    if (!fault.empty()) throw_error("{}: {} {} {}", vectors.file, what, i, fault);
  }
}

void check_layer(const VectorSet& vectors, const LayerVector& layer, const model::Graph& graph) {
  if (layer.tensor == -1) return;  // ONNX has names, some of which the importer keeps
  if (layer.tensor < 0 || layer.tensor >= static_cast<int>(graph.tensors.size()))
    throw_error("{}: layer {}: tensor {} does not exist in {}", vectors.file, layer.op_index,
                layer.tensor, graph.file);
  check_fit(vectors, {layer.value}, graph, {layer.tensor}, fmt::format("layer {}", layer.op_index));
}

}  // namespace

void check_cases(const VectorSet& vectors, const model::Graph& before, const model::Graph& after) {
  for (const VectorCase& c : vectors.cases) {
    check_fit(vectors, c.inputs, before, before.inputs, fmt::format("case {} input", c.id));
    check_fit(vectors, c.outputs, after, after.outputs, fmt::format("case {} output", c.id));
  }
}

void check_vectors(const VectorSet& vectors, const model::Graph& graph) {
  check_cases(vectors, graph, graph);
  for (const CaseLayers& one : vectors.layers)
    for (const LayerVector& layer : one.tensors) check_layer(vectors, layer, graph);
}

}  // namespace trine::reference
