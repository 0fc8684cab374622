// SPDX-License-Identifier: Apache-2.0
//
// Builds ONNX networks in code, for tests. The operators of a test are placed between quantizers or
// after them.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "components/fuzz/pair.h"
#include "sw/model/onnx/read/file.h"
#include "tools/random/onnx/onnx_writer.h"

namespace trine::fuzz {

/// A file made in code whose input is quantized.
struct OnnxNetwork : OnnxWriter {
  OnnxNetwork(Builder& b, std::vector<int> shape) : OnnxWriter(b) {
    shape_ = std::move(shape);
    file_.inputs.push_back({"in", DataType::kFloat32, shape_, ""});
    last_ = "in";
    quantize();
  }
  using OnnxWriter::add, OnnxWriter::along, OnnxWriter::codes, OnnxWriter::floats, OnnxWriter::ints,
      OnnxWriter::last_, OnnxWriter::list, OnnxWriter::numbers, OnnxWriter::quantize,
      OnnxWriter::shape_, OnnxWriter::then;

  /// Returns the network, without its input's quantizer, as a pair with random inputs.
  Pair pair() {
    file_.outputs = {last_};
    Pair p;
    p.family = Family::kExported;
    p.graph = model::onnx_file::graph_of(std::move(file_), false);
    b_.graph = from_codes(std::move(p.graph));
    for (const int t : b_.graph.inputs) p.inputs.push_back(random_codes(b_, t));
    p.graph = b_.graph;
    return p;
  }
};

/// Adds the average that ends a network: "ReduceMean", "keepdims" (ReduceMean with it),
/// "GlobalAveragePool", "AveragePool" (of the whole map), "windows". @param flat  a Flatten follows
inline void add_last_mean(OnnxNetwork& net, const std::string& kind, bool flat) {
  if (kind == "ReduceMean" || kind == "keepdims")
    net.along("ReduceMean", {2, 3}, 18, {{"keepdims", net.ints({kind == "keepdims"})}});
  else if (kind == "GlobalAveragePool")
    net.then(kind);
  else
    net.then("AveragePool", {},
             {{"kernel_shape",
               kind == "windows" ? net.ints({2, 2}) : net.ints({net.shape_[2], net.shape_[3]})}});
  if (flat) net.then("Flatten");
}

}  // namespace trine::fuzz
