// SPDX-License-Identifier: Apache-2.0
//
// Spiking networks: products of events or spikes, pools of them, neurons of any kind over all steps
// of a sequence, recurrent spikes, a membrane as output.

#include <algorithm>
#include <cmath>

#include "sw/model/graph/spiking.h"
#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::Tensor;
using model::spiking::Neuron;
using model::spiking::Reset;

int codes(Builder& b, DataType type, std::vector<int> shape, float scale) {
  Tensor t;
  t.name = type == DataType::kInt8 ? "spikes" : "currents";
  t.type = type;
  t.shape = std::move(shape);
  t.quantization = {{scale}, {0}, 0};
  return b.graph.add(std::move(t));
}

int weights(Builder& b, std::vector<int> shape) {
  Tensor t;
  t.name = "weights";
  t.is_constant = true;
  const int rows = once_in(b, 2) ? shape[0] : 1;
  t.shape = std::move(shape);
  for (int i = 0; i < rows; ++i)
    t.quantization.scale.push_back(static_cast<float>(b.content(20, 90)) / 10000.0f);
  t.quantization.zero_point.assign(t.quantization.scale.size(), 0);
  t.data.edit().resize(static_cast<std::size_t>(t.elements()));
  for (auto& code : t.data.edit()) code = static_cast<std::uint8_t>(b.content(-127, 127));
  return b.graph.add(std::move(t));
}

int biases(Builder& b, int channels) {
  std::vector<int> values(static_cast<std::size_t>(channels));
  for (int& v : values) v = b.content(-300, 300);
  return b.integers(values);
}

/// Draws a leak in units of 2^-14, including the limits.
int leak(Builder& b) {
  static const std::vector<int> kLeaks{1 << 14, 1 << 13, 14746, 16383, 0};
  return once_in(b, 2) ? b.content(1, 1 << 14) : any(b, kLeaks);
}

Neuron neuron(Builder& b, bool may_read_out) {
  static const std::vector<Reset> kResets{Reset::kSubtract, Reset::kZero};
  static const std::vector<int> kLevels{4096, 1000, 16384, 1, 32767};
  Neuron n;
  n.leak = leak(b);
  if (once_in(b, 3)) n.synapse = leak(b);
  n.reset = may_read_out && once_in(b, 4) ? Reset::kNone : any(b, kResets);
  n.level = once_in(b, 8) ? b.content(-2000, 2000) : any(b, kLevels);
  n.drop = once_in(b, 4) ? b.content(1, model::spiking::kMostDrop)
                         : std::clamp(n.level, 1, model::spiking::kMostDrop);
  n.delay = n.reset == Reset::kSubtract && once_in(b, 3);
  return n;
}

/// Adds a product with int16 results that reach the level within a few steps. @param events  codes
/// exceed 1
int currents(Builder& b, int from, const Neuron& n, bool events) {
  const std::vector<int> shape = b.graph.tensor(from).shape;
  const int index = static_cast<int>(b.graph.ops.size()), channels = b.number(1, 20);
  model::Op op = model::op_of(shape.size() == 4 ? OpKind::kConv2D : OpKind::kFullyConnected, index);
  std::vector<int> filter{channels, shape.back()}, to{shape[0], channels};
  if (shape.size() == 4) {
    const int size = std::min({b.number(1, 3), shape[1], shape[2]});
    filter = {channels, size, size, shape[3]};
    op.padding = once_in(b, 2) ? Padding::kSame : Padding::kValid;
    op.stride_h = op.stride_w = b.number(1, 2);
  }
  const int w = weights(b, filter), bias = once_in(b, 3) ? -1 : biases(b, channels);
  op.inputs = {from, w, bias};
  if (shape.size() == 4) {
    const model::Window window = model::window(b.graph, op);
    to = {shape[0], window.P, window.Q, channels};
  }
  const double taps = static_cast<double>(b.graph.tensor(w).elements()) / channels;
  const double sum = 0.0055 * 73 * (events ? 73 : 0.7) * std::sqrt(taps);
  const double wanted = std::max(std::abs(n.level), 100) * std::ldexp(1.0, b.number(-3, 1));
  op.half_even = true;
  op.code_min = INT16_MIN;
  op.code_max = INT16_MAX;
  op.outputs = {codes(b, DataType::kInt16, to,
                      static_cast<float>(b.graph.tensor(from).scale() * sum / wanted))};
  b.graph.ops.push_back(std::move(op));
  return b.graph.ops.back().outputs[0];
}

int neurons(Builder& b, int from, const Neuron& n) {
  const Tensor& x = b.graph.tensor(from);
  const float scale = x.scale();
  const std::vector<int> shape = x.shape;
  model::Op op = model::op_of(OpKind::kSpiking, static_cast<int>(b.graph.ops.size()), {from});
  model::spiking::set_neuron(&op, n);
  if (shape.size() == 2 && n.reset != Reset::kNone && once_in(b, 3)) {
    op.inputs.push_back(weights(b, {shape[1], shape[1]}));
    for (float& s : b.graph.tensors[static_cast<std::size_t>(op.inputs[1])].quantization.scale)
      s *= scale * static_cast<float>(std::max(n.level, 100)) / 2;
  }
  const bool membrane = n.reset == Reset::kNone;
  op.outputs = {
      codes(b, membrane ? DataType::kInt16 : DataType::kInt8, shape, membrane ? scale : 1.0f)};
  b.graph.ops.push_back(std::move(op));
  return b.graph.ops.back().outputs[0];
}

int pooled(Builder& b, int from) {
  const std::vector<int> s = b.graph.tensor(from).shape;
  model::Op op = model::op_of(OpKind::kMaxPool2D, static_cast<int>(b.graph.ops.size()), {from});
  op.filter_h = op.filter_w = op.stride_h = op.stride_w = 2;
  op.outputs = {codes(b, DataType::kInt8, {s[0], s[1] / 2, s[2] / 2, s[3]}, 1.0f)};
  b.graph.ops.push_back(std::move(op));
  return b.graph.ops.back().outputs[0];
}

int flat(Builder& b, int from) {
  const std::vector<int> s = b.graph.tensor(from).shape;
  model::Op op = model::op_of(OpKind::kReshape, static_cast<int>(b.graph.ops.size()), {from});
  op.new_shape = {s[0], s[1] * s[2] * s[3]};
  op.outputs = {codes(b, DataType::kInt8, op.new_shape, 1.0f)};
  b.graph.ops.push_back(std::move(op));
  return b.graph.ops.back().outputs[0];
}

}  // namespace

void make_spikes(Builder& b) {
  const int steps = b.number(1, 8);
  std::vector<int> shape{steps, b.number(1, 24)};
  if (once_in(b, 2)) shape = {steps, b.number(2, 9), b.number(2, 9), b.number(1, 8)};
  int x = codes(b, DataType::kInt8, shape, 1.0f);
  b.graph.inputs = {x};
  for (int layer = 0; more(b, layer, 1, 3); ++layer) {
    const Neuron n = neuron(b, layer > 0 || once_in(b, 4));
    x = neurons(b, currents(b, x, n, layer == 0), n);
    if (n.reset == Reset::kNone) return;
    const std::vector<int> s = b.graph.tensor(x).shape;
    if (s.size() != 4) continue;
    if (s[1] > 1 && s[2] > 1 && once_in(b, 3)) x = pooled(b, x);
    if (once_in(b, 3)) x = flat(b, x);
  }
}

}  // namespace trine::fuzz
