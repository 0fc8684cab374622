// SPDX-License-Identifier: Apache-2.0
//
// Checks that the tokens suffice: engines that run ahead in random order as far as their tokens
// permit compute the same as the sequential program.

#include <array>
#include <map>

#include "spec/runs.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

struct QueuedRun {
  isa::Registers registers;
  isa::Run run;
  int index = 0;
};

/// Executes one RUN after the other, of a random engine whose tokens are available.
std::vector<Array> run_interleaved(const compiler::Program& program,
                                   const std::vector<Array>& inputs, unsigned seed) {
  std::array<std::vector<QueuedRun>, isa::kEngines> queues;
  int count = 0;
  isa::for_each_run(program.words, [&](std::size_t, isa::Engine engine,
                                       const isa::Registers& registers, const isa::Run& run) {
    queues[static_cast<std::size_t>(engine)].push_back({registers, run, count++});
  });
  std::vector<std::uint8_t> dram = compiler::initial_dram(program);
  compiler::write_inputs(program, inputs, dram.data());
  Executor machine(program.config, dram);
  std::mt19937 random(seed);
  std::array<std::size_t, isa::kEngines> next{};
  int tokens[isa::kEngines][isa::kEngines] = {};
  // An engine with a small weight falls behind.
  std::array<unsigned, isa::kEngines> weight{};
  for (auto& w : weight) w = 1U << random() % 6;
  for (int done = 0; done < count; ++done) {
    std::vector<std::size_t> ready;
    for (std::size_t e = 0; e < isa::kEngines; ++e) {
      if (next[e] == queues[e].size()) continue;
      bool has_tokens = true;
      for (std::size_t from = 0; from < isa::kEngines; ++from)
        if ((queues[e][next[e]].run.wait >> from & 1) != 0 && tokens[from][e] == 0)
          has_tokens = false;
      if (has_tokens) ready.insert(ready.end(), weight[e], e);
    }
    REQUIRE(!ready.empty());
    const std::size_t e = ready[random() % ready.size()];
    const QueuedRun& q = queues[e][next[e]++];
    for (std::size_t other = 0; other < isa::kEngines; ++other) {
      if ((q.run.wait >> other & 1) != 0) --tokens[other][e];
      if ((q.run.signal >> other & 1) != 0) ++tokens[e][other];
    }
    machine.execute(static_cast<isa::Engine>(e), q.registers, q.run, q.index);
  }
  return compiler::read_outputs(program, dram.data());
}

void require_order_free(const model::Graph& graph, const std::vector<Array>& inputs,
                        const spec::Config& config, unsigned seeds,
                        compiler::Fusion fusion = compiler::Fusion::kEstimated) {
  CAPTURE(config.to_toml());
  const compiler::Program program = compiler::compile(graph, config, {{}, {fusion}});
  const RunResult sequential = run_arch(program, inputs);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    REQUIRE(compiler::first_difference(program, run_interleaved(program, inputs, seed),
                                       sequential.outputs) == "");
  }
}

TEST_CASE("engines in any order that tokens allow give the same outputs", "[arch][tokens]") {
  for (const model::Sample& net : model::samples(
           {"networks/residual.tflite", "networks/mobilenet.tflite", "networks/autoencoder.tflite",
            "networks/gru.tflite"},
           {"pretrainedResnet_quant.tflite", "mnist_resnet_q.tflite", "ad01_int8.tflite"})) {
    CAPTURE(net.file.string());
    const model::Graph graph = model::import_tflite(net.file);
    testing::Builder b(7);
    const model::Tensor& in = graph.tensor(graph.inputs[0]);
    const Array input = b.random_array(b.input(in.shape));
    for (const auto& [dmem, pmem, bus] :
         {std::array{128, 64, 64}, std::array{8, 8, 64}, std::array{16, 8, 512}})
      require_order_free(graph, {input}, testing::small_config(8, 8, dmem, pmem, bus), 12);
  }
}

