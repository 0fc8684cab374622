// SPDX-License-Identifier: Apache-2.0
//
// Removes channels that carry no information: channels with the same code in every pixel, which
// become part of their readers' biases, and channels without a reader.

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "sw/base/division.h"
#include "sw/base/index.h"
#include "sw/base/ties.h"
#include "sw/compiler/rewrite/channels.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/dead.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

class IdleChannels : Rewriter {
 public:
  IdleChannels(Graph graph, reference::RoundingPolicy rounding)
      : Rewriter(std::move(graph)), rounding_(rounding) {}

  Graph run(program::Removed& removed) {
    graph_.ops = ops_;  // as channels_of() and the golden layers expect
    if (!some_idle()) return std::move(graph_);
    read();
    codes_ = constant_channels(graph_, products_, rounding_);
    check_biases();
    while (settle(), force()) {
    }
    const auto [filters, macs] = count();
    write();
    const auto [filters_left, macs_left] = count();
    removed = {filters - filters_left, filters, macs - macs_left};
    return std::move(graph_);
  }

 private:
  // ---- Channels and their ties ------------------------------------------------------------------

  bool computed(int t) const {
    return t >= 0 && !graph_.tensor(t).is_constant && graph_.tensor(t).rank() > 0;
  }

  void read() {
    for (int t = 0; t < static_cast<int>(graph_.tensors.size()); ++t)
      if (computed(t)) first_[t] = classes_.add(graph_.tensor(t).extent(-1));
    for (int i = 0; i < static_cast<int>(ops_.size()); ++i) {
      const Op& op = ops_[at(i)];
      const Channels channels = channels_of(graph_, op);
      if (channels.kind == Channels::Kind::kProduct) {
        products_.emplace(i, product_of(graph_, op));
      } else if (channels.kind == Channels::Kind::kEach) {
        for (const Tie& tie : channels.ties)
          classes_.tie(number(op.input(tie.position), tie.in), number(op.outputs[0], tie.out));
        for (const int position : channels.whole) fixed_.push_back(op.input(position));
        if (in_words(op)) {
          words_.insert(op.inputs.begin(), op.inputs.end());
          words_.insert(op.outputs[0]);
        }
      } else {
        fixed_.insert(fixed_.end(), op.inputs.begin(), op.inputs.end());
        fixed_.insert(fixed_.end(), op.outputs.begin(), op.outputs.end());
      }
    }
    for (const auto* ends : {&graph_.inputs, &graph_.outputs})
      fixed_.insert(fixed_.end(), ends->begin(), ends->end());
    for (const model::State& state : graph_.states)
      fixed_.insert(fixed_.end(), {state.before, state.after});
    forced_.assign(classes_.size(), false);
    for (const int t : fixed_)
      if (computed(t))
        for (int c = 0; c < graph_.tensor(t).extent(-1); ++c)
          forced_[at(classes_.root(number(t, c)))] = true;
  }

  /// Returns true if channels of one tensor become some channels of another. Removed channels could
  /// then break the alignment of words.
  bool in_words(const Op& op) const {
    return (op.kind == OpKind::kConcatenation || op.kind == OpKind::kStridedSlice) &&
           graph_.in(op, 0).extent(-1) != graph_.out(op).extent(-1);
  }

  int number(int tensor, int channel) const { return first_.at(tensor) + channel; }

  /// Returns true if there is a filter or an input channel that is all zero. Most networks have
  /// none.
  bool some_idle() const {
    return std::ranges::any_of(ops_,
                               [&](const Op& op) { return model::has_dead_channels(graph_, op); });
  }

  // ---- Channels that can be removed -------------------------------------------------------------

  std::optional<std::int32_t> code(int tensor, int channel) const {
    const auto found = codes_.find(tensor);
    return found == codes_.end() ? std::nullopt : found->second[at(channel)];
  }

  /// Returns the value that a constant channel adds to the sums of output m, or nothing if the
  /// channel is not constant for them.
  std::optional<std::int64_t> share(int index, int m, int c) const {
    const Op& op = ops_[at(index)];
    const Product& p = products_.at(index);
    const auto known = code(op.input(0), c);
    const int zero = graph_.in(op, 0).zero_point();
    if (!known || (p.bordered && *known != zero)) return std::nullopt;
    return p.sums[p.index(m, c)] * (spec::units_of(value_format(graph_, op), *known) - zero);
  }

  /// Excludes products whose biases would overflow if all constant channels were folded.
  void check_biases() {
    for (const auto& [index, p] : products_)
      for (int m = 0; m < p.outputs; ++m) {
        std::int64_t least = p.bias[at(m)], most = least;
        for (int c = 0; c < p.inputs; ++c) {
          const std::int64_t more = share(index, m, c).value_or(0);
          (more < 0 ? least : most) += more;
        }
        if (least < std::numeric_limits<std::int32_t>::min() ||
            most > std::numeric_limits<std::int32_t>::max())
          folds_[index] = false;
      }
  }

