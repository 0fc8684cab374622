// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/compiler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "sw/base/division.h"
#include "sw/base/hash.h"
#include "sw/compiler/batch_over_cores.h"
#include "sw/compiler/compile_shapes.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/legal.h"
#include "sw/compiler/lower/edges.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/network/bound.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/program_template.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/schedule/schedule.h"
#include "sw/compiler/transform/passes.h"
#include "sw/model/print.h"
#include "sw/program/traffic.h"
#include "sw/program/verify.h"

namespace trine::compiler {
namespace {

TensorLayout layout_of(const model::Graph& graph, int tensor, const Map& map,
                       const Placement& place) {
  const model::Tensor& t = graph.tensor(tensor);
  TensorLayout layout;
  layout.name = t.name;
  layout.extents = t.shape;
  layout.shape = map.shape;
  layout.transposed = map.transposed;
  layout.fold = map.fold;
  layout.steps = layout.dense_steps();
  layout.offset = 4 * place.dram.origin;
  layout.pitch = place.dram.pitch;
  layout.plane = place.dram.plane;
  layout.scale = t.scale();
  layout.zero_point = t.zero_point();
  return layout;
}

std::string describe(const Layer& layer, const Tiling& t, const Plan& plan) {
  const auto place = [&](int map) { return plan.maps[at(map)].resident ? "DMEM" : "DRAM"; };
  std::string text = fmt::format("{} -> {}", place(layer.input), place(layer.output));
  if (t.rows < layer.window.P || t.cols < layer.window.Q)
    text += fmt::format(", parts of {}x{} pixels", t.rows, t.cols);
  if (layer.kind == LayerKind::kConv && t.chunk < layer.channels)
    text += fmt::format(", {} channels at a time", t.chunk);
  if (t.pieces) text += ", reduction in pieces";
  if (t.relay) text += ", weights in relay";
  return text;
}

/// Raises the bounds of the layers to the time that the bus needs: a layer must load its constants
/// and the network's inputs, and store the network's outputs.
void add_bus(Program& program) {
  const std::vector<program::Traffic> traffic = traffic_of(program);
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    std::int64_t& bound = program.layers[i].bound_cycles;
    bound = std::max(bound, 8 * traffic[i].compulsory.all() / program.config.axi_data_bits);
  }
}

/// Appends the text of a stage if the user asked to print after this stage.
template <typename Text>
void print(const CompileOptions& options, std::string_view stage, Text text) {
  if (options.printed != nullptr && options.print_after == stage) *options.printed += text();
}

/// A stage with the network that the search selected.
struct PlannedStage {
  model::Graph graph;
  std::string lowered;  ///< empty unless it is to be printed
  Planned planned;
};

/// A rewritten network, planned with one order of its batch.
struct Candidate {
  model::Graph graph;
  Removed removed;
  std::vector<PlannedStage> stages;

  double cycles() const {
    return std::accumulate(stages.begin(), stages.end(), 0.0, [](double sum, const auto& stage) {
      return sum + stage.planned.plan.cycles;
    });
  }
};

/// Emits, schedules and verifies the instructions, constants and layers of a planned network.
Program program_of(const Planned& planned, const spec::Config& config,
                   const CompileOptions& options) {
  const auto& [network, layout, printed] = planned;
  if (options.printed != nullptr) *options.printed += printed;
  const Verifier verifier(config, options.verify);
  verifier.verify(layout, network);
  print(options, "plan", [&, &net = network, &plan = layout] { return to_text(plan, net); });
  Image image = make_image(network, config, layout);
  Emitter emitter(network, config, layout, image);
  emitter.run();
  verifier.verify(emitter.instructions, layout, network);
  print(options, "emit", [&] { return to_text(emitter.instructions); });
  std::vector<Instruction> runs = schedule_loads(std::move(emitter.instructions), config);
  insert_tokens(runs);
  print(options, "schedule", [&] { return to_text(runs); });

  Program program;
  program.config = config;
  program.config_hash = config.hash();
  program.words = encode(runs, program.config_hash);
  program.image_offset = layout.arena_bytes;
  program.image = std::move(image.bytes);
  program.dram_bytes = round_up(layout.arena_bytes + image.size, std::int64_t{4096});
  std::vector<int> row;    // by layer: its row of the report; stripes and chunks share it
  std::vector<int> begun;  // the first layer of each row
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const int same = layer.like >= 0 ? layer.like : layer.part_of;
    row.push_back(same >= 0 ? row[at(same)] : static_cast<int>(program.layers.size()));
    const std::int64_t expected = std::llround(layout.tilings[i].expected);
    const std::int64_t bound = layer.like >= 0 ? 0 : bound_of(layer, network, config);
    if (same < 0) {
      begun.push_back(static_cast<int>(i));
      program.layers.push_back({layer.name, layer.op, layer.macs,
                                describe(layer, layout.tilings[i], layout), bound, expected});
    } else {
      program::ProgramLayer& whole = program.layers[at(row.back())];
      whole.macs += layer.macs;
      whole.bound_cycles += bound;
      whole.expected_cycles += expected;
      if (begun[at(row.back())] == layer.like) ++whole.stripes;
    }
  }
  for (const Instruction& run : runs) program.run_layer.push_back(row[at(run.layer)]);
  return program;
}

