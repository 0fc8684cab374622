// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/interleave.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "spec/memories.h"
#include "spec/timing.h"

namespace trine::compiler {
namespace {

constexpr int kWindow = 24;     ///< layers that may be reordered
constexpr double kSlack = 100;  ///< differences up to which the order is kept, in cycles

int side_of(const Layer& l) { return l.kind == LayerKind::kConv ? 0 : 1; }

// ---- dependencies of layers -------------------------------------------------------------------

bool disjoint(int a, int a_count, int b, int b_count) {
  return a + a_count <= b || b + b_count <= a;
}

/// The channels and rows of a whole map that a layer writes or reads.
struct Access {
  int layer;
  bool writes;
  int channel, channels, y, rows;
  bool odd;  ///< includes words shared with other channels

  bool meets(const Access& o) const {
    return !disjoint(channel, channels, o.channel, o.channels) && !disjoint(y, rows, o.y, o.rows);
  }
};

Access access_of(const Network& network, int layer, int m, bool writes) {
  const Map& map = network.maps[at(m)];
  const Map& whole = network.maps[at(network.whole_of(m))];
  const Part& part = map.part;
  if (part.whole < 0 || part.pixel_words > 0)
    return {layer, writes, 0, whole.shape.C, 0, whole.shape.H, false};
  return {layer,
          writes,
          part.channel,
          map.shape.C,
          part.y,
          (map.shape.H - 1) * part.stride_y + 1,
          map.position() != 0 || map.shape.C % map.shape.per_word != 0};
}

/// Returns, for each layer, the earlier layers that it must follow.
std::vector<std::vector<int>> predecessors(const Network& network) {
  std::vector<std::vector<int>> before(network.layers.size());
  std::map<int, std::vector<Access>> known;  // by whole map
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& l = network.layers[at(i)];
    std::vector<int>& mine = before[at(i)];
    const auto follow = [&](int whole, const Access& a) {
      for (const Access& b : known[whole])
        if ((a.writes || b.writes) && (a.meets(b) || (a.writes && b.writes && (a.odd || b.odd))))
          mine.push_back(b.layer);
    };
    const auto visit = [&](int m, bool writes) {
      if (m < 0) return;
      follow(network.whole_of(m), access_of(network, i, m, writes));
      // A layer that loads a map again waits until the whole map is stored.
      if (const int source = network.source_of(m); source != network.whole_of(m))
        follow(source, access_of(network, i, source, writes));
    };
    for (const int m : {l.input, l.second, l.weights_map}) visit(m, false);
    visit(l.output, true);
    for (const int other : {l.like, l.part_of})
      if (other >= 0) mine.push_back(other);
    for (const int m : {l.input, l.second, l.weights_map})
      if (m >= 0) known[network.whole_of(m)].push_back(access_of(network, i, m, false));
    known[network.whole_of(l.output)].push_back(access_of(network, i, l.output, true));
    std::ranges::sort(mine);
    mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
  }
  return before;
}

double duration(const Plan& plan, int layer) {
  return plan.tilings[at(layer)].expected + timing::kLayerOverhead;
}

// ---- time in which both engines run -----------------------------------------------------------

/// A range of DMEM words.
struct Range {
  std::int64_t first = 0, end = 0;
  bool meets(const Range& o) const { return first < o.end && o.first < end; }
};

class Timeline {
 public:
  Timeline(const Network& network, const Plan& plan)
      : net_(network), plan_(plan), before_(predecessors(network)) {}

  double saved() {
    double saved = 0;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) saved += place(i);
    return saved;
  }

 private:
  struct Span {
    int layer;
    double start, end;
    double words;  ///< of the engine's queue, including all before
  };

