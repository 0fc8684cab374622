// SPDX-License-Identifier: Apache-2.0
//
// Cuts attention into units. With scores, softmax and mixture of all heads one after the other, all
// scores would have to exist at once, and array and vector unit would wait for each other. A unit
// is one head, or some of its tokens. Its scores stay on the chip, and the array multiplies the
// next unit while the vector unit works on this one. Keys and values that do not fit PMEM are
// loaded once for each unit. In that case one head is planned separately to choose the size of
// units.

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sw/base/division.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/transform/passes.h"
#include "sw/compiler/transform/section.h"

namespace trine::compiler {
namespace {

/// The number of units whose scores come before a unit's mixture, if units are heads and if they
/// are parts of heads.
constexpr std::size_t kHeadsAhead = 2, kPartsAhead = 1;
/// Sixteenths of DMEM that a unit's scores may use. Larger ones are used if they gain this share of
/// the cycles.
constexpr std::array<int, 3> kRooms{2, 4, 5};
constexpr double kRoomGain = 0.02;

/// Two products before and after a SOFTMAX that use the same pixels of its maps.
struct Head {
  int scores, mixture;  ///< layers
  int tokens;
};

struct Block {
  int softmax;
  std::vector<Head> heads;
};

class Attention {
 public:
  /// @param only  sixteenths of DMEM for the units of all blocks; if not given, the best for each
  /// block
  Attention(const Network& net, const spec::Config& config, std::optional<int> only = {})
      : net_(net), config_(config), only_(only) {}

  std::optional<Network> run() {
    bool changed = false;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      if (layer(i).kind != LayerKind::kSoftmax || layer(i).wide) continue;
      const std::optional<Block> block = block_around(i);
      if (!block || !pays(*block)) continue;
      const int last = cut(*block);
      changed = changed || last != i;
      i = last;
    }
    if (!changed) return std::nullopt;
    set_lifetimes(net_);
    return std::move(net_);
  }

 private:
  const Layer& layer(int i) const { return net_.layers[at(i)]; }
  const Map& map(int m) const { return net_.maps[at(m)]; }

  bool reads(const Layer& l, int whole) const {
    for (const int m : {l.input, l.second, l.weights_map})
      if (m >= 0 && (net_.whole_of(m) == whole || net_.source_of(m) == whole)) return true;
    return false;
  }

  /// Returns true for a product of two maps that consist of one row of pixels.
  static bool is_product(const Layer& l) {
    return l.kind == LayerKind::kConv && l.weights_map >= 0 && l.second < 0 && l.window.P == 1 &&
           l.sweeps.size() == 1;
  }

  std::optional<Block> block_around(int softmax) const {
    const int scores = layer(softmax).input, weights = layer(softmax).output;
    const auto inner = [&](int m) { return map(m).is_temporary() && map(m).part.whole < 0; };
    if (!inner(scores) || !inner(weights)) return std::nullopt;
    Block block{softmax, {}};
    std::vector<int> mixtures;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      if (i == softmax) continue;
      const Layer& l = layer(i);
      if (reads(l, scores) || net_.whole_of(l.output) == weights) return std::nullopt;
      if (net_.whole_of(l.output) == scores) {
        const Part& part = map(l.output).part;
        if (!is_product(l) || part.stride_x != 1 || l.channels != map(scores).shape.C)
          return std::nullopt;
        block.heads.push_back({i, -1, l.window.Q});
      }
      if (!reads(l, weights)) continue;
      if (!is_product(l) || l.input != weights || net_.whole_of(l.weights_map) == weights ||
          l.window.stride_x != 1)
        return std::nullopt;
      mixtures.push_back(i);
    }
    if (block.heads.empty() || mixtures.size() != block.heads.size()) return std::nullopt;
    for (Head& head : block.heads) {
      const Part& part = map(layer(head.scores).output).part;
      for (const int m : mixtures) {
        const Geometry& g = layer(m).window;
        if (-g.pad_top == part.y && -g.pad_left == part.x && g.Q == head.tokens) head.mixture = m;
      }
      if (head.mixture < 0) return std::nullopt;
    }
    return block;
  }

  std::int64_t weight_words(int product) const {
    const Shape& shape = map(layer(product).weights_map).shape;
    return shape.channel_words() * shape.pixels();
  }

  /// Returns the sixteenths of DMEM for a unit's scores. Keys and values that fit PMEM are loaded
  /// once.
  int best_room(const Block& block) {
    if (only_) return *only_;
    const Head& head = block.heads[0];
    if (weight_words(head.scores) + weight_words(head.mixture) <=
        config_.pmem_rows() * config_.cols)
      return kRooms[0];
    Network alone = section(net_, {head.scores, block.softmax, head.mixture}, nullptr);
    for (Map& m : alone.maps) {
      m.input = m.written.first < 0 && !m.constant() && m.part.whole < 0;
      m.output = m.written.first == 2 && m.part.whole < 0;
    }
    const auto [known, is_new] = known_.try_emplace(key_of(alone), kRooms[0]);
    if (!is_new) return known->second;
    double least = std::numeric_limits<double>::max();
    for (const int room : kRooms) {
      const std::optional<Network> tried = Attention(alone, config_, room).run();
      const std::optional<Plan> plan = tried ? quick_plan(*tried, config_) : std::nullopt;
      if (!plan || plan->cycles > (1 - kRoomGain) * least) continue;
      least = plan->cycles;
      known->second = room;
    }
    return known->second;
  }

