// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/vectors/vectors.h"

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/reference/vectors/compare.h"

using namespace trine;
using namespace trine::reference;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// Makes a separate folder for each test, and removes it afterwards.
struct Scratch {
  explicit Scratch(const std::string& name)
      : folder(fs::temp_directory_path() /
               ("trine_vectors_test_" + name + "." + std::to_string(::getpid()))) {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~Scratch() { fs::remove_all(folder); }
  fs::path folder;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

const std::string kManifest = R"({"format": "litert-golden-1", "model": "m.tflite", "sha256": "00",
  "reference": {"package": "ai-edge-litert", "version": "1.2.0"},
  "inputs": [{"tensor": 0, "dtype": "int8", "shape": [2]}],
  "outputs": [{"tensor": 1, "dtype": "int8", "shape": [2]}],
  "cases": [{"id": "a", "inputs": ["a_in0.npy"], "outputs": ["a_out0.bin"]}],
  "layers": {"case": "a", "tensors": [
    {"op_index": 0, "op": "RELU", "tensor": 1, "name": "y", "file": "a_in0.npy"},
    {"op_index": 1, "op": "X", "tensor": 2, "name": "z", "file": null}]}})";

void fill(const fs::path& folder, const std::string& manifest) {
  write_npy(folder / "a_in0.npy", {"i1", {2}, {1, 2}});
  write_file(folder / "a_out0.bin", std::string("\x03\x04", 2));
  write_file(folder / "manifest.json", manifest);
}

}  // namespace

TEST_CASE("the first difference is counted through all outputs", "[reference][compare]") {
  Deviation equal, other;
  equal.elements = 10;
  other.elements = 5;
  other.differ = 2;
  other.first = 3;
  Deviation sum;
  sum.add(equal);
  CHECK(sum.first == -1);
  sum.add(other);
  CHECK(sum.first == 13);
  sum.add(other);
  CHECK(sum.first == 13);  // the first one is kept
  CHECK(sum.elements == 20);
  CHECK(sum.differ == 4);
}

Array floats(const std::vector<float>& values) {
  Array a{"f4", {static_cast<std::int64_t>(values.size())}, {}};
  a.bytes.resize(4 * values.size());
  std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
  return a;
}

TEST_CASE("floats that differ by less than four units in the last place are equal",
          "[reference][vectors]") {
  const float next = std::nextafter(1.0f, 2.0f), unit = next - 1;
  const Deviation d = deviation(floats({1, next, 1 + 3 * unit, 1 + 4 * unit, -0.0f, 3, NAN}),
                                floats({1, 1, 1, 1, 0, -3, NAN}));
  CHECK(d.elements == 7);
  CHECK(d.rounded == 2);
  CHECK(d.differ == 2);
  CHECK(d.first == 3);
  CHECK(d.relative == 2);
  CHECK(deviation(floats({1 + 4 * unit}), floats({1})).ulps == 4);
  CHECK(std::isinf(deviation(floats({1 + 4 * unit}), floats({1})).largest));
}

TEST_CASE("sums of floats may differ by units of the largest value", "[reference][vectors]") {
  const float unit = std::nextafter(1.0f, 2.0f) - 1;
  const Array expected = floats({1, 0.001f}), near = floats({1, 0.001f + 3 * unit}),
              far = floats({1, 0.001f + 5 * unit});
  const FloatOutput sums{0, true};
  CHECK(deviation(near, expected).differ == 1);
  CHECK(deviation(near, expected, sums).differ == 0);
  CHECK(deviation(near, expected, sums).rounded == 1);
  CHECK(deviation(far, expected, sums).differ == 1);
  CHECK(deviation(far, expected, sums).first == 1);
}

TEST_CASE("a float output counts as sums or codes through operators that only move elements",
          "[reference][vectors]") {
  using model::OpKind;
  const auto tensor = [](model::DataType type) {
    model::Tensor t;
    t.type = type;
    return t;
  };
  const auto op = [](OpKind kind, const std::string& name, int in) {
    model::Op o;
    o.kind = kind;
    o.name = name;
    o.inputs = {in};
    o.outputs = {in + 1};
    return o;
  };
  model::Graph graph;
  graph.tensors.assign(4, tensor(model::DataType::kFloat32));
  graph.ops = {op(OpKind::kOnnx, "MatMul", 0), op(OpKind::kOnnx, "Reshape", 1),
               op(OpKind::kOnnx, "Tanh", 2)};
  CHECK(float_output(graph, 1).of_sums);
  CHECK(float_output(graph, 2).of_sums);
  CHECK(!float_output(graph, 3).of_sums);
  CHECK(!float_output(graph, 0).of_sums);
  graph.tensors[0].type = model::DataType::kInt8;
  graph.tensors[0].quantization.scale = {0.25f};
  graph.ops[0] = op(OpKind::kDequantize, "", 0);
  CHECK(float_output(graph, 2).scale == 0.25f);
  CHECK(!float_output(graph, 2).of_sums);
}

