// SPDX-License-Identifier: Apache-2.0
//
// Tests whole networks on the RTL, value by value. The short run uses a sample of the
// configurations, the full one (TRINE_SLOW_TESTS) all of them.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "components/fuzz/onnx_network.h"
#include "components/fuzz/pair.h"
#include "sim/arch/simulate.h"
#include "sim/rtl/simulate.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/program/host.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"
#include "tests/programs/random_program.h"
#include "tools/random/transformer.h"

using namespace trine;

namespace {

namespace fs = std::filesystem;
const fs::path kModels = fs::path(TRINE_SOURCE_DIR) / "models";

/// Returns a configuration; 3x5 has wide addresses. @param low_bit  all precisions; only int8
/// builds in half the time
spec::Config config_of(int rows, int cols, int axi_data_bits, int dmem_kib, int pmem_kib,
                       bool low_bit = false) {
  spec::Config config = spec::load_config("edge256");
  config.rows = rows;
  config.cols = cols;
  config.axi_data_bits = axi_data_bits;
  if (rows == 3) config.axi_addr_bits = 40;
  config.dmem_kib = dmem_kib;
  config.pmem_kib = pmem_kib;
  config.ternary = config.binary = low_bit;
  spec::check(config);
  return config;
}

sim::RtlOptions options_of() {
  sim::RtlOptions options;
  options.build.optimization = 1;
  options.build.quiet = true;
  return options;
}

/// Requires that the cycles of the layers add up, and that no layer is above the array's peak.
void require_rows(const compiler::Program& program, const sim::RunResult& result) {
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    CAPTURE(layers[i].name, layers[i].op, layers[i].macs);
    const std::uint64_t cycles = result.layers.at(i).cycles;
    sum += cycles;
    REQUIRE(layers[i].peak_cycles(program.config) <= static_cast<double>(cycles));
  }
  REQUIRE(sum == result.cycles);
}

/// Runs every vector, and requires exact outputs and cycles that add up. @return the model's
/// outputs of each case
std::vector<std::vector<Array>> require_exact(const fs::path& model, const fs::path& folder,
                                              const spec::Config& config) {
  CAPTURE(model.string(), folder.string(), config.to_toml());
  const model::Graph graph = model::import_model(model);
  const reference::VectorSet vectors = reference::read_vectors(folder);
  REQUIRE(!vectors.cases.empty());
  const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
  sim::RtlRunner rtl(program, options_of());
  std::vector<std::vector<Array>> outputs;
  for (const reference::VectorCase& c : vectors.cases) {
    CAPTURE(c.id);
    const sim::RunResult result = rtl.run(c.inputs);
    REQUIRE(compiler::first_difference(program, result.outputs, c.outputs) == "");
    std::uint64_t causes = 0;
    for (const std::uint64_t cycles : result.causes) causes += cycles;
    REQUIRE(causes == result.cycles);
    require_rows(program, result);
    outputs.push_back(result.outputs);
  }
  return outputs;
}

void require_samples(const std::vector<model::Sample>& samples, const spec::Config& config) {
  for (const model::Sample& sample : samples) require_exact(sample.file, sample.vectors, config);
}

std::vector<model::Sample> low_bit_nets() {
  return model::samples(
      {"lowbit/mlp_binary.onnx", "lowbit/mlp_ternary.onnx", "lowbit/thresholds.onnx",
       "lowbit/cnv_binary.onnx", "lowbit/cnv_ternary.onnx", "lowbit/residual_binary.onnx",
       "lowbit/residual_ternary.onnx"},
      {"TFC_1W1A.onnx", "TFC_2W2A.onnx", "finn_tfc_w1a1_build_dataflow.onnx"});
}

/// Requires binary, ternary and mixed networks, trained by components/zoo/train_lowbit.py.
void require_own_low_bit_nets(const spec::Config& config) {
  for (const char* net : {"mnist_binary", "mnist_ternary", "mnist_mixed"})
    require_exact(kModels / (std::string(net) + ".onnx"), kModels / net / "vectors", config);
}

/// Requires causal and padding masks, cross attention, layer norms, GELU.
void require_decoder(const spec::Config& config) {
  const fs::path model = fs::path(TRINE_SOURCE_DIR) / "tests" / "operators" / "decoder_2x16_8";
  require_exact(model.string() + ".tflite", model, config);
}

