// SPDX-License-Identifier: Apache-2.0
//
// Checks LSTMs step by step on the machine, and LOGISTIC and TANH of int16 codes.

#include <random>
#include <set>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/model/rewrite/states.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

spec::Config int16_config() {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.activations16 = true;
  return config;
}

const model::Op& lstm_of(const model::Graph& graph) {
  const auto found = std::ranges::find(graph.ops, model::OpKind::kLstm, &model::Op::kind);
  REQUIRE(found != graph.ops.end());
  return *found;
}

TEST_CASE("recorded LSTMs run whole on the machine, exactly", "[arch][lstm]") {
  const spec::Config config = int16_config();
  for (const model::Sample& sample : model::own_samples("lstm")) {
    CAPTURE(sample.file.string());
    const model::Graph graph = model::import_tflite(sample.file, true);
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    compiler::CompileOptions options;
    options.rounding = vectors.policy;
    const compiler::Program program = compiler::compile(graph, config, options);
    CHECK(program.rest.empty());
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, testing::run_segments(program, c.inputs),
                                       c.outputs) == "");
  }
}

TEST_CASE("cells of ONNX run whole on the machine, exact to the golden layers",
          "[arch][lstm][onnx]") {
  spec::Config config = int16_config();
  for (const model::Sample& sample : model::own_samples("onnx/cells", ".onnx")) {
    const model::Graph graph = model::import_onnx(sample.file);
    for (const int rows : {2, 4, 8}) {
      CAPTURE(sample.name(), rows);
      config.rows = rows;
      const compiler::Program program = compiler::compile(graph, config);
      CHECK(program.rest.empty());
      const auto vectors = reference::read_vectors(sample.vectors);
      const auto& inputs = vectors.cases[static_cast<std::size_t>(rows) % 3].inputs;
      const auto golden = reference::outputs_of(graph, reference::run_graph(graph, inputs));
      CHECK(compiler::first_difference(program, testing::run_segments(program, inputs), golden) ==
            "");
    }
  }
}

TEST_CASE("networks of NIR give snntorch's spikes on machines of any shape",
          "[arch][spikes][onnx]") {
  spec::Config config = int16_config();
  config.table = false;
  const auto samples = model::own_samples("spikes", ".onnx");
  REQUIRE(samples.size() == 5);
  for (const model::Sample& sample : samples) {
    const model::Graph graph = model::import_onnx(sample.file);
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    for (const auto& [rows, cols] : {std::pair{4, 4}, {2, 8}, {6, 3}}) {
      CAPTURE(sample.name(), rows, cols);
      config.rows = rows, config.cols = cols;
      const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
      CHECK(program.rest.empty());
      for (const reference::VectorCase& c : vectors.cases)
        CHECK(compiler::first_difference(program, testing::run_segments(program, c.inputs),
                                         c.outputs) == "");
    }
    config.activations16 = false;
    CHECK_THROWS_WITH(compiler::compile(graph, config),
                      Catch::Matchers::ContainsSubstring("(array.activations16)"));
    config.activations16 = true;
  }
}

