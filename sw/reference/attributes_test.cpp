// SPDX-License-Identifier: Apache-2.0
//
// Each attribute of each operator of both importers, with the model of this repository in which it
// matters: tests/attributes.tsv. The attribute is changed in the file's bytes, so that importer and
// golden layer are looked at together: the changed model must be refused or give other outputs
// (those of the model as it is are LiteRT's, ONNX Runtime's or qonnx's). An attribute that the
// importer does not read, reads from its neighbour, or takes for its default falls here.

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "sw/model/testing.h"
#include "sw/reference/run.h"
#include "sw/reference/vectors/vectors.h"
#include "tflite_generated.h"

using namespace trine;
using namespace trine::reference;
namespace format = trine::model::format;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// An attribute as a node has it, and the file with other values of it: each has to be noticed.
struct Variant {
  std::string attribute;  ///< "stride_w", or of a choice "padding=SAME"
  std::vector<Bytes> changed;
  std::vector<Bytes> alike{};  ///< these have to be the same
  Bytes base{};                ///< what they are compared with; empty: the file as it is
};

/// The outputs on the first recorded case, or why the bytes are refused.
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

// ---- TFLite

const std::vector<std::string> kPaddings{"SAME", "VALID"};
const std::vector<std::string> kActivations{"NONE", "RELU", "RELU_N1_TO_1", "RELU6"};
const std::vector<std::string> kModes{"REFLECT", "SYMMETRIC"};

/// A field of an options table. @param choices  names of its values, none of a number
struct Field {
  std::string name;
  std::function<double(const format::OperatorT&)> get;
  std::function<void(format::OperatorT&, double)> set;
  const std::vector<std::string>* choices = nullptr;
  bool is_bool = false, is_float = false;
};

/// @pre the operator's options are of that table
template <typename Table, typename T>
Field field(const char* name, T Table::*member, const std::vector<std::string>* choices = nullptr) {
  return {name,
          [=](const format::OperatorT& op) {
            return static_cast<double>(static_cast<Table*>(op.options.value)->*member);
          },
          [=](format::OperatorT& op, double value) {
            static_cast<Table*>(op.options.value)->*member = static_cast<T>(value);
          },
          choices,
          std::is_same_v<T, bool>,
          std::is_same_v<T, float>};
}

