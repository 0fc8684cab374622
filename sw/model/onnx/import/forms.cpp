// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/import/forms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/node/operands.h"
#include "sw/host/onnx/node/windows.h"
#include "sw/model/graph/indices.h"
#include "sw/model/onnx/read/constant.h"

namespace trine::model::onnx_file {
namespace {

using host::onnx::integers_of, host::onnx::kMaxWindow, host::onnx::parts_of, host::onnx::Windows;

using Ints = std::vector<std::int64_t>;
using Shape = std::vector<int>;
using Result = std::optional<Form>;

constexpr int kMostPieces = 256;  ///< approximate number of nodes that one node may become

ConstantPointer reshaped_constant(const Constant& from, Shape shape) {
  auto result = std::make_shared<Constant>(from);
  result->shape = std::move(shape);
  return result;
}

constexpr std::int64_t kMostElements = 1 << 26;  ///< of an operand

/// Writes the nodes that replace a node.
class Writer {
 public:
  Writer(const Node& node, std::int64_t opset, const std::vector<Operand>& inputs)
      : node_(node), opset_(opset), inputs_(inputs) {}

  Result form() {
    using Method = Result (Writer::*)();
    static const std::map<std::string, Method> kMethods = {
        {"Add", &Writer::pair},
        {"Sub", &Writer::pair},
        {"Mul", &Writer::pair},
        {"Div", &Writer::pair},
        {"ArgMax", &Writer::arg_max},
        {"AveragePool", &Writer::average_pool},
        {"BatchNormalization", &Writer::by_channels},
        {"Cast", &Writer::cast},
        {"Conv", &Writer::window},
        {"ConvTranspose", &Writer::window},
        {"Einsum", &Writer::einsum},
        {"Expand", &Writer::repeated},
        {"Gather", &Writer::gather},
        {"GatherND", &Writer::gather_nd},
        {"GlobalAveragePool", &Writer::global_pool},
        {"GlobalMaxPool", &Writer::global_pool},
        {"GroupNormalization", &Writer::group_normalization},
        {"InstanceNormalization", &Writer::group_normalization},
        {"LayerNormalization", &Writer::normalization},
        {"LpNormalization", &Writer::length_one},
        {"MatMul", &Writer::matmul},
        {"Max", &Writer::one_operand},
        {"MaxPool", &Writer::window},
        {"Min", &Writer::one_operand},
        {"PRelu", &Writer::prelu},
        {"Pad", &Writer::pad},
        {"RMSNormalization", &Writer::normalization},
        {"ReduceMax", &Writer::reduction},
        {"ReduceMean", &Writer::reduction},
        {"ReduceMin", &Writer::reduction},
        {"ReduceSum", &Writer::reduction},
        {"Resize", &Writer::resize},
        {"ScatterND", &Writer::scatter_nd},
        {"Softmax", &Writer::softmax},
        {"Sum", &Writer::one_operand},
        {"Swish", &Writer::swish},
        {"Tile", &Writer::repeated},
        {"Where", &Writer::where},
    };
    const auto found = kMethods.find(node_.type);
    if (found == kMethods.end() || inputs_.empty() || inputs_[0].absent) return std::nullopt;
    for (const Operand& input : inputs_)
      if (elements_of(input.shape) < 0 || elements_of(input.shape) > kMostElements)
        return std::nullopt;
    for (std::size_t i = 1; i < node_.outputs.size(); ++i)
      if (!node_.outputs[i].empty()) return std::nullopt;
    return (this->*found->second)();
  }

 private:
  // --- Writing -------------------------------------------------------------------------------

  static Attribute ints(Ints values) {
    Attribute a;
    if (!values.empty()) a.i = values[0];
    a.ints = std::move(values);
    return a;
  }
  static Attribute whole(std::int64_t value) {
    Attribute a;
    a.i = value;
    return a;
  }

  /// @throws Error  if the node has fewer inputs than its operator
  void require(std::size_t i) const {
    if (i >= inputs_.size()) throw_error("has no input {}", i);
  }
  const Shape& shape(std::size_t i = 0) const {
    require(i);
    return inputs_[i].shape;
  }
  int rank(std::size_t i = 0) const { return static_cast<int>(shape(i).size()); }
  const std::string& in(std::size_t i = 0) const {
    require(i);
    return node_.inputs[i];
  }
  bool has(std::size_t i) const { return i < inputs_.size() && !inputs_[i].absent; }
  ConstantPointer constant(std::size_t i) const { return has(i) ? inputs_[i].constant : nullptr; }
  /// Returns whole numbers of an attribute, or of a constant input in opsets in which they are an
  /// input.
  Ints whole_numbers(std::size_t i, const char* key) const {
    if (has(i) && !constant(i)) throw_error("input {} '{}' must be a constant", i, in(i));
    return integers_of(node_, key, constant(i).get());
  }
  int axis(std::int64_t given) const { return axis_of(given, rank()); }

  std::string add(Node node) {
    if (form_.nodes.size() >= kMostPieces) throw_error("more than {} operators", kMostPieces);
    node.index = node_.index;
    node.outputs = {fresh()};
    form_.nodes.push_back(std::move(node));
    return form_.nodes.back().outputs[0];
  }
  std::string add(const char* type, std::vector<std::string> inputs,
                  std::map<std::string, Attribute> attributes = {}) {
    Node node;
    node.type = type;
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    return add(std::move(node));
  }
  std::string add(ConstantPointer value) {
    const std::string name = fresh();
    form_.constants[name] = std::move(value);
    return name;
  }
  std::string add(DataType type, Shape shape, std::vector<double> values) {
    Constant c;
    c.type = type;
    c.shape = std::move(shape);
    c.values = std::move(values);
    return add(std::make_shared<const Constant>(std::move(c)));
  }
  std::string list(const Ints& values) {
    return add(DataType::kInt64, {static_cast<int>(values.size())}, {values.begin(), values.end()});
  }
  std::string fresh() { return fmt::format("{}:{}", node_.outputs[0], count_++); }

