// SPDX-License-Identifier: Apache-2.0
//
// A quantized network as imported: tensors and operators in execution order. Everything that reads
// a model (reference, compiler, estimator) reads this, never the file.
//
//   real_value = scale * (code - zero_point)
//
// Tensors are dense, C order, activations NHWC. A Graph from an importer has valid indices and an
// executable order; check() then says whether each operator is one that Trine defines the result
// of.
//
// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and TRANSPOSE_CONV whose output is int32 leave the
// accumulator as it is; THRESHOLD reads it:
//
//   inputs   x int32, int8 or (host) float32; constant thresholds [M, K] or [1, K], ascending in k,
//            int32, or float32 where x is
//   output   int8 codes, low + step * k for k = 0..K; M is the extent of x's last axis
//
// FULLY_CONNECTED may have a factor for each group of `block` input channels: a fourth operand,
// constant int16 [M, groups] of -2^14..2^14, by which the group's sum counts (docs/numerics.md).

#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_vector.h"
#include "machine/minifloat.h"
#include "sw/model/operators.h"

namespace trine::model {

enum class DataType { kInt8, kUInt8, kInt16, kInt32, kInt64, kFloat32, kBool };

/// Which codes an int8 tensor holds; each set is in the next wider one but kBinary has no 0, so
/// that the machine can pack them: docs/encodings.md.
enum class Encoding {
  kInt8,     ///< -128..127
  kTernary,  ///< -1, 0, 1
  kBinary,   ///< -1, 1
  kInt2,     ///< -2..1
  kInt4,     ///< -8..7
};

std::string_view name_of(DataType type);      ///< "int8"
std::string_view name_of(Encoding encoding);  ///< "ternary"
/// Its lowest and its highest code.
std::pair<int, int> range_of(Encoding encoding);
/// Whether `code` is of the encoding's set.
bool holds(Encoding encoding, std::int64_t code);
int bytes_of(DataType type);
std::string_view npy_code(DataType type);  ///< "i1", as in trine::Array::dtype

/// One scale for the tensor, or one for each index along `axis`; no scale when not quantized.
struct Quantization {
  std::vector<float> scale;
  std::vector<std::int64_t> zero_point;  ///< as many as scales
  int axis = 0;

  bool per_channel() const { return scale.size() > 1; }
};

struct Tensor {
  std::string name;
  DataType type = DataType::kInt8;
  std::vector<int> shape;  ///< extents >= 0; empty: one element
  Quantization quantization;
  bool is_constant = false;
  SharedVector<std::uint8_t> data;      ///< of a constant: elements() values, little endian
  Encoding encoding = Encoding::kInt8;  ///< of int8 codes
  /// Whose values the codes are: int16 ones in fixed point, int8 ones places of values in their
  /// order (machine::units_of). They hold no other numbers; the scale is that of a unit.
  machine::Format format = machine::Format::kNone;

  float scale() const { return quantization.scale.empty() ? 0.0f : quantization.scale[0]; }
  /// Whether codes of both stand for the same numbers.
  bool has_scale_of(const Tensor& o) const {
    return scale() == o.scale() && zero_point() == o.zero_point() && format == o.format;
  }
  /// @param channel  along the axis of the scales, if there are several
  int zero_point(int channel = 0) const {
    const std::vector<std::int64_t>& of = quantization.zero_point;
    return of.empty() ? 0 : static_cast<int>(of[static_cast<std::size_t>(channel) % of.size()]);
  }
  std::int64_t elements() const;
  int rank() const { return static_cast<int>(shape.size()); }
  /// Extent by position; a negative one counts from the end. @pre -rank() <= axis < rank()
  int extent(int axis) const {
    return shape.at(static_cast<std::size_t>(axis < 0 ? axis + rank() : axis));
  }

