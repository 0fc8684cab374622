// SPDX-License-Identifier: Apache-2.0
//
// Checks graphs with operators of the host between operators of the machine.

#include "sw/compiler/partition/segments.h"

#include <filesystem>
#include <set>
#include <utility>

#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/model/rewrite/batch.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using testing::Builder;
using testing::run_segments;

/// Builds convolution -> SOFTMAX -> convolution, and a residual around the SOFTMAX.
model::Graph interrupted(Builder& b) {
  const int x = b.input({1, 5, 6, 7});
  const int y = b.convolution(x, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  const int s = b.unary(y, model::OpKind::kSoftmax, "SOFTMAX");
  auto& quantization = b.graph.tensors[static_cast<std::size_t>(s)].quantization;
  quantization.scale = {1.0f / 256};
  quantization.zero_point = {-128};
  const int z = b.convolution(s, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  b.graph.outputs = {b.addition(z, y), z};
  return b.graph;
}

TEST_CASE("operators without hardware run on the host if that is allowed", "[arch][host]") {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.softmax = false;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const model::Graph graph = interrupted(b);
    const std::vector<Array> inputs{b.random_array(graph.inputs[0])};
    CHECK_THROWS_WITH(compiler::compile(graph, config),
                      Catch::Matchers::ContainsSubstring("op 1 SOFTMAX"));
    compiler::CompileOptions options;
    options.host = compiler::HostPart::kAnywhere;
    const compiler::Program program = compiler::compile(graph, config, options);
    REQUIRE(program.rest.size() == 1);
    CHECK(program.after.ops.size() == 1);
    CHECK(program.macs() == 5 * 6 * 8 * 9 * (7 + 8));
    const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs));
    REQUIRE(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
  }
}

// Each core processes some images, whose maps are passed between segments one by one; the last core
// has fewer.
TEST_CASE("a batch on a cluster goes through the host between segments",
          "[arch][host][batch][cluster]") {
  const auto [cores, images] = GENERATE(std::pair{2, 4}, std::pair{3, 5}, std::pair{4, 3});
  CAPTURE(cores, images);
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.softmax = false;
  config.cores = cores;
  Builder b(cores);
  model::Graph graph = model::batched(interrupted(b), images);
  if (GENERATE(false, true))  // as TFLite allows
    for (model::Tensor& t : graph.tensors) t.name = "same";
  b.graph = graph;
  const std::vector<Array> inputs{b.random_array(graph.inputs[0])};
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  const compiler::Program program = compiler::compile(graph, config, options);
  REQUIRE(program.rest.size() == 1);
  const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs));
  REQUIRE(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
}

TEST_CASE("an LSTM with an int16 state runs on the host, exactly", "[arch][host]") {
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  const model::Graph graph = model::import_tflite(folder / "lstm_sequence.tflite");
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  REQUIRE_THROWS_WITH(
      compiler::compile(graph, config),
      Catch::Matchers::ContainsSubstring("op 0 UNIDIRECTIONAL_SEQUENCE_LSTM: tensor 15"));
  const reference::VectorSet vectors = reference::read_vectors(folder / "lstm_sequence");
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  options.host = compiler::HostPart::kAnywhere;
  // Serializes and parses: host operators keep their data.
  const std::string bytes = compiler::serialize(compiler::compile(graph, config, options));
  const compiler::Program program =
      compiler::parse_program({bytes.begin(), bytes.end()}, "lstm.trine");
  REQUIRE(vectors.cases.size() == 2);
  for (const reference::VectorCase& c : vectors.cases)
    CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
}

TEST_CASE("LSTMs of either kernel run on the host, exactly, also from a program file",
          "[arch][host][lstm]") {
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  std::vector<model::Sample> samples = model::own_samples("lstm");
  const model::Sample int8 = model::own_sample("lstm/int8.tflite");
  samples.push_back({int8.file, int8.vectors / "litert-1.2.0"});
  for (const model::Sample& sample : samples) {
    CAPTURE(sample.vectors.string());
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    compiler::CompileOptions options;
    options.rounding = vectors.policy;
    options.host = compiler::HostPart::kAnywhere;
    const std::string bytes = compiler::serialize(
        compiler::compile(model::import_tflite(sample.file, true), config, options));
    const compiler::Program program =
        compiler::parse_program({bytes.begin(), bytes.end()}, "lstm.trine");
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
  }
}

