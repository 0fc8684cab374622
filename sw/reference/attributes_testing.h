// SPDX-License-Identifier: Apache-2.0
//
// Finds the attributes in the bytes of a TFLite or ONNX model, and makes variants of the file with
// other values.

#pragma once

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sw/base/error.h"
#include "sw/model/graph/graph.h"
#include "tflite_generated.h"

namespace trine::reference::testing {

namespace format = trine::model::format;
using Attribute = onnx::AttributeProto;

using Bytes = std::vector<std::uint8_t>;

/// An attribute of a node, and variants of the file with other values. Each variant must be
/// noticed.
struct Variant {
  std::string attribute;  ///< "stride_w", or for a choice "padding=SAME"
  std::vector<Bytes> changed;
  std::vector<Bytes> alike{};  ///< variants that must give the same results
  Bytes base{};                ///< file that variants are compared with; empty: the original file
};

inline const std::vector<std::string> kPaddings{"SAME", "VALID"};

inline const std::vector<std::string> kActivations{"NONE", "RELU", "RELU_N1_TO_1", "RELU6"};

inline const std::vector<std::string> kModes{"REFLECT", "SYMMETRIC"};

/// A field of an options table. `choices` contains the names of the field's values, and is null if
/// the field is a number.
struct Field {
  std::string name;
  std::function<double(const format::OperatorT&)> get;
  std::function<void(format::OperatorT&, double)> set;
  const std::vector<std::string>* choices = nullptr;
  bool is_bool = false, is_float = false;
};

/// Makes a field.
/// @param choices  names of its values; null for a number
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

/// Returns the fields of each table of options.
inline std::vector<Field> fields_of(format::Options table) {
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

inline Bytes packed(const format::ModelT& model) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(format::Model::Pack(builder, &model), format::ModelIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

/// Returns the partner of a field: "stride_w" for "stride_h", or "" for fields without one.
inline std::string partner(const std::string& name) {
  if (name.size() < 2 || name[name.size() - 2] != '_') return "";
  if (name.back() != 'h' && name.back() != 'w') return "";
  return name.substr(0, name.size() - 1) + (name.back() == 'h' ? "w" : "h");
}

/// Returns wrong values of the field, which a test must notice.
inline std::vector<double> others(const Field& f, const std::vector<Field>& all,
                                  format::OperatorT& op) {
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

/// Makes variants of a TFLite file.
class TfliteFile {
 public:
  explicit TfliteFile(const Bytes& bytes) { format::GetModel(bytes.data())->UnPackTo(&model_); }

  std::size_t nodes() { return ops().size(); }
  /// Returns the type of operator `i`. The names are listed here again, because the importer's
  /// table of names is also under test.
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

/// Returns the possible values of a text attribute, or none if the text is not a choice.
inline std::vector<std::string> choices_of(const std::string& type, const std::string& attribute) {
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

/// Returns true if an integer attribute is a flag: 0 or 1.
inline bool is_switch(const std::string& attribute) {
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

/// Returns wrong values of the attribute, which a test must notice.
inline std::vector<Attribute> others(const std::string& type, const Attribute& a) {
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

/// Makes variants of an ONNX file.
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
  /// Returns the file with that attribute, or without one of that name.
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

}  // namespace trine::reference::testing
