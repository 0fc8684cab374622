// SPDX-License-Identifier: Apache-2.0
//
// Writes mappings, edits them, and compiles networks with them. A mapping that was not edited gives
// the same plan, and every mapping that is accepted gives the golden layers' codes.

#include "sw/compiler/mapping/mapping.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sim/arch/actions.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/text.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using compiler::LoopNest;
using compiler::MappedLayer;
using compiler::Mapping;
using model::Padding;
using testing::Builder;

constexpr const char* kFile = "loops.toml";

struct Case {
  model::Graph graph;
  spec::Config config;
  std::vector<Array> inputs;

  compiler::Program compile(const Mapping* mapping, std::string* text = nullptr) const {
    compiler::CompileOptions options;
    options.mapping = mapping;
    options.mapping_text = text;
    return compiler::compile(graph, config, options);
  }
  Mapping planned() const {
    std::string text;
    compile(nullptr, &text);
    return compiler::parse_mapping(text, kFile);
  }
  /// Compiles with the mapping and compares the outputs with the golden layers'.
  std::int64_t cycles_of_exact(const Mapping& mapping) const {
    const compiler::Program program = compile(&mapping);
    const RunResult result = run_arch(program, inputs);
    const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs, {}));
    REQUIRE(compiler::first_difference(program, result.outputs, expected) == "");
    return static_cast<std::int64_t>(result.cycles);
  }
};

Case case_of(Builder& b, const spec::Config& config) {
  Case c{model::expanded(b.graph), config, {}};
  for (const int t : c.graph.inputs) c.inputs.push_back(b.random_array(t));
  return c;
}

/// Returns the 5x5 convolution of docs/dataflows.md, whose reduction needs pieces.
Case worked_example() {
  Builder b(1);
  b.graph.outputs = {
      b.convolution(b.input({1, 14, 14, 480}), 48, 5, 5, 1, 1, 1, 1, Padding::kSame, false)};
  return case_of(b, spec::load_config("edge256", {}));
}

Case random_case(unsigned seed) {
  Builder b(seed);
  spec::Config config = fuzz::random_config(b);
  config.partial_sums = b.number(0, 1) == 1;
  int t = b.input({1, b.number(3, 20), b.number(3, 20), b.number(1, 80)});
  for (int layers = b.number(1, 4); layers > 0; --layers) {
    const int kernel = 2 * b.number(0, 2) + 1;
    switch (b.number(0, 5)) {
      case 0:
        t = b.depthwise(t, b.number(1, 2), kernel, kernel, 1, 1, 1, 1, Padding::kSame, true);
        break;
      case 1:
        t = b.pool(t, b.number(0, 1) == 0, 3, 3, 1, 1, Padding::kSame);
        break;
      case 2:
        t = b.addition(t, b.unary(t, model::OpKind::kRelu, "RELU"));
        break;
      default:
        t = b.convolution(t, b.number(1, 70), kernel, kernel, b.number(1, 2), b.number(1, 2), 1, 1,
                          Padding::kSame, true);
    }
  }
  b.graph.outputs = {t};
  return case_of(b, config);
}

/// Changes some of a layer's loops, to sizes that may be wrong.
void edit(MappedLayer& layer, Builder& b) {
  LoopNest& nest = layer.nest;
  const auto other = [&](int size) {
    return std::max(1, b.number(0, 1) == 0 ? size / 2 : size - 1);
  };
  switch (b.number(0, 7)) {
    case 0:
      nest.P = other(nest.P);
      break;
    case 1:
      nest.Q = other(nest.Q);
      break;
    case 2:
      nest.M = b.number(0, 1) == 0 ? other(nest.M) : 4 * b.number(1, 8);
      break;
    case 3:
      nest.chunk_outer = !nest.chunk_outer;
      break;
    case 4:
      nest.buffers = 3 - std::min(2, nest.buffers);
      break;
    case 5:
      nest.C = b.number(0, 9) == 0 ? 4 : 4 * b.number(4, 20);
      nest.R = std::max(0, 2 * b.number(0, 3) - 1);
      nest.sums = b.number(0, 1) == 0;
      nest.P = b.number(0, 1) == 0 ? nest.P : 1;
      break;
    case 6:
      layer.output_in_dram = !layer.output_in_dram;
      break;
    default:
      layer.input_in_dram = true;
  }
}

