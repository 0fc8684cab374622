// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/run.h"

#include <fmt/ranges.h>

#include <cassert>
#include <cstring>

#include "base/error.h"

namespace trine::reference {

using model::DataType;
using model::OpKind;
using model::Tensor;

namespace {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
Codes widened(const Bytes& bytes, std::int32_t zero_point) {
  Codes codes(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    T value;
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    codes[i] = static_cast<std::int32_t>(value) - zero_point;
  }
  return codes;
}

Array packed(const Tensor& tensor, Bytes bytes) {
  return {std::string(model::npy_code(tensor.type)),
          {tensor.shape.begin(), tensor.shape.end()},
          std::move(bytes)};
}

template <typename T>
Array packed_as(const Tensor& tensor, const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return packed(tensor, std::move(bytes));
}

/// Codes to bytes. @pre int32, or an 8-bit type, whose range the codes are in
Array packed(const Tensor& tensor, const Codes& codes) {
  if (tensor.type == DataType::kInt32) return packed_as(tensor, codes);
  Bytes bytes(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(codes[i] & 0xff);
  return packed(tensor, std::move(bytes));
}

Array packed(const Tensor& tensor, const std::vector<float>& values) {
  return packed_as(tensor, values);
}

}  // namespace

const Bytes& Call::bytes(int position) const {
  const int tensor = op.input(position);
  return graph.tensor(tensor).is_constant ? graph.tensor(tensor).data : values.at(tensor).bytes;
}

Codes Call::codes(int position, std::int32_t zero_point) const {
  if (op.input(position) < 0) return {};
  switch (in(position).type) {
    case DataType::kInt8:
      return widened<std::int8_t>(bytes(position), zero_point);
    case DataType::kBool:
    case DataType::kUInt8:
      return widened<std::uint8_t>(bytes(position), zero_point);
    case DataType::kInt16:
      return widened<std::int16_t>(bytes(position), zero_point);
    case DataType::kInt32:
      return widened<std::int32_t>(bytes(position), zero_point);
    default:
      break;
  }
  assert(!"codes() of a wide tensor");
  return {};
}

std::vector<float> Call::floats(int position) const {
  const Bytes& source = bytes(position);
  std::vector<float> values(source.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), source.data(), values.size() * sizeof(float));
  return values;
}

Array run_op(const model::Graph& graph, const model::Op& op, const Values& values,
             Rounding rounding) {
  const Call call{graph, op, values, rounding};
  const Tensor& out = graph.out(op);
  if (model::computes_floats(op.kind) && out.type == DataType::kFloat32)
    return packed(out, model::is_binary(op.kind) ? float_binary(call) : float_unary(call));
  switch (op.kind) {
    case OpKind::kConv2D:
      return packed(out, convolution(call));
    case OpKind::kDepthwiseConv2D:
      return packed(out, depthwise_convolution(call));
    case OpKind::kTransposeConv:
      return packed(out, transpose_convolution(call));
    case OpKind::kFullyConnected:
      return packed(out, fully_connected(call));
    case OpKind::kBatchMatMul:
      return packed(out, batch_matmul(call));
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kSquaredDifference:
      return packed(out, add(call));
    case OpKind::kMul:
      return packed(out, mul(call));
    case OpKind::kMaximum:
    case OpKind::kMinimum:
      return packed(out, select(call));
    case OpKind::kLstm:
      return packed(out, lstm(call));
    case OpKind::kGather:
      return packed(out, gather_elements(call));
    case OpKind::kBroadcastTo:
      return packed(out, broadcast_to(call));
    case OpKind::kMaxPool2D:
      return packed(out, max_pool(call));
    case OpKind::kAveragePool2D:
      return packed(out, average_pool(call));
    case OpKind::kMean:
    case OpKind::kSum:
      return packed(out, mean(call));
    case OpKind::kReduceMax:
    case OpKind::kReduceMin:
      return packed(out, reduce_max(call));
    case OpKind::kReshape:
    case OpKind::kSqueeze:
    case OpKind::kExpandDims:
      return packed(out, call.bytes(0));
    case OpKind::kPad:
    case OpKind::kPadV2:
      return packed(out, pad(call));
    case OpKind::kMirrorPad:
      return packed(out, mirror_pad(call));
    case OpKind::kSpaceToDepth:
      return packed(out, space_to_depth(call));
    case OpKind::kDepthToSpace:
      return packed(out, depth_to_space(call));
    case OpKind::kTranspose:
      return packed(out, transpose(call));
    case OpKind::kStridedSlice:
      return packed(out, strided_slice(call));
    case OpKind::kConcatenation:
      return packed(out, concatenation(call));
    case OpKind::kResizeBilinear:
      return packed(out, resize_bilinear(call));
    case OpKind::kResizeNearestNeighbor:
      return packed(out, resize_nearest(call));
    case OpKind::kSoftmax:
      if (out.type == DataType::kFloat32) return packed(out, float_softmax(call));
      return packed(out, softmax(call));
    case OpKind::kNormalization:
      return packed(out, norm(call));
    case OpKind::kOnnx:
      return packed(out, onnx(call));
    case OpKind::kLogSoftmax:
      return packed(out, log_softmax(call));
    case OpKind::kQuantize:
      return packed(out, quantize(call));
    case OpKind::kDequantize:
      return packed(out, dequantize(call));
    case OpKind::kThreshold:
      return packed(out, threshold(call));
    case OpKind::kFloat:
      return packed(out, float_steps(call));
    case OpKind::kArgMax:
      if (const auto found = arg_max(call); out.type == DataType::kInt32)
        return packed(out, Codes(found.begin(), found.end()));
      else
        return packed_as(out, found);
    case OpKind::kElu:
    case OpKind::kLog:
    case OpKind::kSqrt:
    case OpKind::kSquare:
      return packed(out, unary(call));
    case OpKind::kRelu:
    case OpKind::kRelu6:
    case OpKind::kReluN1To1:
    case OpKind::kAbs:
    case OpKind::kLeakyRelu:
    case OpKind::kHardSwish:
    case OpKind::kLogistic:
    case OpKind::kTanh:
    case OpKind::kGelu:
    case OpKind::kExp:
    case OpKind::kRsqrt:
      return packed(out, unary(call));
    case OpKind::kCeil:
    case OpKind::kCos:
    case OpKind::kDiv:
    case OpKind::kErf:
    case OpKind::kFloor:
    case OpKind::kNeg:
    case OpKind::kRound:
    case OpKind::kSin:
    case OpKind::kUnknown:
      break;
  }
  throw Error(label(graph, op) + ": operator is not supported");
}

std::string mismatch(const Array& array, const Tensor& tensor) {
  const std::vector<std::int64_t> wanted(tensor.shape.begin(), tensor.shape.end());
  if (array.dtype == model::npy_code(tensor.type) && array.shape == wanted) return {};
  return fmt::format("is {} [{}], the model's tensor '{}' is {} [{}]", array.dtype,
                     fmt::join(array.shape, ", "), tensor.name, model::npy_code(tensor.type),
                     fmt::join(wanted, ", "));
}

Values run_graph(const model::Graph& graph, const std::vector<Array>& inputs, RoundingPolicy policy,
                 const Progress& progress) {
  model::check(graph);
  if (inputs.size() != graph.inputs.size())
    throw_error("{}: {} inputs given, the model has {}", graph.file, inputs.size(),
                graph.inputs.size());
  Values values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string fault = mismatch(inputs[i], graph.tensor(graph.inputs[i]));
    if (!fault.empty()) throw_error("{}: input {} {}", graph.file, i, fault);
    values[graph.inputs[i]] = inputs[i];
  }
  for (const model::Op& op : graph.ops) {
    Array& output = values[op.outputs[0]];
    output = run_op(graph, op, values, policy.of(op));
    if (progress) progress(op, output);
  }
  return values;
}

std::vector<Array> outputs_of(const model::Graph& graph, const Values& values) {
  std::vector<Array> outputs;
  for (const int t : graph.outputs) {
    const Tensor& tensor = graph.tensor(t);
    outputs.push_back(tensor.is_constant ? packed(tensor, tensor.data) : values.at(t));
  }
  return outputs;
}

}  // namespace trine::reference