TEST_CASE("neurons computed step by step equal whole neurons, at the ends of their codes too",
          "[arch][spikes]") {
  std::mt19937 random{3};
  const auto number = [&](int low, int high) {
    return std::uniform_int_distribution(low, high)(random);
  };
  int spikes = 0, ends = 0;
  for (int n = 0; n < 60; ++n) {
    model::spiking::Neuron neuron;
    neuron.leak = number(0, 3) == 0 ? 1 << 14 : number(0, 1 << 14);
    if (number(0, 2) == 0) neuron.synapse = number(0, 1 << 14);
    neuron.reset = static_cast<model::spiking::Reset>(n % 3);
    neuron.delay = neuron.reset == model::spiking::Reset::kSubtract && number(0, 1) == 0;
    neuron.level = number(0, 3) == 0 ? number(-INT16_MAX, INT16_MAX) : number(1, 20'000);
    neuron.drop = number(1, model::spiking::kMostDrop);
    const bool membrane = neuron.reset == model::spiking::Reset::kNone;
    model::Graph graph;
    graph.name = "n";
    model::Tensor x{"x", model::DataType::kInt16, {9, 40}, {{0.01f}, {0}, 0}, false, {}}, y = x;
    if (!membrane) y = {"y", model::DataType::kInt8, x.shape, {{1.0f}, {0}, 0}, false, {}};
    graph.tensors = {x, y};
    graph.inputs = {0}, graph.outputs = {1};
    graph.ops = {model::op_of(model::OpKind::kSpiking, 0, {0}, {1})};
    model::spiking::set_neuron(graph.ops.data(), neuron);
    const model::Graph steps = compiler::with_spikes(graph);
    CHECK(std::ranges::count(steps.ops, model::OpKind::kSpiking, &model::Op::kind) == 0);
    model::check(steps);
    Array codes{"i2", {9, 40}, {}};
    for (int i = 0; i < 9 * 40; ++i) {
      const int far = number(0, 1) == 0 ? INT16_MIN : INT16_MAX;
      const int code = number(0, 4) == 0 ? far : number(-9000, 9000);
      codes.bytes.push_back(static_cast<std::uint8_t>(code));
      codes.bytes.push_back(static_cast<std::uint8_t>(code >> 8));
    }
    const auto run = [&](const model::Graph& g) {
      return reference::outputs_of(g, reference::run_graph(g, {codes}))[0].bytes;
    };
    const auto wanted = run(graph);
    CAPTURE(n, neuron.leak, neuron.synapse, neuron.level, neuron.drop, neuron.delay);
    CHECK(run(steps) == wanted);
    spikes += !membrane && std::ranges::count(wanted, 1) > 20 && std::ranges::count(wanted, 0) > 20;
    ends +=
        membrane && std::ranges::count(wanted, 0x7f) > 0 && std::ranges::count(wanted, 0x80) > 0;
  }
  CHECK(spikes > 20);
  CHECK(ends > 10);
}

TEST_CASE("weights of four bits are exact with array.weights4 and without", "[arch][model][onnx]") {
  for (const char* name : {"onnx/int4_weights.onnx", "operators/int4_weights.tflite"}) {
    const model::Sample sample = model::own_sample(name);
    const model::Graph graph = model::import_model(sample.file);
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    std::vector<std::int64_t> rows;
    for (const bool narrow : {false, true}) {
      CAPTURE(name, narrow);
      spec::Config config = testing::small_config(4, 4, 32, 16, 64);
      config.weights4 = narrow;
      const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
      for (const reference::VectorCase& c : vectors.cases)
        CHECK(compiler::first_difference(program, testing::run_segments(program, c.inputs),
                                         c.outputs) == "");
      rows.push_back(static_cast<std::int64_t>(program.image.size()));
    }
    CHECK(rows[1] < rows[0]);  // bytes of constants
  }
}

TEST_CASE("weights in groups are exact with array.groups and refused without",
          "[arch][model][onnx]") {
  const model::Sample sample = model::own_sample("onnx/groups/int4_groups.onnx");
  const model::Graph graph = model::import_model(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  for (const auto& [rows, cols, drain] : {std::array{4, 4, 1}, {3, 5, 2}, {8, 16, 2}}) {
    CAPTURE(rows, cols, drain);
    spec::Config config = testing::small_config(rows, cols, 32, 16, 64);
    config.weights4 = true;
    config.columns_per_cycle = drain;
    CHECK_THROWS_WITH(compiler::compile(graph, config, {vectors.policy}),
                      Catch::Matchers::ContainsSubstring(
                          "op 3 FULLY_CONNECTED: tensor 3 'first' has a scale for each 32 "
                          "input channels, which requires array.groups"));
    config.groups = true;
    const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, testing::run_segments(program, c.inputs),
                                       c.outputs) == "");
  }
}