std::string message_of(const Case& c, const Mapping& mapping) {
  try {
    c.compile(&mapping);
  } catch (const compiler::MappingError& e) {
    return e.what();
  }
  return "";
}

/// Returns the first letters of the rule in a message, after the layer's name.
std::string rule_of(const std::string& message) {
  return message.substr(message.rfind("\": ") + 3, 6);
}

TEST_CASE("a mapping that was not edited gives the same plan", "[mapping]") {
  for (unsigned seed = 1; seed <= testing::kSeeds; ++seed) {
    const Case c = random_case(seed);
    CAPTURE(seed, c.config.to_toml());
    std::string text, again;
    std::optional<compiler::Program> own;
    try {
      own = c.compile(nullptr, &text);
    } catch (const Error&) {
      continue;  // too small for the network
    }
    CAPTURE(text);
    const Mapping mapping = compiler::parse_mapping(text, kFile);
    c.compile(&mapping, &again);
    CHECK(again == text);
  }
}

TEST_CASE("every accepted mapping gives the golden layers' codes", "[mapping]") {
  std::set<std::string> rules;
  int accepted = 0;
  for (unsigned seed = 1; seed <= testing::kSeeds; ++seed) {
    const Case c = random_case(seed);
    Builder b(seed);
    std::optional<Mapping> mapping;
    try {
      mapping = c.planned();
    } catch (const Error&) {
      continue;
    }
    for (int edits = b.number(1, 3); edits > 0; --edits) {
      MappedLayer& layer =
          mapping->layers[b.number(0, static_cast<int>(mapping->layers.size()) - 1)];
      if (layer.has_loops) edit(layer, b);
      CAPTURE(seed, c.config.to_toml(), layer.name, layer.nest.M, layer.nest.P, layer.nest.Q,
              layer.nest.C, layer.nest.R, layer.nest.chunk_outer, layer.nest.sums,
              layer.nest.buffers, layer.input_in_dram, layer.output_in_dram);
      const std::string message = message_of(c, *mapping);
      if (!message.empty()) {
        rules.insert(rule_of(message));
        break;
      }
      c.cycles_of_exact(*mapping);
      ++accepted;
    }
  }
  CHECK(accepted > 60);
  CHECK(rules.size() > 3);
}

TEST_CASE("loops of the worked example can be chosen", "[mapping]") {
  const Case c = worked_example();
  const Mapping planned = c.planned();
  REQUIRE(planned.layers.size() == 1);
  CHECK(planned.layers[0].nest == LoopNest{.M = 8, .P = 14, .Q = 14, .C = 160, .sums = true});
  const std::int64_t best = c.cycles_of_exact(planned);
  const RunResult run = run_arch(c.compile(&planned), c.inputs);
  CHECK(run.causes[static_cast<std::size_t>(Cause::kCompute)] == 450'000);  // as the page counts
  CHECK(run.causes[static_cast<std::size_t>(Cause::kBank)] == 2'946);

  Mapping smaller = planned;
  smaller.layers[0].nest.C = 80;  // more sums
  CHECK(c.cycles_of_exact(smaller) > best);

  Mapping in_array = planned;  // weights are loaded for each tile
  in_array.layers[0].nest = {.M = 8, .P = 1, .Q = 7, .C = 160, .chunk_outer = false};
  CHECK(c.cycles_of_exact(in_array) > 4 * best);
}

TEST_CASE("docs/dataflows.md shows the mapping of the worked example", "[mapping]") {
  const std::string page = read_text(std::string(TRINE_SOURCE_DIR) + "/docs/dataflows.md");
  const std::string begin = "```toml\n[[layer]]\nname = \"output\"\n";
  const std::size_t from = page.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t first = from + begin.size();
  const std::string shown = page.substr(first, page.find("```", first) - first);
  std::string text;
  worked_example().compile(nullptr, &text);
  CHECK_THAT(text, Catch::Matchers::EndsWith(shown));  // whatever the layer's name
}

/// The words of maps equal the simulator's reads where no tap is outside of the image.
TEST_CASE("a mapping counts what the array reads", "[mapping]") {
  Builder b(1);
  const int x = b.convolution(b.input({1, 9, 7, 24}), 20, 3, 3, 1, 1, 1, 1, Padding::kValid, true);
  b.graph.outputs = {b.convolution(x, 8, 1, 1, 1, 1, 1, 1, Padding::kValid, true)};
  const Case c = case_of(b, spec::load_config("edge256", {}));
  std::string text;
  const compiler::Program program = c.compile(nullptr, &text);
  const Actions actions = count_actions(program).at(0);
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring(
                       fmt::format("takes {} words of maps", grouped(actions[kDmemRead]))));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring(fmt::format(
                       ", {} rows of PMEM", grouped(actions[kPmemRead] / c.config.cols))));
}

