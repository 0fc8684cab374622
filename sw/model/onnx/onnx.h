// SPDX-License-Identifier: Apache-2.0
//
// Imports ONNX files.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// The extents that an ONNX file leaves open: one extent for the name of a dimension, or the
/// extents of all axes for the name of an input.
using GivenShapes = std::map<std::string, std::vector<int>>;

/// The nodes that become operators of the host (OpKind::kOnnx).
struct HostUse {
  bool allowed = false;         ///< nodes without an integer form
  std::set<std::string> types;  ///< and nodes of these types

  HostUse(bool is_allowed = false) : allowed(is_allowed) {}
};

/// Imports an ONNX file with QuantizeLinear/DequantizeLinear around each operator, or with QONNX or
/// FINN low-bit nodes. Activations become NHWC codes, and floats stay at the graph's ends: README.
/// An input without a quantizer holds integers: 0..255 if FINN's annotation is UINT8, else
/// -128..127.
/// @param host  without it, nodes that have no integer form are refused
/// @param shapes  extents that the file leaves open; without them, only the first axis of an input
/// may be open, and is 1
/// @throws Error  names file, all nodes that are not supported, and what to do; any bytes are
/// handled
Graph import_onnx(const std::filesystem::path& path, bool host = false);
Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file,
                 bool host = false);
Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file,
                 const HostUse& host, const GivenShapes& shapes);

}  // namespace trine::model
