// SPDX-License-Identifier: Apache-2.0
//
// Imports ONNX nodes in order, each as a Value (emit.h). There is one importer for a file, and each
// import_*.cpp implements one family of operators.

#pragma once

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sw/base/error.h"
#include "sw/host/onnx/node/windows.h"
#include "sw/model/graph/graph.h"
#include "sw/model/onnx/import/cells.h"
#include "sw/model/onnx/import/emit.h"
#include "sw/model/onnx/import/forms.h"
#include "sw/model/onnx/read/file.h"
#include "sw/model/onnx/read/nodes.h"
#include "sw/model/onnx/read/problems.h"

namespace trine::model::onnx_file {

using host::onnx::kMaxWindow, host::onnx::Span, host::onnx::Windows;

/// The importer of one file.
class Importer {
 public:
  Importer(File file, Graph* graph, const HostUse& host)
      : file_(std::move(file)),
        graph_(*graph),
        images_(has_images(file_) || !multiplies_maps(file_)),
        host_(host),
        emit_(graph, images_, host.allowed, file.format != spec::Format::kNone) {}

  /// Imports the file.
  /// @throws Error  names the file and every node that is refused
  void run();

 private:
  using Kind = FloatStep::Kind;
  using Method = Value (Importer::*)();
  using Move = std::function<Value(Value)>;

  /// Maximum number of weights that the importer itself makes for an operator.
  static constexpr std::int64_t kMaxWeights = std::int64_t{1} << 22;

  // importer.cpp: the file
  void set_format(spec::Format format);
  void check_values() const;
  bool is_of_e4m3() const;
  void drop_unread_moves();
  void add_input(const Input& input);
  int signed_codes(int input);
  int channel_axis_of(std::size_t rank) const;
  bool is_float() const;
  void add_output(const std::string& name);
  int as_declared(const std::string& name, int codes);
  void check_declared(const std::string& output, const std::vector<int>& computed) const;
  int copied(const std::string& name, const Constant& constant);
  int last_node() const { return static_cast<int>(file_.nodes.size()) - 1; }
  void import(const Node& node);
  bool fold_constants();
  Value shape() const;
  static Method method_of(const std::string& type);
  static bool names_others(const std::string& type);
  Operand operand(const Value& value) const;
  Value made();
  bool is_number(const Value& value) const;
  Value lowered();
  bool on_host(const Emitter::Mark& mark);
  int host_input(std::size_t position);
  ConstantPointer stand_in(std::size_t position, int tensor) const;
  std::function<Value()> hosted(const std::string& output);

  // importer.cpp: this node
  const Value& value_of(const std::string& name) const;
  const Value& in(std::size_t position) const;
  bool has(std::size_t position) const {
    return position < node_->inputs.size() && !node_->inputs[position].empty();
  }
  const Constant& constant(std::size_t position) const;
  double scalar(std::size_t position) const;
  std::vector<std::int64_t> integers_of(std::size_t position, const char* key) const;
  const std::string& out() const { return node_->outputs[0]; }
  bool reads_output(std::size_t position) const {
    return position < node_->outputs.size() && is_read(file_, node_->outputs[position]);
  }
  /// Makes an operator of this node.
  Op op(OpKind kind, std::vector<int> inputs = {}) const {
    return op_of(kind, node_->index, std::move(inputs));
  }
  Value identity();

  // import_steps.cpp
  Value stepped(Value value, Kind kind, std::vector<float> constants,
                ConstantPointer origin = nullptr);
  Value arithmetic();
  Value with_map(Value value, const Constant& c, bool first);
  Value clip();
  Value batch_normalization();
  Value clipped_line(float alpha, float beta);
  Value hard_sigmoid();
  Value hard_swish();
  Value leaky_relu();

  // import_functions.cpp
  Value of_two();
  Value of_two(OpKind kind, Value a, Value b);
  Value of_floats(OpKind kind, const Value& given_a, const Value& given_b);
  Value function();
  Value of_words(Op function, const Value& given);
  Value table();
  Value function_of(OpKind kind, const Value& given);
  Value gelu();

