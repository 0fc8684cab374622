// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/rewrite/rewrite.h"

#include <algorithm>
#include <map>
#include <set>

#include "sw/base/division.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

// ---- uint8 --------------------------------------------------------------------------------------

class SignedCodes : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    std::set<int> codes;  // tensors that were uint8
    for (int t = 0; t < static_cast<int>(graph_.tensors.size()); ++t)
      if (graph_.tensor(t).type == DataType::kUInt8) codes.insert(t);
    for (const int t : codes)  // plain numbers
      if (graph_.tensor(t).quantization.scale.empty())
        graph_.tensors[at(t)].quantization = {{1.0f}, {0}, 0};
    for (int& t : graph_.inputs)
      if (codes.contains(t)) t = outer(t, true, graph_.ops);
    std::vector<Op> last;
    for (int& t : graph_.outputs)
      if (codes.contains(t)) t = outer(t, false, last);
    keep_unsigned(codes);
    for (const int t : codes) convert(graph_.tensors[at(t)]);
    std::map<int, int> same;  // as another tensor
    for (Op op : ops_) {
      const auto unsigned_code = [&](int t) { return codes.contains(t); };
      op.of_uint8 = std::ranges::any_of(op.inputs, unsigned_code) ||
                    std::ranges::any_of(op.outputs, unsigned_code);
      for (int& t : op.inputs)
        if (same.contains(t)) t = same.at(t);
      if (op.of_uint8 && is_identity(op))
        same[op.outputs[0]] = op.inputs[0];
      else
        graph_.ops.push_back(std::move(op));
    }
    for (Op& op : last) {
      if (same.contains(op.inputs[0])) op.inputs[0] = same.at(op.inputs[0]);
      graph_.ops.push_back(std::move(op));
    }
    return std::move(graph_);
  }

 private:
  static void convert(Tensor& t) {
    t.type = DataType::kInt8;
    for (std::int64_t& zero_point : t.quantization.zero_point) zero_point -= 128;
    for (std::uint8_t& code : t.data.edit()) code ^= 0x80;
  }

  /// Gives ONNX operators on the host the unsigned numbers, because they compute with the numbers
  /// themselves.
  void keep_unsigned(const std::set<int>& codes) {
    std::vector<Op> ops;
    for (Op& op : ops_) {
      std::vector<Op> after;
      const bool on_numbers = op.kind == OpKind::kOnnx;
      for (int& t : op.inputs)
        if (on_numbers && codes.contains(t))
          t = graph_.tensor(t).is_constant ? add(Tensor(graph_.tensor(t))) : outer(t, false, ops);
      for (int& t : op.outputs)
        if (on_numbers && codes.contains(t)) t = outer(t, true, after);
      ops.push_back(std::move(op));
      ops.insert(ops.end(), after.begin(), after.end());
    }
    ops_ = std::move(ops);
  }

  /// Adds the user's tensor before a graph input or after an output.
  int outer(int tensor, bool input, std::vector<Op>& to) {
    const int user = add_like(tensor, graph_.tensor(tensor).shape);
    to.push_back(op_of(OpKind::kQuantize, 0, {input ? user : tensor}, {input ? tensor : user}));
    return user;
  }

  /// Returns true for a QUANTIZE between uint8 and the int8 codes that are smaller by 128.
  bool is_identity(const Op& op) const {
    if (op.kind != OpKind::kQuantize) return false;
    const Tensor &from = graph_.in(op, 0), &to = graph_.out(op);
    return from.type == DataType::kInt8 && to.type == DataType::kInt8 && !from.is_constant &&
           from.has_scale_of(to) && std::ranges::count(graph_.outputs, op.outputs[0]) == 0;
  }
};

// ---- weights ------------------------------------------------------------------------------------

/// Splits weights into int8 parts with the same sum. The first part has as much of each weight as
/// fits, the next part the rest.
std::vector<std::vector<std::int8_t>> split(std::vector<std::int64_t> values) {
  std::vector<std::vector<std::int8_t>> parts;
  do {
    std::vector<std::int8_t>& part = parts.emplace_back();
    for (std::int64_t& value : values) {
      part.push_back(static_cast<std::int8_t>(std::clamp<std::int64_t>(value, -128, 127)));
      value -= part.back();
    }
  } while (std::ranges::any_of(values, [](std::int64_t v) { return v != 0; }));
  return parts;
}

