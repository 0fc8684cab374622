// SPDX-License-Identifier: Apache-2.0
//
// Checks ternary, binary and mixed networks: recorded vectors of real networks, and random layers
// against the golden layers.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <tuple>

#include "sw/base/error.h"
#include "sw/compiler/lower/findings.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"
#include "tools/random/low_bit.h"

namespace trine::sim {
namespace {

using fuzz::any_encoding;
using fuzz::LowBitNet;
using model::Encoding;
using testing::require_exact;
using testing::small_config;

spec::Config all_precisions(spec::Config config) {
  config.int8 = config.ternary = config.binary = true;
  return config;
}

/// Requires all recorded cases of a network. @return cycles of the slowest
std::uint64_t require_net(const model::Sample& net, const spec::Config& config) {
  CAPTURE(net.file.string(), config.to_toml());
  const model::Graph graph = model::import_model(net.file);
  const reference::VectorSet vectors = reference::read_vectors(net.vectors);
  REQUIRE(!vectors.cases.empty());
  // Serializes and parses the program, including its host operators.
  const std::string bytes = compiler::serialize(compiler::compile(graph, config));
  const compiler::Program program =
      compiler::parse_program({bytes.begin(), bytes.end()}, net.name() + ".trine");
  std::uint64_t slowest = 0;
  for (const reference::VectorCase& c : vectors.cases) {
    CAPTURE(c.id);
    const RunResult result = run_arch(program, c.inputs);
    REQUIRE(compiler::first_difference(program, result.outputs, c.outputs) == "");
    slowest = std::max(slowest, result.cycles);
  }
  return slowest;
}

spec::Config random_config(LowBitNet& net) {
  constexpr int kArrays[][2] = {{1, 1}, {3, 5}, {4, 4}, {8, 8}, {4, 8}, {2, 33}, {16, 3}};
  constexpr int kBuses[] = {32, 64, 128, 512};
  const auto& array = kArrays[net.number(0, 6)];
  spec::Config config = all_precisions(small_config(
      array[0], array[1], 8 << net.number(0, 3), 8 << net.number(0, 2), kBuses[net.number(0, 3)]));
  config.param_channels = 64 << net.number(0, 3);
  return config;
}

/// @return true if the network fits into the memories
bool require_random_net(unsigned seed) {
  CAPTURE(seed);
  LowBitNet net(seed);
  fuzz::random_low_bit(net);
  const spec::Config config = random_config(net);
  CAPTURE(config.to_toml());
  const std::vector<Array> inputs{net.random_input()};
  try {
    require_exact(net.graph, config, inputs);
    return true;
  } catch (const Error& e) {  // refused only for its size
    CHECK_THAT(e.what(), Catch::Matchers::ContainsSubstring("does not fit"));
    return false;
  }
}

/// Compiles with or without fused pools, runs, and compares with the golden layers.
struct PoolRun {
  compiler::Program program;
  std::uint64_t cycles = 0;

  /// Counts the layers with that operator, fused or not.
  int count(const std::string& op) const {
    const auto is = [&](const auto& layer) { return layer.op == op; };
    return static_cast<int>(std::count_if(program.layers.begin(), program.layers.end(), is));
  }
};

PoolRun require_pool(const model::Graph& graph, const spec::Config& config,
                     const std::vector<Array>& inputs, compiler::Fusion fusion,
                     const reference::RoundingPolicy& rounding = {}) {
  CAPTURE(config.to_toml(), static_cast<int>(fusion));
  PoolRun run;
  const compiler::CompileOptions options{rounding, {fusion, compiler::Cascading::kNever}};
  run.program = compiler::compile(graph, config, options);
  const RunResult result = run_arch(run.program, inputs);
  const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs, rounding));
  REQUIRE(compiler::first_difference(run.program, result.outputs, expected) == "");
  run.cycles = result.cycles;
  return run;
}

/// Draws window and stride of a pool that fits maps of H x W pixels.
struct AnyPool {
  template <typename Net>
  AnyPool(Net& net, int H, int W)
      : padding(net.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid) {
    const bool usual = net.number(0, 1) == 0;  // 2x2 stride 2, 3x3 stride 2
    R = std::min(H, usual ? net.number(2, 3) : net.number(1, 4));
    S = std::min(W, usual ? R : net.number(1, 4));
    stride_h = usual ? 2 : net.number(1, 4);
    stride_w = usual ? 2 : net.number(1, 4);
  }

