// SPDX-License-Identifier: Apache-2.0
//
// libtrine_delegate.so: an external delegate of LiteRT. The interpreter's nodes of each part that
// the machine can execute become one node, which runs a compiled program.

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "components/plugins/options.h"
#include "components/plugins/partition.h"
#include "components/plugins/tflite.h"
#include "components/plugins/tflite_file.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/graph.h"

namespace trine::abi::tflite {
namespace {

/// The interpreter's graph, as the search reads it.
class Interpreted : public Source {
 public:
  explicit Interpreted(Context& context) : context_(context), plan_(plan_of(context)) {}

  std::vector<abi::Node> nodes() const override {
    std::vector<abi::Node> nodes;
    for (const Planned& planned : plan_) nodes.push_back(described(planned));
    return nodes;
  }

  bool holds_codes(int tensor) const override {
    const Tensor& t = context_.tensors[tensor];
    return t.quantization.kind == kAffine &&
           (t.type == kInt8 || t.type == kUInt8 || t.type == kInt16);
  }

  std::vector<std::uint8_t> file(const Nodes& nodes) const override {
    return file_of(context_, planned(nodes), outputs(nodes));
  }

  std::vector<Nodes> parts(const Nodes& nodes) const override {
    Subset* subsets = nullptr;
    int count = 0;
    const std::vector<int> list = indices(nodes);
    if (context_.preview(&context_, as_list(list), &subsets, &count) != kOk)
      throw_error("trine: LiteRT does not partition the graph");
    std::vector<Nodes> parts;
    for (int i = 0; i < count; ++i) {
      Nodes part = positions(*subsets[i].nodes);
      if (std::ranges::binary_search(nodes, part.front())) parts.push_back(std::move(part));
    }
    return parts;
  }

  /// Returns the interpreter's node numbers after their count, in the form of its lists.
  std::vector<int> indices(const Nodes& nodes) const {
    std::vector<int> list{static_cast<int>(nodes.size())};
    for (const int n : nodes) list.push_back(plan_[at(n)].index);
    return list;
  }
  static const Ints* as_list(const std::vector<int>& list) {
    return reinterpret_cast<const Ints*>(list.data());
  }

  Nodes positions(const Ints& of_interpreter) const {
    Nodes nodes;
    for (const int index : of_interpreter)
      nodes.push_back(
          static_cast<int>(std::ranges::find(plan_, index, &Planned::index) - plan_.begin()));
    std::ranges::sort(nodes);
    return nodes;
  }

  std::vector<int> inputs(const Nodes& nodes) const { return inputs_of(context_, planned(nodes)); }

  /// Returns tensors that other nodes read, or that none reads.
  std::vector<int> outputs(const Nodes& nodes) const {
    std::set<int> outside, inside;
    for (std::size_t n = 0; n < plan_.size(); ++n) {
      const Ints& read = *plan_[n].node->inputs;
      (std::ranges::binary_search(nodes, static_cast<int>(n)) ? inside : outside)
          .insert(read.begin(), read.end());
    }
    std::vector<int> made;
    for (const int n : nodes)
      for (const int t : *plan_[at(n)].node->outputs)
        if (outside.contains(t) || !inside.contains(t)) made.push_back(t);
    return made;
  }

 private:
  abi::Node described(const Planned& planned) const {
    abi::Node node;
    const auto kind = model::kind_of_tflite(planned.registration->code);
    const char* custom = planned.registration->custom_name;
    node.op = kind     ? std::string(kind->second)
              : custom ? custom
                       : fmt::format("OPERATOR_{}", planned.registration->code);
    node.inputs.assign(planned.node->inputs->begin(), planned.node->inputs->end());
    node.outputs.assign(planned.node->outputs->begin(), planned.node->outputs->end());
    if (!node.outputs.empty() && context_.tensors[node.outputs[0]].name != nullptr)
      node.name = context_.tensors[node.outputs[0]].name;
    node.macs = macs_of(context_, planned);
    node.dequantizes = kind && kind->first == model::OpKind::kDequantize;
    node.refused = fault_of(context_, planned);
    return node;
  }

  std::vector<Planned> planned(const Nodes& nodes) const {
    std::vector<Planned> result;
    for (const int n : nodes) result.push_back(plan_[at(n)]);
    return result;
  }

  Context& context_;
  std::vector<Planned> plan_;
};

/// The interpreter's data for a part: the node that replaces others.
struct Kernel {
  std::shared_ptr<Partition> partition;  ///< writes its report when the last reference ends
  std::shared_ptr<Part> part;
  std::vector<int> inputs, outputs;  ///< tensors
};

struct Loaded {
  Delegate delegate{};
  Options options;
  std::string version;  ///< version of LiteRT that the user assumes; empty: the installed one
  /// By the interpreter's nodes, which begin with their count. Used while the interpreter makes its
  /// parts, because its plan and nodes change meanwhile.
  std::map<std::vector<int>, Kernel> kernels;
};

/// The versions of ai-edge-litert for which tflite.h is correct, and the rounding of their kernels.
struct Known {
  const char* version;
  reference::RoundingPolicy rounding;
};
constexpr Known kKnown[] = {{"1.2.0", reference::kDoublePolicy},
                            {"2.3.0", reference::kMixedPolicy}};

/// Returns the version that pip recorded next to the interpreter's package, or "?".
std::string installed_version(const Context& context) {
  constexpr std::string_view kBegin = "ai_edge_litert-", kEnd = ".dist-info";
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(context.report), &info) == 0) return "?";
  const auto packages = std::filesystem::absolute(info.dli_fname).parent_path().parent_path();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(packages, ignored))
    if (const std::string name = entry.path().filename();
        name.starts_with(kBegin) && name.ends_with(kEnd))
      return name.substr(kBegin.size(), name.size() - kBegin.size() - kEnd.size());
  return "?";
}

