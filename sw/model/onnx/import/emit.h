// SPDX-License-Identifier: Apache-2.0
//
// From ONNX values to operators of a Graph. A Value is what an ONNX tensor means: a constant, or
// something integer (codes in a tensor, a matrix product that nobody has asked for yet) or a float
// input, followed by float32 steps. Only when a quantizer or the graph's end asks for it does it
// become operators, since the asker decides which: THRESHOLD, requantized codes, or floats on the
// host.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sw/model/graph.h"
#include "sw/model/onnx/read/file.h"
#include "sw/model/rewrite/lowbit.h"

namespace trine::model::onnx_file {

/// How the elements of an ONNX tensor lie in the graph's.
enum class Layout {
  kPlain,  ///< in ONNX's order
  kNhwc,   ///< [N, C, H, W] as [N, H, W, C], [N, C, W] as [N, 1, W, C]
  kFlat,   ///< [N, C*H*W], each row in the order of [H, W, C]
};

/// Where ONNX's axis of an image lies as kNhwc.
inline int place_of(std::size_t axis, std::size_t rank) {
  constexpr int kPlaces[] = {0, 3, 1, 2};
  return axis == 2 && rank == 3 ? 2 : kPlaces[axis];
}

struct Step {
  FloatStep step;
  std::string node;        ///< "node 3 BatchNormalization"
  ConstantPointer origin;  ///< of an Add: the constant, per channel or one
};

/// A matrix product or convolution with constant weights, or the average of windows.
struct Product {
  Op op;  ///< kind and window; inputs[0] is the codes' tensor
  std::string name;
  std::vector<int> shape;            ///< of the output as it lies in the graph
  int channels = 0;                  ///< M, the last axis of `shape`
  std::vector<int> filter;           ///< weights' shape as it lies in the graph
  std::vector<std::int8_t> weights;  ///< [M][taps], taps in the order R, S, C
  std::vector<std::int32_t> wide;    ///< in their place, where they do not fit int8
  int zero_point = 0;                ///< of the weights
  std::vector<float> scales;         ///< of the weights, M
  std::vector<float> bias;           ///< M real values, or none
  int block = 0;                     ///< input channels of a group with a scale of its own; 0: none
  std::vector<std::int16_t> factors;  ///< [M][groups]: of them relative to `scales`
  bool in_rows = false;               ///< inputs[0] is rows of as many channels as there are taps
  bool twice = false;    ///< the taps are those of each row twice, one behind the other
  float divisor = 1;     ///< of an average: its taps
  bool is_mean = false;  ///< averages all of an image

  std::size_t taps() const {
    return (wide.empty() ? weights.size() : wide.size()) / static_cast<std::size_t>(channels);
  }
};

struct Value;

/// Sum, difference, product or matrix product of two tensors of codes.
struct Sum {
  int node = 0;
  int a = -1, b = -1;
  std::string name;
  OpKind kind = OpKind::kAdd;
  std::function<Value()> hosted = {};  ///< a matrix product in float32, where no quantizer follows
  bool squares = false;  ///< rows by themselves: b is transposed, and the mean is meant
};

struct Joined;
struct Own;
struct Moved;

struct Value {
  std::vector<int> shape;  ///< ONNX's
  ConstantPointer constant;
  Layout layout = Layout::kPlain;
  std::vector<int> image;  ///< of kFlat: C, H, W
  int channel_axis = 1;    ///< in `shape`
  int tensor = -1;         ///< codes or float32; -1 while it is one of these
  std::shared_ptr<const Product> product;
  std::shared_ptr<const Sum> sum;
  std::shared_ptr<const Joined> joined;
  std::shared_ptr<const Own> own;
  std::shared_ptr<const Moved> moved;
  std::vector<Step> steps;
  bool raw_codes = false;  ///< QuantizeLinear's output: the codes, not what they stand for

