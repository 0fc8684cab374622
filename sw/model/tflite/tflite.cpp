// SPDX-License-Identifier: Apache-2.0
//
// Parses TFLite files into graphs. The bytes are not trusted: the flatbuffers verifier proves that
// every offset stays inside the file, and each index, extent and size is checked here before it is
// used.

#include "sw/model/tflite/tflite.h"

#include <flatbuffers/flexbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/flatbuffer.h"
#include "sw/base/text.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/lstm.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/expand.h"
#include "sw/model/tflite/sparse.h"
#include "tflite_generated.h"

namespace trine::model {
namespace {

using flat::copy, flat::size_of, flat::text;

/// Larger tensors are treated as damage: 2^28 elements exceed every supported memory.
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
/// The bytes of constants that may exceed the file's size, because several tensors may share a
/// buffer.
constexpr std::size_t kMaxShared = std::size_t{1} << 28;
constexpr std::size_t kMaxRank = 8;
/// Tables may share their vectors, so a small file could expand into a huge graph. Both factors are
/// bounded.
constexpr std::size_t kMaxTensors = 65536, kMaxOps = 65536, kMaxOperands = 256;
constexpr std::int64_t kMaxState = 1 << 20;  ///< elements of a state
constexpr int kCustom = 32;
/// The remedy for LSTMs, which ai-edge-quantizer does not quantize.
constexpr std::string_view kIntegerLstm =
    "TFLiteConverter with a representative_dataset makes it int8, for --allow-host";

/// An import of one file. It holds everything that messages need, so that each check is one line.
class Importer {
 public:
  Importer(const format::Model& model, std::size_t bytes, std::string file, bool host)
      : model_(model), file_bytes_(bytes), host_(host) {
    graph_.file = std::move(file);
    graph_.name = std::filesystem::path(graph_.file).stem().string();
  }

