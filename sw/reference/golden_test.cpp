// SPDX-License-Identifier: Apache-2.0
//
// Tests the reference against recorded LiteRT vectors, an oracle that shares no line with it.

#include "sw/reference/golden.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/vectors/vectors.h"

using namespace trine;
using namespace trine::reference;

namespace {

/// Returns "", or the number of differing bytes and the first one.
std::string difference(const Array& actual, const Array& expected) {
  if (actual.dtype != expected.dtype || actual.shape != expected.shape)
    return fmt::format("{} [{}] instead of {} [{}]", actual.dtype, fmt::join(actual.shape, ", "),
                       expected.dtype, fmt::join(expected.shape, ", "));
  std::size_t count = 0, first = 0;
  for (std::size_t i = actual.bytes.size(); i-- > 0;)
    if (actual.bytes[i] != expected.bytes[i]) {
      ++count;
      first = i;
    }
  if (count == 0) return {};
  return fmt::format("{} of {} bytes differ, first at {}: expected {}, actual {}", count,
                     actual.bytes.size(), first, expected.bytes[first], actual.bytes[first]);
}

/// Checks that every output of each case and every recorded layer are equal.
void check_sample(const model::Sample& sample) {
  CAPTURE(sample.vectors.string());
  const model::Graph graph = model::import_tflite(sample.file, true);
  const VectorSet set = read_vectors(sample.vectors);
  check_vectors(set, graph);
  for (std::size_t n = 0; n < set.cases.size(); ++n) {
    const VectorCase& c = set.cases[n];
    const Values values = run_graph(graph, c.inputs, set.policy);
    const std::vector<Array> outputs = outputs_of(graph, values);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      CAPTURE(c.id, i);
      CHECK(difference(outputs[i], c.outputs[i]) == "");
    }
    if (set.layers.empty() || n != set.layers[0].number) continue;
    for (const LayerVector& layer : set.layers[0].tensors) {
      if (graph.tensor(layer.tensor).is_constant) continue;  // folded
      CAPTURE(layer.op_index, layer.op, layer.name);
      CHECK(difference(values.at(layer.tensor), layer.value) == "");
    }
  }
}

/// Runs the bytes' model on constant inputs, unless it is refused or large.
/// @return true if it ran
bool runs(const std::vector<std::uint8_t>& bytes) try {
  const model::Graph graph = model::parse_tflite(bytes, "m.tflite", true);
  model::check(graph);
  std::int64_t elements = 0;
  for (const model::Tensor& tensor : graph.tensors) elements += tensor.elements();
  for (const model::Op& op : graph.ops)  // taps of pooling windows are not MACs
    elements += graph.out(op).elements() * std::min(op.filter_h, 100) * std::min(op.filter_w, 100);
  if (elements > 1'000'000 || model::macs(graph) > 10'000'000) return false;
  std::vector<Array> inputs;
  for (const int t : graph.inputs) {
    const model::Tensor& tensor = graph.tensor(t);
    Array array{std::string(npy_code(tensor.type)), {tensor.shape.begin(), tensor.shape.end()}, {}};
    array.bytes.resize(static_cast<std::size_t>(tensor.elements() * bytes_of(tensor.type)), 0x55);
    inputs.push_back(std::move(array));
  }
  return outputs_of(graph, run_graph(graph, inputs)).size() == graph.outputs.size();
} catch (const Error&) {
  return false;
}

}  // namespace

TEST_CASE("a damaged model that check() accepts can be run", "[reference][run][error]") {
  const auto models = model::samples(
      {"networks/curve.tflite", "networks/unpadded.tflite", "networks/gru.tflite",
       "layers/depthwise.tflite", "layers/dense.tflite", "layers/elementwise.tflite",
       "layers/functions.tflite", "layers/pools.tflite", "layers/movement.tflite",
       "layers/resize_odd.tflite", "layers/attention_2x16_8.tflite"},
      {"hello_world_int8.tflite", "mnist_valid_q.tflite", "layers/conv_grouped_g4.tflite",
       "layers/tconv_2x2_s2.tflite", "layers/strided_slice.tflite", "layers/prelu.tflite"});
  std::mt19937 random{2};
  for (const model::Sample& sample : models) {
    CAPTURE(sample.file.string());
    const auto whole = read_file(sample.file);
    REQUIRE(runs(whole));
    for (int i = 0; i < 200; ++i) {
      CAPTURE(i);
      auto bytes = whole;
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
      CHECK_NOTHROW(runs(bytes));
    }
  }
}