  std::string reshape(const std::string& from, const Shape& to) {
    return add("Reshape", {from, list({to.begin(), to.end()})});
  }
  std::string transpose(const std::string& from, const Ints& order) {
    return add("Transpose", {from}, {{"perm", ints(order)}});
  }
  std::string gather(const std::string& from, int axis, const Ints& indices) {
    return add("Gather", {from, list(indices)}, {{"axis", whole(axis)}});
  }
  std::string slice(const std::string& from, int axis, int begin, int end) {
    return add("Slice", {from, list({begin}), list({end}), list({axis})});
  }
  std::string concat(const std::vector<std::string>& parts, int axis) {
    return parts.size() == 1 ? parts[0] : add("Concat", parts, {{"axis", whole(axis)}});
  }

  /// Returns the form. Its last node makes the outputs of the original node.
  Form done() {
    if (form_.nodes.empty()) add("Identity", {in()});
    form_.nodes.back().outputs = node_.outputs;
    return std::move(form_);
  }

  /// Returns the order that exchanges `axis` and the last axis.
  Ints with_last(int axis) const {
    Ints order(shape().size());
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[axis], order.back());
    return order;
  }

  // --- Windows -------------------------------------------------------------------------------

  /// Treats windows over the one axis of [N, C, W] as windows over the last axis of [N, C, 1, W].
  Result window() {
    if (rank() != 3) return std::nullopt;
    Node inner = node_;
    for (const char* key : {"kernel_shape", "strides", "dilations", "output_shape"})
      lift(&inner, key, {1});
    lift(&inner, "output_padding", {0});
    lift(&inner, "pads", {0});
    if (const auto pads = inner.integers("pads"); pads.size() == 3)
      inner.attributes["pads"] = ints({0, pads[1], 0, pads[2]});
    inner.inputs[0] = reshape(in(), {shape()[0], shape()[1], 1, shape()[2]});
    if (has(1)) {
      const Shape& w = shape(1);
      if (rank(1) != 3) throw_error("weights of rank {}, allowed 3", rank(1));
      const Shape lifted = {w[0], w[1], 1, w[2]};
      inner.inputs[1] =
          constant(1) ? add(reshaped_constant(*constant(1), lifted)) : reshape(in(1), lifted);
    }
    add("Squeeze", {add(std::move(inner))}, {{"axes", ints({2})}});
    return done();
  }

  /// Treats channels of [N, C, W] as channels of an image.
  Result by_channels() {
    if (rank() != 3) return std::nullopt;
    return of_image(node_, 0);
  }

  Result of_image(Node inner, std::size_t i) {
    inner.inputs[i] = reshape(in(i), {shape(i)[0], shape(i)[1], 1, shape(i)[2]});
    add("Squeeze", {add(std::move(inner))}, {{"axes", ints({2})}});
    return done();
  }

  /// Treats a constant for each channel of [N, C, W] as a constant for an image.
  Result by_constant() {
    const std::size_t given = constant(0) ? 0 : 1, other = 1 - given;
    const Shape& c = shape(given);
    if (rank(other) != 3 || rank(given) < 2 || rank(given) > 3 || c.back() != 1 ||
        c.end()[-2] != shape(other)[1] || c.end()[-2] == 1 ||
        product_of(c, 0, c.size()) != c.end()[-2])
      return std::nullopt;
    Node inner = node_;
    inner.inputs[given] = add(reshaped_constant(*constant(given), {c.end()[-2], 1, 1}));
    return of_image(std::move(inner), other);
  }

  static void lift(Node* node, const char* key, const Ints& front) {
    Ints values = node->integers(key);
    if (values.empty()) return;
    values.insert(values.begin(), front.begin(), front.end());
    node->attributes[key] = ints(std::move(values));
  }

  /// Outputs of an average along an axis that read the same number of pixels, all inside of the
  /// image.
  struct Part {
    int begin, end;  ///< pixels
    int taps;
  };

  /// Splits averages over windows that extend beyond the image, if the border does not count: one
  /// part for windows inside, and one for each other window.
  Result average_pool() {
    if (rank() == 3) return window();
    if (rank() != 4) return std::nullopt;
    const Windows w = windows_over(node_, {shape()[2], shape()[3]});
    const bool counts = node_.integer("count_include_pad", 0) != 0;
    if (!(w.has_borders() || w.ceils) || (counts && !w.ceils)) return std::nullopt;
    std::string from = in();
    if (counts && w.has_borders())  // of zeros
      from =
          add("Pad", {from, list({0, 0, w.before[0], w.before[1], 0, 0, w.after[0], w.after[1]})});
    std::vector<Part> parts[2];
    for (std::size_t i = 0; i < 2; ++i) parts[i] = parts_of(w, i, counts);
    if (parts[0].size() * parts[1].size() > 64)
      throw_error("{} kinds of windows at the border, allowed 64",
                  parts[0].size() * parts[1].size());
    std::vector<std::string> rows;
    for (const Part& y : parts[0]) {
      const std::string row = slice(from, 2, y.begin, y.end);
      std::vector<std::string> columns;
      for (const Part& x : parts[1]) {
        Node pool = node_;
        for (const char* key : {"pads", "auto_pad", "ceil_mode", "count_include_pad"})
          pool.attributes.erase(key);
        pool.attributes["kernel_shape"] = ints({y.taps, x.taps});
        pool.inputs = {slice(row, 3, x.begin, x.end)};
        columns.push_back(add(std::move(pool)));
      }
      rows.push_back(concat(columns, 3));
    }
    concat(rows, 2);
    return done();
  }

