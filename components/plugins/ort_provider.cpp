// SPDX-License-Identifier: Apache-2.0
//
// libtrine_ort.so: a plug-in execution provider of ONNX Runtime. The nodes of each part that the
// machine can execute become one node, which runs a compiled program.

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "components/plugins/options.h"
#include "components/plugins/ort.h"
#include "components/plugins/ort_graph.h"
#include "components/plugins/partition.h"
#include "sw/base/error.h"
#include "sw/base/index.h"

namespace trine::abi::ort {
namespace {

constexpr const char* kName = "Trine";
constexpr std::string_view kPrefix = "ep.trine.";  ///< of our options among the session's

/// Returns the status of a C function: errors become a status, and no exception leaves it.
template <typename Action>
Status* guarded(const Api& api, const Action& action) noexcept {
  try {
    action();
    return nullptr;
  } catch (const std::exception& error) {
    return api.status(error.what());
  }
}

/// A part with the tensors of its border, in the order of its program.
struct Claimed {
  std::shared_ptr<Partition> partition;  ///< writes its report when the last reference ends
  std::shared_ptr<Part> part;
  std::vector<std::string> inputs, outputs;
};

/// Runs a part. Places are the indices of the program's tensors among those of the runtime's node.
struct Runner : Computation {
  Api api;
  Claimed claimed;
  std::vector<std::size_t> input_places, output_places;

  void compute(KernelContext* context) const {
    std::vector<Array> inputs;
    for (const std::size_t place : input_places) {
      const Value* value = nullptr;
      api.call<ContextInput>(static_cast<const KernelContext*>(context), place, &value);
      inputs.push_back(api.array_of(value));
    }
    const std::vector<Array> outputs =
        claimed.part->run(inputs, claimed.partition->options().backend);
    for (std::size_t i = 0; i < output_places.size(); ++i)
      give(context, output_places[i], outputs.at(i));
  }

  void give(KernelContext* context, std::size_t place, const Array& array) const {
    if (place == kUnread) return;
    Value* value = nullptr;
    api.call<ContextOutput>(context, place, array.shape.data(), array.shape.size(), &value);
    if (api.get<std::size_t, TensorBytes>(value) != array.bytes.size())
      throw_error("trine: output {} has {} bytes, ONNX Runtime's buffer has {}", place,
                  array.bytes.size(), api.get<std::size_t, TensorBytes>(value));
    void* data = nullptr;
    api.call<TensorData>(value, &data);
    std::memcpy(data, array.bytes.data(), array.bytes.size());
  }

  static constexpr std::size_t kUnread = static_cast<std::size_t>(-1);
};

Status* create_state(Computation* self, ComputeContext*, void** state) noexcept {
  *state = self;
  return nullptr;
}

Status* compute(Computation* self, void*, KernelContext* context) noexcept {
  const auto& runner = *static_cast<const Runner*>(self);
  return guarded(runner.api, [&] { runner.compute(context); });
}

void release_state(Computation*, void*) noexcept {}

/// The provider of one session.
struct Provider : Ep {
  Api api;
  Options options;
  std::map<std::vector<std::size_t>, Claimed> claimed;  ///< by their nodes, until compiled
  /// The fault of the options, or of a strict partition. If creating a provider or asking it for
  /// its nodes failed, the runtime would continue without it. Therefore all nodes are claimed, and
  /// compiling them fails.
  std::string refusal;

  void read(const std::vector<std::pair<std::string, std::string>>& given) try {
    options = options_of(given);
  } catch (const std::exception& error) {
    refusal = error.what();
  }

  void claim(const Graph* graph, SupportInfo* support) try {
    if (!refusal.empty()) throw Error(refusal);
    const OrtGraph source(api, graph);
    const auto partition = std::make_shared<Partition>(source, "ONNX Runtime", options);
    for (const auto& part : partition->parts()) {
      claimed[source.ids(part->nodes)] = {partition, part, source.inputs(part->nodes),
                                          source.outputs(part->nodes)};
      fuse(source.nodes_of(part->nodes), support);
    }
  } catch (const std::exception& error) {
    refusal = error.what();
    fuse(api.list<const Node*, NodeCount, ort::Nodes>(graph), support);
  }