TEST_CASE("packed weights are exact and take fewer bytes", "[arch][model][onnx][packed]") {
  // Rows of 12 columns do not fill beats of 8 words: a stream does not contain padding.
  const auto [name, cols, bus] =
      GENERATE(table<const char*, int, int>({{"onnx/int4_weights.onnx", 8, 64},
                                             {"lowbit/mlp_ternary.onnx", 8, 64},
                                             {"lowbit/mlp_ternary.onnx", 8, 128},
                                             {"lowbit/mlp_ternary.onnx", 12, 256}}));
  const model::Sample sample = model::own_sample(name);
  const model::Graph graph = model::import_model(sample.file);
  const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
  std::vector<std::size_t> bytes;
  for (const bool packed : {false, true}) {
    CAPTURE(name, cols, bus, packed);
    spec::Config config = testing::small_config(4, cols, 32, 24, bus);
    config.ternary = true;
    config.packed = packed;
    const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, testing::run_segments(program, c.inputs),
                                       c.outputs) == "");
    bytes.push_back(program.image.size());
  }
  CHECK(bytes[1] < bytes[0]);
}

TEST_CASE("a step computes as many streams of a batch as fill the lanes", "[arch][lstm]") {
  int batches = 0;
  for (const int pairs : {1, 2}) {
    for (const model::Sample& sample : model::own_samples("lstm")) {
      CAPTURE(sample.file.string(), pairs);
      const model::Graph graph = model::import_tflite(sample.file, true);
      std::ptrdiff_t wanted = 0;  // h of a step
      for (const model::Op& op : graph.ops) {
        if (op.kind != model::OpKind::kLstm) continue;
        const model::Tensor& out = graph.out(op);
        REQUIRE(out.extent(2) < 64);  // no part of the cells is separate
        const int steps = out.extent(op.time_major ? 0 : 1);
        const int batch = out.extent(op.time_major ? 1 : 0);
        const int lanes = out.type == model::DataType::kInt8 ? 2 * pairs : pairs;
        wanted += std::ptrdiff_t{steps} * ((batch + lanes - 1) / lanes);
        batches += batch > 2 ? 1 : 0;
      }
      CHECK(std::ranges::count(compiler::with_steps(graph, pairs).ops, true, &model::Op::of_cell) ==
            wanted);
    }
  }
  CHECK(batches > 0);
}

TEST_CASE("an LSTM in steps equals the whole LSTM with its clip and its largest codes",
          "[arch][lstm]") {
  const int lanes = GENERATE(1, 2, 8);
  for (const model::Sample& sample : model::own_samples("lstm")) {
    CAPTURE(sample.file.string());
    const model::Graph graph = model::import_tflite(sample.file, true);
    const model::Graph steps = compiler::with_steps(graph, lanes);
    CHECK(std::ranges::count(steps.ops, model::OpKind::kLstm, &model::Op::kind) == 0);
    model::check(steps);
    std::mt19937 random{1};
    for (const bool ends : {false, true}) {
      std::vector<Array> inputs;
      for (const int t : graph.inputs) {
        const model::Tensor& tensor = graph.tensor(t);
        const bool wide = tensor.type == model::DataType::kInt16;
        Array codes{wide ? "i2" : "i1", {tensor.shape.begin(), tensor.shape.end()}, {}};
        codes.bytes.resize(static_cast<std::size_t>(tensor.elements()) * (wide ? 2 : 1));
        for (auto& byte : codes.bytes)
          byte = ends ? (random() % 2 == 0 ? 0x7f : 0x80) : static_cast<std::uint8_t>(random());
        inputs.push_back(std::move(codes));
      }
      const auto run = [&](const model::Graph& g) {
        std::vector<std::vector<std::uint8_t>> bytes;
        for (const Array& a : reference::outputs_of(g, reference::run_graph(g, inputs)))
          bytes.push_back(a.bytes);
        return bytes;
      };
      CHECK(run(steps) == run(graph));
    }
  }
}

/// Returns one step of an LSTM as a graph with its input and its output.
model::Graph one_step(const model::Graph& graph, const model::Op& lstm) {
  model::Graph one = graph;
  one.ops = {lstm};
  one.inputs = {lstm.inputs[0]};
  one.outputs = {lstm.outputs[0]};
  for (const int t : {lstm.inputs[0], lstm.outputs[0]})
    one.tensors[static_cast<std::size_t>(t)].shape[lstm.time_major ? 0 : 1] = 1;
  return one;
}