Program compile_stage(const PlannedStage& stage, const spec::Config& config,
                      const CompileOptions& options) {
  print(options, "lower", [&] { return stage.lowered; });
  Program program = program_of(stage.planned, config, options);
  program.name = stage.graph.name;
  const Network& network = stage.planned.network;
  const Plan& plan = stage.planned.plan;
  const auto layouts = [&](const std::vector<int>& tensors, const std::vector<int>& maps) {
    std::vector<TensorLayout> result;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto m = at(maps[i]);
      result.push_back(layout_of(stage.graph, tensors[i], network.maps[m], plan.maps[m]));
    }
    return result;
  };
  program.inputs = layouts(network.input_tensors, network.inputs);
  program.outputs = layouts(network.output_tensors, network.outputs);
  program.before = network.before;
  program.after = network.after;
  program.rounding = options.rounding;
  lay_out_edges(program);
  add_bus(program);
  return program;
}

/// Verifies the program that the compiler emitted. @throws Error  if the program is invalid
void verify_own(const Program& stage) {
  const auto fault = program::verify(stage.words, stage.config, stage.dram_bytes);
  if (!fault) return;
  std::size_t run = 0;  // the first RUN at or after the word
  for (std::size_t i = 1; i < fault->word; ++i)
    run += isa::opcode_of(stage.words[i]) == isa::Opcode::kRun ? 1 : 0;
  const std::string layer =
      run < stage.run_layer.size() ? stage.layers[at(stage.run_layer[run])].name : stage.name;
  throw_error("internal error: the program of layer '{}' breaks a rule of the machine: {}", layer,
              fault->text);
}

void plan_stages(Candidate& candidate, const spec::Config& config, const CompileOptions& options,
                 int cores) {
  for (LegalStage& stage : legal_stages(candidate.graph, config, options.rounding, options.host)) {
    stage.network.cores = cores;
    Verifier(config, options.verify).verify(stage.network, "lower");
    std::string lowered = options.print_after == "lower" ? to_text(stage.network) : "";
    candidate.stages.push_back({std::move(stage.graph), std::move(lowered),
                                search(std::move(stage.network), config, options.ways,
                                       options.print_after, options.verify)});
  }
}

bool same_order(const model::Graph& a, const model::Graph& b) {
  return std::ranges::equal(a.ops, b.ops, [](const model::Op& x, const model::Op& y) {
    return x.index == y.index && x.inputs == y.inputs && x.outputs == y.outputs;
  });
}

/// Two plans whose estimates differ by less than this factor count as equally good.
constexpr double kAsGood = 1.005;

/// Returns the best candidate. The images of a batch run one after the other, either in groups that
/// fit into half of DMEM (gaps and buffers use the rest) or in larger groups that share chunks of
/// weights. The order with fewer planned cycles wins; if both are as good, groups win.
Candidate best_order(const model::Graph& graph, const spec::Config& config,
                     const CompileOptions& options, int cores, bool rows) {
  std::optional<Candidate> best;
  const std::int64_t dmem = config.dmem_words(), pmem = 4 * config.pmem_rows() * config.cols;
  for (const BatchRoom& room :
       {BatchRoom{0}, BatchRoom{dmem / 2}, BatchRoom{dmem / 4 * 3, pmem, dmem / 8 * 7}}) {
    if (best && !has_batch(graph)) break;
    Candidate next;
    next.graph = rewritten(graph, options.rounding, &next.removed, rows, room);
    if (best && same_order(next.graph, best->graph)) continue;
    plan_stages(next, config, options, cores);
    if (!best || next.cycles() <= kAsGood * best->cycles()) best = std::move(next);
  }
  return std::move(*best);
}