/// A convolution whose map and weights need many parts in small memories.
TEST_CASE("parts of large layers survive any order", "[arch][tokens]") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    testing::Builder b(seed);
    const int in = b.input({1, b.number(10, 40), b.number(10, 40), b.number(1, 24)});
    const int t = b.convolution(in, b.number(1, 40), 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    const int u = b.convolution(t, b.shape(t)[3], 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    b.graph.outputs = {b.pool(b.addition(t, u), true, 2, 2, 2, 2, model::Padding::kValid)};
    require_order_free(b.graph, {b.random_array(in)},
                       testing::small_config(8, 8, 8, 8, b.number(0, 1) == 0 ? 64 : 256), 10);
  }
}

/// A group's weights take more than half of PMEM, so that the next group's weights are loaded in
/// two parts.
TEST_CASE("weights in relay are exact and survive any order", "[arch][tokens]") {
  int relays = 0, in_parts = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    testing::Builder b(seed);
    const int lanes = b.number(0, 1) == 0 ? 8 : 5, kib = std::array{8, 24, 128}[seed % 3];
    const spec::Config config = testing::small_config(lanes, 8, kib, 8, 64);  // 256 PMEM rows
    const int R = b.number(1, 3), S = b.number(1, 3);
    const int words = b.number(128 / (R * S) + 1, (kib == 8 ? 200 : 250) / (R * S));
    const int size = kib == 8 ? 3 : b.number(4, 20), M = b.number(9, 40);
    const int in = b.input({1, R - 1 + size, S + b.number(1, size), 4 * words});
    int t = b.convolution(in, M, R, S, b.number(1, 2), 1, 1, 1, model::Padding::kValid, true);
    if (b.number(0, 1) == 0) t = b.addition(t, b.input(b.shape(t)));
    b.graph.outputs = {t};
    CAPTURE(R, S, words, size, M, config.to_toml());
    std::vector<Array> inputs;
    for (const int i : b.graph.inputs) inputs.push_back(b.random_array(i));
    const compiler::Program program = compiler::compile(b.graph, config, {});
    CAPTURE(program.layers[0].placement);
    const auto is = [&](const char* what) {
      return program.layers[0].placement.find(what) != std::string::npos;
    };
    relays += is("relay") ? 1 : 0;
    in_parts += is("relay") && is("parts") ? 1 : 0;
    testing::require_exact(b.graph, config, inputs);
    require_order_free(b.graph, inputs, config, 5);
  }
  CHECK(relays > 20);
  CHECK(in_parts > 5);
}

/// There is only one table: each load waits until the previous one has been used.
TEST_CASE("tables survive any order", "[arch][tokens][table]") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    testing::Builder b(seed);
    const int in = b.input({1, b.number(4, 20), b.number(4, 20), b.number(1, 24)});
    int t = in;
    for (int i = 0; i < 4; ++i) {
      const int f = b.unary(t, model::OpKind::kHardSwish, "HARD_SWISH");
      const int u = b.convolution(f, b.shape(in)[3], 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
      const int gate = b.unary(b.mean(u, {1, 2}), model::OpKind::kLogistic, "LOGISTIC");
      t = b.binary(i % 2 == 0 ? f : u, gate, model::OpKind::kMul, "MUL");
    }
    b.graph.outputs = {t};
    require_order_free(b.graph, {b.random_array(in)},
                       testing::small_config(8, 8, b.number(0, 1) == 0 ? 8 : 128, 8, 64), 10);
  }
}

/// Each maximum reads the results of the previous sweep, for maps in DMEM and for parts.
TEST_CASE("the sweeps of fused pools survive any order", "[arch][tokens][pool]") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    testing::Builder b(seed);
    const int in = b.input({1, b.number(10, 40), b.number(10, 40), b.number(1, 24)});
    const int t = b.convolution(in, b.number(1, 40), 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    const int u = b.pool(t, true, 3, 2, 2, 2, model::Padding::kSame);
    b.graph.outputs = {
        b.convolution(u, b.number(1, 9), 1, 1, 1, 1, 1, 1, model::Padding::kSame, true)};
    require_order_free(b.graph, {b.random_array(in)},
                       testing::small_config(8, 8, b.number(0, 1) == 0 ? 8 : 128, 8, 64), 10,
                       compiler::Fusion::kAlways);
  }
}

}  // namespace
}  // namespace trine::sim
