// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/area_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "spec/memories.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/root.h"
#include "sw/base/text.h"
#include "synth/partition.h"
#include "synth/read/liberty.h"

namespace trine::estimate {
namespace {

/// Returns the bits of the memories that are too small for macros.
double flop_bits(const spec::Config& config) {
  double bits = 0;
  for (const spec::Memory& m : spec::memories(config))
    if (const std::int64_t own = std::int64_t{m.width} * m.depth; own < synth::kMacroBits)
      bits += static_cast<double>(m.instances * own);
  return bits;
}

/// Returns the quantities that the area of modules may be proportional to;
/// components/benchmarks/silicon/area_model.py uses the same.
std::map<std::string, double> quantities(const spec::Config& c) {
  return {{"rows", c.rows},
          {"cols", c.cols},
          {"banks", c.banks()},
          {"drained", c.columns_per_cycle},
          {"bus_words", c.data_words()},
          {"low_bit", c.has_thresholds()},
          {"int8", c.int8},
          {"one_stage", c.pipeline_pe == 1},
          {"vector", c.vector},
          {"softmax", c.has_softmax()},
          {"window", c.window()},
          {"zero_points", c.zero_points()},
          {"ecc", c.ecc},
          {"imem", c.imem_kib > 0},
          {"weights4", c.weights4},
          {"groups", c.groups},
          {"packed", c.packed && c.data_bits() == 64},
          {"trits", c.packed && c.data_bits() > 64},
          {"wide", c.activations16},
          {"formats", c.formats},
          {"sums", c.partial_sums},
          {"wide_bus", c.data_words() - 2},
          {"less_acc", 32 - c.acc_bits},
          {"flop_bits", flop_bits(c)},
          {"flops", flop_bits(c) > 0},
          {"row_levels", std::log2(c.rows)},
          {"narrow", c.cols <= 4}};
}

double sum(const Json& terms, const std::map<std::string, double>& of) {
  double total = 0;
  for (const Json& term : terms) {
    auto product = term.at("each").get<double>();
    for (const std::string name : term.at("of")) product *= of.at(name);
    total += product;
  }
  return total;
}

/// Returns the longest of the paths that may limit a clock.
double longest(const Json& paths, const std::map<std::string, double>& of) {
  double most = 0;
  for (const Json& path : paths) most = std::max(most, sum(path.at("terms"), of));
  return most;
}

std::vector<synth::Macro> macros_of(const Json& model) {
  std::vector<synth::Macro> macros;
  for (const Json& m : model.at("macros"))
    macros.push_back(
        {m.at("name"), m.at("depth"), m.at("width"), m.at("area_um2"), {}, m.at("access_ns")});
  return macros;
}

/// Returns the area of each memory. As in synthesis, each memory uses the smallest tiling that is
/// fast enough for the clock. @param clock_ns  of the fastest design, plus the permitted slack
std::vector<AreaPart> memories_of(const Json& model, const spec::Config& config, double clock_ns) {
  const std::vector<synth::Macro> macros = macros_of(model);
  std::vector<AreaPart> memories;
  for (const spec::Memory& m : spec::memories(config)) {
    if (std::int64_t{m.width} * m.depth < synth::kMacroBits) continue;
    double most_ns = clock_ns;
    const auto behind = model.at("behind").find(std::string(m.name));
    if (behind != model.at("behind").end())
      most_ns -= behind->at("ns").get<double>() +
                 behind->at("ns_of_a_level").get<double>() * std::log2(m.depth);
    const double um2 = m.instances * synth::tile(macros, m.width, m.depth, most_ns).um2;
    memories.push_back({"memory: " + std::string(m.name), um2});
  }
  return memories;
}

/// Returns the name of a group of modules, or of what a key adds, by which the model's file calls
/// it.
std::string name_of(const Json& part) { return part.value("name", part.value("key", "")); }

/// Returns the name of a part for a reader: the key of the configuration that adds it.
std::string title_of(const Json& part) {
  static const std::map<std::string, std::string> kKeys{
      {"weights4", "array.weights4"},         {"groups", "array.groups"},
      {"packed", "memory.packed_weights"},    {"trits", "memory.packed_weights"},
      {"wide", "array.activations16"},        {"formats", "array.formats"},
      {"wide_bus", "bus.axi_data_bits > 64"}, {"less_acc", "array.acc_bits < 32"},
      {"sums", "post.partial_sums"}};
  const auto key = kKeys.find(name_of(part));
  return key == kKeys.end() ? name_of(part) : key->second;
}

/// Returns true for parts that a cluster contains once: control, and the path from the bus.
bool is_shared(const Json& part) {
  static const std::set<std::string> kShared{"bus", "control", "packed", "trits"};
  return kShared.contains(name_of(part));
}

bool is_beyond(const Json& designs, const std::string& key, int value) {
  const auto less = [&](const Json& a, const Json& b) { return a.at(key) < b.at(key); };
  const auto [least, most] = std::minmax_element(designs.begin(), designs.end(), less);
  return value < least->at(key).get<int>() || value > most->at(key).get<int>();
}

}  // namespace

Area area_of(const spec::Config& config) {
  static const std::string file = project_root() / "tools/estimate/area/sg13g2.json";
  static const Json model = parse_json(read_text(file), file);
  spec::Config core = config;
  core.cores = 1;
  const auto of = quantities(core);
  const auto nand2 = model.at("nand2_um2").get<double>();
  Area area;
  area.library = model.at("library");
  for (const char* parts : {"groups", "keys"})
    for (const Json& part : model.at(parts)) {
      const double gates = sum(part.at("terms"), of) * (is_shared(part) ? 1 : config.cores);
      area.gate_equivalents += gates;
      if (gates != 0) area.parts.push_back({title_of(part), gates * nand2});
    }
  area.area_um2 = area.gate_equivalents * nand2;
  area.parts.push_back({"clock buffers", sum(model.at("buffers"), of) * config.cores * nand2});
  for (AreaPart& memory : memories_of(model, config, longest(model.at("clock_wanted_ns"), of))) {
    area.sram_um2 += memory.um2;
    area.parts.push_back(std::move(memory));
  }
  for (const AreaPart& part : area.parts) area.total_um2 += part.um2;
  area.clock_ns = longest(model.at("clock_ns"), of);
  const Json& placed = model.at("placed");
  area.clock_placed_ns = area.clock_ns * placed.at("factor").get<double>();
  area.placed_designs = static_cast<int>(placed.at("designs").size());
  area.placed_error = placed.at("error");
  const Json& error = model.at("error");
  area.area_error = error.at("area_um2");
  area.total_error = error.at("total_um2");
  area.clock_error = error.at("clock_ns");
  area.beyond = is_beyond(model.at("fitted"), "rows", config.rows) ||
                is_beyond(model.at("fitted"), "cols", config.cols);
  return area;
}

namespace {

/// A design that has more of something than another one.
struct More {
  std::string setting;
  spec::Config config;
  const char* why;  ///< reason for which it may still be smaller or faster
};

std::vector<More> more_than(const spec::Config& c) {
  constexpr const char* kFlops = "memories of parameters below 2,048 bits consist of flip-flops";
  constexpr const char* kMacros = "its clock is shorter, and then needs larger memory macros";
  std::vector<More> all;
  const auto add = [&](const std::string& setting, const char* why) -> spec::Config& {
    return all.emplace_back(More{setting, c, why}).config;
  };
  const int channels = 2 * c.param_channels;
  add(fmt::format("memory.param_channels={}", channels), kFlops).param_channels = channels;
  if (c.int8 && !c.matmul) add("matmul.enable=true", kMacros).matmul = true;
  if (c.int8 && !(c.ternary && c.binary)) {
    spec::Config& other = add(R"(array.precisions=["int8","ternary","binary"])", kMacros);
    other.ternary = other.binary = true;
  }
  return all;
}

}  // namespace

std::vector<std::string> dearer_by_less(const spec::Config& config) {
  constexpr double kShare = 0.01;  // of the area or the clock
  const Area own = area_of(config);
  std::vector<std::string> notes;
  for (const auto& [setting, other, why] : more_than(config)) {
    const Area area = area_of(other);
    const double um2 = own.total_um2 - area.total_um2, ns = own.clock_ns - area.clock_ns;
    const double gates = own.gate_equivalents - area.gate_equivalents;
    std::vector<std::string> gains;
    if (um2 > kShare * own.total_um2) gains.push_back(grouped(um2) + " um2");
    if (gates > kShare * own.gate_equivalents)
      gains.push_back(grouped(gates) + " gate equivalents");
    if (ns > kShare * own.clock_ns) gains.push_back(fmt::format("{:.2f} ns of the clock", ns));
    if (!gains.empty())
      notes.push_back(fmt::format("{} would save {}: {}", setting, fmt::join(gains, " and "), why));
  }
  return notes;
}

}  // namespace trine::estimate