TEST_CASE("int16 activations run exactly on the host or are refused in one line", "[arch][host]") {
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  for (const model::Sample& sample : model::own_samples("maps16")) {
    CAPTURE(sample.file.string());
    const model::Graph graph = model::import_tflite(sample.file, true);
    compiler::CompileOptions options;
    for (const auto host : {compiler::HostPart::kNowhere, compiler::HostPart::kEnd}) {
      options.host = host;
      CHECK_THROWS_WITH(
          compiler::compile(graph, config, options),
          Catch::Matchers::ContainsSubstring("int16 activations, but the machine computes int8") &&
              !Catch::Matchers::ContainsSubstring("\n"));
    }
    const reference::VectorSet vectors = reference::read_vectors(sample.vectors);
    options.rounding = vectors.policy;
    options.host = compiler::HostPart::kAnywhere;
    const std::string bytes = compiler::serialize(compiler::compile(graph, config, options));
    const compiler::Program program =
        compiler::parse_program({bytes.begin(), bytes.end()}, "maps16.trine");
    for (const reference::VectorCase& c : vectors.cases)
      CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
  }
}

/// Joins two arrays along axis 0.
Array joined(const Array& a, const Array& b) {
  Array both = a;
  both.shape.at(0) += b.shape.at(0);
  both.bytes.insert(both.bytes.end(), b.bytes.begin(), b.bytes.end());
  return both;
}

TEST_CASE("each image of a batch has states of its own", "[arch][host][batch]") {
  const std::string name = GENERATE("lstm_sequence", "host_rest");  // LSTM; SVDF
  CAPTURE(name);
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  const model::Graph one = model::import_tflite(folder / (name + ".tflite"), true);
  const reference::VectorSet vectors = reference::read_vectors(folder / name);
  const auto &a = vectors.cases.at(0), &b = vectors.cases.at(1);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  options.host = compiler::HostPart::kAnywhere;
  model::Graph two = one;
  if (name == "host_rest") {  // its other operators mix images
    CHECK_THROWS_WITH(model::batched(one, 2),
                      Catch::Matchers::ContainsSubstring("mixes the images of a batch"));
    const auto svdf = std::ranges::find(one.ops, model::OpKind::kSvdf, &model::Op::kind);
    REQUIRE(svdf != one.ops.end());
    two.ops = {*svdf};
    two.inputs = {svdf->input(0)};
    two.outputs = svdf->outputs;
  }
  const model::Graph single = two;
  two = model::batched(std::move(two), 2);
  model::check(two);
  std::vector<Array> inputs, expected;
  if (name == "lstm_sequence") {
    for (std::size_t i = 0; i < a.inputs.size(); ++i)
      inputs.push_back(joined(a.inputs[i], b.inputs[i]));
    for (std::size_t i = 0; i < a.outputs.size(); ++i)
      expected.push_back(joined(a.outputs[i], b.outputs[i]));
  } else {
    fuzz::Builder random(5);
    random.graph = single;
    const Array x = random.random_array(single.inputs[0]),
                y = random.random_array(single.inputs[0]);
    const auto golden = [&](const Array& of) {
      return reference::outputs_of(single, reference::run_graph(single, {of})).at(0);
    };
    inputs = {joined(x, y)};
    expected = {joined(golden(x), golden(y))};
  }
  const compiler::Program program =
      compiler::compile(two, testing::small_config(4, 4, 32, 16, 64), options);
  CHECK(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
}

/// Compiles a model of tests/operators and requires its recorded vectors.
compiler::Program exact_program(const std::string& name, compiler::HostPart host) {
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  const reference::VectorSet vectors = reference::read_vectors(folder / name);
  compiler::CompileOptions options;
  options.rounding = vectors.policy;
  options.host = host;
  compiler::Program program =
      compiler::compile(model::import_tflite(folder / (name + ".tflite"), true),
                        testing::small_config(4, 4, 32, 16, 64), options);
  for (const reference::VectorCase& c : vectors.cases)
    CHECK(compiler::first_difference(program, run_segments(program, c.inputs), c.outputs) == "");
  return program;
}

TEST_CASE("TFLite's operators without hardware run on the host, exactly", "[arch][host]") {
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  int checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() != ".tflite" || !name.starts_with("host_")) continue;
    CAPTURE(name);
    const compiler::Program program = exact_program(name, compiler::HostPart::kAnywhere);
    // Operators that the machine supports stay there.
    CHECK((program.macs() > 0 || name == "host_rest"));
    ++checked;
  }
  CHECK(checked == 10);
}

