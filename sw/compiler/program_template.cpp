// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/program_template.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "sw/base/hash.h"
#include "sw/compiler/candidate.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/segment_program.h"
#include "sw/model/graph/print.h"

namespace trine::compiler {
namespace {

/// Returns true if the layer stores weights that no other layer shares.
bool has_weights(const Layer& l) {
  return l.kind == LayerKind::kConv && l.weights_map < 0 && l.like < 0;
}

/// Returns a hash of the constants that may differ between networks of one shape.
std::uint64_t constants_hash(const Layer& l) {
  std::string bytes;
  const auto add = [&](const auto& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()),
                 values.size() * sizeof(*values.data()));
  };
  add(l.bias);
  for (const reference::ChannelScale& s : l.scales)
    bytes += fmt::format("{} {},", s.multiplier, s.shift);
  if (l.kind == LayerKind::kConv) {
    add(l.conv().weights);
    add(l.conv().factors);
  }
  return hash64(bytes);
}

/// Moves the constants that may differ between networks of one shape.
void move_constants(Layer& from, Layer& to) {
  to.bias = std::move(from.bias);
  to.scales = std::move(from.scales);
  to.conv().weights = std::move(from.conv().weights);
  to.conv().factors = std::move(from.conv().factors);
}

}  // namespace

struct ProgramTemplate::State {
  State(const model::Graph& first, const spec::Config& of) : config(of) {
    spec::check(config);
    Candidate best = best_order(prepared(first, config, options), config, options);
    if (best.segments.size() != 1)
      throw_error("{}: {} stages, allowed 1 if layers share a program", first.name,
                  best.segments.size());
    PlannedSegment& segment = best.segments.front();
    program = compile_segment(segment, config, options);
    planned = std::move(segment.planned);
    image = make_image(planned.network, config, planned.plan);
    image.bytes = {};
    graph = std::move(segment.graph);
    best = {};
    find_tensors(first);
    find_layers(lower(graph, config, options.rounding));
    for (const auto& [other, own] : tensors) graph.tensors[at(own)].data = {};
  }

  /// Finds the constants of fully connected operators that the rewritten graph keeps unchanged from
  /// the first graph. Hashes all other constants.
  void find_tensors(const model::Graph& first) {
    std::map<std::string, int> names;
    for (std::size_t t = 0; t < graph.tensors.size(); ++t)
      if (graph.tensors[t].is_constant) names.emplace(graph.tensors[t].name, static_cast<int>(t));
    for (const model::Op& op : first.ops)
      for (std::size_t i = 1; op.kind == model::OpKind::kFullyConnected && i < op.inputs.size();
           ++i) {
        if (op.inputs[i] < 0) continue;
        const model::Tensor& tensor = first.tensor(op.inputs[i]);
        const auto found = names.find(tensor.name);
        if (tensor.is_constant && found != names.end() &&
            graph.tensor(found->second).data == tensor.data)
          tensors.emplace(op.inputs[i], found->second);
      }
    for (std::size_t t = 0; t < first.tensors.size(); ++t)
      if (const model::Tensor& tensor = first.tensors[t];
          tensor.is_constant && !tensors.contains(static_cast<int>(t)))
        fixed.emplace_back(t, hash_of(tensor.data.all()));
    form = form_of(first);
  }

  /// Returns the text of a graph without the data of its constants and without the scales of
  /// constants that may differ.
  std::string form_of(const model::Graph& of) const {
    model::Graph bare;
    std::string scales;
    for (std::size_t t = 0; t < of.tensors.size(); ++t) {
      const model::Tensor& from = of.tensors[t];
      model::Tensor& to = bare.tensors.emplace_back();
      to.name = from.name;
      to.type = from.type;
      to.shape = from.shape;
      to.encoding = from.encoding;
      to.format = from.format;
      to.is_constant = from.is_constant;
      if (tensors.contains(static_cast<int>(t))) continue;
      to.quantization = from.quantization;
      scales += fmt::format("{} {}\n", from.quantization.scale, from.quantization.zero_point);
    }
    bare.ops = of.ops;
    bare.inputs = of.inputs;
    bare.outputs = of.outputs;
    for (const model::Op& op : of.ops) scales += fmt::format("{} {}\n", op.numbers, op.words);
    return model::to_text(bare) + scales;
  }