TEST_CASE("a mapping names the rule that it breaks", "[mapping]") {
  const Case c = worked_example();
  const Mapping planned = c.planned();
  const auto message = [&](auto change) {
    Mapping mapping = planned;
    change(mapping.layers[0]);
    return message_of(c, mapping);
  };
  const std::string layer = fmt::format("loops.toml:9: layer \"{}\": ", planned.layers[0].name);
  using Layer = MappedLayer;
  CHECK(message([](Layer& l) { l.nest.M = 12; }) ==
        layer + "M by 12, allowed 48 or multiples of 8 below");
  CHECK(message([](Layer& l) { l.nest.P = 15; }) == layer + "P by 15, allowed 1 to 14");
  CHECK(message([](Layer& l) { l.nest.C = 30; }) ==
        layer + "C by 30, allowed 480 or multiples of 4 below");
  CHECK(message([](Layer& l) { l.nest.C = 320; }) ==
        layer +
            "its weights are 2,000 rows of PMEM, which has 2,048 for 2 buffers: a smaller M or C");
  CHECK(message([](Layer& l) { l.nest.sums = false; }) ==
        layer + "P by 14 and Q by 14 are 196 pixels, allowed 8 while sums wait in the PEs");
  CHECK(message([](Layer& l) { l.nest.C = 0, l.nest.sums = false; }) ==
        layer + "its weights are 3,000 rows of PMEM, which has 2,048: a loop C");
  CHECK(message([](Layer& l) {
          l.name = "x";
        }).starts_with("loops.toml:4: name: \"x\", but layer 0 of the network is"));
}

TEST_CASE("a mapping file with a fault names its line", "[mapping]") {
  const auto message = [](const std::string& text) -> std::string {
    try {
      compiler::parse_mapping(
          "[[layer]]\nname = \"a\"\ninput = \"DMEM\"\noutput = \"DMEM\"\n" + text, kFile);
    } catch (const compiler::MappingError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(message("loops = [\"M by 8\", \"P by 2\", \"Q by 2\"]") == "");
  CHECK(message("") == "loops.toml:1: loops: is missing from this layer");
  CHECK(message("loops = [\"M of 8\"]") ==
        "loops.toml:5: loops: \"M of 8\", allowed \"M by N\", and so for P, Q, C and R");
  CHECK(message("loops = [\"M by 8\", \"Q by 2\", \"P by 2\"]") ==
        "loops.toml:5: loops: order M Q P, allowed M P Q and P Q M; inside of them C, or C R");
  CHECK(message("loops = [\"M by 2147483647\"]")
            .starts_with("loops.toml:5: loops: \"M by 2147483647\", "));
  CHECK(message("loops = []\nsums = \"DMEM\"") == "loops.toml:6: sums: only with a loop C");
  CHECK(message("loops = []\nbuffers = 3") == "loops.toml:6: buffers: allowed 1, 2 or 4");
  CHECK(
      message("loops = []\nlops = 3").starts_with("loops.toml:6: lops: unknown key, allowed name"));
  CHECK(message("loops = [").starts_with("loops.toml:5: not TOML:"));
}

}  // namespace
}  // namespace trine::sim