TEST_CASE("floats after sums of the machine or after a log-softmax may cancel",
          "[reference][vectors]") {
  using model::OpKind;
  model::Graph graph;
  model::Tensor t;
  t.type = model::DataType::kInt32;
  graph.tensors.assign(2, t);
  graph.tensors[1].type = model::DataType::kFloat32;
  model::Op op;
  op.inputs = {0};
  op.outputs = {1};
  for (const auto& [kind, name] :
       {std::pair{OpKind::kFloat, ""}, {OpKind::kLogSoftmax, ""}, {OpKind::kOnnx, "LogSoftmax"}}) {
    op.kind = kind;
    op.name = name;
    graph.ops = {op};
    CHECK(float_output(graph, 1).of_sums);
  }
  const auto floats = [](std::vector<float> values) {
    Array a{"f4", {static_cast<std::int64_t>(values.size())}, {}};
    a.bytes.resize(4 * values.size());
    std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
    return a;
  };
  // As in conv_no_output_q and lenet-300-100 of the field reports: exact except for terms that
  // cancel.
  const FloatOutput how = float_output(graph, 1);
  CHECK(deviation(floats({7.16f, 0.0f}), floats({7.16f, -1.1e-8f}), how).differ == 0);
  CHECK(deviation(floats({-29.0f, -2.8471e-05f}), floats({-29.0f, -2.8491e-05f}), how).differ == 0);
  CHECK(deviation(floats({7.16f, 0.0f}), floats({7.16f, -1.1e-5f}), how).differ == 1);
}

TEST_CASE("joined parts of one scale stand for codes, like the images of a batch",
          "[reference][vectors]") {
  using model::OpKind;
  model::Graph graph;
  model::Tensor codes, real;
  codes.quantization.scale = {0.25f};
  real.type = model::DataType::kFloat32;
  graph.tensors = {codes, codes, real, real, real};
  const auto op = [](OpKind kind, std::vector<int> in, int out) {
    model::Op o;
    o.kind = kind;
    o.inputs = std::move(in);
    o.outputs = {out};
    return o;
  };
  graph.ops = {op(OpKind::kDequantize, {0}, 2), op(OpKind::kDequantize, {1}, 3),
               op(OpKind::kConcatenation, {2, 3}, 4)};
  CHECK(float_output(graph, 4).scale == 0.25f);
  graph.tensors[1].quantization.scale = {0.5f};
  CHECK(float_output(graph, 4).scale == 0);
}

TEST_CASE("read_vectors reads .npy and raw tensors", "[reference][vectors]") {
  const Scratch scratch("good");
  fill(scratch.folder, kManifest);
  const VectorSet set = read_vectors(scratch.folder);
  CHECK(set.model == "m.tflite");
  CHECK(set.version == "1.2.0");
  REQUIRE(set.cases.size() == 1);
  CHECK(set.cases[0].inputs[0].bytes == std::vector<std::uint8_t>{1, 2});
  CHECK(set.cases[0].outputs[0].bytes == std::vector<std::uint8_t>{3, 4});
  CHECK(set.cases[0].outputs[0].dtype == "i1");
  REQUIRE(set.layers.at(0).tensors.size() == 1);  // the layer without a file has no value
  CHECK(set.layers[0].tensors[0].tensor == 1);
}

TEST_CASE("inputs of another runtime's folder are found one folder up", "[reference][vectors]") {
  const Scratch scratch("up");
  fill(scratch.folder, kManifest);
  fs::create_directories(scratch.folder / "litert-2.3.0");
  write_file(scratch.folder / "litert-2.3.0" / "manifest.json",
             replaced(kManifest, "1.2.0", "2.3.0"));
  const VectorSet set = read_vectors(scratch.folder / "litert-2.3.0");
  CHECK(set.cases[0].inputs[0].bytes == std::vector<std::uint8_t>{1, 2});
  CHECK(set.policy.fully_connected == Rounding::kSingle);
}