TEST_CASE("operators at the end of a TFLite network run on the host without a flag",
          "[arch][host]") {
  for (const std::string name : {"host_detection", "host_detection_regular", "host_floats",
                                 "host_integers", "host_keypoints"}) {
    CAPTURE(name);
    const compiler::Program program = exact_program(name, compiler::HostPart::kEnd);
    CHECK(program.rest.empty());
    CHECK(program.macs() > 0);
  }
}

TEST_CASE("a product after a refused operator needs the flag", "[arch][host][error]") {
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kEnd;
  for (const auto& [name, why] : {std::pair{"host_codes", "op 4 Gather:"},
                                  {"host_uint8", "op 0 RESIZE_BILINEAR"},
                                  {"lstm_sequence", "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM"}}) {
    const model::Graph graph = model::import_tflite(folder / (std::string(name) + ".tflite"), true);
    CHECK_THROWS_WITH(compiler::compile(graph, testing::small_config(4, 4, 32, 16, 64), options),
                      Catch::Matchers::ContainsSubstring(why));
  }
}

TEST_CASE("normalizations run on the host if that is allowed", "[arch][host][norm]") {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.softmax = false;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int x = b.input({1, 1, b.number(1, 9), b.number(1, 40)});
    const int y = b.normalization(b.unary(x, model::OpKind::kRelu, "RELU"), seed % 2 == 0);
    b.graph.outputs = {b.addition(y, x)};
    const std::vector<Array> inputs{b.random_array(x)};
    CHECK_THROWS_WITH(compiler::compile(b.graph, config),
                      Catch::Matchers::ContainsSubstring("op 1 " + b.graph.ops[1].name));
    compiler::CompileOptions options;
    options.host = compiler::HostPart::kAnywhere;
    const compiler::Program program = compiler::compile(b.graph, config, options);
    const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
    REQUIRE(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
  }
}

TEST_CASE("allowing the host changes nothing if the machine supports all operators",
          "[arch][host]") {
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  Builder b(3);
  const int x = b.input({1, 5, 6, 7});
  b.graph.outputs = {b.convolution(x, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true)};
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  CHECK(compiler::serialize(compiler::compile(b.graph, config, options)) ==
        compiler::serialize(compiler::compile(b.graph, config)));
}

TEST_CASE("an input that the machine cannot even pass through is refused", "[arch][host][error]") {
  Builder b(4);
  const int x = b.input({1, 4, 4, 4});
  const int y = b.reshape(x, {64});
  b.graph.outputs = {y};
  for (const int t : {x, y})
    b.graph.tensors[static_cast<std::size_t>(t)].type = model::DataType::kInt64;
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  CHECK_THROWS_WITH(
      compiler::compile(b.graph, testing::small_config(4, 4, 32, 16, 64), options),
      Catch::Matchers::ContainsSubstring("input 'input' is int64, but the machine requires int8"));
}

/// Adds an ONNX operator on floats, or a conversion to or from floats.
int floats(Builder& b, model::OpKind kind, const std::string& name, const std::vector<int>& from) {
  const int output = b.unary(from[0], kind, name);
  b.graph.ops.back().inputs = from;
  if (kind == model::OpKind::kQuantize) return output;
  model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(output)];
  t.type = model::DataType::kFloat32;
  t.quantization = {};
  return output;
}

