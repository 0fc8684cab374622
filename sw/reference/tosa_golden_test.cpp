// SPDX-License-Identifier: Apache-2.0
//
// Tests TOSA against recorded results of its reference model (tests/tosa/tosa_test.py), and with
// damaged files.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <random>
#include <tuple>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/golden.h"
#include "sw/reference/requantize.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::reference {
namespace {

using Catch::Matchers::ContainsSubstring;
using Bytes = std::vector<std::uint8_t>;

/// @return true if the bytes are a network that check() accepts; it then runs on zeros
bool runs(const Bytes& bytes) {
  model::Graph graph;
  try {
    graph = model::parse_tosa(bytes, "m.tosa");
    model::check(graph);
  } catch (const Error&) {
    return false;
  }
  std::vector<Array> inputs;
  for (const int t : graph.inputs) {
    const model::Tensor& tensor = graph.tensor(t);
    if (tensor.elements() > 100'000 || model::macs(graph) > 10'000'000) return true;
    Array zeros{
        std::string(model::npy_code(tensor.type)), {tensor.shape.begin(), tensor.shape.end()}, {}};
    zeros.bytes.resize(static_cast<std::size_t>(tensor.elements() * model::bytes_of(tensor.type)));
    inputs.push_back(std::move(zeros));
  }
  try {
    run_graph(graph, inputs);
  } catch (const Error&) {  // an index that is invalid for GATHER
  }
  return true;
}

}  // namespace

TEST_CASE("cases of TOSA's conformance generator are exact to its reference model",
          "[reference][golden][tosa]") {
  const auto samples = model::own_samples("tosa", ".tosa");
  CHECK(samples.size() > 30);
  for (const model::Sample& sample : samples) {
    CAPTURE(sample.name());
    const model::Graph graph = model::import_model(sample.file);
    for (const VectorCase& c : read_vectors(sample.vectors).cases) {
      const auto outputs = outputs_of(graph, run_graph(graph, c.inputs));
      REQUIRE(outputs.size() == c.outputs.size());
      for (std::size_t i = 0; i < outputs.size(); ++i)
        CHECK(outputs[i].bytes == c.outputs[i].bytes);
    }
  }
}

TEST_CASE("TOSA's two roundings equal the roundings of the post unit",
          "[reference][tosa][rounding]") {
  std::mt19937 random{3};
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<std::int32_t>(random()) >> random() % 31;
    const auto multiplier = static_cast<std::int32_t>(random() >> 1);
    const int shift = 2 + static_cast<int>(random() % 61);
    for (const bool twice : {false, true}) {
      const std::int64_t wanted = host::tosa::scaled(value, multiplier, shift, twice);
      if (wanted != static_cast<std::int32_t>(wanted)) continue;  // REQUIRE
      CAPTURE(value, multiplier, shift, twice);
      REQUIRE(scaled(value, {multiplier, 31 - shift},
                     twice ? Rounding::kDouble : Rounding::kSingle) == wanted);
    }
  }
}

/// TOSA 1.0, ARITHMETIC_RIGHT_SHIFT: with `round`, the last bit that is shifted out is added.
TEST_CASE("TOSA's shifts to the right round halves up", "[reference][tosa][rounding]") {
  std::mt19937 random{5};
  host::tosa::Node node;
  node.type = "ARITHMETIC_RIGHT_SHIFT";
  for (const auto& [type, bits] : {std::pair{model::DataType::kInt8, 8},
                                   {model::DataType::kInt16, 16},
                                   {model::DataType::kInt32, 32}}) {
    for (int n = 0; n < 2'000; ++n) {
      const std::int64_t shift = n % bits;
      const std::int64_t value = static_cast<std::int32_t>(random()) >> (32 - bits);
      const bool round = n / bits % 2 != 0;
      node.inputs = {{type, {1}, {value}}, {type, {1}, {shift}}};
      node.attributes["round"] = {round ? 1 : 0};
      node.out_type = type;
      node.out_shape = {1};
      const std::int64_t half = round && shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
      CAPTURE(bits, value, shift, round);
      REQUIRE(host::tosa::run(node).at(0) == (value + half) >> shift);
    }
  }
}

