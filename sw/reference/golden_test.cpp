// SPDX-License-Identifier: Apache-2.0
//
// The reference against recorded LiteRT vectors: an oracle that shares no line with it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

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

}  // namespace

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
