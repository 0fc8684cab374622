// SPDX-License-Identifier: Apache-2.0
//
// A quantized network as imported: tensors and operators in execution order. Reference, compiler
// and estimator read only this, never the file.
//
//   real_value = scale * (code - zero_point)
//
// Tensors are dense, in C order, and activations are NHWC. A Graph from an importer has valid
// indices and an executable order. check() then tests whether Trine defines the result of each
// operator.
//
// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and TRANSPOSE_CONV whose output is int32 leave the
// accumulator as it is; THRESHOLD reads it:
//
//   inputs   x int32, int8 or (host) float32; constant thresholds [M, K] or [1, K], ascending in k,
//            int32, or float32 if x is float32
//   output   int8 codes, low + step * k for k = 0..K; M is the extent of x's last axis
//
// FULLY_CONNECTED may have a fourth operand with a factor for each group of `block` input channels:
// constant int16 [M, groups] of -2^14..2^14. Each group's sum is multiplied by its factor
// (docs/numerics.md).

#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "spec/minifloat.h"
#include "sw/base/shared_vector.h"
#include "sw/model/graph/operators.h"

namespace trine::model {

/// The type of a tensor's elements.
enum class DataType { kInt8, kUInt8, kInt16, kInt32, kInt64, kFloat32, kBool };

/// The set of codes that an int8 tensor holds, so that the machine can pack them. In the order
/// kBinary, kTernary, kInt2, kInt4, kInt8, each set contains the sets before it
/// (docs/encodings.md).
enum class Encoding {
  kInt8,     ///< -128..127
  kTernary,  ///< -1, 0, 1
  kBinary,   ///< -1, 1
  kInt2,     ///< -2..1
  kInt4,     ///< -8..7
};

std::string_view name_of(DataType type);      ///< "int8"
std::string_view name_of(Encoding encoding);  ///< "ternary"
/// Returns the lowest and the highest code of an encoding.
std::pair<int, int> range_of(Encoding encoding);
/// Returns true if the encoding's set contains `code`.
bool holds(Encoding encoding, std::int64_t code);
/// Returns the size of an element in bytes.
int bytes_of(DataType type);
std::string_view npy_code(DataType type);  ///< "i1", as in trine::Array::dtype

/// The scales of a tensor: one, or one for each index along `axis`. A tensor that is not quantized
/// has none.
struct Quantization {
  std::vector<float> scale;
  std::vector<std::int64_t> zero_point;  ///< one for each scale
  int axis = 0;

  bool per_channel() const { return scale.size() > 1; }
};

/// A tensor of a graph.
struct Tensor {
  std::string name;
  DataType type = DataType::kInt8;
  std::vector<int> shape;  ///< extents >= 0; empty: one element
  Quantization quantization;
  bool is_constant = false;
  SharedVector<std::uint8_t> data;      ///< of a constant: elements() values, little endian
  Encoding encoding = Encoding::kInt8;  ///< encoding of int8 codes
  /// The format whose values the codes represent: int16 codes in fixed point, int8 codes as indices
  /// of the format's values in ascending order (spec::units_of). The scale is the scale of a
  /// unit.
  spec::Format format = spec::Format::kNone;

  float scale() const { return quantization.scale.empty() ? 0.0f : quantization.scale[0]; }
  /// Returns true if equal codes of both tensors represent the same numbers.
  bool has_scale_of(const Tensor& o) const {
    return scale() == o.scale() && zero_point() == o.zero_point() && format == o.format;
  }
  /// Returns the zero point.
  /// @param channel  index along the axis of the scales, if there are several
  int zero_point(int channel = 0) const {
    const std::vector<std::int64_t>& of = quantization.zero_point;
    return of.empty() ? 0 : static_cast<int>(of[static_cast<std::size_t>(channel) % of.size()]);
  }
  std::int64_t elements() const;
  int rank() const { return static_cast<int>(shape.size()); }
  /// Returns an axis's extent. A negative axis counts from the end.
  /// @pre -rank() <= axis < rank()
  int extent(int axis) const {
    return shape.at(static_cast<std::size_t>(axis < 0 ? axis + rank() : axis));
  }

