// SPDX-License-Identifier: Apache-2.0
//
// Holds the contents of an ONNX file as plain values. Only file.cpp uses protobuf.

#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sw/base/error.h"
#include "sw/model/graph/graph.h"
#include "sw/model/onnx/onnx.h"
#include "sw/model/onnx/read/number_list.h"

namespace trine::model::onnx_file {

/// A constant tensor. Its values are stored as double, which is exact for every element type here.
/// int64 values beyond 2^53 are limited to 2^53.
struct Constant {
  DataType type = DataType::kFloat32;
  std::vector<int> shape;
  NumberList<double> values;
  /// The codes of a constant that a quantizer made or that was dequantized, element by element:
  /// scale * (code - zero_point). Empty for other constants.
  NumberList<std::int32_t> codes, zero_points;
  NumberList<float> scales;
  /// Weight of a value: 1/2 for FLOAT4E2M1, whose values are stored as whole halves.
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

/// An attribute that Trine adds: a normalization made by fuse() covers only its axis, not all axes
/// from it on. The file does not give the number of axes.
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

/// An input of the network.
struct Input {
  std::string name;
  DataType type = DataType::kFloat32;
  std::vector<int> shape;
  std::string data_type;  ///< FINN's annotation ("UINT8"), or ""
  /// The quantization with which the input's readers interpret its codes (to_qdq()). Scale 0 means
  /// that it is not known.
  float scale = 0;
  int zero_point = 0;

  bool holds_bytes() const { return type == DataType::kInt8 || type == DataType::kUInt8; }
};

/// The metadata key for the eight-bit format of a file's int16 codes. ONNX has no type for such
/// values in fixed point.
inline constexpr const char* kFormatKey = "trine.format";

/// The contents of an ONNX file.
struct File {
  std::string name;  ///< for messages
  std::int64_t opset = 0;
  std::vector<Node> nodes;
  std::map<std::string, ConstantPointer> constants;
  std::vector<Input> inputs;  ///< without the inputs that constants initialize
  std::vector<std::string> outputs;
  std::vector<std::string> notes;             ///< as Graph::notes
  spec::Format format = spec::Format::kNone;  ///< format of its int16 codes: kFormatKey
  /// The shapes of outputs that the file declares; -1 for an open extent.
  std::map<std::string, std::vector<int>> declared;
};

/// Returns the type for a type code of ONNX.
/// @return nothing if the type is not supported
std::optional<DataType> type_of(std::int64_t code);

/// Parses an ONNX file.
/// @param shapes  extents that the file leaves open; without them, an input's open first axis is 1
/// @throws Error  names the file and the fault; any bytes are handled, with memory in proportion
File parse(const std::vector<std::uint8_t>& bytes, const std::string& name,
           const GivenShapes& shapes = {});

/// Returns model::open_dimensions() of an ONNX file.
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& name);

/// Returns the sorted names of the files in the model's folder that hold constants. Returns none
/// for bytes that are not ONNX.
std::vector<std::string> external_files(const std::vector<std::uint8_t>& bytes);

/// Makes the graph, as import_onnx().
Graph graph_of(File file, bool host);

}  // namespace trine::model::onnx_file
