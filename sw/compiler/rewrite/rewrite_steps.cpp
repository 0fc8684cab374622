// SPDX-License-Identifier: Apache-2.0
//
// Rewrites UNIDIRECTIONAL_SEQUENCE_LSTM as tflite-micro computes it (docs/numerics.md), in
// operators of the machine. The inputs of all steps form one product for each gate. Then follow the
// steps:
//
//   i, f, g, o   ADD(rows of the step, FULLY_CONNECTED(h)), Q3.12; LOGISTIC, of g TANH
//   c            ADD(MUL(f, c), MUL(i, g))
//   h            MUL(TANH(c), o)
//
// Products of int8 activations have int16 results, whose sums and two roundings equal those of int8
// products. h has the LSTM's type. All operators saturate where the kernel does. Rows are [step,
// batch].

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/lstm.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/rewrite/rewriter.h"
#include "sw/model/rewrite/states.h"
#include "sw/reference/quantized_params.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;
namespace lstm = model::lstm;

constexpr int kInput = 0, kForget = 1, kCell = 2, kOutput = 3;
constexpr int kOrder[] = {kInput, kCell, kForget, kOutput};  ///< the order in which they are needed
constexpr float kOfGate = 0x1p-12f, kOfFunction = 0x1p-15f;

constexpr int kLeastCells = 64;  ///< with this many, the last ones are computed separately

/// The largest number of steps of all LSTMs together. Larger networks have so many layers that
/// planning takes minutes.
constexpr int kMostSteps = 256;

int steps_of(const Graph& graph, const Op& op) {
  return graph.in(op, 0).shape[op.time_major ? 0 : 1];
}

/// Returns true if the machine can run the steps. Constant states other than zeros, and longer
/// sequences than the remaining number of steps, are left to the host.
bool has_steps(const Graph& graph, const Op& op, int left) {
  const auto begins = [&](int state) {
    const Tensor& tensor = graph.in(op, state);
    return !tensor.is_constant || model::begins_with_zeros(tensor);
  };
  return op.kind == OpKind::kLstm && !op.of_state && steps_of(graph, op) <= left &&
         begins(lstm::kHidden) && begins(lstm::kState);
}

class Steps : Rewriter {
 public:
  Steps(Graph graph, int pairs) : Rewriter(std::move(graph)), pairs_(pairs) {}

  Graph run() {
    int left = kMostSteps;
    for (Op& op : ops_)
      if (has_steps(graph_, op, left)) {
        left -= steps_of(graph_, op);
        unrolled(op, reads_last_alone(op));
      } else if (!op.inputs.empty() && last_.contains(op.inputs[0])) {
        reshape(last_.at(op.inputs[0]), graph_.out(op).shape, op.outputs[0]);
      } else if (op.kind == OpKind::kLstm && op.of_state && states_.contains(op.index)) {
        reshape(states_.at(op.index), graph_.out(op).shape, op.outputs[0]);
      } else {
        graph_.ops.push_back(std::move(op));
      }
    return std::move(graph_);
  }

 private:
  /// Returns true if only slices of the last step read the sequence.
  bool reads_last_alone(const Op& lstm) const {
    const int out = lstm.outputs[0], axis = lstm.time_major ? 0 : 1;
    const auto takes_last = [&](const Op& o) {
      if (o.kind != OpKind::kStridedSlice || o.input(0) != out) return false;
      const std::vector<model::Slice> slices = model::slices(graph_, o);
      for (int a = 0; a < 3; ++a) {
        const int extent = graph_.tensor(out).shape[at(a)];
        const model::Slice& s = slices[at(a)];
        if (a == axis ? s.size != 1 || s.begin != extent - 1 : s.size != extent || s.begin != 0)
          return false;
      }
      return true;
    };
    return std::ranges::count(graph_.outputs, out) == 0 &&
           std::ranges::all_of(ops_, [&](const Op& o) {
             return std::ranges::count(o.inputs, out) == 0 || takes_last(o);
           });
  }

  /// Streams of a batch that are computed together in a step, and their state after the previous
  /// step. -1: zeros.
  struct Streams {
    int first, count;
    int h = -1, c = -1;
  };