TEST_CASE("float operators between convolutions run on the host", "[arch][host][onnx]") {
  using model::OpKind;
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const auto convolution = [&](int from) {
      return b.convolution(from, 6, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    };
    const auto real = [&](int from) {
      return floats(b, OpKind::kDequantize, "DEQUANTIZE", {from});
    };
    const auto codes = [&](int from) { return floats(b, OpKind::kQuantize, "QUANTIZE", {from}); };
    const int x = b.input({1, 5, 6, 7});
    const int y = convolution(x);
    const int first = codes(floats(b, OpKind::kOnnx, "LogSoftmax", {real(y)}));
    // Floats of `y` cannot pass through the machine, but codes can.
    const int largest = floats(b, OpKind::kOnnx, "Max", {real(y), real(convolution(first))});
    b.graph.outputs = {convolution(codes(largest))};
    const std::vector<Array> inputs{b.random_array(x)};
    CHECK_THROWS_WITH(compiler::compile(b.graph, config),
                      Catch::Matchers::ContainsSubstring("op 2 LogSoftmax") &&
                          Catch::Matchers::ContainsSubstring("op 7 Max"));
    compiler::CompileOptions options;
    options.host = compiler::HostPart::kAnywhere;
    const compiler::Program program = compiler::compile(b.graph, config, options);
    CHECK(program.rest.size() == 2);
    const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
    REQUIRE(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
  }
}

TEST_CASE("a constant of one element has no more axes than its operand", "[arch][host][onnx]") {
  using model::OpKind;
  Builder b(6);
  const int x = b.input({1, 5, 6, 7});
  const int y = b.convolution(x, 6, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  const int sums = b.mean(y, {1, 2});
  const int real = floats(b, OpKind::kDequantize, "DEQUANTIZE", {sums});
  const int bound = b.constant({1, 1, 1, 1});
  model::Tensor& constant = b.graph.tensors[static_cast<std::size_t>(bound)];
  constant.type = model::DataType::kFloat32;
  constant.quantization = {};
  constant.data = {0, 0, 0, 0};
  const int least = floats(b, OpKind::kMinimum, "MINIMUM", {real, bound});
  // The reshape moves before the function, towards the machine.
  b.graph.outputs = {b.reshape(least, {6})};
  b.graph.tensors[static_cast<std::size_t>(b.graph.outputs[0])].type = model::DataType::kFloat32;
  const std::vector<Array> inputs{b.random_array(x)};
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  const std::string bytes = compiler::serialize(
      compiler::compile(b.graph, testing::small_config(4, 4, 32, 16, 64), options));
  const compiler::Program program =
      compiler::parse_program({bytes.begin(), bytes.end()}, "least.trine");
  const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs));
  CHECK(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
}

TEST_CASE("ONNX operators of a program keep their attributes", "[arch][host][onnx]") {
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "host";
  const model::Graph graph = model::import_onnx(folder / "operators.onnx", true);
  const reference::VectorSet vectors = reference::read_vectors(folder / "operators");
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  const compiler::Program program =
      compiler::compile(graph, testing::small_config(4, 4, 32, 16, 64), options);
  CHECK(program.macs() == 32928);  // of a Conv, averages, a transposed Conv, means and resizes
  for (const reference::VectorCase& c : vectors.cases) {
    const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
    CHECK(compiler::first_difference(program, run_segments(program, c.inputs), golden) == "");
  }
}

/// Batches whose rows an operator mixes; indices and floats that several segments need.
TEST_CASE("ONNX's node tests are exact on the machine with a host", "[arch][host][onnx]") {
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  for (const model::Sample& sample : model::own_samples("onnx/nodes", ".onnx")) {
    CAPTURE(sample.name());
    const model::Graph graph = model::import_onnx(sample.file, true);
    const compiler::Program program =
        compiler::compile(graph, testing::small_config(4, 4, 32, 16, 64), options);
    const auto inputs = reference::read_vectors(sample.vectors).cases.at(0).inputs;
    const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs));
    CHECK(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
  }
}

TEST_CASE("TOSA's conformance cases are exact on the machine with a host", "[arch][host][tosa]") {
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  for (const model::Sample& sample : model::own_samples("tosa", ".tosa")) {
    CAPTURE(sample.name());
    const model::Graph graph = model::import_model(sample.file);
    const compiler::Program program = compiler::compile(graph, config, options);
    const auto inputs = reference::read_vectors(sample.vectors).cases.at(0).inputs;
    const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs));
    CHECK(compiler::first_difference(program, run_segments(program, inputs), expected) == "");
  }
}