TEST_CASE("a damaged model of single operators that check() accepts can be run",
          "[reference][run][operators][error]") {
  std::mt19937 random{3};
  const std::string folder = GENERATE("operators", "maps16", "lstm");
  for (const model::Sample& sample : model::own_samples(folder)) {
    CAPTURE(sample.file.string());
    const auto whole = read_file(sample.file);
    REQUIRE(runs(whole));
    for (int i = 0; i < 300; ++i) {
      CAPTURE(i);
      auto bytes = whole;
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
      CHECK_NOTHROW(runs(bytes));
    }
  }
}

TEST_CASE("every network is exact, output by output and layer by layer",
          "[reference][golden][models]") {
  const auto own = model::own_samples("networks"), shared = model::shared_samples("");
  CHECK(own.size() == 11);
  CHECK((shared.size() >= 11 || !model::has_shared()));
  for (const auto& list : {own, shared})
    for (const model::Sample& sample : list) check_sample(sample);
}

TEST_CASE("a bias with scales along an axis that does not exist changes nothing",
          "[reference][golden][models]") {
  check_sample({model::own_sample("networks/bias_axis.tflite").file,
                model::own_sample("networks/unpadded.tflite").vectors});
  if (model::has_shared())
    check_sample({model::shared_sample("person_detect.tflite").file,
                  model::shared_sample("person_detect_qdim0.tflite").vectors});
}

TEST_CASE("LiteRT 2.3.0 is exact with one rounding in FULLY_CONNECTED",
          "[reference][golden][rounding]") {
  for (const auto& [file, vectors] : model::samples(
           {"networks/autoencoder.tflite", "maps16/products.tflite", "maps16/scales.tflite"},
           {"ad01_int8.tflite"})) {
    CHECK(read_vectors(vectors / "litert-2.3.0").policy.fully_connected == Rounding::kSingle);
    check_sample({file, vectors / "litert-2.3.0"});
  }
}

TEST_CASE("the rounding policy shows at the output", "[reference][golden][rounding]") {
  for (const auto& [file, vectors] :
       model::samples({"networks/autoencoder.tflite"}, {"ad01_int8.tflite"})) {
    CAPTURE(file.string());
    const auto graph = model::import_tflite(file);
    const VectorSet set = read_vectors(vectors);
    int shows = 0;
    for (const VectorCase& c : set.cases) {
      const auto output = [&](RoundingPolicy policy) {
        return outputs_of(graph, run_graph(graph, c.inputs, policy)).at(0);
      };
      CHECK(difference(output(kDoublePolicy), c.outputs[0]) == "");
      CHECK(difference(output(kSinglePolicy), output(kMixedPolicy)) == "");  // only FC differs here
      shows += difference(output(kMixedPolicy), c.outputs[0]) != "" ? 1 : 0;
    }
    CHECK(shows > 0);
  }
}

TEST_CASE("every single operator and block is exact", "[reference][golden][layers]") {
  const auto own = model::own_samples("layers"), shared = model::shared_samples("layers");
  CHECK(own.size() == 13);
  CHECK((shared.size() == 78 || !model::has_shared()));
  for (const auto& list : {own, shared})
    for (const model::Sample& sample : list) check_sample(sample);
}

TEST_CASE("litert-torch's networks are exact", "[reference][golden][litert]") {
  const auto models = model::own_samples("litert");
  CHECK(models.size() == 14);
  for (const model::Sample& sample : models) check_sample(sample);
}