  void fuse(const std::vector<const Node*>& nodes, SupportInfo* support) const {
    const FusionOptions fusion{kVersion, true};
    api.check(FuseNodes::call(api.ep_table(), support, nodes.data(), nodes.size(), &fusion));
  }

  std::unique_ptr<Runner> runner(const Graph* graph, const Node* fused) {
    std::vector<std::size_t> ids;
    for (const Node* node : api.list<const Node*, NodeCount, ort::Nodes>(graph))
      ids.push_back(api.get<std::size_t, NodeId>(node));
    std::ranges::sort(ids);
    const auto found = claimed.find(ids);
    if (found == claimed.end())
      throw_error("trine: ONNX Runtime asks for nodes that were not offered");
    auto runner = std::make_unique<Runner>();
    static_cast<Computation&>(*runner) = {kVersion, create_state, ort::compute, release_state};
    runner->api = api;
    runner->claimed = std::move(found->second);
    claimed.erase(found);
    runner->input_places =
        places(runner->claimed.inputs, api.list<const ValueInfo*, InputCount, Inputs>(fused));
    runner->output_places =
        places(runner->claimed.outputs, api.list<const ValueInfo*, OutputCount, Outputs>(fused));
    if (std::ranges::count(runner->input_places, Runner::kUnread) > 0)
      throw_error("trine: ONNX Runtime does not provide an input");
    return runner;
  }

  std::vector<std::size_t> places(const std::vector<std::string>& names,
                                  const std::vector<const ValueInfo*>& values) const {
    std::map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] != nullptr) known[api.get<const char*, ValueName>(values[i])] = i;
    std::vector<std::size_t> places;
    for (const std::string& name : names) {
      const auto found = known.find(name);
      places.push_back(found != known.end() ? found->second : Runner::kUnread);
    }
    return places;
  }
};

const char* provider_name(const Ep*) noexcept { return kName; }

Status* capability(Ep* self, const Graph* graph, SupportInfo* support) noexcept {
  auto& provider = *static_cast<Provider*>(self);
  return guarded(provider.api, [&] { provider.claim(graph, support); });
}

void release_computations(Ep*, Computation** computations, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) delete static_cast<Runner*>(computations[i]);
}

Status* compile(Ep* self, const Graph** graphs, const Node** fused, std::size_t count,
                Computation** computations, Node**) noexcept {
  auto& provider = *static_cast<Provider*>(self);
  return guarded(provider.api, [&] {
    if (!provider.refusal.empty()) throw Error(provider.refusal);
    for (std::size_t i = 0; i < count; ++i)
      computations[i] = provider.runner(graphs[i], fused[i]).release();
  });
}

struct Factory : EpFactory {
  Api api;

  std::vector<std::pair<std::string, std::string>> given(const SessionOptions* session) const {
    Pairs* pairs = api.get<Pairs*, SessionEntries>(session);
    const char *const *keys = nullptr, *const *values = nullptr;
    std::size_t count = 0;
    ListPairs::call(api.table(), pairs, &keys, &values, &count);
    std::vector<std::pair<std::string, std::string>> ours;
    for (std::size_t i = 0; i < count; ++i)
      if (const std::string key = keys[i]; key.starts_with(kPrefix))
        ours.emplace_back(key.substr(kPrefix.size()), values[i]);
    ReleasePairs::call(api.table(), pairs);
    return ours;
  }
};

const char* factory_name(const EpFactory*) noexcept { return kName; }
const char* version_text(const EpFactory*) noexcept { return TRINE_VERSION; }
std::uint32_t vendor_id(const EpFactory*) noexcept { return 0; }
bool has_streams(const EpFactory*) noexcept { return false; }
void release_provider(EpFactory*, Ep* ep) noexcept { delete static_cast<Provider*>(ep); }

