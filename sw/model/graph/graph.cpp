// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/base/error.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::model {
namespace {

struct TypeFacts {
  std::string_view name, npy;
  int bytes;
};

const TypeFacts& facts(DataType type) {
  static constexpr TypeFacts kFacts[] = {
      {"int8", "i1", 1},  {"uint8", "u1", 1},   {"int16", "i2", 2}, {"int32", "i4", 4},
      {"int64", "i8", 8}, {"float32", "f4", 4}, {"bool", "b1", 1}};
  return kFacts[static_cast<std::size_t>(type)];
}

/// Returns the product of the extents from position `first` on.
std::int64_t product(const std::vector<int>& shape, std::size_t first = 0) {
  std::int64_t count = 1;
  for (std::size_t i = first; i < shape.size(); ++i) count *= shape[i];
  return count;
}

struct Span {
  int size = 0, before = 0, after = 0;
};

/// Returns one axis of a window. It computes in 64 bits, because filter and dilation may be
/// unchecked values of a file.
Span span(std::int64_t extent, std::int64_t filter, std::int64_t stride, std::int64_t dilation,
          Padding padding) {
  const std::int64_t reach = (filter - 1) * dilation + 1;
  if (padding == Padding::kValid) {
    if (reach > extent) return {};
    return {static_cast<int>((extent - reach) / stride + 1), 0, 0};
  }
  const std::int64_t size = (extent + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>((size - 1) * stride + reach - extent, 0);
  return {static_cast<int>(size), static_cast<int>(total / 2), static_cast<int>(total - total / 2)};
}

/// Returns the window with the given border at each side.
Window padded_window(const Tensor& over, const Op& op, int R, int S,
                     const std::vector<double>& pad) {
  const auto side = [&](std::size_t i) { return i < pad.size() ? static_cast<int>(pad[i]) : 0; };
  const int H = over.extent(1) + side(0) + side(1), W = over.extent(2) + side(2) + side(3);
  const Window w =
      window(H, W, R, S, op.stride_h, op.stride_w, op.dilation_h, op.dilation_w, Padding::kValid);
  return {w.P, w.Q, side(0), side(1), side(2), side(3)};
}

}  // namespace

std::string_view name_of(DataType type) { return facts(type).name; }
int bytes_of(DataType type) { return facts(type).bytes; }
std::string_view npy_code(DataType type) { return facts(type).npy; }

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kInt8:
      return "int8";
    case Encoding::kTernary:
      return "ternary";
    case Encoding::kBinary:
      return "binary";
    case Encoding::kInt2:
      return "int2";
    case Encoding::kInt4:
      return "int4";
  }
  return "";
}

std::pair<int, int> range_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kInt8:
      return {-128, 127};
    case Encoding::kTernary:
    case Encoding::kBinary:
      return {-1, 1};
    case Encoding::kInt2:
      return {-2, 1};
    case Encoding::kInt4:
      return {-8, 7};
  }
  return {};
}

bool holds(Encoding encoding, std::int64_t code) {
  const auto [low, high] = range_of(encoding);
  return code >= low && code <= high && (encoding != Encoding::kBinary || code != 0);
}

Op op_of(OpKind kind, int index, std::vector<int> inputs, std::vector<int> outputs) {
  Op op;
  op.kind = kind;
  op.name = name_of(kind);
  op.index = index;
  op.inputs = std::move(inputs);
  op.outputs = std::move(outputs);
  return op;
}

std::int64_t Tensor::elements() const { return product(shape); }

std::vector<std::int64_t> Tensor::integers() const {
  if (type == DataType::kFloat32) throw_error("'{}' is float32, allowed whole numbers", name);
  return elements_as<std::int64_t>(type, data);
}

Window window(int H, int W, int R, int S, int stride_h, int stride_w, int dilation_h,
              int dilation_w, Padding padding) {
  const Span y = span(H, R, stride_h, dilation_h, padding);
  const Span x = span(W, S, stride_w, dilation_w, padding);
  return {y.size, x.size, y.before, y.after, x.before, x.after};
}

