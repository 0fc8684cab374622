// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "sw/base/error.h"
#include "sw/host/tflite/host_form.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/fold.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::model {
namespace {

/// Operands can be shared, so a small file could expand to more operators than fit into memory.
constexpr std::size_t kMaxOps = std::size_t{1} << 18;
constexpr std::int64_t kMostUnfolded = std::int64_t{1} << 28;
constexpr int kMaxCopies = 256;           ///< of a TILE
constexpr std::int64_t kMaxSide = 65535;  ///< blocks, paddings, crops

class Expansion : Rewriter {
 public:
  Expansion(Graph graph, bool host) : Rewriter(std::move(graph)), host_(host) {
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      for (const int t : ops_[i].inputs) ++readers_[t];
      for (const int t : ops_[i].outputs) producer_[t] = i;
    }
    for (const int t : graph_.outputs) ++readers_[t];
  }

  Graph run() {
    find_dilations();
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (folded_.count(i) > 0) continue;
      if (graph_.ops.size() > kMaxOps)
        fail(ops_[i], "the graph expands to more than {} operators", kMaxOps);
      if (const auto fold = folds_.find(i); fold != folds_.end())
        std::ranges::for_each(fold->second, [&](const Op& part) { settle_part(part); });
      else
        settle(ops_[i]);
    }
    if (!faults_.empty()) throw faults_.joined();
    return std::move(graph_);
  }

 private:
  using Values = std::vector<std::int64_t>;

  template <typename... Args>
  [[noreturn]] void fail(const Op& op, fmt::format_string<Args...> text, Args&&... args) const {
    refuse(Reason::kOperands, "{}: {}", label(graph_, op),
           fmt::format(text, std::forward<Args>(args)...));
  }

  /// Writes the operator as operators that check() accepts, or as the host's.
  void settle(const Op& op) {
    const std::size_t ops = graph_.ops.size(), tensors = graph_.tensors.size();
    try {
      expand(op);
    } catch (const Refusal& refusal) {
      graph_.ops.resize(ops);
      graph_.tensors.resize(tensors);
      return give_to_host(op, refusal);
    }
    const std::vector<Op> parts(graph_.ops.begin() + static_cast<std::ptrdiff_t>(ops),
                                graph_.ops.end());
    graph_.ops.resize(ops);
    for (const Op& part : parts) settle_part(part);
  }

  void settle_part(const Op& part) {
    try {
      check_op(graph_, part);
      if (!fold_moved_integers(graph_, part)) graph_.ops.push_back(part);
    } catch (const Refusal& refusal) {
      give_to_host(part, refusal);
    }
  }

  /// Writes the host's form of the operator, or adds the fault and its remedy.
  void give_to_host(Op op, const Refusal& refusal) {
    const std::size_t ops = graph_.ops.size();
    if (op.kind != OpKind::kUnknown) op.name = name_of(op.kind);
    std::string why = refusal.what();
    try {
      if (!host::write_host_form(graph_, op) || host_) return;
      why += " (the host supports it)";
    } catch (const Refusal& unknown) {
      if (refusal.reasons().front() == Reason::kOperator)
        why += fmt::format(" ({})", unknown.what());
    } catch (const Error& error) {
      why += fmt::format(" ({})", error.what());
    }
    graph_.ops.resize(ops);
    faults_.add(Refusal(refusal.reasons(), why));
  }

  void expand(const Op& op) {
    if (op.name == "SLICE") return slice(op);
    if (op.name == "SPLIT") return split(op);
    if (op.name == "SPLIT_V") return split_sizes(op);
    if (op.name == "UNPACK") return unpack(op);
    if (op.name == "PACK") return pack(op);
    if (op.name == "PRELU") return prelu(op);
    if (op.name == "GATHER") return gather(op);
    if (op.name == "REVERSE_V2") return reverse(op);
    if (op.name == "TILE") return tile(op);
    if (op.name == "SPACE_TO_BATCH_ND") return space_to_batch(op);
    if (op.name == "BATCH_TO_SPACE_ND") return batch_to_space(op);
    graph_.ops.push_back(op);
  }

  const Tensor& input(const Op& op, int position) const {
    if (op.input(position) < 0) fail(op, "input {} is absent", position);
    return graph_.in(op, position);
  }

  /// Returns an integer constant of `count` elements.
  Values constant(const Op& op, int position, std::size_t count) const {
    const Tensor& t = input(op, position);
    const bool whole = t.type == DataType::kInt32 || t.type == DataType::kInt64;
    if (!t.is_constant || !whole || t.elements() != static_cast<std::int64_t>(count))
      fail(op, "tensor {} '{}' must be an integer constant of {} elements", op.input(position),
           t.name, count);
    return t.integers();
  }

  std::size_t axis_of(const Op& op, std::int64_t axis, int rank) const {
    if (axis < -rank || axis >= rank) fail(op, "axis {}, allowed {}..{}", axis, -rank, rank - 1);
    return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  }

  /// Returns an operator with the name of the operator that it is a part of.
  static Op part_of(const Op& whole, OpKind kind, std::vector<int> inputs = {},
                    std::vector<int> outputs = {}) {
    Op op = op_of(kind, whole.index, std::move(inputs), std::move(outputs));
    op.name = whole.name;
    return op;
  }

  // ---- slices -----------------------------------------------------------------------------------

  /// Adds a slice of elements begin <= i < end of each axis. @param dropped  axes that the output
  /// lacks, as bits
  void add_slice(const Op& op, int from, int to, const Values& begin, const Values& end,
                 int dropped = 0) {
    Op part = slice_of(op.index, from, begin, end);
    part.outputs = {to};
    part.name = op.name;
    part.shrink_axis_mask = dropped;
    graph_.ops.push_back(std::move(part));
  }

  void slice(const Op& op) {
    const std::vector<int> shape = input(op, 0).shape;
    const Values begin = constant(op, 1, shape.size()), size = constant(op, 2, shape.size());
    Values end;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (begin[i] < 0 || begin[i] > shape[i] || size[i] < -1 || size[i] > shape[i] - begin[i])
        fail(op, "begin {} and size {} exceed axis {} with extent {}", begin[i], size[i], i,
             shape[i]);
      end.push_back(size[i] < 0 ? shape[i] : begin[i] + size[i]);
    }
    add_slice(op, op.inputs[0], op.outputs[0], begin, end);
  }

  /// Adds a slice for each output, one after the other along the axis.
  void cut(const Op& op, int from, std::size_t axis, const Values& sizes, bool dropped = false) {
    const std::vector<int> shape = graph_.tensor(from).shape;
    Values begin(shape.size()), end(shape.begin(), shape.end());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      end[axis] = begin[axis] + sizes[i];
      if (end[axis] > shape[axis] || sizes[i] < 0)
        fail(op, "size {} of output {} is negative or exceeds axis {}", sizes[i], i, axis);
      if (readers_.count(op.outputs[i]) > 0)
        add_slice(op, from, op.outputs[i], begin, end, dropped ? 1 << axis : 0);
      begin[axis] = end[axis];
    }
    if (begin[axis] != shape[axis])
      fail(op, "the outputs contain {} of the {} elements of axis {}, allowed all", begin[axis],
           shape[axis], axis);
  }

  void split(const Op& op) {
    const Tensor& x = input(op, 1);
    const std::size_t axis = axis_of(op, constant(op, 0, 1)[0], x.rank());
    const auto size = x.shape[axis] / static_cast<int>(op.outputs.size());
    cut(op, op.inputs[1], axis, Values(op.outputs.size(), size));
  }

  void split_sizes(const Op& op) {
    const Tensor& x = input(op, 0);
    const std::size_t axis = axis_of(op, constant(op, 2, 1)[0], x.rank());
    Values sizes = constant(op, 1, op.outputs.size());
    std::int64_t rest = x.shape[axis];
    for (const std::int64_t size : sizes) {
      if (size < -1 || size > x.shape[axis])
        fail(op, "size {}, allowed -1..{}", size, x.shape[axis]);
      rest -= std::max<std::int64_t>(size, 0);
    }
    const auto open = std::find(sizes.begin(), sizes.end(), -1);
    if (open != sizes.end()) *open = rest;
    cut(op, op.inputs[0], axis, sizes);
  }

  void unpack(const Op& op) {
    const std::size_t axis = axis_of(op, op.axis, input(op, 0).rank());
    cut(op, op.inputs[0], axis, Values(op.outputs.size(), 1), true);
  }

  // ---- pack -------------------------------------------------------------------------------------

  void pack(const Op& op) {
    Op joined = part_of(op, OpKind::kConcatenation);
    for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i) {
      std::vector<int> shape = input(op, i).shape;
      const std::size_t axis = axis_of(op, op.axis, static_cast<int>(shape.size()) + 1);
      shape.insert(shape.begin() + axis, 1);
      joined.axis = static_cast<int>(axis);
      joined.inputs.push_back(add_like(op.inputs[i], shape));
      graph_.ops.push_back(part_of(op, OpKind::kReshape, {op.inputs[i]}, {joined.inputs.back()}));
    }
    joined.outputs = op.outputs;
    graph_.ops.push_back(std::move(joined));
  }

  // ---- PRELU ------------------------------------------------------------------------------------

  /// Adds the positive part of x and its negative part times alpha; one of them is the zero point.
  void prelu(const Op& op) {
    const Tensor x = input(op, 0);
    const Tensor& out = graph_.out(op);
    input(op, 1);
    if (bytes_of(x.type) != 1 || x.quantization.scale.size() != 1 || out.shape != x.shape) {
      graph_.ops.push_back(op);  // check() refuses it
      return;
    }
    Tensor zero = x;
    zero.shape = {};
    zero.is_constant = true;
    zero.data = {static_cast<std::uint8_t>(x.zero_point() & 0xff)};
    const int from = op.inputs[0], to = op.outputs[0], bound = add(std::move(zero));
    const int negative = add_like(from, x.shape), positive = add_like(to, x.shape),
              scaled = add_like(to, x.shape);
    graph_.ops.push_back(part_of(op, OpKind::kMinimum, {from, bound}, {negative}));
    graph_.ops.push_back(part_of(op, OpKind::kRelu, {from}, {positive}));
    graph_.ops.push_back(part_of(op, OpKind::kMul, {negative, op.inputs[1]}, {scaled}));
    graph_.ops.push_back(part_of(op, OpKind::kAdd, {positive, scaled}, {to}));
  }

  // ---- lists of elements ------------------------------------------------------------------------

  Op gather_of(const Op& op, int from, std::size_t axis, const Values& elements, int to) {
    Op part = part_of(op, OpKind::kGather, {from, add_integers(elements)}, {to});
    part.axis = static_cast<int>(axis);
    return part;
  }

  void gather(const Op& op) {
    if (const auto found = op.numbers.find("batch_dims");
        found != op.numbers.end() && found->second.at(0) != 0)
      fail(op, "batch_dims {}, allowed 0", found->second[0]);
    const std::vector<int> shape = input(op, 0).shape;
    const Tensor& list = input(op, 1);
    const Values elements = constant(op, 1, static_cast<std::size_t>(list.elements()));
    const std::size_t axis = axis_of(op, op.axis, static_cast<int>(shape.size()));
    if (list.rank() == 1) {
      graph_.ops.push_back(gather_of(op, op.inputs[0], axis, elements, op.outputs[0]));
      return;
    }
    std::vector<int> flat = shape;
    flat[axis] = static_cast<int>(elements.size());
    const int t = add_like(op.outputs[0], flat);
    graph_.ops.push_back(gather_of(op, op.inputs[0], axis, elements, t));
    graph_.ops.push_back(part_of(op, OpKind::kReshape, {t}, op.outputs));
  }

  void reverse(const Op& op) {
    const std::vector<int> shape = input(op, 0).shape;
    const Values axes = constant(op, 1, static_cast<std::size_t>(input(op, 1).elements()));
    int from = op.inputs[0];
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::size_t axis = axis_of(op, axes[i], static_cast<int>(shape.size()));
      Values elements(static_cast<std::size_t>(shape[axis]));
      std::iota(elements.rbegin(), elements.rend(), 0);
      const int to = i + 1 == axes.size() ? op.outputs[0] : add_like(op.outputs[0], shape);
      graph_.ops.push_back(gather_of(op, from, axis, elements, to));
      from = to;
    }
    if (axes.empty()) fail(op, "names no axis to reverse");
  }

  /// Broadcasts axes of one element, and joins other axes with themselves.
  void tile(const Op& op) {
    std::vector<int> shape = input(op, 0).shape;
    const std::vector<int> wanted = graph_.out(op).shape;
    if (shape.size() != wanted.size()) fail(op, "the output's rank differs from the input's");
    std::vector<Op> parts;
    const auto add_part = [&](OpKind kind, std::size_t copies) {
      const int from = parts.empty() ? op.inputs[0] : parts.back().outputs[0];
      parts.push_back(
          part_of(op, kind, std::vector<int>(copies, from), {add_like(op.outputs[0], shape)}));
    };
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (shape[axis] == 1) shape[axis] = wanted[axis];
    if (shape != input(op, 0).shape) add_part(OpKind::kBroadcastTo, 1);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (shape[axis] == wanted[axis]) continue;
      if (shape[axis] < 1 || wanted[axis] % shape[axis] != 0)
        fail(op, "axis {} has {} elements, but the output has {}, allowed multiples", axis,
             shape[axis], wanted[axis]);
      const int copies = wanted[axis] / shape[axis];
      if (copies > kMaxCopies) fail(op, "{} copies, allowed {}", copies, kMaxCopies);
      shape[axis] = wanted[axis];
      add_part(OpKind::kConcatenation, static_cast<std::size_t>(copies));
      parts.back().axis = static_cast<int>(axis);
    }
    if (parts.empty()) add_part(OpKind::kReshape, 1);
    parts.back().outputs = op.outputs;
    graph_.ops.insert(graph_.ops.end(), parts.begin(), parts.end());
  }

  // ---- blocks of a batch
  // -------------------------------------------------------------------------

  int add_part(const Op& op, OpKind kind, std::vector<int> inputs, std::vector<int> shape) {
    const int to = add_like(inputs[0], std::move(shape));
    graph_.ops.push_back(part_of(op, kind, std::move(inputs), {to}));
    return to;
  }

  /// Splits axes into positions in a block and blocks, reorders them, and joins them again.
  void reorder(const Op& op, int from, const std::vector<int>& divided,
               const std::vector<int>& order, int to) {
    from = add_part(op, OpKind::kReshape, {from}, divided);
    std::vector<int> shape;
    for (const int axis : order) shape.push_back(divided[at(axis)]);
    from = add_part(op, OpKind::kTranspose, {from, add_integers(order)}, shape);
    graph_.ops.push_back(part_of(op, OpKind::kReshape, {from}, {to}));
  }

  /// Returns the blocks of the axes after the first, each with its two sides.
  std::pair<Values, Values> blocks_of(const Op& op) const {
    const auto count = static_cast<std::size_t>(input(op, 1).elements());
    const Values block = constant(op, 1, count), sides = constant(op, 2, 2 * count);
    if (input(op, 0).shape.size() <= count)
      fail(op, "blocks along {} axes, allowed fewer than the input's axes", count);
    for (const std::int64_t b : block)
      if (b < 1 || b > kMaxSide) fail(op, "block {}, allowed 1..{}", b, kMaxSide);
    for (const std::int64_t side : sides)
      if (side < 0 || side > kMaxSide)
        fail(op, "padding or crop {}, allowed 0..{}", side, kMaxSide);
    return {block, sides};
  }

  void space_to_batch(const Op& op) {
    const auto [block, sides] = blocks_of(op);
    std::vector<int> shape = input(op, 0).shape;
    Values pads(2 * shape.size());
    std::ranges::copy(sides, pads.begin() + 2);
    for (std::size_t i = 0; i < pads.size(); ++i) shape[i / 2] += static_cast<int>(pads[i]);
    int from = op.inputs[0];
    if (shape != input(op, 0).shape)
      from = add_part(op, OpKind::kPad,
                      {from, add_integers(pads, {static_cast<int>(shape.size()), 2})}, shape);
    std::vector<int> divided{shape[0]}, order, blocks{0};
    for (std::size_t i = 1; i < shape.size(); ++i) {
      const int b = i <= block.size() ? static_cast<int>(block[i - 1]) : 1;
      if (shape[i] % b != 0)
        fail(op, "axis {} has {} elements, allowed multiples of the block, {}", i, shape[i], b);
      blocks.push_back(static_cast<int>(divided.size()));
      divided.push_back(shape[i] / b);
      if (i > block.size()) continue;
      order.push_back(static_cast<int>(divided.size()));
      divided.push_back(b);
    }
    order.insert(order.end(), blocks.begin(), blocks.end());
    reorder(op, from, divided, order, op.outputs[0]);
  }

  void batch_to_space(const Op& op) {
    const auto [block, sides] = blocks_of(op);
    std::vector<int> shape = input(op, 0).shape, divided, order;
    const int count = static_cast<int>(block.size());
    for (const std::int64_t b : block) {
      if (shape[0] % b != 0)
        fail(op, "a batch of {}, allowed multiples of the block, {}", shape[0], b);
      shape[0] /= static_cast<int>(b);
      divided.push_back(static_cast<int>(b));
    }
    divided.insert(divided.end(), shape.begin(), shape.end());
    order.push_back(count);
    Values begin(shape.size()), end;
    for (int i = 1; i < static_cast<int>(shape.size()); ++i) {
      order.push_back(count + i);
      if (i > count) continue;
      order.push_back(i - 1);
      shape[at(i)] *= static_cast<int>(block[at(i - 1)]);
      begin[at(i)] = sides[at(2 * i - 2)];
    }
    for (std::size_t i = 0; i < shape.size(); ++i)
      end.push_back(shape[i] - (i > 0 && i <= block.size() ? sides[2 * i - 1] : 0));
    const bool crops = std::ranges::any_of(sides, [](std::int64_t side) { return side != 0; });
    const int to = crops ? add_like(op.outputs[0], shape) : op.outputs[0];
    reorder(op, op.inputs[0], divided, order, to);
    if (crops) add_slice(op, to, op.outputs[0], begin, end);
  }

  // ---- dilations --------------------------------------------------------------------------------

  /// Returns the only operator that writes the input of `op`, if no other operator reads that
  /// input.
  std::optional<std::size_t> before(const Op& op) const {
    const int from = op.input(0);
    if (from < 0 || readers_.at(from) != 1) return std::nullopt;
    const auto producer = producer_.find(from);
    if (producer == producer_.end() || ops_[producer->second].outputs.size() != 1)
      return std::nullopt;
    return producer->second;
  }

  void find_dilations() {
    for (std::size_t end = 0; end < ops_.size(); ++end) {
      if (ops_[end].name != "BATCH_TO_SPACE_ND") continue;
      const auto product = before(ops_[end]);
      if (!product || (ops_[*product].kind != OpKind::kConv2D &&
                       ops_[*product].kind != OpKind::kDepthwiseConv2D))
        continue;
      const auto begin = before(ops_[*product]);
      if (!begin || ops_[*begin].name != "SPACE_TO_BATCH_ND") continue;
      fold(ops_[*begin], ops_[*product], ops_[end], end);
      if (folds_.count(end) > 0) folded_.insert({*begin, *product});
    }
  }

  /// Folds blocks into a dilation. Pixels of the image are `block` apart in a batch, so the result
  /// is a convolution with that dilation over the padded image. Crops reduce the outputs or the
  /// borders.
  void fold(const Op& begin, const Op& product, const Op& end, std::size_t place) {
    const Tensor &x = input(begin, 0), &batches = graph_.in(product, 0),
                 &sums = graph_.out(product);
    const Tensor& out = graph_.out(end);
    const bool alike = sums.has_scale_of(out);
    const bool plain = product.stride_h == 1 && product.stride_w == 1 && product.dilation_h == 1 &&
                       product.dilation_w == 1;
    if (!alike || !plain || x.rank() != 4 || batches.rank() != 4 || input(product, 1).rank() != 4 ||
        out.rank() != 4)
      return;
    const Values block = constant(begin, 1, 2), pads = constant(begin, 2, 4),
                 crops = constant(end, 2, 4);
    if (block != constant(end, 1, 2)) return;
    const Window w = window(graph_, product);
    const std::int64_t border[] = {w.pad_top, w.pad_bottom, w.pad_left, w.pad_right};
    Values sides(8);
    std::vector<int> padded = x.shape;
    std::int64_t elements = x.extent(0) * std::int64_t{x.extent(3)};
    for (std::size_t i = 0; i < 4; ++i) {
      if (block[i / 2] < 1 || block[i / 2] > kMaxSide || pads[i] < 0 || pads[i] > kMaxSide ||
          crops[i] < 0 || crops[i] > kMaxSide || border[i] > kMaxSide)
        return;
      sides[2 + i] = pads[i] + border[i] * block[i / 2] - crops[i];
      if (sides[2 + i] < 0 || sides[2 + i] > kMaxSide) return;
      padded[1 + i / 2] += static_cast<int>(sides[2 + i]);
    }
    for (const int extent : {padded[1], padded[2]}) {
      if (extent > kMostUnfolded / std::max<std::int64_t>(elements, 1)) return;
      elements *= extent;
    }
    Op dilated = product;
    dilated.padding = Padding::kValid;
    dilated.dilation_h = static_cast<int>(block[0]);
    dilated.dilation_w = static_cast<int>(block[1]);
    dilated.outputs = end.outputs;
    if (padded != x.shape) {
      const int paddings = add_integers(sides, {4, 2});
      dilated.inputs[0] = add_like(begin.outputs[0], padded);
      folds_[place] = {
          part_of(begin, OpKind::kPad, {begin.inputs[0], paddings}, {dilated.inputs[0]}),
          std::move(dilated)};
    } else {
      dilated.inputs[0] = begin.inputs[0];
      folds_[place] = {std::move(dilated)};
    }
  }

  bool host_;
  Faults faults_;
  std::map<int, int> readers_;  ///< operands, graph outputs
  std::map<int, std::size_t> producer_;
  std::map<std::size_t, std::vector<Op>> folds_;  ///< operators that replace a BATCH_TO_SPACE_ND
  std::set<std::size_t> folded_;                  ///< operators that are replaced with it
};

