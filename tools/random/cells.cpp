// SPDX-License-Identifier: Apache-2.0
//
// LSTMs of TFLite, one or two in a chain, int8 or 16x8; SVDFs of int8. States are inputs and
// outputs of the network or begin with zeros. Or cells of ONNX.

#include <cmath>
#include <cstring>

#include "sw/model/graph/lstm.h"
#include "sw/model/rewrite/states.h"
#include "tools/random/networks.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::Tensor;
using namespace model::lstm;

constexpr int kOperands = 20;

struct Sequence {
  int batch = 1, steps = 1;
  bool time_major = false, wide = false;

  std::vector<int> shape(int channels) const {
    return time_major ? std::vector<int>{steps, batch, channels}
                      : std::vector<int>{batch, steps, channels};
  }
};

/// Adds codes of any scale; int16 codes have no zero point.
int activation(Builder& b, const Sequence& s, const std::string& name, std::vector<int> shape) {
  Tensor t;
  t.name = name;
  t.shape = std::move(shape);
  t.type = s.wide ? DataType::kInt16 : DataType::kInt8;
  const float scale = static_cast<float>(b.number(2, 40)) / (s.wide ? 256'000.0f : 1000.0f);
  t.quantization = {{scale}, {s.wide ? 0 : any(b, std::vector<int>{0, -128, 127, 17, -3})}, 0};
  return b.graph.add(std::move(t));
}

int constant(Builder& b, const std::string& name, DataType type, std::vector<int> shape,
             float scale, int zero_point) {
  Tensor t;
  t.name = name;
  t.shape = std::move(shape);
  t.type = type;
  t.is_constant = true;
  t.quantization = {{scale}, {zero_point}, 0};
  const int bytes = model::bytes_of(type);
  t.data.edit().assign(static_cast<std::size_t>(t.elements() * bytes),
                       bytes == 1 ? static_cast<std::uint8_t>(zero_point) : 0);
  return b.graph.add(std::move(t));
}

/// Adds weights of a gate, such that its sums of `inputs` terms are mostly within -8..8, or exceed
/// it.
int weights(Builder& b, int from, int cells, int inputs, int spread) {
  const float of_codes = b.graph.tensor(from).scale() * 73;
  const float scale = static_cast<float>(spread) / 73 / of_codes /
                      std::sqrt(static_cast<float>(inputs)) *
                      (b.graph.tensor(from).type == DataType::kInt16 ? 1.0f / 256 : 1.0f);
  const int t = constant(b, "weights", DataType::kInt8, {cells, inputs}, scale, 0);
  for (std::uint8_t& code : b.graph.tensors[static_cast<std::size_t>(t)].data.edit())
    code = static_cast<std::uint8_t>(b.content(-127, 127));
  return t;
}

int bias(Builder& b, const Sequence& s, int from, int of_weights, int cells) {
  const float scale = b.graph.tensor(from).scale() * b.graph.tensor(of_weights).scale();
  const int t =
      constant(b, "bias", s.wide ? DataType::kInt64 : DataType::kInt32, {cells}, scale, 0);
  std::vector<std::uint8_t>& data = b.graph.tensors[static_cast<std::size_t>(t)].data.edit();
  const auto bytes = static_cast<std::size_t>(model::bytes_of(b.graph.tensor(t).type));
  for (std::size_t i = 0; i < data.size(); i += bytes) {
    const std::int64_t value = std::int64_t{b.content(-20'000, 20'000)} * (s.wide ? 256 : 1);
    std::memcpy(&data[i], &value, bytes);  // little endian
  }
  return t;
}

int lstm(Builder& b, const Sequence& s, int x, int inputs) {
  const int cells = b.number(1, 24), spread = b.number(1, 6);
  model::Op op = model::op_of(OpKind::kLstm, static_cast<int>(b.graph.ops.size()),
                              std::vector<int>(kOperands, -1), {});
  op.time_major = s.time_major;
  op.inputs[0] = x;
  const int out = activation(b, s, "h", s.shape(cells));
  const auto& h = b.graph.tensor(out);
  op.inputs[kHidden] = constant(b, "hidden", h.type, {s.batch, cells}, h.scale(), h.zero_point());
  const int log2 = once_in(b, 6) ? b.number(-20, 0) : b.number(-15, -9);
  op.inputs[kState] =
      constant(b, "state", DataType::kInt16, {s.batch, cells}, std::ldexp(1.0f, log2), 0);
  if (once_in(b, 3)) op.cell_clip = static_cast<float>(b.number(1, 80)) / 10;
  for (int g = 0; g < kGates; ++g) {
    const auto at = static_cast<std::size_t>(g);
    op.inputs[kWeights + at] = weights(b, x, cells, inputs, spread);
    op.inputs[kRecurrent + at] = weights(b, out, cells, cells, spread);
    op.inputs[kBias + at] = bias(b, s, x, op.inputs[kWeights + at], cells);
  }
  op.outputs = {out};
  b.graph.ops.push_back(std::move(op));
  return out;
}

/// Adds an SVDF with biases and weights in time up to their limits.
int memory(Builder& b, int x) {
  const std::vector<int> shape = b.shape(x);
  const int units = b.number(1, 12), rank = b.number(1, 4), time = b.number(1, 12);
  const int filters = units * rank;
  model::Op op = model::op_of(OpKind::kSvdf, static_cast<int>(b.graph.ops.size()));
  op.numbers["rank"] = {static_cast<double>(rank)};
  const float of_memory = std::ldexp(1.0f, -b.number(8, 13));
  const int w = weights(b, x, filters, shape[1], b.number(1, 6));
  const int in_time = constant(b, "time", DataType::kInt16, {filters, time}, 0x1p-14f, 0);
  for (std::uint8_t& byte : b.graph.tensors[static_cast<std::size_t>(in_time)].data.edit())
    byte = static_cast<std::uint8_t>(b.content(0, 255));
  const int of_units = constant(b, "bias", DataType::kInt32, {units}, of_memory * 0x1p-14f, 0);
  const int most = once_in(b, 6) ? 1 << 30 : 1 << 20;
  std::vector<std::uint8_t>& data = b.graph.tensors[static_cast<std::size_t>(of_units)].data.edit();
  const bool alike = once_in(b, 3);
  for (std::size_t i = 0; i < data.size(); i += 4) {
    const std::int32_t value = alike ? -77 : b.content(-most, most);
    std::memcpy(&data[i], &value, 4);  // little endian
  }
  const int state =
      constant(b, "memory", DataType::kInt16, {shape[0], filters * time}, of_memory, 0);
  const int out = activation(b, {}, "y", {shape[0], units});
  b.graph.tensors[static_cast<std::size_t>(out)].quantization.scale[0] *= 20;
  op.inputs = {x, w, in_time, of_units, state};
  op.outputs = {out};
  b.graph.ops.push_back(std::move(op));
  return out;
}

}  // namespace

