// SPDX-License-Identifier: Apache-2.0
//
// Tests the table of layer types, the merging of counters and the page of `trine regress`.

#include <algorithm>
#include <filesystem>
#include <set>

#include "components/regress/coverage.h"
#include "components/regress/layers.h"
#include "components/regress/page.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/model/graph/operators.h"

using namespace trine;
using namespace trine::regress;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Returns a design of odd sizes with all features.
spec::Config every_feature() {
  return spec::load_config(
      "edge256",
      {"array.rows=4", "array.cols=8", R"(array.precisions=["int8","ternary","binary"])",
       "array.weights4=true", "array.groups=true", "array.activations16=true", "array.formats=true",
       "memory.packed_weights=true", "memory.dmem_kib=32", "memory.pmem_kib=16"});
}

Row row(const Check& check, State state, const std::string& text) {
  Row r;
  r.check = &check;
  r.state = state;
  r.text = text;
  r.command = "trine regress --only " + check.name;
  return r;
}

}  // namespace

TEST_CASE("a design with all features supports each layer type, exact in each corner",
          "[regress]") {
  for (const LayerType& type : layer_types()) {
    const TypeResult result = run_type(type, every_feature(), fuzz::Backend::kArch, 1);
    CAPTURE(type.full_name(), result.reason);
    if (!result.failed.empty()) FAIL(result.failed[0].corner << ": " << result.failed[0].text);
    CHECK(result.exact > 0);
  }
}

TEST_CASE("each operator of the machine occurs in a layer type", "[regress]") {
  // The importers replace these by others, or the host computes them.
  const std::set<model::OpKind> elsewhere{model::OpKind::kBroadcastTo, model::OpKind::kExpandDims,
                                          model::OpKind::kSqueeze,     model::OpKind::kTable,
                                          model::OpKind::kUnknown,     model::OpKind::kOnnx};
  std::set<model::OpKind> found;
  for (const LayerType& type : layer_types())
    for (const Corner& corner : corners_of(every_feature()))
      for (const std::uint64_t seed : {0, 1, 2})
        for (const model::Op& op : layer_pair(type, corner, every_feature(), seed).graph.ops)
          found.insert(op.kind);
  for (std::size_t i = 0; i < model::kKinds; ++i) {
    const auto kind = static_cast<model::OpKind>(i);
    if (model::class_of(kind) == model::OpClass::kHost || elsewhere.contains(kind) ||
        model::facts_of(kind).numbers == model::Numbers::kFloats)
      continue;
    CAPTURE(model::name_of(kind));
    CHECK(found.contains(kind));
  }
}

TEST_CASE("layer types have different names, and sizes follow the array", "[regress]") {
  std::set<std::string> names;
  for (const LayerType& type : layer_types()) CHECK(names.insert(type.full_name()).second);
  const spec::Config config = spec::load_config("edge256", {"array.rows=12", "array.cols=20"});
  std::set<int> widths, channels;
  for (const Corner& c : corners_of(config)) {
    widths.insert(c.W);
    channels.insert(c.M);
  }
  for (const int width : {11, 12, 13}) CHECK(widths.contains(width));
  for (const int M : {19, 20, 21}) CHECK(channels.contains(M));
}

TEST_CASE("a layer whose graph cannot be built is a failure and leaves a folder", "[regress]") {
  LayerType broken{"test", "broken", [](fuzz::Builder&, const Corner&) {
                     throw std::runtime_error("no such layer");
                   }};
  const TypeResult result = run_type(broken, every_feature(), fuzz::Backend::kArch, 1);
  REQUIRE(result.failed.size() == corners_of(every_feature()).size());
  CHECK(result.failed[0].text == "no such layer");
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  keep_failure(result.failed[0], "test: broken", scratch.path().string());
  CHECK_THAT(read_text(scratch.path() / "layer.txt"), ContainsSubstring("no such layer"));
}

TEST_CASE("a type whose key is off is unsupported and names the key", "[regress]") {
  const auto& types = layer_types();
  const auto wide = std::ranges::find(types, "int16", &LayerType::group);
  REQUIRE(wide != types.end());
  const TypeResult result = run_type(*wide, spec::load_config("edge64"), fuzz::Backend::kArch, 1);
  CHECK(result.unsupported());
  CHECK(result.reason == "array.activations16 is off");
}

TEST_CASE("counters of several runs are merged, and lines of absent features removed",
          "[regress][coverage]") {
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  const std::string key =
      "C '\1f\2trine_x.sv\1l\2"
      "2\1page\2v_line/x\1S\2";
  write_file(scratch.path() / "a.dat", key + "2,4-5' 3\n" + key + "7-8' 0\n");
  write_file(scratch.path() / "b.dat", key + "7' 1\n" + key + "10-11' 0\n");
  write_file(
      scratch.path() / "trine_x.sv",
      "module trine_x;\n  a;\n\n  b;\n  c;\n\n  d;\n  e;\n\n  if (Int16 && f) begin\n    g;\n"
      "  end\nendmodule\n");
  Lines lines;
  add_counters(scratch.path(), lines);
  CHECK(lines["trine_x.sv"] ==
        std::map<int, bool>{
            {2, true}, {4, true}, {5, true}, {7, true}, {8, false}, {10, false}, {11, false}});
  Lines again;
  add_json(regress::to_json(lines), again);
  CHECK(again == lines);
  CHECK(excuse_features(scratch.path(), {"Formats"}, again) == 0);
  CHECK(excuse_features(scratch.path(), {"Int16"}, again) == 2);
  const auto holes = missed(scratch.path(), again);
  REQUIRE(holes.size() == 1);
  CHECK(holes[0].line == 8);
  CHECK(holes[0].text == "e;");
}

TEST_CASE("the page begins with the verdict and what was not checked", "[regress][page]") {
  Check good, bad, absent;
  good.name = "good";
  bad.name = "bad";
  absent.name = "absent";
  good.stage = bad.stage = absent.stage = "stage <1>";
  Page page;
  page.design = "edge64";
  page.rows = {row(good, State::kPassed, "5 things"), row(absent, State::kExcused, "no tool")};
  CHECK(page.verdict() == "PASSED: 1 checks of edge64");
  CHECK(
      to_text(page, 80).starts_with("PASSED: 1 checks of edge64\nNot checked (1):\n  absent (no "
                                    "tool)\n"));
  page.rows.push_back(row(bad, State::kFailed, "a < b"));
  CHECK(page.verdict() == "FAILED: 1 of 2 checks of edge64: bad");
  CHECK_THAT(to_text(page, 80), ContainsSubstring("repeat: trine regress --only bad"));
  CHECK_THAT(to_html(page), ContainsSubstring("a &lt; b"));
  CHECK_THAT(to_junit(page), ContainsSubstring("<failure message=\"a &lt; b\">"));
  CHECK_THAT(to_junit(page), ContainsSubstring("<skipped message=\"no tool\"/>"));
  CHECK(regress::to_json(page)["verdict"] == "failed");
  page.interrupted = true;
  CHECK(page.verdict().starts_with("INTERRUPTED, FAILED"));
}