/// Sums of products are exact here; LiteRT adds in float32, one term after the other.
TEST_CASE("float32 operators that add differ from LiteRT only in the last bits",
          "[reference][golden][operators]") {
  const model::Sample sample = model::own_sample("operators/approximate/floats_summed.tflite");
  const model::Graph graph = model::import_tflite(sample.file, true);
  const VectorSet set = read_vectors(sample.vectors);
  std::size_t different = 0, all = 0;
  for (const VectorCase& c : set.cases) {
    const auto outputs = outputs_of(graph, run_graph(graph, c.inputs, set.policy));
    REQUIRE(outputs.size() == c.outputs.size());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      CAPTURE(c.id, o, graph.tensor(graph.outputs[o]).name);
      REQUIRE(outputs[o].shape == c.outputs[o].shape);
      double most = 0, off = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(outputs[o].elements()); ++i) {
        const double wanted = c.outputs[o].value(i), error = outputs[o].value(i) - wanted;
        most = std::max(most, std::abs(wanted));
        off = std::max(off, std::abs(error));
        different += error != 0;
        ++all;
      }
      CHECK(off <= 1e-6 * most);
    }
  }
  CHECK(all == 6180);
  CHECK(different <= 2822);  // the number depends on the libm
}

TEST_CASE("operators of this repository's models are exact", "[reference][golden][operators]") {
  const auto models = model::own_samples("operators");
  CHECK(models.size() == 44);
  for (const model::Sample& sample : models) check_sample(sample);
}

TEST_CASE("operators of int16 activations are exact", "[reference][golden][maps16]") {
  const auto models = model::own_samples("maps16");
  CHECK(models.size() == 14);
  for (const model::Sample& sample : models) check_sample(sample);
}

TEST_CASE("LSTMs equal tflite-micro and int8 LSTMs also equal LiteRT",
          "[reference][golden][lstm]") {
  const auto models = model::own_samples("lstm");
  CHECK(models.size() == 6);
  for (const model::Sample& sample : models) {
    CHECK(read_vectors(sample.vectors).package == "tflite-micro");
    check_sample(sample);
  }
  const model::Sample int8 = model::own_sample("lstm/int8.tflite");
  check_sample({int8.file, int8.vectors / "litert-1.2.0"});
}

/// Returns the number of codes that differ in two lists of arrays, and the largest difference.
std::pair<int, double> unlike(const std::vector<Array>& a, const std::vector<Array>& b) {
  int count = 0;
  double most = 0;
  for (std::size_t o = 0; o < a.size(); ++o)
    for (std::size_t i = 0; i < static_cast<std::size_t>(a[o].elements()); ++i) {
      const double off = std::abs(a[o].value(i) - b[o].value(i));
      count += off > 0 ? 1 : 0;
      most = std::max(most, off);
    }
  return {count, most};
}

TEST_CASE("the LSTMs of LiteRT and tflite-micro differ where their vectors do",
          "[reference][golden][lstm][rounding]") {
  const model::Sample sample = model::own_sample("lstm/int8.tflite");
  const model::Graph graph = model::import_tflite(sample.file, true);
  const VectorSet micro = read_vectors(sample.vectors),
                  litert = read_vectors(sample.vectors / "litert-1.2.0");
  CHECK(micro.policy.lstm == LstmKernel::kMicro);
  CHECK(litert.policy.lstm == LstmKernel::kLiteRt);
  for (std::size_t i = 0; i < micro.cases.size(); ++i) {
    const VectorCase& c = micro.cases[i];
    const auto run = [&](RoundingPolicy policy) {
      return outputs_of(graph, run_graph(graph, c.inputs, policy));
    };
    const auto recorded = unlike(c.outputs, litert.cases.at(i).outputs);
    CHECK(recorded.first > 20);
    CHECK(unlike(run(micro.policy), run(litert.policy)) == recorded);
    CHECK(unlike(run({}), c.outputs).first == 0);  // tflite-micro's kernel is the default
  }
}