  /// @param counts  true if borders belong to the image
  std::vector<Part> parts_of(const Windows& w, std::size_t axis, bool counts) const {
    const int taps = w.taps[axis], dilation = w.dilations[axis], pixels = shape()[axis + 2];
    const int before = counts ? 0 : w.before[axis];
    const int extent = counts ? w.before[axis] + pixels + w.after[axis] : pixels;
    std::vector<Part> parts;
    bool inside = false;
    for (int p = 0; p < w.count(axis, pixels); ++p) {
      const int first = p * w.strides[axis] - before;
      // Taps inside of the image.
      const int low = first < 0 ? divide_up(-first, dilation) : 0;
      const int high = std::min(taps, first < extent ? divide_up(extent - first, dilation) : 0);
      if (low >= high) throw_error("a window covers no pixel");
      const bool whole = high - low == taps;
      const int begin = first + low * dilation, end = first + (high - 1) * dilation + 1;
      if (whole && inside)
        parts.back().end = end;
      else
        parts.push_back({begin, end, high - low});
      if (parts.size() > 64) throw_error("more than 64 kinds of windows along an axis");
      inside = whole;
    }
    return parts;
  }

  Result global_pool() {
    const bool most = node_.type == "GlobalMaxPool";
    if (rank() < 3 || (rank() == 4 && !most)) return std::nullopt;
    Ints axes(shape().size() - 2);
    std::iota(axes.begin(), axes.end(), 2);
    add(most ? "ReduceMax" : "ReduceMean", {in()}, {{"axes", ints(axes)}, {"keepdims", whole(1)}});
    return done();
  }

  // --- Resizing ------------------------------------------------------------------------------

  /// Completes scales or sizes of some axes with those of the other axes.
  Result resize_of(const Ints& axes) {
    if (node_.text("keep_aspect_ratio_policy", "stretch") != "stretch") return std::nullopt;
    const std::size_t position = has(3) ? 3 : 2;
    if (!constant(position) || constant(position)->elements() != axes.size()) return std::nullopt;
    Constant all = *constant(position);
    all.shape = {rank()};
    all.values.assign(shape().size(), 1);
    if (position == 3) all.values.assign(shape().begin(), shape().end());
    for (std::size_t i = 0; i < axes.size(); ++i)
      all.values[axis(axes[i])] = constant(position)->values[i];
    Node inner = node_;
    inner.attributes.erase("axes");
    inner.inputs[position] = add(std::make_shared<const Constant>(std::move(all)));
    add(std::move(inner));
    return done();
  }

  /// Interpolates linearly to `factor` times as many pixels: a convolution of each channel over its
  /// neighbours makes an output for each phase, and DepthToSpace interleaves them.
  Result resize() {
    if (rank() != 4) return std::nullopt;
    if (const Ints axes = node_.integers("axes"); !axes.empty()) return resize_of(axes);
    if (node_.text("mode", "nearest") != "linear") return std::nullopt;
    const bool sized = has(3) && !whole_numbers(3, "").empty();
    const ConstantPointer given = constant(sized ? 3 : 2);
    if (!given || given->elements() != 4 || node_.integer("antialias", 0) != 0) return std::nullopt;
    double factor[4];
    for (int i = 0; i < 4; ++i)
      factor[i] = sized ? given->values[i] / shape()[i] : given->values[i];
    const std::string how = node_.text("coordinate_transformation_mode", "half_pixel");
    if (how == "tf_crop_and_resize") return std::nullopt;
    if (factor[0] == 1 && factor[1] == 1 && (shape()[2] == 1 || factor[2] == 1) &&
        (shape()[3] == 1 || factor[3] == 1))
      return repeated_pixels(factor);
    const auto f = static_cast<int>(std::clamp(factor[2], 0.0, 100.0));
    const bool middle = how == "half_pixel" || how == "pytorch_half_pixel";
    if (f < 2 || factor[2] != f || factor[3] != f || factor[0] != 1 || factor[1] != 1 ||
        !(middle || how == "asymmetric"))
      return std::nullopt;
    if (how == "pytorch_half_pixel" && (shape()[2] * f == 1 || shape()[3] * f == 1))
      return std::nullopt;
    // Weights of the pixels -1, 0 and 1 in whole parts of a pixel, for example thirds.
    const int parts = middle && f % 2 == 0 ? 2 * f : f;
    const int most = middle && f % 2 == 0 ? parts - 1 : parts;
    if (most * most > 255) return std::nullopt;  // exceeds a uint8 weight
    std::vector<std::array<int, 3>> phases;
    for (int r = 0; r < f; ++r) {
      const int at = middle ? (2 * r + 1 - f) * parts / (2 * f) : r * parts / f;
      phases.push_back({std::max(-at, 0), parts - std::abs(at), std::max(at, 0)});
    }
    const int C = shape()[1];
    auto weights = std::make_shared<Constant>();
    weights->shape = {C * f * f, 1, 3, 3};
    const float unit = 1.0f / static_cast<float>(parts * parts);
    for (int c = 0; c < C; ++c)
      for (const auto& y : phases)
        for (const auto& x : phases)
          for (const int v : y)
            for (const int h : x) {
              weights->codes.push_back(v * h);
              weights->values.push_back(double{static_cast<float>(v * h) * unit});
            }
    weights->scales.assign(weights->codes.size(), unit);
    weights->zero_points.assign(weights->codes.size(), 0);
    std::string x = in();
    for (const int axis : {2, 3}) x = gather(x, axis, bordered(shape()[axis], 1, 1, "edge"));
    x = add("Conv", {x, add(std::move(weights))}, {{"group", whole(C)}});
    Attribute mode;
    mode.s = "CRD";
    add("DepthToSpace", {x}, {{"blocksize", whole(f)}, {"mode", mode}});
    return done();
  }

