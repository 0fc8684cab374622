// SPDX-License-Identifier: Apache-2.0
//
// Chooses the number of bits in which each feature map is stored.

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "spec/precision.h"
#include "sw/base/index.h"
#include "sw/base/ties.h"
#include "sw/compiler/lower/findings.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;

/// Codes in a word.
constexpr int kInt8 = spec::kInt8.codes_per_word();

/// Returns the largest number of codes in a word, among the precisions for which `holds` is true.
template <typename Holds>
constexpr int densest(Holds holds) {
  int most = 0;
  for (const spec::Precision& p : spec::kPrecisions)
    if (holds(p)) most = std::max(most, p.codes_per_word());
  return most;
}
constexpr int kAny = densest([](const auto&) { return true; });

/// Returns the largest number of codes in a word for codes that may be 0.
int with_zero(const spec::Config& config) {
  return densest([&](const auto& p) { return p.has_zero && config.*p.enabled; });
}

/// Classes of tensors that share one packing, and the densest packing that all of them allow.
class Classes {
 public:
  explicit Classes(std::size_t tensors) : ties_(tensors), limits_(tensors, kNone) {}

  void unite(int a, int b) {
    known_.insert(a);
    const int first = ties_.root(a);
    ties_.tie(first, b);
    limit(b, std::min(kAny, limits_[at(first)]));
  }
  void limit(int tensor, int per_word) {
    known_.insert(tensor);
    int& limit = limits_[at(ties_.root(tensor))];
    limit = std::min(limit, per_word);
  }

  std::map<int, int> result() {
    std::map<int, int> packing;
    for (const int tensor : known_) packing[tensor] = limits_[at(ties_.root(tensor))];
    return packing;
  }

 private:
  static constexpr int kNone = std::numeric_limits<int>::max();

  Ties ties_;
  std::vector<int> limits_;  ///< by root
  std::set<int> known_;
};

bool keeps_codes(OpKind kind) {
  return kind == OpKind::kMaxPool2D || kind == OpKind::kPad || kind == OpKind::kPadV2 ||
         model::is_reshape(kind);
}

/// Returns true if the number of channels is odd. Bits after the last channel then do not cancel:
/// they would count inside of a border but not outside of it.
bool is_odd(const Graph& graph, const Op& op) { return graph.in(op, 0).extent(-1) % 2 != 0; }

bool has_border(const Graph& graph, const Op& op) {
  const model::Window w = model::window(graph, op);
  return w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0;
}

/// Returns true if only thresholds read the sums.
bool meets_thresholds(const Graph& graph, const std::vector<int>& machine, const Op& op) {
  const int t = op.outputs[0];
  const auto reads = [&](int i) { return std::ranges::count(graph.ops[at(i)].inputs, t) > 0; };
  return std::ranges::count(graph.outputs, t) == 0 &&
         graph.tensor(t).type == model::DataType::kInt32 &&
         std::ranges::count_if(machine, reads) == 1 &&
         graph.ops[at(*std::ranges::find_if(machine, reads))].kind == OpKind::kThreshold;
}

/// Returns the packings that `op` can read as its input 0. Weights for channels of other groups are
/// 0.
int readable(const Graph& graph, const std::vector<int>& machine, const Op& op,
             const spec::Config& config) {
  if (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) {
    const bool image = op.kind == OpKind::kConv2D;
    const bool odd = image && is_odd(graph, op) && has_border(graph, op);
    const bool grouped = image && model::groups(graph, op) != 1;
    if (!grouped && reads_twice(graph, op) && meets_thresholds(graph, machine, op)) return kAny;
    return std::min(odd || grouped ? with_zero(config) : kAny,
                    precision_of(graph.in(op, 1).encoding).codes_per_word());
  }
  return keeps_codes(op.kind) ? kAny : kInt8;
}