TEST_CASE("LiteRT's LSTM kernel refuses unsupported forms in one line",
          "[reference][lstm][error]") {
  RoundingPolicy litert;
  litert.lstm = LstmKernel::kLiteRt;
  const auto message = [&](const std::string& name, const std::string& output) {
    const model::Sample sample = model::own_sample("lstm/" + name + ".tflite");
    model::Graph graph = model::import_tflite(sample.file, true);
    std::erase_if(graph.ops, [&](const model::Op& op) {
      return graph.tensor(op.outputs.at(0)).name != output;
    });
    REQUIRE(graph.ops.size() == 1);
    CHECK_NOTHROW(check_policy(graph, {}));
    try {
      check_policy(graph, litert);
    } catch (const Error& error) {
      const std::string text = error.what();
      return text.substr(text.find(": LiteRT's") + 2);
    }
    return std::string();
  };
  CHECK(message("int8", "clipped") == "");
  CHECK(message("int16", "one") == "LiteRT's kernel supports only int8, allowed --lstm micro");
  CHECK(message("int8_micro", "no_intermediates") ==
        "LiteRT's kernel needs five intermediate tensors, allowed --lstm micro");
  CHECK(message("int8_micro", "hidden_of_input_18") ==
        "LiteRT's kernel needs the output's scale and zero point in the last intermediate tensor, "
        "allowed --lstm micro");
  for (const std::string cell : {"9", "16"})
    CHECK_THAT(message("int8_micro", "cell_" + cell),
               Catch::Matchers::ContainsSubstring(
                   "LiteRT's kernel does not support a cell scale of 0.00") ||
                   Catch::Matchers::ContainsSubstring(
                       "LiteRT's kernel does not support a cell scale of 1.5"));
  const VectorSet set = read_vectors(model::own_sample("lstm/int16.tflite").vectors);
  CHECK_THROWS_WITH(run_graph(model::import_tflite(model::own_sample("lstm/int16.tflite").file),
                              set.cases.at(0).inputs, litert),
                    Catch::Matchers::ContainsSubstring(
                        "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM: LiteRT's kernel supports"));
}

TEST_CASE("int16 TRANSPOSE_CONV accepts a computed shape only if it equals the file's",
          "[reference][maps16][error]") {
  const model::Sample sample = model::own_sample("maps16/unbiased.tflite");
  model::Graph graph = model::import_tflite(sample.file);
  const auto op = std::ranges::find(graph.ops, model::OpKind::kTransposeConv, &model::Op::kind);
  graph.tensors[static_cast<std::size_t>(op->input(0))].is_constant = false;
  graph.inputs.push_back(op->input(0));
  const VectorCase c = read_vectors(sample.vectors).cases.at(0);
  std::vector<Array> inputs = c.inputs;
  inputs.push_back({"i4", {4}, graph.in(*op, 0).data.all()});
  CHECK(difference(outputs_of(graph, run_graph(graph, inputs)).at(1), c.outputs.at(1)) == "");
  ++inputs.back().bytes.at(4);
  CHECK_THROWS_WITH(
      run_graph(graph, inputs),
      Catch::Matchers::EndsWith(
          "op 1 TRANSPOSE_CONV: its computed shape differs from the file's, allowed [1, 8, 8, 4]"));
}

TEST_CASE("a computed index outside of its axis ends the run, in one line",
          "[reference][operators][error]") {
  using model::DataType;
  model::Graph graph{"g", "g.tflite", {}, {}, {0, 1}, {2}, {}, {}};
  const model::Quantization scaled{{0.5f}, {0}, 0};
  graph.tensors = {{"x", DataType::kInt8, {3}, scaled, false, {}},
                   {"i", DataType::kInt32, {1}, {}, false, {}},
                   {"y", DataType::kInt8, {1}, scaled, false, {}}};
  model::Op op = op_of(model::OpKind::kOnnx, 0, {0, 1}, {2});
  op.name = "Gather";
  op.numbers = {{"opset", {18}}, {"axis", {0}}, {"forward", {1}}};
  graph.ops = {op};
  const auto run = [&](std::uint8_t low, std::uint8_t high) {
    const Array index{"i4", {1}, {low, high, high, high}};
    return outputs_of(graph, run_graph(graph, {{"i1", {3}, {7, 8, 9}}, index})).at(0).bytes;
  };
  CHECK(run(2, 0) == std::vector<std::uint8_t>{9});
  CHECK_THROWS_WITH(run(3, 0), "g.tflite: op 0 Gather: index 3, allowed 0..2");
  CHECK_THROWS_WITH(run(255, 255), "g.tflite: op 0 Gather: index -1, allowed 0..2");
}