  /// Resizes axes that are a single pixel, which is repeated, or that do not change.
  Result repeated_pixels(const double* factor) {
    std::string x = in();
    for (const int axis : {2, 3}) {
      const double to = std::floor(factor[axis] * shape()[axis]);
      if (!(to >= 1 && to <= kMaxWindow)) return std::nullopt;
      if (to > shape()[axis]) x = gather(x, axis, Ints(static_cast<std::size_t>(to), 0));
    }
    return done();
  }

  // --- Reductions ----------------------------------------------------------------------------

  /// Rewrites reductions that drop axes, or that name none.
  Result reduction() {
    Ints axes = whole_numbers(1, "axes");
    if (axes.empty() && node_.integer("noop_with_empty_axes", 0) != 0) return done();
    const bool all = axes.empty();
    if (all) {
      axes.resize(shape().size());
      std::iota(axes.begin(), axes.end(), 0);
    }
    if (node_.integer("keepdims", 1) != 0 && !all) return std::nullopt;
    for (std::int64_t& a : axes) a = axis(a);
    const std::string kept =
        add(node_.type.c_str(), {in()}, {{"axes", ints(axes)}, {"keepdims", whole(1)}});
    if (node_.integer("keepdims", 1) == 0) add("Squeeze", {kept}, {{"axes", ints(axes)}});
    return done();
  }

  /// Rewrites to an ArgMax of the last axis that keeps it; other axes are exchanged with the last.
  Result arg_max() {
    const int at = axis(node_.integer("axis", 0));
    const bool keeps = node_.integer("keepdims", 1) != 0, last = at == rank() - 1;
    if (node_.integer("select_last_index", 0) != 0 || (keeps && last)) return std::nullopt;
    const std::string x = last ? in() : transpose(in(), with_last(at));
    std::string y = add("ArgMax", {x}, {{"axis", whole(-1)}, {"keepdims", whole(1)}});
    Shape to = shape();
    to[at] = 1;
    if (!last) y = transpose(y, with_last(at));
    if (!keeps) to.erase(to.begin() + at), reshape(y, to);
    return done();
  }

  // --- Normalizations ------------------------------------------------------------------------

  static int product_of(const Shape& shape, std::size_t begin, std::size_t end) {
    const std::int64_t all = elements_of({shape.begin() + static_cast<std::ptrdiff_t>(begin),
                                          shape.begin() + static_cast<std::ptrdiff_t>(end)});
    if (all < 0) throw_error("more than 2^31 elements");
    return static_cast<int>(all);
  }

  /// Rewrites a normalization over several axes as one over an axis that contains their elements.
  Result normalization() {
    const int at = axis(node_.integer("axis", -1));
    if (node_.integer(kOneAxis, 0) != 0) return over_one_axis(at);
    if (at == rank() - 1) return std::nullopt;
    const int L = product_of(shape(), at, shape().size());
    Node inner = node_;
    inner.inputs[0] = reshape(in(), {product_of(shape(), 0, at), L});
    inner.attributes["axis"] = whole(-1);
    for (std::size_t i = 1; i < 3; ++i)
      if (constant(i)) {
        const Indices order = broadcast(constant(i)->shape, {shape().begin() + at, shape().end()});
        inner.inputs[i] = add(DataType::kFloat32, {L}, picked(*constant(i), order));
      }
    reshape(add(std::move(inner)), shape());
    return done();
  }

  /// Rewrites a normalization that fuse() made.
  Result over_one_axis(int at) {
    const bool last = at == rank() - 1;
    Node inner = node_;
    inner.inputs[0] = last ? in() : transpose(in(), with_last(at));
    inner.attributes.erase(kOneAxis);
    inner.attributes["axis"] = whole(-1);
    for (std::size_t i = 1; i < inner.inputs.size(); ++i)
      if (constant(i))
        inner.inputs[i] = add(DataType::kFloat32, {shape()[at]}, along(at, *constant(i)));
    const std::string y = add(std::move(inner));
    if (!last) transpose(y, with_last(at));
    return done();
  }

  /// Returns a constant's values along an axis of the input.
  /// @throws Error  if it has several values along another axis
  std::vector<double> along(int at, const Constant& c) const {
    Shape extents(shape().size(), 1);
    extents[at] = shape()[at];
    return picked(c, broadcast(c.shape, extents));
  }

  /// Divides a line by its length: by its root mean square and the root of its extent.
  Result length_one() {
    if (node_.integer("p", 2) != 2 || rank() < 1) return std::nullopt;
    const int at = axis(node_.integer("axis", -1)), L = shape()[at];
    const bool last = at == rank() - 1;
    std::map<std::string, Attribute> attributes{{"axis", whole(-1)}};
    attributes["epsilon"].f = 0x1p-100f;  // only for a line of zeros
    const std::string x = last ? in() : transpose(in(), with_last(at));
    const std::vector<double> root(static_cast<std::size_t>(L), 1 / std::sqrt(L));
    const std::string y =
        add("RMSNormalization", {x, add(DataType::kFloat32, {L}, root)}, attributes);
    if (!last) transpose(y, with_last(at));
    return done();
  }

  static std::vector<double> picked(const Constant& from, const Indices& order) {
    std::vector<double> result;
    for (const std::size_t i : order) result.push_back(from.values[i]);
    return result;
  }

