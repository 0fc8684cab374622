// SPDX-License-Identifier: Apache-2.0
//
// Splits batches, because the machine computes one image at a time. Operators that do not mix the
// images of a batch become one operator for each image. Tensors are cut and joined along axis 0
// only where other operators read or write them, on the host at the graph's ends. FULLY_CONNECTED
// reads the rows of all images at once, as pixels of one map: each row is a lane, and weights are
// loaded once.
//
// Between two joins, any order of images and operators is right: order_of_images() chooses it.

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "sw/base/division.h"
#include "sw/base/index.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

/// The operators between two joins, in order, for each image.
class Steps {
 public:
  void add(std::vector<std::vector<Op>> of_images) { steps_.push_back(std::move(of_images)); }
  int images() const { return steps_.empty() ? 0 : static_cast<int>(steps_[0].size()); }

  /// Appends all steps to `ops` and clears them.
  /// @param last  true if no later operator reads their results
  void write(const Graph& graph, BatchRoom room, bool last, std::vector<Op>& ops) {
    if (steps_.empty()) return;
    set_sizes(graph, room, last);
    for (const auto& [step, image] : order_of_images(sizes_, images(), room))
      std::ranges::move(steps_[at(step)][at(image)], std::back_inserter(ops));
    steps_.clear();
  }

 private:
  static std::int64_t words_of(const Tensor& t) {
    return t.rank() == 0
               ? 1
               : t.elements() / std::max(1, t.extent(-1)) * divide_up(t.extent(-1), kWord);
  }

  /// Sets the share of each tensor's pixels that is needed. Readers of one tap skip the pixels
  /// between their strides (transform, thin()).
  void set_shares(const Graph& graph) {
    shares_.clear();
    const auto pixels = [&](int t) {
      const Tensor& tensor = graph.tensor(t);
      return static_cast<double>(tensor.elements()) / std::max(1, tensor.extent(-1));
    };
    for (std::size_t s = steps_.size(); s-- > 0;)
      for (const Op& op : steps_[s][0]) {
        const auto known = shares_.find(op.outputs[0]);
        const double of_output = known == shares_.end() ? 1 : known->second;
        const bool takes_one = op.kind == OpKind::kConv2D && graph.in(op, 1).extent(1) == 1 &&
                               graph.in(op, 1).extent(2) == 1;
        const bool as_output = takes_one || model::is_binary(op.kind);
        for (const int t : op.inputs) {
          if (t < 0 || graph.tensor(t).is_constant) continue;
          const double needed =
              as_output ? of_output * std::min(1.0, pixels(op.outputs[0]) / pixels(t)) : 1;
          double& share = shares_.try_emplace(t, 0).first->second;
          share = std::max(share, needed);
        }
      }
  }
  std::int64_t needed_words(const Graph& graph, int t) const {
    const auto share = shares_.find(t);
    const auto words = static_cast<double>(words_of(graph.tensor(t)));
    return static_cast<std::int64_t>(share == shares_.end() ? words : words * share->second);
  }

  /// Returns true if images go together through the operator's chunks of weights although its maps
  /// do not fit. The saved bytes must exceed the bytes that the maps then move through DRAM.
  static bool goes_by_chunks(const Graph& graph, const Op& op, const BatchRoom& room) {
    constexpr int kGain = 6;  // half of the weights, three times a map
    if (op.kind != OpKind::kConv2D || !graph.in(op, 1).is_constant) return false;
    const auto weights = static_cast<std::int64_t>(graph.in(op, 1).data.size());
    return room.weight_bytes > 0 && weights > room.weight_bytes &&
           weights >= kGain * 4 * words_of(graph.in(op, 0));
  }

  /// Returns true if the tensor is a product that the next operator adds, because both are one
  /// layer.
  bool is_summed_at_once(int t, int producer, int reader) const {
    if (reader != producer + 1 || reader >= static_cast<int>(steps_.size())) return false;
    const std::vector<Op>&made = steps_[at(producer)][0], &read = steps_[at(reader)][0];
    return made.size() == 1 && read.size() == 1 && made[0].kind == OpKind::kConv2D &&
           made[0].outputs[0] == t && read[0].kind == OpKind::kAdd;
  }