/// Returns one step of all: [batch, 1, n] or [1, batch, n].
Array step_of(const Array& all, bool time_major, std::int64_t step) {
  Array one = all;
  one.bytes.clear();
  const std::int64_t steps = all.shape[time_major ? 0 : 1], batch = all.shape[time_major ? 1 : 0];
  const std::int64_t row = all.shape[2] * static_cast<std::int64_t>(all.element_bytes());
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto begin = all.bytes.begin() + row * (time_major ? step * batch + b : b * steps + step);
    one.bytes.insert(one.bytes.end(), begin, begin + row);
  }
  one.shape[time_major ? 0 : 1] = 1;
  return one;
}

TEST_CASE("runs of one step that keep their states equal the recorded LSTM",
          "[arch][lstm][states]") {
  const spec::Config config = int16_config();
  int lstms = 0;
  for (const model::Sample& sample : model::own_samples("lstm")) {
    CAPTURE(sample.file.string());
    const model::Graph graph = model::import_tflite(sample.file, true);
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    const reference::VectorCase& c = vectors.cases.front();
    for (const model::Op& lstm : graph.ops) {
      const auto in = std::ranges::find(graph.inputs, lstm.inputs[0]),
                 out = std::ranges::find(graph.outputs, lstm.outputs[0]);
      if (lstm.kind != model::OpKind::kLstm || in == graph.inputs.end() ||
          out == graph.outputs.end())
        continue;
      const auto [one, carries] = model::with_states(one_step(graph, lstm));
      REQUIRE(carries.size() == 2);
      CAPTURE(one.tensor(one.outputs[0]).name);
      compiler::CompileOptions options;
      options.rounding = vectors.policy;
      const compiler::Program program = compiler::compile(one, config, options);
      CHECK(program.rest.empty());
      const Array& x = c.inputs.at(static_cast<std::size_t>(in - graph.inputs.begin()));
      const Array& wanted = c.outputs.at(static_cast<std::size_t>(out - graph.outputs.begin()));
      std::vector<Array> inputs(3);
      for (const model::Carry& carry : carries) {
        const model::Tensor& t = one.tensor(one.inputs.at(static_cast<std::size_t>(carry.input)));
        Array& state = inputs.at(static_cast<std::size_t>(carry.input));
        state = {std::string(model::npy_code(t.type)), {t.shape.begin(), t.shape.end()}, {}};
        state.bytes.assign(static_cast<std::size_t>(t.elements()) * state.element_bytes(),
                           static_cast<std::uint8_t>(t.zero_point()));
      }
      ++lstms;
      for (std::int64_t step = 0; step < x.shape[lstm.time_major ? 0 : 1]; ++step) {
        CAPTURE(step);
        inputs[0] = step_of(x, lstm.time_major, step);
        const auto golden =
            reference::outputs_of(one, reference::run_graph(one, inputs, vectors.policy));
        REQUIRE(golden[0].bytes == step_of(wanted, lstm.time_major, step).bytes);
        const std::vector<Array> outputs = testing::run_segments(program, inputs);
        REQUIRE(compiler::first_difference(program, outputs, golden) == "");
        for (const model::Carry& carry : carries)
          inputs.at(static_cast<std::size_t>(carry.input)) =
              outputs.at(static_cast<std::size_t>(carry.output));
      }
    }
  }
  CHECK(lstms > 20);
}

TEST_CASE("codes and points take turns in the lookup table", "[arch][int16]") {
  testing::Builder b(1);
  using model::OpKind;
  const auto half = [&](int x) { return b.pool(x, true, 2, 2, 1, 1, model::Padding::kValid); };
  const int x = b.input({1, 6, 6, 8});
  const int first = b.unary(x, OpKind::kLogistic), narrow = half(first);
  const int wide = b.unary(narrow, OpKind::kQuantize);
  const int mean = b.pool(wide, false, 2, 2, 1, 1, model::Padding::kValid);
  const int line = b.unary(mean, OpKind::kTanh), again = b.unary(line, OpKind::kQuantize);
  b.graph.outputs = {b.unary(half(again), OpKind::kLogistic)};
  for (const int t : {wide, mean, line}) {
    model::Tensor& tensor = b.tensor(t);
    tensor.type = model::DataType::kInt16;
    tensor.quantization = {{t == line ? 0x1p-15F : 0x1p-13F}, {0}, 0};
  }
  const spec::Config config = int16_config();
  const compiler::Program program = compiler::compile(b.graph, config);
  CHECK(program.after.ops.empty());
  testing::require_exact(b.graph, config, {b.random_array(x)});
}

