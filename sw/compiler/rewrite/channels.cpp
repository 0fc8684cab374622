// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/rewrite/channels.h"

#include <algorithm>

#include "sw/base/index.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpClass;
using model::OpKind;
using model::Tensor;

bool has_codes(const Tensor& t) {
  const bool whole =
      t.type == DataType::kInt8 || t.type == DataType::kUInt8 || t.type == DataType::kInt32;
  return whole && t.rank() > 0 && t.elements() > 0;
}

/// Finds the roles of one operator's channels.
class Reader {
 public:
  Reader(const Graph& graph, const Op& op) : graph_(graph), op_(op) {}

  Channels read() {
    if (!plain()) return {};
    switch (model::class_of(op_.kind)) {
      case OpClass::kProduct:
        product();
        break;
      case OpClass::kWindow:
      case OpClass::kFunction:
      case OpClass::kRequantization:
        each(0);
        break;
      case OpClass::kReduction:
        reduction();
        break;
      case OpClass::kReshape:
        reshape();
        break;
      case OpClass::kPair:
        pair();
        break;
      default:
        movement();
        break;
    }
    return result_;
  }

 private:
  /// Returns true if the operator has one output, and all its tensors hold codes.
  bool plain() const {
    if (op_.outputs.size() != 1 || op_.inputs.empty() || !has_codes(out())) return false;
    return std::ranges::all_of(op_.inputs, [&](int t) {
      return t < 0 || graph_.tensor(t).is_constant || has_codes(graph_.tensor(t));
    });
  }

  const Tensor& in(int position) const { return graph_.in(op_, position); }
  const Tensor& out() const { return graph_.out(op_); }
  int channels() const { return out().extent(-1); }
  bool constant(int position) const { return op_.input(position) < 0 || in(position).is_constant; }

  void known() { result_.kind = Channels::Kind::kEach; }

  /// Ties each channel of the operand to the same channel of the output.
  void each(int position) {
    if (constant(position) || in(position).extent(-1) != channels()) return;
    known();
    for (int c = 0; c < channels(); ++c) result_.ties.push_back({position, c, c});
  }

  void product() {
    if (constant(0) || !constant(1) || !constant(2)) return;
    // With factors, groups consist of neighbouring channels.
    if (op_.kind == OpKind::kFullyConnected && op_.input(3) >= 0) return;
    const bool depthwise = op_.kind == OpKind::kDepthwiseConv2D;
    if (depthwise) {
      each(0);
    } else {
      const bool divides = in(1).extent(-1) % in(0).extent(-1) == 0;
      const bool grouped = op_.kind == OpKind::kConv2D && model::groups(graph_, op_) != 1;
      if (!divides || grouped) return;
      result_.kind = Channels::Kind::kProduct;
      result_.cuts = {{1, in(1).rank() - 1, true}};
    }
    result_.cuts.push_back({1, depthwise ? 3 : 0});
    if (op_.input(2) >= 0) result_.cuts.push_back({2, 0});
  }

  void reduction() {
    const auto reduced = model::reduced_axes(graph_, op_);
    if (reduced && !reduced->empty() && !reduced->back()) each(0);
  }

  /// Ties the channels of a reshape, which does not move elements: their index modulo both last
  /// extents stays the same.
  void reshape() {
    if (constant(0)) return;
    const int from = in(0).extent(-1), to = channels();
    if (std::max(from, to) % std::min(from, to) != 0) return;
    known();
    for (int i = 0; i < std::max(from, to); ++i) result_.ties.push_back({0, i % from, i % to});
  }

  void pair() {
    for (int position = 0; position < 2; ++position) {
      const Tensor& operand = in(position);
      const bool alone = operand.rank() == 0 || operand.extent(-1) != channels();
      if (!operand.is_constant && alone)
        result_.whole.push_back(position);
      else if (!operand.is_constant)
        each(position);
      else if (!alone && channels() > 1)
        result_.cuts.push_back({position, operand.rank() - 1});
    }
  }