  /// The constant as it is stored. @pre sizeof(T) is the type's size, is_constant
  template <typename T>
  std::vector<T> values() const {
    std::vector<T> result(data.size() / sizeof(T));
    if (!result.empty()) std::memcpy(result.data(), data.data(), result.size() * sizeof(T));
    return result;
  }
  /// An integer constant of any width, widened. @pre is_constant. @throws Error  it is of floats
  std::vector<std::int64_t> integers() const;
};

enum class Padding { kSame, kValid };
enum class Activation { kNone, kRelu, kRelu6, kReluN1To1 };

/// One float32 operation with a constant, monotone in x. `value`: one, or one for each channel.
struct FloatStep {
  enum class Kind { kAdd, kSub, kSubFrom, kMul, kDiv, kMax, kMin };  ///< x + c, x - c, c - x, ...
  Kind kind = Kind::kAdd;
  std::vector<float> value;
};

/// One operator. Attributes that its kind does not have keep their defaults.
struct Op {
  OpKind kind = OpKind::kUnknown;
  std::string name;         ///< as in the file: "CONV_2D", "SPLIT", "CUSTOM:x"
  int index = 0;            ///< position in the file
  std::vector<int> inputs;  ///< tensors; -1 where an optional one is absent
  std::vector<int> outputs;

  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int filter_h = 1, filter_w = 1;  ///< pooling window
  int depth_multiplier = 1;        ///< as stored; the shapes decide
  Padding padding = Padding::kValid;
  Activation activation = Activation::kNone;
  bool keep_dims = false;
  float beta = 1.0f;           ///< SOFTMAX
  float alpha = 0.0f;          ///< LEAKY_RELU
  float epsilon = 0.0f;        ///< NORMALIZATION
  bool center = true;          ///< NORMALIZATION: LayerNorm; else RMSNorm, of the mean square
  int axis = 0;                ///< CONCATENATION, GATHER
  std::vector<int> new_shape;  ///< RESHAPE, as stored (may hold -1); the output's shape decides
  bool adjoint_a = false, adjoint_b = false;  ///< BATCH_MATMUL
  float divisor = 1.0f;  ///< BATCH_MATMUL: of the sums, whose mean is meant, say; above 0
  bool align_corners = false, half_pixel_centers = false;  ///< RESIZE_*
  bool approximate = false;                                ///< GELU: tanh form
  int begin_mask = 0, end_mask = 0, shrink_axis_mask = 0;  ///< STRIDED_SLICE
  int ellipsis_mask = 0, new_axis_mask = 0;
  int block = 1;            ///< SPACE_TO_DEPTH, DEPTH_TO_SPACE: pixels that become channels, b x b;
                            ///< FULLY_CONNECTED with factors: input channels of a group
  bool symmetric = false;   ///< MIRROR_PAD: the border's pixel is repeated as well
  bool time_major = false;  ///< LSTM: [time, batch, ...]
  float cell_clip = 0;      ///< LSTM, ADD of int16: largest size of the state, of the sum; 0: none
  float hidden_scale = 0;   ///< LSTM: of the outputs before a projection, 0: the file has none
  int hidden_zero_point = 0;
  /// Requantizes with one rounding, half to even, whatever the policy: ONNX's QuantizeLinear.
  bool half_even = false;
  /// MUL of int16 at the end of tflite-micro's LSTM: the scale is formed in double, and
  /// `code_min`, `code_max` are those of its codes.
  bool of_cell = false;
  /// LSTM, SVDF: the output is the state behind the last step (rewrite/states.h).
  bool of_state = false;
  /// QUANTIZE of an input that no quantizer of the file reads: its values must be codes.
  bool of_whole = false;
  /// Has the arithmetic of TFLite's uint8 kernels, also where its codes are now int8.
  bool of_uint8 = false;
  /// TOSA's arithmetic, with whole scales in `numbers`: sw/model/tosa/tosa.h.
  int of_tosa = 0;
  int code_min = -128, code_max = 127;  ///< int8 codes are clamped to these, besides `activation`
  int low = 0, step = 1;  ///< THRESHOLD: code below all thresholds, code from one to the next
  std::map<std::string, std::vector<double>> numbers;  ///< ONNX's attributes, "opset", "output"
  std::map<std::string, std::string> words;            ///< ONNX's attributes that are text
  std::vector<FloatStep> steps;    ///< FLOAT: in this order; channels are the last axis
  std::int64_t counted_macs = -1;  ///< of the operator that it stands for; -1: of its own shapes
  bool on_host = false;            ///< set by the compiler: no hardware, and the user allows it

  /// Tensor index of an input, -1 when it is absent or not given.
  int input(int position) const {
    const auto at = static_cast<std::size_t>(position);
    return at < inputs.size() ? inputs[at] : -1;
  }
};

/// An operator with its kind's name; `index` is its position in the file.
Op op_of(OpKind kind, int index, std::vector<int> inputs = {}, std::vector<int> outputs = {});

/// Memory that stays between runs: `after` is `before` with more behind it along `axis`, and both
/// begin at the same place, which has room for `capacity` elements of that axis.
struct State {
  int before = -1;  ///< an input of the graph, -1: nothing yet
  int after =
      -1;  ///< an output of the graph and of a CONCATENATION whose first operand is `before`
  int axis = 0;
  int capacity = 0;
};

struct Graph {
  std::string name;  ///< the file's name without folder and extension
  std::string file;  ///< as given
  std::vector<Tensor> tensors;
  std::vector<Op> ops;  ///< each reads constants, graph inputs and outputs of earlier ones
  std::vector<int> inputs, outputs;
  std::vector<State> states;
  std::vector<std::string> notes;  ///< for the user: what the importer took for granted
  bool channels_first = false;     ///< its images as the file's format has them: [N, C, H, W]

