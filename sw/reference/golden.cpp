// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/golden.h"

#include <cassert>
#include <cstring>

#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/refusal.h"

namespace trine::reference {

using model::DataType;
using model::OpKind;
using model::Tensor;

namespace {

using Bytes = std::vector<std::uint8_t>;

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

/// Converts codes to bytes. @pre int32, int16 or an 8-bit type, and the codes are in its range
Array packed(const Tensor& tensor, const Codes& codes) {
  if (tensor.type == DataType::kInt32) return packed_as(tensor, codes);
  if (tensor.type == DataType::kInt16)
    return packed_as(tensor, std::vector<std::int16_t>(codes.begin(), codes.end()));
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
  return graph.tensor(tensor).is_constant ? graph.tensor(tensor).data.all()
                                          : values.at(tensor).bytes;
}

Codes Call::codes(int position, std::int32_t zero_point) const {
  if (op.input(position) < 0) return {};
  assert(in(position).type != DataType::kInt64 && in(position).type != DataType::kFloat32);
  Codes codes = model::elements_as<std::int32_t>(in(position).type, bytes(position));
  for (std::int32_t& code : codes) code -= zero_point;
  return codes;
}

Codes Call::units(int position) const {
  if (op.input(position) < 0) return {};
  Codes codes = this->codes(position, in(position).zero_point());
  if (model::of_format(in(position)))
    for (std::int32_t& code : codes)
      code = static_cast<std::int32_t>(spec::units_of(in(position).format, code));
  return codes;
}

std::vector<float> Call::floats(int position) const {
  return model::elements_as<float>(DataType::kFloat32, bytes(position));
}

namespace {

template <auto Function>
Array golden(const Call& call) {
  return packed(call.out(), Function(call));
}

Array same(const Call& call) { return packed(call.out(), call.bytes(0)); }

Array any_softmax(const Call& call) {
  if (call.out().type == DataType::kFloat32) return packed(call.out(), float_softmax(call));
  const bool wide = call.out().type == DataType::kInt16;
  return packed(call.out(), wide ? interpolated_softmax(call) : softmax(call));
}

Array any_arg_max(const Call& call) {
  const auto found = arg_max(call);
  if (call.out().type != DataType::kInt32) return packed_as(call.out(), found);
  return packed(call.out(), Codes(found.begin(), found.end()));
}

using Golden = Array (*)(const Call&);

/// The golden layer, on codes, of each kind that is not a function of one code.
constexpr std::pair<OpKind, Golden> kRows[] = {
    {OpKind::kAdd, golden<add>},
    {OpKind::kArgMax, any_arg_max},
    {OpKind::kAveragePool2D, golden<average_pool>},
    {OpKind::kBatchMatMul, golden<batch_matmul>},
    {OpKind::kBroadcastTo, golden<broadcast_to>},
    {OpKind::kConcatenation, golden<concatenation>},
    {OpKind::kConv2D, golden<convolution>},
    {OpKind::kDepthToSpace, golden<depth_to_space>},
    {OpKind::kDepthwiseConv2D, golden<depthwise_convolution>},
    {OpKind::kDequantize, golden<dequantize>},
    {OpKind::kEqual, golden<compare>},
    {OpKind::kExpandDims, same},
    {OpKind::kFloat, golden<float_steps>},
    {OpKind::kFullyConnected, golden<fully_connected>},
    {OpKind::kGather, golden<gather_elements>},
    {OpKind::kGreater, golden<compare>},
    {OpKind::kGreaterEqual, golden<compare>},
    {OpKind::kL2Normalization, golden<l2_normalization>},
    {OpKind::kLess, golden<compare>},
    {OpKind::kLessEqual, golden<compare>},
    {OpKind::kLogSoftmax, golden<log_softmax>},
    {OpKind::kLstm, golden<lstm>},
    {OpKind::kMaximum, golden<select>},
    {OpKind::kMaxPool2D, golden<max_pool>},
    {OpKind::kMean, golden<mean>},
    {OpKind::kMinimum, golden<select>},
    {OpKind::kMirrorPad, golden<mirror_pad>},
    {OpKind::kMul, golden<mul>},
    {OpKind::kNormalization, golden<norm>},
    {OpKind::kNotEqual, golden<compare>},
    {OpKind::kOnnx, golden<onnx>},
    {OpKind::kPad, golden<pad>},
    {OpKind::kPadV2, golden<pad>},
    {OpKind::kQuantize, golden<quantize>},
    {OpKind::kReduceMax, golden<reduce_max>},
    {OpKind::kReduceMin, golden<reduce_max>},
    {OpKind::kReshape, same},
    {OpKind::kResizeBilinear, golden<resize_bilinear>},
    {OpKind::kResizeNearestNeighbor, golden<resize_nearest>},
    {OpKind::kSoftmax, any_softmax},
    {OpKind::kSpaceToDepth, golden<space_to_depth>},
    {OpKind::kSpiking, golden<spiking>},
    {OpKind::kSquaredDifference, golden<add>},
    {OpKind::kSqueeze, same},
    {OpKind::kStridedSlice, golden<strided_slice>},
    {OpKind::kSub, golden<add>},
    {OpKind::kSum, golden<mean>},
    {OpKind::kSvdf, golden<svdf>},
    {OpKind::kThreshold, golden<threshold>},
    {OpKind::kTranspose, golden<transpose>},
    {OpKind::kTransposeConv, golden<transpose_convolution>},
};

constexpr auto kGolden = model::table_of<Golden>(kRows, [](OpKind kind) {
  return !model::is_unary(kind) && model::class_of(kind) != model::OpClass::kNone &&
         model::computes_codes(kind);
});

}  // namespace

Array run_op(const model::Graph& graph, const model::Op& op, const Values& values,
             Rounding rounding, LstmKernel lstm) {
  const Call call{graph, op, values, rounding, lstm};
  const Tensor& out = graph.out(op);
  if (model::computes_floats(op.kind) && out.type == DataType::kFloat32)
    return packed(out, model::is_binary(op.kind) ? float_binary(call) : float_unary(call));
  const Golden run = kGolden[static_cast<std::size_t>(op.kind)];
  if (run != nullptr) return run(call);
  if (!model::is_unary(op.kind) || !model::computes_codes(op.kind))
    throw Error(label(graph, op) + ": operator is not supported");
  return packed(out, unary(call));
}

void check_policy(const model::Graph& graph, const RoundingPolicy& policy) {
  for (const model::Op& op : graph.ops) {
    if (op.kind != OpKind::kLstm || policy.lstm == LstmKernel::kMicro) continue;
    const std::string problem = litert_lstm_problem(graph, op);
    if (!problem.empty())
      model::refuse(model::Reason::kOperator, "{}: LiteRT's kernel {}, allowed --lstm micro",
                    label(graph, op), problem);
  }
}

std::string mismatch(const Array& array, const Tensor& tensor) {
  const std::vector<std::int64_t> wanted(tensor.shape.begin(), tensor.shape.end());
  if (array.dtype == model::npy_code(tensor.type) && array.shape == wanted) return {};
  return fmt::format("is {}, but the model's tensor '{}' is {}", type_and_shape(array), tensor.name,
                     type_and_shape(Array{std::string(model::npy_code(tensor.type)), wanted, {}}));
}

Values run_graph(const model::Graph& graph, const std::vector<Array>& inputs, RoundingPolicy policy,
                 const Progress& progress) {
  model::check(graph);
  check_policy(graph, policy);
  if (inputs.size() != graph.inputs.size())
    throw_error("{}: {} inputs given, but the model has {}", graph.file, inputs.size(),
                graph.inputs.size());
  Values values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string fault = mismatch(inputs[i], graph.tensor(graph.inputs[i]));
    if (!fault.empty()) throw_error("{}: input {} {}", graph.file, i, fault);
    values[graph.inputs[i]] = inputs[i];
  }
  for (const model::Op& op : graph.ops) {
    Array& output = values[op.outputs[0]];
    output = run_op(graph, op, values, policy.of(op), policy.lstm);
    if (progress) progress(op, output);
  }
  return values;
}

std::vector<Array> outputs_of(const model::Graph& graph, const Values& values) {
  std::vector<Array> outputs;
  for (const int t : graph.outputs) {
    const Tensor& tensor = graph.tensor(t);
    outputs.push_back(tensor.is_constant ? packed(tensor, tensor.data.all()) : values.at(t));
  }
  return outputs;
}

}  // namespace trine::reference