  /// Rewrites to a layer normalization of each group of channels, with separate scales. Groups with
  /// the same scales are rows of one normalization.
  Result group_normalization() {
    const int C = rank() > 1 ? shape()[1] : 0;
    const bool instance = node_.type == "InstanceNormalization";
    const std::int64_t groups = instance ? C : node_.integer("num_groups", 0);
    if (rank() < 3 || groups < 1 || C % groups != 0)
      throw_error("{} groups do not divide {} channels", groups, C);
    const ConstantPointer scale = constant(1), bias = constant(2);
    if (!scale || !bias) return std::nullopt;
    const int G = static_cast<int>(groups), of_group = C / G;
    const int pixels = product_of(shape(), 2, shape().size()), L = of_group * pixels;
    // Before opset 21 there is a value for each group.
    const auto parameters = [&](const Constant& c, int group) {
      const bool shared = c.elements() == static_cast<std::size_t>(G) && G != C;
      if (!shared && c.elements() != static_cast<std::size_t>(C))
        throw_error("{} values for {} channels, allowed one for each", c.elements(), C);
      std::vector<double> values;
      for (int i = 0; i < L; ++i)
        values.push_back(c.values[shared ? group : group * of_group + i / pixels]);
      return values;
    };
    bool alike = true;
    for (int g = 1; g < G; ++g)
      alike = alike && parameters(*scale, g) == parameters(*scale, 0) &&
              parameters(*bias, g) == parameters(*bias, 0);
    const std::string rows = reshape(in(), {shape()[0], G, L});
    const auto normalized = [&](const std::string& x, int group) {
      std::map<std::string, Attribute> attributes{{"axis", whole(-1)}};
      attributes["epsilon"].f = node_.real("epsilon", 1e-5f);
      return add("LayerNormalization",
                 {x, add(DataType::kFloat32, {L}, parameters(*scale, group)),
                  add(DataType::kFloat32, {L}, parameters(*bias, group))},
                 attributes);
    };
    std::vector<std::string> parts;
    for (int g = 0; g < (alike ? 1 : G); ++g)
      parts.push_back(normalized(alike ? rows : slice(rows, 1, g, g + 1), g));
    reshape(concat(parts, 1), shape());
    return done();
  }

  /// Rewrites a softmax over another axis than the last. Before opset 13 all axes from `axis` on
  /// are one.
  Result softmax() {
    const bool old = opset_ < 13;
    const int at = axis(node_.integer("axis", old ? 1 : -1));
    if (at == rank() - 1) return std::nullopt;
    const std::map<std::string, Attribute> last{{"axis", whole(-1)}};
    if (old) {
      const int rows = product_of(shape(), 0, at), L = product_of(shape(), at, shape().size());
      reshape(add("Softmax", {reshape(in(), {rows, L})}, last), shape());
    } else {
      transpose(add("Softmax", {transpose(in(), with_last(at))}, last), with_last(at));
    }
    return done();
  }

  // --- Movement ------------------------------------------------------------------------------

  /// Returns, for each element of an axis with a border, the index of the element that it repeats.
  Ints bordered(std::int64_t extent, std::int64_t before, std::int64_t after,
                const std::string& mode) const {
    if (before < 0 || after < 0 || before > kMaxWindow || after > kMaxWindow)
      throw_error("border of {} and {} elements, which is negative or too large", before, after);
    Ints indices;
    for (std::int64_t i = -before; i < extent + after; ++i) {
      std::int64_t at = i;
      if (mode == "edge") {
        at = std::clamp<std::int64_t>(i, 0, extent - 1);
      } else if (mode == "wrap") {
        at = ((i % extent) + extent) % extent;
      } else {  // reflect: the last element is not mirrored onto itself
        const std::int64_t period = std::max<std::int64_t>(2 * extent - 2, 1);
        at = ((i % period) + period) % period;
        at = std::min(at, period - at) % extent;
      }
      indices.push_back(at);
    }
    return indices;
  }

  /// Rewrites borders that repeat elements, and constant borders of axes other than an image's.
  Result pad() {
    const std::string mode = node_.text("mode", "constant");
    const Ints given = whole_numbers(1, "pads"), axes = whole_numbers(3, "axes");
    const std::size_t count = axes.empty() ? shape().size() : axes.size();
    if (given.size() != 2 * count)
      throw_error("{} pads for {} axes, allowed two for each", given.size(), count);
    std::vector<Ints> sides(shape().size(), Ints{0, 0});
    for (std::size_t i = 0; i < count; ++i)
      sides[axes.empty() ? i : axis(axes[i])] = {given[i], given[i + count]};
    const auto none = [](const Ints& side) { return side[0] == 0 && side[1] == 0; };
    if (std::ranges::any_of(sides, [](const Ints& s) { return std::min(s[0], s[1]) < 0; }))
      return cropped(sides);
    std::string x = in();
    if (mode == "reflect" || mode == "edge" || mode == "wrap") {
      for (int i = 0; i < rank(); ++i)
        if (!none(sides[i])) x = gather(x, i, bordered(shape()[i], sides[i][0], sides[i][1], mode));
      return done();
    }
    const bool image = rank() == 4 && none(sides[0]) && none(sides[1]);
    if (mode != "constant") return std::nullopt;
    const double border = constant(2) ? constant(2)->values.at(0) : node_.real("value", 0.0f);
    const double code = border / inputs_[0].scale + inputs_[0].zero_point;
    const bool is_code = inputs_[0].scale == 0 || code == std::trunc(code);
    if (image && is_code && axes.empty()) return std::nullopt;
    if (image && is_code) {
      Node inner = node_;
      inner.inputs.resize(3);
      inner.inputs[1] = list({0, 0, sides[2][0], sides[3][0], 0, 0, sides[2][1], sides[3][1]});
      add(std::move(inner));
      return done();
    }
    Shape now = shape();
    for (int i = 0; i < rank(); ++i) {
      const auto side = [&](std::int64_t extent) {
        if (extent < 0 || extent > kMaxWindow)
          throw_error("border of {} elements, which is negative or too large", extent);
        Shape part = now;
        part[i] = static_cast<int>(extent);
        return add(DataType::kFloat32, part, std::vector<double>(count_of(part), border));
      };
      std::vector<std::string> parts;
      if (sides[i][0] != 0) parts.push_back(side(sides[i][0]));
      parts.push_back(x);
      if (sides[i][1] != 0) parts.push_back(side(sides[i][1]));
      x = concat(parts, i);
      now[i] += static_cast<int>(sides[i][0] + sides[i][1]);
    }
    return done();
  }