  /// Sets the sizes of the steps. Maps without a reader so far are kept to the end if a later
  /// operator may read them.
  void set_sizes(const Graph& graph, const BatchRoom& room, bool last) {
    set_shares(graph);
    const int count = static_cast<int>(steps_.size());
    std::map<int, int> same;  // by reshaped tensor: its source
    std::map<int, std::pair<int, int>> life;
    const auto root = [&](int t) { return same.contains(t) ? same.at(t) : t; };
    const auto use = [&](int t, int step) {
      if (t < 0 || graph.tensor(t).is_constant) return;
      const auto [found, is_new] = life.try_emplace(root(t), step, step);
      if (!is_new) found->second.second = std::max(found->second.second, step);
    };
    std::set<int> unread;
    for (int s = 0; s < count; ++s)
      for (const Op& op : steps_[at(s)][0]) {
        if (model::is_reshape(op.kind)) same[op.outputs[0]] = root(op.input(0));
        for (const int t : op.inputs) {
          use(t, s);
          unread.erase(t);
        }
        use(op.outputs[0], s);
        unread.insert(op.outputs[0]);
      }
    for (const int t : unread)
      if (!last) use(t, count);
    sizes_.assign(at(count), {});
    for (int s = 0; s < count; ++s)
      for (const Op& op : steps_[at(s)][0])
        for (const int t : op.inputs)
          if (t >= 0)
            sizes_[at(s)].weight_bytes += static_cast<std::int64_t>(graph.tensor(t).data.size());
    std::set<int> in_dram;
    for (int s = 0; s < count; ++s)
      for (const Op& op : steps_[at(s)][0]) {
        if (!goes_by_chunks(graph, op, room)) continue;
        const int groups = graph.in(op, 0).extent(-1) / graph.in(op, 1).extent(-1);
        sizes_[at(s)].of_each += words_of(graph.in(op, 0)) / std::max(1, groups);
        in_dram.insert({root(op.input(0)), op.outputs[0]});
      }
    for (const auto& [t, steps] : life) {
      const std::int64_t words = needed_words(graph, t);
      if (in_dram.contains(t) || (room.weight_bytes > 0 && words > room.words)) continue;
      if (is_summed_at_once(t, steps.first, steps.second)) continue;
      for (int s = steps.first; s <= std::min(steps.second, count - 1); ++s)
        sizes_[at(s)].words += words;
      for (int s = steps.first; s < steps.second; ++s) sizes_[at(s)].waiting += words;
    }
    for (int s = 0; s < count; ++s)
      for (const Op& op : steps_[at(s)][0]) {
        const auto ends = [&](int t) {
          return t >= 0 && life.contains(root(t)) && life.at(root(t)).second == s &&
                 words_of(graph.tensor(t)) == words_of(graph.out(op));
        };
        if (model::is_binary(op.kind) && std::ranges::any_of(op.inputs, ends))
          sizes_[at(s)].words -=
              needed_words(graph, op.outputs[0]);  // stored in the operand's words
      }
  }

  std::vector<std::vector<std::vector<Op>>> steps_;  ///< [step][image]
  std::map<int, double> shares_;                     ///< share of a tensor's pixels that is needed
  std::vector<StepSize> sizes_;
};

class SingleImages : Rewriter {
 public:
  SingleImages(Graph graph, BatchRoom room) : Rewriter(std::move(graph)), room_(room) {}

  Graph run() {
    for (const Op& op : ops_) {
      const int parts = parts_of(op);
      if (parts > 1 && reads_rows(op, parts))
        write_rows(op);
      else if (lays_out(op) || (op.on_host && model::is_reshape(op.kind)))
        write_whole(op);
      else if (parts > 1 && keeps_separate(op, parts))
        write_each(op, parts);
      else if (const auto image = image_cut(op))
        write_image(op, *image);
      else if (joins_images(op))
        images_[op.outputs[0]] = op.inputs;
      else if (model::is_reshape(op.kind) && is_batch(op.outputs[0]) && !is_batch(op.input(0)))
        write_images(op, parts);
      else
        write_whole(op);
    }
    finish_steps(true);
    for (const int t : graph_.outputs)
      if (images_.contains(t)) join_images(t);
    drop_unread();
    return std::move(graph_);
  }

 private:
  bool computed(int t) const { return t >= 0 && !graph_.tensor(t).is_constant; }
  bool is_batch(int t) const {
    return computed(t) && graph_.tensor(t).rank() == 4 && graph_.tensor(t).shape[0] > 1;
  }

  /// Returns the number of parts into which the operator is divided: its batch, or the batch of its
  /// operands.
  int parts_of(const Op& op) const {
    for (const auto* tensors : {&op.inputs, &op.outputs})
      for (const int t : *tensors)
        if (is_batch(t)) return graph_.tensor(t).shape[0];
    for (const int t : op.inputs)
      if (images_.contains(t)) return static_cast<int>(images_.at(t).size());
    return 1;
  }

  bool divides(int t, int parts) const {
    const Tensor& tensor = graph_.tensor(t);
    return tensor.rank() > 0 && tensor.shape[0] % parts == 0 &&
           (!images_.contains(t) || static_cast<int>(images_.at(t).size()) == parts);
  }