  const Tensor& tensor(int index) const { return tensors.at(static_cast<std::size_t>(index)); }
  /// Input or output tensor of an operator. @pre the input is present
  const Tensor& in(const Op& op, int position) const { return tensor(op.input(position)); }
  const Tensor& out(const Op& op, int position = 0) const {
    return tensor(op.outputs.at(static_cast<std::size_t>(position)));
  }
  /// @return its index
  int add(Tensor tensor) {
    tensors.push_back(std::move(tensor));
    return static_cast<int>(tensors.size()) - 1;
  }
};

/// Whether codes are a byte each, of an eight-bit format that int16 does not hold: E4M3.
inline bool of_format(const Tensor& tensor) {
  return tensor.format != machine::Format::kNone && tensor.type == DataType::kInt8;
}

/// Whether an operator reads such codes, or makes them.
inline bool of_format(const Graph& graph, const Op& op) {
  return of_format(graph.out(op)) || (op.input(0) >= 0 && of_format(graph.in(op, 0)));
}

/// Weights of a product that are int32: in fixed point of more bits than the activations' type has.
inline bool has_fixed_weights(const Graph& graph, const Op& op) {
  return (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) &&
         graph.in(op, 1).type == DataType::kInt32;
}

/// Weights of a product that are int16, as activations of an eight-bit format have them.
inline bool has_format_weights(const Graph& graph, const Op& op) {
  return (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) &&
         graph.in(op, 0).format != machine::Format::kNone &&
         graph.in(op, 1).type == DataType::kInt16;
}

/// int32 constants; of one axis if no shape is given. @pre they fit
template <typename Integer>
Tensor constant_integers(const std::vector<Integer>& values, std::vector<int> shape = {}) {
  Tensor t;
  t.name = "integers";
  t.type = DataType::kInt32;
  t.shape = shape.empty() ? std::vector<int>{static_cast<int>(values.size())} : std::move(shape);
  t.is_constant = true;
  const std::vector<std::int32_t> narrow(values.begin(), values.end());
  t.data.edit().resize(4 * narrow.size());
  if (!narrow.empty()) std::memcpy(t.data.edit().data(), narrow.data(), t.data.size());
  return t;
}

/// Output size and implied border of a sliding window; padding contributes the zero point.
struct Window {
  int P = 0, Q = 0;
  int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
};

/// SAME: P = ceil(H/U), the smaller half of the border before; VALID: P = floor((H - R') / U) + 1,
/// R' = (R-1)*dilation + 1; P or Q is 0 when the window does not fit.
Window window(int H, int W, int R, int S, int stride_h, int stride_w, int dilation_h,
              int dilation_w, Padding padding);
/// The same with stride, dilation and padding of `op`, for a convolution, a pool (its filter_h x
/// filter_w) or a TRANSPOSE_CONV (@return the window over its *output*).
Window window(const Graph& graph, const Op& op);

/// Groups of a CONV_2D: input channels / filter channels.
int groups(const Graph& graph, const Op& op);

/// Multiply-accumulates, padded taps counted; 0 for what is not convolution or matrix product.
std::int64_t macs(const Graph& graph, const Op& op);
std::int64_t macs(const Graph& graph);

/// "model.tflite: op 3 CONV_2D", the beginning of every message about an operator.
std::string label(const Graph& graph, const Op& op);

/// @param host  operators of TFLite that only the host has become ONNX's (OpKind::kOnnx)
/// @throws Error  names file and fault, all operators at fault; for any bytes whatever
Graph import_tflite(const std::filesystem::path& path, bool host = false);
Graph parse_tflite(const std::vector<std::uint8_t>& bytes, const std::string& file,
                   bool host = false);

/// ONNX with QuantizeLinear/DequantizeLinear around each operator, or QONNX and FINN low-bit nodes.
/// Activations become NHWC codes, floats stay at the graph's ends: README. An input that meets no
/// quantizer holds whole numbers: of FINN's annotation, else -128..127.
/// @param host  nodes without an integer form become operators of the host (OpKind::kOnnx)
/// @throws Error  names file, all nodes that are not supported, and what to do; for any bytes
/// whatever
Graph import_onnx(const std::filesystem::path& path, bool host = false);
Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file,
                 bool host = false);

/// TOSA 1.0, binary or as JSON: sw/model/tosa. What has no form of the machine's stays as it is
/// (OpKind::kOnnx by the name "TOSA:CONV2D"), for the host.
/// @throws Error  names file and fault, all operators that the specification makes an error; for
/// any bytes whatever
Graph parse_tosa(const std::vector<std::uint8_t>& bytes, const std::string& file);

/// Any format of sw/model/formats.h, told apart by content.
Graph import_model(const std::filesystem::path& path, bool host = false);

/// Shapes, types and quantization of every operator against what Trine defines.
/// @throws Error  one line for each operator at fault, naming its index and the tensor
void check(const Graph& graph);

}  // namespace trine::model