/// Treats a batch whose operators mix along axis 0 as rows, or as images if the machine cannot
/// compute the rows.
Candidate best_order(const model::Graph& graph, const spec::Config& config,
                     const CompileOptions& options, int cores = 1) {
  try {
    return best_order(graph, config, options, cores, true);
  } catch (const model::Refusal&) {
    if (!has_batch(graph)) throw;
  }
  return best_order(graph, config, options, cores, false);
}

/// Returns true if the machine computes LSTMs as tflite-micro does, which rounds each product
/// twice.
bool rounds_twice(const reference::RoundingPolicy& rounding) {
  return rounding.fully_connected == reference::Rounding::kDouble &&
         rounding.others == reference::Rounding::kDouble;
}

bool has_lstm(const spec::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.table && config.vector && rounds_twice(rounding) &&
         rounding.lstm == reference::LstmKernel::kMicro;
}

bool has_memories(const spec::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.vector && config.zero_points() && rounds_twice(rounding);
}

/// Returns the checked graph after the rewrites that come first.
model::Graph prepared(const model::Graph& graph, const spec::Config& config,
                      const CompileOptions& options) {
  model::check(graph);
  reference::check_policy(graph, options.rounding);
  model::Graph written =
      has_lstm(config, options.rounding) ? with_steps(graph, config.rows / 2) : graph;
  if (config.activations16 && config.vector) written = with_spikes(std::move(written));
  if (has_memories(config, options.rounding)) written = with_memories(std::move(written));
  if (config.activations16) written = with_narrow_products(std::move(written));
  return written;
}

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

std::vector<std::string> stage_names() {
  std::vector<std::string> names{"rewrite", "lower"};
  for (const Pass& pass : kPasses) names.emplace_back(pass.name);
  names.insert(names.end(), {kCascade, kInterleave, "plan", "emit", "schedule"});
  return names;
}

Program compile(const model::Graph& graph, const spec::Config& config,
                const CompileOptions& options) {
  spec::check(config);
  const model::Graph whole = prepared(graph, config, options);
  const BatchOverCores shares = batch_over_cores(whole, config);
  const Candidate best =
      best_order(graph_of_one_core(whole, shares), config, options, shares.cores);
  print(options, "rewrite", [&] { return model::to_text(best.graph); });
  std::vector<Program> programs;
  for (const PlannedStage& stage : best.stages) {
    if (options.printed != nullptr && best.stages.size() > 1 && options.print_after != "rewrite")
      *options.printed += fmt::format("stage {} of {}\n", programs.size() + 1, best.stages.size());
    programs.push_back(compile_stage(stage, config, options));
    if (shares.cores > 1)
      distribute_program(programs.back(), shares, 4 * stage.planned.plan.core_words,
                         &stage == &best.stages.front(), &stage == &best.stages.back());
    verify_own(programs.back());
  }
  Program first = std::move(programs.front());
  first.rest.assign(std::make_move_iterator(programs.begin() + 1),
                    std::make_move_iterator(programs.end()));
  first.removed = best.removed;
  return first;
}

// ---- programs that share words ------------------------------------------------------------------

struct ProgramTemplate::State {
  State(const model::Graph& first, const spec::Config& of) : config(of) {
    spec::check(config);
    Candidate best = best_order(prepared(first, config, options), config, options);
    if (best.stages.size() != 1)
      throw_error("{}: {} stages, allowed 1 of layers that share a program", first.name,
                  best.stages.size());
    PlannedStage& stage = best.stages.front();
    program = compile_stage(stage, config, options);
    planned = std::move(stage.planned);
    image = make_image(planned.network, config, planned.plan);
    image.bytes = {};
    graph = std::move(stage.graph);
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
      fail("its constants are not at the addresses of the first layer's");
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

Program compile_shapes(Network network, const spec::Config& config) {
  spec::check(config);
  return program_of(search(std::move(network), config), config, {});
}

}  // namespace trine::compiler
