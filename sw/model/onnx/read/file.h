// SPDX-License-Identifier: Apache-2.0
//
// Holds the contents of an ONNX file as plain values. Only file.cpp uses protobuf.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sw/host/onnx/node/node.h"
#include "sw/model/graph/graph.h"
#include "sw/model/onnx/onnx.h"

namespace trine::model::onnx_file {

using host::onnx::Attribute, host::onnx::AttributeKind, host::onnx::Constant,
    host::onnx::ConstantPointer, host::onnx::kOneAxis, host::onnx::Node, host::onnx::NumberList;

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

/// Parses an ONNX file.
/// @param shapes  extents that the file leaves open; without them, an input's open first axis is 1
/// @throws Error  names the file and the fault; any bytes are handled, and the memory used is in
/// proportion to them
File parse(const std::vector<std::uint8_t>& bytes, const std::string& name,
           const GivenShapes& shapes = {});

/// Returns model::open_dimensions() of an ONNX file.
std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& name);

/// Returns the sorted names of the files in the model's folder that hold constants. Returns none
/// for bytes that are not ONNX.
std::vector<std::string> external_files(const std::vector<std::uint8_t>& bytes);

/// Makes the graph, as import_onnx().
Graph graph_of(File file, const HostUse& host);

}  // namespace trine::model::onnx_file
