// SPDX-License-Identifier: Apache-2.0
//
// Rewrites SPIKING (docs/numerics.md) step by step, in operators on int16 codes that the vector
// unit supports:
//
//   v      ADD(leak * u, x)
//   fired  QUANTIZE(v - level + 1), by a scale of 2^14, clamped to 0..drop
//   u      SUB(v, fired)
//
// A reset to zero uses QUANTIZE(2 (v - level)) clamped to -2..0 in place of `fired`, half its
// product with v, which is -u, and SUB in place of ADD. Spikes are the codes of all steps' `fired`
// at once. Leaks and levels are integers of the operators (sw/model/graph/spiking.h).

#include <fmt/format.h>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;
using model::spiking::Neuron;
using model::spiking::Reset;

/// The largest number of steps of all layers together. Larger networks take minutes to plan.
constexpr int kMostUnrolled = 1024;

class Spikes : model::Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    int left = kMostUnrolled;
    for (Op& op : ops_)
      if (op.kind == OpKind::kSpiking && graph_.in(op, 0).extent(0) <= left) {
        left -= graph_.in(op, 0).extent(0);
        unrolled(op);
      } else {
        graph_.ops.push_back(std::move(op));
      }
    return std::move(graph_);
  }

 private:
  /// The neurons' state after the previous step; -1 stands for none, or zeros.
  struct Before {
    int synapse = -1, membrane = -1;
    int fired = -1;   ///< codes that a spike subtracts
    int spikes = -1;  ///< int8, if they are fed back
  };

  void unrolled(const Op& op) {
    whole_ = &op;
    neuron_ = model::spiking::neuron_of(op);
    const Tensor out = graph_.out(op);
    name_ = out.name;
    scale_ = graph_.in(op, 0).scale();
    const int steps = graph_.in(op, 0).extent(0);
    const bool comes_back = op.input(1) >= 0;
    Before before;
    std::vector<int> results;
    for (int t = 0; t < steps; ++t) {
      name_ = fmt::format("{}/{}", out.name, t);
      before = step(slice(op, op.inputs[0], 0, t, t + 1), before, t + 1 == steps);
      if (comes_back && neuron_.reset != Reset::kNone) before.spikes = spikes(before.fired);
      results.push_back(neuron_.reset == Reset::kNone ? before.membrane
                        : comes_back                  ? before.spikes
                                                      : before.fired);
    }
    name_ = out.name;
    const int all = steps == 1 ? results[0] : join(op, results, 0);
    if (comes_back || neuron_.reset == Reset::kNone)
      made(OpKind::kReshape, {all}, op.outputs[0]).new_shape = out.shape;
    else
      spikes(all, op.outputs[0]);
  }

  /// @param last  true if no later step reads the state after the reset
  Before step(int current, const Before& before, bool last) {
    Before now;
    if (before.spikes >= 0) current = pair(OpKind::kAdd, current, returned(before.spikes));
    if (neuron_.synapse >= 0)
      current = now.synapse = leaked(OpKind::kAdd, before.synapse, neuron_.synapse, current);
    if (neuron_.delay && before.fired >= 0) current = pair(OpKind::kSub, current, before.fired);
    const bool zero = neuron_.reset == Reset::kZero;
    const int v =
        leaked(zero ? OpKind::kSub : OpKind::kAdd, before.membrane, neuron_.leak, current);
    now.membrane = v;
    if (neuron_.reset == Reset::kNone) return now;
    now.fired = fired(v);
    if (last) return now;
    if (zero)
      now.membrane = pair(OpKind::kMul, v, now.fired);
    else if (!neuron_.delay)
      now.membrane = pair(OpKind::kSub, v, now.fired);
    return now;
  }

  /// @param kind  kSub: the state is negated
  int leaked(OpKind kind, int state, int leak, int current) {
    if (state < 0) return current;
    const int to = kind == OpKind::kSub ? pair(kind, current, state) : pair(kind, state, current);
    graph_.ops.back().numbers[model::spiking::kLeak] = {static_cast<double>(leak)};
    return to;
  }

  /// Returns 0 or `drop`; for a reset to zero, -2 (no spike) or 0 (spike).
  int fired(int v) {
    const bool zero = neuron_.reset == Reset::kZero;
    const int to = wide(graph_.tensor(v).shape, zero ? 0.5f : scale_);
    const int level = neuron_.level - (zero ? 0 : 1);
    return compared(v, to, level, zero ? 1 : model::spiking::kLeakBits, zero ? -2 : 0,
                    zero ? 0 : neuron_.drop);
  }

  /// @param to  -1: a new tensor
  int spikes(int fired, int to = -1) {
    if (to < 0) {
      Tensor t;
      t.name = name_;
      t.shape = graph_.tensor(fired).shape;
      t.quantization = {{1.0f}, {0}, 0};
      to = add(std::move(t));
    }
    return compared(fired, to, neuron_.reset == Reset::kZero ? -2 : 0, 0, 0, 1);
  }

  /// Adds (codes - level) * 2^gain, clamped.
  int compared(int from, int to, int level, int gain, int least, int most) {
    Op& op = made(OpKind::kQuantize, {from}, to);
    op.numbers[model::spiking::kLevel] = {static_cast<double>(level), static_cast<double>(gain)};
    op.code_min = least;
    op.code_max = most;
    return to;
  }

  /// Adds the currents of the previous step's spikes, at the scale of the currents.
  int returned(int of) {
    const std::vector<int> shape = graph_.tensor(of).shape;
    const int n = static_cast<int>(graph_.tensor(of).elements());
    const int to = wide({1, n}, scale_);
    Op& op = made(OpKind::kFullyConnected, {reshape(of, {1, n}), whole_->inputs[1], -1}, to);
    op.code_min = INT16_MIN;
    op.code_max = INT16_MAX;
    return reshape(to, shape);
  }

  int pair(OpKind kind, int a, int b) {
    const int to = wide(graph_.tensor(a).shape, scale_);
    Op& op = made(kind, {a, b}, to);
    op.code_min = INT16_MIN;
    op.code_max = INT16_MAX;
    return to;
  }

  /// Adds an operator that rounds once, halves to even.
  Op& made(OpKind kind, std::vector<int> inputs, int to) {
    graph_.ops.push_back(op_of(kind, whole_->index, std::move(inputs), {to}));
    graph_.ops.back().half_even = kind != OpKind::kReshape;
    return graph_.ops.back();
  }

  int wide(std::vector<int> shape, float scale) {
    Tensor t;
    t.name = name_;
    t.type = DataType::kInt16;
    t.shape = std::move(shape);
    t.quantization = {{scale}, {0}, 0};
    return add(std::move(t));
  }

  int reshape(int from, const std::vector<int>& shape) {
    if (graph_.tensor(from).shape == shape) return from;
    const int to = add_like(from, shape);
    made(OpKind::kReshape, {from}, to).new_shape = shape;
    return to;
  }

  const Op* whole_ = nullptr;
  Neuron neuron_;
  float scale_ = 0;   ///< of currents and membranes
  std::string name_;  ///< for new tensors
};

}  // namespace

Graph with_spikes(Graph graph) { return Spikes(std::move(graph)).run(); }

}  // namespace trine::compiler