TEST_CASE("a single pixel of more channel words than the machine counts is exact", "[arch]") {
  spec::Config config = int16_config();
  config.dmem_kib = 1024;
  for (const int channels : {4 * 8188, 4 * 8190, 4 * 8193}) {
    CAPTURE(channels);
    testing::Builder b(1);
    const int x = b.input({1, 1, 1, channels});
    b.graph.outputs = {b.binary(x, b.unary(x, model::OpKind::kRelu), model::OpKind::kAdd)};
    testing::require_exact(b.graph, config, {b.random_array(x)});
  }
}

TEST_CASE("an LSTM that a design does not support is refused with the keys it needs",
          "[arch][lstm][error]") {
  for (const char* name : {"lstm/int8.tflite", "lstm/int16.tflite"}) {
    const model::Graph graph = model::import_tflite(model::own_sample(name).file, true);
    for (bool spec::Config::*key : {&spec::Config::table, &spec::Config::activations16}) {
      spec::Config config = int16_config();
      config.*key = false;
      CAPTURE(name, config.to_toml());
      CHECK_THROWS_WITH(
          compiler::compile(graph, config),
          Catch::Matchers::ContainsSubstring(
              "the machine supports only LSTMs of tflite-micro, with array.activations16, "
              "vector.enable, vector.table"));
    }
  }
}

TEST_CASE("an LSTM runs on the host where the machine does not support all of it",
          "[arch][lstm][host]") {
  const model::Sample sample = model::own_sample("lstm/network.tflite");
  const model::Graph graph = model::import_tflite(sample.file, true);
  const auto compiled = [](const model::Graph& of, const spec::Config& config,
                           const reference::RoundingPolicy& rounding) {
    compiler::CompileOptions options;
    options.rounding = rounding;
    options.host = compiler::HostPart::kAnywhere;
    const compiler::Program program = compiler::compile(of, config, options);
    std::set<model::OpKind> on_host;
    for (const compiler::Program* p : compiler::segments(program))
      for (const model::Graph* g : {&p->before, &p->after})
        for (const model::Op& op : g->ops) on_host.insert(op.kind);
    return on_host.contains(model::OpKind::kLstm);
  };
  const reference::RoundingPolicy micro = reference::read_vectors(sample.vectors).policy;
  CHECK_FALSE(compiled(graph, int16_config(), micro));
  spec::Config config = int16_config();
  config.table = false;
  CHECK(compiled(graph, config, micro));
  CHECK(compiled(graph, testing::small_config(4, 4, 32, 16, 64), micro));
  reference::RoundingPolicy litert = micro;
  litert.lstm = reference::LstmKernel::kLiteRt;
  REQUIRE(reference::litert_lstm_problem(graph, lstm_of(graph)) == "");
  CHECK(compiled(graph, int16_config(), litert));

  // Two layers of `steps` steps each; the limit is 256 in all.
  const auto left_of = [&](int steps) {
    model::Graph longer = graph;
    for (const model::Op& op : longer.ops)
      for (const int t : {op.inputs[0], op.outputs[0]})
        if (op.kind == model::OpKind::kLstm)
          longer.tensors[static_cast<std::size_t>(t)].shape[1] = steps;
    longer = compiler::with_steps(longer, 4);
    return std::ranges::count(longer.ops, model::OpKind::kLstm, &model::Op::kind);
  };
  CHECK(left_of(128) == 0);
  CHECK(left_of(129) == 1);
  CHECK(left_of(256) == 1);
  CHECK(left_of(257) == 2);

  // States with initial values, which no run passes on to the next.
  model::Graph begun = graph;
  const int state = lstm_of(begun).input(19);
  begun.tensors[static_cast<std::size_t>(state)].data.edit()[0] = 1;
  CHECK(compiled(begun, int16_config(), micro));
  const model::WithStates whole = model::with_states(graph), less = model::with_states(begun);
  CHECK((whole.carries.size() == 4 && less.carries.size() == 3));
  CHECK(whole.graph.ops.size() == less.graph.ops.size() + 1);
  CHECK(lstm_of(less.graph).input(19) == state);
}

}  // namespace
}  // namespace trine::sim