  /// The same once operators have made it, steps and all.
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

/// Values one behind the other, or the largest or least of them: codes of one scale, once a
/// quantizer follows. Constants are values in ONNX's order.
struct Joined {
  int node = 0;
  OpKind kind = OpKind::kConcatenation;  ///< or kMaximum, kMinimum
  int axis = 0;                          ///< ONNX's
  std::vector<Value> parts;
  std::vector<std::string> names;  ///< of the parts in the file
};

/// An operator of codes that writes codes of any scale, once a quantizer follows.
struct Own {
  Op op;
  std::function<Value()> hosted;  ///< the node in float32, where none does
};

/// The elements of a value that no quantizer has made codes of yet, in other places. Quantizers
/// work on each element alone, so they may come first: what moves then is codes.
struct Moved {
  Value from;
  std::string name;                  ///< of `from` in the file
  std::function<Value(Value)> move;  ///< of codes; of floats, too, if there is no other way
  std::function<Value()> hosted;     ///< the node in float32
};

/// Builds the graph. Errors carry text only: the caller names file and node.
class Emitter {
 public:
  /// @param images  tensors of four axes are images: they lie NHWC
  /// @param host  what the machine cannot compute may become an operator of the host
  /// @param formats  int16 codes are of an eight-bit format
  Emitter(Graph* graph, bool images, bool host, bool formats)
      : graph_(*graph), images_(images), host_(host), formats_(formats) {}

  /// How much of the graph there is, to go back to.
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
  /// int32 constants without a name; of one axis if no shape is given.
  int add_integers(const std::vector<std::int32_t>& values, std::vector<int> shape = {});
  /// Adds the codes of a constant, of one scale. @throws Error  if they are no int8 or uint8 codes
  int add_image(Tensor constant, const std::string& name);
  /// @param wide  as int16 codes, which have no zero point
  int add_code_constant(const std::string& name, const Constant& constant, std::vector<int> shape,
                        bool wide = false);
  /// Appends an operator with one output. @return the output
  int add_op(Op op, int output);
  /// The same, whose output is as its first input but for name and shape.
  int add_move(Op op, const std::string& name, std::vector<int> shape);
  /// The same, whose output has the first input's shape, in float32.
  int add_real(Op op, const std::string& name);

  /// A sum of low-bit codes as codes that hold it exactly, for another one; else as it is.
  Value summed(const Value& given, const std::string& name, int node);

  const Tensor& tensor(int index) const { return graph_.tensor(index); }
  Op& last_op() { return graph_.ops.back(); }
  bool is_codes(const Value& value) const {
    return value.tensor >= 0 &&
           (tensor(value.tensor).type == DataType::kInt8 || is_wide(value.tensor));
  }
  /// Whether a tensor holds codes of int16.
  bool is_wide(int tensor_) const {
    return tensor(tensor_).type == DataType::kInt16 && tensor(tensor_).scale() > 0;
  }
  bool is_wide(const Value& value) const { return value.tensor >= 0 && is_wide(value.tensor); }
  /// The scale of int16 codes that are an input of the graph.
  void set_scale(int tensor_, float scale) {
    graph_.tensors[static_cast<std::size_t>(tensor_)].quantization = {{scale}, {0}};
  }

  /// The same value as it lies for convolutions, or as ONNX has it.
  Value to_nhwc(Value value, int node);
  Value to_plain(Value value, int node);

  /// The codes that `quantizer` gives for a value. @return a value of codes without steps
  Value quantized(const Value& value, const Quantizer& quantizer, const std::string& name,
                  int node);
  /// The value in float32, as it lies in the graph: what depends on one code is a table later.
  Value reals(Value value, int node);
  /// The value in float32 and ONNX order, on the host.
  Value floats(const Value& value, const std::string& name, int node);
  /// int8 codes as int16 codes of the same scale, other values as they are.
  Value widened(Value value, int node);
  /// Codes, or the value as it is: float inputs that meet no quantizer become whole numbers.
  Value whole_numbers(Value value, const std::string& data_type, int node);

 private:
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
  /// The operator of codes that it will be.
  Op sum_of(const Sum& sum) const;
  /// An operator whose real results the quantizer takes, clamped at the most. @param what  for text
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
  Value by_channels(const Value& value, const Quantizer& quantizer, int output, int node);
  int add_floats(int input, const std::string& name, const std::vector<FloatStep>& steps, int node);
  /// The only type of codes there is of this value and a quantizer of it. @throws Error
  void require_alike(int input, const Quantizer& quantizer) const;
  int alike(int input, const Quantizer& quantizer, int node);
  Value dequantized(Value value, int node);
  void mean(const Value& value, const Quantizer& quantizer, int output);
  int code_tensor(const Value& value, const Quantizer& quantizer, const std::string& name);
  int first_code(const Quantizer& quantizer, Encoding* encoding) const;

  Graph& graph_;
  bool images_, host_, formats_;
  std::map<int, int> images_of_;             ///< of plain tensors
  std::map<std::pair<int, int>, int> both_;  ///< codes of two tensors, channels behind channels
};

}  // namespace trine::model::onnx_file
