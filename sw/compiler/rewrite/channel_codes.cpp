// SPDX-License-Identifier: Apache-2.0
//
// Finds channels that have one code in every pixel, whatever the network's inputs are.

#include <algorithm>
#include <cstring>
#include <limits>

#include "sw/base/index.h"
#include "sw/compiler/network/subgraph.h"
#include "sw/compiler/rewrite/channels.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpClass;
using model::OpKind;
using model::Tensor;

using Code = std::optional<std::int32_t>;

/// Returns a tensor in which all pixels are alike. @param codes  the code of each channel
Array filled(const Tensor& t, const std::vector<std::int32_t>& codes) {
  Array array{std::string(model::npy_code(t.type)), {t.shape.begin(), t.shape.end()}, {}};
  const std::size_t bytes = at(model::bytes_of(t.type));
  array.bytes.resize(at(t.elements()) * bytes);
  for (std::size_t i = 0; i < at(t.elements()); ++i)  // little endian: the low bytes
    std::memcpy(&array.bytes[i * bytes], &codes[i % codes.size()], bytes);
  return array;
}

/// Returns the code of each channel, or nothing for a channel whose pixels differ.
std::vector<Code> uniform(const Array& array) {
  const auto channels = at(array.shape.back());
  std::vector<Code> codes(channels);
  const auto value = [&](std::size_t i) { return static_cast<std::int32_t>(array.value(i)); };
  for (std::size_t c = 0; c < channels; ++c) {
    codes[c] = value(c);
    for (std::size_t i = c; i < at(array.elements()); i += channels)
      if (value(i) != *codes[c]) {
        codes[c].reset();
        break;
      }
  }
  return codes;
}

class Constants {
 public:
  Constants(const Graph& graph, const std::map<int, Product>& products,
            reference::RoundingPolicy rounding)
      : graph_(graph), products_(products), rounding_(rounding) {}

  ChannelCodes find() {
    for (int i = 0; i < static_cast<int>(graph_.ops.size()); ++i) {
      const Op& op = graph_.ops[at(i)];
      const Channels channels = channels_of(graph_, op);
      if (channels.kind == Channels::Kind::kProduct)
        product(i);
      else if (channels.kind == Channels::Kind::kEach && channels.whole.empty())
        each(i, channels);
    }
    return std::move(codes_);
  }

 private:
  Code code(int tensor, int channel) const {
    const auto found = codes_.find(tensor);
    return found == codes_.end() ? Code{} : found->second[at(channel)];
  }

  /// Finds output channels whose weights are all zero, or whose other inputs are constants without
  /// a border.
  void product(int index) {
    const Op& op = graph_.ops[at(index)];
    const Product& p = products_.at(index);
    const std::int64_t zero = graph_.in(op, 0).zero_point();
    std::vector<bool> kept(at(p.outputs), false);
    std::vector<std::int32_t> sums;
    for (int m = 0; m < p.outputs; ++m) {
      std::int64_t sum = p.bias[at(m)];
      bool fixed = true;
      for (int c = 0; c < p.inputs && fixed; ++c) {
        if (!p.used[p.index(m, c)]) continue;
        const Code known = code(op.input(0), c);
        fixed = known && (*known == zero || !p.bordered);
        if (fixed)
          sum += p.sums[p.index(m, c)] * (spec::units_of(value_format(graph_, op), *known) - zero);
      }
      if (!fixed || sum < std::numeric_limits<std::int32_t>::min() ||
          sum > std::numeric_limits<std::int32_t>::max())
        continue;
      kept[at(m)] = true;
      sums.push_back(static_cast<std::int32_t>(sum));
    }
    if (!sums.empty()) store(op, kept, requantized(index, kept, sums));
  }

  /// Returns the operator's codes for these sums, by running it on a single pixel with weights of
  /// zero.
  std::vector<Code> requantized(int index, const std::vector<bool>& kept,
                                const std::vector<std::int32_t>& sums) const {
    Graph alone = part(index);
    Op op = on_channels(alone, alone.ops[0], {{alone.ops[0].outputs[0], kept}});
    const int channels = static_cast<int>(sums.size());
    const bool image = op.kind == OpKind::kConv2D;
    Tensor &x = alone.tensors[at(op.inputs[0])], &w = alone.tensors[at(op.inputs[1])];
    Tensor& y = alone.tensors[at(op.outputs[0])];
    x.shape = image ? std::vector<int>{1, 1, 1, 1} : std::vector<int>{1, 1};
    y.shape = image ? std::vector<int>{1, 1, 1, channels} : std::vector<int>{1, channels};
    w.shape = image ? std::vector<int>{channels, 1, 1, 1} : std::vector<int>{channels, 1};
    w.data.edit().clear();
    const auto bytes = at(model::bytes_of(w.type));  // int16 weights have no zero point
    w.data.edit().resize(bytes * at(channels));
    for (int m = 0; m < channels; ++m)
      w.data.edit()[bytes * at(m)] = static_cast<std::uint8_t>(w.zero_point(m));
    op.stride_h = op.stride_w = op.dilation_h = op.dilation_w = 1;
    op.padding = model::Padding::kValid;
    const reference::Values values{{op.inputs[0], filled(x, {x.zero_point()})}};
    op.inputs.resize(2);
    op.inputs.push_back(alone.add(model::constant_integers(sums)));  // invalidates x, w and y
    return uniform(reference::run_op(alone, op, values, rounding_.of(op)));
  }