  void movement() {
    switch (op_.kind) {
      case OpKind::kConcatenation:
        concatenation();
        break;
      case OpKind::kStridedSlice:
        slice();
        break;
      case OpKind::kThreshold:
        if (!constant(1)) return;
        each(0);
        if (in(1).extent(0) > 1) result_.cuts = {{1, 0}};
        break;
      case OpKind::kPad:
      case OpKind::kPadV2:
      case OpKind::kMirrorPad:
        each(0);
        break;
      case OpKind::kTranspose: {
        const auto order = model::permutation(graph_, op_);
        if (order && order->back() == in(0).rank() - 1) each(0);
        break;
      }
      default:
        break;
    }
  }

  void concatenation() {
    const int axis = op_.axis < 0 ? op_.axis + out().rank() : op_.axis;
    const bool beside = axis == out().rank() - 1;
    for (int i = 0; i < static_cast<int>(op_.inputs.size()); ++i)
      if (constant(i)) return;
    known();
    int first = 0;
    for (int i = 0; i < static_cast<int>(op_.inputs.size()); ++i) {
      for (int c = 0; c < in(i).extent(-1); ++c) result_.ties.push_back({i, c, first + c});
      if (beside) first += in(i).extent(-1);
    }
  }

  void slice() {
    if (constant(0) || op_.shrink_axis_mask != 0 || op_.new_axis_mask != 0 ||
        op_.ellipsis_mask != 0)
      return;
    const auto slices = model::slices(graph_, op_);
    if (static_cast<int>(slices.size()) != in(0).rank() || slices.back().stride != 1) return;
    known();
    for (int c = 0; c < channels(); ++c)
      result_.ties.push_back({0, static_cast<int>(slices.back().begin) + c, c});
  }

  const Graph& graph_;
  const Op& op_;
  Channels result_;
};

/// Returns true if index i stays along an axis that holds the channels once or several times, that
/// is, if its channel stays.
bool stays(const std::vector<bool>& kept, int i) { return kept[at(i) % kept.size()]; }

Tensor cut(const Tensor& from, int axis, const std::vector<bool>& kept) {
  Tensor t = from;
  t.data.edit().clear();
  const int extent = from.extent(axis);
  std::size_t inner = at(model::bytes_of(from.type));
  for (int a = axis + 1; a < from.rank(); ++a) inner *= at(from.extent(a));
  for (std::size_t i = 0, begin = 0; begin < from.data.size(); ++i, begin += inner) {
    if (!stays(kept, static_cast<int>(i % at(extent)))) continue;
    const auto first = from.data.begin() + static_cast<std::ptrdiff_t>(begin);
    t.data.edit().insert(t.data.end(), first, first + static_cast<std::ptrdiff_t>(inner));
  }
  int left = 0;
  for (int i = 0; i < extent; ++i) left += stays(kept, i) ? 1 : 0;
  t.shape[at(axis)] = left;
  if (!from.quantization.per_channel() || from.quantization.axis != axis) return t;
  t.quantization.scale.clear();
  t.quantization.zero_point.clear();
  for (int i = 0; i < extent; ++i) {
    if (!stays(kept, i)) continue;
    t.quantization.scale.push_back(from.quantization.scale[at(i)]);
    t.quantization.zero_point.push_back(from.quantization.zero_point[at(i)]);
  }
  return t;
}

/// Replaces the last entry of a STRIDED_SLICE's operand.
int with_last(Graph& graph, int tensor, std::int64_t value) {
  Tensor t = graph.tensor(tensor);
  const std::size_t bytes = at(model::bytes_of(t.type));
  for (std::size_t i = 0; i < bytes; ++i)
    t.data.edit()[t.data.size() - bytes + i] = static_cast<std::uint8_t>(value >> (8 * i));
  return graph.add(std::move(t));
}

void slice_kept(Graph& graph, Op& op, const std::vector<bool>& kept) {
  const model::Slice last = model::slices(graph, op).back();
  const auto begin = kept.begin() + static_cast<std::ptrdiff_t>(last.begin);
  const auto before = std::count(kept.begin(), begin, true);
  const auto size = std::count(begin, begin + static_cast<std::ptrdiff_t>(last.size), true);
  const int bit = 1 << (graph.in(op, 0).rank() - 1);
  op.begin_mask &= ~bit;
  op.end_mask &= ~bit;
  op.inputs[1] = with_last(graph, op.inputs[1], before);
  op.inputs[2] = with_last(graph, op.inputs[2], before + size);
}

}  // namespace