/// Requires random blocks: all kinds of attention, masks, normalizations, feed-forward layers.
void require_block(std::uint64_t seed, int most_tokens, int most_channels,
                   const spec::Config& config) {
  fuzz::Choices choices{seed};
  fuzz::Builder b(choices);
  const fuzz::BlockShape shape = fuzz::random_block_shape(b, most_tokens, most_channels);
  CAPTURE(seed, fuzz::to_text(shape), config.to_toml());
  b.graph.outputs = {fuzz::transformer_block(b, shape)};
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  const compiler::Program program = compiler::compile(b.graph, config);
  sim::RtlRunner rtl(program, options_of());
  const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
  REQUIRE(compiler::first_difference(program, rtl.run(inputs).outputs, expected) == "");
}

/// Requires heads of attention: products of `size` / 4 steps per tile in parallel to SOFTMAX, whose
/// RUNs end between their columns.
void require_heads(std::uint64_t seed, int heads, int tokens, int size, const spec::Config& config,
                   const sim::RtlOptions& options) {
  CAPTURE(seed, heads, tokens, size, config.to_toml());
  fuzz::Choices choices{seed};
  fuzz::Builder b(choices);
  const std::vector<int> shape{heads, tokens, size};
  const int q = b.input(shape), k = b.input(shape), v = b.input(shape);
  const auto unit = 1.0f / 74;  // any codes deviate by 1
  for (const int t : {q, k})
    b.set_quantization(t, unit / static_cast<float>(std::pow(size, 0.25)), 0);
  b.set_quantization(v, unit, 3);
  const int scores = b.batch_matmul(q, k, false, true);
  b.set_quantization(scores, 0.05f, -2);
  const int mixed = b.batch_matmul(b.softmax(scores), v, false, false);
  b.set_quantization(mixed, 2 * unit / std::sqrt(static_cast<float>(tokens)), 1);
  b.graph.outputs = {mixed};
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  const compiler::Program program = compiler::compile(b.graph, config);
  sim::RtlRunner rtl(program, options);
  const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
  REQUIRE(compiler::first_difference(program, rtl.run(inputs).outputs, expected) == "");
}

#ifdef TRINE_SLOW_TESTS
constexpr bool kAll = true;
#else
constexpr bool kAll = false;
#endif

void require_all_nets(const spec::Config& config) {
  for (const model::Sample& sample : model::own_samples("networks"))
    if (kAll || sample.name() != "resnet8")  // 0.8 million cycles
      require_exact(sample.file, sample.vectors, config);
  require_samples(model::samples({}, {"pretrainedResnet_quant.tflite", "ad01_int8.tflite",
                                      "hello_world_int8.tflite", "mnist_valid_q.tflite",
                                      "mnist_resnet_q.tflite", "kws_ref_model.tflite",
                                      "vww_96_int8.tflite", "person_detect_qdim0.tflite",
                                      "micro_speech_quantized.tflite", "str_ww_ref_model.tflite"}),
                  config);
  for (const auto& [file, vectors] :
       model::samples({"networks/autoencoder.tflite"}, {"ad01_int8.tflite"}))
    require_exact(file, vectors / "litert-2.3.0", config);
}

/// Requires random networks: outputs, every byte of DRAM, traffic. Networks that the design does
/// not support are refused.
/// @param families  empty: of any family
void require_random_networks(int seed, int count, const spec::Config& config,
                             const std::vector<fuzz::Family>& families = {}) {
  int exact = 0;
  for (int n = 0; n < count; ++n) {
    const fuzz::Case drawn =
        fuzz::draw_case(static_cast<std::uint64_t>(seed), 0, n, families, &config);
    const fuzz::Verdict v = fuzz::run_pair(fuzz::make_pair(drawn, config), fuzz::Backend::kRtl);
    CAPTURE(fuzz::to_text(drawn), config.to_toml(), v.text);
    CHECK(v.outcome != fuzz::Outcome::kFailed);
    exact += v.outcome == fuzz::Outcome::kExact ? 1 : 0;
  }
  CHECK(exact > count / 2);
}

}  // namespace

#ifndef TRINE_SLOW_TESTS

