// SPDX-License-Identifier: Apache-2.0

#include "components/regress/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "sim/rtl/simulate.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/json.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/expand.h"
#include "sw/program/host.h"
#include "tools/random/networks.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;
constexpr int kSeconds = 900;  ///< of processor time for a layer, before it counts as a hang
constexpr std::int64_t kLargeKib =
    256;  ///< larger memories are not exceeded: it would take minutes

/// Sets weights and inputs to the lowest or the highest code.
void use_ends(fuzz::Pair& pair, fuzz::Builder& b) {
  for (model::Tensor& t : pair.graph.tensors)
    if (t.name == "weights" && t.type == model::DataType::kInt8 &&
        t.encoding == model::Encoding::kInt8)
      for (std::uint8_t& code : t.data.edit()) code = b.content(0, 1) == 0 ? 0x7f : 0x81;
  for (std::size_t i = 0; i < pair.inputs.size(); ++i) {
    const model::Tensor& t = pair.graph.tensor(pair.graph.inputs[i]);
    if (t.type == model::DataType::kInt8 && t.encoding == model::Encoding::kInt8)
      for (std::uint8_t& code : pair.inputs[i].bytes) code = b.content(0, 1) == 0 ? 0x7f : 0x80;
  }
}

std::vector<Corner> corners_of(const LayerType& type, const spec::Config& config) {
  std::vector<Corner> corners = regress::corners_of(config);
  const int kib = type.beyond == Beyond::kPmem ? config.pmem_kib : config.dmem_kib;
  if (type.beyond != Beyond::kNothing && kib <= kLargeKib)
    corners.push_back(large_corner(type, config));
  return corners;
}

/// Returns a refusal's reason without the names of file and operator.
std::string reason_of(std::string text) {
  text = text.substr(0, text.find('\n'));
  const std::size_t op = text.find(" op ");
  const std::size_t end = op == std::string::npos ? op : text.find(": ", op);
  if (end != std::string::npos) text = text.substr(end + 2);
  return std::regex_replace(text, std::regex("tensor [0-9]+ '[^']*':? ?"), "");
}

}  // namespace

std::string missing_key(const LayerType& type, const spec::Config& config) {
  if (type.needs.empty()) return "";
  const Json keys = spec::all_keys(config);
  return keys.at(std::string(type.needs)).get<bool>() ? "" : std::string(type.needs);
}

fuzz::Pair layer_pair(const LayerType& type, const Corner& corner, const spec::Config& config,
                      std::uint64_t seed) {
  fuzz::Choices choices{hash64(fmt::format("{} {} {}", type.full_name(), corner.name, seed))};
  fuzz::Builder b(choices);
  b.groups = config.groups;
  b.packed = config.packed;
  fuzz::Pair pair;
  pair.config = config;
  pair.assertions = true;
  pair.rounding = type.rounding;
  type.build(b, corner);
  fuzz::set_outputs(b);
  pair.made.data_seed = choices.data_seed();
  for (const int t : b.graph.inputs) pair.inputs.push_back(fuzz::random_codes(b, t));
  try {
    pair.graph = model::expanded(b.graph);
  } catch (const model::Refusal&) {
    pair.graph = b.graph;  // model::check() says why this drawn network is illegal
  }
  if (corner.codes == Codes::kEnds) use_ends(pair, b);
  return pair;
}

TypeResult run_type(const LayerType& type, const spec::Config& config, fuzz::Backend backend,
                    int seeds) {
  TypeResult result;
  result.type = &type;
  if (const std::string key = missing_key(type, config); !key.empty()) {
    result.reason = key + " is off";
    return result;
  }
  for (const Corner& corner : corners_of(type, config))
    for (int seed = 0; seed < seeds; ++seed) {
      const auto failed = [&](const std::string& text, fuzz::Pair pair) {
        result.failed.push_back({std::string(corner.name), text, std::move(pair)});
      };
      fuzz::Pair pair;
      try {
        pair = layer_pair(type, corner, config, static_cast<std::uint64_t>(seed));
      } catch (const std::exception& e) {
        failed(e.what(), {});
        continue;
      }
      const fuzz::Verdict v = fuzz::run_isolated(pair, backend, kSeconds);
      switch (v.outcome) {
        case fuzz::Outcome::kExact:
          ++result.exact;
          result.cycles += v.rtl_cycles;
          break;
        case fuzz::Outcome::kFailed:
          failed(v.text, std::move(pair));
          break;
        default:
          ++result.refused;
          if (result.reason.empty()) result.reason = reason_of(v.text);
      }
    }
  return result;
}

void keep_failure(const FailedLayer& layer, const std::string& name, const std::string& folder) {
  const fs::path out = folder;
  fs::create_directories(out);
  write_file(out / "layer.txt",
             fmt::format("{}, {}\n{}\n\n{}", name, layer.corner, layer.text,
                         layer.pair.graph.ops.empty() ? "" : fuzz::describe(layer.pair)));
  if (layer.pair.graph.ops.empty()) return;
  try {
    const compiler::Program program =
        compiler::compile(layer.pair.graph, layer.pair.config, {layer.pair.rounding});
    const std::string bytes = compiler::serialize(program);
    write_file(out / "program.trine", bytes);
    std::vector<std::uint8_t> dram = compiler::initial_dram(program);
    compiler::write_inputs(program, layer.pair.inputs, dram.data());
    write_file(out / "memory.bin", std::string(dram.begin(), dram.end()));
    sim::RtlOptions rtl;
    rtl.build.quiet = true;
    rtl.lockstep = true;
    rtl.trace_file = out / "wave.fst";
    sim::RtlRunner(program, rtl).run_dram(dram);
  } catch (const std::exception& e) {
    write_file(out / "first_difference.txt", std::string(e.what()) + "\n");
  }
}

}  // namespace trine::regress