/// Replaces shapes that the file computes by the known shapes of the operators' outputs.
class SettledShapes : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    bool settled = false;
    for (Op& op : ops_) settled = settle(op) || settled;
    // Operators that computed the shapes are no longer read.
    std::set<int> read(graph_.outputs.begin(), graph_.outputs.end());
    for (std::size_t i = ops_.size(); settled && i-- > 0;) {
      const Op& op = ops_[i];
      const bool needed = std::ranges::any_of(op.outputs, [&](int t) {
        const DataType type = graph_.tensor(t).type;
        return read.count(t) > 0 || (type != DataType::kInt32 && type != DataType::kInt64);
      });
      if (needed)
        read.insert(op.inputs.begin(), op.inputs.end());
      else
        ops_.erase(ops_.begin() + i);
    }
    graph_.ops = std::move(ops_);
    return std::move(graph_);
  }

 private:
  bool settle(Op& op) {
    const std::vector<int> shape = graph_.out(op).shape;
    const int position = op.kind == OpKind::kTransposeConv ? 0 : 1;
    const bool resize =
        op.kind == OpKind::kResizeBilinear || op.kind == OpKind::kResizeNearestNeighbor;
    const bool computed = op.input(position) >= 0 && !graph_.in(op, position).is_constant;
    if (!computed || (resize && shape.size() != 4)) return false;
    if (resize)
      op.inputs[1] = add_integers(std::vector<int>{shape[1], shape[2]});
    else if (op.kind == OpKind::kTransposeConv)
      op.inputs[0] = add_integers(shape);
    else if (op.kind == OpKind::kReshape || op.kind == OpKind::kBroadcastTo || op.name == "TILE")
      op.inputs.resize(1);
    else
      return false;
    return true;
  }
};

}  // namespace

Graph expanded(Graph graph, bool host) {
  return Expansion(SettledShapes(std::move(graph)).run(), host).run();
}

}  // namespace trine::model