/// Counts the cases whose label is the position of the largest code of each row of the output.
int right_labels(const fs::path& folder, const std::vector<std::vector<Array>>& outputs) {
  const reference::VectorSet vectors = reference::read_vectors(folder);
  int right = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Array& logits = outputs[i].at(0);
    const auto codes = reinterpret_cast<const std::int8_t*>(logits.bytes.data());
    const std::int64_t classes = logits.shape.back();
    std::vector<std::int64_t> answer;
    for (std::size_t row = 0; row < logits.bytes.size(); row += classes)
      answer.push_back(std::max_element(codes + row, codes + row + classes) - (codes + row));
    right += vectors.cases.at(i).labels == answer ? 1 : 0;
  }
  return right;
}

TEST_CASE("the plus-shaped filter gives the textbook's numbers on the RTL", "[rtl][model]") {
  require_exact(kModels / "plus_filter.tflite", kModels / "plus_filter" / "vectors",
                config_of(3, 5, 64, 128, 64));
}

/// The window is as tight as the memory. The 4 GiB boundary is in the weights, the maps or the
/// program.
TEST_CASE("networks run above 4 GiB and across its border on the RTL", "[rtl][model]") {
  const model::Graph graph = model::import_model(kModels / "lenet_mnist.tflite");
  const auto vectors = reference::read_vectors(kModels / "lenet_mnist" / "vectors");
  const compiler::Program program =
      compiler::compile(graph, config_of(3, 5, 64, 128, 64), {vectors.policy});
  const auto bytes = static_cast<std::uint64_t>(program.dram_bytes);
  constexpr std::uint64_t kBorder = std::uint64_t{1} << 32;
  for (const std::uint64_t base :
       {kBorder - 0x1000, kBorder - bytes / 3 / 4096 * 4096, kBorder - bytes / 3 * 2 / 4096 * 4096,
        kBorder - static_cast<std::uint64_t>(program.program_offset()) - 4096, kBorder,
        (std::uint64_t{0xab} << 32) + 0xffff'0000}) {
    CAPTURE(base);
    sim::RtlOptions options = options_of();
    options.base_address = base;
    sim::RtlRunner rtl(program, options);
    const reference::VectorCase& c = vectors.cases.front();
    CHECK(compiler::first_difference(program, rtl.run(c.inputs).outputs, c.outputs) == "");
  }
}

TEST_CASE("LeNet classifies the held-back digits on the RTL as their labels say", "[rtl][model]") {
  const fs::path folder = kModels / "lenet_mnist" / "vectors";
  const auto outputs =
      require_exact(kModels / "lenet_mnist.tflite", folder, config_of(8, 8, 64, 128, 64));
  CHECK(outputs.size() == 100);
  CHECK(right_labels(folder, outputs) >= 98);
}

TEST_CASE("a transformer encoder adds the held-back numbers on the RTL", "[rtl][model]") {
  const fs::path folder = kModels / "digit_adder" / "vectors";
  const auto outputs =
      require_exact(kModels / "digit_adder.tflite", folder, config_of(8, 8, 64, 128, 64));
  CHECK(outputs.size() == 100);
  CHECK(right_labels(folder, outputs) >= 98);
}

TEST_CASE("each operator between ONNX's quantizers is exact on the RTL", "[rtl][model][onnx]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "operators";
  require_exact(folder / "int8.onnx", folder / "int8", config_of(8, 8, 64, 128, 64));
}

TEST_CASE("an encoder block of ONNX is exact to the golden layers on the RTL", "[rtl][model]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "approximate";
  const model::Graph graph = model::import_model(folder / "encoder_decomposed.onnx");
  const compiler::Program program = compiler::compile(graph, config_of(8, 8, 64, 128, 64));
  sim::RtlRunner rtl(program, options_of());
  for (const auto& c : reference::read_vectors(folder / "encoder_decomposed").cases) {
    CAPTURE(c.id);
    const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
    CHECK(compiler::first_difference(program, rtl.run(c.inputs).outputs, golden) == "");
  }
}

/// Lanes can represent distances of 8,191 columns: a RUN over 8,205 was exact on the simulator and
/// wrong on the RTL.
TEST_CASE("a padded row longer than the lane counters is exact on the RTL", "[rtl][model]") {
  fuzz::Builder b(1);
  const int in = b.input({1, 1, 8165, 4});
  b.graph.outputs = {
      b.convolution(b.pad(in, 0, 0, 20, 20), 4, 1, 1, 1, 1, 1, 1, model::Padding::kValid, true)};
  const compiler::Program program = compiler::compile(b.graph, config_of(8, 8, 64, 128, 64));
  sim::RtlRunner rtl(program, options_of());
  const std::vector<Array> inputs{b.random_array(in)};
  const auto golden = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
  CHECK(compiler::first_difference(program, rtl.run(inputs).outputs, golden) == "");
}

TEST_CASE("a transformer's decoder block is exact on the RTL of 8x8 and 3x5", "[rtl][model]") {
  for (const auto& config : {config_of(8, 8, 64, 128, 64), config_of(3, 5, 64, 128, 64)})
    require_decoder(config);
}

TEST_CASE("random transformer blocks are exact on the RTL of 8x8 and 3x5", "[rtl][transformer]") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    for (const auto& config : {config_of(8, 8, 64, 128, 64), config_of(3, 5, 64, 128, 64)})
      require_block(seed, 12, 64, config);
}