  /// @return the cycles saved
  double place(int i) {
    const int side = side_of(net_.layers[at(i)]);
    const std::vector<Span>& others = spans_[at(1 - side)];
    std::vector<Span>& own = spans_[at(side)];
    double start = own.empty() ? 0 : own.back().end;
    const double words = (own.empty() ? 0 : own.back().words) + words_of(i);
    dispatched_ = std::max(dispatched_, has_room(own, words));
    start = std::max(start, dispatched_);
    for (std::size_t k = others.size(); k-- > 0 && others[k].end > start;)
      if (others.size() - k > kLookBack || waits(others[k].layer, i))
        start = std::max(start, others[k].end);
    const Span span{i, start, start + duration(plan_, i), words};
    own.push_back(span);
    double saved = 0;
    for (std::size_t k = others.size(); k-- > 0 && others[k].end > start;) {
      const double both = std::min(others[k].end, span.end) - std::max(others[k].start, start);
      if (both > 0) saved += both * (1 - gathers(side == 1 ? i : others[k].layer));
    }
    return saved;
  }

  /// Returns the program words of layer i. Its first RUN sets all registers, later ones only those
  /// that change.
  double words_of(int i) const {
    const Tiling& t = plan_.tilings[at(i)];
    const Layer& l = net_.layers[at(i)];
    const int channels = net_.maps[at(l.output)].shape.C;
    const double runs = static_cast<double>(divide_up(l.window.P, t.rows)) *
                        divide_up(l.window.Q, t.cols) * divide_up(channels, t.chunk);
    return kFirstRun + (runs - 1) * kNextRun;
  }

  /// Returns the cycle in which the engine's queue has accepted `words` words.
  static double has_room(const std::vector<Span>& own, double words) {
    const double begun = words - spec::kQueueWords;  // that have left the queue
    for (std::size_t k = own.size(); k-- > 0;) {
      const double before = k > 0 ? own[k - 1].words : 0;
      if (begun <= before) continue;
      const double part = std::min(1.0, (begun - before) / (own[k].words - before));
      return own[k].start + part * (own[k].end - own[k].start);
    }
    return 0;
  }

  /// Returns true if the layer needs the result or the DMEM words of `other`.
  bool waits(int other, int i) const {
    if (std::ranges::binary_search(before_[at(i)], other)) return true;
    const Layer &a = net_.layers[at(other)], &b = net_.layers[at(i)];
    if (buffers(other).meets(buffers(i))) return true;
    for (const int m : {a.input, a.second, a.weights_map, a.output})
      if (share(m, b.output) || in_buffers(m, i)) return true;
    for (const int m : {b.input, b.second, b.weights_map})
      if (share(m, a.output) || in_buffers(m, other)) return true;
    return in_buffers(b.output, other);
  }

  /// Returns true if two maps, or parts of different maps, share a word.
  bool share(int a, int b) const {
    if (a < 0 || b < 0 || net_.whole_of(a) == net_.whole_of(b)) return false;
    return range_of(a).meets(range_of(b));
  }

  bool in_buffers(int m, int layer) const { return m >= 0 && range_of(m).meets(buffers(layer)); }

  Range range_of(int m) const {
    const int whole = net_.whole_of(m);
    const Placement& p = plan_.maps[at(whole)];
    if (!p.resident) return {};
    const std::int64_t words = p.dmem.plane * net_.maps[at(whole)].shape.channel_words();
    return {p.dmem.origin, p.dmem.origin + words};
  }

  Range buffers(int i) const {
    return {plan_.scratch[at(i)], plan_.scratch[at(i)] + plan_.tilings[at(i)].scratch_words()};
  }

  /// Returns the part of a vector layer's cycles in which it uses the gather port, so that the
  /// array waits. Loads are in order, so the loads of its parts delay the array's weights.
  double gathers(int i) const {
    const Layer& l = net_.layers[at(i)];
    if (l.by_dma) return kBanks;
    if (plan_.tilings[at(i)].input_words > 0) return 1;
    const double taps = l.two_operands() ? 2 : l.window.R * l.window.S;
    return taps / (taps + timing::kVectorWord);
  }

  static constexpr std::size_t kLookBack = 8;
  static constexpr double kBanks = 0.4;  ///< of a beat, which takes banks from the gather
  static constexpr double kFirstRun = 24, kNextRun = 6;  // words