  /// Removes the elements that negative borders name, and pads what remains.
  Result cropped(std::vector<Ints> sides) {
    std::string x = in();
    for (int i = 0; i < rank(); ++i) {
      Ints& side = sides[i];
      const auto begin = std::max<std::int64_t>(-side[0], 0);
      const auto end = shape()[i] - std::max<std::int64_t>(-side[1], 0);
      if (begin >= end)
        throw_error("borders {} and {} of {} elements", side[0], side[1], shape()[i]);
      if (end - begin < shape()[i]) x = slice(x, i, static_cast<int>(begin), static_cast<int>(end));
      for (std::int64_t& s : side) s = std::max<std::int64_t>(s, 0);
    }
    Ints pads;
    for (const std::size_t end : {0, 1})
      for (const Ints& side : sides) pads.push_back(side[end]);
    Node inner = node_;
    inner.inputs.resize(std::min<std::size_t>(inner.inputs.size(), 3));
    inner.inputs[0] = x;
    if (inner.inputs.size() > 1) inner.inputs[1] = list(pads);
    if (inner.inputs.size() < 2) inner.attributes["pads"] = ints(pads);
    if (std::ranges::any_of(pads, [](std::int64_t p) { return p > 0; })) add(std::move(inner));
    return done();
  }

  /// Rewrites Tile and Expand, which repeat the elements of each axis.
  Result repeated() {
    if (!constant(1)) return std::nullopt;
    const Ints given = whole_numbers(1, "");
    const bool tile = node_.type == "Tile";
    Shape from = shape();
    if (given.size() > from.size()) from.insert(from.begin(), given.size() - from.size(), 1);
    std::string x = from == shape() ? in() : reshape(in(), from);
    const std::size_t first = from.size() - given.size();
    for (std::size_t i = 0; i < given.size(); ++i) {
      const int extent = from[first + i];
      const std::int64_t to = tile ? given[i] * extent : std::max<std::int64_t>(given[i], extent);
      if (to < 1 || to > kMaxWindow ||
          (!tile && given[i] != 1 && extent != 1 && given[i] != extent))
        throw_error("extent {} of axis {} cannot become {}", extent, first + i, given[i]);
      if (to == extent) continue;
      Ints indices;
      for (std::int64_t k = 0; k < to; ++k) indices.push_back(k % extent);
      x = gather(x, static_cast<int>(first + i), indices);
    }
    return done();
  }

  /// Rewrites indices of any shape to a list.
  Result gather() {
    if (!constant(1) || constant(0) || constant(1)->rank() == 1) return std::nullopt;
    const int at = axis(node_.integer("axis", 0));
    Shape to = shape();
    to.erase(to.begin() + at);
    to.insert(to.begin() + at, shape(1).begin(), shape(1).end());
    reshape(gather(in(), at, whole_numbers(1, "")), to);
    return done();
  }

  /// Returns an element of constant indices along an axis. @throws Error  it is outside
  std::int64_t index_at(const Constant& indices, std::size_t element, int axis) const {
    const double x = indices.values[element];
    const int extent = shape()[axis];
    if (x != std::trunc(x) || x < -extent || x >= extent)
      throw_error("index {}, allowed {}..{}", x, -extent, extent - 1);
    return static_cast<std::int64_t>(x < 0 ? x + extent : x);
  }

  /// Rewrites updates at constant places to rows of the tensor and of the updates, one after the
  /// other.
  Result scatter_nd() {
    const ConstantPointer at = constant(1);
    if (!at || at->rank() < 1 || !has(2) || node_.text("reduction", "none") != "none")
      return std::nullopt;
    const int k = at->shape.back();
    if (k < 1 || k > rank() || elements_of(at->shape) > kMostElements) return std::nullopt;
    Shape tail(shape().begin() + k, shape().end());
    if (tail.empty()) tail = {1};
    const int rows = product_of(shape(), 0, static_cast<std::size_t>(k));
    const auto updates = static_cast<int>(at->elements() / static_cast<std::size_t>(k));
    Ints source(static_cast<std::size_t>(rows));
    std::iota(source.begin(), source.end(), 0);
    for (int u = 0; u < updates; ++u) {
      std::int64_t row = 0;
      for (int axis = 0; axis < k; ++axis)
        row = row * shape()[axis] + index_at(*at, static_cast<std::size_t>(u * k + axis), axis);
      source[static_cast<std::size_t>(row)] = rows + u;
    }
    const auto as_rows = [&](std::size_t i, int count) {
      Shape to = tail;
      to.insert(to.begin(), count);
      return reshape(in(i), to);
    };
    const std::string all[] = {as_rows(0, rows), as_rows(2, updates)};
    reshape(rows_of(all, source, rows), shape());
    return done();
  }

  /// Returns rows of two tensors in the order of `source`: slices, or for many parts a list.
  /// @param first  number of rows of the first tensor: row `first` is row 0 of the second tensor
  std::string rows_of(const std::string* all, const Ints& source, std::int64_t first) {
    constexpr std::size_t kMostSlices = 16;
    std::vector<std::pair<std::int64_t, std::int64_t>> parts;  // begin, end
    for (const std::int64_t row : source)
      if (!parts.empty() && row == parts.back().second && row != first)
        ++parts.back().second;
      else
        parts.emplace_back(row, row + 1);
    if (parts.size() > kMostSlices) return gather(concat({all[0], all[1]}, 0), 0, source);
    std::vector<std::string> slices;
    for (const auto& [begin, end] : parts) {
      const bool second = begin >= first;
      const std::int64_t shift = second ? first : 0;
      slices.push_back(slice(all[second ? 1 : 0], 0, static_cast<int>(begin - shift),
                             static_cast<int>(end - shift)));
    }
    return concat(slices, 0);
  }