  /// Returns true for an operand that all images read, which has no batch or is not a map.
  bool is_shared(const Op& op, int position) const {
    const Tensor& t = graph_.in(op, position);
    if (op.kind == OpKind::kBatchMatMul && graph_.out(op).rank() == 2) return position == 1;
    if (model::is_elementwise(op) || op.kind == OpKind::kBroadcastTo ||
        op.kind == OpKind::kBatchMatMul)
      return t.rank() < graph_.out(op).rank() || t.shape[0] == 1;
    if (op.kind == OpKind::kConcatenation || model::is_state(op, position)) return false;
    return position != model::position_of_images(op);
  }

  /// Returns true if each part of the output along axis 0 depends only on the same part of the
  /// operands.
  bool keeps_separate(const Op& op, int parts) const {
    if (!model::keeps_images_separate(graph_, op) || !divides(op.outputs[0], parts)) return false;
    for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i)
      if (op.input(i) >= 0 && !is_shared(op, i) && !divides(op.input(i), parts)) return false;
    return true;
  }

  /// Returns true if the operator makes rows of an input for FULLY_CONNECTED. The host then lays
  /// the input out as rows.
  bool lays_out(const Op& op) const {
    if (!model::is_reshape(op.kind) || !is_input(op.input(0)) || graph_.out(op).rank() == 4)
      return false;
    const auto is_output = [&](int t) { return std::ranges::count(graph_.outputs, t) > 0; };
    int readers = 0;
    for (const Op& other : ops_)
      for (const int t : other.inputs) {
        if (t == op.input(0)) ++readers;
        if (t == op.outputs[0] && other.kind != OpKind::kFullyConnected) return false;
      }
    return readers == 1 && !is_output(op.input(0)) && !is_output(op.outputs[0]);
  }

  /// Returns true for a FULLY_CONNECTED that reads a row of each image.
  bool reads_rows(const Op& op, int parts) const {
    return op.kind == OpKind::kFullyConnected && images_.contains(op.input(0)) &&
           graph_.in(op, 1).is_constant && graph_.out(op).rank() == 2 &&
           graph_.out(op).shape[0] == parts && divides(op.input(0), parts);
  }

  /// Joins the images that were flattened to rows: consecutive rows of pixels.
  void write_rows(Op op) {
    std::vector<int> images = images_.at(op.input(0));
    for (int& image : images)
      if (const auto from = flattened_.find(image); from != flattened_.end()) image = from->second;
    const std::vector<int> shape = graph_.tensor(images[0]).shape;
    const bool of_image = shape.size() == 4 && shape[0] == 1;
    if (!of_image && images != images_.at(op.input(0))) images = images_.at(op.input(0));
    finish_steps();
    const int joined = join(op, images, of_image ? 1 : 0);
    const int K = graph_.in(op, 1).extent(-1);
    op.inputs[0] = joined;
    if (of_image) {
      op.inputs[0] = add_like(joined, {static_cast<int>(graph_.tensor(joined).elements()) / K, K});
      graph_.ops.push_back(model::op_of(OpKind::kReshape, op.index, {joined}, {op.inputs[0]}));
    }
    graph_.ops.push_back(std::move(op));
  }

  void finish_steps(bool last = false) { steps_.write(graph_, room_, last, graph_.ops); }

  /// Removes flattened tensors without a reader.
  void drop_unread() {
    std::set<int> read(graph_.outputs.begin(), graph_.outputs.end());
    for (const Op& op : graph_.ops) read.insert(op.inputs.begin(), op.inputs.end());
    std::erase_if(graph_.ops, [&](const Op& op) {
      return flattened_.contains(op.outputs[0]) && !read.contains(op.outputs[0]);
    });
  }

  void write_whole(const Op& op) {
    finish_steps();
    for (const int t : op.inputs)
      if (images_.contains(t)) join_images(t);
    graph_.ops.push_back(op);
  }

  /// Returns the index of the image that an operator cuts out of a batch, as steps of neurons read
  /// their currents.
  std::optional<int> image_cut(const Op& op) const {
    if (op.kind != OpKind::kStridedSlice || !images_.contains(op.input(0)) || op.on_host)
      return std::nullopt;
    std::vector<int> one = graph_.in(op, 0).shape;
    if (static_cast<int>(images_.at(op.input(0)).size()) != one[0]) return std::nullopt;
    one[0] = 1;
    const bool whole = graph_.out(op).shape == one;
    return whole ? std::optional(static_cast<int>(model::slices(graph_, op)[0].begin))
                 : std::nullopt;
  }

  void write_image(const Op& op, int image) {
    finish_steps();
    Op same = op_of(OpKind::kReshape, op.index, {images_.at(op.input(0))[at(image)]}, op.outputs);
    same.new_shape = graph_.out(op).shape;
    graph_.ops.push_back(std::move(same));
  }

  /// Returns true if single images become a batch that stays separate.
  bool joins_images(const Op& op) const {
    return op.kind == OpKind::kConcatenation && op.axis == 0 && is_batch(op.outputs[0]) &&
           !op.on_host && std::ranges::count(graph_.outputs, op.outputs[0]) == 0 &&
           std::ranges::all_of(op.inputs, [&](int t) {
             return computed(t) && graph_.tensor(t).shape[0] == 1 && !images_.contains(t);
           });
  }

  /// Makes images that the operand does not have, by slicing rows of a single image.
  void write_images(const Op& op, int parts) {
    finish_steps();
    if (images_.contains(op.input(0))) join_images(op.input(0));
    std::vector<int> shape = graph_.out(op).shape;
    const int H = shape[1];
    shape[0] = 1;
    shape[1] = parts * H;
    Op rows = op;
    model::set_shape(graph_, rows, shape);
    rows.outputs = {add_like(op.outputs[0], shape)};
    graph_.ops.push_back(rows);
    for (int n = 0; n < parts; ++n)
      images_[op.outputs[0]].push_back(slice(op, rows.outputs[0], 1, n * H, (n + 1) * H));
  }

  void write_each(const Op& op, int parts) {
    if (steps_.images() != parts) finish_steps();
    std::vector<int> outputs;
    std::vector<std::vector<Op>> of_images(at(parts));
    const auto written = static_cast<std::ptrdiff_t>(graph_.ops.size());
    for (int n = 0; n < parts; ++n) {
      Op one = op;
      for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i)
        if (op.input(i) >= 0 && !is_shared(op, i))
          one.inputs[at(i)] = image_of(op, op.inputs[at(i)], parts, n);
      if (op.counted_macs > 0) one.counted_macs = op.counted_macs / parts;
      std::vector<int> shape = graph_.out(op).shape;
      shape[0] /= parts;
      model::set_shape(graph_, one, shape);
      one.outputs = {add_like(op.outputs[0], shape)};
      outputs.push_back(one.outputs[0]);
      if (model::is_reshape(op.kind)) {
        const auto from = flattened_.find(one.input(0));
        flattened_[one.outputs[0]] = from == flattened_.end() ? one.input(0) : from->second;
      }
      graph_.ops.push_back(std::move(one));
      of_images[at(n)].assign(graph_.ops.begin() + written, graph_.ops.end());
      graph_.ops.erase(graph_.ops.begin() + written, graph_.ops.end());
    }
    images_[op.outputs[0]] = outputs;
    steps_.add(std::move(of_images));
  }

  int image_of(const Op& op, int t, int parts, int n) {
    std::vector<int>& images = images_[t];
    const int extent = graph_.tensor(t).shape[0] / parts;
    while (static_cast<int>(images.size()) <= n) {
      const int first = static_cast<int>(images.size()) * extent;
      images.push_back(computed(t) ? slice(op, t, 0, first, first + extent)
                                   : constant_part(t, first, extent));
      // Floats that are not an input are at the graph's end.
      const bool is_float = graph_.tensor(t).type == model::DataType::kFloat32;
      if (computed(t) && is_float && !is_input(t)) graph_.ops.back().on_host = true;
    }
    return images[at(n)];
  }

  int constant_part(int t, int first, int extent) {
    Tensor part = graph_.tensor(t);
    const std::size_t row = part.data.size() / at(part.shape[0]);
    part.data.edit().erase(
        part.data.begin() + static_cast<std::ptrdiff_t>(at(first + extent) * row), part.data.end());
    part.data.edit().erase(part.data.begin(),
                           part.data.begin() + static_cast<std::ptrdiff_t>(at(first) * row));
    part.shape[0] = extent;
    return add(std::move(part));
  }

  /// Computes a tensor whose images are only computed separately so far.
  void join_images(int t) {
    if (is_input(t) || !computed(t)) return;
    finish_steps();
    const auto written = [&](const Op& op) {
      return std::ranges::find(op.outputs, t) != op.outputs.end();
    };
    if (std::ranges::any_of(graph_.ops, written)) return;
    const Op& source = *std::ranges::find_if(ops_, written);
    join(source, images_.at(t), 0, t);
    graph_.ops.back().on_host = true;  // unless the machine reads it
  }

  bool is_input(int t) const { return std::ranges::find(graph_.inputs, t) != graph_.inputs.end(); }

  BatchRoom room_;
  std::map<int, std::vector<int>> images_;  ///< by tensor: its parts along axis 0, in order
  std::map<int, int> flattened_;            ///< by an image's tensor: its source
  Steps steps_;                             ///< not written yet
};

}  // namespace

bool has_batch(const Graph& graph) {
  return std::ranges::any_of(graph.tensors, [](const Tensor& t) {
    return !t.is_constant && t.rank() == 4 && t.shape[0] > 1;
  });
}

Graph with_single_images(Graph graph, BatchRoom room) {
  return SingleImages(std::move(graph), room).run();
}

}  // namespace trine::compiler