void make_cells(Builder& b) {
  if (once_in(b, 3)) {
    const int x = activation(b, {}, "x", {once_in(b, 3) ? b.number(2, 4) : 1, b.number(1, 24)});
    b.graph.inputs = {x};
    const int y = memory(b, x);
    if (once_in(b, 3)) memory(b, y);
    return;
  }
  if (b.number(0, 1) == 1) return make_recurrent(b);
  Sequence s;
  s.batch = once_in(b, 3) ? b.number(2, 4) : 1;
  s.steps = b.number(1, 8);
  s.time_major = once_in(b, 3);
  s.wide = b.number(0, 1) == 1;
  const int inputs = b.number(1, 24), x = activation(b, s, "x", s.shape(inputs));
  b.graph.inputs = {x};
  int out = lstm(b, s, x, inputs);
  if (once_in(b, 3)) out = lstm(b, s, out, b.graph.tensor(out).shape[2]);
  if (once_in(b, 3)) {  // only the last step, or any one
    const int step = once_in(b, 2) ? s.steps - 1 : b.number(0, s.steps - 1);
    std::vector<int> begin{0, 0, 0}, end = b.shape(out);
    const std::size_t axis = s.time_major ? 0 : 1;
    begin[axis] = step;
    end[axis] = step + 1;
    const int chosen = b.strided_slice(out, begin, end, {1, 1, 1});
    b.graph.tensors[static_cast<std::size_t>(chosen)].type = b.graph.tensor(out).type;
  }
}

void keep_states(Builder& b) { b.graph = model::with_states(std::move(b.graph)).graph; }

}  // namespace trine::fuzz
