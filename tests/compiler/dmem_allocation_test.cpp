// SPDX-License-Identifier: Apache-2.0
//
// Checks small networks whose maps have unusual places: network inputs that gates multiply, maps
// that the cores of a cluster exchange through DRAM, channels of an input that products read. Each
// network is compiled for every preset and some clusters, and runs on the architecture simulator.

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sw/base/root.h"
#include "sw/model/graph/refusal.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::small_config;

/// A network of a few operators, made by a builder with a fixed seed.
struct Shape {
  std::string name;
  std::function<void(Builder&)> make;  ///< sets the graph's outputs
};

#ifdef TRINE_SLOW_TESTS
constexpr bool kAll = true;
#else
constexpr bool kAll = false;
#endif

/// Returns all presets, sorted by name. The quick test uses those with the widest and the narrowest
/// buses.
std::vector<spec::Config> presets() {
  std::vector<std::string> names;
  if (kAll) {
    for (const auto& entry :
         std::filesystem::directory_iterator(project_root() / "spec" / "presets"))
      if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
    std::ranges::sort(names);
  } else {
    names = {"edge32", "edge512", "cluster4x1024"};
  }
  std::vector<spec::Config> configs;
  for (const std::string& name : names) configs.push_back(spec::load_config(name));
  return configs;
}

/// Returns clusters of small cores, with little or sufficient DMEM.
std::vector<spec::Config> clusters() {
  std::vector<spec::Config> configs;
  for (const int cores : kAll ? std::vector{2, 3, 4} : std::vector{2})
    for (const int bus : kAll ? std::vector{64, 128, 256, 512} : std::vector{128, 512})
      for (const int dmem_kib : {8, 64}) {
        const int side = bus > 128 ? 16 : 4;
        configs.push_back(small_config(side, side, dmem_kib, 64, bus));
        configs.back().name = fmt::format("{}-cores-{}-bits-{}-KiB", cores, bus, dmem_kib);
        configs.back().cores = cores;
      }
  return configs;
}

/// Counts the outcomes of one family of networks on one configuration.
struct Tally {
  int exact = 0, refused = 0;         ///< refused by the compiler
  int wrong = 0, refused_at_run = 0;  ///< must stay 0
  std::string first;                  ///< the first wrong or refused run
};

void run(const Shape& shape, const spec::Config& config, compiler::Sharing sharing, Tally& tally) {
  Builder b(1);
  shape.make(b);
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  compiler::CompileOptions options;
  options.ways.sharing = sharing;
  const auto fail = [&](int& count, const std::string& what) {
    ++count;
    if (tally.first.empty()) tally.first = fmt::format("{}: {}", shape.name, what);
  };
  compiler::Program program;
  try {
    program = compiler::compile(b.graph, config, options);
  } catch (const model::Refusal&) {
    ++tally.refused;
    return;
  }
  try {
    const RunResult result = run_arch(program, inputs);
    const auto golden =
        reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs, options.rounding));
    const std::string text = compiler::first_difference(program, result.outputs, golden);
    if (text.empty())
      ++tally.exact;
    else
      fail(tally.wrong, text);
  } catch (const Error& e) {
    fail(tally.refused_at_run, e.what());
  }
}

/// Requires that each network is exact on each configuration that it compiles for.
/// @param few  the quick test uses every `few`-th network
void require_all(const std::vector<spec::Config>& configs, const std::vector<Shape>& shapes,
                 int few, bool share = false) {
  int exact = 0;
  for (const spec::Config& config : configs) {
    Tally tally;
    for (std::size_t i = 0; i < shapes.size(); i += static_cast<std::size_t>(kAll ? 1 : few))
      run(shapes[i], config, share ? compiler::Sharing::kAlways : compiler::Sharing::kEstimated,
          tally);
    CAPTURE(config.name, tally.exact, tally.refused, tally.first);
    CHECK(tally.wrong == 0);
    CHECK(tally.refused_at_run == 0);
    exact += tally.exact;
  }
  CHECK(exact > 0);
}

