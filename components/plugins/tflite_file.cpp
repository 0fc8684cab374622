// SPDX-License-Identifier: Apache-2.0

#include "components/plugins/tflite_file.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/operators.h"
#include "tflite_generated.h"

namespace trine::abi::tflite {
namespace {
namespace format = model::format;
using Builder = flatbuffers::FlatBufferBuilder;
using Written = std::pair<format::Options, flatbuffers::Offset<void>>;
using Writer = std::function<Written(Builder&, const void*)>;

constexpr int kStridedSlice = 45, kBatchMatMul = 126;

/// Returns a file's number of the type, or nothing if the importer does not support the type.
std::optional<std::int8_t> type_of(int type) {
  static constexpr std::pair<int, std::int8_t> kTypes[] = {
      {kFloat32, 0}, {kFloat16, 1}, {kInt32, 2}, {kUInt8, 3}, {kInt64, 4},
      {kBool, 6},    {kInt16, 7},   {kInt8, 9},  {kInt4, 17}};
  for (const auto& [ours, file] : kTypes)
    if (ours == type) return file;
  return std::nullopt;
}

std::int8_t small(int value) { return static_cast<std::int8_t>(value); }
/// Converts paddings and modes of MIRROR_PAD, which a file counts from 0.
std::int8_t from_zero(int value) { return small(value - 1); }

template <typename Options, typename Create>
Writer writer(format::Options type, Create create) {
  return [type, create](Builder& b, const void* options) {
    return Written{type, create(b, *static_cast<const Options*>(options)).Union()};
  };
}

template <typename Options>
Writer activation(format::Options type) {
  return writer<Options>(type, [](Builder& b, const Options& o) {
    return format::CreateActivationOptions(b, small(o.activation));
  });
}

Writer sum(format::Options type) {
  return writer<options::Sum>(type, [](Builder& b, const auto& o) {
    return format::CreateActivationOptions(b, small(o.activation), o.pot_scale_int16);
  });
}

Writer pool() {
  return writer<options::Pool>(format::Options_Pool2DOptions, [](Builder& b, const auto& o) {
    return format::CreatePool2DOptions(b, from_zero(o.padding), o.stride_w, o.stride_h, o.filter_w,
                                       o.filter_h, small(o.activation));
  });
}

Writer reduction() {
  return writer<options::Reduction>(format::Options_ReducerOptions, [](Builder& b, const auto& o) {
    return format::CreateReducerOptions(b, o.keeps_axes);
  });
}

Writer reshape() {
  return writer<options::Reshape>(format::Options_ReshapeOptions, [](Builder& b, const auto& o) {
    const auto axes = static_cast<std::size_t>(std::clamp(o.axes, 0, 8));
    return format::CreateReshapeOptions(b, b.CreateVector(o.shape, axes));
  });
}

/// Returns the writers, by operator code, of options that the importer reads.
const std::map<int, Writer>& writers() {
  static const std::map<int, Writer> all = {
      {0, sum(format::Options_AddOptions)},
      {1, pool()},
      {2, writer<options::Concatenation>(format::Options_ConcatenationOptions,
                                         [](Builder& b, const auto& o) {
                                           return format::CreateConcatenationOptions(
                                               b, o.axis, small(o.activation));
                                         })},
      {3, writer<options::Convolution>(format::Options_Conv2DOptions,
                                       [](Builder& b, const auto& o) {
                                         return format::CreateConv2DOptions(
                                             b, from_zero(o.padding), o.stride_w, o.stride_h,
                                             small(o.activation), o.dilation_w, o.dilation_h);
                                       })},
      {4, writer<options::Depthwise>(format::Options_DepthwiseConv2DOptions,
                                     [](Builder& b, const auto& o) {
                                       return format::CreateDepthwiseConv2DOptions(
                                           b, from_zero(o.padding), o.stride_w, o.stride_h,
                                           o.depth_multiplier, small(o.activation), o.dilation_w,
                                           o.dilation_h);
                                     })},
      {5, writer<options::Block>(format::Options_DepthToSpaceOptions,
                                 [](Builder& b, const auto& o) {
                                   return format::CreateDepthToSpaceOptions(b, o.size);
                                 })},
      {9, writer<options::FullyConnected>(format::Options_FullyConnectedOptions,
                                          [](Builder& b, const auto& o) {
                                            return format::CreateFullyConnectedOptions(
                                                b, small(o.activation), small(o.weights_format),
                                                o.keeps_axes);
                                          })},
      {11, activation<options::Activation>(format::Options_L2NormOptions)},
      {17, pool()},
      {18, activation<options::Activation>(format::Options_MulOptions)},
      {22, reshape()},
      {23, writer<options::Resize>(format::Options_ResizeBilinearOptions,
                                   [](Builder& b, const auto& o) {
                                     return format::CreateResizeBilinearOptions(
                                         b, 0, 0, o.align_corners, o.half_pixel_centers);
                                   })},
      {25, writer<options::Softmax>(
               format::Options_SoftmaxOptions,
               [](Builder& b, const auto& o) { return format::CreateSoftmaxOptions(b, o.beta); })},
      {26, writer<options::Block>(format::Options_SpaceToDepthOptions,
                                  [](Builder& b, const auto& o) {
                                    return format::CreateSpaceToDepthOptions(b, o.size);
                                  })},
      {36, writer<options::Gather>(format::Options_GatherOptions,
                                   [](Builder& b, const auto& o) {
                                     return format::CreateGatherOptions(b, o.axis, o.batch_axes);
                                   })},
      {40, reduction()},
      {41, sum(format::Options_SubOptions)},
      {42, activation<options::Activation>(format::Options_DivOptions)},
      {kStridedSlice, writer<options::StridedSlice>(format::Options_StridedSliceOptions,
                                                    [](Builder& b, const auto& o) {
                                                      return format::CreateStridedSliceOptions(
                                                          b, o.begin, o.end, o.ellipsis, o.new_axis,
                                                          o.shrink_axis);
                                                    })},
      {67, writer<options::TransposeConvolution>(format::Options_TransposeConvOptions,
                                                 [](Builder& b, const auto& o) {
                                                   return format::CreateTransposeConvOptions(
                                                       b, from_zero(o.padding), o.stride_w,
                                                       o.stride_h, small(o.activation));
                                                 })},
      {74, reduction()},
      {81, reduction()},
      {82, reduction()},
      {83, writer<options::Pack>(format::Options_PackOptions,
                                 [](Builder& b, const auto& o) {
                                   return format::CreatePackOptions(b, o.count, o.axis);
                                 })},
      {85, writer<options::OneHot>(
               format::Options_OneHotOptions,
               [](Builder& b, const auto& o) { return format::CreateOneHotOptions(b, o.axis); })},
      {88, writer<options::Pack>(format::Options_UnpackOptions,
                                 [](Builder& b, const auto& o) {
                                   return format::CreateUnpackOptions(b, o.count, o.axis);
                                 })},
      {89, reduction()},
      {91, reduction()},
      {97, writer<options::Resize>(format::Options_ResizeNearestOptions,
                                   [](Builder& b, const auto& o) {
                                     return format::CreateResizeNearestOptions(
                                         b, o.align_corners, o.half_pixel_centers);
                                   })},
      {98, writer<options::LeakyRelu>(format::Options_LeakyReluOptions,
                                      [](Builder& b, const auto& o) {
                                        return format::CreateLeakyReluOptions(b, o.alpha);
                                      })},
      {100, writer<options::MirrorPad>(format::Options_MirrorPadOptions,
                                       [](Builder& b, const auto& o) {
                                         return format::CreateMirrorPadOptions(b,
                                                                               from_zero(o.mode));
                                       })},
      {112, writer<options::ReverseSequence>(format::Options_ReverseSequenceOptions,
                                             [](Builder& b, const auto& o) {
                                               return format::CreateReverseSequenceOptions(
                                                   b, o.sequence_axis, o.batch_axis);
                                             })},
      {kBatchMatMul, writer<options::Product>(format::Options_BatchMatMulOptions,
                                              [](Builder& b, const auto& o) {
                                                return format::CreateBatchMatMulOptions(
                                                    b, o.adjoint_a, o.adjoint_b);
                                              })},
      {128, writer<options::RunningSum>(format::Options_CumsumOptions,
                                        [](Builder& b, const auto& o) {
                                          return format::CreateCumsumOptions(b, o.exclusive,
                                                                             o.reverse);
                                        })},
      {140, reduction()},
      {150, writer<options::Gelu>(format::Options_GeluOptions, [](Builder& b, const auto& o) {
         return format::CreateGeluOptions(b, o.approximate);
       })}};
  return all;
}

std::string_view name_of(int code) {
  const auto kind = model::kind_of_tflite(code);
  return kind ? kind->second : "";
}

/// A file under construction. Its tensors have the interpreter's numbers.
class File {
 public:
  explicit File(const Context& context) : context_(context) {
    buffers_.push_back(format::CreateBuffer(builder_));  // the buffer of tensors without values
  }