TEST_CASE("a damaged TOSA file is refused, or runs", "[reference][tosa][error]") {
  const auto samples = model::own_samples("tosa", ".tosa");
  std::mt19937 random{11};
  for (const model::Sample& sample : samples) {
    CAPTURE(sample.name());
    const Bytes whole = read_file(sample.file);
    REQUIRE(runs(whole));
    for (int i = 0; i < 40; ++i) {
      CAPTURE(i);
      Bytes bytes = whole;
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
      CHECK_NOTHROW(runs(bytes));
    }
    for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 40)
      CHECK_NOTHROW(runs({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}));
  }
}

/// Runs CONV2D with the weight 1, RESCALE by 1 and consecutive CLAMPs on four int8 values.
std::string clamped(const std::vector<std::pair<int, int>>& bounds) {
  const auto tensor = [](const std::string& name, const std::string& type, const std::string& shape,
                         const std::string& data = "") {
    return R"({"name": ")" + name + R"(", "shape": )" + shape + R"(, "type": ")" + type + '"' +
           (data.empty() ? "" : R"(, "data": )" + data) + "},";
  };
  std::string ops = R"({"op": "CONV2D", "attribute_type": "Conv2dAttribute", "attribute": {"pad":
    [0, 0, 0, 0], "stride": [1, 1], "dilation": [1, 1], "local_bound": false, "acc_type": "INT32"},
    "inputs": ["x", "w", "b", "zero", "zero"], "outputs": ["sums"]},
    {"op": "RESCALE", "attribute_type": "RescaleAttribute", "attribute": {"scale32": true,
    "rounding_mode": "SINGLE_ROUND", "per_channel": false, "input_unsigned": false,
    "output_unsigned": false}, "inputs": ["sums", "multiplier", "shift", "zero32", "zero"],
    "outputs": ["y0"]})";
  std::string tensors =
      tensor("x", "INT8", "[1, 2, 2, 1]") + tensor("w", "INT8", "[1, 1, 1, 1]", "[1]") +
      tensor("b", "INT32", "[1]", "[0, 0, 0, 0]") + tensor("zero", "INT8", "[1]", "[0]") +
      tensor("zero32", "INT32", "[1]", "[0, 0, 0, 0]") +
      tensor("multiplier", "INT32", "[1]", "[0, 0, 0, 64]") +  // 2^30
      tensor("shift", "INT8", "[1]", "[30]") + tensor("sums", "INT32", "[1, 2, 2, 1]");
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    tensors += tensor(fmt::format("y{}", i), "INT8", "[1, 2, 2, 1]");
    ops += fmt::format(
        R"(, {{"op": "CLAMP", "attribute_type": "ClampAttribute", "attribute": {{"min_val": [{}],
        "max_val": [{}]}}, "inputs": ["y{}"], "outputs": ["y{}"]}})",
        bounds[i].first & 0xff, bounds[i].second & 0xff, i, i + 1);
  }
  tensors += tensor(fmt::format("y{}", bounds.size()), "INT8", "[1, 2, 2, 1]");
  tensors.pop_back();
  return R"({"version": {"_major": 1, "_minor": 0, "_patch": 0, "_draft": false}, "regions":
    [{"blocks": [{"operators": [)" +
         ops + R"(], "tensors": [)" + tensors + R"(], "inputs": ["x"], "outputs": [")" +
         fmt::format("y{}", bounds.size()) + R"("]}]}]})";
}