  Graph run() {
    if (model_.version() != 3) fail("schema version {}, allowed 3", model_.version());
    if (size_of(model_.subgraphs()) != 1)
      fail("{} subgraphs, allowed 1", size_of(model_.subgraphs()));
    const format::SubGraph* subgraph = model_.subgraphs()->Get(0);
    const std::size_t tensors = size_of(subgraph->tensors()), ops = size_of(subgraph->operators());
    if (tensors < 1 || tensors > kMaxTensors)
      fail("{} tensors, allowed 1..{}", tensors, kMaxTensors);
    if (ops > kMaxOps) fail("{} operators, allowed 0..{}", ops, kMaxOps);
    require_codes(*subgraph);
    for (const format::Tensor* tensor : *subgraph->tensors()) add(*tensor);
    if (size_of(subgraph->inputs()) + size_of(subgraph->outputs()) > 2 * kMaxTensors)
      fail("too many graph inputs and outputs");
    graph_.inputs = copy(subgraph->inputs());
    graph_.outputs = copy(subgraph->outputs());
    if (graph_.inputs.empty()) fail("no inputs");
    if (graph_.outputs.empty()) fail("no outputs");
    if (subgraph->operators() != nullptr)
      for (const format::Operator* op : *subgraph->operators()) add(*op);
    check_order(graph_);
    std::set<int> inputs;
    for (const int t : graph_.inputs)
      if (graph_.tensor(t).is_constant || !inputs.insert(t).second)
        fail("graph input {} is a constant or given twice", t);
    return expanded(std::move(graph_), host_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(graph_.file + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  template <typename... Args>
  [[noreturn]] void fail(const Tensor& tensor, fmt::format_string<Args...> text,
                         Args&&... args) const {
    throw Error(
        fmt::format("{}: tensor {} '{}': ", graph_.file, graph_.tensors.size(), tensor.name) +
        fmt::format(text, std::forward<Args>(args)...));
  }

  template <typename... Args>
  [[noreturn]] void fail(const Op& op, fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(label(graph_, op) + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  static constexpr int kInt4 = 17;
  static constexpr int kBlockwise = 2;  ///< type of the quantization's details

  DataType type_of(const Tensor& tensor, int code) const {
    static constexpr std::pair<int, DataType> kTypes[] = {
        {0, DataType::kFloat32}, {2, DataType::kInt32}, {3, DataType::kUInt8},
        {4, DataType::kInt64},   {6, DataType::kBool},  {7, DataType::kInt16},
        {9, DataType::kInt8}};
    for (const auto& [number, type] : kTypes)
      if (number == code) return type;
    static constexpr std::pair<int, const char*> kOthers[] = {
        {1, "float16"},     {5, "string"},  {8, "complex64"}, {10, "float64"},
        {11, "complex128"}, {12, "uint64"}, {13, "resource"}, {14, "variant"},
        {15, "uint32"},     {16, "uint16"}, {18, "bfloat16"}};
    const auto* other = std::ranges::find(kOthers, code, &std::pair<int, const char*>::first);
    fail(tensor, "type {} is not supported, allowed int8 uint8 int16 int32 int64 float32 bool",
         other != std::end(kOthers) ? other->second : fmt::format("code {}", code));
  }

  /// @throws Refusal  if operators compute floats and no tensor that they make holds codes
  void require_codes(const format::SubGraph& subgraph) const {
    constexpr int kFloat = 0, kHalf = 1, kBFloat = 18;
    bool floats = false, halves = false, weights = false, dequantized = false;
    for (const format::Tensor* tensor : *subgraph.tensors()) {
      const auto buffer = tensor->buffer();
      const bool constant = buffer < size_of(model_.buffers()) &&
                            (size_of(model_.buffers()->Get(buffer)->data()) > 0 ||
                             model_.buffers()->Get(buffer)->offset() > 1);
      const auto* quantization = tensor->quantization();
      const bool codes =
          quantization != nullptr && tensor->type() != kFloat &&
          (size_of(quantization->scale()) > 0 || quantization->details_kind() == kBlockwise);
      if (codes && !constant) return;
      weights = weights || codes;
      floats = floats || (tensor->type() == kFloat && !constant);
      halves = halves || tensor->type() == kHalf || tensor->type() == kBFloat;
    }
    if (!floats && !halves) return;
    constexpr int kDequantize = 6, kLstm = 44;
    if (model_.operator_codes() != nullptr)
      for (const format::OperatorCode* entry : *model_.operator_codes()) {
        if (code_of(*entry) == kLstm)
          refuse(Reason::kType,
                 "{}: the model is float32, and `trine quantize` leaves its LSTM in float32: {}",
                 graph_.file, kIntegerLstm);
        dequantized = dequantized || code_of(*entry) == kDequantize;
      }
    // Blocks have float16 scales, for weights that are codes.
    refuse_float(graph_.file, weights && dequantized ? kWeightsAlone
                              : weights              ? kDynamic
                              : halves               ? kFloat16
                                                     : kFloat32);
  }

  void add(const format::Tensor& source) {
    Tensor tensor;
    tensor.name = printable(text(source.name()));
    const bool nibbles = source.type() == kInt4;
    tensor.type = nibbles ? DataType::kInt8 : type_of(tensor, source.type());
    if (size_of(source.shape()) > kMaxRank)
      fail(tensor, "rank {}, allowed 0..{}", size_of(source.shape()), kMaxRank);
    tensor.shape = copy(source.shape());
    std::int64_t elements = 1;
    for (const int extent : tensor.shape) {
      if (extent < 0) fail(tensor, "extent {} in the shape, allowed 0 and above", extent);
      elements *= extent;  // both factors below 2^31
      if (elements > kMaxElements) fail(tensor, "more than {} elements", kMaxElements);
    }
    if (source.quantization() != nullptr) set_quantization(tensor, *source.quantization());
    const std::optional<Sparsity> sparsity = sparsity_of(tensor, source.sparsity());
    if (sparsity && nibbles) fail(tensor, "sparse int4, allowed sparse values of whole bytes");
    set_data(tensor, source.buffer(), nibbles, sparsity);
    if (nibbles && !tensor.is_constant) fail(tensor, "type int4, allowed only for constants");
    graph_.tensors.push_back(std::move(tensor));
  }

  void set_quantization(Tensor& tensor, const format::QuantizationParameters& source) {
    Quantization& q = tensor.quantization;
    if (source.details_kind() == kBlockwise)
      fail(tensor,
           "a scale for each block of channels, which TFLite supports only with float activations: "
           "use MatMulNBits of ONNX with array.groups");
    if (source.details_kind() != 0) fail(tensor, "custom quantization is not supported");
    count_bytes(tensor, size_of(source.scale()) * sizeof(float));
    count_bytes(tensor, size_of(source.zero_point()) * sizeof(std::int64_t));
    q.scale = copy(source.scale());
    q.zero_point = copy(source.zero_point());
    q.axis = source.quantized_dimension();
    if (q.scale.empty()) q.zero_point.clear();  // only min and max: not quantized
    if (q.zero_point.empty()) q.zero_point.assign(q.scale.size(), 0);
    if (q.zero_point.size() != q.scale.size())
      fail(tensor, "{} zero points for {} scales", q.zero_point.size(), q.scale.size());
    // A published model names axis 3 of its one-dimensional biases, which have only one axis.
    if (tensor.shape.size() <= 1) q.axis = 0;
  }

  std::vector<std::int64_t> indices_of(const Tensor& tensor, format::Indices kind,
                                       const void* source) {
    std::vector<std::int64_t> result;
    const auto take = [&](const auto* table) {
      if (table == nullptr || table->values() == nullptr) return;
      count_bytes(tensor, size_of(table->values()) * sizeof(std::int64_t));
      const auto values = copy(table->values());
      result.assign(values.begin(), values.end());
    };
    if (kind == format::Indices_Indices32)
      take(static_cast<const format::Indices32*>(source));
    else if (kind == format::Indices_Indices16)
      take(static_cast<const format::Indices16*>(source));
    else if (kind == format::Indices_Indices8)
      take(static_cast<const format::Indices8*>(source));
    return result;
  }

  std::optional<Sparsity> sparsity_of(const Tensor& tensor, const format::Sparsity* source) {
    if (source == nullptr) return std::nullopt;
    Sparsity result{copy(source->order()), copy(source->block_map()), {}};
    if (size_of(source->dimensions()) > 2 * kMaxRank)
      fail(tensor, "{} sparse levels, allowed {}", size_of(source->dimensions()), 2 * kMaxRank);
    for (std::size_t i = 0; i < size_of(source->dimensions()); ++i) {
      const format::SparseDimension& level =
          *source->dimensions()->Get(static_cast<flatbuffers::uoffset_t>(i));
      result.levels.push_back({level.format() == 0, level.size(),
                               indices_of(tensor, level.segments_type(), level.segments()),
                               indices_of(tensor, level.indices_type(), level.indices())});
    }
    return result;
  }

  /// @param nibbles  true: a byte holds two codes, the first in its low half, which become whole
  /// bytes
  void set_data(Tensor& tensor, std::uint32_t index, bool nibbles,
                const std::optional<Sparsity>& sparsity) {
    const std::size_t buffers = size_of(model_.buffers());
    if (index >= buffers && index != 0)
      fail(tensor, "buffer {} does not exist, the file has {}", index, buffers);
    const format::Buffer* buffer = index < buffers ? model_.buffers()->Get(index) : nullptr;
    if (buffer != nullptr && (buffer->offset() > 1 || buffer->size() > 1))
      fail(tensor, "data after the model in the file is not supported");
    const auto elements = static_cast<std::size_t>(tensor.elements());
    const std::size_t expected =
        nibbles ? (elements + 1) / 2 : elements * static_cast<std::size_t>(bytes_of(tensor.type));
    const auto* data = buffer == nullptr ? nullptr : buffer->data();
    tensor.is_constant = expected == 0 || (data != nullptr && data->size() > 0);
    if (!tensor.is_constant || expected == 0) return;
    if (sparsity) {
      count_bytes(tensor, data->size() + expected);
      try {
        tensor.data = written_out(*sparsity, tensor.shape, copy(data),
                                  static_cast<std::size_t>(bytes_of(tensor.type)));
      } catch (const Error& error) {
        fail(tensor, "{}", error.what());
      }
      return;
    }
    if (data->size() != expected)
      fail(tensor, "buffer of {} bytes, the shape needs {}", data->size(), expected);
    count_bytes(tensor, expected);
    tensor.data = copy(data);
    if (!nibbles) return;
    count_bytes(tensor, elements);
    std::vector<std::uint8_t> codes(elements);
    for (std::size_t i = 0; i < elements; ++i) {
      const int half = tensor.data[i / 2] >> (i % 2 * 4) & 0xf;
      codes[i] = static_cast<std::uint8_t>((half ^ 8) - 8);
    }
    tensor.data = std::move(codes);
    tensor.encoding = Encoding::kInt4;
  }

  /// Counts the bytes of constants. Many tensors of a hostile file may share a buffer, and the
  /// copies must not exceed the memory.
  void count_bytes(const Tensor& tensor, std::size_t bytes) {
    copied_bytes_ += bytes;
    if (copied_bytes_ > file_bytes_ + kMaxShared)
      fail(tensor, "more than {} bytes of constants, in a file of {} bytes",
           file_bytes_ + kMaxShared, file_bytes_);
  }

  void add(const format::Operator& source) {
    Op op;
    op.index = static_cast<int>(graph_.ops.size());
    set_kind(op, source.opcode_index());
    const std::size_t operands = size_of(source.inputs()) + size_of(source.outputs());
    if (operands > kMaxOperands) fail(op, "{} operands, allowed 1..{}", operands, kMaxOperands);
    op.inputs = copy(source.inputs());
    op.outputs = copy(source.outputs());
    if (op.outputs.empty()) fail(op, "no output");
    set_options(op, source);
    if (op.kind == OpKind::kLstm) set_lstm(op, source);
    if (op.kind == OpKind::kSvdf) set_state(op, 4);
    if (op.name == "CUSTOM:TFLite_Detection_PostProcess") set_numbers(op, source);
    graph_.ops.push_back(std::move(op));
  }

  /// Reads the options of a custom operator: a map of numbers.
  void set_numbers(Op& op, const format::Operator& source) const {
    const std::vector<std::uint8_t> bytes = copy(source.custom_options());
    std::vector<std::uint8_t> seen;  // without it, checking a small file could take years
    if (bytes.empty() || !flexbuffers::VerifyBuffer(bytes.data(), bytes.size(), &seen))
      fail(op, "its options are not a flexbuffer, or are damaged");
    const flexbuffers::Reference root = flexbuffers::GetRoot(bytes);
    if (!root.IsMap()) fail(op, "its options are not a map");
    const auto keys = root.AsMap().Keys();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const flexbuffers::Reference value = root.AsMap().Values()[i];
      if (!value.IsNumeric() && !value.IsBool())
        fail(op, "option {} is not a number", printable(keys[i].AsKey()));
      op.numbers[keys[i].AsKey()] = {value.AsDouble()};
    }
  }

  /// Reads an LSTM. LiteRT's kernel reads the scale before a projection from the last of five
  /// intermediate tensors; tflite-micro's reads none.
  void set_lstm(Op& op, const format::Operator& source) {
    const auto& o = needed(op, source.options_as_LstmOptions());
    const int x = op.input(0);
    if (x >= 0 && x < static_cast<int>(graph_.tensors.size()) &&
        graph_.tensor(x).type == DataType::kFloat32)
      fail(op, "computes in float32, which `trine quantize` does not change: {}", kIntegerLstm);
    constexpr int kTanh = 4;
    if (o.activation() != kTanh) fail(op, "activation {}, allowed TANH", o.activation());
    if (o.proj_clip() != 0) fail(op, "proj_clip {}, allowed 0", o.proj_clip());
    op.time_major = o.time_major();
    op.cell_clip = o.cell_clip();
    const std::vector<int> intermediates = copy(source.intermediates());
    if (intermediates.size() == 5 && intermediates[4] >= 0 &&
        intermediates[4] < static_cast<int>(graph_.tensors.size())) {
      const Tensor& hidden = graph_.tensor(intermediates[4]);
      op.hidden_scale = hidden.scale();
      op.hidden_zero_point = hidden.zero_point();
    }
    for (const int position : {lstm::kHidden, lstm::kState}) set_state(op, position);
  }

  /// Makes the state a constant of zeros if no operator writes it.
  void set_state(const Op& op, int position) {
    const int t = op.input(position);
    if (t < 0 || t >= static_cast<int>(graph_.tensors.size()) || graph_.tensor(t).is_constant ||
        graph_.tensor(t).elements() > kMaxState)
      return;
    Tensor& state = graph_.tensors[t];
    state.is_constant = true;
    const bool bytes = state.type == DataType::kInt8;
    state.data.edit().assign(state.elements() * bytes_of(state.type),
                             bytes ? static_cast<std::uint8_t>(state.zero_point() & 0xff) : 0);
  }

  /// Returns the code. Old writers set only the byte; new ones set both, with 127 in a byte that
  /// cannot hold the code.
  static int code_of(const format::OperatorCode& entry) {
    return std::max<int>(entry.builtin_code(), entry.deprecated_builtin_code());
  }

  void set_kind(Op& op, std::uint32_t opcode_index) const {
    const std::size_t count = size_of(model_.operator_codes());
    if (opcode_index >= count)
      fail("op {}: operator code {} does not exist, the file has {}", op.index, opcode_index,
           count);
    const format::OperatorCode* entry = model_.operator_codes()->Get(opcode_index);
    const int code = code_of(*entry);
    if (const auto found = kind_of_tflite(code)) {
      std::tie(op.kind, op.name) = *found;
    } else if (code == kCustom) {
      op.name = "CUSTOM:" + printable(text(entry->custom_code()));
      for (const std::string_view of_other : {"ethos-u", "edgetpu-custom-op"})
        if (op.name.ends_with(of_other))
          fail("op {} {}: compiled for another accelerator: use the .tflite that it was made from",
               op.index, op.name);
    } else {
      op.name = fmt::format("OPERATOR_{}", code);
    }
  }

  Activation activation_of(const Op& op, int code) const {
    static constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu,
                                                  Activation::kReluN1To1, Activation::kRelu6};
    if (code < 0 || code > 3)
      fail(op, "fused activation {} is not supported, allowed NONE RELU RELU_N1_TO_1 RELU6", code);
    return kActivations[code];
  }

  Padding padding_of(const Op& op, int code) const {
    if (code != 0 && code != 1) fail(op, "padding {} is unknown, allowed SAME VALID", code);
    return code == 0 ? Padding::kSame : Padding::kValid;
  }

  template <typename Options>
  void set_stride(Op& op, const Options& o) const {
    op.padding = padding_of(op, o.padding());
    op.stride_h = o.stride_h();
    op.stride_w = o.stride_w();
    op.activation = activation_of(op, o.activation());
  }

  template <typename Options>
  void set_dilation(Op& op, const Options& o) const {
    op.dilation_h = o.dilation_h();
    op.dilation_w = o.dilation_w();
  }

  /// Returns the options of an operator kind that requires them.
  template <typename Options>
  const Options& needed(const Op& op, const Options* options) const {
    if (options == nullptr) fail(op, "lacks the options of its operator");
    return *options;
  }

  /// @throws Error  if the file sets an option that a later version of the format defines, because
  /// it may change results. A writer omits options that have their default.
  void require_known(const Op& op, const format::Operator& source) const {
    struct Known {
      format::Options options;
      int fields;  ///< that are read, or without effect: types of biases, of dynamic inputs
    };
    static constexpr Known kKnown[] = {{format::Options_Conv2DOptions, 7},
                                       {format::Options_DepthwiseConv2DOptions, 7},
                                       {format::Options_Pool2DOptions, 6},
                                       {format::Options_SvdfOptions, 3},
                                       {format::Options_FullyConnectedOptions, 5},
                                       {format::Options_SoftmaxOptions, 1},
                                       {format::Options_ConcatenationOptions, 2},
                                       {format::Options_AddOptions, 2},
                                       {format::Options_L2NormOptions, 1},
                                       {format::Options_ResizeBilinearOptions, 4},
                                       {format::Options_ReshapeOptions, 1},
                                       {format::Options_SpaceToDepthOptions, 1},
                                       {format::Options_MulOptions, 1},
                                       {format::Options_GatherOptions, 2},
                                       {format::Options_ReducerOptions, 1},
                                       {format::Options_SubOptions, 2},
                                       {format::Options_DivOptions, 1},
                                       {format::Options_StridedSliceOptions, 6},
                                       {format::Options_TransposeConvOptions, 5},
                                       {format::Options_PackOptions, 2},
                                       {format::Options_OneHotOptions, 1},
                                       {format::Options_UnpackOptions, 2},
                                       {format::Options_LstmOptions, 5},
                                       {format::Options_ResizeNearestOptions, 2},
                                       {format::Options_LeakyReluOptions, 1},
                                       {format::Options_MirrorPadOptions, 1},
                                       {format::Options_ReverseSequenceOptions, 2},
                                       {format::Options_DepthToSpaceOptions, 1},
                                       {format::Options_BatchMatMulOptions, 3},
                                       {format::Options_CumsumOptions, 2},
                                       {format::Options_GeluOptions, 1}};
    const auto* const known = std::ranges::find(kKnown, source.options_type(), &Known::options);
    if (known == std::end(kKnown) || source.options() == nullptr) return;
    const auto* table = static_cast<const flatbuffers::Table*>(source.options());
    using Offset = flatbuffers::voffset_t;
    constexpr int kHeader = 2;  ///< entries of a vtable before the first field
    const int entries =
        flatbuffers::ReadScalar<Offset>(table->GetVTable()) / static_cast<int>(sizeof(Offset));
    for (int field = known->fields; field + kHeader < entries; ++field)
      if (table->GetOptionalFieldOffset(
              static_cast<Offset>((field + kHeader) * static_cast<int>(sizeof(Offset)))) != 0)
        fail(op, "option {} of a later version of the file format is set, which is not supported",
             field);
  }

  void set_options(Op& op, const format::Operator& source) const {
    require_known(op, source);
    switch (op.kind) {
      case OpKind::kConv2D: {
        const auto& o = needed(op, source.options_as_Conv2DOptions());
        set_stride(op, o);
        set_dilation(op, o);
        break;
      }
      case OpKind::kDepthwiseConv2D: {
        const auto& o = needed(op, source.options_as_DepthwiseConv2DOptions());
        set_stride(op, o);
        set_dilation(op, o);
        op.depth_multiplier = o.depth_multiplier();
        break;
      }
      case OpKind::kTransposeConv:
        set_stride(op, needed(op, source.options_as_TransposeConvOptions()));
        break;
      case OpKind::kMaxPool2D:
      case OpKind::kAveragePool2D: {
        const auto& o = needed(op, source.options_as_Pool2DOptions());
        set_stride(op, o);
        op.filter_h = o.filter_h();
        op.filter_w = o.filter_w();
        break;
      }
      case OpKind::kBatchMatMul:
        if (const auto* o = source.options_as_BatchMatMulOptions()) {
          op.adjoint_a = o->adjoint_a();
          op.adjoint_b = o->adjoint_b();
        }
        break;
      case OpKind::kStridedSlice:
        if (const auto* o = source.options_as_StridedSliceOptions()) {
          op.begin_mask = o->begin_mask();
          op.end_mask = o->end_mask();
          op.ellipsis_mask = o->ellipsis_mask();
          op.new_axis_mask = o->new_axis_mask();
          op.shrink_axis_mask = o->shrink_axis_mask();
          if (o->offset()) fail(op, "option offset is not supported");
        }
        break;
      case OpKind::kResizeBilinear:
        if (const auto* o = source.options_as_ResizeBilinearOptions()) set_corners(op, *o);
        break;
      case OpKind::kResizeNearestNeighbor:
        if (const auto* o = source.options_as_ResizeNearestOptions()) set_corners(op, *o);
        break;
      default:
        set_small_options(op, source);
    }
  }

  template <typename Options>
  static void set_corners(Op& op, const Options& o) {
    op.align_corners = o.align_corners();
    op.half_pixel_centers = o.half_pixel_centers();
  }

  /// Reads kinds with one or two attributes.
  void set_small_options(Op& op, const format::Operator& source) const {
    if (const auto* o = source.options_as_FullyConnectedOptions()) {
      if (o->weights_format() != 0) fail(op, "shuffled weights are not supported");
      op.activation = activation_of(op, o->activation());
      op.keep_dims = o->keep_num_dims();
    }
    const auto activate = [&](const auto* o) {
      if (o != nullptr) op.activation = activation_of(op, o->activation());
    };
    const auto activate_sum = [&](const auto* o) {
      activate(o);
      if (o != nullptr && o->pot_scale_int16()) refuse_shifts(op);
    };
    activate_sum(source.options_as_AddOptions());
    activate_sum(source.options_as_SubOptions());
    activate(source.options_as_MulOptions());
    activate(source.options_as_DivOptions());
    activate(source.options_as_L2NormOptions());
    if (const auto* o = source.options_as_SvdfOptions()) op.numbers["rank"] = {double(o->rank())};
    if (const auto* o = source.options_as_ConcatenationOptions()) {
      op.axis = o->axis();
      op.activation = activation_of(op, o->activation());
    }
    if (const auto* o = source.options_as_SpaceToDepthOptions()) op.block = o->block_size();
    if (const auto* o = source.options_as_DepthToSpaceOptions()) op.block = o->block_size();
    if (const auto* o = source.options_as_MirrorPadOptions()) op.symmetric = o->mode() != 0;
    if (const auto* o = source.options_as_PackOptions()) op.axis = o->axis();
    if (const auto* o = source.options_as_GatherOptions()) {
      op.axis = o->axis();
      op.numbers["batch_dims"] = {double(o->batch_dims())};
    }
    if (const auto* o = source.options_as_CumsumOptions())
      op.numbers = {{"exclusive", {double(o->exclusive())}}, {"reverse", {double(o->reverse())}}};
    if (const auto* o = source.options_as_OneHotOptions()) op.numbers["axis"] = {double(o->axis())};
    if (const auto* o = source.options_as_ReverseSequenceOptions())
      op.numbers = {{"time_axis", {double(o->seq_dim())}},
                    {"batch_axis", {double(o->batch_dim())}}};
    if (const auto* o = source.options_as_UnpackOptions()) op.axis = o->axis();
    if (const auto* o = source.options_as_SoftmaxOptions()) op.beta = o->beta();
    if (const auto* o = source.options_as_ReshapeOptions())
      if (size_of(o->new_shape()) <= kMaxRank) op.new_shape = copy(o->new_shape());
    if (const auto* o = source.options_as_ReducerOptions()) op.keep_dims = o->keep_dims();
    if (const auto* o = source.options_as_LeakyReluOptions()) op.alpha = o->alpha();
    if (const auto* o = source.options_as_GeluOptions()) op.approximate = o->approximate();
  }

  /// Refuses ADD and SUB of int16 with powers of two, which LiteRT computes by shifts unless the
  /// file says otherwise.
  void refuse_shifts(const Op& op) const {
    const auto is_power = [&](int t) {
      if (t < 0 || t >= static_cast<int>(graph_.tensors.size())) return false;
      int exponent = 0;
      return graph_.tensor(t).type == DataType::kInt16 &&
             std::frexp(graph_.tensor(t).scale(), &exponent) == 0.5f;
    };
    if (std::ranges::all_of(op.inputs, is_power) && std::ranges::all_of(op.outputs, is_power))
      fail(op, "int16 with power-of-two scales, allowed pot_scale_int16 false");
  }

  const format::Model& model_;
  std::size_t file_bytes_;
  bool host_;
  Graph graph_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

Graph parse_tflite(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host) {
  if (bytes.size() < 8 ||
      !flatbuffers::BufferHasIdentifier(bytes.data(), format::ModelIdentifier()))
    throw_error("{}: is not a TFLite model: identifier TFL3 is missing", file);
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!format::VerifyModelBuffer(verifier))
    throw_error("{}: is truncated or damaged: an offset is outside of the file", file);
  return Importer(*format::GetModel(bytes.data()), bytes.size(), file, host).run();
}

int tensors_of_tflite(const std::vector<std::uint8_t>& bytes) {
  return static_cast<int>(size_of(format::GetModel(bytes.data())->subgraphs()->Get(0)->tensors()));
}

Graph import_tflite(const std::filesystem::path& path, bool host) {
  return parse_tflite(read_file(path), path.string(), host);
}

}  // namespace trine::model