/// The array's results are drained two columns per cycle; the design is that of random programs.
TEST_CASE("short heads next to softmax are exact on the RTL of two columns a cycle",
          "[rtl][transformer]") {
  const spec::Config config = tests::config_of({3, 5, 64, 2, 4, true, 2});
  sim::RtlOptions options = options_of();
  options.build.assertions = true;
  for (const int size : {16, 32, 64})
    for (std::uint64_t seed = 1; seed <= 6; ++seed)
      require_heads(seed, 8, 7 + static_cast<int>(seed), size, config, options);
}

TEST_CASE("random networks are exact on the RTL of 8x8, 3x5 and 4x8", "[rtl][fuzz]") {
  require_random_networks(1, 40, config_of(8, 8, 64, 128, 64));
  require_random_networks(2, 40, config_of(3, 5, 64, 128, 64));
  require_random_networks(3, 40, spec::load_config("braintta-size"));
}

TEST_CASE("exported networks that end anywhere are exact on the RTL of 3x5", "[rtl][fuzz][onnx]") {
  require_random_networks(4, 25, config_of(3, 5, 64, 128, 64), {fuzz::Family::kExported});
}

TEST_CASE("a mean that no quantizer follows is right on the RTL of 8x8 and 3x5", "[rtl][onnx]") {
  for (const spec::Config& config : {config_of(8, 8, 64, 128, 64), config_of(3, 5, 64, 128, 64)})
    for (const char* kind : {"ReduceMean", "GlobalAveragePool", "windows"}) {
      CAPTURE(kind, config.to_toml());
      fuzz::Choices choices{{}, 7};
      fuzz::Builder b(choices);
      fuzz::OnnxNetwork net(b, {1, 7, 3, 4});
      fuzz::add_last_mean(net, kind, true);
      fuzz::Pair pair = net.pair();
      pair.config = config;
      const fuzz::Verdict v = fuzz::run_pair(pair, fuzz::Backend::kRtl);
      CAPTURE(v.text);
      CHECK(v.outcome == fuzz::Outcome::kExact);
    }
}

TEST_CASE("networks are exact on the RTL of 8x8", "[rtl][model]") {
  require_all_nets(config_of(8, 8, 64, 128, 64));
}

TEST_CASE("small networks are exact on the RTL of 3x5", "[rtl][model]") {
  require_samples(model::samples({"networks/curve.tflite", "networks/unpadded.tflite",
                                  "networks/residual.tflite", "networks/ds_cnn.tflite",
                                  "networks/gru.tflite", "networks/mobilenet_uint8.tflite"},
                                 {"hello_world_int8.tflite", "mnist_valid_q.tflite",
                                  "mnist_resnet_q.tflite", "kws_ref_model.tflite"}),
                  config_of(3, 5, 64, 128, 64));
}