  /// Returns groups of streams that fill the lanes with products of h. While the array computes one
  /// group's products, the vector unit computes another group's gates.
  std::vector<Streams> streams_of(const Op& op, int batch) {
    const int lanes = graph_.out(op).type == DataType::kInt8 ? 2 * pairs_ : pairs_;
    // -1 if the state begins with zeros.
    const auto begun = [&](int state) {
      return graph_.in(op, state).is_constant ? -1 : op.input(state);
    };
    const int h = begun(lstm::kHidden);
    const int c = begun(lstm::kState);
    std::vector<Streams> all;
    for (int n = 0; n < batch; n += lanes) {
      const int end = std::min(batch, n + lanes);
      all.push_back(
          {n, end - n, h < 0 ? -1 : slice(op, h, 0, n, end), c < 0 ? -1 : slice(op, c, 0, n, end)});
    }
    return all;
  }

  /// @param last_alone  true if only the last step is read
  void unrolled(const Op& op, bool last_alone) {
    index_ = op.index;
    const Tensor out = graph_.out(op), x = graph_.in(op, 0);
    const int steps = steps_of(graph_, op), batch = x.shape[op.time_major ? 1 : 0];
    const int cells = out.shape[2];
    const bool turned = !op.time_major && batch > 1;  // the rows of a step are not adjacent
    const bool narrow = out.type == DataType::kInt8;
    name_ = out.name;
    // Products that have no bias get a bias of zeros, so that their sums have the same width as
    // sums with a bias.
    zeros_ = narrow ? add_integers(std::vector<int>(at(cells), 0)) : -1;
    const int in =
        reshape(turned ? exchange(op.inputs[0], -1) : op.inputs[0], {steps * batch, x.shape[2]});
    int of_inputs[lstm::kGates];
    for (int g = 0; g < lstm::kGates; ++g)
      of_inputs[g] = product(in, op.inputs[at(lstm::kWeights + g)], op.inputs[at(lstm::kBias + g)]);

    std::vector<Streams> groups = streams_of(op, batch);
    parts_ = parts_of(op, cells, batch <= pairs_);
    std::vector<int> results, states;
    for (int t = 0; t < steps; ++t)
      for (Streams& group : groups) {
        name_ = fmt::format("{}/{}", out.name, t);
        step(op, of_inputs, t * batch + group.first, &group);
        if (t + 1 == steps) states.push_back(group.c);
        if (last_alone && t + 1 < steps) continue;
        results.push_back(group.h);
      }
    name_ = out.name;
    states_[op.index] = states.size() == 1 ? states[0] : join(op, states, 0);
    const int all = results.size() == 1 ? results[0] : join(op, results, 0);
    if (last_alone)
      last_[op.outputs[0]] = all;
    else if (turned)
      exchange(reshape(all, {steps, batch, cells}), op.outputs[0]);
    else
      reshape(all, out.shape, op.outputs[0]);
  }