  int R, S, stride_h, stride_w;
  model::Padding padding;
};

/// Runs with every pool fused. @return true if the network fits into the memories
bool require_all_fused(const model::Graph& graph, const spec::Config& config,
                       const std::vector<Array>& inputs,
                       const reference::RoundingPolicy& rounding = {}) {
  try {
    const PoolRun run = require_pool(graph, config, inputs, compiler::Fusion::kAlways, rounding);
    REQUIRE(run.count("MAX_POOL_2D") == 0);
    return true;
  } catch (const Error& e) {  // refused only for its size
    CHECK_THAT(e.what(), Catch::Matchers::ContainsSubstring("does not fit"));
    return false;
  }
}

/// Requires one or two convolutions with thresholds, each with a pool, of any precision.
bool require_fused_lowbit(unsigned seed) {
  CAPTURE(seed);
  LowBitNet net(seed);
  const std::vector<Encoding> kCodes{Encoding::kBinary, Encoding::kTernary, Encoding::kInt2,
                                     Encoding::kInt4};
  const std::vector<Encoding> kWeights{Encoding::kBinary, Encoding::kTernary, Encoding::kInt8};
  int x = net.input({1, net.number(4, 19), net.number(4, 19), net.number(1, 70)},
                    any_encoding(net, {Encoding::kInt8, Encoding::kBinary, Encoding::kTernary}));
  for (int layers = net.number(1, 2); layers > 0; --layers) {
    const Encoding same = net.encoding(x) == Encoding::kInt8 ? Encoding::kBinary : net.encoding(x);
    const auto padding = net.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
    x = net.convolution(x, net.number(1, 70), net.number(1, 3), net.number(1, 2), padding,
                        net.number(0, 2) > 0 ? same : any_encoding(net, kWeights));
    x = net.threshold(x, net.number(0, 2) > 0 ? same : any_encoding(net, kCodes));
    const AnyPool p(net, net.tensor(x).extent(1), net.tensor(x).extent(2));
    x = net.max_pool(x, p.R, p.S, p.stride_h, p.stride_w, p.padding);
    if (net.tensor(x).extent(1) < 3 || net.tensor(x).extent(2) < 3) break;
  }
  if (net.number(0, 2) > 0) net.fully_connected(net.flat(x), net.number(1, 20), net.encoding(x));
  return require_all_fused(net.graph, random_config(net), {net.random_input()});
}

/// Requires an int8 convolution of any shape and a pool, with an activation that may clamp.
bool require_fused_int8(unsigned seed) {
  CAPTURE(seed);
  testing::Builder net(seed);
  constexpr int kArrays[][2] = {{1, 1}, {3, 5}, {4, 4}, {8, 8}, {4, 16}, {16, 4}, {7, 3}};
  constexpr int kKib[] = {8, 8, 16, 128};
  constexpr int kBuses[] = {32, 64, 128, 512};
  const auto& array = kArrays[net.number(0, 6)];
  const spec::Config config = small_config(array[0], array[1], kKib[net.number(0, 3)],
                                           kKib[net.number(0, 3)], kBuses[net.number(0, 3)]);
  const int C = net.number(1, 24);
  const int x = net.input({1, net.number(7, 28), net.number(7, 28), C});
  const auto padding = net.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
  // One output channel of one input channel is a depthwise convolution: the window former computes
  // it without a pool.
  int y = net.convolution(x, net.number(C == 1 ? 2 : 1, 40), net.number(1, 4), net.number(1, 4),
                          net.number(1, 2), net.number(1, 2), net.number(1, 2), net.number(1, 2),
                          padding, net.number(0, 1) == 0);
  const AnyPool p(net, net.shape(y)[1], net.shape(y)[2]);
  y = net.pool(y, true, p.R, p.S, p.stride_h, p.stride_w, p.padding);
  if (net.number(0, 1) == 0) net.graph.ops.back().activation = model::Activation::kRelu6;
  if (net.number(0, 1) == 0)
    y = net.convolution(y, net.number(1, 9), 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  net.graph.outputs = {y};
  const auto rounding = net.number(0, 1) == 0 ? reference::kDoublePolicy : reference::kSinglePolicy;
  return require_all_fused(net.graph, config, {net.random_array(x)}, rounding);
}

}  // namespace