  /// Rewrites to a list for each axis if the elements are a grid; otherwise to a list of single
  /// elements.
  Result gather_nd() {
    const ConstantPointer at = constant(1);
    if (!at || at->rank() < 1 || node_.integer("batch_dims", 0) != 0) return std::nullopt;
    const int k = at->shape.back();
    if (k < 1 || k > rank() || elements_of(at->shape) > kMostElements) return std::nullopt;
    const auto place = [&](std::size_t element, int axis) {
      return index_at(*at, element * static_cast<std::size_t>(k) + axis, axis);
    };
    const Shape grid(at->shape.begin(), at->shape.end() - 1);
    const std::size_t count = count_of(grid);
    std::vector<Ints> lists(static_cast<std::size_t>(k));
    bool is_grid = k == static_cast<int>(grid.size()) && count > 0;
    for (int axis = 0; axis < k && is_grid; ++axis) {
      const std::size_t step = steps_of(grid)[axis];
      for (int i = 0; i < grid[axis]; ++i) lists[axis].push_back(place(i * step, axis));
      for (std::size_t e = 0; e < count; ++e)
        is_grid = is_grid && place(e, axis) == lists[axis][e / step % grid[axis]];
    }
    Shape to = grid;
    to.insert(to.end(), shape().begin() + k, shape().end());
    std::string x = in();
    if (is_grid) {
      for (int axis = 0; axis < k; ++axis) x = gather(x, axis, lists[axis]);
      return done();
    }
    const Shape front(shape().begin(), shape().begin() + k);
    Shape flat(shape().begin() + k - 1, shape().end());
    flat[0] = product_of(front, 0, front.size());
    Ints list;
    for (std::size_t e = 0; e < count; ++e) {
      std::int64_t from = 0;
      for (int axis = 0; axis < k; ++axis) from = from * shape()[axis] + place(e, axis);
      list.push_back(from);
    }
    if (list.empty()) return std::nullopt;
    reshape(gather(reshape(x, flat), 0, list), to);
    return done();
  }

  // --- Arithmetic ----------------------------------------------------------------------------

  Result cast() {
    constexpr std::int64_t kFloat = 1;  // TensorProto.FLOAT
    if (node_.integer("to", 0) != kFloat || inputs_[0].type != DataType::kFloat32)
      return std::nullopt;
    return done();
  }

  Result one_operand() {
    if (node_.inputs.size() == 1) return done();
    if (node_.type == "Sum" && node_.inputs.size() == 2) {
      add("Add", node_.inputs);
      return done();
    }
    return std::nullopt;
  }

  /// Adds axes of 1 before the axes of the tensor with the lower rank.
  Result pair() {
    if (!has(1)) return std::nullopt;
    if (constant(0) || constant(1)) {
      const std::size_t given = constant(0) ? 0 : 1, other = 1 - given;
      if (Result wider = repeated_pair(given, other)) return wider;
      if (constant(other) || rank(given) <= rank(other)) return by_constant();
    }
    if (rank(0) == rank(1)) return std::nullopt;
    const std::size_t low = rank(0) < rank(1) ? 0 : 1;
    Shape to = shape(low);
    to.insert(to.begin(), shape(1 - low).size() - to.size(), 1);
    std::vector<std::string> inputs = node_.inputs;
    inputs[low] = reshape(inputs[low], to);
    add(node_.type.c_str(), inputs);
    return done();
  }

  /// Repeats a tensor along axes in which only the constant has more than one element.
  Result repeated_pair(std::size_t given, std::size_t other) {
    const Shape& c = shape(given);
    if (constant(other) || c.size() > shape(other).size()) return std::nullopt;
    Shape to = shape(other);
    for (std::size_t i = 0; i < c.size(); ++i) {
      int& extent = to[to.size() - c.size() + i];
      if (extent == 1) extent = c[i];
    }
    if (to == shape(other)) return std::nullopt;
    std::vector<std::string> inputs = node_.inputs;
    inputs[other] = add("Expand", {in(other), list({to.begin(), to.end()})});
    add(node_.type.c_str(), inputs);
    return done();
  }

  /// Rewrites to the maximum of x and slope * x, for slopes up to 1.
  Result prelu() {
    if (!constant(1) || constant(1)->elements() < 2) return std::nullopt;
    const auto steep = [](double slope) { return !(slope <= 1); };
    if (std::ranges::any_of(constant(1)->values, steep)) return std::nullopt;
    add("Max", {in(), add("Mul", {in(), in(1)})});
    return done();
  }

  /// Rewrites to x / (1 + exp(-alpha x)).
  Result swish() {
    const float alpha = node_.real("alpha", 1.0f);
    std::string x = in();
    if (alpha != 1) x = add("Mul", {x, add(DataType::kFloat32, {1}, {double{alpha}})});
    add("Mul", {in(), add("Sigmoid", {x})});
    return done();
  }

