// SPDX-License-Identifier: Apache-2.0
//
// Turns ONNX values into operators of a Graph. A Value represents an ONNX tensor. It is either a
// constant, or a list of float32 steps on integers or on a float input. The integers are codes in a
// tensor, or a matrix product that no operator computes yet. A Value becomes operators only when a
// quantizer or the graph's end needs it, because this reader decides which operators: THRESHOLD,
// requantized codes, or floats on the host.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/model/onnx/import/line.h"
#include "sw/model/onnx/read/file.h"
#include "sw/model/rewrite/lowbit.h"

namespace trine::model::onnx_file {

/// Error about float tensors where the machine needs codes; trine quantize quantizes all operators.
inline constexpr const char* kFloatBetween =
    "its tensors are not the outputs of quantizers: use trine quantize, which quantizes all "
    "operators";

/// The order of an ONNX tensor's elements in the graph's tensor.
enum class Layout {
  kPlain,  ///< in ONNX's order
  kNhwc,   ///< [N, C, H, W] as [N, H, W, C], [N, C, W] as [N, 1, W, C]
  kFlat,   ///< [N, C*H*W], each row in the order of [H, W, C]
};

/// Returns the position in kNhwc of an image's axis that has position `axis` in ONNX.
inline int place_of(std::size_t axis, std::size_t rank) {
  constexpr int kPlaces[] = {0, 3, 1, 2};
  return axis == 2 && rank == 3 ? 2 : kPlaces[axis];
}

/// A float32 step with its origin.
struct Step {
  FloatStep step;
  std::string node;        ///< "node 3 BatchNormalization"
  ConstantPointer origin;  ///< constant of an Add: one value, or one for each channel
};

/// A matrix product or convolution with constant weights, or an average over windows.
struct Product {
  Op op;  ///< kind and window; inputs[0] is the tensor of codes
  std::string name;
  std::string weights_name;           ///< as in the file; empty: the weights are made here
  std::vector<int> shape;             ///< shape of the output in the graph
  int channels = 0;                   ///< M, the last axis of `shape`
  std::vector<int> filter;            ///< shape of the weights in the graph
  std::vector<std::int8_t> weights;   ///< [M][taps], taps in the order R, S, C
  std::vector<std::int32_t> wide;     ///< used instead of `weights` if they do not fit int8
  int zero_point = 0;                 ///< zero point of the weights
  std::vector<float> scales;          ///< M scales of the weights
  std::vector<float> bias;            ///< M real values, or none
  int block = 0;                      ///< input channels of a group with its own scale; 0: none
  std::vector<std::int16_t> factors;  ///< [M][groups]: relative to `scales`
  /// `inputs[0]` has rows with as many channels as there are taps.
  bool in_rows = false;
  bool twice = false;    ///< the taps are the channels of a row, then the same channels again
  float divisor = 1;     ///< taps of an average
  bool is_mean = false;  ///< averages all of an image

  std::string name_of_weights() const {
    return weights_name.empty() ? name + ":weights" : weights_name;
  }
  std::size_t taps() const {
    return (wide.empty() ? weights.size() : wide.size()) / static_cast<std::size_t>(channels);
  }
};

struct Value;

/// A sum, difference, product or matrix product of two tensors of codes.
struct Sum {
  int node = 0;
  int a = -1, b = -1;
  std::string name;
  OpKind kind = OpKind::kAdd;
  std::function<Value()> hosted = {};  ///< a matrix product in float32, if no quantizer follows
  bool squares = false;  ///< rows times themselves: b is read transposed, and the result is a mean
};

struct Joined;
struct Own;
struct Moved;

/// The value of an ONNX tensor.
struct Value {
  std::vector<int> shape;  ///< in ONNX's order
  ConstantPointer constant;
  Layout layout = Layout::kPlain;
  std::vector<int> image;  ///< of kFlat: C, H, W
  int channel_axis = 1;    ///< index in `shape`
  int tensor = -1;         ///< of codes or float32; -1 while one of the pointers below is set
  std::shared_ptr<const Product> product;
  std::shared_ptr<const Sum> sum;
  std::shared_ptr<const Joined> joined;
  std::shared_ptr<const Own> own;
  std::shared_ptr<const Moved> moved;
  std::vector<Step> steps;
  /// Output of QuantizeLinear: the codes, not the values that they represent.
  bool raw_codes = false;