/// Returns the packings of a concatenation along channels whose parts must begin with whole words.
int joined_limit(const Graph& graph, const Op& op) {
  const model::Tensor& out = graph.out(op);
  if (op.axis != out.rank() - 1 && op.axis != -1) return kInt8;
  return std::max(kInt8, densest([&](const spec::Precision& p) {
                    return std::ranges::all_of(op.inputs, [&](int t) {
                      const model::Tensor& part = graph.tensor(t);
                      return !part.is_constant && part.has_scale_of(out) &&
                             part.extent(-1) % p.codes_per_word() == 0;
                    });
                  }));
}

/// Returns true if only convolutions read the tensor. Padding inside of convolutions is exact in
/// each packing; elsewhere it needs a code.
/// @param bare  true: only convolutions without a border
bool only_convolutions_read(const Graph& graph, const std::vector<int>& machine, int tensor,
                            bool bare = false) {
  if (std::ranges::count(graph.outputs, tensor) > 0) return false;
  bool any = false;
  for (const int i : machine) {
    const Op& op = graph.ops[at(i)];
    if (std::ranges::count(op.inputs, tensor) == 0) continue;
    if (op.kind != OpKind::kConv2D) return false;
    if (bare && has_border(graph, op)) return false;
    any = true;
  }
  return any;
}

/// Returns the packings of a PAD's result with its code. In such a map, +1 without a 0 would be
/// counted after the last channel, where zero bits are the lowest code.
int padding_limit(const Graph& graph, const std::vector<int>& machine, const Op& op) {
  if (!graph.in(op, 2).is_constant) return kInt8;
  const std::int64_t code = graph.in(op, 2).integers().at(0);
  const bool bare =
      !is_odd(graph, op) && only_convolutions_read(graph, machine, op.outputs[0], true);
  return std::max(kInt8, densest([&](const spec::Precision& p) {
                    return p.holds(code) && (p.has_zero || code == p.lowest || bare);
                  }));
}

}  // namespace

const spec::Precision& precision_of(model::Encoding encoding) {
  const spec::Precision* precision = spec::find_precision(
      [&](const spec::Precision& p) { return p.name == model::name_of(encoding); });
  return precision == nullptr ? spec::kInt8 : *precision;
}

bool reads_twice(const Graph& graph, const Op& op) {
  const model::Tensor& weights = graph.in(op, 1);
  return op.kind == OpKind::kConv2D && weights.encoding == model::Encoding::kTernary &&
         weights.extent(1) == 1 && weights.extent(2) == 1 && !has_border(graph, op);
}

std::map<int, int> choose_packing(const Graph& graph, const std::vector<int>& machine,
                                  const spec::Config& config) {
  Classes classes(graph.tensors.size());
  const auto is_map = [&](int t) {
    return t >= 0 && graph.tensor(t).type == model::DataType::kInt8;
  };
  for (const int i : machine) {
    const Op& op = graph.ops[at(i)];
    const bool joins = op.kind == OpKind::kConcatenation && is_map(op.outputs[0]);
    if (joins) {
      classes.limit(op.outputs[0], joined_limit(graph, op));
      for (const int t : op.inputs) classes.unite(t, op.outputs[0]);
      continue;
    }
    for (std::size_t k = 0; k < op.inputs.size(); ++k)
      if (is_map(op.inputs[k]))
        classes.limit(op.inputs[k], k == 0 ? readable(graph, machine, op, config) : kInt8);
    for (const int t : op.outputs) {
      if (!is_map(t)) continue;
      const bool free = op.kind == OpKind::kThreshold || keeps_codes(op.kind);
      classes.limit(t, free ? kAny : kInt8);
      if (op.kind == OpKind::kPad &&
          (is_odd(graph, op) || !only_convolutions_read(graph, machine, t)))
        classes.limit(t, with_zero(config));
      if (op.kind == OpKind::kPadV2) classes.limit(t, padding_limit(graph, machine, op));
    }
    if (keeps_codes(op.kind) && is_map(op.input(0))) classes.unite(op.input(0), op.outputs[0]);
  }
  for (const auto& entry : classes.result()) {
    const model::Tensor& t = graph.tensor(entry.first);
    classes.limit(entry.first, t.is_constant || t.zero_point() != 0
                                   ? kInt8
                                   : precision_of(t.encoding).codes_per_word());
  }
  return classes.result();
}

}  // namespace trine::compiler
