// SPDX-License-Identifier: Apache-2.0
//
// What an ONNX file holds, as plain values: the only place that knows protobuf is file.cpp.

#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sw/model/graph.h"
#include "sw/model/import.h"
#include "sw/model/onnx/read/number_list.h"

namespace trine::model::onnx_file {

/// A constant tensor. Values are kept as double: exact for every element type here (int64 within
/// 2^53: the reader takes those beyond for these).
struct Constant {
  DataType type = DataType::kFloat32;
  std::vector<int> shape;
  NumberList<double> values;
  /// The codes of a constant that a quantizer made, or dequantized: scale * (code - zero_point),
  /// element by element; else empty.
  NumberList<std::int32_t> codes, zero_points;
  NumberList<float> scales;
  float unit = 1;  ///< what a value counts: of FLOAT4E2M1, whose values are whole halves, 1/2
  machine::Format format = machine::Format::kNone;  ///< of FLOAT8: values are in fixed point

  std::size_t elements() const { return values.size(); }
  int rank() const { return static_cast<int>(shape.size()); }
};
using ConstantPointer = std::shared_ptr<const Constant>;

/// Numbers of onnx::AttributeProto::AttributeType; texts of several are one here.
enum class AttributeKind { kUnknown = 0, kFloat = 1, kInt = 2, kText = 3, kInts = 7 };

struct Attribute {
  AttributeKind kind = AttributeKind::kUnknown;  ///< as the file has it
  std::int64_t i = 0;
  float f = 0;
  std::string s;  ///< of several: with commas between
  std::vector<std::int64_t> ints;
  std::vector<float> floats;
  ConstantPointer tensor;
  /// True after a reader asked for the attribute. Copies of a node share the flag.
  std::shared_ptr<bool> read = std::make_shared<bool>(false);
};

/// An attribute of our own: a normalization that fuse() makes is over its axis alone, not over all
/// from it on; how many there are the file does not say.
inline constexpr const char* kOneAxis = "one_axis";

struct Node {
  int index = 0;
  std::string type, domain;
  std::vector<std::string> inputs, outputs;  ///< "" where an optional one is absent
  std::map<std::string, Attribute> attributes;

  /// Null: the node has none. @throws Error  it is of another kind
  const Attribute* attribute(const char* key, AttributeKind kind) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return nullptr;
    *found->second.read = true;
    if (found->second.kind != kind && found->second.kind != AttributeKind::kUnknown)
      throw_error("attribute '{}' is of another type than ONNX has it", key);
    return &found->second;
  }
  std::int64_t integer(const char* key, std::int64_t otherwise) const {
    const Attribute* found = attribute(key, AttributeKind::kInt);
    return found == nullptr ? otherwise : found->i;
  }
  /// @throws Error  for infinities and NaN
  float real(const char* key, float otherwise) const {
    const float value = bound(key, otherwise);
    if (!std::isfinite(value)) throw_error("{} {}, allowed finite numbers", key, value);
    return value;
  }
  /// May be infinite: no bound.
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
  /// Null: the node does not have the attribute, or it is not a tensor.
  ConstantPointer tensor(const char* key) const {
    const auto found = attributes.find(key);
    if (found == attributes.end()) return nullptr;
    *found->second.read = true;
    return found->second.tensor;
  }
};

/// @throws Error  the node has an attribute that nobody read and that may change results
void require_all_read(const Node& node);

struct Input {
  std::string name;
  DataType type = DataType::kFloat32;
  std::vector<int> shape;
  std::string data_type;  ///< FINN's annotation ("UINT8"), "" where there is none
  /// What codes stand for, as their readers have it (to_qdq()); scale 0: nobody says it.
  float scale = 0;
  int zero_point = 0;

  bool holds_bytes() const { return type == DataType::kInt8 || type == DataType::kUInt8; }
};

/// The metadata that says of which eight-bit format a file's int16 codes are: no type of ONNX has
/// such values in fixed point.
inline constexpr const char* kFormatKey = "trine.format";

struct File {
  std::string name;  ///< for messages
  std::int64_t opset = 0;
  std::vector<Node> nodes;
  std::map<std::string, ConstantPointer> constants;
  std::vector<Input> inputs;  ///< without those that constants initialize
  std::vector<std::string> outputs;
  std::vector<std::string> notes;                   ///< as Graph::notes
  machine::Format format = machine::Format::kNone;  ///< of its int16 codes: kFormatKey
  /// Shapes that the file declares of outputs; -1 where it leaves an extent open.
  std::map<std::string, std::vector<int>> declared;
};

/// The type that ONNX gives a number. @return nothing for those that are not read
std::optional<DataType> type_of(std::int64_t code);

/// @param shapes  extents that the file leaves open; without them that of an input's first axis is
/// 1
/// @throws Error  names the file and what is wrong; for any bytes whatever, with memory in
/// proportion
File parse(const std::vector<std::uint8_t>& bytes, const std::string& name,
           const GivenShapes& shapes = {});

/// As model::open_dimensions(), of ONNX.
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& name);

/// Names of the files that constants lie in, in the model's folder, sorted; none for other bytes.
std::vector<std::string> external_files(const std::vector<std::uint8_t>& bytes);

/// As import_onnx().
Graph graph_of(File file, bool host);

}  // namespace trine::model::onnx_file