  /// Returns the value after operators have computed it into tensor `by`, steps included.
  Value made(int by) const {
    Value value = *this;
    value.tensor = by;
    value.product = nullptr;
    value.sum = nullptr;
    value.joined = nullptr;
    value.own = nullptr;
    value.steps.clear();
    return value;
  }
};

inline Value of_constant(ConstantPointer constant) {
  Value value;
  value.shape = constant->shape;
  value.constant = std::move(constant);
  return value;
}

/// Values that are concatenated, or whose maximum or minimum is computed. They get codes of one
/// scale once a quantizer follows. Constants are values in ONNX's order.
struct Joined {
  int node = 0;
  OpKind kind = OpKind::kConcatenation;  ///< or kMaximum, kMinimum
  int axis = 0;                          ///< in ONNX's order
  std::vector<Value> parts;
  std::vector<std::string> names;  ///< names of the parts in the file
};

/// An operator on codes that can write codes of any scale, once a quantizer follows.
struct Own {
  Op op;
  std::function<Value()> hosted;  ///< the node in float32, if no quantizer follows
};

/// A value that has no codes yet and whose elements move. Quantizers work on each element
/// separately, so a quantizer may be applied first; then the movement is a movement of codes.
struct Moved {
  Value from;
  std::string name;                  ///< name of `from` in the file
  std::function<Value(Value)> move;  ///< moves codes; also floats if there is no other way
  std::function<Value()> hosted;     ///< the node in float32
};

/// Builds the graph. Errors contain only a text, and the caller names file and node.
class Emitter {
 public:
  /// Creates an emitter.
  /// @param images  true: tensors of four axes are images and are stored as NHWC
  /// @param host  true: operators that the machine cannot compute may run on the host
  /// @param formats  true: int16 codes have an eight-bit format
  Emitter(Graph* graph, bool images, bool host, bool formats)
      : graph_(*graph), images_(images), host_(host), formats_(formats) {}

  /// A position in the growing graph to which back_to() returns.
  struct Mark {
    std::size_t tensors, ops;
  };
  Mark mark() const { return {graph_.tensors.size(), graph_.ops.size()}; }
  void back_to(const Mark& mark) {
    graph_.tensors.resize(mark.tensors);
    graph_.ops.resize(mark.ops);
    const auto gone = [&](const auto& entry) {
      return static_cast<std::size_t>(entry.second) >= mark.tensors;
    };
    std::erase_if(images_of_, gone);
    std::erase_if(both_, gone);
  }

  int add_tensor(const std::string& name, DataType type, std::vector<int> shape,
                 Quantization quantization = {}, Encoding encoding = Encoding::kInt8);
  template <typename T>
  int add_constant(const std::string& name, DataType type, std::vector<int> shape,
                   const std::vector<T>& values, Quantization quantization = {},
                   Encoding encoding = Encoding::kInt8) {
    const int index = add_tensor(name, type, std::move(shape), std::move(quantization), encoding);
    Tensor& tensor = graph_.tensors.back();
    tensor.is_constant = true;
    tensor.data.edit().resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(tensor.data.edit().data(), values.data(), tensor.data.size());
    return index;
  }
  /// Adds a constant as a float32 operator reads it.
  int add_constant(const std::string& name, const Constant& constant);
  /// Adds a constant of another type.
  int add_constant(const std::string& name, const Constant& constant, DataType type);
  /// Adds int32 constants without a name, with one axis if no shape is given.
  int add_integers(const std::vector<std::int32_t>& values, std::vector<int> shape = {});
  /// Adds the codes of a constant with one scale.
  /// @throws Error  if they are not int8 or uint8 codes
  int add_image(Tensor constant, const std::string& name);
  /// Adds a constant as codes.
  /// @param wide  true: as int16 codes, which have no zero point
  int add_code_constant(const std::string& name, const Constant& constant, std::vector<int> shape,
                        bool wide = false);
  /// Appends an operator with one output. @return the output
  int add_op(Op op, int output);
  /// Appends an operator whose output is like its first input except for name and shape.
  int add_move(Op op, const std::string& name, std::vector<int> shape);
  /// Appends an operator whose output is float32 and has the first input's shape.
  int add_real(Op op, const std::string& name);

  /// Returns a sum of low-bit codes as codes that represent it exactly, so that it can be an
  /// operand of another sum. Returns other values unchanged.
  Value summed(const Value& given, const std::string& name, int node);