  /// Returns the tokens of a unit.
  int unit_tokens(const Head& head, int sixteenths) const {
    const int words = map(layer(head.scores).output).shape.channel_words();
    const auto room = static_cast<int>(config_.dmem_words() * sixteenths / 16 / words);
    const int most = std::max(1, room / config_.rows) * config_.rows;
    const int parts = divide_up(head.tokens, most);
    return divide_up(divide_up(head.tokens, parts), config_.rows) * config_.rows;
  }

  /// Returns true if units gain. Heads shorter than a vector leave lanes idle that all heads
  /// together would use.
  bool pays(const Block& block) const {
    const std::int64_t scores =
        std::int64_t{map(layer(block.softmax).input).shape.channel_words()} *
        map(layer(block.softmax).input).shape.pixels();
    return block.heads[0].tokens >= config_.rows || scores > config_.dmem_words() / 4;
  }

  /// Returns true if the layer reads a map of `made`, to which maps of its followers are added.
  bool follows(const Layer& l, const std::set<int>& made) const {
    return std::ranges::any_of(made, [&](int m) { return reads(l, m); });
  }

  /// Replaces the block by its units. @return the position of the last unit
  int cut(const Block& block) {
    std::set<int> members{block.softmax}, made{layer(block.softmax).output}, mixtures, mixed;
    for (const Head& h : block.heads) {
      members.insert({h.scores, h.mixture});
      mixtures.insert(h.mixture);
      mixed.insert(net_.whole_of(layer(h.mixture).output));
      made.insert({net_.whole_of(layer(h.scores).output), net_.whole_of(layer(h.mixture).output)});
    }
    // Layers that need no result of the block come before it, unless a layer that wrote into the
    // same map earlier comes after it. The reason is that the layer that writes the first channel
    // of a word clears the other channels.
    std::vector<Layer> before, after;
    std::set<int> late;
    for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) {
      if (members.contains(i)) continue;
      const int whole = net_.whole_of(layer(i).output);
      const bool beside = i > *mixtures.begin() && mixed.contains(whole);
      if (beside && i < *mixtures.rbegin()) return block.softmax;
      const bool follower = i > *members.begin() && follows(layer(i), made);
      if (beside || follower || late.contains(whole)) {
        made.insert(whole);
        late.insert(whole);
        after.push_back(layer(i));
      } else {
        before.push_back(layer(i));
      }
    }
    for (const int m : members)
      if (follows(layer(m), late)) return block.softmax;
    std::vector<Layer> units = units_of(block, best_room(block));
    net_.layers = std::move(before);
    net_.layers.insert(net_.layers.end(), units.begin(), units.end());
    const auto last = static_cast<int>(net_.layers.size()) - 1;
    net_.layers.insert(net_.layers.end(), after.begin(), after.end());
    return last;
  }

  /// Returns the units. The mixture of a unit comes after the scores of the next units.
  std::vector<Layer> units_of(const Block& block, int room) {
    std::vector<Layer> layers;
    std::deque<Layer> mixtures;
    for (const Head& head : block.heads) {
      const int size = unit_tokens(head, room);
      const std::size_t ahead = size < head.tokens ? kPartsAhead : kHeadsAhead;
      for (int first = 0; first < head.tokens; first += size) {
        const int count = std::min(size, head.tokens - first);
        const int scores = unit_map(layer(block.softmax).input, count);
        const int weights = unit_map(layer(block.softmax).output, count);
        layers.push_back(part_of(layer(head.scores), first, count));
        layers.back().output = scores;
        Layer softmax = layer(block.softmax);
        softmax.input = scores;
        softmax.output = weights;
        softmax.window.H = softmax.window.P = 1;
        softmax.window.W = softmax.window.Q = count;
        layers.push_back(softmax);
        if (mixtures.size() >= ahead) {
          layers.push_back(mixtures.front());
          mixtures.pop_front();
        }
        Layer mixture = part_of(layer(head.mixture), first, count);
        mixture.input = weights;
        mixture.window.H = 1;
        mixture.window.W = count;
        mixture.window.pad_top = mixture.window.pad_left = 0;
        mixture.output = output_part(layer(head.mixture).output, first, count);
        set_sweeps(mixture);
        mixtures.push_back(mixture);
      }
    }
    layers.insert(layers.end(), mixtures.begin(), mixtures.end());
    return layers;
  }

  Layer part_of(Layer l, int first, int count) const {
    l.macs = l.macs * count / l.window.Q;
    l.window.Q = count;
    l.window.pad_left -= first * l.window.stride_x;
    set_sweeps(l);
    return l;
  }

  int unit_map(int like, int tokens) {
    Map m = map(like).inner_copy();
    m.shape.H = 1;
    m.shape.W = tokens;
    return net_.add(std::move(m));
  }

  int output_part(int output, int first, int count) {
    if (count == map(output).shape.W) return output;
    Map m = map(output).inner_copy();
    if (m.part.whole < 0) m.part = {output};
    m.part.x += first * m.part.stride_x;
    m.shape.W = count;
    return net_.add(std::move(m));
  }

  Network net_;
  const spec::Config& config_;
  const std::optional<int> only_;
  std::map<std::vector<int>, int> known_;  ///< by key_of() of a single head
};

}  // namespace

std::optional<Network> cut_attention(const Network& network, const spec::Config& config,
                                     int& /*place*/) {
  return Attention(network, config).run();
}

}  // namespace trine::compiler