  /// Returns the constant's values as stored.
  /// @pre sizeof(T) is the type's size, is_constant
  template <typename T>
  std::vector<T> values() const {
    std::vector<T> result(data.size() / sizeof(T));
    if (!result.empty()) std::memcpy(result.data(), data.data(), result.size() * sizeof(T));
    return result;
  }
  /// Returns an integer constant of any width, widened.
  /// @pre is_constant
  /// @throws Error  if it holds floats
  std::vector<std::int64_t> integers() const;
};

/// The border of a window.
enum class Padding { kSame, kValid };
/// The function fused into an operator.
enum class Activation { kNone, kRelu, kRelu6, kReluN1To1 };

/// One float32 operation with a constant, monotone in x. `value` holds one constant, or one for
/// each channel.
struct FloatStep {
  enum class Kind { kAdd, kSub, kSubFrom, kMul, kDiv, kMax, kMin };  ///< x + c, x - c, c - x, ...
  Kind kind = Kind::kAdd;
  std::vector<float> value;
};

/// One operator. Attributes that its kind does not use keep their defaults.
struct Op {
  OpKind kind = OpKind::kUnknown;
  std::string name;         ///< as in the file: "CONV_2D", "SPLIT", "CUSTOM:x"
  int index = 0;            ///< position in the file
  std::vector<int> inputs;  ///< tensors; -1 for an absent optional one
  std::vector<int> outputs;

  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int filter_h = 1, filter_w = 1;  ///< pooling window
  int depth_multiplier = 1;        ///< as stored; the shapes decide
  Padding padding = Padding::kValid;
  Activation activation = Activation::kNone;
  bool keep_dims = false;
  float beta = 1.0f;     ///< SOFTMAX
  float alpha = 0.0f;    ///< LEAKY_RELU
  float epsilon = 0.0f;  ///< NORMALIZATION
  /// NORMALIZATION: true for LayerNorm; false for RMSNorm, which does not subtract the mean.
  bool center = true;
  int axis = 0;                ///< CONCATENATION, GATHER
  std::vector<int> new_shape;  ///< RESHAPE, as stored (may hold -1); the output's shape decides
  bool adjoint_a = false, adjoint_b = false;  ///< BATCH_MATMUL
  float divisor = 1.0f;  ///< BATCH_MATMUL: divides the sums, for example to means; above 0
  bool align_corners = false, half_pixel_centers = false;  ///< RESIZE_*
  bool approximate = false;                                ///< GELU: tanh form
  int begin_mask = 0, end_mask = 0, shrink_axis_mask = 0;  ///< STRIDED_SLICE
  int ellipsis_mask = 0, new_axis_mask = 0;
  /// SPACE_TO_DEPTH, DEPTH_TO_SPACE: b x b pixels become channels; FULLY_CONNECTED with factors:
  /// input channels of a group.
  int block = 1;
  bool symmetric = false;   ///< MIRROR_PAD: also repeats the border's pixel
  bool time_major = false;  ///< LSTM: [time, batch, ...]
  float cell_clip = 0;      ///< limit of the magnitude of LSTM's state or int16 ADD's sum; 0: none
  float hidden_scale = 0;   ///< LSTM: scale of the outputs before a projection; 0: not in the file
  int hidden_zero_point = 0;
  /// True: requantizes with one rounding, half to even, whatever the policy, as ONNX's
  /// QuantizeLinear.
  bool half_even = false;
  /// True: an int16 MUL at the end of tflite-micro's LSTM. Its scale is formed in double, and
  /// `code_min` and `code_max` limit its codes.
  bool of_cell = false;
  /// LSTM, SVDF: the output is the state after the last step (rewrite/states.h).
  bool of_state = false;
  /// QUANTIZE of an input that no quantizer of the file reads. Its values must be codes.
  bool of_whole = false;
  /// True: uses the arithmetic of TFLite's uint8 kernels, even if its codes are int8.
  bool of_uint8 = false;
  /// Unless 0: uses TOSA's arithmetic, with integer scales in `numbers`
  /// (sw/model/graph/tosa_attributes.h).
  int of_tosa = 0;
  int code_min = -128, code_max = 127;  ///< limits of int8 codes, in addition to `activation`
  /// THRESHOLD: code below all thresholds, and step from one code to the next.
  int low = 0, step = 1;
  std::map<std::string, std::vector<double>> numbers;  ///< ONNX's attributes, "opset", "output"
  std::map<std::string, std::string> words;            ///< ONNX's text attributes
  std::vector<FloatStep> steps;  ///< FLOAT: steps in order; channels are the last axis
  /// MACs of the operator that this operator replaces. -1: the MACs follow from the shapes.
  std::int64_t counted_macs = -1;
  /// Set by the compiler: no hardware supports it, and the user allows the host.
  bool on_host = false;