  /// Rewrites a constant condition that selects between a tensor and a constant as a clamp from
  /// both sides: to the constant, or to the range of float32 where the tensor is selected.
  Result where() {
    const bool first = has(1) && !constant(1), second = has(2) && !constant(2);
    if (!constant(0) || first == second) return std::nullopt;
    const Shape& to = shape(first ? 1 : 2);
    const Constant& value = *constant(first ? 2 : 1);
    const Indices which = broadcast(constant(0)->shape, to), what = broadcast(value.shape, to);
    constexpr double kMost = std::numeric_limits<float>::max();
    std::vector<double> low, high;
    for (std::size_t i = 0; i < which.size(); ++i) {
      const bool selected = (constant(0)->values[which[i]] != 0) == first;
      const double x = std::clamp(value.values[what[i]], -kMost, kMost);
      low.push_back(selected ? -kMost : x);
      high.push_back(selected ? kMost : x);
    }
    const std::string clamped = add("Min", {in(first ? 1 : 2), add(DataType::kFloat32, to, high)});
    add("Max", {clamped, add(DataType::kFloat32, to, low)});
    return done();
  }

  // --- Matrix products -----------------------------------------------------------------------

  /// Rewrites a constant matrix on the left as one on the right of the transposed tensor.
  Result by_matrix() {
    const Shape& w = shape(0);
    const int axes = rank(1);
    if (w.size() < 2 || axes < 2 || product_of(w, 0, w.size() - 2) != 1) return std::nullopt;
    if (static_cast<int>(w.size()) > axes) return std::nullopt;
    Ints order(static_cast<std::size_t>(axes));
    std::iota(order.begin(), order.end(), 0);
    std::swap(order.back(), order.end()[-2]);
    const std::string matrix = add(reshaped_constant(*constant(0), {w.end()[-2], w.back()}));
    const std::string turned = transpose(matrix, {1, 0});
    transpose(add("MatMul", {transpose(in(1), order), turned}), order);
    return done();
  }

  /// Rewrites operands of different ranks, or of one axis.
  Result matmul() {
    if (constant(0) && !constant(1)) return by_matrix();
    if (constant(0) || constant(1) || rank(0) == rank(1)) {
      if (!constant(1) || rank(1) <= 2 || rank(0) < 2) return std::nullopt;
      const Shape& w = shape(1);  // one matrix after axes of 1
      if (product_of(w, 0, w.size() - 2) != 1) return std::nullopt;
      add("MatMul", {in(), add(reshaped_constant(*constant(1), {w.end()[-2], w.end()[-1]}))});
      return done();
    }
    Shape a = shape(0), b = shape(1);
    const bool row = a.size() == 1, column = b.size() == 1;
    if (row) a.insert(a.begin(), 1);
    if (column) b.push_back(1);
    const std::size_t most = std::max(a.size(), b.size());
    a.insert(a.begin(), most - a.size(), 1);
    b.insert(b.begin(), most - b.size(), 1);
    const std::string y = add("MatMul", {reshape(in(0), a), reshape(in(1), b)});
    Ints dropped;
    if (row) dropped.push_back(static_cast<std::int64_t>(most) - 2);
    if (column) dropped.push_back(static_cast<std::int64_t>(most) - 1);
    if (!dropped.empty()) add("Squeeze", {y}, {{"axes", ints(dropped)}});
    return done();
  }

  /// Rewrites a sum of products of two tensors. Letters of both tensors and of the result come
  /// first, and the letters that are summed are in the middle.
  Result einsum() {
    std::string equation = node_.text("equation", "");
    std::erase(equation, ' ');
    const auto comma = equation.find(','), arrow = equation.find("->");
    if (inputs_.size() != 2 || comma == std::string::npos || arrow == std::string::npos ||
        equation.find('.') != std::string::npos)
      return std::nullopt;
    const std::string a = equation.substr(0, comma),
                      b = equation.substr(comma + 1, arrow - comma - 1),
                      to = equation.substr(arrow + 2);
    if (static_cast<int>(a.size()) != rank(0) || static_cast<int>(b.size()) != rank(1))
      throw_error("equation '{}' does not fit ranks {} and {}", equation, rank(0), rank(1));
    std::map<char, int> extent;
    for (std::size_t i = 0; i < a.size(); ++i) extent[a[i]] = shape(0)[i];
    for (std::size_t i = 0; i < b.size(); ++i) extent[b[i]] = shape(1)[i];
    const auto in_all = [](char c, const std::string& s) { return s.find(c) != s.npos; };
    std::string both, summed, left, right;
    for (const char c : a) (!in_all(c, b) ? left : in_all(c, to) ? both : summed) += c;
    for (const char c : b)
      if (!in_all(c, a)) right += c;
    for (const std::string* all : {&a, &b, &to}) {
      std::string sorted = *all;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
    }
    if (to.size() != both.size() + left.size() + right.size()) return std::nullopt;
    const auto size = [&](const std::string& letters) {
      Shape extents;
      for (const char c : letters) extents.push_back(extent[c]);
      return product_of(extents, 0, extents.size());
    };
    const auto order = [](const std::string& from, const std::string& wanted) {
      Ints result;
      for (const char c : wanted) result.push_back(static_cast<std::int64_t>(from.find(c)));
      return result;
    };
    const std::string x = reshape(transpose(in(0), order(a, both + left + summed)),
                                  {size(both), size(left), size(summed)});
    const std::string y = reshape(transpose(in(1), order(b, both + summed + right)),
                                  {size(both), size(summed), size(right)});
    const std::string made = both + left + right;
    Shape extents;
    for (const char c : made) extents.push_back(extent[c]);
    const std::string z = reshape(add("MatMul", {x, y}), extents);
    if (made != to) transpose(z, order(made, to));
    return done();
  }

  const Node& node_;
  const std::int64_t opset_;
  const std::vector<Operand>& inputs_;
  Form form_;
  int count_ = 0;
};

}  // namespace

std::optional<Form> form_of(const Node& node, std::int64_t opset,
                            const std::vector<Operand>& inputs) {
  return Writer(node, opset, inputs).form();
}

}  // namespace trine::model::onnx_file
