// SPDX-License-Identifier: Apache-2.0
//
// The reference against recorded LiteRT vectors: an oracle that shares no line with it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <string>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/testing.h"
#include "sw/reference/run.h"
#include "sw/reference/vectors.h"

using namespace trine;
using namespace trine::reference;
namespace fs = std::filesystem;

namespace {

/// "" or the count of differing bytes and the first one.
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

const VectorCase& case_of(const VectorSet& set, const std::string& id) {
  return *std::find_if(set.cases.begin(), set.cases.end(),
                       [&](const VectorCase& c) { return c.id == id; });
}

/// Every case's outputs and every recorded layer, exactly.
void check_folder(const fs::path& folder, const fs::path& model) {
  CAPTURE(folder.string());
  const model::Graph graph = model::import_tflite(model);
  const VectorSet set = read_vectors(folder);
  check_vectors(set, graph);
  for (const VectorCase& c : set.cases) {
    const Values values = run_graph(graph, c.inputs, set.policy);
    const std::vector<Array> outputs = outputs_of(graph, values);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      CAPTURE(c.id, i);
      CHECK(difference(outputs[i], c.outputs[i]) == "");
    }
    if (c.id != set.layers_case) continue;
    for (const LayerVector& layer : set.layers) {
      CAPTURE(layer.op_index, layer.op, layer.name);
      CHECK(difference(values.at(layer.tensor), layer.value) == "");
    }
  }
}

std::vector<fs::path> tflite_models(const fs::path& folder) {
  std::vector<fs::path> models;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".tflite") models.push_back(entry.path());
  std::sort(models.begin(), models.end());
  return models;
}

/// Runs whatever the bytes hold on constant inputs, unless it is refused or large.
/// @return true if it ran
bool runs(const std::vector<std::uint8_t>& bytes) try {
  const model::Graph graph = model::parse_tflite(bytes, "m.tflite");
  model::check(graph);
  std::int64_t elements = 0;
  for (const model::Tensor& tensor : graph.tensors) elements += tensor.elements();
  for (const model::Op& op : graph.ops)  // taps of pooling windows are no MACs
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
  if (!model::shared_available()) return;
  const std::string name = GENERATE(
      "hello_world_int8", "mnist_valid_q", "layers/strided_slice", "layers/conv_grouped_g4",
      "layers/tconv_2x2_s2", "layers/batch_matmul_tb", "layers/pad", "layers/dw_3x3_d2",
      "layers/avgpool_3x3_s2_same", "layers/mean_hw", "layers/softmax_12", "layers/hard_swish",
      "layers/resize_bilinear_half", "layers/concat_c", "layers/squared_difference", "layers/rsqrt",
      "layers/leaky_relu", "layers/prelu");
  CAPTURE(name);
  const auto whole = read_file(model::shared_folder() / "models" / (name + ".tflite"));
  REQUIRE(runs(whole));
  std::mt19937 random{2};
  for (int i = 0; i < 200; ++i) {
    CAPTURE(i);
    auto bytes = whole;
    bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    CHECK_NOTHROW(runs(bytes));
  }
}

TEST_CASE("a damaged model of this repository that check() accepts can be run",
          "[reference][run][operators][error]") {
  std::mt19937 random{3};
  for (const fs::path& model : tflite_models(fs::path(TRINE_SOURCE_DIR) / "tests" / "operators")) {
    CAPTURE(model.string());
    const auto whole = read_file(model);
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
  if (!model::shared_available()) return;
  int checked = 0;
  for (const fs::path& model : tflite_models(model::shared_folder() / "models")) {
    const fs::path folder = model::shared_folder() / "golden" / model.stem();
    if (!fs::exists(folder)) continue;  // person_detect as published: LiteRT refuses it
    check_folder(folder, model);
    ++checked;
  }
  CHECK(checked >= 11);
}

TEST_CASE("person_detect as published equals its patched twin", "[reference][golden][models]") {
  if (!model::shared_available()) return;
  check_folder(model::shared_folder() / "golden" / "person_detect_qdim0",
               model::shared_folder() / "models" / "person_detect.tflite");
}

TEST_CASE("LiteRT 2.3.0 is exact with one rounding in FULLY_CONNECTED",
          "[reference][golden][rounding]") {
  if (!model::shared_available()) return;
  const fs::path folder = model::shared_folder() / "golden" / "ad01_int8" / "litert-2.3.0";
  CHECK(read_vectors(folder).policy.fully_connected == Rounding::kSingle);
  check_folder(folder, model::shared_folder() / "models" / "ad01_int8.tflite");
}

TEST_CASE("the rounding policy shows at the output", "[reference][golden][rounding]") {
  if (!model::shared_available()) return;
  const auto graph = model::import_tflite(model::shared_folder() / "models" / "ad01_int8.tflite");
  const VectorSet set = read_vectors(model::shared_folder() / "golden" / "ad01_int8");
  const VectorCase& c = case_of(set, "uniform131");
  const auto output = [&](RoundingPolicy policy) {
    return outputs_of(graph, run_graph(graph, c.inputs, policy)).at(0);
  };
  CHECK(difference(output(kDoublePolicy), c.outputs[0]) == "");
  CHECK(difference(output(kMixedPolicy), c.outputs[0]) != "");
  CHECK(difference(output(kSinglePolicy), output(kMixedPolicy)) == "");  // nothing but FC here
}

TEST_CASE("every single operator and block is exact", "[reference][golden][layers]") {
  if (!model::shared_available()) return;
  int checked = 0;
  for (const fs::path& model : tflite_models(model::shared_folder() / "models" / "layers")) {
    check_folder(model::shared_folder() / "golden" / "layers" / model.stem(), model);
    ++checked;
  }
  CHECK(checked == 78);
}

TEST_CASE("operators of this repository's models are exact", "[reference][golden][operators]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  int checked = 0;
  for (const fs::path& model : tflite_models(folder)) {
    check_folder(folder / model.stem(), model);
    ++checked;
  }
  CHECK(checked == 30);
}
