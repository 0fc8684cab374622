// SPDX-License-Identifier: Apache-2.0
//
// Reads a mapping file and plans networks with it.

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "sw/base/text.h"
#include "sw/compiler/mapping/mapping.h"

namespace trine::compiler {
namespace {

template <typename... Args>
[[noreturn]] void fail(const std::string& file, int line, fmt::format_string<Args...> format,
                       Args&&... args) {
  throw MappingError(
      fmt::format("{}:{}: {}", file, line, fmt::format(format, std::forward<Args>(args)...)));
}

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

/// Reads one table [[layer]].
class LayerReader {
 public:
  LayerReader(const std::string& file, const toml::table& table) : file_(file), table_(table) {
    layer_.line = line_of(table);
  }

  MappedLayer read() {
    for (const auto& [key, node] : table_)
      if (std::ranges::find(kKeys, key.str()) == kKeys.end())
        fail(file_, static_cast<int>(key.source().begin.line), "{}: unknown key, allowed {}",
             printable(std::string(key.str())), fmt::join(kKeys, ", "));
    layer_.name = text("name", {});
    layer_.input_in_dram = text("input", {"DMEM", "DRAM"}) == "DRAM";
    layer_.output_in_dram = text("output", {"DMEM", "DRAM"}) == "DRAM";
    read_loops();
    LoopNest& nest = layer_.nest;
    if (table_.contains("sums")) {
      if (nest.C == 0) fail(file_, line_of(*table_.get("sums")), "sums: only with a loop C");
      nest.sums = text("sums", {"DMEM", "PE"}) == "DMEM";
    }
    if (table_.contains("buffers")) nest.buffers = buffers();
    return layer_;
  }

 private:
  static constexpr std::array<std::string_view, 6> kKeys{"name",  "input", "output",
                                                         "loops", "sums",  "buffers"};

  const toml::node& node_of(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) fail(file_, layer_.line, "{}: is missing from this layer", key);
    return *node;
  }

  /// @param allowed  empty: any text
  std::string text(std::string_view key, const std::vector<std::string>& allowed) const {
    const toml::node& node = node_of(key);
    const auto value = node.value_exact<std::string>();
    if (!value || (!allowed.empty() && std::ranges::find(allowed, *value) == allowed.end()))
      fail(file_, line_of(node), "{}: {}, allowed {}", key,
           value ? fmt::format("\"{}\"", printable(*value)) : "is not a text",
           allowed.empty() ? "a text" : fmt::format("\"{}\"", fmt::join(allowed, "\", \"")));
    return *value;
  }

  int buffers() const {
    const toml::node& node = node_of("buffers");
    const auto value = node.value_exact<std::int64_t>();
    if (!value || (*value != 1 && *value != 2 && *value != 4))
      fail(file_, line_of(node), "buffers: allowed 1, 2 or 4");
    return static_cast<int>(*value);
  }

  /// Reads "M by 8" and sets the member of the nest. @return the loop's letter
  char read_loop(const toml::node& node) {
    const std::string loop = node.value_exact<std::string>().value_or("");
    constexpr std::string_view kBy = " by ";
    constexpr int kMostSize = 1 << 24;  // more than any map has
    const auto wrong = [&] {
      fail(file_, line_of(node), "loops: \"{}\", allowed \"M by N\", and so for P, Q, C and R",
           printable(loop));
    };
    if (loop.size() < 6 || loop.substr(1, kBy.size()) != kBy) wrong();
    LoopNest& nest = layer_.nest;
    const std::string_view letters = "MPQCR";
    int* const members[] = {&nest.M, &nest.P, &nest.Q, &nest.C, &nest.R};
    const std::size_t which = letters.find(loop[0]);
    const char* begin = loop.data() + 1 + kBy.size();
    const char* end = loop.data() + loop.size();
    int size = 0;
    const auto [rest, fault] = std::from_chars(begin, end, size);
    if (which == std::string_view::npos || fault != std::errc() || rest != end || size < 1 ||
        size > kMostSize)
      wrong();
    *members[which] = size;
    return loop[0];
  }

  void read_loops() {
    const toml::node& node = node_of("loops");
    layer_.loops_line = line_of(node);
    if (!node.is_array()) fail(file_, layer_.loops_line, "loops: is not a list");
    std::string order;
    for (const toml::node& loop : *node.as_array()) order += read_loop(loop);
    layer_.has_loops = !order.empty();
    constexpr std::array<std::string_view, 7> kOrders{"MPQ",   "PQM",   "MPQC", "PQMC",
                                                      "MPQCR", "PQMCR", ""};
    if (std::ranges::find(kOrders, order) == kOrders.end())
      fail(file_, layer_.loops_line,
           "loops: order {}, allowed M P Q and P Q M; inside of them C, or C R",
           fmt::join(order, " "));
    layer_.nest.chunk_outer = order.starts_with('M');
  }