/// Requires LayerNorm followed by RMSNorm, over tokens.
void require_exact_norms(int tokens, int channels, const spec::Config& config) {
  CAPTURE(tokens, channels, config.to_toml());
  sim::testing::Builder b(static_cast<unsigned>(channels));
  const int from = b.input({1, 1, tokens, channels});
  b.graph.outputs = {b.normalization(b.normalization(from, true), false)};
  const std::vector<Array> inputs{b.random_array(from)};
  const compiler::Program program = compiler::compile(b.graph, config);
  sim::RtlRunner rtl(program, options_of());
  const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
  REQUIRE(compiler::first_difference(program, rtl.run(inputs).outputs, expected) == "");
}

TEST_CASE("normalizations are exact on the RTL of 8x8 and 3x5", "[rtl][norm]") {
  for (const spec::Config& config : {config_of(8, 8, 64, 128, 64), config_of(3, 5, 64, 128, 64)})
    for (const int channels : {1, 7, 64, 172, 511}) require_exact_norms(9, channels, config);
}

TEST_CASE("binary, ternary and mixed networks are exact on the RTL of 4x8",
          "[rtl][model][lowbit]") {
  const spec::Config config = spec::load_config("braintta-size");
  require_own_low_bit_nets(config);
  require_samples(low_bit_nets(), config);
}

#else

TEST_CASE("networks are exact on the RTL of every array, bus and memory", "[rtl][model][slow]") {
  const auto size =
      GENERATE(std::vector<int>{1, 1, 64, 128, 64}, std::vector<int>{3, 5, 64, 128, 64},
               std::vector<int>{4, 4, 64, 128, 64}, std::vector<int>{4, 16, 64, 128, 64},
               std::vector<int>{16, 4, 64, 128, 64}, std::vector<int>{16, 16, 64, 128, 64},
               std::vector<int>{8, 8, 32, 128, 64}, std::vector<int>{8, 8, 128, 128, 64},
               std::vector<int>{8, 8, 512, 128, 64}, std::vector<int>{8, 8, 64, 8, 8},
               std::vector<int>{16, 16, 64, 8, 8});
  require_all_nets(config_of(size[0], size[1], size[2], size[3], size[4]));
}

TEST_CASE("a transformer's decoder block is exact on the RTL of 16x16 and 5x7",
          "[rtl][model][slow]") {
  for (const auto& config : {config_of(16, 16, 64, 128, 64), config_of(5, 7, 64, 128, 64)})
    require_decoder(config);
}

/// Uses tiles of 4, 8 and 16 steps, which edge1024 drains in 8 cycles.
TEST_CASE("short heads next to softmax are exact on the RTL of edge1024",
          "[rtl][transformer][slow]") {
  for (const int size : {16, 32, 64})
    for (const int tokens : {16, 33, 64, 128})
      for (std::uint64_t seed = 1; seed <= 4; ++seed)
        require_heads(seed, 12, tokens, size, spec::load_config("edge1024"), options_of());
}

/// Uses up to 511 tokens, and up to 4 heads of 16, 32, 64 or 80 channels.
TEST_CASE("random transformer blocks are exact on the RTL of 8x8, 16x16 and 5x7",
          "[rtl][transformer][slow]") {
  for (const auto& config : {config_of(8, 8, 64, 128, 64), config_of(16, 16, 64, 128, 64),
                             config_of(5, 7, 64, 128, 64)}) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) require_block(seed, 40, 128, config);
    for (std::uint64_t seed = 61; seed <= 70; ++seed) require_block(seed, 511, 320, config);
  }
}

TEST_CASE("exported networks that end anywhere are exact on the RTL of every array",
          "[rtl][fuzz][onnx][slow]") {
  const auto size = GENERATE(std::pair{4, 4}, std::pair{8, 8}, std::pair{3, 5}, std::pair{16, 4});
  require_random_networks(5, 125, config_of(size.first, size.second, 64, 128, 64),
                          {fuzz::Family::kExported});
}

TEST_CASE("low-bit networks are exact on the RTL of every array", "[rtl][model][slow][lowbit]") {
  const auto size = GENERATE(std::pair{4, 4}, std::pair{8, 8}, std::pair{3, 5}, std::pair{4, 8});
  const spec::Config config = config_of(size.first, size.second, 64, 128, 64, true);
  require_own_low_bit_nets(config);
  require_samples(low_bit_nets(), config);
  require_samples(model::samples({}, {"cnv_w1a1.onnx", "cnv_w2a2.onnx"}), config);
}

#endif