/// @throws Error  if the version has not been tested
reference::RoundingPolicy rounding_of(const std::string& version) {
  for (const Known& known : kKnown)
    if (version == known.version) return known.rounding;
  throw_error(
      "trine: LiteRT {}: tested with 1.2.0 and 2.3.0; set option litert to the one that it behaves "
      "like",
      version);
}

/// Returns the status of a C function: errors are reported, and no exception leaves it.
template <typename Action>
Status guarded(Context* context, const Action& action) noexcept {
  try {
    action();
    return kOk;
  } catch (const std::exception& error) {
    context->report(context, "%s", error.what());
    return kDelegateError;
  }
}

Array array_of(const Tensor& tensor, const Array& shape) {
  const auto* bytes = static_cast<const std::uint8_t*>(tensor.data);
  return {shape.dtype, shape.shape, {bytes, bytes + tensor.bytes}};
}

void* make_kernel(Context* context, const char* parameters, std::size_t) noexcept {
  Kernel* kernel = nullptr;
  guarded(context, [&] {
    const auto& subset = *reinterpret_cast<const Subset*>(parameters);
    std::vector<int> nodes{subset.nodes->size};
    nodes.insert(nodes.end(), subset.nodes->begin(), subset.nodes->end());
    const auto& kernels = static_cast<Loaded*>(subset.delegate->data)->kernels;
    const auto found = kernels.find(nodes);
    if (found == kernels.end()) throw_error("trine: LiteRT asks for nodes that were not offered");
    kernel = new Kernel(found->second);
  });
  return kernel;
}

void free_kernel(Context*, void* state) noexcept { delete static_cast<Kernel*>(state); }

Status prepare_kernel(Context*, Node* node) noexcept {
  return node->state != nullptr ? kOk : kDelegateError;
}

Status run_kernel(Context* context, Node* node) noexcept {
  return guarded(context, [&] {
    const Kernel& kernel = *static_cast<const Kernel*>(node->state);
    const std::vector<Array> shapes = cli::input_shapes(kernel.part->session->network());
    std::vector<Array> inputs;
    for (std::size_t i = 0; i < kernel.inputs.size(); ++i)
      inputs.push_back(array_of(context->tensors[kernel.inputs[i]], shapes.at(i)));
    const std::vector<Array> outputs =
        kernel.part->run(inputs, kernel.partition->options().backend);
    for (std::size_t i = 0; i < kernel.outputs.size(); ++i) {
      const Tensor& tensor = context->tensors[kernel.outputs[i]];
      if (tensor.data == nullptr) continue;  // no node reads it
      if (outputs.at(i).bytes.size() != tensor.bytes)
        throw_error("trine: output '{}' has {} bytes, LiteRT's buffer has {}",
                    tensor.name ? tensor.name : "", outputs[i].bytes.size(), tensor.bytes);
      std::memcpy(tensor.data, outputs[i].bytes.data(), tensor.bytes);
    }
  });
}

Status replace(Context* context, Delegate* delegate, const std::vector<int>& nodes) {
  Registration registration{};
  registration.init = make_kernel;
  registration.free = free_kernel;
  registration.prepare = prepare_kernel;
  registration.invoke = run_kernel;
  registration.custom_name = "Trine";
  registration.version = 1;
  return context->replace(context, registration, Interpreted::as_list(nodes), delegate);
}

/// Claims the nodes of a graph that the machine supports.
Status prepare(Context* context, Delegate* delegate) noexcept {
  return guarded(context, [&] {
    auto& loaded = *static_cast<Loaded*>(delegate->data);
    Options options = loaded.options;
    options.rounding =
        rounding_of(loaded.version.empty() ? installed_version(*context) : loaded.version);
    const Interpreted graph(*context);
    const auto partition = std::make_shared<Partition>(graph, "LiteRT", options);
    if (partition->parts().empty()) return;
    for (const auto& part : partition->parts())
      loaded.kernels[graph.indices(part->nodes)] = {partition, part, graph.inputs(part->nodes),
                                                    graph.outputs(part->nodes)};
    const Status status = replace(context, delegate, graph.indices(partition->claimed()));
    loaded.kernels.clear();
    if (status != kOk) throw_error("trine: LiteRT does not accept the delegate's nodes");
  });
}

}  // namespace
}  // namespace trine::abi::tflite

using trine::abi::tflite::Delegate;
using trine::abi::tflite::Loaded;

extern "C" {

/// @param report  receives the fault of the options; may be null
/// @return null if the options are refused
__attribute__((visibility("default"))) Delegate* tflite_plugin_create_delegate(
    char** keys, char** values, std::size_t count, void (*report)(const char*)) noexcept {
  try {
    trine::abi::find_files();
    std::vector<std::pair<std::string, std::string>> given;
    auto loaded = std::make_unique<Loaded>();
    for (std::size_t i = 0; i < count; ++i)
      if (keys[i] == std::string_view("litert"))
        loaded->version = values[i];
      else
        given.emplace_back(keys[i], values[i]);
    loaded->options = trine::abi::options_of(given);
    loaded->delegate.data = loaded.get();
    loaded->delegate.prepare = trine::abi::tflite::prepare;
    return &loaded.release()->delegate;
  } catch (const std::exception& error) {
    if (report != nullptr) report(error.what());
    return nullptr;
  }
}

__attribute__((visibility("default"))) void tflite_plugin_destroy_delegate(
    Delegate* delegate) noexcept {
  if (delegate != nullptr) delete static_cast<Loaded*>(delegate->data);
}
}