  const std::string& file_;
  const toml::table& table_;
  MappedLayer layer_;
};

/// Brings the loops to the forms that nest_of() returns.
LoopNest normal(LoopNest nest, const Layer& layer, const Network& network) {
  const bool one_rect = nest.P >= layer.window.P && nest.Q >= layer.window.Q;
  if (one_rect || nest.M >= network.maps[at(layer.output)].shape.C) nest.chunk_outer = true;
  if (nest.C > 0) {  // whole words
    if (nest.R == 0) nest.R = layer.window.R;
    const int per_word = network.maps[at(layer.input)].shape.per_word;
    if (nest.C >= per_word * layer.words - per_word + 1) nest.C = round_up(nest.C, per_word);
  }
  return nest;
}

void check_names(const Mapping& mapping, std::size_t first, const Network& network) {
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const std::string& name = network.layers[i].name;
    if (first + i >= mapping.layers.size())
      throw MappingError(fmt::format("{}: has {} layers, but layer {} of the network is \"{}\"",
                                     mapping.file, mapping.layers.size(), first + i,
                                     printable(name)));
    const MappedLayer& layer = mapping.layers[first + i];
    if (layer.name != json_name(name))
      fail(mapping.file, layer.line, "name: \"{}\", but layer {} of the network is \"{}\"",
           printable(layer.name), first + i, printable(name));
    if (layer.has_loops == network.layers[i].by_dma)
      fail(mapping.file, layer.loops_line, "loops: layer \"{}\" {}", printable(name),
           layer.has_loops ? "is a copy without loops" : "needs loops");
  }
}

/// @throws MappingError  a map is in another memory than the file says
void check_places(const Mapping& mapping, std::size_t first, const Network& network,
                  const Plan& plan) {
  const auto check = [&](const MappedLayer& layer, const char* key, int map, bool in_dram) {
    if (plan.maps[at(map)].resident == !in_dram) return;
    const std::string& name = network.maps[at(map)].name;
    fail(mapping.file, layer.line, "{}: \"{}\": map '{}' {}", key, in_dram ? "DRAM" : "DMEM",
         printable(name),
         in_dram ? "cannot leave DMEM"
                 : "finds no place there, or another layer of this file keeps it in DRAM");
  };
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const MappedLayer& layer = mapping.layers[first + i];
    check(layer, "input", network.layers[i].input, layer.input_in_dram);
    check(layer, "output", network.layers[i].output, layer.output_in_dram);
  }
}

}  // namespace

Mapping parse_mapping(const std::string& text, const std::string& file) {
  Mapping mapping{.file = file, .layers = {}};
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    fail(file, static_cast<int>(error.source().begin.line), "not TOML: {}", error.description());
  }
  for (const auto& [key, node] : root)
    if (key.str() != "layer" || !node.is_array_of_tables())
      fail(file, line_of(node), "{}: unknown key, allowed [[layer]]",
           printable(std::string(key.str())));
  if (const toml::array* layers = root.get_as<toml::array>("layer"))
    for (const toml::node& layer : *layers)
      mapping.layers.push_back(LayerReader(file, *layer.as_table()).read());
  return mapping;
}

void apply(const Mapping& mapping, std::size_t first, Planned& planned,
           const spec::Config& config) {
  Network& network = planned.network;
  check_names(mapping, first, network);
  std::set<int> in_dram;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    Layer& layer = network.layers[i];
    const MappedLayer& mapped = mapping.layers[first + i];
    if (mapped.input_in_dram) in_dram.insert(layer.input);
    if (mapped.output_in_dram) in_dram.insert(layer.output);
    if (!layer.by_dma) layer.nest = normal(mapped.nest, layer, network);
  }
  int misfit = -1;
  std::string rule;
  std::optional<Plan> plan = plan_nests(network, config, in_dram, misfit, rule);
  if (!plan) {
    const MappedLayer& layer = mapping.layers[first + at(misfit)];
    fail(mapping.file, layer.loops_line, "layer \"{}\": {}", printable(layer.name), rule);
  }
  check_places(mapping, first, network, *plan);
  planned.plan = std::move(*plan);
}

}  // namespace trine::compiler