namespace {

/// Two cases along the leading axis of each array, layers in a file of bytes.
const std::string kStacked = R"({"inputs": [{"name": "x", "file": "in0.npy"}],
  "outputs": [{"name": "y", "file": "out0.npy"}],
  "cases": [{"id": "a", "label": 1}, {"id": "b", "labels": [0, 3]}],
  "layers": {"case": "b", "file": "layers.npy", "tensors": [
    {"op_index": 3, "op": "ADD", "tensor": "z", "dtype": "int32", "shape": [2], "offset": 1}]}})";

void fill_stacked(const fs::path& folder, const std::string& manifest) {
  write_npy(folder / "in0.npy", {"i1", {2, 1, 3}, {1, 2, 3, 4, 5, 6}});
  write_npy(folder / "out0.npy", {"i2", {2, 1}, {7, 0, 8, 0}});
  write_npy(folder / "layers.npy", {"u1", {9}, {9, 1, 0, 0, 0, 2, 0, 0, 0}});
  write_file(folder / "manifest.json", manifest);
}

}  // namespace

TEST_CASE("read_vectors takes cases from a leading axis", "[reference][vectors]") {
  const Scratch scratch("stacked");
  fill_stacked(scratch.folder, kStacked);
  const VectorSet set = read_vectors(scratch.folder);
  CHECK(set.model.empty());
  CHECK(set.package.empty());
  CHECK(set.policy.fully_connected == Rounding::kDouble);
  REQUIRE(set.cases.size() == 2);
  CHECK(set.cases[0].inputs.at(0).bytes == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(set.cases[1].inputs.at(0).bytes == std::vector<std::uint8_t>{4, 5, 6});
  CHECK(set.cases[1].inputs.at(0).shape == std::vector<std::int64_t>{1, 3});
  CHECK(set.cases[1].outputs.at(0).bytes == std::vector<std::uint8_t>{8, 0});
  CHECK(set.cases[0].labels == std::vector<std::int64_t>{1});
  CHECK(set.cases[1].labels == std::vector<std::int64_t>{0, 3});
  REQUIRE(set.layers.at(0).tensors.size() == 1);
  CHECK(set.layers[0].tensors[0].value.dtype == "i4");
  CHECK(set.layers[0].tensors[0].value.bytes == std::vector<std::uint8_t>{1, 0, 0, 0, 2, 0, 0, 0});
}

TEST_CASE("stacks that do not fit their cases are refused", "[reference][vectors][error]") {
  struct Row {
    std::string from, to, message;
  };
  const auto row = GENERATE(
      Row{", {\"id\": \"b\", \"labels\": [0, 3]}", "",
          "inputs[0]: file has the shape [2, 1, 3], but its leading axis must have an element for "
          "each of 1 cases"},
      Row{"out0.npy", "none.npy", "outputs[0]: file names a file that cannot be read"},
      Row{"\"offset\": 1", "\"offset\": 2",
          "offset is 2, but the file does not contain 8 bytes from there"},
      Row{"\"offset\": 1", "\"offset\": -1", "offset is -1"},
      Row{"\"shape\": [2]", "\"shape\": [268435456, 268435456]", "makes the tensor too large"},
      Row{"\"label\": 1", "\"label\": \"cat\"", "cases[0]: label is not a whole number"});
  CAPTURE(row.from, row.to);
  const Scratch scratch("unstacked");
  fill_stacked(scratch.folder, replaced(kStacked, row.from, row.to));
  CHECK_THROWS_WITH(read_vectors(scratch.folder), ContainsSubstring(row.message));
}

TEST_CASE("the runtime's version decides the rounding", "[reference][vectors]") {
  CHECK(policy_of("ai-edge-litert", "1.2.0").fully_connected == Rounding::kDouble);
  CHECK(policy_of("ai-edge-litert", "1.3.0").fully_connected == Rounding::kSingle);
  CHECK(policy_of("ai-edge-litert", "2.0").fully_connected == Rounding::kSingle);
  CHECK(policy_of("ai-edge-litert", "2.3.0").others == Rounding::kDouble);
  CHECK(policy_of("onnxruntime", "1.31.1").fully_connected == Rounding::kDouble);
  CHECK(policy_of("ai-edge-litert", "unknown").fully_connected == Rounding::kDouble);
}

TEST_CASE("malformed manifests are named with their key", "[reference][vectors][error]") {
  struct Row {
    std::string from, to, message;
  };
  const auto row = GENERATE(
      Row{"\"format\"", "format", "manifest.json: is not valid JSON"},
      Row{"\"m.tflite\"", "7", "manifest.json: model is not a string"},
      Row{"\"cases\"", "\"case\"", "manifest.json: cases is missing"},
      Row{"[{\"id\": \"a\"", "[7, {\"id\": \"a\"", "manifest.json: cases[0] is not an object"},
      Row{"\"id\"", "\"name\"", "manifest.json: cases[0]: id is missing"},
      Row{"[\"a_in0.npy\"]", "\"a_in0.npy\"", "cases[0]: inputs is not a list"},
      Row{"[\"a_in0.npy\"]", "[]", "cases[0]: inputs has 0 files, but the model has 1"},
      Row{"[\"a_in0.npy\"]", "[\"none.npy\"]",
          "cases[0]: inputs[0] names a file that cannot be read"},
      Row{"[\"a_in0.npy\"]", "[\"a_out0.bin\"]", "nothing"},
      Row{"\"tensor\": 1, \"dtype\": \"int8\"", "\"dtype\": \"int9\"", "dtype is 'int9', allowed"},
      Row{"\"tensor\": 1, \"dtype\": \"int8\", \"shape\": [2]",
          "\"dtype\": \"int8\", \"shape\": [3]", "outputs[0] has 2 bytes, but its shape needs 3"},
      Row{"\"tensor\": 1, \"dtype\": \"int8\", \"shape\": [2]",
          "\"dtype\": \"int8\", \"shape\": [-2]", "shape[0] is not an extent"},
      Row{"\"package\"", "\"p\"", "reference: package is missing"},
      Row{"\"op_index\": 0", "\"op_index\": 0.5", "op_index is not a whole number"});
  CAPTURE(row.from, row.to);
  const Scratch scratch("bad");
  fill(scratch.folder, replaced(kManifest, row.from, row.to));
  if (row.message == "nothing")
    CHECK_NOTHROW(read_vectors(scratch.folder));
  else
    CHECK_THROWS_WITH(read_vectors(scratch.folder), ContainsSubstring(row.message));
}

TEST_CASE("elements at ties must ascend and be inside of their tensor",
          "[reference][vectors][error]") {
  const Scratch scratch("ties");
  const auto read = [&](const std::string& ties) {
    fill(scratch.folder,
         replaced(kManifest, R"("name": "y",)", R"("name": "y", "ties": )" + ties + ","));
    return read_vectors(scratch.folder).layers.at(0).tensors.at(0).ties;
  };
  CHECK(read("[0, 1]") == std::vector<std::int64_t>{0, 1});
  CHECK_THROWS_WITH(read("[1, 0]"),
                    ContainsSubstring("layers: tensors[0]: ties[1] is 0, allowed ascending"));
  CHECK_THROWS_WITH(read("[2]"),
                    ContainsSubstring("ties[0] is 2, allowed ascending elements below 2"));
  CHECK_THROWS_WITH(read("[-1]"), ContainsSubstring("ties[0] is -1"));
}

TEST_CASE("a folder without manifest is named", "[reference][vectors][error]") {
  CHECK_THROWS_WITH(read_vectors("no/such/folder"),
                    ContainsSubstring("no/such/folder/manifest.json"));
}

TEST_CASE("vectors that do not fit the model are refused", "[reference][vectors][error]") {
  const Scratch scratch("fit");
  fill(scratch.folder, kManifest);
  VectorSet set = read_vectors(scratch.folder);
  model::Graph graph;
  graph.file = "m.tflite";
  graph.tensors.resize(2);
  for (model::Tensor& tensor : graph.tensors) tensor.shape = {2};
  graph.inputs = {0};
  graph.outputs = {1};
  CHECK_NOTHROW(check_vectors(set, graph));
  SECTION("shape") {
    graph.tensors[1].shape = {3};
    CHECK_THROWS_WITH(check_vectors(set, graph), ContainsSubstring("case a output 0 is int8 [2]"));
  }
  SECTION("count") {
    graph.inputs = {0, 0};
    CHECK_THROWS_WITH(check_vectors(set, graph), ContainsSubstring("case a input: 1 tensors"));
  }
  SECTION("a layer of another model") {
    set.layers[0].tensors[0].tensor = 9;
    CHECK_THROWS_WITH(check_vectors(set, graph), ContainsSubstring("tensor 9 does not exist"));
  }
}
