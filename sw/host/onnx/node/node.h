// SPDX-License-Identifier: Apache-2.0
//
// Holds an ONNX operator and its constant operands as plain values: a node of a file that is
// imported, or an operator of the host.

#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sw/base/error.h"
#include "sw/host/onnx/node/number_list.h"
#include "sw/model/graph/graph.h"

namespace trine::host::onnx {

using model::DataType;

/// Rounds a number to float32.
inline float real(double value) { return static_cast<float>(value); }

/// A constant tensor. Its values are stored as double, which is exact for every element type here
/// except int64: values beyond 2^53 are limited to 2^53.
struct Constant {
  DataType type = DataType::kFloat32;
  std::vector<int> shape;
  NumberList<double> values;
  /// The codes of a constant that a quantizer made or that was dequantized, element by element:
  /// scale * (code - zero_point). Empty for other constants.
  NumberList<std::int32_t> codes, zero_points;
  NumberList<float> scales;
  /// The real value of a stored 1: 1/2 for FLOAT4E2M1, whose stored numbers count halves.
  float unit = 1;
  /// The format of FLOAT8 values, which are stored in fixed point.
  spec::Format format = spec::Format::kNone;

  std::size_t elements() const { return values.size(); }
  int rank() const { return static_cast<int>(shape.size()); }
};
using ConstantPointer = std::shared_ptr<const Constant>;

/// The numbers of onnx::AttributeProto::AttributeType. One or several texts are one kind here.
enum class AttributeKind { kUnknown = 0, kFloat = 1, kInt = 2, kText = 3, kInts = 7 };

/// An attribute of a node.
struct Attribute {
  AttributeKind kind = AttributeKind::kUnknown;  ///< as in the file
  std::int64_t i = 0;
  float f = 0;
  std::string s;  ///< several texts are joined by commas
  std::vector<std::int64_t> ints;
  std::vector<float> floats;
  ConstantPointer tensor;
  /// True after a reader asked for the attribute. Copies of a node share the flag.
  std::shared_ptr<bool> read = std::make_shared<bool>(false);
};

/// An attribute that Trine adds to the normalizations that fuse() makes. They cover only the axis
/// `axis`, not all axes from `axis` on. fuse() does not know whether `axis` is the last axis,
/// because the file does not give the number of axes.
inline constexpr const char* kOneAxis = "one_axis";

/// A node of an ONNX file.
struct Node {
  int index = 0;
  std::string type, domain;
  std::vector<std::string> inputs, outputs;  ///< "" for an absent optional one
  std::map<std::string, Attribute> attributes;

  /// Returns an attribute, or null if the node does not have it.
  /// @throws Error  if it has another kind
  const Attribute* attribute(const char* key, AttributeKind kind) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return nullptr;
    *found->second.read = true;
    if (found->second.kind != kind && found->second.kind != AttributeKind::kUnknown)
      throw_error("attribute '{}' does not have the type that ONNX defines", key);
    return &found->second;
  }
  std::int64_t integer(const char* key, std::int64_t otherwise) const {
    const Attribute* found = attribute(key, AttributeKind::kInt);
    return found == nullptr ? otherwise : found->i;
  }
  /// Returns a finite number.
  /// @throws Error  for infinities and NaN
  float real(const char* key, float otherwise) const {
    const float value = bound(key, otherwise);
    if (!std::isfinite(value)) throw_error("{} {}, allowed finite numbers", key, value);
    return value;
  }
  /// Returns a number that may be infinite, which means no bound.
  float bound(const char* key, float otherwise) const {
    const Attribute* found = attribute(key, AttributeKind::kFloat);
    return found == nullptr ? otherwise : found->f;
  }
  std::string text(const char* key, const char* otherwise) const {
    const Attribute* found = attribute(key, AttributeKind::kText);
    return found == nullptr ? otherwise : found->s;
  }
  std::vector<std::int64_t> integers(const char* key) const {
    const Attribute* found = attribute(key, AttributeKind::kInts);
    return found == nullptr ? std::vector<std::int64_t>{} : found->ints;
  }
  std::vector<float> reals(const char* key) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return {};
    *found->second.read = true;
    return found->second.floats;
  }
  /// Returns a tensor attribute, or null if the node has no such attribute or it is not a tensor.
  ConstantPointer tensor(const char* key) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return nullptr;
    *found->second.read = true;
    return found->second.tensor;
  }
};

/// Checks the attributes of a node.
/// @throws Error  if an attribute was not read and may change results
void require_all_read(const Node& node);

/// Returns the type for a type code of ONNX (TensorProto.DataType).
/// @return nothing if the type is not supported
std::optional<DataType> type_of(std::int64_t code);

}  // namespace trine::host::onnx