/// Returns squeeze-and-excitation blocks of a network input that another layer reads as well.
std::vector<Shape> gated_inputs() {
  std::vector<Shape> shapes;
  for (const OpKind reader : {OpKind::kConv2D, OpKind::kDepthwiseConv2D})
    for (const auto& [H, W, C] : std::vector<std::array<int, 3>>{{6, 7, 16},
                                                                 {5, 5, 8},
                                                                 {8, 8, 16},
                                                                 {7, 7, 32},
                                                                 {3, 5, 12},
                                                                 {12, 9, 24},
                                                                 {14, 14, 8},
                                                                 {2, 3, 64}})
      shapes.push_back({fmt::format("{} of {}x{}x{}", model::name_of(reader), H, W, C),
                        [=, H = H, W = W, C = C](Builder& b) {
                          const int x = b.input({1, H, W, C});
                          const int y =
                              reader == OpKind::kConv2D
                                  ? b.convolution(x, 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true)
                                  : b.depthwise(x, 1, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
                          const int z = b.binary(x, b.mean(x, {1, 2}), OpKind::kMul);
                          b.graph.outputs = {y, z};
                        }});
  return shapes;
}

/// Returns products of tokens, followed by one value per channel over all tokens.
std::vector<Shape> pooled_tokens() {
  std::vector<Shape> shapes;
  for (const bool max : {false, true})
    for (const int R : {8, 12, 16, 17, 29, 33, 50, 64, 85, 100, 200})
      for (const auto& [K, M] : std::vector<std::array<int, 2>>{{64, 64}, {96, 128}, {256, 256}})
        shapes.push_back({fmt::format("{} of {} tokens, {} -> {}", max ? "max" : "mean", R, K, M),
                          [=, K = K, M = M](Builder& b) {
                            const int x = b.fully_connected(b.input({R, K}), K, M);
                            b.graph.outputs = {max ? b.reduce_max(x, {0}) : b.mean(x, {0})};
                          }});
  return shapes;
}

/// Returns LayerNorms followed by a product.
std::vector<Shape> followers() {
  std::vector<Shape> shapes;
  for (const int R : {6, 18, 25, 31})
    for (const int K : {32, 64})
      for (const int M : {384, 576, 768})
        shapes.push_back({fmt::format("{} tokens, {} -> {}", R, K, M), [=](Builder& b) {
                            const int x = b.input({R, K});
                            const int y = b.normalization(b.addition(x, x), true);
                            b.graph.outputs = {b.fully_connected(y, K, M)};
                          }});
  return shapes;
}

/// Returns products of the channels of a one-token input with a computed matrix.
std::vector<Shape> heads_of_inputs() {
  std::vector<Shape> shapes;
  for (const int first : {4, 12})
    for (const int D : {16, 32})
      for (const bool adjoint : {false, true})
        shapes.push_back(
            {fmt::format("channels {}..{}, adjoint {}", first, first + D - 1, adjoint),
             [=](Builder& b) {
               const int x = b.input({1, 1, 64});
               const int head = b.strided_slice(x, {0, 0, first}, {1, 1, first + D}, {1, 1, 1});
               const std::vector<int> shape =
                   adjoint ? std::vector{1, 16, D} : std::vector{1, D, 16};
               const int y = b.unary(b.input(shape), OpKind::kRelu);
               b.graph.outputs = {b.batch_matmul(head, y, false, adjoint)};
             }});
  return shapes;
}

/// Returns pairs of products of one input; the heads of one product become rows.
std::vector<Shape> transposed_heads() {
  std::vector<Shape> shapes;
  for (const int R : {85, 87, 81, 16, 17, 33, 34, 35, 36, 50, 61, 96})
    for (const auto& [K, M, H] :
         std::vector<std::array<int, 3>>{{96, 96, 3}, {96, 96, 4}, {64, 64, 4}, {32, 96, 3}})
      shapes.push_back({fmt::format("{} tokens, {} -> {}, {} heads", R, K, M, H),
                        [=, K = K, M = M, H = H](Builder& b) {
                          const int x = b.input({R, K});
                          const int y = b.fully_connected(x, K, M);
                          const int z = b.reshape(b.fully_connected(x, K, M), {R, H, M / H});
                          b.graph.outputs = {y, b.transpose(z, {1, 0, 2})};
                        }});
  return shapes;
}

TEST_CASE("a gate of a network input is exact on each preset", "[arch][places]") {
  require_all(presets(), gated_inputs(), 5);
}

TEST_CASE("a pool over the tokens of all cores is exact", "[arch][places]") {
  require_all(presets(), pooled_tokens(), 16);
  require_all(clusters(), pooled_tokens(), 11, true);
}

TEST_CASE("a product that follows a normalization stays in its buffer", "[arch][places]") {
  std::vector<spec::Config> configs = presets();
  for (const int rows : {4, 8})
    for (const int bus : {256, 512, 1024}) {
      configs.push_back(small_config(rows, 64, 8, 64, bus));
      configs.back().name = fmt::format("{}x64-{}-bits", rows, bus);
    }
  require_all(configs, followers(), 7);
}

TEST_CASE("channels of a one-token input are operands of a product", "[arch][places]") {
  require_all(presets(), heads_of_inputs(), 3);
}

TEST_CASE("rows of heads are exact whatever the cores' shares", "[arch][places]") {
  require_all(clusters(), transposed_heads(), 12, true);
  require_all(clusters(), transposed_heads(), 12);
  require_all(presets(), transposed_heads(), 12);
}

}  // namespace
}  // namespace trine::sim