/// In a map of its own, border words of ones would count after the last channel.
TEST_CASE("a border of +1 that is also an output needs more than a bit", "[arch][lowbit]") {
  for (const int code : {-1, 1}) {
    LowBitNet net(1);
    const int x = net.pad(net.input({1, 5, 5, 3}, Encoding::kBinary), code);
    const int y = net.convolution(x, 4, 1, 1, model::Padding::kValid, Encoding::kBinary);
    net.threshold(y, Encoding::kBinary);
    net.graph.outputs.push_back(x);
    require_exact(net.graph, all_precisions(small_config(4, 4, 16, 8, 64)), {net.random_input()});
  }
}

/// One bit has no 0, and a border inside of a convolution needs none.
TEST_CASE("a border of zeros around bits is exact, whatever reads it", "[arch][lowbit]") {
  for (const bool plain : {true, false})
    for (const int channels : {3, 32})
      for (int readers = 1; readers < 8; ++readers) {
        const bool multiplied = (readers & 1) != 0, pooled = (readers & 2) != 0,
                   is_output = (readers & 4) != 0;
        CAPTURE(plain, channels, multiplied, pooled, is_output);
        LowBitNet net(1);
        const int x = net.pad(net.input({1, 5, 5, channels}, Encoding::kBinary), 0);
        if (plain) {
          net.graph.ops.back().kind = model::OpKind::kPad;
          net.graph.ops.back().inputs.pop_back();
        }
        net.graph.outputs.clear();
        if (multiplied) {
          const int y = net.convolution(x, 4, 3, 1, model::Padding::kValid, Encoding::kBinary);
          net.graph.outputs.push_back(net.threshold(y, Encoding::kBinary));
        }
        if (pooled) {
          const int y = net.max_pool(x, 2, 2, model::Padding::kValid);
          net.graph.outputs.push_back(y);
        }
        if (is_output) net.graph.outputs.push_back(x);
        require_exact(net.graph, all_precisions(small_config(4, 4, 16, 8, 64)),
                      {net.random_input()});
      }
}

/// The post unit of these designs has no thresholds; sums are words as in other designs.
TEST_CASE("designs with only int8 write whole sums and refuse thresholds",
          "[arch][lowbit][error]") {
  LowBitNet net(1);
  const int sums = net.convolution(net.input({1, 4, 4, 3}, Encoding::kInt8), 5, 1, 1,
                                   model::Padding::kValid, Encoding::kInt8);
  spec::Config config = small_config(4, 4, 16, 8, 64);
  require_exact(net.graph, config, {net.random_input()});
  net.threshold(sums, Encoding::kInt4);
  CHECK_THROWS_WITH(compiler::compile(net.graph, config),
                    Catch::Matchers::ContainsSubstring("lacks \"ternary\" and \"binary\""));
  config.ternary = true;
  CHECK_NOTHROW(compiler::compile(net.graph, config));
}

/// One-bit codes: an input with more elements than the program has bytes of memory.
TEST_CASE("a program of binary maps survives its file", "[arch][lowbit]") {
  LowBitNet net(1);
  const int x = net.input({1, 12, 12, 57}, Encoding::kBinary);
  const int y = net.convolution(x, 1, 1, 1, model::Padding::kValid, Encoding::kBinary);
  net.threshold(y, Encoding::kBinary);
  const spec::Config config = all_precisions(small_config(4, 4, 128, 16, 64));
  const std::string bytes = compiler::serialize(compiler::compile(net.graph, config));
  CHECK_NOTHROW(compiler::parse_program({bytes.begin(), bytes.end()}, "x"));
}

TEST_CASE("pools fused into convolutions are exact in each precision", "[arch][pool][random]") {
#ifdef TRINE_SLOW_TESTS
  constexpr unsigned kSeeds = 3000;
#else
  constexpr unsigned kSeeds = 80;
#endif
  unsigned exact = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed)
    exact += (require_fused_lowbit(seed) ? 1 : 0) + (require_fused_int8(seed) ? 1 : 0);
  CHECK(exact > 2 * kSeeds * 9 / 10);
}