  /// Finds channels whose operands are all constant. A filter of zeros reads only the zero point.
  void each(int index, const Channels& channels) {
    const Op& op = graph_.ops[at(index)];
    std::vector<bool> kept(at(graph_.out(op).extent(-1)), true);
    const std::vector<bool> blind = zero_filters(graph_, op);
    for (const Tie& tie : channels.ties)
      if ((blind.empty() || !blind[at(tie.out)]) && !code(op.input(tie.position), tie.in))
        kept[at(tie.out)] = false;
    if (std::ranges::count(kept, true) == 0) return;
    store(op, kept, moves(op) ? moved(op, channels, kept) : computed(index, channels, kept));
  }

  static bool moves(const Op& op) {
    return model::is_reshape(op.kind) || op.kind == OpKind::kConcatenation ||
           op.kind == OpKind::kStridedSlice;
  }

  /// Returns the codes of the channels that are kept.
  std::vector<Code> moved(const Op& op, const Channels& channels,
                          const std::vector<bool>& kept) const {
    std::vector<Code> all(kept.size());
    std::vector<bool> differs(kept.size(), false);
    for (const Tie& tie : channels.ties) {
      const Code known = code(op.input(tie.position), tie.in);
      if (all[at(tie.out)] && all[at(tie.out)] != known) differs[at(tie.out)] = true;
      all[at(tie.out)] = known;
    }
    std::vector<Code> result;
    for (std::size_t c = 0; c < kept.size(); ++c)
      if (kept[c]) result.push_back(differs[c] ? Code{} : all[c]);
    return result;
  }

  /// Returns the codes of the channels that are kept, computed by the golden layer.
  std::vector<Code> computed(int index, const Channels& channels,
                             const std::vector<bool>& kept) const {
    const Op& whole = graph_.ops[at(index)];
    Graph alone = part(index);
    const Op before = alone.ops[0];
    Kept some{{before.outputs[0], kept}};
    reference::Values values;
    std::map<int, std::vector<std::int32_t>> codes;
    for (const Tie& tie : channels.ties) {
      if (!kept[at(tie.out)]) continue;
      const int t = before.input(tie.position);
      std::vector<bool>& channel = some[t];
      channel.resize(at(alone.tensor(t).extent(-1)), false);
      if (channel[at(tie.in)]) continue;
      channel[at(tie.in)] = true;
      codes[t].push_back(
          code(whole.input(tie.position), tie.in).value_or(alone.tensor(t).zero_point()));
    }
    const Op op = on_channels(alone, before, some);
    for (const auto& [t, channel] : some) cut_shape(alone.tensors[at(t)], channel);
    for (const auto& [t, known] : codes) values[t] = filled(alone.tensor(t), known);
    return uniform(reference::run_op(alone, op, values, rounding_.of(op)));
  }

  Graph part(int index) const {
    const Op& op = graph_.ops[at(index)];
    std::vector<int> inputs;
    for (const int t : op.inputs)
      if (t >= 0 && !graph_.tensor(t).is_constant) inputs.push_back(t);
    return subgraph(graph_, {index}, inputs, op.outputs);
  }

  void store(const Op& op, const std::vector<bool>& kept, const std::vector<Code>& found) {
    std::vector<Code>& codes = codes_[op.outputs[0]];
    codes.resize(kept.size());
    for (std::size_t c = 0, i = 0; c < kept.size(); ++c)
      if (kept[c]) codes[c] = found[i++];
  }

  const Graph& graph_;
  const std::map<int, Product>& products_;
  reference::RoundingPolicy rounding_;
  ChannelCodes codes_;
};

}  // namespace

ChannelCodes constant_channels(const Graph& graph, const std::map<int, Product>& products,
                               reference::RoundingPolicy rounding) {
  return Constants(graph, products, rounding).find();
}

}  // namespace trine::compiler
