// SPDX-License-Identifier: Apache-2.0
//
// Tests each attribute of each operator of both importers, with the model of this repository in
// which it matters: tests/attributes.tsv. The attribute is changed in the file's bytes, so that
// importer and golden layer are tested together. The changed model must be refused or give other
// outputs (the outputs of the unchanged model are LiteRT's, ONNX Runtime's or qonnx's). The test
// fails for an attribute that the importer does not read, reads from its neighbour, or replaces by
// its default.

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/attributes_testing.h"
#include "sw/reference/golden.h"
#include "sw/reference/vectors/vectors.h"
#include "tflite_generated.h"

using namespace trine;
using namespace trine::reference;
using namespace trine::reference::testing;
namespace fs = std::filesystem;

namespace {

/// Returns the outputs of the first recorded case, or the reason why the bytes are refused.
std::string outcome(const Bytes& bytes, bool onnx, const std::vector<Array>& inputs) try {
  const model::Graph graph =
      onnx ? model::parse_onnx(bytes, "m", true) : model::parse_tflite(bytes, "m", true);
  std::string text;
  for (const Array& output : outputs_of(graph, run_graph(graph, inputs)))
    text += fmt::format("{} {} ", output.dtype, output.bytes.size()) +
            std::string(output.bytes.begin(), output.bytes.end());
  return text;
} catch (const Error& error) {
  return std::string("refused: ") + error.what();
}

/// A row of tests/attributes.tsv. It may have a reason instead of a model if no change can be
/// noticed.
struct Row {
  std::string importer, type, attribute, model;

  std::string key() const { return importer + " " + type + " " + attribute; }
};

const fs::path kTests = fs::path(TRINE_SOURCE_DIR) / "tests";

std::vector<Row> read_rows() {
  std::vector<Row> rows;
  std::ifstream file(kTests / "attributes.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Row row;
    std::getline(fields, row.importer, '\t');
    std::getline(fields, row.type, '\t');
    std::getline(fields, row.attribute, '\t');
    std::getline(fields, row.model, '\t');
    rows.push_back(row);
  }
  return rows;
}

/// A model, and the attributes of its nodes.
class Subject {
 public:
  explicit Subject(const model::Sample& sample)
      : onnx_(sample.file.extension() == ".onnx"), bytes_(read_file(sample.file)) {
    if (!fs::exists(sample.vectors)) return;  // only its attributes are read
    inputs_ = read_vectors(sample.vectors).cases.at(0).inputs;
    expected_ = outcome(bytes_, onnx_, inputs_);
  }

  const std::string& reason() const { return expected_; }
  bool runs() const { return !expected_.empty() && !expected_.starts_with("refused"); }

  /// Calls `visit` with type and variant for each attribute.
  void each(const std::function<void(const std::string&, const Variant&)>& visit) const {
    if (onnx_) return each_of(OnnxFile(bytes_), visit);
    each_of(TfliteFile(bytes_), visit);
  }

  /// Returns true if all changed values change the outputs, and equivalent values do not.
  bool notices(const Variant& v) const {
    const std::string base = v.base.empty() ? expected_ : outcome(v.base, onnx_, inputs_);
    const auto same = [&](const Bytes& bytes) { return outcome(bytes, onnx_, inputs_) == base; };
    return !v.changed.empty() && std::none_of(v.changed.begin(), v.changed.end(), same) &&
           std::all_of(v.alike.begin(), v.alike.end(), same);
  }

 private:
  template <typename File>
  void each_of(File file,
               const std::function<void(const std::string&, const Variant&)>& visit) const {
    for (std::size_t i = 0; i < file.nodes(); ++i)
      for (const Variant& v : file.variants(i)) visit(file.type(i), v);
  }

  bool onnx_;
  Bytes bytes_;
  std::vector<Array> inputs_;
  std::string expected_;
};

std::vector<model::Sample> shipped_models() {
  std::vector<model::Sample> samples;
  for (const char* folder : {"layers", "operators", "networks"})
    for (const model::Sample& s : model::own_samples(folder)) samples.push_back(s);
  for (const char* folder : {"onnx", "onnx/approximate", "onnx/host", "onnx/nodes", "lowbit"})
    for (const model::Sample& s : model::own_samples(folder, ".onnx")) samples.push_back(s);
  std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) {
    return fs::file_size(a.file) < fs::file_size(b.file);
  });
  return samples;
}

/// Returns "tflite", "onnx", or "host" for the float32 nodes of ONNX, which are computed elsewhere.
std::string importer_of(const fs::path& file) {
  const std::string folder = file.parent_path().filename();
  if (folder == "host" || folder == "nodes") return "host";
  return file.extension() == ".onnx" ? "onnx" : "tflite";
}

}  // namespace

TEST_CASE("each attribute of each operator matters in the model that the table names",
          "[reference][attributes]") {
  std::map<std::string, std::map<std::string, Row>> by_model;
  for (const Row& row : read_rows())
    if (row.model.rfind("- ", 0) != 0) by_model[row.model][row.key()] = row;
  REQUIRE(by_model.size() > 10);
  for (auto& [name, rows] : by_model) {
    const Subject subject(model::own_sample(name));
    CAPTURE(name);
    if (!subject.runs()) {
      FAIL_CHECK(subject.reason());
      continue;
    }
    subject.each(
        [&, importer = importer_of(name), &rows = rows](const std::string& type, const Variant& v) {
          const auto row = rows.find(importer + " " + type + " " + v.attribute);
          if (row != rows.end() && subject.notices(v)) rows.erase(row);
        });
    for (const auto& [key, row] : rows)
      FAIL_CHECK(key << ": another value in " << name << " changes nothing");
  }
}