  /// @param of_inputs  by gate, products of all steps' inputs
  /// @param first  row of the streams
  void step(const Op& op, const int* of_inputs, int first, Streams* streams) {
    // Slices that do not need h come first, then all products: meanwhile the vector unit computes
    // these slices and gates.
    int& h = streams->h;
    int& c = streams->c;
    const float of_state = graph_.in(op, lstm::kState).scale();
    int sums[lstm::kGates], rows_of[lstm::kGates];
    for (const int g : kOrder)
      rows_of[g] = slice(op, of_inputs[g], 0, first, first + streams->count);
    for (const int g : kOrder)
      sums[g] =
          h < 0 || g == kOutput ? -1 : product(h, op.inputs[at(lstm::kRecurrent + g)], zeros_);
    std::vector<int> of_parts;  // of the output gate
    for (const Cells& cells : parts_)
      of_parts.push_back(h < 0 ? -1 : product(h, cells.weights, cells.zeros));
    const auto function_of = [&](int g, int rows, int of_h) {
      const int sum = of_h < 0 ? rows : pair(OpKind::kAdd, rows, of_h, kOfGate);
      return function(g == kCell ? OpKind::kTanh : OpKind::kLogistic, sum);
    };
    const auto gate = [&](int g) { return function_of(g, rows_of[g], sums[g]); };
    const int input = gate(kInput), added = pair(OpKind::kMul, input, gate(kCell), of_state);
    if (c >= 0) {
      const int kept = pair(OpKind::kMul, gate(kForget), c, of_state);
      c = pair(OpKind::kAdd, kept, added, of_state);
    } else {
      c = added;
    }
    graph_.ops.back().cell_clip = op.cell_clip;
    const int state = function(OpKind::kTanh, c);
    std::vector<int> results;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto [begin, end, weights, zeros] = parts_[i];
      const int open =
          function_of(kOutput, slice(op, rows_of[kOutput], 1, begin, end), of_parts[i]);
      results.push_back(output(slice(op, state, 1, begin, end), open, op.outputs[0]));
    }
    h = results.size() == 1 ? results[0] : join(op, results, 1);
  }

  /// Cells whose output gates share a product of h.
  struct Cells {
    int begin, end;
    int weights, zeros;  ///< tensors
  };

  /// Splits the cells if there are many of them and only one group of streams. Only the last
  /// quarter then waits for the step's last product, while the vector unit computes the others'
  /// output. Several groups keep the vector unit busy anyway.
  std::vector<Cells> parts_of(const Op& op, int cells, bool alone) {
    const int last = cells / 4 / kWord * kWord;
    if (!alone || cells < kLeastCells || cells % kWord != 0)
      return {{0, cells, op.inputs[at(lstm::kRecurrent + kOutput)], zeros_}};
    return {part(op, 0, cells - last), part(op, cells - last, cells)};
  }

  Cells part(const Op& op, int begin, int end) {
    Tensor weights = graph_.in(op, lstm::kRecurrent + kOutput);
    const auto row = static_cast<std::ptrdiff_t>(weights.shape[1]);
    weights.shape[0] = end - begin;
    weights.data =
        std::vector(weights.data.begin() + begin * row, weights.data.begin() + end * row);
    const int zeros = zeros_ < 0 ? -1 : add_integers(std::vector<int>(at(end - begin), 0));
    return {begin, end, add(std::move(weights)), zeros};
  }

  /// Returns the codes of h. @param of  the tensor of all steps
  int output(int state, int gate, int of) {
    const int h = made(OpKind::kMul, {state, gate}, like(of, graph_.tensor(state).shape));
    Op& op = graph_.ops.back();
    op.of_cell = true;
    const bool narrow = graph_.tensor(of).type == DataType::kInt8;
    op.code_min = narrow ? INT8_MIN : INT16_MIN;
    op.code_max = narrow ? INT8_MAX : INT16_MAX;
    return h;
  }

  int made(OpKind kind, std::vector<int> inputs, int to) {
    graph_.ops.push_back(op_of(kind, index_, std::move(inputs), {to}));
    return to;
  }
  int like(int tensor, std::vector<int> shape) {
    const int t = add_like(tensor, std::move(shape));
    graph_.tensors[at(t)].name = name_;
    return t;
  }
  /// Adds a tensor of int16 codes without a zero point.
  int wide(std::vector<int> shape, float scale) {
    Tensor t;
    t.name = name_;
    t.type = DataType::kInt16;
    t.shape = std::move(shape);
    t.quantization = {{scale}, {0}, 0};
    return add(std::move(t));
  }
  /// @param to  -1: a new tensor, if the shape differs
  int reshape(int from, const std::vector<int>& shape, int to = -1) {
    if (to < 0 && graph_.tensor(from).shape == shape) return from;
    made(OpKind::kReshape, {from}, to < 0 ? like(from, shape) : to);
    graph_.ops.back().new_shape = shape;
    return graph_.ops.back().outputs[0];
  }
  /// Exchanges steps and batch. @param to  -1: a new tensor
  int exchange(int from, int to) {
    const std::vector<int> s = graph_.tensor(from).shape;
    const int order = add_integers(std::vector<int>{1, 0, 2});
    return made(OpKind::kTranspose, {from, order}, to < 0 ? like(from, {s[1], s[0], s[2]}) : to);
  }
  /// @param bias  or -1
  int product(int rows, int weights, int bias) {
    return made(OpKind::kFullyConnected, {rows, weights, bias},
                wide({graph_.tensor(rows).extent(0), graph_.tensor(weights).extent(0)}, kOfGate));
  }
  int pair(OpKind kind, int a, int b, float scale) {
    return made(kind, {a, b}, wide(graph_.tensor(a).shape, scale));
  }
  int function(OpKind kind, int of) {
    return made(kind, {of}, wide(graph_.tensor(of).shape, kOfFunction));
  }

  int pairs_;  ///< number of lane pairs
  int index_ = 0;
  int zeros_ = -1;  ///< biases of int8 products of h
  std::vector<Cells> parts_;
  std::string name_;           ///< for new tensors
  std::map<int, int> last_;    ///< by sequence of which only the last step is read: that step
  std::map<int, int> states_;  ///< by an LSTM's index in the file: state after its last step
};

}  // namespace

Graph with_steps(Graph graph, int pairs) { return Steps(std::move(graph), pairs).run(); }

}  // namespace trine::compiler
