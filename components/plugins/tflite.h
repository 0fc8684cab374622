// SPDX-License-Identifier: Apache-2.0
//
// Declares the interface between LiteRT's interpreter and an external delegate, because no wheel
// contains the C header. The facts come from the public source and were tested with ai-edge-litert
// 1.2.0 and 2.3.0 on x86-64 (README.md). Members that are not used here only keep the positions of
// the others.

#pragma once

#include <cstddef>
#include <cstdint>

namespace trine::abi::tflite {

/// The version of this description.
inline constexpr int kVersion = 1;

enum Status : int { kOk = 0, kError = 1, kDelegateError = 2 };

/// A count followed by as many values.
template <typename T>
struct List {
  int size;

  const T* begin() const { return reinterpret_cast<const T*>(&size + 1); }
  const T* end() const { return begin() + size; }
};
using Ints = List<int>;
using Floats = List<float>;

/// Element types as in Tensor::type. In a file, kFloat16 and later types have other numbers.
enum Type : int {
  kFloat32 = 1,
  kInt32 = 2,
  kUInt8 = 3,
  kInt64 = 4,
  kBool = 6,
  kInt16 = 7,
  kInt8 = 9,
  kFloat16 = 10,
  kInt4 = 18,
};

inline constexpr int kAffine = 1;    ///< Quantization::kind: parameters are an Affine
inline constexpr int kConstant = 1;  ///< Tensor::memory: mapped from the model, read only

/// Scales and zero points of a tensor, along `axis` if there are several.
struct Affine {
  Floats* scale;
  Ints* zero_point;
  std::int32_t axis;
};

/// The quantization of a tensor.
struct Quantization {
  int kind;
  void* parameters;
};

/// A tensor of the interpreter.
struct Tensor {
  int type;
  void* data;
  Ints* shape;
  float scale;  ///< scale of the whole tensor; Quantization contains more
  std::int32_t zero_point;
  int memory;
  std::size_t bytes;
  const void* mapping;
  const char* name;
  void* delegate;
  int buffer;
  bool is_stale;
  bool is_variable;  ///< keeps its values between runs
  Quantization quantization;
  void* sparsity;
  const Ints* signature;
};

/// A node of the interpreter.
struct Node {
  Ints* inputs;
  Ints* outputs;
  Ints* intermediates;
  Ints* temporaries;
  void* state;    ///< result of its registration's init()
  void* options;  ///< one of the structs below, according to the operator's code
  const void* custom;
  int custom_bytes;
  void* delegate;
  bool has_side_effect;
};

struct Context;

/// An operator's functions.
struct Registration {
  void* (*init)(Context* context, const char* parameters, std::size_t bytes);
  void (*free)(Context* context, void* state);
  Status (*prepare)(Context* context, Node* node);
  Status (*invoke)(Context* context, Node* node);
  const char* (*profiling)(const Context* context, const Node* node);
  std::int32_t code;  ///< operator code as in the file
  const char* custom_name;
  int version;
  void* external;
  void* asynchronous;
  std::uint64_t in_place;
};

/// A delegate's functions.
struct Delegate {
  void* data;
  Status (*prepare)(Context* context, Delegate* delegate);
  void* copy_from_buffer;
  void* copy_to_buffer;
  void* free_buffer;
  std::int64_t flags;
  void* opaque;
};

/// Nodes that become one node: the argument of init() of a delegate's registration.
struct Subset {
  Delegate* delegate;
  Ints* nodes;
  Ints* inputs;  ///< including constants
  Ints* outputs;
};

/// The interpreter as operators and delegates see it.
struct Context {
  std::size_t tensor_count;
  Status (*execution_plan)(Context* context, Ints** plan);
  Tensor* tensors;
  void* owner;
  void* resize;
  void (*report)(Context* context, const char* format, ...);
  void* add_tensors;
  Status (*node)(Context* context, int index, Node** node, Registration** registration);
  Status (*replace)(Context* context, Registration registration, const Ints* nodes,
                    Delegate* delegate);
  int threads;
  void* external_context;
  void* set_external_context;
  bool allows_halves;
  void* profiler;
  void* persistent_buffer;
  void* evaluation_buffer;
  void* request_scratch;
  void* scratch;
  void* resize_explicit;
  /// Returns the subsets that replace() would make; valid until the next call.
  Status (*preview)(Context* context, const Ints* nodes, Subset** subsets, int* count);
};

static_assert(sizeof(void*) == 8, "the interface is described for 64-bit systems");
static_assert(sizeof(Tensor) == 112 && offsetof(Tensor, quantization) == 80);
static_assert(sizeof(Node) == 80 && offsetof(Node, options) == 40);
static_assert(sizeof(Registration) == 88 && offsetof(Registration, version) == 56);
static_assert(sizeof(Delegate) == 56 && sizeof(Subset) == 32);
static_assert(offsetof(Context, replace) == 64 && offsetof(Context, preview) == 152);

/// Types of Node::options, by operator. `padding`: 1 same, 2 valid; `activation`: as in the file.
namespace options {

struct Convolution {
  int padding, stride_w, stride_h, activation, dilation_w, dilation_h;
};
struct Depthwise {
  int padding, stride_w, stride_h, depth_multiplier, activation, dilation_w, dilation_h;
};
struct Pool {
  int padding, stride_w, stride_h, filter_w, filter_h, activation;
};
struct TransposeConvolution {
  int padding, stride_w, stride_h, activation;
};
struct FullyConnected {
  int activation, weights_format;
  bool keeps_axes;
};
struct Activation {  ///< MUL, DIV, L2_NORMALIZATION
  int activation;
};
struct Sum {  ///< ADD, SUB
  int activation;
  bool pot_scale_int16;
};
struct Concatenation {
  int axis, activation;
};
struct Softmax {
  float beta;
};
struct Reshape {
  std::int32_t shape[8];
  int axes;
};
struct Resize {
  bool align_corners, half_pixel_centers;
};
struct Block {  ///< SPACE_TO_DEPTH, DEPTH_TO_SPACE
  int size;
};
struct Gather {
  int axis, batch_axes;
};
struct Reduction {
  bool keeps_axes;
};
struct StridedSlice {
  int begin, end, ellipsis, new_axis, shrink_axis;
  bool offset;
};
struct Pack {  ///< PACK, UNPACK
  int count, axis;
};
struct OneHot {
  int axis;
};
struct LeakyRelu {
  float alpha;
};
struct MirrorPad {
  int mode;  ///< 1: without the border's pixel, 2: with it
};
struct ReverseSequence {
  int sequence_axis, batch_axis;
};
struct Product {  ///< BATCH_MATMUL
  bool adjoint_a, adjoint_b;
};
struct RunningSum {
  bool exclusive, reverse;
};
struct Gelu {
  bool approximate;
};

}  // namespace options

}  // namespace trine::abi::tflite