TEST_CASE("pools of the shipped models are fused where that saves cycles", "[arch][pool][model]") {
  const std::filesystem::path models = std::filesystem::path(TRINE_SOURCE_DIR) / "models";
  const auto inputs_of = [&](const char* model) {
    return reference::read_vectors(models / model / "vectors").cases.at(0).inputs;
  };
  for (const auto& [file, op] : {std::pair{"lenet_mnist.tflite", "CONV_2D+MAX_POOL_2D"},
                                 std::pair{"mnist_binary.onnx", "CONV_2D+THRESHOLD+MAX_POOL_2D"},
                                 std::pair{"mnist_ternary.onnx", "CONV_2D+THRESHOLD+MAX_POOL_2D"},
                                 std::pair{"mnist_mixed.onnx", "CONV_2D+MAX_POOL_2D"}}) {
    CAPTURE(file);
    const model::Graph graph = model::import_model(models / file);
    const auto inputs = inputs_of(std::filesystem::path(file).stem().c_str());
    const spec::Config config = spec::load_config("braintta-size");
    const PoolRun unfused = require_pool(graph, config, inputs, compiler::Fusion::kNever);
    const PoolRun fused = require_pool(graph, config, inputs, compiler::Fusion::kAlways);
    const PoolRun chosen = require_pool(graph, config, inputs, compiler::Fusion::kEstimated);
    CHECK(unfused.count(op) == 0);
    CHECK(fused.count(op) > 0);
    CHECK(fused.count("MAX_POOL_2D") < unfused.count("MAX_POOL_2D"));
    CHECK(chosen.cycles < std::min(unfused.cycles, fused.cycles) * 102 / 100);
  }
}