TEST_CASE("clamps in a row apply one after the other", "[reference][tosa]") {
  std::mt19937 random{5};
  const auto drawn = [&] { return static_cast<int>(random() % 256) - 128; };
  for (int i = 0; i < 200; ++i) {
    std::vector<std::pair<int, int>> bounds(1 + random() % 3);
    for (auto& [low, high] : bounds) std::tie(low, high) = std::minmax({drawn(), drawn()});
    if (i == 0) bounds = {{0, 10}, {20, 30}};
    const std::string json = clamped(bounds);
    const model::Graph graph = model::parse_tosa({json.begin(), json.end()}, "m.json");
    CHECK(std::ranges::count(graph.ops, model::OpKind::kConv2D, &model::Op::kind) == 1);
    const Bytes x{0x80, 0xfb, 25, 0x7f};
    Bytes wanted;
    for (const std::uint8_t byte : x) {
      int value = static_cast<std::int8_t>(byte);
      for (const auto& [low, high] : bounds)
        value = value < low ? low : value > high ? high : value;
      wanted.push_back(static_cast<std::uint8_t>(value));
    }
    CAPTURE(i, json);
    REQUIRE(outputs_of(graph, run_graph(graph, {{"i1", {1, 2, 2, 1}, x}})).at(0).bytes == wanted);
  }
}

TEST_CASE("a TOSA text is read in time proportional to its keys", "[reference][tosa]") {
  const auto seconds = [](int keys) {
    std::string json = R"({"version": {"_major": 1, "_minor": 0}, "regions": [{"blocks": [{)";
    for (int i = 0; i < keys; ++i) json += fmt::format(R"("k{}": 0, )", i);
    json += R"("operators": [], "tensors": [{"name": "x", "shape": [1], "type": "INT8"}],
      "inputs": ["x"], "outputs": ["x"]}]}]})";
    const std::clock_t start = std::clock();
    model::parse_tosa({json.begin(), json.end()}, "m.json");
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  CHECK(seconds(40'000) < 40 * seconds(4'000) + 0.2);  // with separate look-ups it would be 100
}

TEST_CASE("inputs that the specification makes an error are refused by name",
          "[reference][tosa][error]") {
  const auto text = [](const std::string& clamp, const std::string& more = "") {
    return R"({"version": {"_major": 1, "_minor": 0, "_patch": 0, "_draft": false}, "regions": [{"blocks": [
      {"operators": [{"op": "CLAMP", "attribute_type": "ClampAttribute", "attribute": )" +
           clamp + R"(, "inputs": ["x"], "outputs": ["y"]}], "tensors": [
      {"name": "x", "shape": [2, 3], "type": "INT8"}, {"name": "y", "shape": [2, 3], "type": "INT8"})" +
           more + R"(], "inputs": ["x"], "outputs": ["y"]}]}]})";
  };
  const auto parse = [](const std::string& json) {
    return model::parse_tosa({json.begin(), json.end()}, "m.json");
  };
  const model::Graph graph = parse(text(R"({"min_val": [253], "max_val": [5]})"));
  REQUIRE(graph.ops.size() == 1);
  const auto outputs =
      outputs_of(graph, run_graph(graph, {{"i1", {2, 3}, {0x80, 0xfd, 0, 4, 6, 0x7f}}}));
  CHECK(outputs.at(0).bytes == Bytes{0xfd, 0xfd, 0, 4, 5, 5});
  CHECK_THROWS_WITH(parse(text(R"({"min_val": [6], "max_val": [5]})")),
                    "m.json: op 0 CLAMP: min_val 6 is above max_val 5");
  CHECK_THROWS_WITH(parse(text(R"({"min_val": [6]})")),
                    ContainsSubstring("op 0 CLAMP: max_val has too few bytes for its type"));
  CHECK_THROWS_WITH(
      parse(text("{}", R"(, {"name": "z", "shape": [1], "type": "FP32"})")),
      ContainsSubstring(
          "m.json: tensor 'z': type FP32, allowed INT8 INT16 INT32 BOOL: the machine"));
  std::string writes_input = text(R"({"min_val": [4], "max_val": [5]})");
  writes_input.replace(writes_input.find(R"("outputs": ["y"])"), 16, R"("outputs": ["x"])");
  CHECK_THROWS_WITH(parse(writes_input),
                    ContainsSubstring("op 0 CLAMP: writes 'x', which already has a value"));
  CHECK_THROWS_WITH(parse("{\"version\": 3}"), ContainsSubstring("m.json: is not TOSA"));
  CHECK_THROWS_WITH(parse("{\"version\": "), ContainsSubstring("m.json: is not valid JSON"));
}

}  // namespace trine::reference
