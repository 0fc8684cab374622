// SPDX-License-Identifier: Apache-2.0
//
// LSTM, GRU and RNN of ONNX between quantizers: both directions and layouts, batches, initial
// states, chains.

#include <algorithm>

#include "tools/random/networks.h"
#include "tools/random/onnx/onnx_writer.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::Graph;

class Recurrent : OnnxWriter {
 public:
  explicit Recurrent(Builder& b) : OnnxWriter(b) {
    batch_first_ = once_in(b_, 3);
    if (batch_first_) file_.opset = std::max<std::int64_t>(file_.opset, 14);
    steps_ = b_.number(1, 6);
    batch_ = once_in(b_, 3) ? b_.number(2, 3) : 1;
    const int inputs = b_.number(1, 24);
    input("x",
          batch_first_ ? std::vector{batch_, steps_, inputs} : std::vector{steps_, batch_, inputs});
  }

  model::onnx_file::File made() {
    node(any(b_, std::vector<const char*>{"LSTM", "GRU", "RNN"}));
    if (once_in(b_, 4)) {  // another operand, with axes in the same order
      const int inputs = directions_ * cells_;
      if (!batch_first_) then("Transpose", {}, {{"perm", ints({0, 2, 1, 3})}});
      shape_ =
          batch_first_ ? std::vector{batch_, steps_, inputs} : std::vector{steps_, batch_, inputs};
      then("Reshape", {list({shape_.begin(), shape_.end()})});
      node(any(b_, std::vector<const char*>{"GRU", "LSTM"}));
    }
    return std::move(file_);
  }

 private:
  void input(const std::string& name, std::vector<int> shape) {
    shape_ = std::move(shape);
    file_.inputs.push_back({name, DataType::kFloat32, shape_, ""});
    last_ = name;
    quantize();
  }

  /// Returns an initial state [directions, batch, cells], none, or zeros.
  std::string state(const std::string& name) {
    const std::vector<int> shape = batch_first_ ? std::vector{batch_, directions_, cells_}
                                                : std::vector{directions_, batch_, cells_};
    const int kind = b_.number(0, 3);
    if (kind == 0) return "";
    if (kind == 1) {
      Constant zeros;
      zeros.shape = shape;
      zeros.values.resize(static_cast<std::size_t>(model::elements_of(shape)));
      return constant(std::move(zeros));
    }
    const std::string now = last_;
    const std::vector<int> shape_now = shape_;
    input(name + fresh(), shape);
    shape_ = shape_now;
    return std::exchange(last_, now);
  }

  void node(const std::string& type) {
    const int gates = type == "LSTM" ? 4 : type == "GRU" ? 3 : 1;
    directions_ = once_in(b_, 3) ? 2 : 1;
    cells_ = b_.number(1, 20);
    const int inputs = shape_[2], rows = gates * cells_;
    std::vector<std::string> others = {
        codes({directions_, rows, inputs}, 1), codes({directions_, rows, cells_}, 1),
        once_in(b_, 4) ? "" : floats({directions_, 2 * rows}, -64, 64), ""};
    if (once_in(b_, 4)) {
      others[3] =
          numbers(DataType::kInt32, std::vector<double>(static_cast<std::size_t>(batch_), steps_));
    }
    others.push_back(state("hidden_"));
    if (gates == 4) others.push_back(state("cell_"));
    std::map<std::string, Attribute> attributes{{"hidden_size", ints({cells_})}};
    if (directions_ == 2)
      attributes["direction"] = text("bidirectional");
    else if (once_in(b_, 3))
      attributes["direction"] = text("reverse");
    if (batch_first_) attributes["layout"] = ints({1});
    if (gates == 3) attributes["linear_before_reset"] = ints({b_.number(0, 1)});
    if (gates == 1 && once_in(b_, 3))
      attributes["activations"] = text(directions_ == 2 ? "Relu,Relu" : "Relu");
    then(type, others, attributes);
    // Quantizes each output; the network continues with the sequence.
    const std::size_t at = file_.nodes.size() - 1;
    const std::string sequence = last_;
    for (int i = 1; i < (gates == 4 ? 3 : 2); ++i) {
      const std::string name = fresh();
      file_.nodes[at].outputs.push_back(name);
      if (i == 1 && once_in(b_, 2)) continue;
      last_ = name;
      quantize();
    }
    last_ = sequence;
    quantize();
  }

  bool batch_first_ = false;
  int steps_ = 1, batch_ = 1, cells_ = 1, directions_ = 1;
};

/// Replaces the inputs by the codes of their quantizers.
Graph of_codes(Graph graph) {
  for (int& input : graph.inputs) {
    const auto quantizer = std::ranges::find_if(graph.ops, [&](const model::Op& op) {
      return op.kind == OpKind::kQuantize && op.input(0) == input;
    });
    input = quantizer->outputs[0];
    graph.ops.erase(quantizer);
  }
  return graph;
}

}  // namespace

void make_recurrent(Builder& b) {
  b.graph = of_codes(model::onnx_file::graph_of(Recurrent(b).made(), false));
}

}  // namespace trine::fuzz