  // import_quantizers.cpp
  Value quantize();
  Value dequantize();
  Value multi_threshold();
  Value codes_of_input();
  bool is_input(int tensor) const;
  const Value& codes_in(std::size_t position) const;
  /// Returns true if the value is int16 codes as a quantizer made them.
  bool is_wide(const Value& value) const {
    return value.tensor >= 0 && emit_.is_wide(value.tensor) && value.steps.empty() &&
           !value.raw_codes;
  }
  void refuse_wide(const Value& value) const;
  Value any_codes(std::size_t position);
  Value plain_codes(std::size_t position);
  Value image_codes();

  // import_products.cpp
  void set_bias(std::size_t position, Product* p) const;
  static Value of_sum(Sum sum, Value like, std::vector<int> shape);
  static Value of_product(Product product, std::vector<int> shape);
  ConstantPointer weights_of_bits() const;
  Value matmul();
  Value factor(std::size_t position);
  Value product_of_two();
  Value conv();
  Value conv_transpose();
  Value cut(Value value, const Span& rows, const Span& cols);
  Value placed(Product p, const Value& image) const;

  // import_windows.cpp
  Windows windows(const Value& image, const std::vector<int>& filter = {}) const;
  Op windowed(OpKind kind, const Windows& w, double border, Value* image);
  static Window places(const Op& over, const Value& image);
  Value padded(Value value, const std::vector<std::int64_t>& pads, double real);
  Value pad();
  Value max_pool();
  Value average_pool();

  // import_joins.cpp
  Value concat();
  Value extreme();
  float real_of(std::size_t position) const;
  Value joined(OpKind kind, int axis, const std::vector<int>& shape);

  // import_moves.cpp
  static std::pair<std::size_t, int> axis_of(const Value& value, std::int64_t axis);
  Value gather();
  Value gathered(Value value, std::int64_t given, const std::vector<int>& indices);
  Value picked(Value value, std::int64_t given, const std::vector<int>& indices);
  Value blocks();
  Value in_blocks(Value value, int b, bool depth);
  Value sliced(Value value, std::int64_t axis_given, std::int64_t begin, std::int64_t size,
               std::int64_t step, const std::string& name);
  Value slice();
  Value split();
  std::vector<std::int32_t> nearest(int in, int out, double scale) const;
  Value resize();

  // import_recurrent.cpp
  Value recurrent();
  Recurrence recurrence(int direction, int x, int steps, int batch);
  Value by_direction(const std::vector<int>& parts, int length, int batch, std::size_t position);
  void require_plain_cell(int steps, int directions) const;
  bool ends_quantized(const std::string& tensor) const;
  int initial_state(std::size_t position, int direction, float scale);
  double reach_of(const Value& value) const;
  float hidden_scale(bool relu) const;
  float cell_scale(int steps) const;

  // import_spiking.cpp
  Value spiking();
  int returned_weights(int neurons);

  // import_shapes.cpp
  Value reshape();
  Value reshaped_to(Value value, const std::vector<int>& shape);
  bool is_pending(const Value& value) const;
  Value later(Value value, std::vector<int> shape, const Move& move,
              const std::string& output = "");
  Value transpose();
  Value transposed(Value value, const std::vector<std::int32_t>& order);
  Value reordered(Value value, const std::vector<std::int32_t>& order,
                  const std::vector<int>& shape);

  // import_axes.cpp
  Value reduction();
  Value further_reduction(const std::vector<std::int64_t>& axes);
  const Value* root_of(const std::string& square) const;
  Value mean_square(Value x);
  Value normalization();
  Value host_floats() { return emit_.floats(in(0), node_->inputs[0], node_->index); }
  Value softmax();
  Value largest(const std::string& name);
  Value arg_max();
  Value top_k();

  File file_;
  Graph& graph_;
  bool images_;  ///< tensors of four axes are images
  HostUse host_;
  Emitter emit_;
  Problems problems_;
  std::set<std::string> lost_;  ///< outputs of refused nodes, and what depends on them
  std::string refused_;         ///< reason why the host cannot run a node
  /// The node that is being imported, and the node of the file that it is a part of.
  const Node *node_ = nullptr, *whole_ = nullptr;
  /// Imports movement of elements, floats included.
  bool moving_ = false;
  std::list<Node> forms_;  ///< nodes that replace nodes of the file
  std::map<std::string, Value> values_;
  std::map<int, std::string> annotated_;  ///< FINN's data types of inputs
  std::int64_t folded_ = 0, limit_ = 0;   ///< elements of folded constants, and their limit
};

}  // namespace trine::model::onnx_file