Window window(const Graph& graph, const Op& op) {
  const bool pool = op.kind == OpKind::kMaxPool2D || op.kind == OpKind::kAveragePool2D;
  const Tensor& over = op.kind == OpKind::kTransposeConv ? graph.out(op) : graph.in(op, 0);
  const int R = pool ? op.filter_h : graph.in(op, 1).extent(1);
  const int S = pool ? op.filter_w : graph.in(op, 1).extent(2);
  if (const auto pad = op.numbers.find(tosa::kPad); op.of_tosa != 0 && pad != op.numbers.end())
    return padded_window(over, op, R, S, pad->second);
  return window(over.extent(1), over.extent(2), R, S, op.stride_h, op.stride_w, op.dilation_h,
                op.dilation_w, op.padding);
}

int groups(const Graph& graph, const Op& op) {
  return graph.in(op, 0).extent(-1) / graph.in(op, 1).extent(-1);
}

namespace {

/// Returns the MACs of an ONNX operator, whose tensors have ONNX's order.
std::int64_t macs_of_onnx(const Graph& graph, const Op& op) {
  const std::string& type = op.name;
  if (type == "Conv") return graph.out(op).elements() * product(graph.in(op, 1).shape, 1);
  if (type == "ConvTranspose")
    return graph.in(op, 0).elements() * product(graph.in(op, 1).shape, 1);
  if (type == "MatMul") return graph.out(op).elements() * graph.in(op, 0).extent(-1);
  if (type == "Gemm")  // [N, K] x [K, M]
    return graph.in(op, 0).elements() * graph.out(op).extent(-1);
  if (type == "LSTM" || type == "GRU" || type == "RNN") {  // X [T, N, C]; W, R [D, rows, C]
    const Tensor& x = graph.in(op, 0);
    return x.extent(0) * x.extent(1) * (graph.in(op, 1).elements() + graph.in(op, 2).elements());
  }
  return 0;
}

}  // namespace

std::int64_t macs(const Graph& graph, const Op& op) {
  if (op.counted_macs >= 0) return op.counted_macs;
  switch (op.kind) {
    case OpKind::kConv2D:
      return graph.out(op).elements() * product(graph.in(op, 1).shape, 1);
    case OpKind::kDepthwiseConv2D:
      return graph.out(op).elements() * graph.in(op, 1).extent(1) * graph.in(op, 1).extent(2);
    case OpKind::kFullyConnected:
      return graph.out(op).elements() * graph.in(op, 1).extent(1);
    case OpKind::kLstm: {  // four gates, each with products of inputs and of outputs
      const int cells = graph.in(op, 2).extent(0);
      return graph.out(op).elements() * 4 * (graph.in(op, 0).extent(-1) + cells);
    }
    case OpKind::kSpiking:  // of the spikes that are fed back
      return op.input(1) < 0 ? 0 : graph.out(op).elements() * graph.in(op, 1).extent(1);
    case OpKind::kBatchMatMul:
      return graph.out(op).elements() * graph.in(op, 0).extent(op.adjoint_a ? -2 : -1);
    case OpKind::kTransposeConv: {  // every input meets every tap of every output channel
      const Tensor& weights = graph.in(op, 1);
      return graph.in(op, 2).elements() * (weights.elements() / weights.extent(-1));
    }
    case OpKind::kOnnx:
      return macs_of_onnx(graph, op);
    default:
      return 0;
  }
}

std::int64_t macs(const Graph& graph) {
  std::int64_t total = 0;
  for (const Op& op : graph.ops) total += macs(graph, op);
  return total;
}

std::string module_of(const Graph& graph, const Op& op) {
  for (const int t : op.inputs) {
    if (t < 0 || !graph.tensor(t).is_constant) continue;
    const std::string& name = graph.tensor(t).name;
    if (const std::size_t end = name.find(".weight"); end != std::string::npos && end > 0)
      return name.substr(0, end);
  }
  return "";
}

std::string label(const Graph& graph, const Op& op) {
  return fmt::format("{}: op {} {}", graph.file, op.index, op.name);
}

}  // namespace trine::model
