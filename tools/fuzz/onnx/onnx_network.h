// SPDX-License-Identifier: Apache-2.0
//
// ONNX networks made in code, for tests: what a test adds lies between quantizers, or behind them.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sw/model/onnx/read/file.h"
#include "tools/fuzz/onnx/onnx_writer.h"
#include "tools/fuzz/pair.h"

namespace trine::fuzz {

/// A file made in code, whose input a quantizer follows.
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

/// Averages that end a network: "ReduceMean", "keepdims" (the same), "GlobalAveragePool",
/// "AveragePool" (of all), "windows". @param flat  whether a Flatten follows
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