  void add(const tflite::Node& node, int code) {
    const std::vector<int> inputs = numbers(*node.inputs), outputs = numbers(*node.outputs);
    Written options{format::Options_NONE, 0};
    if (const auto found = writers().find(code); found != writers().end() && node.options)
      options = found->second(builder_, node.options);
    const auto ins = builder_.CreateVector(inputs), outs = builder_.CreateVector(outputs);
    operators_.push_back(
        format::CreateOperator(builder_, opcode(code), ins, outs, options.first, options.second));
  }

  std::vector<std::uint8_t> bytes(const std::vector<int>& inputs, const std::vector<int>& outputs) {
    const auto tensors = builder_.CreateVector(tensors_);
    const auto ins = builder_.CreateVector(numbers(inputs));
    const auto outs = builder_.CreateVector(numbers(outputs));
    const auto operators = builder_.CreateVector(operators_);
    const auto graph = format::CreateSubGraph(builder_, tensors, ins, outs, operators);
    const auto graphs = builder_.CreateVector(&graph, 1);
    const auto codes = builder_.CreateVector(codes_);
    const auto buffers = builder_.CreateVector(buffers_);
    constexpr std::uint32_t kSchema = 3;
    format::FinishModelBuffer(builder_,
                              format::CreateModel(builder_, kSchema, codes, graphs, 0, buffers));
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  std::uint32_t opcode(int code) {
    const auto [found, is_new] = opcodes_.try_emplace(code, codes_.size());
    if (is_new) {
      constexpr int kByte = 127;  // value of the byte for codes beyond it
      codes_.push_back(
          format::CreateOperatorCode(builder_, small(std::min(code, kByte)), 0, 1, code));
    }
    return static_cast<std::uint32_t>(found->second);
  }

  template <typename Tensors>
  std::vector<int> numbers(const Tensors& tensors) {
    std::vector<int> result;
    for (const int t : tensors) result.push_back(t < 0 ? -1 : number(t));
    return result;
  }

  int number(int t) {
    const auto [found, is_new] = numbers_.try_emplace(t, static_cast<int>(tensors_.size()));
    if (is_new) tensors_.push_back(written(context_.tensors[t]));
    return found->second;
  }

  flatbuffers::Offset<format::Tensor> written(const Tensor& tensor) {
    const auto shape = builder_.CreateVector(tensor.shape->begin(), at(tensor.shape->size));
    const auto name = builder_.CreateString(tensor.name != nullptr ? tensor.name : "");
    const auto quantization = written(tensor.quantization);
    std::uint32_t buffer = 0;
    if (is_constant(tensor)) {
      buffer = static_cast<std::uint32_t>(buffers_.size());
      const auto data =
          builder_.CreateVector(static_cast<const std::uint8_t*>(tensor.data), tensor.bytes);
      buffers_.push_back(format::CreateBuffer(builder_, data));
    }
    return format::CreateTensor(builder_, shape, *type_of(tensor.type), buffer, name, quantization);
  }

  flatbuffers::Offset<format::QuantizationParameters> written(const Quantization& quantization) {
    if (quantization.kind != kAffine || quantization.parameters == nullptr) return 0;
    const auto& affine = *static_cast<const Affine*>(quantization.parameters);
    const auto scales = builder_.CreateVector(affine.scale->begin(), at(affine.scale->size));
    flatbuffers::Offset<flatbuffers::Vector<std::int64_t>> points = 0;
    if (affine.zero_point != nullptr)
      points = builder_.CreateVector(
          std::vector<std::int64_t>(affine.zero_point->begin(), affine.zero_point->end()));
    return format::CreateQuantizationParameters(builder_, 0, 0, scales, points, 0, 0, affine.axis);
  }

  const Context& context_;
  Builder builder_;
  std::map<int, int> numbers_;
  std::map<int, std::size_t> opcodes_;
  std::vector<flatbuffers::Offset<format::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<format::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<format::OperatorCode>> codes_;
  std::vector<flatbuffers::Offset<format::Operator>> operators_;
};

std::string fault_of(const Tensor& tensor) {
  if (!type_of(tensor.type)) return fmt::format("type {}", tensor.type);
  if (tensor.shape == nullptr) return "an unknown shape";
  if (tensor.is_variable) return "a state that persists from run to run";
  if (tensor.sparsity != nullptr) return "sparse values";
  if (tensor.quantization.kind > kAffine) return "a quantization in blocks";
  return "";
}

}  // namespace

std::vector<Planned> plan_of(Context& context) {
  Ints* plan = nullptr;
  if (context.execution_plan(&context, &plan) != kOk)
    throw_error("trine: LiteRT provides no execution plan");
  std::vector<Planned> nodes;
  for (const int index : *plan) {
    Node* node = nullptr;
    Registration* registration = nullptr;
    if (context.node(&context, index, &node, &registration) != kOk)
      throw_error("trine: LiteRT provides no node {}", index);
    nodes.push_back({index, node, registration});
  }
  return nodes;
}

std::string fault_of(const Context& context, const Planned& planned) {
  if (planned.node->delegate != nullptr) return "another delegate runs it";
  if (name_of(planned.registration->code).empty()) return "operator is not known";
  for (const Ints* tensors : {planned.node->inputs, planned.node->outputs})
    for (const int t : *tensors)
      if (const std::string fault = t < 0 ? "" : fault_of(context.tensors[t]); !fault.empty())
        return fmt::format("tensor {}: {}", t, fault);
  if (planned.registration->code == kStridedSlice && planned.node->options != nullptr &&
      static_cast<const options::StridedSlice*>(planned.node->options)->offset)
    return "its ends are relative to its begins (offset true)";
  return "";
}

std::vector<int> inputs_of(const Context& context, const std::vector<Planned>& nodes) {
  std::set<int> known;
  std::vector<int> inputs;
  for (const Planned& planned : nodes)
    known.insert(planned.node->outputs->begin(), planned.node->outputs->end());
  for (const Planned& planned : nodes)
    for (const int t : *planned.node->inputs)
      if (t >= 0 && !is_constant(context.tensors[t]) && known.insert(t).second) inputs.push_back(t);
  return inputs;
}

std::vector<std::uint8_t> file_of(const Context& context, const std::vector<Planned>& nodes,
                                  const std::vector<int>& outputs) {
  File file(context);
  for (const Planned& planned : nodes) file.add(*planned.node, planned.registration->code);
  return file.bytes(inputs_of(context, nodes), outputs);
}

std::int64_t macs_of(const Context& context, const Planned& planned) {
  const auto kind = model::kind_of_tflite(planned.registration->code);
  if (!kind) return 0;
  model::Graph graph;
  model::Op op = model::op_of(kind->first, 0);
  const auto add = [&](const Ints& tensors, std::vector<int>& numbers) {
    for (const int t : tensors) {
      model::Tensor tensor;
      if (t >= 0 && context.tensors[t].shape != nullptr)
        tensor.shape.assign(context.tensors[t].shape->begin(), context.tensors[t].shape->end());
      numbers.push_back(t < 0 ? -1 : graph.add(tensor));
    }
  };
  add(*planned.node->inputs, op.inputs);
  add(*planned.node->outputs, op.outputs);
  if (planned.registration->code == kBatchMatMul && planned.node->options != nullptr)
    op.adjoint_a = static_cast<const options::Product*>(planned.node->options)->adjoint_a;
  return model::macs(graph, op);
}

}  // namespace trine::abi::tflite
