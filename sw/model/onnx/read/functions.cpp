// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/read/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "sw/base/error.h"

namespace trine::model::onnx_file {
namespace {

constexpr int kMostDepth = 32;
constexpr int kMostNodes = 1 << 20;

bool is_onnx(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using Key = std::pair<std::string, std::string>;

class Inliner {
 public:
  Inliner(const onnx::ModelProto& model, const std::string& file) : file_(file) {
    for (const auto& opset : model.opset_import())
      if (is_onnx(opset.domain())) opset_ = opset.version();
    for (const auto& function : model.functions())
      functions_[{function.domain(), function.name()}] = &function;
  }

  /// Appends the nodes, and the nodes of the functions that they call.
  void append(const Nodes& nodes, Nodes* to, int depth) {
    for (const auto& node : nodes) {
      const auto found = functions_.find({node.domain(), node.op_type()});
      if (found != functions_.end()) {
        call(node, *found->second, to, depth);
        continue;
      }
      if (to->size() >= kMostNodes) fail("its functions expand to more than {} nodes", kMostNodes);
      *to->Add() = node;
    }
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(file_ + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  void call(const onnx::NodeProto& node, const onnx::FunctionProto& function, Nodes* to,
            int depth) {
    const std::string label = function.domain() + "." + function.name();
    if (depth >= kMostDepth)
      fail("function {} calls itself, or calls more than {} levels deep", label, kMostDepth);
    for (const auto& opset : function.opset_import())
      if (is_onnx(opset.domain()) && opset.version() != opset_)
        fail("function {} has opset {}, but the model has {}: inline it (onnx.inliner)", label,
             opset.version(), opset_);
    std::map<std::string, std::string> names{{"", ""}};
    for (int i = 0; i < function.input_size(); ++i)
      names[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    for (int i = 0; i < function.output_size(); ++i)
      if (i < node.output_size() && !node.output(i).empty())
        names[function.output(i)] = node.output(i);
    const std::string prefix = fmt::format("{}:{}:", label, calls_++);
    const auto renamed = [&](const std::string& name) {
      return names.try_emplace(name, prefix + name).first->second;
    };
    Nodes body;
    for (const auto& inner : function.node()) {
      onnx::NodeProto& copy = *body.Add();
      copy = inner;
      for (std::string& name : *copy.mutable_input()) name = renamed(name);
      for (std::string& name : *copy.mutable_output()) name = renamed(name);
      set_attributes(node, function, inner, &copy);
    }
    append(body, to, depth + 1);
  }

  /// Replaces references to attributes of the function by the values of the call. An attribute that
  /// the call does not set is absent.
  static void set_attributes(const onnx::NodeProto& call, const onnx::FunctionProto& function,
                             const onnx::NodeProto& inner, onnx::NodeProto* copy) {
    copy->clear_attribute();
    for (const auto& attribute : inner.attribute()) {
      if (attribute.ref_attr_name().empty()) {
        *copy->add_attribute() = attribute;
        continue;
      }
      const auto give = [&](const auto& all) {
        const auto found = std::ranges::find_if(
            all, [&](const auto& a) { return a.name() == attribute.ref_attr_name(); });
        if (found == all.end()) return false;
        auto* given = copy->add_attribute();
        *given = *found;
        given->set_name(attribute.name());
        return true;
      };
      if (!give(call.attribute())) give(defaults_of(function));
    }
  }

  /// Returns default values of a function's attributes. ONNX 1.12 and earlier do not define them,
  /// so they are unknown fields there.
  static google::protobuf::RepeatedPtrField<onnx::AttributeProto> defaults_of(
      const onnx::FunctionProto& function) {
    constexpr int kAttributeProto = 11;
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> result;
    const auto& fields = function.unknown_fields();
    for (int i = 0; i < fields.field_count(); ++i)
      if (fields.field(i).number() == kAttributeProto &&
          fields.field(i).type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
        result.Add()->ParseFromString(fields.field(i).length_delimited());
    return result;
  }

  const std::string& file_;
  std::map<Key, const onnx::FunctionProto*> functions_;
  std::int64_t opset_ = 0;
  int calls_ = 0;
};

/// Operators that ONNX does not define, and the domains that define them. Writers of low-bit
/// networks omit the domain, because ONNX has no operators of these names.
struct Extension {
  std::string_view type;
  std::string_view domains;  ///< separated by spaces
};
constexpr std::string_view kLowBit =
    " finn finn.custom_op.general onnx.brevitas qonnx.custom_op.general ";
constexpr Extension kExtensions[] = {{"BipolarQuant", kLowBit},
                                     {"MultiThreshold", kLowBit},
                                     {"Quant", kLowBit},
                                     {"Spiking", " trine "}};
/// Operators of com.microsoft that equal ONNX's of the same name, or that the importer supports.
constexpr std::string_view kMicrosoft[] = {"DequantizeLinear",
                                           "Gelu",
                                           "GridSample",
                                           "MatMulNBits",
                                           "QGemm",
                                           "QLinearAdd",
                                           "QLinearAveragePool",
                                           "QLinearConcat",
                                           "QLinearGlobalAveragePool",
                                           "QLinearLeakyRelu",
                                           "QLinearMul",
                                           "QLinearReduceMean",
                                           "QLinearSigmoid",
                                           "QLinearSoftmax",
                                           "QLinearWhere",
                                           "QuantizeLinear",
                                           "SimplifiedLayerNormalization",
                                           "Trilu"};

}  // namespace

void inline_functions(onnx::ModelProto* model, const std::string& file) {
  if (model->functions_size() == 0) return;
  Nodes nodes;
  Inliner(*model, file).append(model->graph().node(), &nodes, 0);
  model->mutable_graph()->mutable_node()->Swap(&nodes);
}

std::string operator_name(const std::string& domain, const std::string& type) {
  for (const Extension& extension : kExtensions)
    if (extension.type == type && !domain.empty() &&
        extension.domains.find(" " + domain + " ") != std::string_view::npos)
      return type;
  if (is_onnx(domain)) return type;
  if (domain == "com.microsoft" && std::ranges::count(kMicrosoft, type) > 0) return type;
  return domain + "." + type;
}

}  // namespace trine::model::onnx_file