  const Network& net_;
  const Plan& plan_;
  const std::vector<std::vector<int>> before_;
  std::array<std::vector<Span>, 2> spans_;  ///< of the array and of the vector unit
  double dispatched_ = 0;
};

}  // namespace

bool can_interleave(const Network& network) {
  return !network.in_steps && std::ranges::any_of(network.layers, [](const Layer& l) {
    return side_of(l) == 1;
  }) && std::ranges::none_of(network.layers, [](const Layer& l) {
    return l.over_channels() || l.weights_map >= 0;
  }) && std::ranges::none_of(network.maps, &Map::is_state);
}

double cycles_beside(const Network& network, const Plan& plan) {
  return !can_interleave(network) ? 0 : Timeline(network, plan).saved();
}

std::vector<int> interleaved(const Network& network, const Plan& plan) {
  const auto count = static_cast<int>(network.layers.size());
  const auto before = predecessors(network);
  std::vector<int> order, left(at(count));
  std::iota(left.begin(), left.end(), 0);
  std::vector<double> end(at(count), -1);
  std::array<double, 2> free{};
  const auto start_of = [&](int i) {
    double start = free[at(side_of(network.layers[at(i)]))];
    for (const int p : before[at(i)]) {
      if (end[at(p)] < 0) return std::numeric_limits<double>::infinity();
      start = std::max(start, end[at(p)]);
    }
    return start;
  };
  while (!left.empty()) {
    const auto near = left.begin() + std::min<std::ptrdiff_t>(kWindow, std::ssize(left));
    double first = std::numeric_limits<double>::infinity();
    for (auto i = left.begin(); i != near; ++i) first = std::min(first, start_of(*i));
    // If both can start, the vector unit's layer comes first, because it ends sooner. At the
    // network's begin the array's layer comes first, because nothing hides the load of its weights.
    const std::array<int, 2> sides{order.empty() ? 0 : 1, order.empty() ? 1 : 0};
    auto next = near;
    for (const int side : sides)
      for (auto i = left.begin(); i != near && next == near; ++i)
        if (side_of(network.layers[at(*i)]) == side && start_of(*i) <= first + kSlack) next = i;
    const int i = *next;
    end[at(i)] = start_of(i) + duration(plan, i);
    free[at(side_of(network.layers[at(i)]))] = end[at(i)];
    order.push_back(i);
    left.erase(next);
  }
  return order;
}

std::vector<Stretch> stretches_of(const Network& network, const std::vector<int>& order) {
  std::vector<Stretch> stretches;
  const auto likes = [&](const Stretch& a, const Stretch& b) {  // stripes of the same layers
    for (int i = b.first; i <= b.last; ++i)
      if (const int like = network.layers[at(i)].like; like >= 0 && like <= a.last) return true;
    return false;
  };
  int most = -1, first = 0;
  for (int i = 0; i < static_cast<int>(order.size()); ++i) {
    most = std::max(most, order[at(i)]);
    if (most > i) continue;
    const Stretch found{first, i};
    first = i + 1;
    if (found.first == found.last) continue;
    if (!stretches.empty() && likes(stretches.back(), found))
      stretches.back().last = found.last;
    else
      stretches.push_back(found);
  }
  return stretches;
}

Network reordered(const Network& network, const std::vector<int>& order,
                  const std::vector<Stretch>& stretches) {
  std::vector<int> from(order.size()), to(order.size());
  std::iota(from.begin(), from.end(), 0);
  for (const Stretch& s : stretches)
    std::copy(order.begin() + s.first, order.begin() + s.last + 1, from.begin() + s.first);
  for (std::size_t i = 0; i < from.size(); ++i) to[at(from[i])] = static_cast<int>(i);
  Network result = network;
  for (std::size_t i = 0; i < from.size(); ++i) {
    result.layers[i] = network.layers[at(from[i])];
    for (int* other : {&result.layers[i].like, &result.layers[i].part_of})
      if (*other >= 0) *other = to[at(*other)];
  }
  set_lifetimes(result);
  return result;
}

}  // namespace trine::compiler