TEST_CASE("a pool is fused where that takes fewer cycles", "[arch][pool]") {
  // 9/4 of the sums of a costly convolution take longer than the pool.
  testing::Builder net(3);
  const int x = net.input({1, 21, 21, 32});
  const int y = net.convolution(x, 16, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  net.graph.outputs = {net.pool(y, true, 3, 3, 2, 2, model::Padding::kSame)};
  const std::vector<Array> inputs{net.random_array(x)};
  const spec::Config wide = small_config(8, 8, 128, 64, 64);
  const PoolRun chosen = require_pool(net.graph, wide, inputs, compiler::Fusion::kEstimated);
  const PoolRun fused = require_pool(net.graph, wide, inputs, compiler::Fusion::kAlways);
  CHECK(chosen.count("MAX_POOL_2D") == 1);
  CHECK(fused.count("CONV_2D+MAX_POOL_2D") == 1);
  CHECK(chosen.cycles < fused.cycles);
}

TEST_CASE("a pool is fused where its input map does not fit on chip", "[arch][pool]") {
  // 36 KiB between the layers, 4 KiB before and 4 KiB after them: the bus of 4 bytes per cycle is
  // the limit.
  testing::Builder net(4);
  const int x = net.input({1, 24, 24, 8});
  const int y = net.convolution(x, 64, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true);
  net.graph.outputs = {net.pool(y, true, 3, 3, 3, 3, model::Padding::kValid)};
  const std::vector<Array> inputs{net.random_array(x)};
  const spec::Config narrow = small_config(16, 16, 16, 64, 32);
  const PoolRun chosen = require_pool(net.graph, narrow, inputs, compiler::Fusion::kEstimated);
  const PoolRun unfused = require_pool(net.graph, narrow, inputs, compiler::Fusion::kNever);
  CHECK(chosen.count("CONV_2D+MAX_POOL_2D") == 1);
  CHECK(chosen.cycles < unfused.cycles);
}

TEST_CASE("a pool that cannot be fused stays a layer", "[arch][pool]") {
  const spec::Config config = small_config(4, 4, 64, 64, 64);
  const auto require_unfused = [&](testing::Builder& net, int x) {
    const PoolRun run =
        require_pool(net.graph, config, {net.random_array(x)}, compiler::Fusion::kAlways);
    CHECK(run.count("MAX_POOL_2D") > 0);  // a clamp after it has the same name
    CHECK(run.count("CONV_2D+MAX_POOL_2D") == 0);
  };
  const auto convolution = [](testing::Builder& net, int from) {
    return net.convolution(from, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  };
  const auto pool = [](testing::Builder& net, int from) {
    return net.pool(from, true, 2, 2, 2, 2, model::Padding::kValid);
  };
  SECTION("the convolution adds a residual") {
    testing::Builder net(2);
    const int x = net.input({1, 8, 9, 8});
    net.graph.outputs = {pool(net, net.addition(convolution(net, x), x))};
    require_unfused(net, x);
  }
  SECTION("the map has another reader") {
    testing::Builder net(2);
    const int x = net.input({1, 8, 9, 8});
    const int y = convolution(net, x);
    net.graph.outputs = {pool(net, y), y};
    require_unfused(net, x);
  }
  SECTION("the convolution is depthwise, by the window former") {
    testing::Builder net(2);
    const int x = net.input({1, 9, 9, 4});
    const int y = net.convolution(x, 1, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    const int z = net.convolution(y, 1, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    net.graph.outputs = {pool(net, z)};
    require_unfused(net, x);
  }
  SECTION("the strides do not fit an instruction") {
    testing::Builder net(2);
    const int x = net.input({1, 500, 3, 4});
    const int y = net.convolution(x, 4, 1, 1, 16, 1, 1, 1, model::Padding::kValid, true);
    net.graph.outputs = {net.pool(y, true, 2, 2, 16, 1, model::Padding::kValid)};
    require_unfused(net, x);
  }
}

/// The engine orders RUNs only by their starts, not by the writes of the post unit.
TEST_CASE("each maximum waits for the sweep before it", "[arch][pool][tokens]") {
  testing::Builder net(5);
  const int x = net.input({1, 6, 6, 4});
  const int y = net.convolution(x, 4, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true);
  net.graph.outputs = {net.pool(y, true, 2, 2, 2, 2, model::Padding::kValid)};
  const PoolRun run = require_pool(net.graph, small_config(4, 4, 64, 64, 64), {net.random_array(x)},
                                   compiler::Fusion::kAlways);
  constexpr int kCompute = 1 << static_cast<int>(isa::Engine::kCompute);
  std::vector<bool> maximum, waits;
  for (const isa::Word word : run.program.words) {
    if (isa::opcode_of(word) != isa::Opcode::kRun) continue;
    if (isa::engine_of(word) != isa::Engine::kCompute) continue;
    maximum.push_back((isa::decode_run(word).flags >> isa::compute::kFuseMax & 1) != 0);
    waits.push_back((isa::decode_run(word).wait & kCompute) != 0);
  }
  CHECK(maximum == std::vector<bool>{false, true, true, true});
  CHECK(waits == maximum);
}

TEST_CASE("fused pools need no vector unit", "[arch][pool]") {
  testing::Builder net(5);
  const int x = net.input({1, 12, 12, 5});
  const int y = net.convolution(x, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  net.graph.outputs = {net.pool(y, true, 2, 2, 2, 2, model::Padding::kValid)};
  spec::Config config = small_config(4, 4, 64, 64, 64);
  config.vector = false;
  const PoolRun run =
      require_pool(net.graph, config, {net.random_array(x)}, compiler::Fusion::kEstimated);
  CHECK(run.count("CONV_2D+MAX_POOL_2D") == 1);
  net.graph.outputs.push_back(y);
  CHECK_THROWS_WITH(compiler::compile(net.graph, config),
                    Catch::Matchers::ContainsSubstring("MAX_POOL_2D: tensor") &&
                        Catch::Matchers::ContainsSubstring("needs the vector unit"));
}

TEST_CASE("a grouped convolution of packed codes has weights of 0 for other groups",
          "[arch][lowbit]") {
  for (const Encoding encoding : {Encoding::kTernary, Encoding::kBinary}) {
    LowBitNet net(3);
    const int x = net.input({1, 6, 6, 32}, encoding);
    net.threshold(net.convolution(x, 32, 3, 1, model::Padding::kSame, encoding, 2), encoding);
    require_exact(net.graph, all_precisions(small_config(4, 4, 64, 32, 64)), {net.random_input()});
  }
}

TEST_CASE("low-bit networks are exact on their vectors", "[arch][lowbit]") {
  for (const model::Sample& net : model::samples(
           {"lowbit/mlp_binary.onnx", "lowbit/mlp_ternary.onnx", "lowbit/cnv_binary.onnx",
            "lowbit/cnv_ternary.onnx", "lowbit/thresholds.onnx", "lowbit/residual_binary.onnx",
            "lowbit/residual_ternary.onnx"},
           {"TFC_1W1A.onnx", "TFC_2W2A.onnx", "cnv_w1a1.onnx", "cnv_w2a2.onnx",
            "finn_tfc_w1a1_build_dataflow.onnx"})) {
    const auto cycles = require_net(net, spec::load_config("braintta-size"));
    UNSCOPED_INFO(net.name() << " takes " << cycles << " cycles on braintta-size");
    for (const auto& array : {std::pair{4, 4}, {8, 8}, {3, 5}})
      require_net(net, all_precisions(small_config(array.first, array.second, 64, 32, 64)));
  }
}

TEST_CASE("random low-bit networks are exact", "[arch][lowbit][random]") {
#ifdef TRINE_SLOW_TESTS
  constexpr unsigned kSeeds = 3000;
#else
  constexpr unsigned kSeeds = 60;
#endif
  unsigned exact = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed) exact += require_random_net(seed) ? 1 : 0;
  CHECK(exact > kSeeds * 9 / 10);
}

TEST_CASE("networks that round halves to even are exact or refused where codes would differ",
          "[arch][half_even]") {
  for (const model::Sample& net : model::samples({"onnx/mobilenet_v2.onnx"}, {"resnet8_qdq.onnx"}))
    require_net(net, spec::load_config("edge256"));
  const spec::Config config = small_config(4, 4, 32, 16, 64);
  for (unsigned seed = 0; seed < 10; ++seed) {
    testing::Builder net(seed);
    const int x = net.input({1, 6, 7, net.number(1, 9)});
    const int y = net.convolution(x, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    const int z = net.convolution(x, 8, 1, 1, 1, 1, 1, 1, model::Padding::kSame, false);
    net.graph.outputs = {net.mean(net.addition(y, z), {1, 2})};
    for (model::Op& op : net.graph.ops) op.half_even = true;
    CAPTURE(seed);
    require_exact(net.graph, config, {net.random_array(x)});
    // A power of two: sums are halfway between two codes.
    for (const int t : {x, y})
      net.graph.tensors[static_cast<std::size_t>(t)].quantization.scale = {1};
    auto& weights = net.graph.tensors[static_cast<std::size_t>(net.graph.ops[0].input(1))];
    weights.quantization.scale.assign(8, 1.0f / 64);
    net.graph.outputs = {y};
    net.graph.ops.resize(1);
    CHECK(compiler::half_even(net.graph, net.graph.ops[0]) == compiler::HalfEven::kNeeded);
    require_exact(net.graph, config, {net.random_array(x)});
  }
}

TEST_CASE("a sum that reaches a tie needs the mode that rounds it to even", "[arch][half_even]") {
  // Codes are up to 255 steps from the zero point; the weight is 1, and the bias is added. With a
  // scale of 2^-9 the first tie is at 2^8.
  for (const auto& [zero_point, bias, needed] : {std::tuple{-128, 0, false},
                                                 {-128, 1, true},
                                                 {-128, -1, true},
                                                 {-128, 2, true},
                                                 {127, 0, false},
                                                 {127, -1, true}}) {
    testing::Builder net(1);
    const int x = net.input({1, 1, 1, 1});
    const int y = net.convolution(x, 1, 1, 1, 1, 1, 1, 1, model::Padding::kValid, true);
    net.graph.outputs = {y};
    model::Op& op = net.graph.ops[0];
    op.half_even = true;
    const auto tensor = [&](int t) -> model::Tensor& {
      return net.graph.tensors[static_cast<std::size_t>(t)];
    };
    tensor(x).quantization = {{1}, {zero_point}, 0};
    tensor(y).quantization = {{1}, {0}, 0};
    tensor(op.input(1)).quantization.scale = {1.0f / 512};
    tensor(op.input(1)).data = {1};
    model::Tensor offset{"bias", model::DataType::kInt32, {1}, {}, true, {}};
    offset.quantization = {{1.0f / 512}, {0}, 0};
    offset.data.edit().resize(4);
    std::memcpy(offset.data.edit().data(), &bias, 4);
    op.inputs = {x, op.input(1), static_cast<int>(net.graph.tensors.size())};
    net.graph.tensors.push_back(offset);
    CAPTURE(zero_point, bias);
    CHECK(compiler::half_even(net.graph, op) ==
          (needed ? compiler::HalfEven::kNeeded : compiler::HalfEven::kNotNeeded));
    const std::uint8_t farthest = zero_point < 0 ? 127 : 128;
    require_exact(net.graph, small_config(4, 4, 32, 16, 64), {{"i1", {1, 1, 1, 1}, {farthest}}});
  }
}

TEST_CASE("a mean reaches ties that no single code does", "[arch][half_even]") {
  // Four codes of 128 steps each give 2^9, a tie with a scale of 2^-10.
  const bool channels = GENERATE(false, true);
  const std::vector<int> shape = channels ? std::vector{1, 1, 1, 4} : std::vector{1, 2, 2, 1};
  testing::Builder net(1);
  const int x = net.input(shape);
  const int y = channels ? net.mean(x, {3}) : net.mean(x, {1, 2});
  net.graph.outputs = {y};
  net.graph.ops[0].half_even = true;
  net.graph.tensors[static_cast<std::size_t>(x)].quantization = {{1.0f / 256}, {-128}, 0};
  net.graph.tensors[static_cast<std::size_t>(y)].quantization = {{1}, {0}, 0};
  CHECK(compiler::half_even(net.graph, net.graph.ops[0]) == compiler::HalfEven::kNeeded);
  require_exact(net.graph, small_config(4, 4, 32, 16, 64),
                {{"i1", {shape.begin(), shape.end()}, {0, 0, 0, 0}}});
}

TEST_CASE("an addition that would be off by one code is refused", "[arch][half_even][error]") {
  testing::Builder net(1);
  const int a = net.input({1, 4, 4, 4}), b = net.input({1, 4, 4, 4});
  net.graph.outputs = {net.addition(a, b)};
  net.graph.ops[0].half_even = true;
  // The terms are a third and a half of the result's unit: the third is rounded, and the sums are
  // ties.
  const float scales[] = {1.0f, 1.0f / 3, 2.0f / 3};
  for (const int t : {a, b, net.graph.outputs[0]})
    net.graph.tensors[static_cast<std::size_t>(t)].quantization.scale = {scales[t]};
  REQUIRE(compiler::half_even(net.graph, net.graph.ops[0]) == compiler::HalfEven::kNoWay);
  CHECK_THROWS_WITH(compiler::compile(net.graph, small_config(4, 4, 32, 16, 64)),
                    Catch::Matchers::ContainsSubstring("ADD: tensor") &&
                        Catch::Matchers::ContainsSubstring("rounds halves to even"));
}

TEST_CASE("a missing precision is named with operator and tensor", "[arch][lowbit][error]") {
  using Catch::Matchers::ContainsSubstring;
  const auto refusal = [](const model::Graph& graph, spec::Config config) -> std::string {
    try {
      compiler::compile(graph, config);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  for (const Encoding encoding : {Encoding::kTernary, Encoding::kBinary}) {
    LowBitNet net(1);
    const int x = net.input({1, 4, 4, 8}, Encoding::kInt8);
    net.convolution(x, 8, 3, 1, model::Padding::kValid, encoding);
    const std::string name(name_of(encoding));
    spec::Config config = all_precisions(small_config(4, 4, 16, 16, 64));
    CHECK(refusal(net.graph, config).empty());
    (encoding == Encoding::kTernary ? config.ternary : config.binary) = false;
    const std::string text = refusal(net.graph, config);
    CHECK_THAT(text, ContainsSubstring("op 0 CONV_2D: tensor 1 'weights1' is " + name));
    CHECK_THAT(text, ContainsSubstring("array.precisions lacks \"" + name + "\""));
    config = all_precisions(config);
    config.int8 = false;
    CHECK_THAT(refusal(net.graph, config), ContainsSubstring("tensor 0 'input0' is int8"));
  }
}

}  // namespace trine::sim
