// SPDX-License-Identifier: Apache-2.0
//
// Declares the evaluation of one node, which is implemented in evaluate.cpp (elements, reductions),
// moves.cpp (movement), windows.cpp (windows, products), norms.cpp, resize.cpp, recurrent.cpp,
// scatter.cpp and select.cpp.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "sw/host/onnx/node/node.h"
#include "sw/model/graph/indices.h"

namespace trine::host::onnx {

using model::axis_of, model::broadcast, model::count_of, model::elements_of, model::Indices,
    model::steps_of, model::walk;

/// Rounds a number to float32.
inline double rounded(double x) { return double{static_cast<float>(x)}; }

/// The evaluation of one node.
class Evaluation {
 public:
  Evaluation(const Node& node, std::int64_t opset, const std::vector<ConstantPointer>& inputs,
             std::size_t output, std::int64_t limit, bool shape_only = false)
      : node_(node),
        opset_(opset),
        inputs_(inputs),
        output_(output),
        limit_(limit),
        shape_only_(shape_only) {}

  Constant run() const;
  static bool knows(const std::string& type);

 private:
  using Method = Constant (Evaluation::*)() const;
  static const std::map<std::string, Method>& methods();

  bool has(std::size_t position) const {
    return position < inputs_.size() && inputs_[position] != nullptr;
  }
  const Constant& in(std::size_t position) const;
  /// Returns a list that is an input or, in older files, an attribute.
  std::vector<std::int64_t> integers(std::size_t position, const char* key) const;
  /// Returns the index of an element of an axis. Negative indices count from the end unless the
  /// node has the attribute `forward`.
  std::int64_t element_of(std::int64_t index, int extent) const;
  /// Returns the first number of an input.
  std::int64_t one(std::size_t position) const;
  /// Checks the number of products.
  /// @throws Error  if `results` with that many terms each would take too long
  void require_time(const Constant& results, std::size_t terms) const;
  Constant empty(DataType type, std::vector<int> shape) const;
  Constant picked(const Constant& from, std::vector<int> shape, const Indices& order) const;
  Constant along(const Constant& from, int axis, const std::vector<std::int64_t>& list) const;
  std::vector<bool> chosen(const std::vector<std::int64_t>& axes, int rank) const;
  template <typename F>
  void each_line(const Constant& x, int axis, bool to_the_end, const F& f) const;

  template <typename F>
  Constant of_each(DataType type, const F& f) const;
  Constant unary(float (*f)(float, const Node&)) const;
  Constant binary() const;
  Constant mean() const;
  Constant clip() const;
  Constant where() const;
  Constant cast() const;
  Constant inverted() const;
  Constant is_infinite() const;
  Constant is_nan() const;
  Constant reduced() const;
  Constant along_axis() const;
  Constant position_of_extreme() const;
  Constant top_k() const;

  Constant bitcast() const;
  Constant concat() const;
  Constant split() const;
  Constant slice() const;
  Constant gather() const;
  Constant gather_elements() const;
  Constant expand() const;
  Constant tile() const;
  Constant pad() const;
  Constant blocks() const;

  Constant pool() const;
  Constant global_pool() const;
  Constant convolution() const;
  Constant transposed_convolution() const;
  Constant matmul() const;
  Constant gemm() const;
  Constant batch_normalization() const;
  Constant group_normalization() const;
  Constant layer_normalization() const;
  Constant local_response() const;
  /// An axis of Resize: input and output elements, and the part that is cropped.
  struct Extent {
    int from, to;
    double scale, first, last;
  };
  using Shares = std::vector<std::pair<int, double>>;  ///< elements with their weights
  std::vector<Extent> extents() const;
  std::vector<Shares> samples(const Extent& extent) const;
  Constant resize() const;
  Constant resized_images(const std::string& mode, const Extent& height, const Extent& width) const;

  Indices rows_of(const Constant& indices, const std::vector<int>& shape,
                  std::int64_t batches) const;
  Constant gather_nd() const;
  Constant scatter_nd() const;
  Constant scatter_elements() const;
  Constant one_hot() const;
  Constant trilu() const;
  Constant reverse_sequence() const;
  Constant grid_sample() const;

  Constant recurrent() const;
  Constant non_max_suppression() const;
  Constant detections() const;
  Constant einsum() const;
  Constant identity() const { return in(0); }

  const Node& node_;
  std::int64_t opset_;
  const std::vector<ConstantPointer>& inputs_;
  std::size_t output_;
  std::int64_t limit_;
  bool shape_only_;  ///< true: only the shape matters, and sums of many products are not computed
};

}  // namespace trine::host::onnx