TEST_CASE("networks of the classes that libraries ship are exact to the golden layers",
          "[arch][host][onnx][torch]") {
  // These have floats between quantizers: recurrent cells, norms as formulas, resizes by other than
  // whole factors.
  const std::set<std::string> between_segments = {"resizes", "speech_gru", "speech_lstm",
                                                  "unet_corners", "written_norm"};
  const auto samples = model::own_samples("torch/classes", ".onnx");
  CHECK(samples.size() == 26);
  int checked = 0;
  for (const model::Sample& sample : samples) {
    const std::string name = sample.file.stem();
    const model::Graph graph = model::import_onnx(sample.file, true);
    const int pes = checked % 2 == 0 ? 4 : 8;
    const spec::Config config = testing::small_config(pes, pes, 32, 16, 128);
    compiler::CompileOptions options;
    const bool flag = between_segments.contains(name);
    if (flag) options.host = compiler::HostPart::kAnywhere;
    CAPTURE(name, pes);
    if (flag) CHECK_THROWS_AS(compiler::compile(graph, config), Error);
    const compiler::Program program = compiler::compile(graph, config, options);
    for (const reference::VectorCase& c : reference::read_vectors(sample.vectors).cases) {
      const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
      CHECK(compiler::first_difference(program, run_segments(program, c.inputs), golden) == "");
    }
    ++checked;
  }
}

/// Converts the network to images [N, C, H, W]. `steps` are the operators in front: r RESHAPE from
/// planes without the batch axis, q QUANTIZE, u QUANTIZE from uint8, t TRANSPOSE; w first: [N, C,
/// W, H].
model::Graph of_planes(Builder b, std::string steps) {
  model::Graph& graph = b.graph;
  const std::vector<model::Op> ops = std::exchange(graph.ops, {});
  const int inside = graph.inputs[0], last = graph.outputs[0];
  const std::vector<int> s = graph.tensor(inside).shape;
  const auto same_scale = [&](int tensor) {
    graph.tensors[static_cast<std::size_t>(tensor)].quantization =
        graph.tensor(inside).quantization;
    return tensor;
  };
  graph.inputs.clear();
  const bool turned = steps[0] == 'w', reshaped = steps[0] == 'r';
  if (turned) steps.erase(0, 1);
  const std::vector<int> planes =
      turned ? std::vector<int>{s[0], s[3], s[2], s[1]} : std::vector<int>{s[0], s[3], s[1], s[2]};
  int x = same_scale(b.input(reshaped ? std::vector<int>{s[3], s[1], s[2]} : planes));
  for (const char step : steps) {
    if (step == 'r') x = same_scale(b.reshape(x, planes));
    if (step == 'q' || step == 'u') {
      for (const int before : step == 'u' ? std::set<int>{graph.inputs[0], x} : std::set<int>{}) {
        model::Tensor& t = graph.tensors[static_cast<std::size_t>(before)];
        t.type = model::DataType::kUInt8;
        t.quantization.zero_point = {t.quantization.zero_point[0] + 128};
      }
      x = same_scale(b.unary(x, model::OpKind::kQuantize, "QUANTIZE"));
    }
    if (step == 't') x = same_scale(b.transpose(x, {0, turned ? 3 : 2, turned ? 2 : 3, 1}));
  }
  for (model::Op op : ops) {
    for (int& t : op.inputs) t = t == inside ? x : t;
    graph.ops.push_back(op);
  }
  const int channels = graph.tensor(last).extent(3),
            pixels = graph.tensor(last).extent(1) * graph.tensor(last).extent(2);
  // The output is [N, C, H, W], or a row of pixels for each channel.
  if (steps.size() == 1)
    graph.outputs = {b.transpose(last, {0, 3, 1, 2})};
  else
    graph.outputs = {b.transpose(b.reshape(last, {1, pixels, channels}), {0, 2, 1})};
  return graph;
}

TEST_CASE("planar images cost no cycles because the host rearranges them",
          "[arch][host][transpose]") {
  const spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  for (unsigned seed = 1; seed <= 4; ++seed)
    for (const std::string steps : {"t", "rt", "qt", "tq", "ut", "tu", "wt", "wut"}) {
      CAPTURE(seed, steps);
      Builder b(seed);
      const int x = b.input({1, 18, 14, seed % 2 == 0 ? 3 : 5});
      const int y = b.convolution(x, 8, 3, 3, 2, 2, 1, 1, model::Padding::kSame, true);
      b.graph.outputs = {b.unary(y, model::OpKind::kRelu, "RELU")};
      const std::uint64_t cycles =
          testing::require_exact(b.graph, config, {b.random_array(x)}).cycles;
      const model::Graph planes = of_planes(b, steps);
      Builder values(seed);
      values.graph = planes;
      const std::vector<Array> inputs{fuzz::random_codes(values, planes.inputs[0])};
      const compiler::Program program = compiler::compile(planes, config);
      CHECK(testing::require_exact(planes, config, inputs).cycles == cycles);
      // No operators remain: layouts replace them.
      CHECK(program.before.ops.empty());
      CHECK(program.after.ops.empty());
      CHECK(program.inputs.at(0).name == planes.tensor(planes.inputs[0]).name);
      CHECK(program.inputs.at(0).extents == planes.tensor(planes.inputs[0]).shape);
      CHECK(program.inputs.at(0).steps.channel == 18 * 14);
      CHECK(program.inputs.at(0).codes.empty() == (steps.find_first_of("qu") > 2));
      for (const compiler::TensorLayout& output : program.outputs)
        CHECK(output.steps.channel == 9 * 7);
    }
}