  const Tensor& tensor(int index) const { return graph_.tensor(index); }
  Op& last_op() { return graph_.ops.back(); }
  bool is_codes(const Value& value) const {
    return value.tensor >= 0 &&
           (tensor(value.tensor).type == DataType::kInt8 || is_wide(value.tensor));
  }
  /// Returns true if a tensor holds int16 codes.
  bool is_wide(int tensor_) const {
    return tensor(tensor_).type == DataType::kInt16 && tensor(tensor_).scale() > 0;
  }
  bool is_wide(const Value& value) const { return value.tensor >= 0 && is_wide(value.tensor); }
  /// Sets the scale of int16 codes that are an input of the graph.
  void set_scale(int tensor_, float scale) {
    graph_.tensors[static_cast<std::size_t>(tensor_)].quantization = {{scale}, {0}};
  }

  /// Return the value in the layout of convolutions, or in ONNX's order.
  Value to_nhwc(Value value, int node);
  Value to_plain(Value value, int node);

  /// Quantizes a value with `quantizer`.
  /// @return a value of codes without steps
  Value quantized(const Value& value, const Quantizer& quantizer, const std::string& name,
                  int node);
  /// Returns the value in float32 and the graph's layout. Functions of one code become tables
  /// later.
  Value reals(Value value, int node);
  /// Returns the value in float32 and ONNX's order, on the host.
  Value floats(const Value& value, const std::string& name, int node);
  /// Returns int8 codes as int16 codes of the same scale, and other values unchanged.
  Value widened(Value value, int node);
  /// Returns codes unchanged. Float inputs without a quantizer become integers.
  Value whole_numbers(Value value, const std::string& data_type, int node);

 private:
  bool is_of_host(int floats) const;
  static Value before_move(const Value& value);
  Value of_floats(const Value& given);
  std::vector<FloatStep> steps_of(const Value& value) const;
  int beside_itself(int rows, int node);
  int add_wide(const Product& product, const Quantization& quantization, int output);
  int emit_product(const Product& product, const std::vector<std::int64_t>& bias, int output);
  void threshold_product(const Value& value, const Quantizer& quantizer, int output);
  void threshold_tensor(const Value& value, const Quantizer& quantizer, int output, int node);
  template <typename T>
  void add_threshold(int input, int output, int low, int step, std::size_t rows,
                     const std::vector<T>& table, int node);
  void requantize_product(const Value& value, const Quantizer& quantizer, int output);
  void requantize_codes(const Value& value, const Quantizer& quantizer, int output, int node);
  void quantize_floats(const Value& value, int output, int node);
  bool has_one_scale(const Sum& sum) const;
  bool is_low_bit(const Sum& sum) const;
  int joined_codes(const Sum& sum);
  Value as_product(const Value& given);
  /// Returns the operator on codes that computes the sum.
  Op sum_of(const Sum& sum) const;
  /// Adds an operator whose real results the quantizer reads. Between both, only clamps are
  /// allowed.
  /// @param what  for messages
  void add_exact(const Value& value, Op op, const Quantizer& quantizer, int output,
                 const char* what);
  bool stepped_product(const Product& product, const Quantizer& quantizer,
                       const std::vector<std::int32_t>& table, std::vector<Reached> reached,
                       int output);
  bool lies_on_line(const Op& op) const;
  void add_line(const Value& value, const Quantizer& quantizer, int output);
  Value joined(const Value& value, const Quantizer& quantizer, const std::string& name);
  Value codes_of(const Constant& constant, const std::vector<Step>& steps,
                 const Quantizer& quantizer, const std::string& name);
  ChannelProduct channel_product(const Value& value, const Quantizer& quantizer,
                                 std::size_t channel) const;
  Value by_channels(const Value& value, const Quantizer& quantizer, int output, int node);
  int add_floats(int input, const std::string& name, const std::vector<FloatStep>& steps, int node);
  /// Checks that value and quantizer have the same type of codes.
  /// @throws Error
  void require_alike(int input, const Quantizer& quantizer) const;
  int alike(int input, const Quantizer& quantizer, int node);
  Value dequantized(Value value, int node);
  void mean(const Value& value, const Quantizer& quantizer, int output);
  int code_tensor(const Value& value, const Quantizer& quantizer, const std::string& name);
  int first_code(const Quantizer& quantizer, Encoding* encoding) const;

  Graph& graph_;
  bool images_, host_, formats_;
  std::map<int, int> images_of_;             ///< by plain tensor
  std::map<std::pair<int, int>, int> both_;  ///< codes of two tensors, with concatenated channels
};

}  // namespace trine::model::onnx_file