Channels channels_of(const Graph& graph, const Op& op) { return Reader(graph, op).read(); }

void cut_shape(Tensor& tensor, const std::vector<bool>& kept) {
  tensor.shape.back() = static_cast<int>(std::ranges::count(kept, true));
}

/// Removes the scales of removed channels, if there is a scale for each.
void cut_scales(Op& op, const std::vector<bool>& kept) {
  if (!model::is_product(op.kind)) return;
  for (const char* name : {model::tosa::kMultiplier, model::tosa::kShift}) {
    const auto found = op.numbers.find(name);
    if (found == op.numbers.end() || found->second.size() != kept.size()) continue;
    std::vector<double> left;
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (kept[i]) left.push_back(found->second[i]);
    found->second = std::move(left);
  }
}

Op on_channels(Graph& graph, Op op, const Kept& kept) {
  const Channels channels = channels_of(graph, op);
  const auto in = kept.find(op.input(0)), out = kept.find(op.outputs[0]);
  for (const Cut& c : channels.cuts) {
    const auto which = c.by_input ? in : out;
    if (which == kept.end()) continue;
    op.inputs[at(c.position)] = graph.add(cut(graph.in(op, c.position), c.axis, which->second));
  }
  if (op.of_tosa != 0 && out != kept.end()) cut_scales(op, out->second);
  if (op.kind == OpKind::kStridedSlice && in != kept.end()) slice_kept(graph, op, in->second);
  if (model::is_reshape(op.kind) && out != kept.end()) {  // the output's shape decides
    op.kind = OpKind::kReshape;
    op.inputs.resize(1);
    op.new_shape.clear();
  }
  return op;
}

std::vector<bool> zero_filters(const Graph& graph, const Op& op) {
  if (op.kind != OpKind::kDepthwiseConv2D || !graph.in(op, 1).is_constant) return {};
  const Tensor& w = graph.in(op, 1);
  const auto channels = at(w.extent(-1));
  const std::vector<std::int64_t> weights = w.integers();
  std::vector<bool> zero(channels, true);
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] != w.zero_point(static_cast<int>(i % channels))) zero[i % channels] = false;
  return zero;
}

namespace {

template <typename T>
void add_weights(const Tensor& w, const std::vector<T>& weights, Product& p) {
  const std::size_t taps = weights.size() / p.sums.size();
  auto weight = weights.begin();
  for (int m = 0; m < p.outputs; ++m) {
    const int zero = w.zero_point(m);
    for (std::size_t tap = 0; tap < taps; ++tap)
      for (std::size_t place = p.index(m, 0); place < p.index(m + 1, 0); ++place) {
        const auto value = static_cast<std::int32_t>(*weight++) - zero;
        p.sums[place] += value;
        if (value != 0) p.used[place] = true;
      }
  }
}

}  // namespace

Product product_of(const Graph& graph, const Op& op) {
  const Tensor &x = graph.in(op, 0), &w = graph.in(op, 1);
  Product p;
  p.outputs = w.extent(0);
  p.inputs = x.extent(-1);
  p.used.assign(p.index(p.outputs, 0), false);
  p.sums.assign(p.index(p.outputs, 0), 0);
  p.bias =
      op.input(2) >= 0 ? graph.in(op, 2).integers() : std::vector<std::int64_t>(at(p.outputs), 0);
  if (w.type == model::DataType::kInt8)
    add_weights(w, w.values<std::int8_t>(), p);
  else
    add_weights(w, w.integers(), p);
  if (op.kind == OpKind::kConv2D) {
    const model::Window v = model::window(graph, op);
    p.bordered = v.pad_top + v.pad_bottom + v.pad_left + v.pad_right > 0;
  }
  return p;
}

}  // namespace trine::compiler
