// SPDX-License-Identifier: Apache-2.0
//
// Builds ONNX networks node by node, and runs the golden layers on them.

#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/reference/golden.h"

namespace trine::reference::testing {

using Floats = std::vector<float>;

/// Builds an ONNX model node by node.
class Builder {
 public:
  explicit Builder(std::vector<int> input) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    auto* info = model_.mutable_graph()->add_input();
    info->set_name("in");
    info->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    auto* shape = info->mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const int extent : input) shape->add_dim()->set_dim_value(extent);
  }

  std::string constant(const std::vector<int>& shape, const Floats& values,
                       int type = onnx::TensorProto::FLOAT) {
    auto* tensor = model_.mutable_graph()->add_initializer();
    tensor->set_name("c" + std::to_string(++count_));
    tensor->set_data_type(type);
    for (const int extent : shape) tensor->add_dims(extent);
    for (const float value : values) tensor->add_float_data(value);
    return tensor->name();
  }
  /// Adds floats that are in a file next to the model.
  std::string external(const std::vector<int>& shape, const std::string& location,
                       const std::string& offset) {
    const std::string name = constant(shape, {});
    auto* tensor =
        model_.mutable_graph()->mutable_initializer(model_.mutable_graph()->initializer_size() - 1);
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair{"location", location}, {"offset", offset}}) {
      auto* entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return name;
  }
  onnx::ModelProto* model() { return &model_; }
  std::string scalar(float value) { return constant({}, {value}); }

  onnx::NodeProto* node(const std::string& type, const std::vector<std::string>& inputs) {
    auto* result = model_.mutable_graph()->add_node();
    result->set_op_type(type);
    for (const std::string& input : inputs) result->add_input(input);
    result->add_output("t" + std::to_string(++count_));
    return result;
  }
  std::string op(const std::string& type, const std::vector<std::string>& inputs) {
    return node(type, inputs)->output(0);
  }

  std::string quant(const std::string& x, float scale, float bits, bool is_signed, bool narrow) {
    auto* n = node("Quant", {x, scalar(scale), scalar(0), scalar(bits)});
    for (const auto& [key, value] : {std::pair{"signed", is_signed}, {"narrow", narrow}}) {
      auto* attribute = n->add_attribute();
      attribute->set_name(key);
      attribute->set_i(value ? 1 : 0);
    }
    return n->output(0);
  }

  std::string norm(const std::string& type, const std::string& x, const Floats& gamma,
                   const Floats& beta, float epsilon) {
    std::vector<std::string> inputs{x, constant({static_cast<int>(gamma.size())}, gamma)};
    if (!beta.empty()) inputs.push_back(constant({static_cast<int>(beta.size())}, beta));
    auto* n = node(type, inputs);
    auto* attribute = n->add_attribute();
    attribute->set_name("epsilon");
    attribute->set_f(epsilon);
    return n->output(0);
  }

  /// Returns the file's bytes.
  /// @param declared  the output's shape, with 0 for an open extent; empty: the file does not
  /// declare it
  std::vector<std::uint8_t> bytes(const std::string& output,
                                  const std::vector<int>& declared = {}) {
    model_.mutable_graph()->clear_output();
    auto* info = model_.mutable_graph()->add_output();
    info->set_name(output);
    for (const int extent : declared) {
      auto* dim = info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim();
      if (extent > 0) dim->set_dim_value(extent);
    }
    const std::string text = model_.SerializeAsString();
    return {text.begin(), text.end()};
  }

 private:
  onnx::ModelProto model_;
  int count_ = 0;
};

/// A quantizer of activations with its codes.
struct Case {
  const char* name;
  float scale;
  int low, high;  ///< lowest and highest code; 0, 0: binary
  model::Encoding encoding;
};

inline float quantized(const Case& c, float x) {
  if (c.low == c.high) return x >= 0 ? c.scale : -c.scale;
  const float steps = std::rint(
      std::min(std::max(x / c.scale, static_cast<float>(c.low)), static_cast<float>(c.high)));
  return steps * c.scale;
}

inline Floats outputs(const model::Graph& graph, const Floats& x,
                      const std::vector<std::int64_t>& shape) {
  Array input{"f4", shape, std::vector<std::uint8_t>(x.size() * 4)};
  std::memcpy(input.bytes.data(), x.data(), input.bytes.size());
  const Array output = outputs_of(graph, run_graph(graph, {input})).at(0);
  Floats result(output.bytes.size() / 4);
  std::memcpy(result.data(), output.bytes.data(), output.bytes.size());
  return result;
}

inline std::string refusal(Builder* b, const std::string& output) try {
  model::check(model::parse_onnx(b->bytes(output), "m.onnx"));
  return "accepted";
} catch (const Error& error) {
  return error.what();
}

inline std::string mean(Builder* b, const std::string& x, int keepdims) {
  auto* n = b->node("ReduceMean", {x, b->constant({2}, {-1, -2})});
  auto* attribute = n->add_attribute();
  attribute->set_name("keepdims");
  attribute->set_i(keepdims);
  return n->output(0);
}

}  // namespace trine::reference::testing