  /// Returns the tensor index of an input, or -1 if the input is absent.
  int input(int position) const {
    const auto at = static_cast<std::size_t>(position);
    return at < inputs.size() ? inputs[at] : -1;
  }
};

/// Makes an operator with its kind's name. `index` is its position in the file.
Op op_of(OpKind kind, int index, std::vector<int> inputs = {}, std::vector<int> outputs = {});

/// Memory that stays between runs. `after` is `before` with more elements along `axis`. Both begin
/// at the same place, which has room for `capacity` elements of that axis.
struct State {
  int before = -1;  ///< an input of the graph; -1: empty
  int after =
      -1;  ///< an output of the graph and of a CONCATENATION whose first operand is `before`
  int axis = 0;
  int capacity = 0;
};

/// A quantized network.
struct Graph {
  std::string name;  ///< the file's name without folder and extension
  std::string file;  ///< file name as given
  std::vector<Tensor> tensors;
  std::vector<Op> ops;  ///< each reads constants, graph inputs and outputs of earlier operators
  std::vector<int> inputs, outputs;
  std::vector<State> states;
  std::vector<std::string> notes;  ///< assumptions of the importer, for the user
  bool channels_first = false;     ///< images in the file's format are [N, C, H, W]

  const Tensor& tensor(int index) const { return tensors.at(static_cast<std::size_t>(index)); }
  /// Returns an input or output tensor of an operator.
  /// @pre the input is present
  const Tensor& in(const Op& op, int position) const { return tensor(op.input(position)); }
  const Tensor& out(const Op& op, int position = 0) const {
    return tensor(op.outputs.at(static_cast<std::size_t>(position)));
  }
  /// Adds a tensor.
  /// @return its index
  int add(Tensor tensor) {
    tensors.push_back(std::move(tensor));
    return static_cast<int>(tensors.size()) - 1;
  }
};

/// Returns true if the codes are single bytes of E4M3, the eight-bit format whose values int16 does
/// not hold.
inline bool of_format(const Tensor& tensor) {
  return tensor.format != spec::Format::kNone && tensor.type == DataType::kInt8;
}

/// Returns true if an operator reads or writes E4M3 codes.
inline bool of_format(const Graph& graph, const Op& op) {
  return of_format(graph.out(op)) || (op.input(0) >= 0 && of_format(graph.in(op, 0)));
}

/// Returns true if a product has int32 weights: fixed point with more bits than the activations'
/// type.
inline bool has_fixed_weights(const Graph& graph, const Op& op) {
  return (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) &&
         graph.in(op, 1).type == DataType::kInt32;
}

/// Returns true if a product has int16 weights, because its activations have an eight-bit format.
inline bool has_format_weights(const Graph& graph, const Op& op) {
  return (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) &&
         graph.in(op, 0).format != spec::Format::kNone && graph.in(op, 1).type == DataType::kInt16;
}

/// Makes a tensor of int32 constants, with one axis if no shape is given.
/// @pre the values fit
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

/// The output size and implied border of a sliding window. Padding contributes the zero point.
struct Window {
  int P = 0, Q = 0;
  int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
};

/// Computes a window. SAME: P = ceil(H/U), with the smaller half of the border before. VALID: P =
/// floor((H - R') / U) + 1, R' = (R-1)*dilation + 1. P or Q is 0 if the window does not fit.
Window window(int H, int W, int R, int S, int stride_h, int stride_w, int dilation_h,
              int dilation_w, Padding padding);
/// Computes the window with stride, dilation and padding of `op`: a convolution, a pool (its
/// filter_h x filter_w) or a TRANSPOSE_CONV.
/// @return of a TRANSPOSE_CONV, the window over its *output*
Window window(const Graph& graph, const Op& op);

/// Returns the groups of a CONV_2D: input channels / filter channels.
int groups(const Graph& graph, const Op& op);

/// Returns the multiply-accumulates, padded taps included; 0 for operators other than convolutions
/// and matrix products.
std::int64_t macs(const Graph& graph, const Op& op);
std::int64_t macs(const Graph& graph);

/// Returns the module of the network from which an exporter made the operator's constant weights:
/// "features.3.conv.0" of weights "features.3.conv.0.weight_quantized" (PyTorch's names). Empty if
/// there are none.
std::string module_of(const Graph& graph, const Op& op);

/// Returns "model.tflite: op 3 CONV_2D", the beginning of every message about an operator.
std::string label(const Graph& graph, const Op& op);

}  // namespace trine::model