template <typename Table>
std::vector<Field> window_fields(std::vector<Field> more = {}) {
  std::vector<Field> list{field("padding", &Table::padding, &kPaddings),
                          field("stride_w", &Table::stride_w), field("stride_h", &Table::stride_h),
                          field("activation", &Table::activation, &kActivations)};
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

template <typename Table>
std::vector<Field> dilated_fields(std::vector<Field> more = {}) {
  more.push_back(field("dilation_w", &Table::dilation_w));
  more.push_back(field("dilation_h", &Table::dilation_h));
  return window_fields<Table>(more);
}

/// The fields of each table of options.
std::vector<Field> fields_of(format::Options table) {
  using namespace format;
  const Field activation = field("activation", &ActivationOptionsT::activation, &kActivations);
  switch (table) {
    case Options_Conv2DOptions:
      return dilated_fields<Conv2DOptionsT>();
    case Options_DepthwiseConv2DOptions:
      return dilated_fields<DepthwiseConv2DOptionsT>();
    case Options_TransposeConvOptions:
      return window_fields<TransposeConvOptionsT>();
    case Options_Pool2DOptions:
      return window_fields<Pool2DOptionsT>({field("filter_w", &Pool2DOptionsT::filter_w),
                                            field("filter_h", &Pool2DOptionsT::filter_h)});
    case Options_FullyConnectedOptions:
      return {field("activation", &FullyConnectedOptionsT::activation, &kActivations),
              field("weights_format", &FullyConnectedOptionsT::weights_format),
              field("keep_num_dims", &FullyConnectedOptionsT::keep_num_dims)};
    case Options_SoftmaxOptions:
      return {field("beta", &SoftmaxOptionsT::beta)};
    case Options_ConcatenationOptions:
      return {field("axis", &ConcatenationOptionsT::axis),
              field("activation", &ConcatenationOptionsT::activation, &kActivations)};
    case Options_AddOptions:
    case Options_SubOptions:
    case Options_MulOptions:
    case Options_DivOptions:
    case Options_L2NormOptions:
      return {activation};
    case Options_SvdfOptions:
      return {field("rank", &SvdfOptionsT::rank)};
    case Options_OneHotOptions:
      return {field("axis", &OneHotOptionsT::axis)};
    case Options_ReverseSequenceOptions:
      return {field("seq_dim", &ReverseSequenceOptionsT::seq_dim),
              field("batch_dim", &ReverseSequenceOptionsT::batch_dim)};
    case Options_CumsumOptions:
      return {field("exclusive", &CumsumOptionsT::exclusive),
              field("reverse", &CumsumOptionsT::reverse)};
    case Options_ReducerOptions:
      return {field("keep_dims", &ReducerOptionsT::keep_dims)};
    case Options_StridedSliceOptions:
      return {field("begin_mask", &StridedSliceOptionsT::begin_mask),
              field("end_mask", &StridedSliceOptionsT::end_mask),
              field("ellipsis_mask", &StridedSliceOptionsT::ellipsis_mask),
              field("new_axis_mask", &StridedSliceOptionsT::new_axis_mask),
              field("shrink_axis_mask", &StridedSliceOptionsT::shrink_axis_mask)};
    case Options_ResizeBilinearOptions:
      return {field("align_corners", &ResizeBilinearOptionsT::align_corners),
              field("half_pixel_centers", &ResizeBilinearOptionsT::half_pixel_centers)};
    case Options_ResizeNearestOptions:
      return {field("align_corners", &ResizeNearestOptionsT::align_corners),
              field("half_pixel_centers", &ResizeNearestOptionsT::half_pixel_centers)};
    case Options_PackOptions:
      return {field("axis", &PackOptionsT::axis)};
    case Options_UnpackOptions:
      return {field("axis", &UnpackOptionsT::axis)};
    case Options_SpaceToDepthOptions:
      return {field("block_size", &SpaceToDepthOptionsT::block_size)};
    case Options_DepthToSpaceOptions:
      return {field("block_size", &DepthToSpaceOptionsT::block_size)};
    case Options_MirrorPadOptions:
      return {field("mode", &MirrorPadOptionsT::mode, &kModes)};
    case Options_LeakyReluOptions:
      return {field("alpha", &LeakyReluOptionsT::alpha)};
    case Options_BatchMatMulOptions:
      return {field("adjoint_a", &BatchMatMulOptionsT::adjoint_a),
              field("adjoint_b", &BatchMatMulOptionsT::adjoint_b)};
    case Options_GeluOptions:
      return {field("approximate", &GeluOptionsT::approximate)};
    case Options_GatherOptions:
      return {field("axis", &GatherOptionsT::axis),
              field("batch_dims", &GatherOptionsT::batch_dims)};
    case Options_LstmOptions:
      return {field("activation", &LstmOptionsT::activation),
              field("cell_clip", &LstmOptionsT::cell_clip),
              field("proj_clip", &LstmOptionsT::proj_clip),
              field("time_major", &LstmOptionsT::time_major)};
    default:
      return {};
  }
}

Bytes packed(const format::ModelT& model) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(format::Model::Pack(builder, &model), format::ModelIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

/// The partner of "stride_h": "stride_w"; "" of fields without one.
std::string partner(const std::string& name) {
  if (name.size() < 2 || name[name.size() - 2] != '_') return "";
  if (name.back() != 'h' && name.back() != 'w') return "";
  return name.substr(0, name.size() - 1) + (name.back() == 'h' ? "w" : "h");
}

/// Values that a field shall not be mistaken for.
std::vector<double> others(const Field& f, const std::vector<Field>& all, format::OperatorT& op) {
  const double value = f.get(op);
  if (f.is_bool) return {1 - value};
  if (f.is_float) return {value * 1.5 + 0.25};
  std::vector<double> result;
  if (f.choices != nullptr) {
    for (std::size_t i = 0; i < f.choices->size(); ++i)
      if (static_cast<double>(i) != value) result.push_back(static_cast<double>(i));
    return result;
  }
  result = {value + 1};
  for (const Field& other : all)
    if (other.name == partner(f.name)) result.push_back(other.get(op));
  return result;
}

class TfliteFile {
 public:
  explicit TfliteFile(const Bytes& bytes) { format::GetModel(bytes.data())->UnPackTo(&model_); }

  std::size_t nodes() { return ops().size(); }
  /// By the format's number: the importer's table of names is under test as well.
  std::string type(std::size_t i) {
    static const std::map<int, std::string> names{{0, "ADD"},
                                                  {1, "AVERAGE_POOL_2D"},
                                                  {2, "CONCATENATION"},
                                                  {3, "CONV_2D"},
                                                  {4, "DEPTHWISE_CONV_2D"},
                                                  {5, "DEPTH_TO_SPACE"},
                                                  {9, "FULLY_CONNECTED"},
                                                  {11, "L2_NORMALIZATION"},
                                                  {17, "MAX_POOL_2D"},
                                                  {18, "MUL"},
                                                  {23, "RESIZE_BILINEAR"},
                                                  {25, "SOFTMAX"},
                                                  {26, "SPACE_TO_DEPTH"},
                                                  {27, "SVDF"},
                                                  {36, "GATHER"},
                                                  {40, "MEAN"},
                                                  {41, "SUB"},
                                                  {42, "DIV"},
                                                  {44, "UNIDIRECTIONAL_SEQUENCE_LSTM"},
                                                  {45, "STRIDED_SLICE"},
                                                  {67, "TRANSPOSE_CONV"},
                                                  {74, "SUM"},
                                                  {81, "REDUCE_PROD"},
                                                  {82, "REDUCE_MAX"},
                                                  {83, "PACK"},
                                                  {85, "ONE_HOT"},
                                                  {88, "UNPACK"},
                                                  {89, "REDUCE_MIN"},
                                                  {91, "REDUCE_ANY"},
                                                  {97, "RESIZE_NEAREST_NEIGHBOR"},
                                                  {98, "LEAKY_RELU"},
                                                  {100, "MIRROR_PAD"},
                                                  {112, "REVERSE_SEQUENCE"},
                                                  {126, "BATCH_MATMUL"},
                                                  {128, "CUMSUM"},
                                                  {140, "REDUCE_ALL"},
                                                  {150, "GELU"}};
    const auto& code = *model_.operator_codes.at(ops()[i]->opcode_index);
    return names.at(std::max<int>(code.builtin_code, code.deprecated_builtin_code));
  }
  std::vector<Variant> variants(std::size_t i) {
    std::vector<Variant> result;
    format::OperatorT& op = *ops()[i];
    const auto fields = fields_of(op.options.type);
    for (const Field& f : fields) {
      const double value = f.get(op);
      Variant v{f.name, {}};
      if (f.choices != nullptr) v.attribute += "=" + f.choices->at(static_cast<std::size_t>(value));
      for (const double other : others(f, fields, op)) {
        f.set(op, other);
        v.changed.push_back(packed(model_));
        f.set(op, value);
      }
      result.push_back(std::move(v));
    }
    return result;
  }

 private:
  std::vector<std::unique_ptr<format::OperatorT>>& ops() {
    return model_.subgraphs.at(0)->operators;
  }
  format::ModelT model_;
};

// ---- ONNX

/// The values of an attribute that is a choice; of other texts none.
std::vector<std::string> choices_of(const std::string& type, const std::string& attribute) {
  static const std::map<std::string, std::vector<std::string>> all{
      {"auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}},
      {"approximate", {"none", "tanh"}},
      {"direction", {"forward", "reverse", "bidirectional"}},
      {"equation", {"...i,ij->j...", "...i,ij->..."}},
      {"keep_aspect_ratio_policy", {"stretch", "not_larger", "not_smaller"}},
      {"DepthToSpace.mode", {"DCR", "CRD"}},
      {"Pad.mode", {"constant", "reflect", "edge"}},
      {"Resize.mode", {"nearest", "linear", "cubic"}},
      {"Upsample.mode", {"nearest", "linear"}},
      {"coordinate_transformation_mode",
       {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"}},
      {"nearest_mode", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
      {"rounding_mode", {"ROUND", "CEIL", "FLOOR"}},
      {"data_layout", {"NCHW", "NHWC"}}};
  for (const std::string& key : {type + "." + attribute, attribute})
    if (const auto found = all.find(key); found != all.end()) return found->second;
  return {};
}

using Attribute = onnx::AttributeProto;

/// Whether an integer means no or yes.
bool is_switch(const std::string& attribute) {
  static const std::set<std::string> all{"allowzero",
                                         "antialias",
                                         "ceil_mode",
                                         "center_point_box",
                                         "count_include_pad",
                                         "exclude_outside",
                                         "exclusive",
                                         "fmod",
                                         "input_forget",
                                         "keepdims",
                                         "largest",
                                         "layout",
                                         "linear_before_reset",
                                         "narrow",
                                         "noop_with_empty_axes",
                                         "reverse",
                                         "select_last_index",
                                         "signed",
                                         "sorted",
                                         "storage_order",
                                         "training_mode",
                                         "transA",
                                         "transB"};
  return all.count(attribute) != 0;
}

/// Values that an attribute shall not be mistaken for.
std::vector<Attribute> others(const std::string& type, const Attribute& a) {
  std::vector<Attribute> result;
  const auto add = [&](auto&& change) {
    result.push_back(a);
    change(result.back());
  };
  if (a.type() == Attribute::INT)
    add([](Attribute& b) { b.set_i(is_switch(b.name()) ? 1 - b.i() : b.i() + 1); });
  if (a.type() == Attribute::FLOAT) add([](Attribute& b) { b.set_f(b.f() * 1.5f + 0.25f); });
  for (int i = 0; i < a.ints_size(); ++i) {
    add([&](Attribute& b) { b.set_ints(i, b.ints(i) + 1); });
    if (i > 0 && a.ints(i) != a.ints(i - 1))
      add([&](Attribute& b) { b.mutable_ints()->SwapElements(i, i - 1); });
  }
  for (int i = 0; i < a.floats_size(); ++i)
    add([&](Attribute& b) { b.set_floats(i, b.floats(i) * 1.5f + 0.25f); });
  for (int i = 0; i < a.strings_size(); ++i)
    add([&](Attribute& b) { b.set_strings(i, b.strings(i) == "Sigmoid" ? "Elu" : "Sigmoid"); });
  if (a.type() == Attribute::STRING)
    for (const std::string& choice : choices_of(type, a.name()))
      if (choice != a.s() && !(a.s() == "VALID" && choice == "NOTSET"))  // without borders the same
        add([&](Attribute& b) { b.set_s(choice); });
  return result;
}

class OnnxFile {
 public:
  explicit OnnxFile(const Bytes& bytes) {
    REQUIRE(model_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    for (auto& import : *model_.mutable_opset_import())
      if (import.domain().empty()) opset_ = &import;
  }

  std::size_t nodes() { return static_cast<std::size_t>(model_.graph().node_size()); }
  std::string type(std::size_t i) { return node(i).op_type(); }

  std::vector<Variant> variants(std::size_t i) {
    std::vector<Variant> result;
    const onnx::NodeProto original = node(i);
    for (const Attribute& a : original.attribute()) {
      Variant v{a.name(), {}, {}};
      if (a.type() == Attribute::STRING) v.attribute += "=" + a.s();
      for (const Attribute& other : others(original.op_type(), a))
        v.changed.push_back(with(i, &other, a.name()));
      result.push_back(std::move(v));
    }
    const std::int64_t own = opset_->version();
    std::set<std::string> defaults;  // of this opset and, where they are others, of older ones
    for (std::int64_t version : {own, std::int64_t{12}}) {
      const auto* schema = onnx::OpSchemaRegistry::Schema(
          original.op_type(), static_cast<int>(std::min<std::int64_t>(version, 17)), "");
      if (schema == nullptr || version > own) continue;
      for (const auto& [name, facts] : schema->attributes()) {
        Attribute value = facts.default_value;
        if (value.type() == Attribute::UNDEFINED) continue;
        value.set_name(name);
        if (!defaults.insert(name + value.SerializeAsString()).second) continue;
        Variant v{name + " absent" + (version == own ? "" : fmt::format("@{}", version)), {}, {}};
        opset_->set_version(version);
        v.base = with(i, nullptr, name);
        v.alike.push_back(with(i, &value, name));
        for (const Attribute& other : others(original.op_type(), value))
          v.changed.push_back(with(i, &other, name));
        opset_->set_version(own);
        result.push_back(std::move(v));
      }
    }
    return result;
  }

 private:
  onnx::NodeProto& node(std::size_t i) {
    return *model_.mutable_graph()->mutable_node(static_cast<int>(i));
  }
  /// The file with that attribute, or with none of that name.
  Bytes with(std::size_t i, const Attribute* value, const std::string& name) {
    const onnx::NodeProto original = node(i);
    auto& list = *node(i).mutable_attribute();
    for (int k = list.size(); k-- > 0;)
      if (list.Get(k).name() == name) list.DeleteSubrange(k, 1);
    if (value != nullptr) *list.Add() = *value;
    const std::string text = model_.SerializeAsString();
    node(i) = original;
    return {text.begin(), text.end()};
  }

  onnx::ModelProto model_;
  onnx::OperatorSetIdProto* opset_ = nullptr;
};

// ---- The table

/// One row of tests/attributes.tsv. A reason in the place of the model: nothing to notice.
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

/// A model, and what its nodes' attributes are.
class Subject {
 public:
  explicit Subject(const model::Sample& sample)
      : onnx_(sample.file.extension() == ".onnx"), bytes_(read_file(sample.file)) {
    if (!fs::exists(sample.vectors)) return;  // looked at for its attributes alone
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

  /// Whether all changed values are noticed, and those that are the same are the same.
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

/// "tflite", "onnx", or "host" of the float32 nodes of ONNX, which are computed elsewhere.
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
    subject.each([&, importer = importer_of(name)](const std::string& type, const Variant& v) {
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

/// What the importer's schema has, but no list here: the reason.
const std::map<std::string, std::string> kUnread{
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

TEST_CASE("attributes that nobody computes are refused", "[reference][attributes][error]") {
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
  using Catch::Matchers::Contains;
  CHECK_THAT(with("QuantizeLinear", "output_dtype", 3, ""), Contains("output_dtype 3, allowed 0"));
  CHECK_THAT(with("DequantizeLinear", "block_size", 4, ""), Contains("block_size 4, allowed 0"));
  CHECK_THAT(with("Resize", "keep_aspect_ratio_policy", 0, "other"),
             Contains("Resize: keep_aspect_ratio_policy other than stretch"));
}

/// Prints the table anew: the smallest model that shows each attribute.
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