  bool folds(int index) const { return !folds_.contains(index); }

  bool stays(int tensor, int channel) {
    return needed_[at(classes_.root(number(tensor, channel)))];
  }

  /// Finds the smallest set of needed classes, starting with all classes.
  void settle() {
    needed_.assign(classes_.size(), true);
    for (bool again = true; again;) {
      std::vector<bool> needed = forced_;
      for (auto p = products_.rbegin(); p != products_.rend(); ++p) reads_of(p->first, needed);
      again = needed != needed_;
      needed_ = std::move(needed);
    }
  }

  void reads_of(int index, std::vector<bool>& needed) {
    const Op& op = ops_[at(index)];
    const Product& p = products_.at(index);
    std::vector<int> rows;
    for (int m = 0; m < p.outputs; ++m)
      if (stays(op.outputs[0], m)) rows.push_back(m);
    for (int c = 0; c < p.inputs; ++c) {
      const std::size_t place = at(classes_.root(number(op.input(0), c)));
      if (needed[place] || (folds(index) && share(index, 0, c))) continue;
      needed[place] = std::ranges::any_of(rows, [&](int m) { return p.used[p.index(m, c)]; });
    }
  }

  /// Forces each tensor to keep a channel, and concatenated or sliced tensors to keep whole words.
  /// @return true if more classes are needed than before
  bool force() {
    bool more = false;
    for (const auto& [t, first] : first_) {
      const int channels = graph_.tensor(t).extent(-1);
      std::vector<int> idle;
      for (int c = 0; c < channels; ++c)
        if (!stays(t, c)) idle.push_back(c);
      const int left = channels - static_cast<int>(idle.size());
      int wanted = std::max(left, std::min(channels, 1));
      if (words_.contains(t) && !idle.empty()) wanted = std::min(round_up(wanted, kWord), channels);
      for (int i = 0; i < wanted - left; ++i) {
        forced_[at(classes_.root(first + idle[at(i)]))] = true;
        more = true;
      }
    }
    return more;
  }

  // ---- The network without these channels -------------------------------------------------------

  /// Returns the numbers of filters and of multiply-accumulates.
  std::pair<std::int64_t, std::int64_t> count() const {
    std::int64_t filters = 0;
    for (const Op& op : graph_.ops)
      if (model::is_product(op.kind) && graph_.in(op, 1).is_constant)
        filters += graph_.out(op).extent(-1);
    return {filters, model::macs(graph_)};
  }

  void write() {
    Kept kept;
    for (const auto& [t, first] : first_) {
      std::vector<bool> some;
      for (int c = 0; c < graph_.tensor(t).extent(-1); ++c) some.push_back(stays(t, c));
      if (std::ranges::count(some, false) > 0) kept[t] = some;
    }
    graph_.ops.clear();
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      Op op = ops_[i];
      if (products_.contains(static_cast<int>(i))) fold(static_cast<int>(i), op, kept);
      graph_.ops.push_back(on_channels(graph_, std::move(op), kept));
    }
    for (const auto& [t, some] : kept) cut_shape(graph_.tensors[at(t)], some);
  }

  /// Folds removed constant channels into the biases.
  void fold(int index, Op& op, const Kept& kept) {
    const auto some = kept.find(op.input(0));
    if (some == kept.end()) return;
    const Product& p = products_.at(index);
    std::vector<std::int64_t> biases;
    bool changed = false;
    for (int m = 0; m < p.outputs; ++m) {
      std::int64_t sum = 0;
      for (int c = 0; c < p.inputs; ++c)
        if (!some->second[at(c)] && p.used[p.index(m, c)]) sum += share(index, m, c).value_or(0);
      changed = changed || sum != 0;
      biases.push_back(p.bias[at(m)] + sum);
    }
    if (!changed) return;
    const int with = add_integers(biases);
    if (op.input(2) >= 0) {
      graph_.tensors[at(with)].name = graph_.in(op, 2).name;
      graph_.tensors[at(with)].quantization = graph_.in(op, 2).quantization;
    }
    op.inputs.resize(3);
    op.inputs[2] = with;
  }

  reference::RoundingPolicy rounding_;
  Ties classes_;                       ///< channels that can only be removed together
  std::map<int, int> first_;           ///< number of a computed tensor's channel 0
  std::map<int, Product> products_;    ///< by index in ops_
  std::map<int, bool> folds_;          ///< by product: false if it does not fold
  std::vector<int> fixed_;             ///< tensors that keep all channels
  std::set<int> words_;                ///< tensors that keep whole words
  std::vector<bool> forced_, needed_;  ///< by class
  ChannelCodes codes_;
};

}  // namespace

Graph without_idle_channels(Graph graph, reference::RoundingPolicy rounding,
                            program::Removed& removed) {
  return IdleChannels(std::move(graph), rounding).run(removed);
}

}  // namespace trine::compiler