TEST_CASE("functions of one code before the first product are looked up by the host",
          "[arch][host][table]") {
  using model::OpKind;
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  for (unsigned seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    // A normalization by constants, in TFLite's forms: (x - a) * b, or a table.
    const auto make = [&](bool functions) {
      Builder b(seed);
      const int image = b.input({1, 10, 9, 3});
      int x = image;
      if (functions && seed % 2 == 0) x = b.unary(x, OpKind::kHardSwish, "HARD_SWISH");
      if (functions && seed % 2 == 1) {
        x = b.unary(x, OpKind::kQuantize, "QUANTIZE");
        x = b.unary(x, OpKind::kLeakyRelu, "LEAKY_RELU");
      }
      Builder rest(seed + 100);
      rest.graph = std::move(b.graph);
      const int y = rest.convolution(x, 6, 3, 3, 2, 2, 1, 1, model::Padding::kSame, true);
      rest.graph.outputs = {y};
      return rest;
    };
    Builder plain = make(false), looked_up = make(true);
    const compiler::Program program = compiler::compile(looked_up.graph, config);
    CHECK(program.before.ops.empty());
    CHECK(program.inputs.at(0).codes.size() == 256);
    const std::uint64_t cycles =
        testing::require_exact(plain.graph, config, {plain.random_array(0)}).cycles;
    CHECK(testing::require_exact(looked_up.graph, config, {looked_up.random_array(0)}).cycles ==
          cycles);
    // The machine computes what other operators read as well.
    Builder both = make(true);
    both.graph.outputs.push_back(both.unary(0, OpKind::kRelu, "RELU"));
    CHECK(compiler::compile(both.graph, config).inputs.at(0).codes.empty());
    testing::require_exact(both.graph, config, {both.random_array(0)});
  }
}

TEST_CASE("axes are transposed on codes even if the model transposes floats",
          "[arch][host][transpose]") {
  const auto file = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "torch" / "fcn.onnx";
  const compiler::Program program =
      compiler::compile(model::import_onnx(file), testing::small_config(4, 4, 32, 16, 64));
  REQUIRE(program.before.ops.size() == 1);
  CHECK(program.before.ops[0].kind == model::OpKind::kQuantize);
  CHECK(program.before.ops[0].inputs[0] == program.before.inputs[0]);
  CHECK(program.inputs.at(0).extents == std::vector<int>{1, 3, 16, 16});
  CHECK(program.inputs.at(0).steps == compiler::Steps{16, 1, 256});
  REQUIRE(program.after.ops.size() == 1);
  CHECK(program.after.ops[0].kind == model::OpKind::kDequantize);
  CHECK(program.outputs.at(0).extents == std::vector<int>{1, 2, 16, 16});
  CHECK(program.outputs.at(0).steps == compiler::Steps{16, 1, 256});
}

TEST_CASE("a new segment begins only after an operator of the host", "[compiler][host]") {
  Builder b(1);
  model::Graph graph = interrupted(b);
  CHECK(compiler::segments_of(graph, {}).size() == 1);
  graph.ops[1].on_host = true;
  const auto segments = compiler::segments_of(graph, {});
  REQUIRE(segments.size() == 2);
  CHECK(segments[0].ops == std::vector<int>{0, 1});
  CHECK(segments[1].ops == std::vector<int>{2, 3});
  CHECK(segments[0].graph.outputs.size() == 2);  // the residual passes through
  CHECK(segments[1].graph.inputs.size() == 2);
}

}  // namespace
}  // namespace trine::sim