TEST_CASE("the table has each attribute of the shipped models' operators",
          "[reference][attributes]") {
  std::set<std::string> listed, seen;
  for (const Row& row : read_rows()) CHECK(listed.insert(row.key()).second);
  for (const model::Sample& sample : shipped_models())
    Subject({sample.file, {}}).each([&](const std::string& type, const Variant& v) {
      const std::string key = importer_of(sample.file) + " " + type + " " + v.attribute;
      if (seen.insert(key).second && listed.count(key) == 0)
        FAIL_CHECK(key << " (" << sample.name() << ") is not in tests/attributes.tsv");
    });
  for (const std::string& key : listed) {
    CAPTURE(key);
    CHECK(seen.count(key) == 1);
  }
}

/// Fields of the importer's schema that are not in the list, with the reason.
const std::map<std::string, std::string> kUnread{
    {"ActivationOptions.pot_scale_int16", "refused where it counts: import_test"},
    {"StridedSliceOptions.offset", "refused: import_test"},
    {"ReshapeOptions.new_shape", "the output's shape says it"},
    {"ResizeBilinearOptions.new_height", "of files before 2018"},
    {"ResizeBilinearOptions.new_width", "of files before 2018"},
    {"DepthwiseConv2DOptions.depth_multiplier", "the shapes say it"},
    {"PackOptions.values_count", "the inputs say it"},
    {"UnpackOptions.num", "the outputs say it"}};

TEST_CASE("each field of TFLite's options is in a list of this test", "[reference][attributes]") {
  std::ifstream schema(fs::path(TRINE_SOURCE_DIR) / "sw/model/tflite/tflite.fbs");
  std::map<std::string, std::vector<std::string>> tables;
  std::map<std::string, std::vector<Field>> lists;
  std::string table;
  for (std::string line; std::getline(schema, line);) {
    std::istringstream words(line);
    std::string first, second;
    words >> first >> second;
    if (first == "table") table = second;
    if (first == "union") table.clear();
    if (first.back() == ':' && table.find("Options") != std::string::npos)
      tables[table].push_back(first.substr(0, first.size() - 1));
  }
  for (int code = 0; code < 256; ++code) {
    const auto fields = fields_of(static_cast<format::Options>(code));
    if (!fields.empty())
      lists[format::EnumNameOptions(static_cast<format::Options>(code))] = fields;
  }
  for (const char* kind : {"Add", "Sub", "Mul", "Div"})
    CHECK(lists.count(std::string(kind) + "Options") == 1);
  lists["ActivationOptions"] = lists["AddOptions"];
  REQUIRE(tables.size() > 20);
  for (const auto& [name, fields] : tables)
    for (const std::string& field : fields) {
      CAPTURE(name, field);
      const auto& list = lists[name];
      CHECK(std::any_of(list.begin(), list.end(), [&](const Field& f) {
              return f.name == field;
            }) != (kUnread.count(name + "." + field) == 1));
    }
}

TEST_CASE("unsupported attributes are refused", "[reference][attributes][error]") {
  const Bytes bytes = read_file(kTests / "onnx/host/attributes.onnx");
  onnx::ModelProto model;
  REQUIRE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const auto with = [&](const std::string& type, const std::string& name, int value,
                        const std::string& text) {
    onnx::ModelProto changed = model;
    for (auto& node : *changed.mutable_graph()->mutable_node())
      if (node.op_type() == type) {
        auto* attribute = node.add_attribute();
        attribute->set_name(name);
        attribute->set_i(value);
        attribute->set_s(text);
        break;
      }
    const std::string out = changed.SerializeAsString();
    return outcome({out.begin(), out.end()}, true, {});
  };
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(with("QuantizeLinear", "output_dtype", 3, ""),
             ContainsSubstring("output_dtype 3, allowed 0"));
  CHECK_THAT(with("DequantizeLinear", "block_size", 4, ""),
             ContainsSubstring("block_size 4 of activations, allowed 0"));
  CHECK_THAT(with("Resize", "keep_aspect_ratio_policy", 0, "other"),
             ContainsSubstring("Resize: keep_aspect_ratio_policy other than stretch"));
}

/// Prints a new table: the smallest model that shows each attribute.
TEST_CASE("survey of attributes", "[.survey]") {
  std::map<std::string, std::string> witness;
  for (const model::Sample& sample : shipped_models()) {
    const Subject subject(sample);
    if (!subject.runs()) continue;
    subject.each([&](const std::string& type, const Variant& v) {
      std::string& model = witness[importer_of(sample.file) + "\t" + type + "\t" + v.attribute];
      if (model.empty() && subject.notices(v)) model = fs::relative(sample.file, kTests).string();
    });
  }
  for (const auto& [key, model] : witness)
    fmt::print("{}\t{}\n", key, model.empty() ? "- nothing shows it" : model);
}