/// A run of neighbouring words.
struct Run {
  int begin, end;
  bool wide;  ///< some weights exceed int8
};

class SymmetricWeights : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    for (const Op& op : ops_) {
      for (const int t : op.outputs) producer_[t] = static_cast<int>(graph_.ops.size());
      if (!has_zero_point(op)) {
        graph_.ops.push_back(op);
        continue;
      }
      const Tensor& w = graph_.in(op, 1);
      std::vector<std::int64_t> values = w.integers();
      for (std::int64_t& value : values) value -= w.zero_point();
      const auto parts = split(values);
      if (parts.size() == 1)
        plain(op, parts[0]);
      else if (op.kind == OpKind::kDepthwiseConv2D)
        depthwise(op, parts);
      else
        product(op, parts);
      for (const int t : op.outputs) producer_[t] = static_cast<int>(graph_.ops.size()) - 1;
    }
    return std::move(graph_);
  }

 private:
  using Parts = std::vector<std::vector<std::int8_t>>;

  bool has_zero_point(const Op& op) const {
    const bool product = model::is_product(op.kind) || op.kind == OpKind::kTransposeConv;
    return product && graph_.in(op, 1).is_constant && graph_.in(op, 1).zero_point() != 0;
  }

  int add_weights(int like, std::vector<int> shape, const std::vector<std::int8_t>& codes) {
    Tensor t = graph_.tensor(like);
    t.shape = std::move(shape);
    t.quantization.zero_point.assign(t.quantization.scale.size(), 0);
    t.data.edit().assign(codes.begin(), codes.end());
    return add(std::move(t));
  }

  void plain(Op op, const std::vector<std::int8_t>& codes) {
    op.inputs[1] = add_weights(op.inputs[1], graph_.in(op, 1).shape, codes);
    graph_.ops.push_back(std::move(op));
  }

  /// Returns the number of times each word of channels is read: once, and once more for each
  /// further part that has a weight there. @param word_of  returns the word of the i-th weight
  template <typename WordOf>
  static std::vector<int> readings(int words, const Parts& parts, const WordOf& word_of) {
    std::vector<int> count(at(words), 1);
    for (std::size_t p = 1; p < parts.size(); ++p)
      for (std::size_t i = 0; i < parts[p].size(); ++i)
        if (parts[p][i] != 0) count[at(word_of(i))] = static_cast<int>(p) + 1;
    return count;
  }

  /// Writes a product. The last axis of the weights is the axis of the input's channels, or of all
  /// its elements.
  void product(Op op, const Parts& parts) {
    const int position = op.kind == OpKind::kTransposeConv ? 2 : 0;
    const Tensor w = graph_.in(op, 1);
    const int x = op.kind == OpKind::kFullyConnected ? image_of(op.input(0), w.extent(-1))
                                                     : op.input(position);
    const bool flat =
        op.kind == OpKind::kFullyConnected && graph_.tensor(x).extent(-1) != w.extent(-1);
    const std::vector<int> in = graph_.tensor(x).shape;
    const int channels = in.back(), depth = w.extent(-1);
    const bool grouped = op.kind == OpKind::kConv2D && depth != channels;
    const int words = divide_up(channels, kWord);
    const auto reads = grouped ? std::vector<int>(at(words), static_cast<int>(parts.size()))
                               : readings(words, parts, [&](std::size_t i) {
                                   return static_cast<int>(i) % depth % channels / kWord;
                                 });
    // For the channels of the new input, in order: the original channel and the part of the
    // weights.
    const int group = grouped ? depth : channels;
    std::vector<int> channel, part;
    for (int first = 0; first < channels; first += group)
      for (int p = static_cast<int>(parts.size()) - 1; p >= 0; --p)
        for (int c = first; c < first + group; ++c)
          if (reads[at(c / kWord)] > p) {
            channel.push_back(c);
            part.push_back(p);
          }
    const int wide = static_cast<int>(channel.size()), new_group = wide * group / channels;
    const bool words_only = channels % kWord == 0 && !grouped;
    int from = words_only ? repeated_words(op, x, reads) : selected(op, x, channel);
    std::vector<std::int8_t> codes;
    const std::size_t pixels = parts[0].size() / at(grouped ? depth : channels);
    for (std::size_t i = 0; i < pixels; ++i) {
      // All outputs of a group of a grouped convolution read the group's channels.
      const std::size_t outputs = at(w.extent(0));
      const int g =
          grouped ? static_cast<int>(i / (pixels / outputs) / (outputs / at(channels / group))) : 0;
      for (int c = g * new_group; c < (g + 1) * new_group; ++c)
        codes.push_back(parts[at(part[at(c)])][i * at(group) + at(channel[at(c)] - g * group)]);
    }
    std::vector<int> shape = w.shape;
    shape.back() = static_cast<int>(std::int64_t{depth} * new_group / group);
    if (flat) from = flattened(op, from, shape.back());
    op.counted_macs = model::macs(graph_, op);
    op.inputs[at(position)] = from;
    op.inputs[1] = add_weights(op.inputs[1], shape, codes);
    graph_.ops.push_back(std::move(op));
  }

  /// Returns the image that FULLY_CONNECTED reads as rows of K elements.
  int image_of(int tensor, int K) const {
    int image = tensor;
    const auto of_images = [&](int t) {  // several rows, of some pixels each
      const auto found = producer_.find(t);
      if (found == producer_.end() || !model::is_reshape(graph_.ops[at(found->second)].kind))
        return false;
      const Tensor& from = graph_.in(graph_.ops[at(found->second)], 0);
      return from.rank() == 4 && from.extent(-1) < K && K % from.extent(-1) == 0 &&
             graph_.tensor(t).extent(-1) == K;
    };
    while (graph_.tensor(image).extent(-1) != K || graph_.tensor(image).elements() == K ||
           of_images(image)) {
      const auto found = producer_.find(image);
      if (found == producer_.end()) break;
      const Op& op = graph_.ops[at(found->second)];
      if (!model::is_reshape(op.kind) || graph_.tensor(op.inputs[0]).rank() < 1) break;
      image = op.inputs[0];
    }
    return K % graph_.tensor(image).extent(-1) == 0 ? image : tensor;
  }

  int flattened(const Op& whole, int from, int K) {
    const int rows = static_cast<int>(graph_.tensor(from).elements() / K);
    const int to = add_like(from, {rows, K});
    graph_.ops.push_back(op_of(OpKind::kReshape, whole.index, {from}, {to}));
    return to;
  }

  /// Writes the words that are read again before all words, the words of the last part first.
  int repeated_words(const Op& op, int x, const std::vector<int>& reads) {
    const int axis = graph_.tensor(x).rank() - 1, words = static_cast<int>(reads.size());
    std::vector<int> pieces;
    for (int p = *std::ranges::max_element(reads) - 1; p > 0; --p)
      for (int begin = 0, end = 0; begin < words; begin = end) {
        end = begin + 1;
        if (reads[at(begin)] <= p) continue;
        while (end < words && reads[at(end)] > p) ++end;
        pieces.push_back(slice(op, x, axis, begin * kWord, end * kWord));
      }
    pieces.push_back(x);
    return join(op, pieces, axis);
  }

  /// Selects channels of x with a convolution whose weights are ones.
  int selected(const Op& whole, int x, const std::vector<int>& channel) {
    std::vector<int> shape = graph_.tensor(x).shape;
    const int from = shape.back(), to = static_cast<int>(channel.size());
    Tensor ones;
    ones.name = graph_.tensor(x).name + ":select";
    ones.quantization = {{1.0f}, {0}, 0};
    ones.is_constant = true;
    ones.data.edit().assign(at(from) * at(to), 0);
    for (int c = 0; c < to; ++c) ones.data.edit()[at(c) * at(from) + at(channel[at(c)])] = 1;
    const bool image = shape.size() == 4;
    ones.shape = image ? std::vector<int>{to, 1, 1, from} : std::vector<int>{to, from};
    shape.back() = to;
    Op op = op_of(image ? OpKind::kConv2D : OpKind::kFullyConnected, whole.index,
                  {x, add(std::move(ones))});
    op.counted_macs = 0;
    op.outputs = {add_like(x, shape)};
    graph_.ops.push_back(op);
    return op.outputs[0];
  }

  /// Writes a depthwise convolution. Words of channels whose weights fit int8 stay depthwise. The
  /// others become an ordinary convolution over a word and its repetitions.
  void depthwise(const Op& op, const Parts& parts) {
    const Tensor x = graph_.in(op, 0), w = graph_.in(op, 1);
    const int C = x.extent(3), M = w.extent(3), multiplier = M / C;
    const int words = divide_up(C, kWord);
    const auto reads = readings(
        words, parts, [&](std::size_t i) { return static_cast<int>(i) % M / multiplier / kWord; });
    std::vector<Run> runs;
    for (int word = 0; word < words; ++word) {
      const bool wide = reads[at(word)] > 1;
      if (runs.empty() || wide || runs.back().wide)
        runs.push_back({word, word + 1, wide});
      else
        runs.back().end = word + 1;
    }
    std::vector<int> results;
    for (const Run& run : runs) {
      const int begin = run.begin * kWord, end = std::min(run.end * kWord, C);
      Op piece = op;
      piece.counted_macs = model::macs(graph_, op) / C * (end - begin);
      const int from = slice(op, op.inputs[0], 3, begin, end);
      const int first = begin * multiplier, last = end * multiplier;
      if (run.wide)
        joined_channels(piece, from, parts, reads[at(run.begin)], first, multiplier);
      else
        some_channels(piece, from, parts[0], first, last);
      if (op.input(2) >= 0) piece.inputs[2] = bias_of(op.inputs[2], first, last);
      std::vector<int> shape = graph_.out(op).shape;
      shape[3] = last - first;
      piece.outputs = {runs.size() == 1 ? op.outputs[0] : add_like(op.outputs[0], shape)};
      results.push_back(piece.outputs[0]);
      graph_.ops.push_back(std::move(piece));
    }
    if (results.size() > 1) join(op, results, 3, op.outputs[0]);
  }

  /// Selects the weights of the output channels first <= m < last.
  void some_channels(Op& piece, int from, const std::vector<std::int8_t>& codes, int first,
                     int last) {
    const Tensor w = graph_.in(piece, 1);
    const int M = w.extent(3);
    std::vector<std::int8_t> some;
    for (std::size_t tap = 0; tap < codes.size() / at(M); ++tap)
      for (int m = first; m < last; ++m) some.push_back(codes[tap * at(M) + at(m)]);
    piece.inputs[0] = from;
    piece.inputs[1] =
        add_weights(piece.inputs[1], {1, w.extent(1), w.extent(2), last - first}, some);
  }

  /// Makes an ordinary convolution over `count` repetitions of the word `from`.
  void joined_channels(Op& piece, int from, const Parts& parts, int count, int first,
                       int multiplier) {
    const Tensor w = graph_.in(piece, 1);
    const int C = graph_.tensor(from).extent(3), M = C * multiplier, all = w.extent(3);
    const int taps = w.extent(1) * w.extent(2);
    std::vector<std::int8_t> codes(at(M) * at(taps) * at(count * C), 0);
    for (int m = 0; m < M; ++m)
      for (int tap = 0; tap < taps; ++tap)
        for (int p = 0; p < count; ++p)
          codes[(at(m) * at(taps) + at(tap)) * at(count * C) + at(p * C + m / multiplier)] =
              parts[at(p)][at(tap) * at(all) + at(first + m)];
    piece.kind = OpKind::kConv2D;
    piece.name = name_of(piece.kind);
    piece.inputs[0] = join(piece, std::vector<int>(at(count), from), 3);
    piece.inputs[1] = add_weights(piece.inputs[1], {M, w.extent(1), w.extent(2), count * C}, codes);
  }

  int bias_of(int bias, int first, int last) {
    Tensor t = graph_.tensor(bias);
    if (last - first == t.elements()) return bias;
    t.shape = {last - first};
    t.data.edit().assign(t.data.begin() + 4 * first, t.data.begin() + 4 * last);
    return add(std::move(t));
  }

  std::map<int, int> producer_;  ///< by tensor: index in the new list
};

}  // namespace

Graph with_signed_codes(Graph graph) { return SignedCodes(std::move(graph)).run(); }

Graph with_symmetric_weights(Graph graph) { return SymmetricWeights(std::move(graph)).run(); }

Graph rewritten(const Graph& graph, reference::RoundingPolicy rounding, program::Removed* removed,
                bool rows, BatchRoom room) {
  program::Removed idle;
  Graph result = without_idle_channels(with_joined_scales(graph, rounding), rounding, idle);
  if (removed != nullptr) *removed = idle;
  result = with_late_reshapes(std::move(result));
  if (rows) result = with_rows(std::move(result));
  result = with_single_images(std::move(result), room);
  return with_symmetric_weights(with_broadcasts(with_signed_codes(std::move(result))));
}

}  // namespace trine::compiler