  /// Finds the layer of the lowered network from which each planned layer has its weights.
  void find_layers(const Network& lowered) {
    text = to_text(lowered);
    for (Layer& layer : planned.network.layers) {
      from.push_back(-1);
      if (!has_weights(layer)) continue;
      const auto same = std::ranges::find_if(lowered.layers, [&](const Layer& l) {
        return has_weights(l) && l.name == layer.name && l.bias == layer.bias &&
               l.conv().weights == layer.conv().weights && l.conv().factors == layer.conv().factors;
      });
      if (same == lowered.layers.end()) continue;  // a pass changed its weights
      from.back() = static_cast<int>(same - lowered.layers.begin());
      Layer none;
      move_constants(none, layer);
    }
    for (std::size_t i = 0; i < lowered.layers.size(); ++i)
      if (std::ranges::find(from, static_cast<int>(i)) == from.end())
        fixed_layers.emplace_back(i, constants_hash(lowered.layers[i]));
  }

  static std::uint64_t hash_of(const std::vector<std::uint8_t>& data) {
    return hash64({reinterpret_cast<const char*>(data.data()), data.size()});
  }

  /// Returns true if the other graph differs only in constants that may differ.
  bool is_alike(const model::Graph& other) const {
    const auto same = [&](const auto& constant) {
      return hash_of(other.tensors[constant.first].data.all()) == constant.second;
    };
    return form_of(other) == form && std::ranges::all_of(fixed, same);
  }

  /// Returns the lowered network with the other graph's constants. @pre is_alike(other)
  Network lowered(model::Graph other) {
    for (const auto& [theirs, own] : tensors) {
      model::Tensor& tensor = graph.tensors[at(own)];
      tensor.data = std::move(other.tensors[at(theirs)].data);
      tensor.quantization = std::move(other.tensors[at(theirs)].quantization);
    }
    Network network = lower(graph, config, options.rounding);
    for (const auto& [theirs, own] : tensors) graph.tensors[at(own)].data = {};
    return network;
  }

  std::vector<std::uint8_t> image_of(model::Graph other) {
    const std::string name = other.name;
    const auto fail = [&](const char* what) { throw_error("{}: {}", name, what); };
    if (!is_alike(other)) fail("its shape differs from that of the layer whose program it shares");
    Network network = lowered(std::move(other));
    const auto is_fixed = [&](const auto& layer) {
      return constants_hash(network.layers[layer.first]) == layer.second;
    };
    if (to_text(network) != text || !std::ranges::all_of(fixed_layers, is_fixed))
      fail("its parameters differ from those of the layer whose program it shares");
    std::vector<Layer>& layers = planned.network.layers;
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (from[i] >= 0) move_constants(network.layers[at(from[i])], layers[i]);
    Image made = make_image(planned.network, config, planned.plan);
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (Layer none; from[i] >= 0) move_constants(none, layers[i]);
    if (!made.has_places_of(image) || !has_tables_of(made))
      fail("its constants have other addresses than those of the first layer");
    return std::move(made.bytes);
  }

  /// Returns true if the tables are the same, because programs load only the words in which one
  /// table differs from the table before it.
  bool has_tables_of(const Image& made) const {
    const auto same = [&](const Image::Block& block) {
      const auto first = static_cast<std::ptrdiff_t>(block.byte - planned.plan.arena_bytes);
      return block.words == 0 ||
             std::equal(made.bytes.begin() + first, made.bytes.begin() + first + 4 * block.words,
                        program.image.begin() + first);
    };
    return std::ranges::all_of(made.tables, same) && std::ranges::all_of(made.exponentials, same);
  }

  const spec::Config config;
  const CompileOptions options;
  Program program;
  model::Graph graph;          ///< rewritten; without the constants that differ
  std::map<int, int> tensors;  ///< constants that may differ: the given graph's to `graph`'s
  std::string form;            ///< text of these graphs: see form_of()
  /// The other constants with their hashes.
  std::vector<std::pair<std::size_t, std::uint64_t>> fixed;
  Planned planned;  ///< without constants that differ
  Image image;      ///< only the addresses of its blocks
  /// For each planned layer the lowered layer that gives its constants. -1: all programs share
  /// them.
  std::vector<int> from;
  /// Lowered layers whose constants all programs share, and hashes of these constants.
  std::vector<std::pair<std::size_t, std::uint64_t>> fixed_layers;
  std::string text;  ///< text of the lowered network
};

ProgramTemplate::ProgramTemplate(const model::Graph& first, const spec::Config& config)
    : state_(std::make_unique<State>(first, config)) {}
ProgramTemplate::ProgramTemplate(ProgramTemplate&&) noexcept = default;
ProgramTemplate& ProgramTemplate::operator=(ProgramTemplate&&) noexcept = default;
ProgramTemplate::~ProgramTemplate() = default;

const Program& ProgramTemplate::program() const { return state_->program; }

std::vector<std::uint8_t> ProgramTemplate::image_of(model::Graph other) {
  return state_->image_of(std::move(other));
}

}  // namespace trine::compiler