/// Returns the processor as the device, because the machine is simulated on it.
Status* devices(EpFactory* self, const HardwareDevice* const* hardware, std::size_t count,
                EpDevice** made, std::size_t room, std::size_t* number) noexcept {
  const auto& factory = *static_cast<const Factory*>(self);
  return guarded(factory.api, [&] {
    *number = 0;
    for (std::size_t i = 0; i < count && *number == 0 && room > 0; ++i)
      if (DeviceType::call(factory.api.table(), hardware[i]) == kCpu)
        factory.api.check(CreateDevice::call(factory.api.ep_table(), self, hardware[i], nullptr,
                                             nullptr, &made[(*number)++]));
  });
}

Status* create_provider(EpFactory* self, const HardwareDevice* const*, const Pairs* const*,
                        std::size_t, const SessionOptions* session, const Logger*,
                        Ep** ep) noexcept {
  const auto& factory = *static_cast<const Factory*>(self);
  return guarded(factory.api, [&] {
    auto provider = std::make_unique<Provider>();
    static_cast<Ep&>(*provider) = {
        kVersion, provider_name, capability, compile, release_computations,
        nullptr,  nullptr,       nullptr,    nullptr, nullptr,
        nullptr,  nullptr,       nullptr};
    provider->api = factory.api;
    provider->read(factory.given(session));
    *ep = provider.release();
  });
}

Status* create_allocator(EpFactory*, const void*, const Pairs*, void** allocator) noexcept {
  *allocator = nullptr;  // the processor's allocator
  return nullptr;
}
void release_allocator(EpFactory*, void*) noexcept {}
Status* create_transfer(EpFactory*, void** transfer) noexcept {
  *transfer = nullptr;
  return nullptr;
}
Status* create_stream(EpFactory*, const void*, const Pairs*, void** stream) noexcept {
  *stream = nullptr;
  return nullptr;
}
Status* is_compatible(EpFactory*, const HardwareDevice* const*, std::size_t, const char*,
                      int* compatibility) noexcept {
  *compatibility = 0;  // there are no compiled models
  return nullptr;
}

std::unique_ptr<Factory> make_factory(const Api& api) {
  auto factory = std::make_unique<Factory>();
  static_cast<EpFactory&>(*factory) = {
      kVersion,          factory_name,    factory_name, devices,       create_provider,
      release_provider,  vendor_id,       version_text, is_compatible, create_allocator,
      release_allocator, create_transfer, has_streams,  create_stream};
  factory->api = api;
  return factory;
}

/// @throws Error  if the version has not been tested
void check_version(const std::string& version) {
  if (std::ranges::find(kKnown, version) == std::end(kKnown))
    throw_error("trine: ONNX Runtime {}, allowed {}", version, fmt::join(kKnown, " "));
}

}  // namespace
}  // namespace trine::abi::ort

namespace ort = trine::abi::ort;

extern "C" {

__attribute__((visibility("default"))) ort::Status* CreateEpFactories(
    const char*, const ort::Base* base, const ort::Logger*, ort::EpFactory** factories,
    std::size_t room, std::size_t* count) noexcept {
  const ort::Api first(base->table(1));  // whose offsets all versions share
  return ort::guarded(first, [&] {
    ort::check_version(base->version());
    if (room < 1) trine::throw_error("trine: ONNX Runtime provides no room for a factory");
    trine::abi::find_files();
    factories[0] = ort::make_factory(ort::Api(base->table(ort::kVersion))).release();
    *count = 1;
  });
}

__attribute__((visibility("default"))) ort::Status* ReleaseEpFactory(
    ort::EpFactory* factory) noexcept {
  delete static_cast<ort::Factory*>(factory);
  return nullptr;
}
}
